//! An event as one node tells it to another in the readable gossip dialect, where a script with a WebSocket can be a peer.

use serde_json::Value;

use crate::report::{object, required, score, source, text};
use crate::words::kind;
use crate::{BeautyEvent, EventId, Origin, ReportError, Timestamp};

/// The event object of the readable dialect, with who reports it:
/// `{"event_id": UUID, "node_id": name, "timestamp": milliseconds or RFC 3339, "beauty": number in [0, 1], "source": text}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who reports the event: `node_id`. A claim; nothing here is signed.
    pub origin: Origin,
    /// The event.
    pub event: BeautyEvent,
}

impl Told {
    /// Reads the event object. `source` may be absent; unknown fields are ignored, so that the dialect can grow.
    ///
    /// # Errors
    /// A [`ReportError`] that says which field is wrong and what would be right.
    pub fn parse(json: &str) -> Result<Told, ReportError> {
        let value: Value =
            serde_json::from_str(json).map_err(|error| ReportError::NotJson { problem: error.to_string() })?;
        let fields = object(&value)?;
        let id = required(fields, "event_id")?;
        let node = text(required(fields, "node_id")?, "node_id", "a string of 1 to 64 characters")?;
        let event = BeautyEvent {
            id: event_id(id)?,
            at: Timestamp::parse(required(fields, "timestamp")?)?,
            score: score(fields)?,
            source: source(fields)?,
        };
        Ok(Told { origin: Origin::new(node)?, event })
    }

    /// Writes the event object, in the order of the fields above: the timestamp in milliseconds, beauty as a number.
    pub fn to_json(&self) -> String {
        // Put together by hand for the order of the fields; each value escapes itself.
        format!(
            r#"{{"event_id":"{}","node_id":{},"timestamp":{},"beauty":{},"source":{}}}"#,
            self.event.id,
            Value::from(self.origin.as_str()),
            self.event.at.as_millis(),
            Value::from(self.event.score.as_f64()),
            Value::from(self.event.source.as_str()),
        )
    }
}

fn event_id(value: &Value) -> Result<EventId, ReportError> {
    let right = "a UUID such as \"0198c5a1-7d3e-7b42-9c1f-3a5e8d7b6c4f\"";
    let wrong = || ReportError::WrongType { field: "event_id", found: kind(value), right };
    value.as_str().ok_or_else(wrong)?.parse().map_err(|_| wrong())
}
