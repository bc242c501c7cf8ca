//! What is read from the store, beside whatever is being written: each answer is of one moment.

use super::Store;
use super::batch::{Proof, StoredBundle, ended};
use super::error::{Fault, StoreError};
use super::guard::guarded;
use super::record::{id_of, key_of, take, unseal};
use super::slot::Slot;
use super::tables::{BUNDLES, FRESH, META, ORIGINS, PROOFS, ROLLUPS, SLOTS, Totals, meta};
use gossip::{BundleId, OriginId};
use redb::{ReadTransaction, ReadableDatabase, ReadableTable};
use std::ops::Range;

/// Bundles that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Those that are here, in the order in which they were asked for.
    pub bundles: Vec<StoredBundle>,
    /// Those whose records the disk has damaged. Peers may have them; kept again, they are mended.
    pub damaged: Vec<BundleId>,
}

/// What a node begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The last number that this node gave to a bundle.
    pub own_seq: Option<u64>,
    /// Addresses to dial.
    pub peers: Vec<String>,
    /// No bundle with a lower number is here, and none will be taken; 0 where none had to go yet.
    pub horizon: u64,
    /// Each origin's greatest number.
    pub newest: Vec<(OriginId, u64)>,
    /// What the last checkpoint said was part of no rollup.
    pub waiting: Vec<u8>,
    /// The bundles that came after the last checkpoint, in the order in which they came. No rollup holds them.
    pub fresh: Vec<BundleId>,
}

