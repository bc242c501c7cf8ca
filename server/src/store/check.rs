//! Looks at every record, and at what the records say of each other.

use super::Store;
use super::error::{Fault, StoreError};
use super::read;
use super::record::{content_of, hash_in, id_of, key_of, take, twin_key, unseal};
use super::slot::Slot;
use super::tables::{BUNDLES, CHEATS, FRESH, META, ORIGINS, ROLLUPS, SLOTS, TWINS, Totals};
use gossip::BundleHash;
use redb::{Key, ReadTransaction, ReadableTable, TableDefinition, Value};
use std::collections::BTreeMap;

/// How many problems are written out; the rest is counted.
const WRITTEN_OUT: usize = 20;

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is there and whole.
    pub totals: Totals,
    /// Buckets of rollups.
    pub rollups: u64,
    /// Proofs that an origin cheats: each is two bundles of one number with different contents. Whether they are signed is for
    /// whoever knows the mesh's name: [`gossip::Proof::holds`].
    pub proofs: u64,
    problems: Vec<String>,
    more: u64,
}

impl Report {
    /// What is wrong, a sentence each; empty where nothing is.
    pub fn problems(&self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("and {} more like these", self.more));
        self.problems.iter().cloned().chain(more).collect()
    }

    fn note(&mut self, problem: impl FnOnce() -> String) {
        if self.problems.len() < WRITTEN_OUT {
            self.problems.push(problem());
        } else {
            self.more += 1;
        }
    }
}

impl Store {
    /// Reads all of the store. Takes as long as that takes.
    ///
    /// # Errors
    /// The file can't be read at all. Records that are damaged are in the report.
    pub fn check(&self) -> Result<Report, StoreError> {
        self.read(|transaction| {
            let mut report = Report::default();
            let mut slots = bundles(transaction, &mut report)?;
            twins(transaction, &mut slots, &mut report)?;
            compare_slots(transaction, slots, &mut report)?;
            others(transaction, &mut report)?;
            look_up_all(transaction, &mut report)?;
            match read::totals(transaction) {
                Ok(told) if told == report.totals => {}
                Ok(told) => {
                    let found = report.totals;
                    report.note(|| format!("there are {found:?}, where there should be {told:?}"));
                }
                Err(_) => report.note(|| "the record of how much there is does not match its checksum".to_owned()),
            }
            Ok(report)
        })
    }
}

/// Goes through the bundles; gives what their slots should say.
fn bundles(transaction: &ReadTransaction, report: &mut Report) -> Result<BTreeMap<u64, Slot>, Fault> {
    let mut slots: BTreeMap<u64, Slot> = BTreeMap::new();
    for entry in transaction.open_table(BUNDLES)?.iter()? {
        let (key, record) = entry?;
        let id = id_of(key.value());
        let value = unseal("bundles", key.value(), record.value()).ok();
        let Some(events) = value.and_then(|mut value| take::<2>("bundles", &mut value).ok()) else {
            report.note(|| format!("the bundle {} of {:?} does not match its checksum", id.seq, id.origin));
            continue;
        };
        report.totals.bundles += 1;
        report.totals.events += u64::from(u16::from_le_bytes(events));
        report.totals.bytes += (key.value().len() + record.value().len()) as u64;
        let start = Slot::start_of(id.seq);
        if let Some(hash) = hash_in("bundles", key.value(), record.value()) {
            slots.entry(start).or_insert_with(|| Slot::vacant(start)).add(&hash);
        }
    }
    Ok(slots)
}

/// Goes through the other contents of numbers: each must be what its key says, and not the only one of its number.
fn twins(transaction: &ReadTransaction, slots: &mut BTreeMap<u64, Slot>, report: &mut Report) -> Result<(), Fault> {
    let bundles = transaction.open_table(BUNDLES)?;
    for entry in transaction.open_table(TWINS)?.iter()? {
        let (key, record) = entry?;
        let (id, hash) = content_of(key.value());
        let events = unseal("twins", key.value(), record.value()).and_then(|mut value| take::<2>("twins", &mut value));
        match events {
            Ok(events) if hash_in("twins", key.value(), record.value()) == Some(hash) => {
                report.totals.bundles += 1;
                report.totals.events += u64::from(u16::from_le_bytes(events));
                report.totals.bytes += (key.value().len() + record.value().len()) as u64;
            }
            _ => report.note(|| format!("a second bundle {} of {:?} is not what it was", id.seq, id.origin)),
        }
        if bundles.get(&key_of(&id))?.is_none() {
            report.note(|| format!("the second bundle {} of {:?} is there without the first", id.seq, id.origin));
        }
        let start = Slot::start_of(id.seq);
        slots.entry(start).or_insert_with(|| Slot::vacant(start)).add(&hash);
    }
    Ok(())
}

