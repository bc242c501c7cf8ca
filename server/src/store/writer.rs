//! The one thread that writes: what waits in its queue goes to disk together, by one sync (group commit).
//!
//! **After a failed write or sync it stops for ever.** A page that could not be written may be marked clean by the system, so
//! that a second sync succeeds without it (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
//! Only opening the file anew tells what it holds.

use super::batch::{Batch, Checkpoint, Kept, StoredBundle, StoredProof};
use super::error::{Fault, StoreError};
use super::guard::guarded;
use super::record::{content_of, hash_in, hash_of, id_of, key_of, seal, twin_key, unseal};
use super::slot::{SLOT, Slot};
use super::tables::{Tables, Totals};
use gossip::{BundleHash, BundleId, OriginId, Proof, wire};
use redb::{Database, ReadableTable, ReadableTableMetadata};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use tokio::sync::oneshot;

/// What one commit takes at most. A guess: a tenth of a second of a slow disk.
const GROUP_BYTES: usize = 4 * 1_024 * 1_024;
/// After so many, a checkpoint prunes no more slots; the next one goes on. A guess: two minutes of 500 bundles a second.
const MAX_PRUNED: usize = 65_536;

pub(super) enum Work {
    Keep(Batch),
    Checkpoint(Box<Checkpoint>),
}

pub(super) struct Job {
    pub(super) work: Work,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Result<Kept, StoreError>>,
}

/// What the thread and the store's handle share.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Bytes in the queue.
    pub(super) waiting: AtomicUsize,
    /// Why nothing more is acknowledged, once it is so.
    pub(super) stopped: OnceLock<Arc<str>>,
}

pub(super) struct Writer {
    pub(super) database: Arc<Database>,
    pub(super) path: PathBuf,
    pub(super) flow: Arc<Flow>,
    pub(super) totals: Totals,
    /// Bundles with a lower number are not taken.
    pub(super) horizon: u64,
    /// Counts bundles as they come, for the table `fresh`.
    pub(super) arrivals: u64,
}

impl Writer {
    /// Works until every sender is gone and the queue is empty.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let (mut group, mut bytes) = (Vec::new(), 0);
            let mut next = Some(first);
            while let Some(job) = next {
                bytes += job.bytes;
                group.push(job);
                next = if bytes < GROUP_BYTES { jobs.try_recv().ok() } else { None };
            }
            self.flow.waiting.fetch_sub(bytes, Ordering::AcqRel);
            self.write(group);
        }
    }

    fn write(&mut self, group: Vec<Job>) {
        let (work, answers): (Vec<_>, Vec<_>) = group.into_iter().map(|job| (job.work, job.answer)).unzip();
        let outcome = match self.flow.stopped.get() {
            Some(_) => None,
            None => match guarded(&self.path.clone(), || self.commit(work)) {
                Ok(kept) => Some(kept),
                Err(fault) => {
                    self.stop(fault);
                    None
                }
            },
        };
        let why = self.flow.stopped.get();
        for (at, answer) in answers.into_iter().enumerate() {
            let kept = outcome.as_ref().and_then(|kept| kept.get(at)).cloned();
            let kept =
                kept.ok_or_else(|| StoreError::Stopped { why: why.cloned().unwrap_or_else(|| "unknown".into()) });
            // Who asked may have given up waiting.
            let _ = answer.send(kept);
        }
    }

    fn stop(&self, fault: Fault) {
        let why = match fault.at(&self.path) {
            StoreError::Io { path, why } => format!("{}: {why}", path.display()),
            other => other.to_string(),
        };
        // Only this thread sets it, and once it is set nothing is written that could fail.
        let _ = self.flow.stopped.set(why.into());
    }

    /// One transaction for all, on disk when it returns.
    fn commit(&mut self, group: Vec<Work>) -> Result<Vec<Kept>, Fault> {
        let transaction = super::begin(&self.database)?;
        let mut change = Change {
            tables: Tables::open(&transaction)?,
            totals: self.totals,
            horizon: self.horizon,
            arrivals: self.arrivals,
            slots: BTreeMap::new(),
            origins: BTreeMap::new(),
        };
        let mut kept = Vec::with_capacity(group.len());
        for work in group {
            kept.push(match work {
                Work::Keep(batch) => change.keep(batch)?,
                Work::Checkpoint(checkpoint) => change.checkpoint(*checkpoint)?,
            });
        }
        let (totals, horizon, arrivals) = change.finish()?;
        transaction.commit()?;
        (self.totals, self.horizon, self.arrivals) = (totals, horizon, arrivals);
        Ok(kept)
    }
}

