//! The store behind the door: what the protocol has kept, asks for, and is answered.
//!
//! The protocol holds the last bundles only. All others are the store's: [`Output::Keep`](crate::Output::Keep) hands one
//! over, [`Output::Ask`](crate::Output::Ask) asks for some, [`Input::Answer`](crate::Input::Answer) answers. The time of
//! a bundle is its `seq`: microseconds since the epoch, by its origin's clock. Where an origin has signed several contents under one
//! number, each is a bundle of its own to the store.
//!
//! What a store promises: an answer knows of each bundle that was kept before the question; ids come in ascending
//! order of (time, origin). What the protocol promises: what it asks for is bounded, in number and in size, and so is how
//! many questions are open at once (below 1,024). An answer that never comes, or comes twice, does no harm.
//!
//! [`MemoryStore`] is a store that forgets with the process: for meshes without a disk, and for tests.

use crate::{Bundle, BundleHash, BundleId, Hashed, Mark, OriginId, Proof};
use std::collections::BTreeMap;
use std::ops::Bound;

/// A bundle by its number and its content.
pub type Content = (BundleId, BundleHash);

/// A fingerprint of a set of bundles: the sum, modulo 2^64, of the first 8 bytes (little-endian) of each one's [`BundleHash`], and
/// how many they are. Two contents under one number are two bundles.
///
/// It does not depend on an order, and a bundle can be added or taken out. Equal fingerprints, equal sets: a check
/// against faults, and no proof against a forger, who may look for bundles whose hashes sum up to what he likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The sum of the hashes.
    pub hash: u64,
    /// How many bundles.
    pub count: u32,
}

impl Fingerprint {
    /// How long a slot is whose fingerprint a store tells, in microseconds: 10 s.
    pub const SLOT: u64 = 10_000_000;

    /// The fingerprint of one bundle.
    pub fn of(hash: &BundleHash) -> Fingerprint {
        let [a, b, c, d, e, f, g, h, ..] = hash.0;
        Fingerprint { hash: u64::from_le_bytes([a, b, c, d, e, f, g, h]), count: 1 }
    }

    /// The fingerprint of the union of two sets that have nothing in common.
    #[must_use]
    pub const fn and(self, other: Fingerprint) -> Fingerprint {
        let count = self.count.saturating_add(other.count);
        Fingerprint { hash: self.hash.wrapping_add(other.hash), count }
    }

    /// The fingerprint of the rest when a part of the set is taken out.
    #[must_use]
    pub const fn without(self, part: Fingerprint) -> Fingerprint {
        let count = self.count.saturating_sub(part.count);
        Fingerprint { hash: self.hash.wrapping_sub(part.hash), count }
    }
}

impl FromIterator<Fingerprint> for Fingerprint {
    fn from_iter<I: IntoIterator<Item = Fingerprint>>(parts: I) -> Fingerprint {
        parts.into_iter().fold(Fingerprint::default(), Fingerprint::and)
    }
}

/// A question to the store. Its answer bears the same token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Which numbers of bundles are there from `from` up to and without `until`? The first `limit` of them, by time and then by
    /// origin, each once. Answered by [`Answer::Ids`].
    Ids {
        /// For the answer.
        token: u64,
        /// Microseconds since the epoch.
        from: u64,
        /// Microseconds since the epoch.
        until: u64,
        /// How many, 8,192 at most.
        limit: usize,
    },
    /// Which bundles are there, each with its content? The first `limit` of them, by time, origin, and hash. Answered by
    /// [`Answer::Contents`].
    Contents {
        /// For the answer.
        token: u64,
        /// Microseconds since the epoch.
        from: u64,
        /// Microseconds since the epoch.
        until: u64,
        /// How many, 8,192 at most.
        limit: usize,
    },
    /// The proof that this origin cheats, if there is one. Answered by [`Answer::Proof`].
    Proof {
        /// For the answer.
        token: u64,
        /// Whose.
        origin: OriginId,
    },
    /// These bundles, please: one after another, and no more than have `bytes` bytes of text together; but the first
    /// that there is in any case. Answered by [`Answer::Bundles`].
    Bundles {
        /// For the answer.
        token: u64,
        /// Which, 128 at most.
        ids: Vec<Wanted>,
        /// How much.
        bytes: usize,
    },
}

