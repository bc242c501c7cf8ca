//! Bundles that have come: which were seen, and the last ones whole.
//!
//! A number is not a bundle: an origin that cheats signs several contents under one. Each content is seen for itself.
//!
//! Invariants: a bundle that is held is known for ever, as long as its origin is remembered; all is bounded.
//!
//! What is older is the store's to know. A bundle that comes by reconciliation was asked for because the store lacks it:
//! there nothing is guessed.

use crate::bundle_map::BundleMap;
use crate::invariants::{Broken, at_most, must};
use crate::{Bundle, BundleHash, BundleId, Content, Hashed, OriginId, Time};
use std::collections::{BTreeMap, VecDeque};

/// Bundles that are kept for peers that ask for them again, in number and in bytes. Guesses.
const MAX_KEPT: usize = 4_096;
const MAX_KEPT_BYTES: usize = 8 * 1_024 * 1_024;
/// Bundles remembered as seen: 8 MB. A guess, half an hour at 40 bundles a second.
const MAX_SEEN: usize = 65_536;
/// Origins of which it is remembered up to where they are forgotten. A guess.
const MAX_ORIGINS: usize = 16_384;

/// What has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Archive {
    /// Of each number the content that came first.
    seen: BundleMap<Seen>,
    /// Whether each is held: all other contents. Empty where nobody cheats.
    twins: BTreeMap<Content, bool>,
    seen_order: VecDeque<Content>,
    /// The highest number of each origin that was seen and is forgotten.
    forgotten: BTreeMap<OriginId, u64>,
    /// And the highest of the origins that are forgotten themselves: those that were silent longest.
    forgotten_origins: u64,
    /// Of each number the content that came first: who asks again names the number.
    kept: BundleMap<Kept>,
    kept_order: VecDeque<BundleId>,
    kept_bytes: usize,
}

/// A bundle that was seen, and whether it is held as well: one from too far ahead is seen, and passed on, and not kept.
#[derive(Clone, Copy, Debug)]
struct Seen {
    hash: BundleHash,
    held: bool,
}

/// A bundle that is kept, and when it came, or would have come by the best link that is known.
#[derive(Clone, Debug)]
struct Kept {
    bundle: Hashed,
    came: Time,
}

impl Archive {
    /// Whether any bundle of this number has been seen, or it is so old that nobody can tell at once: then it counts as seen. If it is
    /// lacking all the same, reconciliation brings it.
    pub(crate) fn knows(&self, id: &BundleId) -> bool {
        self.seen.contains(id) || self.is_old(id)
    }

    /// Whether this very bundle has been seen, or is too old to tell.
    pub(crate) fn has_seen(&self, id: &BundleId, hash: &BundleHash) -> bool {
        self.of_content(id, hash).is_some() || self.is_old(id)
    }

    /// Whether a bundle of this number is held for certain. The store may hold others.
    pub(crate) fn holds(&self, id: &BundleId) -> bool {
        self.seen.get(id).is_some_and(|seen| seen.held) || self.twins_of(id).any(|(_, held)| held)
    }

    /// Whether this very bundle is held for certain.
    pub(crate) fn holds_content(&self, id: &BundleId, hash: &BundleHash) -> bool {
        self.of_content(id, hash) == Some(true)
    }

    /// Whether another content of this number has been seen: two prove a cheat.
    pub(crate) fn has_twin(&self, id: &BundleId, hash: &BundleHash) -> bool {
        self.seen.get(id).is_some_and(|seen| seen.hash != *hash) || self.twins_of(id).any(|(other, _)| other != hash)
    }

    /// The bundle of this number that is kept, if its content is another.
    pub(crate) fn kept_twin(&self, id: &BundleId, hash: &BundleHash) -> Option<&Bundle> {
        self.kept.get(id).map(|kept| &kept.bundle).filter(|kept| kept.hash() != *hash).map(Hashed::bundle)
    }

    fn is_old(&self, id: &BundleId) -> bool {
        id.seq <= *self.forgotten.get(&id.origin).unwrap_or(&self.forgotten_origins)
    }

    /// Whether this very bundle is held, if it has been seen.
    fn of_content(&self, id: &BundleId, hash: &BundleHash) -> Option<bool> {
        let first = self.seen.get(id).filter(|seen| seen.hash == *hash).map(|seen| seen.held);
        first.or_else(|| self.twins.get(&(*id, *hash)).copied())
    }

    fn twins_of(&self, id: &BundleId) -> impl Iterator<Item = (&BundleHash, bool)> {
        let range = (*id, BundleHash([0; 16]))..=(*id, BundleHash([0xff; 16]));
        self.twins.range(range).map(|((_, hash), held)| (hash, *held))
    }

    /// Whether anything of an origin has come, as far as origins are remembered.
    pub(crate) fn has_heard(&self, origin: &OriginId) -> bool {
        self.forgotten.contains_key(origin) || self.seen.has(origin)
    }

    /// A bundle, if it is kept.
    pub(crate) fn get(&self, id: &BundleId) -> Option<&Bundle> {
        self.kept.get(id).map(|kept| kept.bundle.bundle())
    }

