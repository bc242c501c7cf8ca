//! Links in doubt: they take no place among those that a node looks for.
//!
//! Whoever passes on nothing, or all of it late, or only says that it would, breaks no rule that could be shown. But a node sees
//! what a link is worth to itself: whether it has ever been the first to bring somebody else's bundle, or has announced one in
//! time, while others brought many; and whether it answers when it is asked for what it says it has. A link that does neither
//! is in doubt. It is not dropped for that: an honest neighbour that has all it has from this node looks the same, and whoever
//! is dropped asks others for a place, while whoever keeps one stays quiet. It only takes no place: others are looked for
//! beside it.
//!
//! Invariants: what is remembered is bounded by the links; a link that brings something is not in doubt.

use crate::invariants::{Broken, at_most};
use crate::{OriginId, PeerId};
use std::collections::{BTreeMap, BTreeSet};

/// So many bundles of so many origins came over others, and not one word of it was worth anything. Guesses: of eight origins,
/// one at least is nearer to most neighbours than to this node; and a doubt costs one connection.
const MANY: u32 = 64;
const ORIGINS: usize = 8;
/// So many questions in a row had no answer. One may have been asked when the other side was busy.
const UNANSWERED: u32 = 2;

/// What all links are worth.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    links: BTreeMap<PeerId, Worth>,
    changed: bool,
}

/// What one is: what others have brought since it brought something, and how many questions it has not answered.
#[derive(Clone, Debug, Default)]
struct Worth {
    bundles: u32,
    origins: BTreeSet<OriginId>,
    unanswered: u32,
}

impl Worth {
    fn is_doubted(&self) -> bool {
        (self.bundles >= MANY && self.origins.len() >= ORIGINS) || self.unanswered >= UNANSWERED
    }

    /// Changes it. `true`: whether it is in doubt has changed too.
    fn change(&mut self, change: impl FnOnce(&mut Worth)) -> bool {
        let before = self.is_doubted();
        change(self);
        self.is_doubted() != before
    }
}

impl Doubts {
    /// A connection is a link.
    pub(super) fn begin(&mut self, peer: PeerId) {
        self.links.insert(peer, Worth::default());
    }

    /// It is none any more.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.links.remove(&peer);
    }

    /// A link was the first to bring somebody else's bundle, or has announced one in time.
    pub(super) fn on_worth(&mut self, peer: PeerId) {
        self.change(peer, |worth| (worth.bundles, worth.origins) = (0, BTreeSet::new()));
    }

    /// A link has brought a new bundle: others might have.
    pub(super) fn on_bundle(&mut self, from: PeerId, origin: OriginId) {
        for worth in self.links.iter_mut().filter(|(peer, _)| **peer != from).map(|(_, worth)| worth) {
            self.changed |= worth.change(|worth| {
                worth.bundles = worth.bundles.saturating_add(1);
                if worth.origins.len() < ORIGINS {
                    worth.origins.insert(origin);
                }
            });
        }
    }

    /// A link was asked for what it holds, and has answered or not.
    pub(super) fn on_asked(&mut self, peer: PeerId, answered: bool) {
        self.change(peer, |worth| worth.unanswered = if answered { 0 } else { worth.unanswered.saturating_add(1) });
    }

    /// The links that are in doubt, if these are others than when this was asked last.
    pub(super) fn take_changed(&mut self) -> Option<BTreeSet<PeerId>> {
        let doubted = || self.links.iter().filter(|(_, worth)| worth.is_doubted()).map(|(peer, _)| *peer).collect();
        std::mem::take(&mut self.changed).then(doubted)
    }

    pub(super) fn check(&self, is_link: impl Fn(PeerId) -> bool) -> Broken {
        at_most("links that are gone and in doubt", self.links.keys().filter(|peer| !is_link(**peer)).count(), 0)
    }

    fn change(&mut self, peer: PeerId, change: impl FnOnce(&mut Worth)) {
        self.changed |= self.links.get_mut(&peer).is_some_and(|worth| worth.change(change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: PeerId = PeerId(1);
    const LOUD: PeerId = PeerId(2);

    fn doubts() -> Doubts {
        let mut doubts = Doubts::default();
        [QUIET, LOUD].into_iter().for_each(|peer| doubts.begin(peer));
        doubts
    }

    /// So many bundles of so many origins come over the loud link.
    fn bring(doubts: &mut Doubts, bundles: u32, origins: u32) {
        (0..bundles).for_each(|n| doubts.on_bundle(LOUD, OriginId([(n % origins) as u8; 32])));
    }

    #[test]
    fn a_link_that_brings_nothing_is_in_doubt_until_it_brings_something() {
        let mut doubts = doubts();
        bring(&mut doubts, MANY - 1, 8);
        assert_eq!(doubts.take_changed(), None);
        bring(&mut doubts, 1, 8);
        assert_eq!(doubts.take_changed(), Some([QUIET].into()));
        bring(&mut doubts, 1, 8);
        assert_eq!(doubts.take_changed(), None, "nothing new");
        doubts.on_worth(QUIET);
        assert_eq!(doubts.take_changed(), Some(BTreeSet::new()));
        bring(&mut doubts, 10 * MANY, 7);
        assert_eq!(doubts.take_changed(), None, "of few origins a neighbour may have all from us");
    }

    #[test]
    fn a_link_that_does_not_answer_twice_is_in_doubt_until_it_does() {
        let mut doubts = doubts();
        for answered in [false, true, false] {
            doubts.on_asked(QUIET, answered);
        }
        assert_eq!(doubts.take_changed(), None, "once may be an accident");
        doubts.on_asked(QUIET, false);
        assert_eq!(doubts.take_changed(), Some([QUIET].into()));
        doubts.on_worth(QUIET);
        assert_eq!(doubts.take_changed(), None, "what it announces says nothing of that");
        doubts.on_asked(QUIET, true);
        assert_eq!(doubts.take_changed(), Some(BTreeSet::new()));
        doubts.forget(QUIET);
        assert_eq!(doubts.check(|peer| peer == LOUD), Ok(()));
    }
}
