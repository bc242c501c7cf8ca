//! A score: how beautiful something is, from 0 (not at all) to 1 (wholly).
//!
//! Fixed point, in millionths, so that sums of scores are exact on every machine and in any order.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// How many micro-units make 1.
const MICROS: u32 = 1_000_000;

/// A score from 0 to 1, kept as 0..=1,000,000 micro-units.
///
/// In JSON and other readable formats it is a number in [0, 1]; in binary formats it is the micro-units, a `u32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(u32);

impl Score {
    /// The least score, 0.
    pub const MIN: Score = Score(0);
    /// The greatest score, 1.
    pub const MAX: Score = Score(MICROS);

    /// A score of so many millionths.
    ///
    /// # Errors
    /// [`ScoreError::TooManyMicros`] above 1,000,000.
    pub fn from_micros(micros: u32) -> Result<Score, ScoreError> {
        if micros <= MICROS { Ok(Score(micros)) } else { Err(ScoreError::TooManyMicros { micros }) }
    }

    /// The score in millionths, 0..=1,000,000.
    pub const fn micros(self) -> u32 {
        self.0
    }

    /// The score as a number in [0, 1]: one IEEE division, so the same on every machine.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(MICROS)
    }
}

impl TryFrom<f64> for Score {
    type Error = ScoreError;

    /// Rounds to the nearest millionth. What lies outside [0, 1], by however little, is refused and not rounded in.
    fn try_from(value: f64) -> Result<Score, ScoreError> {
        if value.is_nan() {
            return Err(ScoreError::NotANumber);
        }
        if value.is_infinite() {
            return Err(ScoreError::Infinite { sign: if value > 0.0 { "+" } else { "-" } });
        }
        if !(0.0..=1.0).contains(&value) {
            return Err(ScoreError::OutOfRange { value });
        }
        // In range by the check above, so the cast keeps the value.
        Ok(Score((value * f64::from(MICROS)).round() as u32))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_f64(), f)
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.as_f64())
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Score, D::Error> {
        let score = if deserializer.is_human_readable() {
            Score::try_from(f64::deserialize(deserializer)?)
        } else {
            Score::from_micros(u32::deserialize(deserializer)?)
        };
        score.map_err(de::Error::custom)
    }
}

/// Why a number is not a score.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum ScoreError {
    /// NaN.
    #[error("a score can't be NaN: send a number in [0, 1], or nothing where nothing was measured")]
    NotANumber,
    /// Plus or minus infinity.
    #[error("a score can't be {sign}infinity: send a number in [0, 1]")]
    Infinite {
        /// `+` or `-`.
        sign: &'static str,
    },
    /// Finite, and below 0 or above 1.
    #[error("{value:?} is not a score: scores lie in [0, 1]")]
    OutOfRange {
        /// The number that came in.
        value: f64,
    },
    /// More micro-units than make 1.
    #[error("{micros} micro-units are not a score: 0 to 1000000 are allowed, which is [0, 1]")]
    TooManyMicros {
        /// The number that came in.
        micros: u32,
    },
}
