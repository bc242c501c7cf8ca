//! How often a line is written into the log that others can cause.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_secs(10);

/// Lets one line through in ten seconds, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct LogGate {
    last: Option<Instant>,
    withheld: u64,
}

impl LogGate {
    /// `Some(how many were withheld before)` if a line may be written now.
    pub(crate) fn pass(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            self.withheld += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_one_line_in_ten_seconds_and_none_is_forgotten() {
        let (mut gate, start) = (LogGate::default(), Instant::now());
        assert_eq!(gate.pass(start), Some(0));
        assert!((0..500).all(|n| gate.pass(start + Duration::from_millis(n)).is_none()));
        assert_eq!(gate.pass(start + PAUSE), Some(500));
    }
}
