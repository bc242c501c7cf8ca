//! One origin's tree as one node sees it, and all of them.
//!
//! Invariants: an origin has one tree; at most [`MAX_ORIGINS`] are kept, and the one that was silent longest goes first. When
//! another comes, those that were silent for [`SILENT`] go as well.

use crate::invariants::{Broken, at_most, must};
use crate::{BundleId, OriginId, PeerId, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many origins have a tree of their own here. A guess.
const MAX_ORIGINS: usize = 16_384;
/// Links that were the best for an origin an hour ago are those of another mesh. A guess.
const SILENT: Duration = Duration::from_secs(3_600);
/// How many links are remembered as the next best for an origin. A guess: more than that rarely break at once.
const MAX_OTHERS: usize = 4;
/// How many earlier parents are remembered: who takes a place again that it had shows that the difference is noise. A guess: nodes
/// have a handful of links.
const MAX_FORMER: usize = 3;
/// How restless a tree can get: by then another must be better by 2^5 margins. A guess: 64 ms, what a busy machine delays.
const MAX_FLAPS: u8 = 5;
/// So many bundles without a change of parents make it calmer by one step. A guess.
const CALM: u8 = 8;
/// Who of two origins was silent longer is known to so much.
const MOMENT: Duration = Duration::from_secs(1);
/// So many hops or more: nobody knows how many.
pub(super) const FAR: u8 = u8::MAX;

/// Which links are eager for an origin, and from whom its bundles come.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) eager: BTreeSet<PeerId>,
    pub(super) parent: Option<PeerId>,
    /// Whether the parent has brought anything since it was chosen in place of one that is gone.
    pub(super) proven: bool,
    /// Who was grafted on its word alone, that it would be earlier than the parent; and who was when it did not bring this bundle.
    by_word: Option<PeerId>,
    owes: Option<(PeerId, BundleId)>,
    /// Who was the parent before, the last one first; how often parents have taken each other's place of late; and how many bundles
    /// have come since they did.
    former: [Option<PeerId>; MAX_FORMER],
    flaps: u8,
    calm: u8,
    /// How many hops away the origin is: changed by [`Forest::measured`] alone.
    hops: u8,
    /// Who else has a way to this origin, best first: whether it may be below this node, and by how much, in microseconds, it
    /// had the last bundle after this node. Below zero it had the bundle before.
    others: Vec<(bool, i64, PeerId)>,
    /// Whose tree it was at first.
    pub(super) like: Option<OriginId>,
    /// The number of the last probe, and when it came.
    pub(super) probed: (u64, Time),
    heard: Time,
}

impl Tree {
    pub(super) fn new(eager: BTreeSet<PeerId>) -> Tree {
        Tree {
            eager,
            parent: None,
            proven: true,
            by_word: None,
            owes: None,
            former: [None; MAX_FORMER],
            flaps: 0,
            calm: 0,
            hops: FAR,
            others: Vec::new(),
            like: None,
            probed: (0, Time::ZERO),
            heard: Time::ZERO,
        }
    }

    /// Another takes the parent's place, from the next payload on.
    pub(super) fn swap(&mut self, parent: PeerId, next: PeerId) {
        if self.former.contains(&Some(next)) {
            (self.flaps, self.calm) = ((self.flaps + 1).min(MAX_FLAPS), 0);
        }
        if !self.former.contains(&Some(parent)) {
            self.former.rotate_right(1);
            self.former[0] = Some(parent);
        }
        self.eager.remove(&parent);
        self.eager.insert(next);
        self.pass_over(next);
        (self.parent, self.proven, self.by_word) = (Some(next), true, Some(next));
    }

    /// Another is to bring the next payload as well: whoever is first is the parent then, and the other one is pruned. Gives who was
    /// to do so before.
    pub(super) fn court(&mut self, next: PeerId) -> Option<PeerId> {
        self.eager.insert(next);
        self.pass_over(next);
        let before = self.by_word.replace(next).filter(|before| Some(*before) != self.parent);
        if let Some(before) = before.filter(|before| *before != next) {
            self.eager.remove(&before);
        }
        before
    }

    /// How many margins better another must be to take the parent's place: more where parents have changed to and fro (as route flap
    /// damping does it: RFC 2439). Each change costs two frames and a payload that comes twice.
    pub(super) const fn restlessness(&self) -> u32 {
        1 << self.flaps
    }

    /// A peer is the first to bring a bundle. Gives the one that had its place on its word, and still owes the bundle before.
    pub(super) fn on_brought(&mut self, from: PeerId, id: BundleId) -> Option<PeerId> {
        self.calm += 1;
        if self.calm >= CALM {
            (self.flaps, self.calm) = (self.flaps.saturating_sub(1), 0);
        }
        let broken = self.owes.take().map(|(peer, _)| peer);
        self.owes = self.by_word.take().filter(|peer| *peer != from).map(|peer| (peer, id));
        broken
    }

    /// A peer brings a bundle that is known.
    pub(super) fn on_brought_late(&mut self, from: PeerId, id: &BundleId) {
        self.owes.take_if(|(peer, owed)| *peer == from && owed == id);
    }

    /// A peer has, or would have had, the last bundle so much after this node. It can't be below if that is less than zero, or
    /// if it is not `farther` from the origin.
    pub(super) fn note(&mut self, peer: PeerId, after: i64, farther: bool) {
        self.pass_over(peer);
        let other = (farther && after >= 0, after, peer);
        let place = self.others.partition_point(|known| *known < other);
        self.others.insert(place, other);
        self.others.truncate(MAX_OTHERS);
    }

    /// A peer can't take the parent's place.
    pub(super) fn pass_over(&mut self, peer: PeerId) {
        self.others.retain(|(_, _, other)| *other != peer);
    }

