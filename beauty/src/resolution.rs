//! The five resolutions at which time is cut into slots.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Timestamp;
use crate::heatmap::MAX_COLUMNS;
use crate::words::quoted;

/// How wide a slot of time is. Slots are counted from the epoch, so every node cuts time at the same places.
///
/// Each resolution is a whole multiple of the finer ones: a slot never straddles a coarser one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// 10 seconds.
    TenSeconds,
    /// 1 minute.
    Minute,
    /// 10 minutes.
    TenMinutes,
    /// 1 hour.
    Hour,
    /// 1 day, in UTC.
    Day,
}

impl Resolution {
    /// All resolutions, finest first.
    pub const ALL: [Resolution; 5] =
        [Resolution::TenSeconds, Resolution::Minute, Resolution::TenMinutes, Resolution::Hour, Resolution::Day];

    /// The width of a slot in milliseconds.
    pub const fn millis(self) -> u64 {
        self.seconds() * 1_000
    }

    /// The width of a slot in seconds.
    pub const fn seconds(self) -> u64 {
        match self {
            Resolution::TenSeconds => 10,
            Resolution::Minute => 60,
            Resolution::TenMinutes => 600,
            Resolution::Hour => 3_600,
            Resolution::Day => 86_400,
        }
    }

    /// How many columns of the whole mesh a node is sure to keep, up to any moment, that keeps events for so many hours.
    pub const fn kept_columns(self, retention_hours: usize) -> usize {
        match self {
            // 1 hour.
            Resolution::TenSeconds => 360,
            // 6 hours.
            Resolution::Minute => 360,
            // 3 days.
            Resolution::TenMinutes => 432,
            // The whole retention, and no less than a map shows.
            Resolution::Hour if retention_hours > MAX_COLUMNS => retention_hours,
            Resolution::Hour => MAX_COLUMNS,
            // 400 days.
            Resolution::Day => 400,
        }
    }

    /// The resolution whose slots are so many seconds wide, if there is one.
    pub fn from_seconds(seconds: u64) -> Option<Resolution> {
        Resolution::ALL.into_iter().find(|resolution| resolution.seconds() == seconds)
    }

    /// The next finer resolution; none below 10 seconds.
    pub fn finer(self) -> Option<Resolution> {
        Resolution::ALL.into_iter().rev().find(|other| *other < self)
    }

    /// The next coarser resolution; none above a day.
    pub fn coarser(self) -> Option<Resolution> {
        Resolution::ALL.into_iter().find(|other| *other > self)
    }

    /// The start of the slot that holds a moment.
    pub const fn floor(self, at: Timestamp) -> Timestamp {
        self.start(self.slot(at))
    }

    /// The number of the slot that holds a moment, counted from the epoch.
    pub(crate) const fn slot(self, at: Timestamp) -> u64 {
        at.as_millis() / self.millis()
    }

    /// The start of a slot. A number past the end of time gives the end of time.
    pub(crate) const fn start(self, slot: u64) -> Timestamp {
        Timestamp::from_millis(slot.saturating_mul(self.millis()))
    }

    /// How many slots a span may reach beyond the slot that it starts in.
    pub(crate) const fn slots_ahead(self, millis: u64) -> u64 {
        millis.div_ceil(self.millis())
    }

    /// The name, as [`FromStr`] takes it.
    const fn name(self) -> &'static str {
        match self {
            Resolution::TenSeconds => "10s",
            Resolution::Minute => "1m",
            Resolution::TenMinutes => "10m",
            Resolution::Hour => "1h",
            Resolution::Day => "1d",
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Resolution {
    type Err = ResolutionError;

    fn from_str(text: &str) -> Result<Resolution, ResolutionError> {
        Resolution::ALL
            .into_iter()
            .find(|resolution| resolution.name() == text)
            .ok_or_else(|| ResolutionError { found: quoted(text) })
    }
}

/// A text names no resolution.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{found} is not a resolution: 10s, 1m, 10m, 1h and 1d are allowed")]
pub struct ResolutionError {
    /// The text, quoted, escaped and cut short.
    found: String,
}
