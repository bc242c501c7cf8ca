//! When to try again: exponential backoff with full jitter.
//!
//! Each wait is drawn evenly from nothing to a bound that doubles up to a cap, so that nodes which lost the same peer at
//! the same moment don't come back at the same moment.

use crate::{Fault, Planted};
use rand::{Rng, RngExt};
use std::time::Duration;

/// The shortest wait: a dial that fails at once must not become a busy loop.
const FLOOR: Duration = Duration::from_millis(20);

/// How long to wait after `attempts` failures in a row.
pub(crate) fn full_jitter(
    base: Duration,
    cap: Duration,
    attempts: u32,
    planted: Planted,
    rng: &mut impl Rng,
) -> Duration {
    let times =
        if planted.is(Fault::UncheckedAdd) { 1 << attempts } else { 1_u32.checked_shl(attempts).unwrap_or(u32::MAX) };
    let bound = base.saturating_mul(times).min(cap);
    let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rng.random_range(0..=micros)).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn waits_grow_to_the_cap_and_are_spread_over_the_whole_range() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let (base, cap) = (Duration::from_secs(1), Duration::from_secs(30));
        for (attempts, bound) in [(0, 1), (1, 2), (4, 16), (5, 30), (31, 30), (u32::MAX, 30)] {
            let waits: Vec<_> =
                (0..1_000).map(|_| full_jitter(base, cap, attempts, Planted::default(), &mut rng)).collect();
            let bound = Duration::from_secs(bound);
            assert!(waits.iter().all(|wait| (FLOOR..=bound).contains(wait)));
            assert!(waits.iter().any(|wait| *wait < bound / 10) && waits.iter().any(|wait| *wait > bound * 9 / 10));
        }
    }
}