    /// Who of these takes the parent's place: the one that had the last bundle first. If it had it before this node, it can't be
    /// below.
    pub(super) fn next_parent(&self, may: impl Fn(&PeerId) -> bool) -> Option<PeerId> {
        self.others.iter().map(|(_, _, peer)| *peer).find(may)
    }

    /// The same, if that one can't be below.
    pub(super) fn next_above(&self, may: impl Fn(&PeerId) -> bool) -> Option<PeerId> {
        self.others.iter().find(|(_, _, peer)| may(peer)).filter(|(below, _, _)| !below).map(|(_, _, peer)| *peer)
    }

    /// How many hops away the origin is.
    pub(super) const fn hops(&self) -> u8 {
        self.hops
    }

    /// A probe came: what was known of other links was of the one before.
    pub(super) fn on_probe(&mut self, now: Time, seq: u64) {
        (self.probed, self.by_word) = ((seq, now), None);
        self.others.clear();
    }

    /// Somebody is to be the parent, and has brought nothing yet.
    pub(super) fn try_parent(&mut self, peer: PeerId) {
        self.eager.insert(peer);
        self.pass_over(peer);
        (self.parent, self.proven, self.by_word) = (Some(peer), false, None);
    }
}

/// The trees of all origins.
#[derive(Clone, Debug, Default)]
pub(super) struct Forest {
    trees: BTreeMap<OriginId, Tree>,
    /// Origins by when they were heard last.
    heard: BTreeSet<(Time, OriginId)>,
    /// Origins by how far away they are, where that is known. Asked for with each bundle, and seldom changed.
    by_hops: BTreeSet<(u8, OriginId)>,
}

impl Forest {
    pub(super) fn get(&self, origin: &OriginId) -> Option<&Tree> {
        self.trees.get(origin)
    }

    pub(super) fn get_mut(&mut self, origin: &OriginId) -> Option<&mut Tree> {
        self.trees.get_mut(origin)
    }

    pub(super) fn len(&self) -> usize {
        self.trees.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&OriginId, &Tree)> {
        self.trees.iter()
    }

    pub(super) fn check(&self) -> Broken {
        at_most("trees", self.trees.len(), MAX_ORIGINS)?;
        at_most("origins by when they were heard", self.heard.len(), self.trees.len())?;
        let known = self.trees.iter().filter(|(_, tree)| tree.hops < FAR).map(|(origin, tree)| (tree.hops, *origin));
        must(known.collect::<BTreeSet<_>>() == self.by_hops, || "trees and their distances differ".to_owned())?;
        let others = self.trees.values().map(|tree| tree.others.len()).max();
        at_most("links that may be a parent", others.unwrap_or(0), MAX_OTHERS)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (OriginId, &mut Tree)> {
        self.trees.iter_mut().map(|(origin, tree)| (*origin, tree))
    }

    /// The tree of an origin that is heard of now; `new` makes one if there is none.
    pub(super) fn hear(&mut self, now: Time, origin: OriginId, new: impl FnOnce(&Forest) -> Tree) -> &mut Tree {
        let before = self.trees.get(&origin).map(|tree| tree.heard);
        if before.is_none() {
            let tree = new(self);
            while let Some((heard, _)) = self.heard.first()
                && (self.trees.len() >= MAX_ORIGINS || now.since(*heard) > SILENT)
            {
                self.forget_one();
            }
            self.trees.insert(origin, tree);
        }
        // It is there by now.
        let tree = self.trees.entry(origin).or_insert_with(|| Tree::new(BTreeSet::new()));
        // Within a moment it is heard of often, and put in order once.
        if before.is_none_or(|before| now.since(before) >= MOMENT) {
            self.heard.remove(&(tree.heard, origin));
            self.heard.insert((now, origin));
            tree.heard = now;
        }
        tree
    }

    /// The origin that was silent longest goes.
    fn forget_one(&mut self) {
        if let Some((_, silent)) = self.heard.pop_first()
            && let Some(gone) = self.trees.remove(&silent)
        {
            self.by_hops.remove(&(gone.hops, silent));
        }
    }

    /// An origin that has a tree is so many hops away.
    pub(super) fn measured(&mut self, origin: OriginId, hops: u8) {
        let Some(tree) = self.trees.get_mut(&origin).filter(|tree| tree.hops != hops) else { return };
        self.by_hops.remove(&(tree.hops, origin));
        tree.hops = hops;
        if hops < FAR {
            self.by_hops.insert((hops, origin));
        }
    }

    /// The origin that is the fewest hops away, and how many.
    pub(super) fn nearest(&self) -> Option<(u8, OriginId)> {
        self.by_hops.first().copied()
    }

    /// How many hops away the farthest origin is.
    pub(super) fn depth(&self) -> u8 {
        self.by_hops.last().map_or(0, |(hops, _)| *hops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_that_was_silent_for_an_hour_is_forgotten_when_another_comes() {
        let (mut forest, at) = (Forest::default(), |seconds: u64| Time::from_micros(seconds * 1_000_000));
        let [silent, heard, new] = [1, 2, 3].map(|n| OriginId([n; 32]));
        let mut hear = |seconds, origin| {
            forest.hear(at(seconds), origin, |_| Tree::new(BTreeSet::new()));
            forest.measured(origin, 2);
            assert_eq!(forest.check(), Ok(()));
            [silent, heard, new].map(|origin| forest.get(&origin).is_some())
        };
        assert_eq!(hear(0, silent), [true, false, false]);
        assert_eq!(hear(100, heard), [true, true, false]);
        assert_eq!(hear(3_601, heard), [true, true, false], "nobody else has come");
        assert_eq!(hear(3_602, new), [false, true, true]);
    }
}
