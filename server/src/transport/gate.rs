//! How often a line is written into the log that others can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_secs(10);

/// Lets one line through in ten seconds, or a few at once where it is told so, and counts the others.
#[derive(Debug)]
pub(crate) struct LogGate {
    at_once: u32,
    /// When as many may pass at once again as ever.
    rested: Option<Instant>,
    withheld: u64,
}

impl Default for LogGate {
    fn default() -> LogGate {
        LogGate::new(1)
    }
}

impl LogGate {
    /// So many lines may pass at once, after silence; then one in ten seconds.
    pub(crate) const fn new(at_once: u32) -> LogGate {
        LogGate { at_once, rested: None, withheld: 0 }
    }

    /// `Some(how many were withheld before)` if a line may be written now.
    pub(crate) fn pass(&mut self, now: Instant) -> Option<u64> {
        let rested = self.rested.map_or(now, |rested| rested.max(now));
        if rested.duration_since(now) > PAUSE * self.at_once.saturating_sub(1) {
            self.withheld += 1;
            return None;
        }
        self.rested = Some(rested + PAUSE);
        Some(std::mem::take(&mut self.withheld))
    }
}

/// One for all connections: who comes back again and again has no new one with each.
#[derive(Debug)]
pub(crate) struct SharedGate(Mutex<LogGate>);

impl SharedGate {
    pub(crate) const fn new(at_once: u32) -> SharedGate {
        SharedGate(Mutex::new(LogGate::new(at_once)))
    }

    /// As [`LogGate::pass`].
    pub(crate) fn pass(&self, now: Instant) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pass(now)
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

    #[test]
    fn a_few_lines_at_once_and_then_one_in_ten_seconds() {
        let (mut gate, start) = (LogGate::new(8), Instant::now());
        let passed = |gate: &mut LogGate, now| (0..100).filter(|_| gate.pass(now).is_some()).count();
        assert_eq!(passed(&mut gate, start), 8);
        assert_eq!(passed(&mut gate, start + 3 * PAUSE), 3);
        assert_eq!(gate.pass(start + 4 * PAUSE), Some(97), "those since the last line that passed");
        assert_eq!(passed(&mut gate, start + 100 * PAUSE), 8, "no more than that is saved up");
    }
}
