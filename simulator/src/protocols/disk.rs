//! A node's disk, and what the nodes of a world have in common so that it is in memory once.

use crate::bits::Bits;
use crate::past::Past;
use crate::protocol::{BroadcastId, Payload};
use gossip::{
    Address, Answer, Ask, Bundle, BundleId, Event, Fingerprint, Hashed, Held, Mark, MemoryStore, Message, OriginId,
    Proof, Wanted,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// What a node's store may hold, in bytes: more than any scenario sends.
const STORE_BYTES: usize = 1 << 40;

/// What is in memory once, though many nodes hold it.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// The events of each bundle that a node kept.
    events: RefCell<BTreeMap<BundleId, Arc<[Event]>>>,
    past: Option<OldDisk>,
}

/// The disk of whoever was there all the time, when the world begins.
#[derive(Debug)]
struct OldDisk {
    store: MemoryStore,
    held: Held,
    events: u32,
    digest: u128,
}

impl Common {
    /// `bundle` makes a bundle of what was sent at a moment.
    pub(super) fn new(past: Option<&Past>, bundle: impl Fn(i64, &[Payload]) -> Bundle) -> Common {
        let common = Common::default();
        let Some(past) = past else { return common };
        let (mut store, mut digest) = (MemoryStore::new(STORE_BYTES), 0);
        for (at, payloads) in past.bundles() {
            let bundle = bundle(at, &payloads);
            digest = payloads.iter().fold(digest, |digest, payload| digest ^ hash(payload.id));
            common.events.borrow_mut().insert(bundle.id, Arc::clone(&bundle.events));
            store.keep(bundle);
        }
        Common { past: Some(OldDisk { held: store.held(), store, events: past.events(), digest }), ..common }
    }

    /// Whatever others hold as well is in memory once: the same bytes, wherever they came from.
    pub(super) fn share(&self, message: &mut Message) {
        let bundles = match message {
            Message::Bundle { bundle, .. } => std::slice::from_mut(bundle),
            Message::Exchange(gossip::Exchange::Missed { bundles, .. }) => bundles.as_mut_slice(),
            _ => return,
        };
        let known = self.events.borrow();
        for bundle in bundles {
            if let Some(events) = known.get(&bundle.id).filter(|events| ***events == *bundle.events) {
                bundle.events = Arc::clone(events);
            }
        }
    }
}

/// One broadcast in a digest.
pub(super) fn hash(id: BroadcastId) -> u128 {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(&id.0.to_le_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(hash)
}

/// What a node has kept, and what of the past it had at first.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    common: Rc<Common>,
    has_past: bool,
    own: MemoryStore,
    /// Addresses that were known when the node ended.
    pub(super) known: Vec<Address>,
}

impl Disk {
    /// An empty one, but for the past.
    pub(super) fn new(common: Rc<Common>, has_past: bool) -> Disk {
        Disk { common, has_past, own: MemoryStore::new(STORE_BYTES), known: Vec::new() }
    }

    /// The same, with addresses that are known.
    pub(super) fn with_known(self, known: Vec<Address>) -> Disk {
        Disk { known, ..self }
    }

    fn past(&self) -> Option<&OldDisk> {
        self.common.past.as_ref().filter(|_| self.has_past)
    }

    /// The broadcasts of the past that are on it, and their digest.
    pub(super) fn past_events(&self) -> (Bits, u128) {
        self.past().map_or_else(Default::default, |past| (Bits::first(past.events), past.digest))
    }

