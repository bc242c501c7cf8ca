//! A node's start: what the store holds becomes a ledger and what the protocol begins with.
//!
//! Rollups are taken as they are. Only bundles that came after the last checkpoint are counted, and the newest events of all
//! others are remembered, so that they are known when they come again. Nothing else is read.

use super::keeper::{Keeper, Room};
use super::kept_names::{self, NamesError};
use super::names::Names;
use crate::clock;
use crate::kept::KeptFile;
use crate::store::{FILE, Found, Slot, Start, Store, StoreError};
use beauty::{Ledger, LedgerConfig, Origin, TimeRefusal, Told, Unkept};
use gossip::{Address, Bundle, Fingerprint, Held, OriginId, Profile, Rotation, Rotations, Wanted, wire};
use redb::backends::InMemoryBackend;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tracing::{info, warn};

/// How many events that rollups hold are remembered, and in how many bundles they are looked for at most. An event comes in a second
/// bundle seconds after its first, if at all: these are minutes. A guess.
const RECALLED_EVENTS: usize = 16_384;
const RECALLED_BUNDLES: usize = 4_096;
/// How many bundles are read at once.
const PAGE: usize = 256;

/// Why what the store holds can't be begun with.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Who was first to sign in which name.
    #[error(transparent)]
    Names(#[from] NamesError),
    /// Its buckets are none that this version writes.
    #[error(
        "{path} holds a bucket of the map that this program can't read: {why}. It was left as it is: open it with the version \
         that wrote it, or move it away to start anew: peers bring back what they hold"
    )]
    Rollup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: beauty::RollupError,
    },
}

/// What a node begins with.
pub(crate) struct Restored {
    pub(crate) ledger: Ledger,
    pub(crate) names: Names,
    /// Where other nodes were met.
    pub(crate) known: Vec<Address>,
    /// What the driver begins with.
    pub(crate) begin: Begin,
}

/// What the driver begins with.
pub(crate) struct Begin {
    pub(super) keeper: Keeper,
    /// For the protocol.
    pub(super) held: Held,
    /// Events whose time had not come.
    pub(super) waiting: Vec<Told>,
    /// Keys that have taken the place of others.
    pub(super) rotations: Vec<Rotation>,
    /// What origins have declared, this node included.
    pub(super) profiles: Vec<Arc<Profile>>,
    /// Where it is kept who signs in which name.
    pub(super) names: KeptFile,
}

/// Opens the store of this mesh in this folder, and reads what it holds: that takes as long as the map is large, not as the history is.
/// Without a folder nothing is kept.
///
/// # Errors
/// The store can't be opened or read, was written by another version, or is of another mesh.
pub(crate) fn restore(
    (folder, mesh): (Option<&Path>, &str),
    config: LedgerConfig,
    (own, name, rotations): (OriginId, &Origin, Vec<Rotation>),
    room: Room,
) -> Result<Restored, RestoreError> {
    let (began, mut ledger) = (Instant::now(), Ledger::new(config));
    let (store, path) = match folder {
        Some(folder) => (Store::open(folder)?, folder.join(FILE)),
        None => (Store::on(InMemoryBackend::new())?, PathBuf::new()),
    };
    store.belongs_to(mesh)?;
    let mut broken = None;
    store.rollups(|key, value| {
        if let (Err(why), None) = (ledger.restore(key, value), broken) {
            broken = Some(why);
        }
    })?;
    if let Some(why) = broken {
        return Err(RestoreError::Rollup { path, why });
    }
    let Start { own_seq, peers, horizon, mut newest, waiting, fresh, marks } = store.start()?;
    newest.extend(own_seq.map(|seq| (own, seq)));
    let slots = store.slots(0..u64::MAX)?;
    let sum =
        |slot: &Slot| Fingerprint { hash: slot.fingerprint, count: u32::try_from(slot.bundles).unwrap_or(u32::MAX) };
    let held = Held { horizon, slots: slots.iter().map(|slot| (slot.start, sum(slot))).collect(), newest, marks };
    let mut names = Names::default();
    let mut changed = Rotations::default();
    rotations.iter().for_each(|rotation| {
        changed.learn(rotation.clone());
    });
    names.rotate(changed);
    names.claim(own, name);
    names.recall(folder.map_or(Ok(Vec::new()), kept_names::read)?);
    let mut start = Counting { ledger, names, unkept: Unkept::default(), waiting: Vec::new() };
    start.wait(&waiting);
    start.recall(&store, &fresh)?;
    let events = start.count(&store, &fresh)?;
    let Counting { ledger, names, unkept, waiting } = start;
    let bundles: u64 = slots.iter().map(|slot| slot.bundles).sum();
    if bundles > 0 {
        let (fresh, took) = (fresh.len(), began.elapsed().as_millis());
        info!("{}: {bundles} bundles are here, {fresh} of them counted anew, read in {took} ms", path.display());
    }
    let known = peers.iter().filter_map(|text| text.parse().ok()).collect();
    let keeper = Keeper::new(store, own, room, (unkept, events));
    let kept_names = KeptFile::new(folder.map(Path::to_owned), kept_names::FILE);
    let begin = Begin { keeper, held, waiting, rotations, profiles: Vec::new(), names: kept_names };
    Ok(Restored { ledger, names, known, begin })
}