    /// When a kept bundle came, or would have come by the best link that is known.
    pub(crate) fn came(&self, id: &BundleId) -> Option<Time> {
        self.kept.get(id).map(|kept| kept.came)
    }

    /// The same, to change.
    pub(crate) fn came_mut(&mut self, id: &BundleId) -> Option<&mut Time> {
        self.kept.get_mut(id).map(|kept| &mut kept.came)
    }

    /// A bundle has come.
    pub(crate) fn remember(&mut self, now: Time, bundle: Hashed) {
        let (id, hash) = bundle.content();
        match self.seen.get_mut(&id) {
            None => {
                self.seen.insert(id, Seen { hash, held: true });
                self.seen_order.push_back((id, hash));
            }
            Some(first) if first.hash == hash => first.held = true,
            Some(_) => {
                if self.twins.insert((id, hash), true).is_none() {
                    self.seen_order.push_back((id, hash));
                }
            }
        }
        if self.seen_order.len() > MAX_SEEN
            && let Some((id, hash)) = self.seen_order.pop_front()
        {
            let held = match self.twins.remove(&(id, hash)) {
                Some(held) => held,
                None => self.seen.remove(&id).is_some_and(|seen| seen.held),
            };
            // What was refused for its time is no measure of what is old: whoever signs far ahead would make all others old.
            if held {
                self.forget(id);
            }
        }
        if self.kept.contains(&id) {
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
        let seen = self.seen.len() + self.twins.len();
        at_most("bundles seen", seen, MAX_SEEN)?;
        at_most("origins of bundles forgotten", self.forgotten.len(), MAX_ORIGINS)?;
        at_most("bundles kept", self.kept.len(), MAX_KEPT)?;
        at_most("bytes kept", self.kept_bytes, MAX_KEPT_BYTES)?;
        must(seen == self.seen_order.len(), || "what is seen and its order differ".to_owned())?;
        must(self.kept.len() == self.kept_order.len(), || "what is kept and its order differ".to_owned())
    }

    /// A bundle that has come is not held: its time is not acceptable here.
    pub(crate) fn refuse(&mut self, id: &BundleId, hash: &BundleHash) {
        if let Some(first) = self.seen.get_mut(id).filter(|first| first.hash == *hash) {
            first.held = false;
        } else if let Some(held) = self.twins.get_mut(&(*id, *hash)) {
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

    fn bundle(seq: u64) -> Hashed {
        let id = BundleId { origin: OriginId([1; 32]), seq };
        Bundle { id, events: Vec::new().into(), signature: crate::Signature::NONE, second: None }.into()
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
        archive.refuse(&bundle(last).id, &bundle(last).hash());
        assert!(archive.knows(&bundle(last).id) && !archive.holds(&bundle(last).id));
        let other = BundleId { origin: OriginId([2; 32]), seq: 1 };
        assert!(!archive.knows(&other), "of another origin nothing was forgotten");
    }

    #[test]
    fn strangers_who_sign_far_ahead_make_nobody_old() {
        let mut archive = Archive::default();
        for number in 0..(MAX_SEEN + MAX_ORIGINS + 1) as u64 {
            let mut origin = [9; 32];
            origin[..8].copy_from_slice(&number.to_le_bytes());
            let far = BundleId { origin: OriginId(origin), seq: u64::MAX - number };
            let far = Hashed::from(Bundle { id: far, ..bundle(1).into() });
            archive.remember(Time::ZERO, far.clone());
            archive.refuse(&far.id, &far.hash());
        }
        assert!(!archive.knows(&bundle(1).id), "an honest origin's bundle is new");
        assert_eq!(archive.check(), Ok(()));
    }

    #[test]
    fn each_content_of_a_number_is_seen_for_itself_and_the_first_one_is_kept() {
        let mut archive = Archive::default();
        let event = |text: &str| crate::Event { id: uuid::Uuid::nil(), node_id: "n".into(), json: text.into() };
        let with = |text: &str| Hashed::from(Bundle { events: vec![event(text)].into(), ..bundle(1).into() });
        let [(id, one), (_, other)] = [with("one"), with("other")].map(|bundle| (bundle.id, bundle.hash()));
        archive.remember(Time::ZERO, with("one"));
        assert!(archive.knows(&id) && archive.has_seen(&id, &one) && !archive.has_seen(&id, &other));
        assert!(archive.has_twin(&id, &other) && !archive.has_twin(&id, &one));
        assert_eq!((archive.kept_twin(&id, &one), archive.kept_twin(&id, &other)), (None, Some(with("one").bundle())));
        archive.remember(Time::ZERO, with("other"));
        archive.refuse(&id, &one);
        assert!(archive.holds(&id) && archive.holds_content(&id, &other) && !archive.holds_content(&id, &one));
        assert_eq!(archive.get(&id), Some(with("one").bundle()));
        assert_eq!(archive.check(), Ok(()));
        let again = Bundle { signature: crate::Signature([7; 64]), ..with("one").into() };
        assert!(archive.has_seen(&id, &again.hash()), "another signature makes no other bundle");
    }
}
