//! Why an event may not come in at this time.

use thiserror::Error;

use crate::words::span;
use crate::{LedgerConfig, Timestamp};

/// An event lies too far from `now`. Not final: nothing is remembered, and the event may come again when clocks allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimeRefusal {
    /// It lies further ahead than the tolerance.
    #[error("the event lies {} in the future, and {} are allowed: check the clock that made its timestamp", span(*.by), span(*.allowed))]
    TooFarAhead {
        /// How far ahead of `now`, in milliseconds.
        by: u64,
        /// How far is allowed, in milliseconds.
        allowed: u64,
    },
    /// It is older than the retention.
    #[error("the event is {} old, and {} are kept: send newer events, or keep them longer here", span(*.by), span(*.allowed))]
    TooOld {
        /// How old, in milliseconds.
        by: u64,
        /// How old is allowed, in milliseconds.
        allowed: u64,
    },
}

impl TimeRefusal {
    /// A stable word for counters: `from_the_future` or `older_than_retention`.
    pub const fn reason(&self) -> &'static str {
        match self {
            TimeRefusal::TooFarAhead { .. } => "from_the_future",
            TimeRefusal::TooOld { .. } => "older_than_retention",
        }
    }

    /// Refuses what lies outside the bounds; the bounds themselves are allowed.
    pub(crate) fn check(at: Timestamp, now: Timestamp, config: &LedgerConfig) -> Result<(), TimeRefusal> {
        let (ahead, age) = (at.saturating_since(now), now.saturating_since(at));
        if ahead > config.future_millis() {
            return Err(TimeRefusal::TooFarAhead { by: ahead, allowed: config.future_millis() });
        }
        if age > config.retention_millis() {
            return Err(TimeRefusal::TooOld { by: age, allowed: config.retention_millis() });
        }
        Ok(())
    }
}
