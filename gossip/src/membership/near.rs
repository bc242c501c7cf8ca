//! When to look who is how far away.
//!
//! A near link is found by dialling nodes of the passive view and measuring their round trips. A node that has come up does
//! that once a second; then, whatever it has found, ever more seldom: links that are swapped for better ones all the time
//! would cost the trees that run along them more than a few milliseconds are worth.

use crate::{Config, Time};
use rand::{Rng, RngExt};
use std::time::Duration;

/// Between two probes at first, and how many there are before they get rarer. Guesses: one in twelve finds a node of the
/// same region where there are twelve, and four are looked for.
const FIRST: Duration = Duration::from_secs(1);
const EAGER: u32 = 48;
/// The longest pause, in shuffles; it is four times as long each time until then. A guess.
const LONGEST: u32 = 20;

/// The clock of probes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    probes: u32,
    pause: Duration,
    next: Time,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { probes: 0, pause: FIRST, next: Time::ZERO }
    }
}

impl Pace {
    pub(super) fn next(&self) -> Time {
        self.next
    }

    /// How many probes there were.
    pub(super) fn probes(&self) -> u32 {
        self.probes
    }

    /// Whether it has looked around.
    pub(super) fn is_settled(&self) -> bool {
        self.probes > EAGER
    }

    /// A probe goes out, or there was nobody to be probed.
    pub(super) fn on_probe(&mut self, now: Time, config: &Config, rng: &mut impl Rng) {
        self.probes = self.probes.saturating_add(1);
        if self.probes > EAGER {
            self.pause = (self.pause * 4).min(config.shuffle_interval * LONGEST);
        }
        let pause = if config.near_links == 0 { config.shuffle_interval } else { self.pause };
        self.next = now + jittered(pause, rng);
    }

    /// A near link broke: there is one to be found, without looking around all over again.
    pub(super) fn on_loss(&mut self, now: Time, rng: &mut impl Rng) {
        self.pause = FIRST;
        self.next = self.next.min(now + jittered(FIRST, rng));
    }
}

/// From half to one and a half times as long: nodes that came up together must not stay in step.
pub(super) fn jittered(pause: Duration, rng: &mut impl Rng) -> Duration {
    let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX / 2);
    Duration::from_micros(rng.random_range(micros / 2..=micros / 2 + micros))
}
