//! Moments in time. This crate reads no clock: every moment comes in as an argument.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use thiserror::Error;

use crate::words::{kind, quoted};

/// The last millisecond of the year 9999, the last that RFC 3339 can write.
const YEAR_9999: u64 = 253_402_300_799_999;

/// A moment: milliseconds since the Unix epoch, 1970-01-01T00:00:00Z, leap seconds not counted. A number in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment so many milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Timestamp {
        Timestamp(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// So many milliseconds later; at the end of time, the end of time.
    #[must_use]
    pub const fn saturating_add(self, millis: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(millis))
    }

    /// So many milliseconds earlier; before the epoch, the epoch.
    #[must_use]
    pub const fn saturating_sub(self, millis: u64) -> Timestamp {
        Timestamp(self.0.saturating_sub(millis))
    }

    /// Milliseconds from an earlier moment to this one; 0 if that moment is later.
    pub const fn saturating_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads a moment from JSON: whole milliseconds since the epoch, or a string in RFC 3339 with any offset. What a string
    /// says beyond milliseconds is cut off.
    ///
    /// # Errors
    /// A [`TimestampError`] that says what was found and what would be right.
    pub fn parse(value: &Value) -> Result<Timestamp, TimestampError> {
        match value {
            Value::Number(number) => from_number(number),
            Value::String(text) => from_rfc3339(text),
            other => Err(TimestampError::WrongType { found: kind(other) }),
        }
    }
}

/// Whole milliseconds. JSON knows one kind of number, so `1.7e12` is as whole as `1700000000000`.
fn from_number(number: &Number) -> Result<Timestamp, TimestampError> {
    let millis = match (number.as_u64(), number.as_f64()) {
        (Some(millis), _) => millis,
        (None, Some(float)) if float < 0.0 => return Err(TimestampError::Negative { found: number.to_string() }),
        (None, Some(float)) if float > YEAR_9999 as f64 => {
            return Err(TimestampError::TooLarge { found: number.to_string() });
        }
        // In range by the arms above, and whole: the cast keeps the value.
        (None, Some(float)) if float.fract() == 0.0 => float as u64,
        _ => return Err(TimestampError::Fractional { found: number.to_string() }),
    };
    if millis > YEAR_9999 {
        return Err(TimestampError::TooLarge { found: number.to_string() });
    }
    Ok(Timestamp(millis))
}

fn from_rfc3339(text: &str) -> Result<Timestamp, TimestampError> {
    let moment: jiff::Timestamp = text.parse().map_err(|_| TimestampError::NotRfc3339 { found: quoted(text) })?;
    u64::try_from(moment.as_millisecond())
        .ok()
        .filter(|_| moment >= jiff::Timestamp::UNIX_EPOCH)
        .map(Timestamp)
        .ok_or_else(|| TimestampError::Negative { found: quoted(text) })
}

/// RFC 3339 in UTC; past the year 9999, the milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = i64::try_from(self.0).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        match moment {
            Some(moment) => write!(f, "{moment}"),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// Why a JSON value is not a moment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimestampError {
    /// Before the epoch.
    #[error("timestamp {found} lies before 1970-01-01T00:00:00Z: send milliseconds since then, 0 or more, or RFC 3339")]
    Negative {
        /// What came in.
        found: String,
    },
    /// Not whole milliseconds.
    #[error("timestamp {found} is not whole: send whole milliseconds since 1970, without a fraction, or RFC 3339")]
    Fractional {
        /// What came in.
        found: String,
    },
    /// Past the year 9999.
    #[error("timestamp {found} lies past the year 9999: send milliseconds since 1970, not micro- or nanoseconds")]
    TooLarge {
        /// What came in.
        found: String,
    },
    /// A string that is no RFC 3339 moment.
    #[error("timestamp {found} is not RFC 3339: 2026-01-31T12:00:00Z and 2026-01-31T13:00:00.250+01:00 are right")]
    NotRfc3339 {
        /// What came in, quoted, escaped and cut short.
        found: String,
    },
    /// Neither number nor string.
    #[error("timestamp is {found}: send milliseconds since 1970 as a number, or RFC 3339 as a string")]
    WrongType {
        /// What came in.
        found: String,
    },
}