fn compare_slots(
    transaction: &ReadTransaction,
    mut slots: BTreeMap<u64, Slot>,
    report: &mut Report,
) -> Result<(), Fault> {
    for entry in transaction.open_table(SLOTS)?.iter()? {
        let (start, record) = entry?;
        let start = start.value();
        let told =
            unseal("slots", &start.to_le_bytes(), record.value()).and_then(|bytes| Slot::from_bytes(start, bytes));
        let found = slots.remove(&start);
        if told.ok() != found {
            report.note(|| format!("the slot that begins at {start} does not say what is in it"));
        }
    }
    for start in slots.into_keys() {
        report.note(|| format!("there is no slot that begins at {start}, and bundles in it"));
    }
    Ok(())
}

fn others(transaction: &ReadTransaction, report: &mut Report) -> Result<(), Fault> {
    let (bundles, twins) = (transaction.open_table(BUNDLES)?, transaction.open_table(TWINS)?);
    for entry in transaction.open_table(FRESH)?.iter()? {
        let (arrival, record) = entry?;
        let key = unseal("fresh", &arrival.value().to_le_bytes(), record.value());
        let there = key.and_then(|mut key| {
            let id = id_of(&take("fresh", &mut key)?);
            Ok((id, key.first_chunk::<16>().map(|hash| BundleHash(*hash))))
        });
        match there {
            Ok((id, None)) if bundles.get(&key_of(&id))?.is_some() => {}
            Ok((id, Some(hash))) if twins.get(&twin_key(&(id, hash)))?.is_some() => {}
            Ok((id, _)) => report.note(|| format!("the bundle {} came, and is not there", id.seq)),
            Err(_) => report.note(|| "a record of fresh does not match its checksum".to_owned()),
        }
    }
    for entry in transaction.open_table(ORIGINS)?.iter()? {
        let (key, record) = entry?;
        if unseal("origins", key.value(), record.value()).is_err() {
            report.note(|| "a record of origins does not match its checksum".to_owned());
        }
    }
    for entry in transaction.open_table(ROLLUPS)?.iter()? {
        let (key, record) = entry?;
        match unseal("rollups", key.value(), record.value()) {
            Ok(_) => report.rollups += 1,
            Err(_) => report.note(|| "a record of rollups does not match its checksum".to_owned()),
        }
    }
    for entry in transaction.open_table(CHEATS)?.iter()? {
        let (key, record) = entry?;
        match read::proof_in(key.value(), record.value()) {
            Ok(_) => report.proofs += 1,
            Err(_) => report.note(|| "a record of cheats is no proof, or does not match its checksum".to_owned()),
        }
    }
    for entry in transaction.open_table(META)?.iter()? {
        let (word, record) = entry?;
        if unseal("meta", word.value().as_bytes(), record.value()).is_err() {
            report
                .note(|| format!("what the file says of itself under {:?} does not match its checksum", word.value()));
        }
    }
    Ok(())
}

/// Looks every record up by its key. A page that leads astray hides records from whoever looks them up, and from nobody who goes
/// through the table.
fn look_up_all(transaction: &ReadTransaction, report: &mut Report) -> Result<(), Fault> {
    look_up(transaction, BUNDLES, "bundles", report)?;
    look_up(transaction, TWINS, "twins", report)?;
    look_up(transaction, SLOTS, "slots", report)?;
    look_up(transaction, FRESH, "fresh", report)?;
    look_up(transaction, ORIGINS, "origins", report)?;
    look_up(transaction, ROLLUPS, "rollups", report)?;
    look_up(transaction, CHEATS, "cheats", report)?;
    look_up(transaction, META, "meta", report)
}

fn look_up<K: Key + 'static, V: Value + 'static>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
    name: &str,
    report: &mut Report,
) -> Result<(), Fault> {
    let table = transaction.open_table(table)?;
    for entry in table.iter()? {
        let (key, _) = entry?;
        if table.get(key.value())?.is_none() {
            report.note(|| format!("a record of {name} is not found where it is looked up"));
        }
    }
    Ok(())
}
