//! How late what a peer pushes comes, after somebody else could have brought it.
//!
//! On a busy machine or a full line a payload may come long after the first announcement of it, and asking for it then brings
//! it twice and makes all later still. So the wait before asking follows what was seen, as TCP's does: mean and deviation of
//! the lateness (Jacobson and Karels, RFC 6298 §2), with its gains of 1/8 and 1/4, and four deviations above the mean.

use std::time::Duration;

/// No peer is waited for longer, whatever it did before. A guess: nodes agree within seconds all the same.
const MAX: Duration = Duration::from_secs(2);

/// The lateness of one peer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lateness {
    mean: f64,
    deviation: f64,
}

impl Lateness {
    /// A payload came so late; zero where nobody announced it before.
    pub(super) fn note(&mut self, late: Duration) {
        let late = late.min(MAX).as_secs_f64();
        self.deviation += ((self.mean - late).abs() - self.deviation) / 4.0;
        self.mean += (late - self.mean) / 8.0;
    }

    /// How late nearly all that it pushes comes.
    pub(super) fn bound(&self) -> Duration {
        Duration::from_secs_f64((self.mean + 4.0 * self.deviation).min(MAX.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_follows_what_comes_late_and_forgets_it() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.bound(), Duration::ZERO);
        let ms = Duration::from_millis;
        (0..40).for_each(|at| lateness.note(ms(150 + 100 * (at % 2))));
        assert!((ms(250)..ms(600)).contains(&lateness.bound()), "{:?}", lateness.bound());
        (0..60).for_each(|_| lateness.note(Duration::ZERO));
        assert!(lateness.bound() < ms(5), "{:?}", lateness.bound());
        (0..60).for_each(|_| lateness.note(Duration::MAX));
        assert!((MAX - ms(10)..=MAX).contains(&lateness.bound()), "{:?}", lateness.bound());
    }
}
