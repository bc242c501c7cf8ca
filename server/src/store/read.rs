//! What is read from the store, beside whatever is being written: each answer is of one moment.

use super::Store;
use super::batch::{StoredBundle, StoredProof, ended};
use super::error::{Fault, StoreError};
use super::guard::guarded;
use super::record::{content_of, hash_in, id_of, key_of, take, twin_key, unseal};
use super::slot::Slot;
use super::tables::{BUNDLES, CHEATS, FRESH, META, ORIGINS, ROLLUPS, SLOTS, TWINS, Totals, meta};
use gossip::{BundleHash, BundleId, Content, Mark, OriginId, Proof, Wanted, wire};
use redb::{ReadTransaction, ReadableDatabase, ReadableTable};
use std::ops::Range;

/// Bundles that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Those that are here, in the order in which they were asked for.
    pub bundles: Vec<StoredBundle>,
    /// Those whose records the disk has damaged. Nobody asks peers for them by itself, as slots still count them; where one comes
    /// again all the same, from a peer or by an import, it is mended.
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
    pub fresh: Vec<Wanted>,
    /// Which origins cheat, as far as there is a proof.
    pub marks: Vec<Mark>,
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
                let id = id_of(&take("fresh", &mut key)?);
                let hash = key.first_chunk::<16>().map(|hash| BundleHash(*hash));
                fresh.push(Wanted { id, hash });
            }
            Ok(Start {
                own_seq,
                horizon: number(&table, "horizon")?.unwrap_or(0),
                newest: newest(transaction)?,
                peers: peers.lines().map(str::to_owned).collect(),
                waiting: meta(&table, "waiting")?.unwrap_or_default(),
                fresh,
                marks: marks(transaction)?,
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

    /// The bundles of these numbers, or of these very contents, as far as they are here. Of a number with several contents it is the
    /// one that came first.
    ///
    /// # Errors
    /// The file can't be read. A damaged record is no error: it is named in the answer.
    pub fn bundles<W: Copy + Into<Wanted>>(&self, wanted: &[W]) -> Result<Found, StoreError> {
        self.read(|transaction| {
            let (bundles, twins) = (transaction.open_table(BUNDLES)?, transaction.open_table(TWINS)?);
            let mut found = Found::default();
            for Wanted { id, hash } in wanted.iter().map(|wanted| (*wanted).into()) {
                let twin = hash.map(|hash| twin_key(&(id, hash)));
                if let Some((key, record)) = twin.map(|key| Ok::<_, Fault>((key, twins.get(&key)?))).transpose()?
                    && let Some(record) = record
                {
                    found.take(id, "twins", &key, record.value());
                } else if let Some(record) = bundles.get(&key_of(&id))? {
                    let key = key_of(&id);
                    if hash.is_none_or(|hash| hash_in("bundles", &key, record.value()).is_none_or(|it| it == hash)) {
                        found.take(id, "bundles", &key, record.value());
                    }
                }
            }
            Ok(found)
        })
    }

    /// The first bundles with their contents, at most so many, whose numbers lie in a range. Damaged ones are left out.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn contents(&self, range: Range<u64>, limit: usize) -> Result<Vec<Content>, StoreError> {
        let (from, to) = range_of(&range);
        let mut contents = self.read(|transaction| {
            let table = transaction.open_table(BUNDLES)?;
            let entries = table.range::<&[u8; 40]>(&key_of(&from)..&key_of(&to))?;
            let contents = entries.filter_map(|entry| match entry {
                Ok((key, record)) => {
                    let hash = hash_in("bundles", key.value(), record.value())?;
                    Some(Ok((id_of(key.value()), hash)))
                }
                Err(error) => Some(Err(error.into())),
            });
            // Who gets fewer takes them for all: damaged ones don't count.
            contents.take(limit).collect::<Result<Vec<Content>, Fault>>()
        })?;
        contents.extend(self.twins(range, limit)?);
        contents.sort_unstable_by_key(|(id, hash)| (id.seq, id.origin, *hash));
        contents.truncate(limit);
        Ok(contents)
    }

    /// The same of those under whose number another content came before.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn twins(&self, range: Range<u64>, limit: usize) -> Result<Vec<Content>, StoreError> {
        let (from, to) = range_of(&range);
        let none = BundleHash([0; 16]);
        self.read(|transaction| {
            let table = transaction.open_table(TWINS)?;
            let entries = table.range::<&[u8; 56]>(&twin_key(&(from, none))..&twin_key(&(to, none)))?;
            entries.take(limit).map(|entry| Ok(content_of(entry?.0.value()))).collect()
        })
    }

    /// The first ids, at most so many, whose numbers lie in a range.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn ids(&self, range: Range<u64>, limit: usize) -> Result<Vec<BundleId>, StoreError> {
        let (from, to) = range_of(&range);
        self.read(|transaction| {
            let table = transaction.open_table(BUNDLES)?;
            let entries = table.range::<&[u8; 40]>(&key_of(&from)..&key_of(&to))?;
            entries.take(limit).map(|entry| Ok(id_of(entry?.0.value()))).collect()
        })
    }

    /// The bundles with the greatest numbers, the greatest first, without those that `skip` names: at most so many, and of either
    /// table no more than have so many events together. So no more is read than is wanted, however full bundles are.
    ///
    /// # Errors
    /// The file can't be read. A damaged record is no error: it is named in the answer.
    pub fn newest(
        &self,
        (bundles, events): (usize, usize),
        skip: impl Fn(&Wanted) -> bool,
    ) -> Result<Found, StoreError> {
        self.read(|transaction| {
            let (mut found, mut twins) = (Found::default(), Found::default());
            let mut left = events;
            for entry in transaction.open_table(BUNDLES)?.iter()?.rev() {
                let (key, record) = entry?;
                let id = id_of(key.value());
                if !skip(&id.into()) {
                    left = left.saturating_sub(found.take(id, "bundles", key.value(), record.value()));
                }
                if left == 0 || found.len() >= bundles {
                    break;
                }
            }
            let mut left = events;
            for entry in transaction.open_table(TWINS)?.iter()?.rev() {
                let (key, record) = entry?;
                let content = content_of(key.value());
                if !skip(&content.into()) {
                    left = left.saturating_sub(twins.take(content.0, "twins", key.value(), record.value()));
                }
                if left == 0 || twins.len() >= bundles {
                    break;
                }
            }
            found.bundles.append(&mut twins.bundles);
            found.damaged.append(&mut twins.damaged);
            found.bundles.sort_by_key(|bundle| std::cmp::Reverse(bundle.id.seq));
            found.bundles.truncate(bundles);
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

    /// Gives each proof that an origin cheats.
    ///
    /// # Errors
    /// The file can't be read, or a record in it is damaged.
    pub fn proofs(&self, mut each: impl FnMut(StoredProof)) -> Result<(), StoreError> {
        self.read(|transaction| {
            for entry in transaction.open_table(CHEATS)?.iter()? {
                let (key, record) = entry?;
                each(proof_in(key.value(), record.value())?);
            }
            Ok(())
        })
    }

    /// The proof against one origin.
    ///
    /// # Errors
    /// The file can't be read, or the record is damaged.
    pub fn proof(&self, origin: &OriginId) -> Result<Option<StoredProof>, StoreError> {
        self.read(|transaction| {
            let record = transaction.open_table(CHEATS)?.get(&origin.0)?;
            record.map(|record| proof_in(&origin.0, record.value())).transpose()
        })
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, Fault>) -> Result<T, StoreError> {
        let database = self.database.as_ref().ok_or_else(ended)?;
        guarded(&self.path, || read(&database.begin_read()?)).map_err(|fault| fault.at(&self.path))
    }
}

/// The first id of a range of numbers, and the first behind it.
fn range_of(range: &Range<u64>) -> (BundleId, BundleId) {
    let first = |seq| BundleId { origin: OriginId([0; 32]), seq };
    (first(range.start), first(range.end.max(range.start)))
}

fn marks(transaction: &ReadTransaction) -> Result<Vec<Mark>, Fault> {
    let table = transaction.open_table(CHEATS)?;
    let marks = table.iter()?.map(|entry| {
        let (key, record) = entry?;
        let StoredProof { proof, since } = proof_in(key.value(), record.value())?;
        Ok(proof.mark(since))
    });
    marks.collect()
}

/// What a record of `cheats` holds.
pub(super) fn proof_in(key: &[u8; 32], record: &[u8]) -> Result<StoredProof, Fault> {
    let mut value = unseal("cheats", key, record)?;
    let since = u64::from_le_bytes(take("cheats", &mut value)?);
    let length = u32::from_le_bytes(take("cheats", &mut value)?) as usize;
    let both = value
        .split_at_checked(length)
        .and_then(|(one, other)| Proof::of(wire::decode_bundle(one).ok()?, wire::decode_bundle(other).ok()?));
    let proof = both.filter(|proof| proof.id().origin.0 == *key);
    let proof = proof.ok_or_else(|| Fault::Damaged("a proof is not two bundles of one number".to_owned()))?;
    Ok(StoredProof { proof, since })
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
    fn len(&self) -> usize {
        self.bundles.len() + self.damaged.len()
    }

    /// Takes a record. Returns how many events it has.
    fn take(&mut self, id: BundleId, table: &str, key: &[u8], record: &[u8]) -> usize {
        let value = unseal(table, key, record).ok();
        let Some((events, bytes)) = value.and_then(|value| value.split_first_chunk::<2>()) else {
            self.damaged.push(id);
            return 0;
        };
        let events = u16::from_le_bytes(*events);
        self.bundles.push(StoredBundle { id, hash: None, events, bytes: bytes.to_vec() });
        usize::from(events)
    }
}