    /// What came since the world began.
    pub(super) fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        self.own.bundles()
    }

    /// Keeps a bundle, as [`MemoryStore::keep`].
    pub(super) fn keep(&mut self, bundle: Hashed) -> Option<u64> {
        self.common.events.borrow_mut().entry(bundle.id).or_insert_with(|| Arc::clone(&bundle.events));
        self.own.keep(bundle)
    }

    /// Keeps a proof, as [`MemoryStore::prove`].
    pub(super) fn prove(&mut self, proof: Proof, mark: Mark) {
        self.own.prove(proof, mark);
    }

    /// All bundles on it, as one sum.
    pub(super) fn sum(&self) -> Fingerprint {
        self.past().map_or_else(Fingerprint::default, |past| past.store.sum()).and(self.own.sum())
    }

    /// Answers a question, as [`MemoryStore::answer`].
    pub(super) fn answer(&self, ask: &Ask) -> Answer {
        let Some(past) = self.past() else { return self.own.answer(ask) };
        match ask {
            Ask::Ids { limit, .. } => match (past.store.answer(ask), self.own.answer(ask)) {
                (Answer::Ids { token, mut ids }, Answer::Ids { ids: own, .. }) => {
                    ids.extend(own);
                    ids.sort_unstable_by_key(|id| (id.seq, id.origin));
                    ids.truncate(*limit);
                    Answer::Ids { token, ids }
                }
                (_, other) => other,
            },
            Ask::Contents { limit, .. } => match (past.store.answer(ask), self.own.answer(ask)) {
                (Answer::Contents { token, mut contents }, Answer::Contents { contents: own, .. }) => {
                    contents.extend(own);
                    contents.sort_unstable_by_key(|(id, hash)| (id.seq, id.origin, *hash));
                    contents.truncate(*limit);
                    Answer::Contents { token, contents }
                }
                (_, other) => other,
            },
            Ask::Proof { .. } => self.own.answer(ask),
            Ask::Bundles { token, ids, bytes } => {
                // An answer is about the first ids only: those up to the first that is on the other disk.
                let is_old = |wanted: &Wanted| past.store.contains(&wanted.id);
                let old = ids.first().is_some_and(is_old);
                let ids = ids.iter().take_while(|id| is_old(id) == old).copied().collect();
                let ask = Ask::Bundles { token: *token, ids, bytes: *bytes };
                if old { past.store.answer(&ask) } else { self.own.answer(&ask) }
            }
        }
    }

    /// What it holds, as [`MemoryStore::held`].
    pub(super) fn held(&self) -> Held {
        let Some(past) = self.past() else { return self.own.held() };
        let (mut held, own) = (past.held.clone(), self.own.held());
        let mut slots: BTreeMap<u64, Fingerprint> = held.slots.into_iter().collect();
        for (start, slot) in own.slots {
            let sum = slots.entry(start).or_default();
            *sum = sum.and(slot);
        }
        let mut newest: BTreeMap<OriginId, u64> = held.newest.into_iter().collect();
        for (origin, seq) in own.newest {
            let last = newest.entry(origin).or_default();
            *last = seq.max(*last);
        }
        (held.slots, held.newest) = (slots.into_iter().collect(), newest.into_iter().collect());
        held.marks = own.marks;
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::NodeId;
    use crate::scenario::Scenario;
    use gossip::Signature;
    use uuid::Uuid;

    const EPOCH: i64 = 10_000_000_000;

    fn event(payload: &Payload) -> Event {
        let id = Uuid::from_u128(payload.id.0.into());
        Event { id, node_id: "n".into(), json: Arc::clone(&payload.text) }
    }

    fn id(origin: NodeId, at: i64) -> BundleId {
        BundleId { origin: OriginId([origin.0 as u8; 32]), seq: (EPOCH + at).unsigned_abs() }
    }

    /// A disk with an hour of past and some bundles of its own, and a store that holds the same.
    fn both() -> (Disk, MemoryStore) {
        let text = "name = 'a'\nabout = 'b'\nnodes = 9\n[traffic]\nsenders = 1\nrounds = 1\nevery_ms = 1\n[links]\nlatency_ms = [1, 1]\n\
                    [past]\nhours = 1\nevents_per_s = 1\nevents_per_bundle = 5\norigins = 3\nlacks = [4]";
        let past = Past::of(&Scenario::parse(text).unwrap()).unwrap();
        let bundle = |at, payloads: &[Payload]| Bundle {
            id: id(payloads[0].origin, at),
            events: payloads.iter().map(event).collect(),
            signature: Signature::NONE,
            second: None,
        };
        let mut disk = Disk::new(Rc::new(Common::new(Some(&past), bundle)), true);
        let mut store = MemoryStore::new(STORE_BYTES);
        for (at, payloads) in past.bundles() {
            store.keep(bundle(at, &payloads));
        }
        for number in 0..50 {
            let payload = Payload::new(BroadcastId(past.events() + number), NodeId(5), 0, 160);
            // Some before the world began: clocks are off.
            let own = bundle(i64::from(number) * 1_000_000 - 20_500_000, &[payload]);
            disk.keep(own.clone().into());
            store.keep(own);
        }
        (disk, store)
    }

    #[test]
    fn past_and_present_are_one_store() {
        let (disk, store) = both();
        assert_eq!(disk.held(), store.held());
        for (from, until, limit) in [(0, u64::MAX, 8_192), (0, u64::MAX, 7), (9_900_000_000, 10_010_000_000, 40)] {
            let ask = Ask::Ids { token: 1, from, until, limit };
            assert_eq!(disk.answer(&ask), store.answer(&ask));
            let ask = Ask::Contents { token: 1, from, until, limit };
            assert_eq!(disk.answer(&ask), store.answer(&ask));
        }
        let Answer::Ids { ids, .. } = store.answer(&Ask::Ids { token: 1, from: 0, until: u64::MAX, limit: 8_192 })
        else {
            panic!("ids")
        };
        let wanted: Vec<Wanted> = ids.iter().map(|id| Wanted::from(*id)).collect();
        let mut left = &wanted[600..];
        let mut came = Vec::new();
        while !left.is_empty() {
            let ask = Ask::Bundles { token: 1, ids: left.to_vec(), bytes: 3_000 };
            let Answer::Bundles { covered, bundles, .. } = disk.answer(&ask) else { panic!("bundles") };
            assert!((1..=left.len()).contains(&covered));
            came.extend(bundles.into_iter().map(|bundle| bundle.id));
            left = &left[covered..];
        }
        assert_eq!(came, &ids[600..]);
        let (bits, digest) = disk.past_events();
        assert_eq!((bits.len(), digest), (3_600, (0..3_600).fold(0, |digest, id| digest ^ hash(BroadcastId(id)))));
    }

    #[test]
    fn what_comes_as_others_hold_it_is_in_memory_once_and_anything_else_is_left_as_it_came() {
        let (disk, store) = both();
        let common = Rc::clone(&disk.common);
        let known = store.bundles().next().unwrap();
        let mut came = known.clone();
        came.events = came.events.iter().cloned().collect();
        let mut other = came.clone();
        other.events = other.events.iter().skip(1).cloned().collect();
        let bundles = vec![came, other.clone()];
        let mut message = Message::Exchange(gossip::Exchange::Missed { number: 1, covered: 2, bundles });
        common.share(&mut message);
        let [shared, left] = message.bundles() else { panic!("two") };
        assert!(Arc::ptr_eq(&shared.events, common.events.borrow().get(&known.id).unwrap()));
        assert_eq!(left, &other);
    }
}