/// A bundle that is wanted: any of its number, or one of this very content. Ordered by origin first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Its number.
    pub id: BundleId,
    /// Its content, where another one of the number is here already.
    pub hash: Option<BundleHash>,
}

impl Wanted {
    /// Whether it is this bundle that is wanted.
    pub fn is(&self, bundle: &Bundle) -> bool {
        self.id == bundle.id && self.hash.is_none_or(|hash| hash == bundle.hash())
    }
}

impl From<BundleId> for Wanted {
    fn from(id: BundleId) -> Wanted {
        Wanted { id, hash: None }
    }
}

impl From<Content> for Wanted {
    fn from((id, hash): Content) -> Wanted {
        Wanted { id, hash: Some(hash) }
    }
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Ask::Ids`].
    Ids {
        /// That of the question.
        token: u64,
        /// Ascending by (time, origin).
        ids: Vec<BundleId>,
    },
    /// To [`Ask::Contents`].
    Contents {
        /// That of the question.
        token: u64,
        /// Ascending by (time, origin, hash).
        contents: Vec<Content>,
    },
    /// To [`Ask::Proof`].
    Proof {
        /// That of the question.
        token: u64,
        /// The proof.
        proof: Option<Box<Proof>>,
    },
    /// To [`Ask::Bundles`].
    Bundles {
        /// That of the question.
        token: u64,
        /// How many of the ids that were asked for it is about, from the first on.
        covered: usize,
        /// Those of them that there are, in the order of the question.
        bundles: Vec<Bundle>,
    },
}

/// What a store holds when a node starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// It holds nothing that is older, in microseconds since the epoch; 0 if it never dropped anything.
    pub horizon: u64,
    /// The fingerprint of each slot of [`Fingerprint::SLOT`] microseconds that holds anything, by the slot's start.
    pub slots: Vec<(u64, Fingerprint)>,
    /// Each origin's highest `seq`.
    pub newest: Vec<(OriginId, u64)>,
    /// Which origins it holds a proof against.
    pub marks: Vec<Mark>,
}

/// Bundles in memory, bounded in bytes: the oldest go first.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    bundles: BTreeMap<Key, Bundle>,
    sum: Fingerprint,
    bytes: usize,
    max_bytes: usize,
    horizon: u64,
    /// They stay, however old their bundles are.
    proofs: BTreeMap<OriginId, (Proof, Mark)>,
}

/// By time, origin, and content.
type Key = (u64, OriginId, BundleHash);

/// The first key of a number, or of a moment.
const fn first_of(seq: u64, origin: OriginId) -> Key {
    (seq, origin, BundleHash([0; 16]))
}

/// What a bundle costs beside its text, in bytes: its keys, and the heads of its events. A guess.
const OVERHEAD: usize = 200;

impl MemoryStore {
    /// An empty store of at most so many bytes.
    pub fn new(max_bytes: usize) -> MemoryStore {
        let sum = Fingerprint::default();
        MemoryStore { bundles: BTreeMap::new(), sum, bytes: 0, max_bytes, horizon: 0, proofs: BTreeMap::new() }
    }

    /// Keeps a bundle. Where the oldest had to go, a moment comes back: nothing from before it is left, which the
    /// protocol is to be told by [`Input::Dropped`](crate::Input::Dropped).
    pub fn keep(&mut self, bundle: impl Into<Hashed>) -> Option<u64> {
        let bundle: Hashed = bundle.into();
        let (id, hash) = bundle.content();
        self.bytes += weight(&bundle);
        match self.bundles.insert((id.seq, id.origin, hash), bundle.into()) {
            Some(same) => self.bytes -= weight(&same),
            None => self.sum = self.sum.and(Fingerprint::of(&hash)),
        }
        if self.bytes <= self.max_bytes {
            return None;
        }
        // A part of it at once, so that this is seldom; and whole slots, as the protocol counts in slots.
        while self.bytes > self.max_bytes / 8 * 7
            && let Some(((seq, _, hash), oldest)) = self.bundles.pop_first()
        {
            self.bytes -= weight(&oldest);
            self.sum = self.sum.without(Fingerprint::of(&hash));
            self.horizon = (seq / Fingerprint::SLOT + 1).saturating_mul(Fingerprint::SLOT);
        }
        let rest = self.bundles.split_off(&first_of(self.horizon, OriginId([0; 32])));
        self.bytes -= self.bundles.values().map(weight).sum::<usize>();
        self.sum = self.sum.without(sum(self.bundles.keys()));
        self.bundles = rest;
        Some(self.horizon)
    }

    /// Forgets all that is older than this moment, in microseconds since the epoch.
    pub fn drop_before(&mut self, horizon: u64) {
        while let Some(first) = self.bundles.first_entry().filter(|first| first.key().0 < horizon) {
            self.sum = self.sum.without(Fingerprint::of(&first.key().2));
            self.bytes -= weight(&first.remove());
        }
        self.horizon = self.horizon.max(horizon);
    }

    /// Keeps the proof that an origin cheats. The first one of an origin stays, and of [`Proof::MAX`] origins at most.
    pub fn prove(&mut self, proof: Proof, mark: Mark) {
        if self.proofs.len() < Proof::MAX {
            self.proofs.entry(mark.id.origin).or_insert((proof, mark));
        }
    }

    /// Answers a question.
    pub fn answer(&self, ask: &Ask) -> Answer {
        match ask {
            Ask::Ids { token, from, until, limit } => {
                let mut ids: Vec<BundleId> = Vec::new();
                for (id, _) in self.range(*from, *until) {
                    if ids.last() != Some(&id) {
                        if ids.len() == *limit {
                            break;
                        }
                        ids.push(id);
                    }
                }
                Answer::Ids { token: *token, ids }
            }
            Ask::Contents { token, from, until, limit } => {
                let contents = self.range(*from, *until).take(*limit);
                Answer::Contents { token: *token, contents: contents.collect() }
            }
            Ask::Proof { token, origin } => {
                let proof = self.proofs.get(origin).map(|(proof, _)| Box::new(proof.clone()));
                Answer::Proof { token: *token, proof }
            }
            Ask::Bundles { token, ids, bytes } => {
                let (mut covered, mut size, mut bundles) = (0, 0, Vec::new());
                for wanted in ids {
                    if let Some(bundle) = self.get(wanted) {
                        size += bundle.weight();
                        if size > *bytes && !bundles.is_empty() {
                            break;
                        }
                        bundles.push(bundle.clone());
                    }
                    covered += 1;
                }
                Answer::Bundles { token: *token, covered, bundles }
            }
        }
    }

    fn range(&self, from: u64, until: u64) -> impl Iterator<Item = Content> {
        let first = first_of(from, OriginId([0; 32]));
        let end = first_of(until.max(from), OriginId([0; 32]));
        let keys = self.bundles.range((Bound::Included(first), Bound::Excluded(end)));
        keys.map(|((seq, origin, hash), _)| (BundleId { origin: *origin, seq: *seq }, *hash))
    }

    fn get(&self, wanted: &Wanted) -> Option<&Bundle> {
        let Wanted { id, hash } = wanted;
        match hash {
            Some(hash) => self.bundles.get(&(id.seq, id.origin, *hash)),
            None => {
                let first = self.bundles.range(first_of(id.seq, id.origin)..).next();
                first.map(|(_, bundle)| bundle).filter(|bundle| bundle.id == *id)
            }
        }
    }

    /// What it holds, for a node that starts with it.
    pub fn held(&self) -> Held {
        let (mut slots, mut newest) = (BTreeMap::<u64, Fingerprint>::new(), BTreeMap::<OriginId, u64>::new());
        for (seq, origin, hash) in self.bundles.keys() {
            let slot = slots.entry(seq / Fingerprint::SLOT * Fingerprint::SLOT).or_default();
            *slot = slot.and(Fingerprint::of(hash));
            newest.insert(*origin, *seq);
        }
        let marks = self.proofs.values().map(|(_, mark)| *mark).collect();
        let (slots, newest) = (slots.into_iter().collect(), newest.into_iter().collect());
        Held { horizon: self.horizon, slots, newest, marks }
    }

    /// The fingerprint of all that it holds.
    pub const fn sum(&self) -> Fingerprint {
        self.sum
    }

    /// Whether it holds a bundle of this number.
    pub fn contains(&self, id: &BundleId) -> bool {
        self.get(&Wanted::from(*id)).is_some()
    }

    /// The bundles, oldest first.
    pub fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        self.bundles.values()
    }

    /// How many bundles it holds.
    pub fn len(&self) -> usize {
        self.bundles.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }
}

fn sum<'a>(keys: impl Iterator<Item = &'a Key>) -> Fingerprint {
    keys.map(|(_, _, hash)| Fingerprint::of(hash)).collect()
}

fn weight(bundle: &Bundle) -> usize {
    bundle.weight() + OVERHEAD * bundle.events.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Signature};
    use uuid::Uuid;

    fn bundle(origin: u8, seq: u64) -> Bundle {
        let event = Event { id: Uuid::from_u128(seq.into()), node_id: "n".into(), json: "x".repeat(100).into() };
        let id = BundleId { origin: OriginId([origin; 32]), seq };
        Bundle { id, events: vec![event].into(), signature: Signature::NONE, second: None }
    }

    #[test]
    fn a_fingerprint_knows_no_order_and_gives_back_what_was_added() {
        let ids: Vec<_> = (0..9).map(|n| bundle(n, u64::from(n) / 3).hash()).collect();
        let all: Fingerprint = ids.iter().map(Fingerprint::of).collect();
        assert_eq!(all, ids.iter().rev().map(Fingerprint::of).collect());
        let (few, rest) = ids.split_at(4);
        let few: Fingerprint = few.iter().map(Fingerprint::of).collect();
        assert_eq!(all.without(few), rest.iter().map(Fingerprint::of).collect());
        assert_eq!(all.without(all), Fingerprint::default());
    }

    #[test]
    fn questions_are_answered_in_order_and_within_their_bounds() {
        let mut store = MemoryStore::new(1 << 20);
        for seq in (0..10).rev() {
            store.keep(bundle(1, seq));
            store.keep(bundle(0, seq));
        }
        let ids = |from, until, limit| match store.answer(&Ask::Ids { token: 7, from, until, limit }) {
            Answer::Ids { token: 7, ids } => ids.iter().map(|id| (id.seq, id.origin.0[0])).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(ids(2, 4, 100), [(2, 0), (2, 1), (3, 0), (3, 1)]);
        assert_eq!(ids(2, 4, 3), [(2, 0), (2, 1), (3, 0)]);
        assert!(ids(4, 2, 3).is_empty());
        let (there, missing) = (|seq| bundle(1, seq).id, bundle(9, 9).id);
        let bundles = |ids: &[BundleId], bytes| match store.answer(&Ask::Bundles {
            token: 7,
            ids: ids.iter().map(|id| Wanted::from(*id)).collect(),
            bytes,
        }) {
            Answer::Bundles { token: 7, covered, bundles } => (covered, bundles.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(bundles(&[there(1), missing, there(2), there(3)], 250), (3, 2));
        assert_eq!(bundles(&[there(1), missing], 1), (2, 1), "the first in any case");
        assert_eq!(bundles(&[missing], 1), (1, 0));
    }

    #[test]
    fn the_oldest_slots_go_when_it_is_full_and_it_says_so() {
        let (mut store, mut horizon) = (MemoryStore::new(30_000), 0);
        for n in 0..200 {
            let before = horizon;
            horizon = store.keep(bundle(1, n * 1_000_000)).unwrap_or(horizon);
            assert!(store.bytes <= store.max_bytes && horizon >= before && horizon % Fingerprint::SLOT == 0);
        }
        assert!(horizon > 0 && store.len() < 101);
        let held = store.held();
        assert_eq!(held.horizon, horizon);
        assert_eq!(held.slots.first().unwrap().0, horizon);
        assert_eq!(held.slots.iter().map(|(_, slot)| slot.count as usize).sum::<usize>(), store.len());
        assert_eq!(held.slots.iter().map(|(_, slot)| *slot).collect::<Fingerprint>(), store.sum());
        assert_eq!(held.newest, [(OriginId([1; 32]), 199_000_000)]);
        assert!(store.contains(&bundle(1, 199_000_000).id) && !store.contains(&bundle(1, 0).id));
        store.drop_before(u64::MAX);
        assert!(store.is_empty() && store.bytes == 0 && store.sum() == Fingerprint::default());
    }

    #[test]
    fn each_content_of_a_number_is_a_bundle_of_its_own() {
        let mut store = MemoryStore::new(1 << 20);
        let other = |signature| {
            let event = Event { id: Uuid::nil(), node_id: "n".into(), json: "y".into() };
            Bundle { events: vec![event].into(), signature: Signature([signature; 64]), ..bundle(1, 5) }
        };
        for kept in [bundle(1, 5), other(1), bundle(1, 6), other(2), bundle(1, 5)] {
            store.keep(kept);
        }
        assert_eq!(store.len(), 3, "another signature makes no other bundle");
        let all = |limit| match store.answer(&Ask::Ids { token: 0, from: 0, until: 9, limit }) {
            Answer::Ids { ids, .. } => ids.iter().map(|id| id.seq).collect::<Vec<_>>(),
            answer => panic!("{answer:?}"),
        };
        assert_eq!((all(9), all(1)), (vec![5, 6], vec![5]), "a number is told once");
        let Answer::Contents { contents, .. } = store.answer(&Ask::Contents { token: 0, from: 0, until: 9, limit: 9 })
        else {
            panic!("contents")
        };
        assert!(contents.len() == 3 && contents.is_sorted());
        for (id, hash) in &contents {
            let ask = Ask::Bundles { token: 0, ids: vec![Wanted::from((*id, *hash))], bytes: 1_000 };
            let Answer::Bundles { bundles, .. } = store.answer(&ask) else { panic!("bundles") };
            assert_eq!(bundles.iter().map(Bundle::hash).collect::<Vec<_>>(), [*hash]);
        }
        let sum: Fingerprint = contents.iter().map(|(_, hash)| Fingerprint::of(hash)).collect();
        assert_eq!((store.held().slots, store.sum()), (vec![(0, sum)], sum));
    }

    #[test]
    fn a_proof_outlives_its_bundles_and_the_first_of_an_origin_stays() {
        let mut store = MemoryStore::new(1 << 20);
        let with = |text: &str| {
            let event = Event { id: Uuid::nil(), node_id: "n".into(), json: text.into() };
            Bundle { events: vec![event].into(), ..bundle(1, 5) }
        };
        for other in ["a", "b"] {
            let proof = Proof::of(bundle(1, 5), with(other)).unwrap();
            let mark = proof.mark(7);
            store.prove(proof, mark);
        }
        store.drop_before(u64::MAX);
        let Answer::Proof { proof: Some(proof), .. } =
            store.answer(&Ask::Proof { token: 0, origin: OriginId([1; 32]) })
        else {
            panic!("a proof")
        };
        assert!(proof.bundles().contains(&with("a")));
        assert_eq!(store.held().marks, [proof.mark(7)]);
    }
}
