//! A store of format 1 becomes one of format 2, in one transaction: its slots knew bundles by their numbers alone, and there was one
//! bundle of a number. Bundles stay as they are.

use super::error::Fault;
use super::record::{hash_in, id_of, seal};
use super::slot::Slot;
use super::tables::{FORMAT, Tables};
use redb::{Database, ReadableTable, TableDefinition};
use std::collections::BTreeMap;

/// Of format 1, and always empty.
const PROOFS: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("proofs");

/// Sums up all slots anew. Takes as long as reading every bundle does, once.
pub(super) fn from_format_1(database: &Database) -> Result<(), Fault> {
    let transaction = super::begin(database)?;
    transaction.delete_table(PROOFS)?;
    let mut tables = Tables::open(&transaction)?;
    let mut slots: BTreeMap<u64, Slot> = BTreeMap::new();
    for entry in tables.bundles.iter()? {
        let (key, record) = entry?;
        let start = Slot::start_of(id_of(key.value()).seq);
        let slot = slots.entry(start).or_insert_with(|| Slot::vacant(start));
        match hash_in("bundles", key.value(), record.value()) {
            Some(hash) => slot.add(&hash),
            // It is there, and damaged: peers may have it.
            None => slot.bundles += 1,
        }
    }
    tables.slots.retain(|_, _| false)?;
    for (start, slot) in slots {
        tables.slots.insert(start, seal("slots", &start.to_le_bytes(), &slot.to_bytes()).as_slice())?;
    }
    tables.set_meta("format", &FORMAT.to_le_bytes())?;
    drop(tables);
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::{CHEATS, TWINS};
    use crate::store::{Batch, FILE, Store, StoredBundle};
    use gossip::{BundleId, OriginId};
    use redb::ReadableDatabase;

    fn bundle(seq: u64) -> StoredBundle {
        let id = BundleId { origin: OriginId([1; 32]), seq };
        StoredBundle { id, hash: None, events: 3, bytes: seq.to_le_bytes().to_vec() }
    }

    /// Makes a store what format 1 was: slots of numbers alone, no table of twins, one of proofs.
    fn age(path: &std::path::Path) {
        let database = Database::builder().open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.delete_table(TWINS).unwrap();
        transaction.delete_table(CHEATS).unwrap();
        transaction.open_table(PROOFS).unwrap();
        {
            let mut slots = transaction.open_table(crate::store::tables::SLOTS).unwrap();
            let starts: Vec<u64> = slots.iter().unwrap().map(|entry| entry.unwrap().0.value()).collect();
            for start in starts {
                let old = Slot { start, bundles: 1, fingerprint: 7 };
                slots.insert(start, seal("slots", &start.to_le_bytes(), &old.to_bytes()).as_slice()).unwrap();
            }
            let mut meta = transaction.open_table(crate::store::tables::META).unwrap();
            meta.insert("format", seal("meta", b"format", &1_u32.to_le_bytes()).as_slice()).unwrap();
        }
        transaction.commit().unwrap();
    }

    #[test]
    fn a_store_of_format_1_opens_with_all_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let bundles: Vec<StoredBundle> = (0..100).map(|n| bundle(n * 1_000_000)).collect();
        store.keep(Batch { bundles: bundles.clone(), ..Batch::default() }).unwrap().kept_blocking().unwrap();
        let (slots, totals) = (store.slots(0..u64::MAX).unwrap(), store.totals().unwrap());
        drop(store);
        age(&folder.path().join(FILE));
        for _ in 0..2 {
            let store = Store::open(folder.path()).unwrap();
            assert_eq!(store.slots(0..u64::MAX).unwrap(), slots);
            assert_eq!((store.totals().unwrap(), store.check().unwrap().problems()), (totals, Vec::new()));
            assert_eq!(store.start().unwrap().fresh.len(), 100);
        }
        let database = Database::builder().open(folder.path().join(FILE)).unwrap();
        assert_eq!(
            database
                .begin_read()
                .unwrap()
                .list_tables()
                .unwrap()
                .filter(|it| redb::TableHandle::name(it) == "proofs")
                .count(),
            0
        );
    }
}
