//! The only place that reads the wall clock.

use beauty::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by the clock on the wall. A clock set before 1970 reads as 1970.
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
