//! Bundles that have come: which were seen, and the last ones whole.
//!
//! Invariants: a bundle that was seen is known for ever, as long as its origin is remembered; all is bounded.
//!
//! What is older is the store's to know. A bundle that comes by reconciliation was asked for because the store lacks it:
//! there nothing is guessed.

use crate::invariants::{Broken, at_most, must};
use crate::{Bundle, BundleId, OriginId, Time};
use std::collections::{BTreeMap, VecDeque};

/// Bundles that are kept for peers that ask for them again, in number and in bytes. Guesses.
const MAX_KEPT: usize = 4_096;
const MAX_KEPT_BYTES: usize = 8 * 1_024 * 1_024;
/// Bundles remembered as seen: 6 MB. A guess, half an hour at 40 bundles a second.
const MAX_SEEN: usize = 65_536;
/// Origins of which it is remembered up to where they are forgotten. A guess.
const MAX_ORIGINS: usize = 16_384;

/// What has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Archive {
    /// Whether each is held as well: a bundle from too far ahead is seen, and passed on, and not kept.
    seen: BTreeMap<BundleId, bool>,
    seen_order: VecDeque<BundleId>,
    /// The highest number of each origin that was seen and is forgotten.
    forgotten: BTreeMap<OriginId, u64>,
    /// And the highest of the origins that are forgotten themselves: those that were silent longest.
    forgotten_origins: u64,
    kept: BTreeMap<BundleId, Kept>,
    kept_order: VecDeque<BundleId>,
    kept_bytes: usize,
}

/// A bundle that is kept, and when it came, or would have come by the best link that is known.
#[derive(Clone, Debug)]
struct Kept {
    bundle: Bundle,
    came: Time,
}

impl Archive {
    /// Whether a bundle has been seen, or is so old that nobody can tell at once: then it counts as seen. If it is lacking all
    /// the same, reconciliation brings it.
    pub(crate) fn knows(&self, id: &BundleId) -> bool {
        let newest = self.forgotten.get(&id.origin).unwrap_or(&self.forgotten_origins);
        self.seen.contains_key(id) || id.seq <= *newest
    }

    /// Whether a bundle is held for certain. The store may hold others.
    pub(crate) fn holds(&self, id: &BundleId) -> bool {
        self.seen.get(id).is_some_and(|held| *held)
    }

    /// Whether anything of an origin has come, as far as origins are remembered.
    pub(crate) fn has_heard(&self, origin: &OriginId) -> bool {
        let all = BundleId { origin: *origin, seq: 0 }..=BundleId { origin: *origin, seq: u64::MAX };
        self.forgotten.contains_key(origin) || self.seen.range(all).next().is_some()
    }

    /// A bundle, if it is kept.
    pub(crate) fn get(&self, id: &BundleId) -> Option<&Bundle> {
        self.kept.get(id).map(|kept| &kept.bundle)
    }

    /// When a kept bundle came, or would have come by the best link that is known.
    pub(crate) fn came_mut(&mut self, id: &BundleId) -> Option<&mut Time> {
        self.kept.get_mut(id).map(|kept| &mut kept.came)
    }

    /// A bundle has come.
    pub(crate) fn remember(&mut self, now: Time, bundle: Bundle) {
        let id = bundle.id;
        if self.seen.insert(id, true).is_none() {
            self.seen_order.push_back(id);
        }
        if self.seen_order.len() > MAX_SEEN
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
            self.forget(oldest);
        }
        if self.kept.contains_key(&id) {
            return;
        }
        self.kept_bytes += bundle.weight();
        self.kept.insert(id, Kept { bundle, came: now });
        self.kept_order.push_back(id);
        while self.kept_order.len() > MAX_KEPT || self.kept_bytes > MAX_KEPT_BYTES {
            let Some(oldest) = self.kept_order.pop_front() else { break };
            self.kept_bytes -= self.kept.remove(&oldest).map_or(0, |kept| kept.bundle.weight());
        }
    }

    pub(crate) fn check(&self) -> Broken {
        at_most("bundles seen", self.seen.len(), MAX_SEEN)?;
        at_most("origins of bundles forgotten", self.forgotten.len(), MAX_ORIGINS)?;
        at_most("bundles kept", self.kept.len(), MAX_KEPT)?;
        at_most("bytes kept", self.kept_bytes, MAX_KEPT_BYTES)?;
        must(self.seen.len() == self.seen_order.len(), || "what is seen and its order differ".to_owned())?;
        must(self.kept.len() == self.kept_order.len(), || "what is kept and its order differ".to_owned())
    }

    /// A bundle that has come is not held: its time is not acceptable here.
    pub(crate) fn refuse(&mut self, id: &BundleId) {
        if let Some(held) = self.seen.get_mut(id) {
            *held = false;
        }
    }

    /// This bundle of an origin, and all before it, have come or are the store's to know.
    pub(crate) fn forget(&mut self, id: BundleId) {
        let seq = self.forgotten.entry(id.origin).or_default();
        *seq = id.seq.max(*seq);
        if self.forgotten.len() > MAX_ORIGINS
            && let Some((origin, seq)) = self.forgotten.iter().min_by_key(|(_, seq)| **seq).map(|(o, s)| (*o, *s))
        {
            self.forgotten.remove(&origin);
            self.forgotten_origins = self.forgotten_origins.max(seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(seq: u64) -> Bundle {
        let id = BundleId { origin: OriginId([1; 32]), seq };
        Bundle { id, events: Vec::new().into(), signature: crate::Signature::NONE, second: None }
    }

    #[test]
    fn what_is_too_old_to_be_remembered_counts_as_seen() {
        let (mut archive, last) = (Archive::default(), MAX_SEEN as u64 + 100);
        for seq in 1..=last {
            archive.remember(Time::ZERO, bundle(seq));
        }
        assert_eq!((archive.seen.len(), archive.kept.len(), archive.kept_order.len()), (MAX_SEEN, MAX_KEPT, MAX_KEPT));
        assert!((1..=last).all(|seq| archive.knows(&bundle(seq).id)));
        assert!(!archive.knows(&bundle(last + 1).id));
        assert!(archive.holds(&bundle(last).id) && !archive.holds(&bundle(1).id), "who is not sure asks the store");
        archive.refuse(&bundle(last).id);
        assert!(archive.knows(&bundle(last).id) && !archive.holds(&bundle(last).id));
        let other = BundleId { origin: OriginId([2; 32]), seq: 1 };
        assert!(!archive.knows(&other), "of another origin nothing was forgotten");
    }
}
