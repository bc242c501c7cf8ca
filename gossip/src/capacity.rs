//! What this node can send, as its driver sees it, beside what its links say of themselves.
//!
//! A node measures its capacity by how fast its queues drain while something waits in them, tells it to its links, and is weak
//! if it has less than half of the median of theirs: a median, which a minority of liars can't move past all others. What a weak
//! node does about it is in `trees/held.rs`.
//!
//! Invariant: one capacity of each link is kept, and none of a connection that has ended.

use crate::PeerId;
use crate::invariants::{Broken, at_most};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who has less than so much of what its links have, in thousandths, is weak. A guess: nodes of one kind differ by less.
const WEAK: u64 = 500;
/// What a link is taken to have that has told nothing: nothing has ever waited in its queues. A guess: the uplink of a good home.
const UNTOLD: u32 = 20_000;
/// How much later a node passes on that could pass on nothing: about a hop of most meshes, and less than what a node waits for a
/// payload that was announced to it. Of 10 to 90 ms it did best in `weak-100`.
const HOLD: Duration = Duration::from_millis(30);

/// Capacities, in kilobits a second; what is not known is 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capacity {
    own: u32,
    /// What was told of ours last.
    told: u32,
    links: BTreeMap<PeerId, u32>,
}

impl Capacity {
    /// So many bytes that had waited were sent in so long: smoothed as TCP does with round trips (RFC 6298).
    pub(crate) fn on_drained(&mut self, bytes: u64, took: Duration) {
        let micros = took.as_micros().max(1);
        let kbit = u32::try_from(u128::from(bytes) * 8_000 / micros).unwrap_or(u32::MAX).max(1);
        let smoothed = (u64::from(self.own) * 7 + u64::from(kbit)) / 8;
        self.own = if self.own == 0 { kbit } else { u32::try_from(smoothed).unwrap_or(u32::MAX).max(1) };
    }

    /// A link tells its own.
    pub(crate) fn on_told(&mut self, peer: PeerId, kbit: u32) {
        self.links.insert(peer, kbit);
    }

    pub(crate) fn on_down(&mut self, peer: PeerId) {
        self.links.remove(&peer);
    }

    /// What links are told of ours.
    pub(crate) fn tell(&mut self) -> u32 {
        self.told = self.own;
        self.own
    }

    /// Whether ours has changed by a quarter since it was told.
    pub(crate) fn has_changed(&self) -> bool {
        self.own.abs_diff(self.told) > self.told / 4
    }

    /// How much later than it could this node passes on what others send.
    pub(crate) fn hold(&self) -> Duration {
        let mut links: Vec<u32> = self.links.values().map(|kbit| if *kbit > 0 { *kbit } else { UNTOLD }).collect();
        links.sort_unstable();
        let Some(median) = links.get(links.len() / 2).filter(|_| self.own > 0) else { return Duration::ZERO };
        let share = u64::from(self.own) * 1_000 / u64::from(*median);
        if share < WEAK { HOLD * u32::try_from(1_000 - share).unwrap_or(0) / 1_000 } else { Duration::ZERO }
    }

    pub(crate) fn check(&self, links: usize) -> Broken {
        at_most("capacities of peers", self.links.len(), links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(own: u64, links: &[u32]) -> Capacity {
        let mut capacity = Capacity::default();
        links.iter().zip(0..).for_each(|(kbit, peer)| capacity.on_told(PeerId(peer), *kbit));
        capacity.on_drained(own * 125, Duration::from_secs(1));
        capacity
    }

    #[test]
    fn who_is_much_weaker_than_most_links_holds_back_the_more_the_weaker_it_is() {
        let hold = |own, links: &[u32]| capacity(own, links).hold().as_millis();
        assert_eq!(hold(2_000, &[20_000, 2_000, 20_000]), 27);
        assert_eq!(hold(8_000, &[20_000; 5]), 18);
        assert_eq!(hold(12_000, &[20_000; 5]), 0, "hardly weaker");
        assert_eq!(hold(20_000, &[2_000; 5]), 0);
        assert_eq!(hold(2_000, &[0, 0]), 27, "nothing waits at the others");
        assert_eq!(hold(1_000_000, &[0, 0]), 0, "something has waited here, and not for long");
        assert_eq!(hold(2_000, &[]), 0, "there are no others");
        assert_eq!(hold(20_000, &[u32::MAX, 20_000, 1, 1, u32::MAX, 20_000, 20_000]), 0, "liars are few");
        assert_eq!(Capacity::default().hold(), Duration::ZERO);
    }

    #[test]
    fn a_capacity_is_smoothed_and_told_when_it_has_changed() {
        let mut capacity = capacity(1_000, &[]);
        assert!(capacity.has_changed());
        assert_eq!((capacity.tell(), capacity.has_changed()), (1_000, false));
        capacity.on_drained(250_000, Duration::from_secs(1));
        assert_eq!((capacity.tell(), capacity.has_changed()), (1_125, false));
        for (bytes, took) in [(u64::MAX, Duration::ZERO), (0, Duration::MAX)] {
            capacity.on_drained(bytes, took);
        }
        assert!(capacity.tell() > 0);
    }
}