/// What one transaction changes.
struct Change<'t> {
    tables: Tables<'t>,
    totals: Totals,
    horizon: u64,
    arrivals: u64,
    /// The slots that it touches, as they will be.
    slots: BTreeMap<u64, Slot>,
    /// The greatest number of each origin that it hears of.
    origins: BTreeMap<OriginId, u64>,
}

impl Change<'_> {
    fn keep(&mut self, batch: Batch) -> Result<Kept, Fault> {
        let mut kept = Kept::default();
        for bundle in batch.bundles {
            self.keep_bundle(bundle, &mut kept)?;
        }
        for stored in batch.proofs {
            self.keep_proof(&stored)?;
        }
        if let Some(seq) = batch.own_seq {
            self.tables.set_meta("own_seq", &seq.to_le_bytes())?;
        }
        if let Some(peers) = batch.peers {
            self.tables.set_meta("peers", peers.join("\n").as_bytes())?;
        }
        Ok(kept)
    }

    /// The first proof of an origin stays, and of so many origins.
    fn keep_proof(&mut self, StoredProof { proof, since }: &StoredProof) -> Result<(), Fault> {
        let key = proof.id().origin.0;
        let known = self.tables.cheats.get(&key)?.is_some_and(|record| unseal("cheats", &key, record.value()).is_ok());
        let [one, other] = proof.bundles().each_ref().map(wire::encode_bundle);
        let (Some(one), Some(other)) = (one, other) else { return Ok(()) };
        if known || self.tables.cheats.len()? >= Proof::MAX as u64 {
            return Ok(());
        }
        let mut value = since.to_le_bytes().to_vec();
        // Bundles are shorter than a frame, so the length fits.
        value.extend_from_slice(&(one.len() as u32).to_le_bytes());
        value.extend_from_slice(&one);
        value.extend_from_slice(&other);
        self.tables.cheats.insert(&key, seal("cheats", &key, &value).as_slice())?;
        Ok(())
    }

    fn keep_bundle(&mut self, bundle: StoredBundle, kept: &mut Kept) -> Result<(), Fault> {
        if bundle.id.seq < self.horizon {
            kept.too_old += 1;
            return Ok(());
        }
        let (key, hash) = (key_of(&bundle.id), bundle.hash.unwrap_or_else(|| hash_of(&bundle.bytes)));
        let mut value = bundle.events.to_le_bytes().to_vec();
        value.extend_from_slice(&bundle.bytes);
        let record = seal("bundles", &key, &value);
        let before = self.tables.bundles.insert(&key, record.as_slice())?.map(|before| before.value().to_vec());
        match before {
            None => {
                kept.new += 1;
                self.count(&bundle, &hash, &key, record.len())?;
            }
            Some(before) if before == record => kept.known += 1,
            Some(before) => {
                match hash_in("bundles", &key, &before) {
                    // The one that was there is damaged: the new one mends it, and its events are counted already.
                    None => {
                        kept.known += 1;
                        self.recount(bundle.id.seq)?;
                    }
                    // The same, signed in another way.
                    Some(there) if there == hash => {
                        self.tables.bundles.insert(&key, before.as_slice())?;
                        kept.known += 1;
                    }
                    Some(_) => {
                        self.tables.bundles.insert(&key, before.as_slice())?;
                        self.keep_twin(&bundle, &hash, &value, kept)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Keeps a bundle under whose number there is another content.
    fn keep_twin(
        &mut self,
        bundle: &StoredBundle,
        hash: &BundleHash,
        value: &[u8],
        kept: &mut Kept,
    ) -> Result<(), Fault> {
        let key = twin_key(&(bundle.id, *hash));
        let record = seal("twins", &key, value);
        let before = self.tables.twins.insert(&key, record.as_slice())?;
        if before.is_some() {
            // Where that one was damaged, it is mended. Its key says what it is, so its slot is right.
            kept.known += 1;
            return Ok(());
        }
        drop(before);
        kept.new += 1;
        kept.differing.push(bundle.id);
        self.count(bundle, hash, &key, record.len())
    }

    /// Counts a new bundle, whose key this is.
    fn count(&mut self, bundle: &StoredBundle, hash: &BundleHash, key: &[u8], record: usize) -> Result<(), Fault> {
        self.slot(bundle.id.seq)?.add(hash);
        let newest = self.origins.entry(bundle.id.origin).or_default();
        *newest = bundle.id.seq.max(*newest);
        self.totals.bundles += 1;
        self.totals.events += u64::from(bundle.events);
        self.totals.bytes += (key.len() + record) as u64;
        self.arrivals += 1;
        let arrival = seal("fresh", &self.arrivals.to_le_bytes(), key);
        self.tables.fresh.insert(self.arrivals, arrival.as_slice())?;
        Ok(())
    }

    /// Sums up the slot of a number anew: a damaged bundle in it was mended, maybe by another content.
    fn recount(&mut self, seq: u64) -> Result<(), Fault> {
        let start = Slot::start_of(seq);
        let mut slot = Slot::vacant(start);
        let first = |seq| BundleId { origin: OriginId([0; 32]), seq };
        let (from, to) = (first(start), first(start.saturating_add(SLOT)));
        for entry in self.tables.bundles.range::<&[u8; 40]>(&key_of(&from)..&key_of(&to))? {
            let (key, record) = entry?;
            match hash_in("bundles", key.value(), record.value()) {
                Some(hash) => slot.add(&hash),
                // Still damaged: it is there, and nobody knows what it was.
                None => slot.bundles += 1,
            }
        }
        let none = BundleHash([0; 16]);
        for entry in self.tables.twins.range::<&[u8; 56]>(&twin_key(&(from, none))..&twin_key(&(to, none)))? {
            slot.add(&content_of(entry?.0.value()).1);
        }
        *self.slot(seq)? = slot;
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) -> Result<Kept, Fault> {
        // One that is gone may have come back since: then it is among the changed ones.
        for key in &checkpoint.gone {
            self.tables.rollups.remove(key.as_slice())?;
        }
        for (key, value) in &checkpoint.rollups {
            self.tables.rollups.insert(key.as_slice(), seal("rollups", key, value).as_slice())?;
        }
        for (from, to) in &checkpoint.past {
            self.tables.rollups.retain_in(from.as_slice()..to.as_slice(), |_, _| false)?;
        }
        self.tables.set_meta("waiting", &checkpoint.waiting)?;
        self.tables.fresh.retain(|_, _| false)?;
        self.prune(checkpoint.retain_from, checkpoint.max_bytes, checkpoint.spare_from)
    }

    /// Only after what is fresh has become part of the rollups: pruning never takes an event that no rollup holds.
    fn prune(&mut self, retain_from: u64, max_bytes: u64, spare_from: u64) -> Result<Kept, Fault> {
        let mut kept = Kept::default();
        // Whole slots, as nodes compare slots; and never farther than to what was there: by a clock that is wrong the store would
        // take nothing any more.
        let mut horizon = self.horizon;
        while let Some(first) = self.oldest()? {
            if first.seq >= horizon {
                let next = Slot::start_after(first.seq.saturating_add(1));
                let large = self.totals.bytes > max_bytes && next <= spare_from;
                if kept.pruned >= MAX_PRUNED || !(next <= retain_from || large) {
                    break;
                }
                horizon = next;
            }
            self.remove(&first)?;
            kept.pruned += 1;
        }
        if horizon > self.horizon {
            self.horizon = horizon;
            self.tables.set_meta("horizon", &horizon.to_le_bytes())?;
            self.tables.origins.retain(|key, record| {
                // A damaged record goes as well: it is made anew by the origin's next bundle.
                let newest = unseal("origins", key, record).ok().and_then(|bytes| bytes.first_chunk::<8>());
                newest.is_some_and(|newest| u64::from_le_bytes(*newest) >= horizon)
            })?;
            kept.horizon = Some(horizon);
        }
        Ok(kept)
    }

    fn oldest(&self) -> Result<Option<BundleId>, Fault> {
        Ok(self.tables.bundles.first()?.map(|(key, _)| id_of(key.value())))
    }

    /// Removes all that is here of a number.
    fn remove(&mut self, id: &BundleId) -> Result<(), Fault> {
        let key = key_of(id);
        let record = self.tables.bundles.remove(&key)?.map(|record| record.value().to_vec());
        if let Some(record) = record {
            self.uncount(
                id,
                hash_in("bundles", &key, &record),
                unseal("bundles", &key, &record).ok(),
                key.len() + record.len(),
            )?;
        }
        let range = [0, 0xff].map(|byte| twin_key(&(*id, BundleHash([byte; 16]))));
        let twins = self.tables.twins.range::<&[u8; 56]>(&range[0]..=&range[1])?;
        let twins = twins.map(|entry| Ok(*entry?.0.value())).collect::<Result<Vec<[u8; 56]>, Fault>>()?;
        for key in twins {
            let record = self.tables.twins.remove(&key)?.map(|record| record.value().to_vec());
            if let Some(record) = record {
                let hash = Some(content_of(&key).1);
                self.uncount(id, hash, unseal("twins", &key, &record).ok(), key.len() + record.len())?;
            }
        }
        Ok(())
    }

    /// Counts a bundle no more. Of a damaged one nobody knows how many events it held.
    fn uncount(
        &mut self,
        id: &BundleId,
        hash: Option<BundleHash>,
        value: Option<&[u8]>,
        bytes: usize,
    ) -> Result<(), Fault> {
        self.slot(id.seq)?.remove(hash);
        let events = value.and_then(|value| value.first_chunk::<2>().copied());
        let events = events.map_or(0, |events| u64::from(u16::from_le_bytes(events)));
        self.totals.bundles = self.totals.bundles.saturating_sub(1);
        self.totals.events = self.totals.events.saturating_sub(events);
        self.totals.bytes = self.totals.bytes.saturating_sub(bytes as u64);
        Ok(())
    }

    fn slot(&mut self, seq: u64) -> Result<&mut Slot, Fault> {
        use std::collections::btree_map::Entry;
        let start = Slot::start_of(seq);
        match self.slots.entry(start) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(place) => {
                let slot = match self.tables.slots.get(start)? {
                    Some(record) => Slot::from_bytes(start, unseal("slots", &start.to_le_bytes(), record.value())?)?,
                    None => Slot::vacant(start),
                };
                Ok(place.insert(slot))
            }
        }
    }

    fn finish(mut self) -> Result<(Totals, u64, u64), Fault> {
        self.note_origins()?;
        for (start, slot) in std::mem::take(&mut self.slots) {
            if slot.bundles == 0 {
                self.tables.slots.remove(start)?;
            } else {
                self.tables.slots.insert(start, seal("slots", &start.to_le_bytes(), &slot.to_bytes()).as_slice())?;
            }
        }
        self.tables.set_meta("totals", &self.totals.to_bytes())?;
        Ok((self.totals, self.horizon, self.arrivals))
    }

    fn note_origins(&mut self) -> Result<(), Fault> {
        for (origin, seq) in std::mem::take(&mut self.origins) {
            let before = match self.tables.origins.get(&origin.0)? {
                // A damaged record is made anew.
                Some(record) => {
                    unseal("origins", &origin.0, record.value()).ok().and_then(|it| it.first_chunk().copied())
                }
                None => None,
            };
            let newest = before.map_or(seq, |before| u64::from_le_bytes(before).max(seq));
            if newest >= self.horizon {
                let record = seal("origins", &origin.0, &newest.to_le_bytes());
                self.tables.origins.insert(&origin.0, record.as_slice())?;
            }
        }
        Ok(())
    }
}
