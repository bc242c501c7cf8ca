//! One entry of what is posted: `{"beauty": 0.7, "timestamp": 1767225600000, "source": "mood"}`, the last two optional.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::words::{kind, quoted};
use crate::{BeautyEvent, EventId, NameError, Score, ScoreError, Source, Timestamp, TimestampError};

/// What a local source reports. It becomes an event when the node gives it an id and, where it has none, a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How beautiful it was.
    pub score: Score,
    /// When it was; none means now.
    pub at: Option<Timestamp>,
    /// What it is about; empty where nothing was said.
    pub source: Source,
}

impl Report {
    /// Reads a JSON object `{beauty, timestamp?, source?}`. An optional field may also be `null`. A field with any other name
    /// is refused: whoever writes `time` for `timestamp` should hear of it.
    ///
    /// # Errors
    /// A [`ReportError`] that says which field is wrong and what would be right.
    pub fn parse(value: &Value) -> Result<Report, ReportError> {
        let fields = object(value)?;
        if let Some(field) = fields.keys().find(|field| !["beauty", "timestamp", "source"].contains(&field.as_str())) {
            return Err(ReportError::UnknownField { field: quoted(field) });
        }
        let at = optional(fields, "timestamp").map(Timestamp::parse).transpose()?;
        Ok(Report { score: score(fields)?, at, source: source(fields)? })
    }

    /// The event: with the id that the node gives it, at `now` where the report has no time of its own.
    pub fn into_event(self, id: EventId, now: Timestamp) -> BeautyEvent {
        BeautyEvent { id, at: self.at.unwrap_or(now), score: self.score, source: self.source }
    }
}

/// Why a JSON value is not an event. The text is for whoever sent it.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ReportError {
    /// Not JSON at all.
    #[error("this is not JSON: {problem}")]
    NotJson {
        /// What is wrong, with line and column.
        problem: String,
    },
    /// JSON, but no object.
    #[error("an event is a JSON object, and this is {found}")]
    NotAnObject {
        /// What came in.
        found: String,
    },
    /// A field that no report has.
    #[error("{field} is not a field of an event: \"beauty\", \"timestamp\" and \"source\" are allowed")]
    UnknownField {
        /// The field's name, quoted, escaped and cut short.
        field: String,
    },
    /// A required field is not there.
    #[error("\"{field}\" is missing")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// A field holds the wrong kind of value.
    #[error("\"{field}\" is {found}: {right} is right")]
    WrongType {
        /// The field's name.
        field: &'static str,
        /// What came in.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// `beauty` is not a score.
    #[error("\"beauty\": {0}")]
    Score(#[from] ScoreError),
    /// `timestamp` is not a moment.
    #[error("{0}")]
    Timestamp(#[from] TimestampError),
    /// `source` or `node_id` is not a name.
    #[error("{0}")]
    Name(#[from] NameError),
}

pub(crate) fn object(value: &Value) -> Result<&Map<String, Value>, ReportError> {
    value.as_object().ok_or_else(|| ReportError::NotAnObject { found: kind(value) })
}

/// A field's value; none where it is absent or `null`.
pub(crate) fn optional<'a>(fields: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    fields.get(field).filter(|value| !value.is_null())
}

pub(crate) fn required<'a>(fields: &'a Map<String, Value>, field: &'static str) -> Result<&'a Value, ReportError> {
    fields.get(field).ok_or(ReportError::Missing { field })
}

/// A value that has to be a string.
pub(crate) fn text<'a>(value: &'a Value, field: &'static str, right: &'static str) -> Result<&'a str, ReportError> {
    value.as_str().ok_or_else(|| ReportError::WrongType { field, found: kind(value), right })
}

/// The field `beauty`.
pub(crate) fn score(fields: &Map<String, Value>) -> Result<Score, ReportError> {
    let value = required(fields, "beauty")?;
    let number = value.as_f64().ok_or_else(|| ReportError::WrongType {
        field: "beauty",
        found: kind(value),
        right: "a number in [0, 1]",
    })?;
    Ok(Score::try_from(number)?)
}

/// The field `source`, empty where there is none.
pub(crate) fn source(fields: &Map<String, Value>) -> Result<Source, ReportError> {
    match optional(fields, "source") {
        Some(value) => Ok(Source::new(text(value, "source", "a string of up to 64 characters")?)?),
        None => Ok(Source::default()),
    }
}