impl Store {
    /// What to begin with.
    ///
    /// # Errors
    /// The file can't be read, or a record in it is damaged.
    pub fn start(&self) -> Result<Start, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(META)?;
            let own_seq = number(&table, "own_seq")?;
            let peers = String::from_utf8(meta(&table, "peers")?.unwrap_or_default())
                .map_err(|_| Fault::Damaged("the known peers are no text".to_owned()))?;
            let mut fresh = Vec::new();
            for entry in transaction.open_table(FRESH)?.iter()? {
                let (arrival, record) = entry?;
                let mut key = unseal("fresh", &arrival.value().to_le_bytes(), record.value())?;
                fresh.push(id_of(&take("fresh", &mut key)?));
            }
            Ok(Start {
                own_seq,
                horizon: number(&table, "horizon")?.unwrap_or(0),
                newest: newest(transaction)?,
                peers: peers.lines().map(str::to_owned).collect(),
                waiting: meta(&table, "waiting")?.unwrap_or_default(),
                fresh,
            })
        })
    }

    /// Gives every rollup, in the order of keys.
    ///
    /// # Errors
    /// The file can't be read, or a record in it is damaged.
    pub fn rollups(&self, mut each: impl FnMut(&[u8], &[u8])) -> Result<(), StoreError> {
        self.read(|transaction| {
            for entry in transaction.open_table(ROLLUPS)?.iter()? {
                let (key, record) = entry?;
                each(key.value(), unseal("rollups", key.value(), record.value())?);
            }
            Ok(())
        })
    }

    /// How much there is.
    ///
    /// # Errors
    /// The file can't be read, or a record in it is damaged.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.read(totals)
    }

    /// Whether a bundle is here.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn has(&self, id: &BundleId) -> Result<bool, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(BUNDLES)?.get(&key_of(id))?.is_some()))
    }

    /// The bundles of these ids, as far as they are here.
    ///
    /// # Errors
    /// The file can't be read. A damaged record is no error: it is named in the answer.
    pub fn bundles(&self, ids: &[BundleId]) -> Result<Found, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(BUNDLES)?;
            let mut found = Found::default();
            for id in ids {
                if let Some(record) = table.get(&key_of(id))? {
                    found.take(*id, record.value());
                }
            }
            Ok(found)
        })
    }

    /// The first ids, at most so many, whose numbers lie in a range.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn ids(&self, range: Range<u64>, limit: usize) -> Result<Vec<BundleId>, StoreError> {
        let key = |seq| key_of(&BundleId { origin: OriginId([0; 32]), seq });
        let (from, to) = (key(range.start), key(range.end));
        self.read(|transaction| {
            let table = transaction.open_table(BUNDLES)?;
            let entries = table.range::<&[u8; 40]>(&from..&to.max(from))?;
            entries.take(limit).map(|entry| Ok(id_of(entry?.0.value()))).collect()
        })
    }

    /// The bundles with the greatest numbers, at most so many, the greatest first.
    ///
    /// # Errors
    /// The file can't be read. A damaged record is no error: it is named in the answer.
    pub fn newest(&self, limit: usize) -> Result<Found, StoreError> {
        self.read(|transaction| {
            let mut found = Found::default();
            for entry in transaction.open_table(BUNDLES)?.iter()?.rev().take(limit) {
                let (key, record) = entry?;
                found.take(id_of(key.value()), record.value());
            }
            Ok(found)
        })
    }

    /// The slots that begin in a range of numbers and hold something, oldest first.
    ///
    /// # Errors
    /// The file can't be read, or a record in it is damaged.
    pub fn slots(&self, range: Range<u64>) -> Result<Vec<Slot>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(SLOTS)?;
            let entries = table.range(range.start..range.end.max(range.start))?;
            entries
                .map(|entry| {
                    let (start, record) = entry?;
                    let start = start.value();
                    Slot::from_bytes(start, unseal("slots", &start.to_le_bytes(), record.value())?)
                })
                .collect()
        })
    }

    /// All proofs that an origin cheats.
    ///
    /// # Errors
    /// The file can't be read, or a record in it is damaged.
    pub fn proofs(&self) -> Result<Vec<Proof>, StoreError> {
        self.read(|transaction| {
            let mut proofs = Vec::new();
            for entry in transaction.open_table(PROOFS)?.iter()? {
                let (key, record) = entry?;
                let mut both = unseal("proofs", key.value(), record.value())?;
                let length = u32::from_le_bytes(take("proofs", &mut both)?) as usize;
                let cut = both.split_at_checked(length);
                let (one, other) = cut.ok_or_else(|| Fault::Damaged("a proof is too short".to_owned()))?;
                proofs.push(Proof { id: id_of(key.value()), one: one.to_vec(), other: other.to_vec() });
            }
            Ok(proofs)
        })
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, Fault>) -> Result<T, StoreError> {
        let database = self.database.as_ref().ok_or_else(ended)?;
        guarded(&self.path, || read(&database.begin_read()?)).map_err(|fault| fault.at(&self.path))
    }
}

fn newest(transaction: &ReadTransaction) -> Result<Vec<(OriginId, u64)>, Fault> {
    let table = transaction.open_table(ORIGINS)?;
    let entries = table.iter()?.map(|entry| {
        let (key, record) = entry?;
        let mut bytes = unseal("origins", key.value(), record.value())?;
        Ok((OriginId(*key.value()), u64::from_le_bytes(take("origins", &mut bytes)?)))
    });
    entries.collect()
}

/// A number that `meta` says under a word.
pub(super) fn number(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    word: &str,
) -> Result<Option<u64>, Fault> {
    meta(table, word)?.map(|bytes| take("meta", &mut bytes.as_slice()).map(u64::from_le_bytes)).transpose()
}

pub(super) fn totals(transaction: &ReadTransaction) -> Result<Totals, Fault> {
    let table = transaction.open_table(META)?;
    meta(&table, "totals")?.map_or(Ok(Totals::default()), |bytes| Totals::from_bytes(&bytes))
}

impl Found {
    fn take(&mut self, id: BundleId, record: &[u8]) {
        let value = unseal("bundles", &key_of(&id), record).ok();
        match value.and_then(|value| value.split_first_chunk::<2>()) {
            Some((events, bytes)) => {
                self.bundles.push(StoredBundle { id, events: u16::from_le_bytes(*events), bytes: bytes.to_vec() });
            }
            None => self.damaged.push(id),
        }
    }
}
