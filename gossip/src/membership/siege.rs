//! When a node is besieged, and what it holds on to then.
//!
//! Whoever wants to have a node to itself (Heilman et al.: Eclipse attacks on Bitcoin's peer-to-peer network, USENIX Security
//! 2015) connects to it again and again from many ends, asks for its links, and tells it addresses of its own until it knows no
//! others. A node that many more connect to than in any mesh holds on to three anchors: links that it has dialled itself, to
//! a bootstrap address or to one that a bootstrap peer has told of, whom no stranger can have talked it into. While it
//! has fewer it asks for them with priority; and nothing takes their place, whoever is nearer. Two would do if a bootstrap peer
//! never told of one of the crowd, of whom it has heard like everybody: with two, of 60 nodes one kept one honest link that it
//! had dialled.
//!
//! In peace there are no anchors: if all nodes held on to those near the bootstrap peers, the overlay would be a star.

use crate::{Bucket, Time};
use std::time::Duration;

/// How many anchors a node has.
pub(super) const ANCHORS: usize = 3;
/// How many connections from others a second are peace, and how many at once. A guess: in a mesh of 1,000 nodes a node is
/// dialled every few seconds, and whoever all nodes know first less than once a second in the long run.
const PEACE: Bucket = Bucket::new(2, 240);
/// How long a siege lasts from the last such connection on. A guess.
const LASTS: Duration = Duration::from_secs(600);
/// How often an anchor is looked for. A guess.
const SEARCH: Duration = Duration::from_secs(2);

/// Whether a node is besieged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Siege {
    peace: Bucket,
    until: Time,
    next_search: Time,
}

impl Default for Siege {
    fn default() -> Siege {
        Siege { peace: PEACE, until: Time::ZERO, next_search: Time::ZERO }
    }
}

impl Siege {
    /// Somebody has connected.
    pub(super) fn on_stranger(&mut self, now: Time) {
        if !self.peace.take(now, 1) {
            self.until = now + LASTS;
        }
    }

    pub(super) fn is_on(&self, now: Time) -> bool {
        now < self.until
    }

    /// When to look for an anchor next, if that is at all.
    pub(super) fn next_search(&self) -> Option<Time> {
        (self.next_search < self.until).then_some(self.next_search)
    }

    /// Whether to look for an anchor now.
    pub(super) fn searches(&mut self, now: Time) -> bool {
        let due = self.is_on(now) && self.next_search <= now;
        if due {
            self.next_search = now + SEARCH;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_strangers_are_a_siege_and_some_each_minute_are_none() {
        let (mut siege, at) = (Siege::default(), |seconds: u64| Time::from_micros(seconds * 1_000_000));
        (0..10_000).for_each(|seconds| siege.on_stranger(at(seconds)));
        assert!(!siege.is_on(at(10_000)) && siege.next_search().is_none());
        (0..300).for_each(|_| siege.on_stranger(at(10_000)));
        assert!(siege.is_on(at(10_001)) && siege.searches(at(10_001)) && !siege.searches(at(10_002)));
        assert_eq!(siege.next_search(), Some(at(10_003)));
        assert!(!siege.is_on(at(10_000) + LASTS), "it ends");
    }
}
