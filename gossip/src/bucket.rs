//! A budget: so much a second, and so much at once.
//!
//! A leaky bucket (ITU-T I.371, appendix A): what is spent fills it, time empties it.

use crate::Time;
use std::time::Duration;

/// How many parts one unit is counted in: a microsecond empties whole parts, however few units a second there are.
const PARTS: u64 = 1_000_000;

/// A bucket. It is empty at first.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    per_second: u32,
    burst: u32,
    /// In parts of a unit.
    level: u64,
    at: Time,
}

impl Bucket {
    /// A bucket that `per_second` units leave each second, and that holds `burst`. Both are at least 1.
    pub const fn new(per_second: u32, burst: u32) -> Bucket {
        Bucket { per_second, burst, level: 0, at: Time::ZERO }
    }

    /// Takes in so many units if they fit. `false`: they don't, and nothing has changed.
    pub fn take(&mut self, now: Time, units: u32) -> bool {
        self.leak(now);
        let level = self.level.saturating_add(u64::from(units) * PARTS);
        let fits = level <= u64::from(self.burst) * PARTS;
        if fits {
            self.level = level;
        }
        fits
    }

    /// Takes in so many units, whether they fit or not. How long it takes until what is in it fits again.
    pub fn spend(&mut self, now: Time, units: u32) -> Duration {
        self.leak(now);
        self.level = self.level.saturating_add(u64::from(units) * PARTS);
        let over = self.level.saturating_sub(u64::from(self.burst) * PARTS);
        Duration::from_micros(over.div_ceil(u64::from(self.per_second.max(1))))
    }

    fn leak(&mut self, now: Time) {
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        self.level = self.level.saturating_sub(passed.saturating_mul(self.per_second.into()));
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_micros(millis * 1_000)
    }

    #[test]
    fn a_burst_passes_and_then_what_time_allows() {
        let mut bucket = Bucket::new(10, 5);
        let passed = |bucket: &mut Bucket, now| (0..100).filter(|_| bucket.take(now, 1)).count();
        assert_eq!(passed(&mut bucket, at(0)), 5);
        assert_eq!(passed(&mut bucket, at(99)), 0);
        assert_eq!(passed(&mut bucket, at(100)), 1);
        assert_eq!(passed(&mut bucket, at(60_000)), 5, "no more than a burst is saved up");
        assert_eq!(passed(&mut bucket, at(1)), 0, "a clock that steps back gives nothing");
    }

    #[test]
    fn who_has_spent_too_much_waits_until_it_fits() {
        let mut bucket = Bucket::new(10, 5);
        assert_eq!(bucket.spend(at(0), 5), Duration::ZERO);
        let wait = bucket.spend(at(0), 10);
        assert_eq!(wait, Duration::from_secs(1));
        assert!(!bucket.take(at(999), 1) && !bucket.take(at(1_000), 1) && bucket.take(at(1_100), 1));
    }

    #[test]
    fn no_number_makes_it_overflow() {
        let mut bucket = Bucket::new(u32::MAX, u32::MAX);
        for now in [Time::ZERO, Time::from_micros(u64::MAX), at(5)] {
            assert!(bucket.spend(now, u32::MAX) < Duration::from_secs(10));
        }
        assert!(Bucket::new(1, 1).spend(Time::ZERO, u32::MAX) > Duration::from_secs(1_000_000));
    }
}
