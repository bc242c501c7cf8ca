//! Bundles that have come: which were seen, and the last ones whole.
//!
//! Invariants: a bundle that was seen is known for ever, as long as its origin is remembered; all is bounded.

use crate::{Bundle, BundleId, OriginId, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    seen: BTreeSet<BundleId>,
    seen_order: VecDeque<BundleId>,
    /// The highest number of each origin that was seen and is forgotten.
    forgotten: BTreeMap<OriginId, u64>,
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
    /// Whether a bundle has been seen, or is so old that nobody can tell: then it counts as seen, for events that count twice
    /// would be worse than events that are missing.
    pub(crate) fn knows(&self, id: &BundleId) -> bool {
        self.seen.contains(id) || self.forgotten.get(&id.origin).is_some_and(|seq| id.seq <= *seq)
    }

    /// The bundles kept, oldest first.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Bundle> {
        self.kept_order.iter().filter_map(|id| self.get(id))
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
        if self.seen.insert(id) {
            self.seen_order.push_back(id);
        }
        if self.seen_order.len() > MAX_SEEN
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
            self.forget(oldest);
        }
        self.kept_bytes += bundle.bytes();
        self.kept.insert(id, Kept { bundle, came: now });
        self.kept_order.push_back(id);
        while self.kept_order.len() > MAX_KEPT || self.kept_bytes > MAX_KEPT_BYTES {
            let Some(oldest) = self.kept_order.pop_front() else { break };
            self.kept_bytes -= self.kept.remove(&oldest).map_or(0, |kept| kept.bundle.bytes());
        }
    }

    fn forget(&mut self, id: BundleId) {
        let seq = self.forgotten.entry(id.origin).or_default();
        *seq = id.seq.max(*seq);
        if self.forgotten.len() > MAX_ORIGINS
            && let Some((origin, _)) = self.forgotten.iter().min_by_key(|(_, seq)| **seq).map(|(o, s)| (*o, *s))
        {
            self.forgotten.remove(&origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(seq: u64) -> Bundle {
        Bundle { id: BundleId { origin: OriginId([1; 32]), seq }, events: Vec::new().into() }
    }

    #[test]
    fn what_is_too_old_to_be_remembered_counts_as_seen() {
        let (mut archive, last) = (Archive::default(), MAX_SEEN as u64 + 100);
        for seq in 1..=last {
            archive.remember(Time::ZERO, bundle(seq));
        }
        assert_eq!((archive.seen.len(), archive.kept.len(), archive.kept().count()), (MAX_SEEN, MAX_KEPT, MAX_KEPT));
        assert!((1..=last).all(|seq| archive.knows(&bundle(seq).id)));
        assert!(!archive.knows(&bundle(last + 1).id));
        let other = BundleId { origin: OriginId([2; 32]), seq: 1 };
        assert!(!archive.knows(&other), "of another origin nothing was forgotten");
    }
}