impl Begin {
    /// The greatest number that this origin has used, as far as the store knows.
    pub(crate) fn newest(&self, own: OriginId) -> u64 {
        self.held.newest.iter().filter(|(origin, _)| *origin == own).map(|(_, seq)| *seq).max().unwrap_or(0)
    }

    /// The same, with what origins have declared.
    pub(crate) fn with(self, profiles: Vec<Arc<Profile>>) -> Begin {
        Begin { profiles, ..self }
    }
}

struct Counting {
    ledger: Ledger,
    names: Names,
    unkept: Unkept,
    waiting: Vec<Told>,
}

impl Counting {
    /// Events that waited for their time at the last checkpoint.
    fn wait(&mut self, lines: &[u8]) {
        let lines = String::from_utf8_lossy(lines);
        self.waiting.extend(lines.lines().filter_map(|line| Told::parse(line).ok()));
    }

    /// Remembers the newest events that rollups hold, the oldest of them first.
    fn recall(&mut self, store: &Store, fresh: &[Wanted]) -> Result<(), StoreError> {
        let fresh: BTreeSet<&Wanted> = fresh.iter().collect();
        // Where the first content of a number is fresh, so are those that came after it.
        let is_fresh = |it: &Wanted| fresh.contains(it) || fresh.contains(&Wanted::from(it.id));
        let waiting: BTreeSet<_> = self.waiting.iter().map(|told| told.event.id).collect();
        let newest = decoded(store.newest((RECALLED_BUNDLES, RECALLED_EVENTS), is_fresh)?);
        let mut left = RECALLED_EVENTS;
        let newest: Vec<Bundle> = newest
            .into_iter()
            .take_while(|bundle| {
                let some = left > 0;
                left = left.saturating_sub(bundle.events.len());
                some
            })
            .collect();
        for (bundle, told) in newest.iter().rev().flat_map(each) {
            self.names.claim(bundle.id.origin, &told.origin);
            if !waiting.contains(&told.event.id) {
                self.ledger.recall(&told.origin, &told.event);
            }
        }
        Ok(())
    }

    /// Counts the events that no rollup holds, in the order in which they came. Gives how many.
    fn count(&mut self, store: &Store, fresh: &[Wanted]) -> Result<usize, StoreError> {
        let (now, mut events) = (clock::wall(), 0);
        for ids in fresh.chunks(PAGE) {
            for bundle in decoded(store.bundles(ids)?) {
                for (bundle, told) in each(&bundle) {
                    events += 1;
                    self.names.claim(bundle.id.origin, &told.origin);
                    match self.ledger.insert(&told.origin, &told.event, now) {
                        Ok(inserted) => self.unkept.note(&told.origin, &told.event, &inserted),
                        Err(TimeRefusal::TooFarAhead { .. }) => self.waiting.push(told),
                        // It has grown old meanwhile.
                        Err(TimeRefusal::TooOld { .. }) => {}
                    }
                }
            }
        }
        Ok(events)
    }
}

/// The bundles that can be read. The others are told of: peers may have them.
fn decoded(found: Found) -> Vec<Bundle> {
    let damaged = found.damaged.len();
    let whole = found.bundles.len();
    let bundles: Vec<Bundle> =
        found.bundles.iter().filter_map(|stored| wire::decode_bundle(&stored.bytes).ok()).collect();
    if damaged + whole > bundles.len() {
        let lost = damaged + whole - bundles.len();
        warn!("{lost} bundles are damaged on disk and are not counted; `beauty-mesh store check` says more");
    }
    bundles
}

