//! A ledger's buckets as a store keeps them, so that a start replays no event that a bucket holds already.
//!
//! A bucket is kept under a key: whose (0: the whole mesh, 1: a node; 1 byte), the resolution (its place in
//! [`Resolution::ALL`]; 1 byte), the slot's start (milliseconds, big-endian; 8 bytes), and the node's name in UTF-8, empty for the mesh.
//! So keys stand in the order of time, and what no map can show any more is one range of keys for each resolution.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::heatmap::MAX_COLUMNS;
use crate::ledger::Ledger;
use crate::ledger::recent::Entry;
use crate::ledger::rings::Rings;
use crate::{BeautyEvent, Bucket, Inserted, LeanBucket, Origin, Resolution, Timestamp};

const MESH: u8 = 0;
const NODE: u8 = 1;

/// Which buckets events have changed since they were last kept.
///
/// Grows with the slots of 10 s and the nodes that events touch. The caller keeps the buckets when it has grown enough.
#[derive(Clone, Debug, Default)]
pub struct Unkept {
    cells: BTreeMap<Timestamp, BTreeSet<Origin>>,
    count: usize,
}

impl Unkept {
    /// Notes what became of an event.
    pub fn note(&mut self, origin: &Origin, event: &BeautyEvent, inserted: &Inserted) {
        match inserted {
            Inserted::New => self.touch(origin, event.at),
            Inserted::Replaced { origin: loser, at } => {
                self.touch(origin, event.at);
                self.touch(loser, *at);
            }
            Inserted::Duplicate | Inserted::Outranked => {}
        }
    }

    /// How many cells of 10 s and one node.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing has changed.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn touch(&mut self, origin: &Origin, at: Timestamp) {
        let start = Resolution::TenSeconds.floor(at);
        if self.cells.entry(start).or_default().insert(origin.clone()) {
            self.count += 1;
        }
    }
}

/// Why a kept bucket can't be taken in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a kept bucket is not one that this version writes: {0}")]
pub struct RollupError(&'static str);

impl Ledger {
    /// The buckets that have changed, at every resolution: key and value of each.
    pub fn rollups(&self, unkept: &Unkept) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rollups = BTreeMap::new();
        for (at, origins) in &unkept.cells {
            for resolution in Resolution::ALL {
                let start = resolution.floor(*at);
                if let Some(bucket) = self.mesh.get(resolution).get(start) {
                    rollups.entry(key(MESH, resolution, start, "")).or_insert_with(|| bucket.to_bytes().to_vec());
                }
                for origin in origins {
                    let ring = self.nodes.get(origin).map(|node| node.rings.get(resolution));
                    if let Some(bucket) = ring.and_then(|ring| ring.get(start)) {
                        let key = key(NODE, resolution, start, origin.as_str());
                        rollups.entry(key).or_insert_with(|| bucket.to_bytes().to_vec());
                    }
                }
            }
        }
        rollups.into_iter().collect()
    }

    /// Whether nodes have given way since [`take_gone`](Ledger::take_gone) was called last.
    pub const fn has_gone(&self) -> bool {
        !self.nodes.gone.is_empty()
    }

    /// The keys of the buckets of nodes that have given way since this was called last: they are to be kept no more. One that has
    /// come back is among the [changed](Ledger::rollups) ones again, so these go first.
    pub fn take_gone(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.nodes.gone)
    }

    /// The keys of buckets that no map can show any more: from the first of each pair up to and without the second.
    pub fn past_rollups(&self, now: Timestamp) -> Vec<(Vec<u8>, Vec<u8>)> {
        let ranges = Resolution::ALL.into_iter().flat_map(|resolution| {
            let of = |whose, columns: usize| {
                let first = resolution.start(resolution.slot(now).saturating_sub(columns as u64));
                (key(whose, resolution, Timestamp::default(), ""), key(whose, resolution, first, ""))
            };
            [of(MESH, self.config.mesh_columns(resolution)), of(NODE, MAX_COLUMNS)]
        });
        ranges.collect()
    }

    /// Takes a kept bucket in, in place of the one that is there.
    ///
    /// # Errors
    /// A [`RollupError`] where these are no key and value of a bucket. Nothing has changed then.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), RollupError> {
        let (whose, resolution, start, name) = read_key(key)?;
        if whose == MESH {
            let bucket = Bucket::from_bytes(value).ok_or(RollupError("its numbers are none of a mesh's bucket"))?;
            self.mesh.get_mut(resolution).update(start, |place| *place = bucket);
        } else {
            let bucket = LeanBucket::from_bytes(value).ok_or(RollupError("its numbers are none of a node's bucket"))?;
            let origin = Origin::new(name).map_err(|_| RollupError("its name is none of a node"))?;
            self.nodes.hear(&origin, start, &self.config, |rings| {
                rings.get_mut(resolution).update(start, |place| *place = bucket);
            });
        }
        Ok(())
    }

    /// Remembers an event that the buckets hold already, so that it is known when it comes again. Of two with one id, the
    /// buckets hold the one with the smaller hash.
    pub fn recall(&mut self, origin: &Origin, event: &BeautyEvent) {
        let serial = self.nodes.get(origin).map_or(u64::MAX, |node| node.serial);
        let (hash, origin) = (event.content_hash(origin), origin.clone());
        let entry = Entry { id: event.id, hash, at: event.at, score: event.score, origin, serial };
        match self.recent.get(&event.id) {
            None => self.recent.insert(entry),
            Some(known) if hash < known.hash => self.recent.replace(entry),
            Some(_) => {}
        }
    }
}

/// The keys of all buckets of a node.
pub(crate) fn keys_of<'a>(origin: &'a Origin, rings: &'a Rings<LeanBucket>) -> impl Iterator<Item = Vec<u8>> + 'a {
    let of = |resolution| rings.get(resolution).starts().map(move |start| (resolution, start));
    let all = Resolution::ALL.into_iter().flat_map(of);
    all.map(|(resolution, start)| key(NODE, resolution, start, origin.as_str()))
}

fn key(whose: u8, resolution: Resolution, start: Timestamp, name: &str) -> Vec<u8> {
    let mut key = vec![whose, resolution as u8];
    key.extend_from_slice(&start.as_millis().to_be_bytes());
    key.extend_from_slice(name.as_bytes());
    key
}

fn read_key(key: &[u8]) -> Result<(u8, Resolution, Timestamp, &str), RollupError> {
    let ([whose, resolution], rest) = key.split_first_chunk().ok_or(RollupError("its key is too short"))?;
    let (start, name) = rest.split_first_chunk().ok_or(RollupError("its key is too short"))?;
    let start = Timestamp::from_millis(u64::from_be_bytes(*start));
    let resolution = *Resolution::ALL.get(usize::from(*resolution)).ok_or(RollupError("its resolution is unknown"))?;
    let name = std::str::from_utf8(name).map_err(|_| RollupError("its name is no text"))?;
    let one_way = resolution.floor(start) == start && (*whose == NODE || *whose == MESH && name.is_empty());
    if one_way { Ok((*whose, resolution, start, name)) } else { Err(RollupError("its key is none of a bucket")) }
}
