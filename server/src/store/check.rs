//! Looks at every record, and at what the records say of each other.

use super::Store;
use super::error::{Fault, StoreError};
use super::read;
use super::record::{id_of, key_of, take, unseal};
use super::slot::Slot;
use super::tables::{BUNDLES, FRESH, META, ORIGINS, PROOFS, ROLLUPS, SLOTS, Totals};
use redb::{ReadTransaction, ReadableTable};
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
            let slots = bundles(transaction, &mut report)?;
            compare_slots(transaction, slots, &mut report)?;
            others(transaction, &mut report)?;
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
        slots.entry(start).or_insert_with(|| Slot::vacant(start)).add(&id);
    }
    Ok(slots)
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
    let bundles = transaction.open_table(BUNDLES)?;
    for entry in transaction.open_table(FRESH)?.iter()? {
        let (arrival, record) = entry?;
        let key = unseal("fresh", &arrival.value().to_le_bytes(), record.value());
        match key.and_then(|mut key| take("fresh", &mut key)) {
            Ok(key) if bundles.get(&key_of(&id_of(&key)))?.is_some() => {}
            Ok(key) => report.note(|| format!("the bundle {} came, and is not there", id_of(&key).seq)),
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
    for entry in transaction.open_table(PROOFS)?.iter()? {
        let (key, record) = entry?;
        if unseal("proofs", key.value(), record.value()).is_err() {
            report.note(|| "a record of proofs does not match its checksum".to_owned());
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