/// Each event of a bundle. All were read before they were kept.
fn each(bundle: &Bundle) -> impl Iterator<Item = (&Bundle, Told)> {
    bundle.events.iter().filter_map(move |event| Some((bundle, Told::parse(&event.json).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, Checkpoint, StoredBundle};
    use beauty::{LedgerConfig, Timestamp};
    use gossip::{BundleId, Event, Signature};
    use std::time::Duration;
    use uuid::Uuid;

    const OWN: OriginId = OriginId([1; 32]);

    /// A bundle of one event of this name and time.
    fn bundle(origin: OriginId, seq: u64, name: &str, at: Timestamp) -> (StoredBundle, Told) {
        let id = Uuid::from_u128(u128::from(origin.0[0]) << 64 | u128::from(seq));
        let json = format!(r#"{{"event_id":"{id}","node_id":"{name}","timestamp":{},"beauty":0.5}}"#, at.as_millis());
        let told = Told::parse(&json).unwrap();
        let event = Event { id, node_id: name.into(), json: json.into() };
        let id = BundleId { origin, seq };
        let bundle = Bundle { id, events: vec![event].into(), signature: Signature([7; 64]), second: None };
        (StoredBundle { id, hash: None, events: 1, bytes: wire::encode_bundle(&bundle).unwrap() }, told)
    }

    fn start(folder: &Path) -> Restored {
        let room = Room { retention: Duration::from_secs(3_600), max_bytes: u64::MAX };
        let name = Origin::new("alpha").unwrap();
        restore((Some(folder), "beauty"), LedgerConfig::default(), (OWN, &name, Vec::new()), room).unwrap()
    }

    #[test]
    fn what_rollups_hold_is_not_counted_again_and_what_waits_is_not_taken_for_counted() {
        let (folder, now) = (tempfile::tempdir().unwrap(), clock::wall());
        let ahead = now.saturating_add(3_600_000);
        let other = OriginId([2; 32]);
        let (old, counted) = bundle(other, 1, "beta", now);
        let (waits, waiting) = bundle(other, 2, "beta", ahead);
        let (fresh, _) = bundle(OWN, 3, "alpha", now);
        let (fresh_ahead, _) = bundle(OWN, 4, "alpha", ahead);
        let (mut ledger, mut unkept) = (Ledger::new(LedgerConfig::default()), Unkept::default());
        let inserted = ledger.insert(&counted.origin, &counted.event, now).unwrap();
        unkept.note(&counted.origin, &counted.event, &inserted);
        let store = Store::open(folder.path()).unwrap();
        let keep = |bundles, own_seq, peers| {
            store.keep(Batch { bundles, own_seq, peers, proofs: Vec::new() }).unwrap().kept_blocking().unwrap()
        };
        keep(vec![old, waits], None, Some(vec!["ws://192.0.2.1:1".to_owned()]));
        let checkpoint = Checkpoint {
            rollups: ledger.rollups(&unkept),
            gone: Vec::new(),
            past: Vec::new(),
            waiting: waiting.to_json().into_bytes(),
            retain_from: 0,
            max_bytes: u64::MAX,
            spare_from: 0,
        };
        store.checkpoint(checkpoint).unwrap().kept_blocking().unwrap();
        keep(vec![fresh, fresh_ahead], Some(4), None);
        drop(store);
        for _ in 0..2 {
            let Restored { mut ledger, names, known, begin } = start(folder.path());
            assert_eq!(ledger.events(now), 2);
            assert!(ledger.is_recent(&counted.event.id) && !ledger.is_recent(&waiting.event.id));
            let waiting: Vec<_> = begin.waiting.iter().map(|told| told.origin.as_str()).collect();
            assert_eq!(waiting, ["beta", "alpha"]);
            // When their time has come, they count.
            for told in &begin.waiting {
                ledger.insert(&told.origin, &told.event, ahead).unwrap();
            }
            assert_eq!(ledger.events(ahead), 4);
            let named: Vec<_> = names.iter().map(|(name, named)| (name.as_str(), named.key)).collect();
            assert_eq!(named, [("alpha", OWN), ("beta", other)]);
            assert_eq!(known, ["ws://192.0.2.1:1".parse().unwrap()]);
            assert_eq!(begin.held.slots.iter().map(|(_, slot)| slot.count).sum::<u32>(), 4);
            assert!(begin.held.newest.contains(&(OWN, 4)) && begin.held.newest.contains(&(other, 2)));
        }
    }

    #[test]
    fn a_bucket_of_another_version_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let rollups = vec![(b"what is this".to_vec(), b"?".to_vec())];
        let checkpoint = Checkpoint {
            rollups,
            gone: Vec::new(),
            past: vec![],
            waiting: vec![],
            retain_from: 0,
            max_bytes: u64::MAX,
            spare_from: 0,
        };
        store.checkpoint(checkpoint).unwrap().kept_blocking().unwrap();
        drop(store);
        let room = Room { retention: Duration::from_secs(3_600), max_bytes: u64::MAX };
        let name = Origin::new("alpha").unwrap();
        let Err(error) =
            restore((Some(folder.path()), "beauty"), LedgerConfig::default(), (OWN, &name, Vec::new()), room)
        else {
            panic!("it starts")
        };
        let words = error.to_string();
        assert!(words.contains("events.redb") && words.contains("version that wrote it"), "{words}");
    }
}
