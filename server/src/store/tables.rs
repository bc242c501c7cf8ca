//! The tables, and how each is written.
//!
//! | table | key | record |
//! |---|---|---|
//! | `bundles` | number (big-endian), origin: 40 bytes | how many events (2 bytes), the bundle as on the wire |
//! | `slots` | start of 10 s of numbers, in microseconds | how many bundles (8 bytes), their fingerprint (8) |
//! | `origins` | an origin | the greatest number of its bundles |
//! | `fresh` | a count of arrivals | the key of a bundle, or of a twin, that no rollup holds yet |
//! | `rollups` | resolution, start, node | a bucket, as the caller wrote it |
//! | `twins` | as `bundles`, then the hash of its content (16): 56 bytes | as `bundles`: another content of a number |
//! | `cheats` | an origin | when its proof came (8 bytes), how long the first bundle is (4), two bundles of one number |
//! | `meta` | a word | what it says |
//!
//! Each record is sealed: see `record.rs`. Bundles have one table and no index beside it: their number *is* their time, so a
//! key that begins with it gives ids and ranges of time, new bundles go to the end of the tree, and old ones leave from its front.

use super::error::Fault;
use super::record::{seal, take, unseal};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

pub(super) const BUNDLES: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("bundles");
pub(super) const SLOTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("slots");
pub(super) const ORIGINS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("origins");
pub(super) const FRESH: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("fresh");
pub(super) const ROLLUPS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rollups");
pub(super) const TWINS: TableDefinition<'_, &[u8; 56], &[u8]> = TableDefinition::new("twins");
pub(super) const CHEATS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("cheats");
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// The format that this program writes. Of format 1, whose slots knew bundles by their numbers alone, it makes this one.
pub(super) const FORMAT: u32 = 2;

/// All tables, open for one transaction.
pub(super) struct Tables<'t> {
    pub(super) bundles: Table<'t, &'static [u8; 40], &'static [u8]>,
    pub(super) slots: Table<'t, u64, &'static [u8]>,
    pub(super) origins: Table<'t, &'static [u8; 32], &'static [u8]>,
    pub(super) fresh: Table<'t, u64, &'static [u8]>,
    pub(super) rollups: Table<'t, &'static [u8], &'static [u8]>,
    pub(super) twins: Table<'t, &'static [u8; 56], &'static [u8]>,
    pub(super) cheats: Table<'t, &'static [u8; 32], &'static [u8]>,
    pub(super) meta: Table<'t, &'static str, &'static [u8]>,
}

impl Tables<'_> {
    pub(super) fn open(transaction: &WriteTransaction) -> Result<Tables<'_>, Fault> {
        Ok(Tables {
            bundles: transaction.open_table(BUNDLES)?,
            slots: transaction.open_table(SLOTS)?,
            origins: transaction.open_table(ORIGINS)?,
            fresh: transaction.open_table(FRESH)?,
            rollups: transaction.open_table(ROLLUPS)?,
            twins: transaction.open_table(TWINS)?,
            cheats: transaction.open_table(CHEATS)?,
            meta: transaction.open_table(META)?,
        })
    }

    pub(super) fn set_meta(&mut self, word: &'static str, value: &[u8]) -> Result<(), Fault> {
        self.meta.insert(word, seal("meta", word.as_bytes(), value).as_slice())?;
        Ok(())
    }
}

/// What `meta` says under a word.
pub(super) fn meta(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    word: &str,
) -> Result<Option<Vec<u8>>, Fault> {
    let Some(record) = table.get(word)? else { return Ok(None) };
    unseal("meta", word.as_bytes(), record.value()).map(|value| Some(value.to_vec()))
}

/// How much the store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bundles.
    pub bundles: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes of their keys and records. The file is larger: pages are not all full, and are used again when they are freed.
    pub bytes: u64,
}

impl Totals {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        [self.bundles, self.events, self.bytes].iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(mut bytes: &[u8]) -> Result<Totals, Fault> {
        let mut number = || take("meta", &mut bytes).map(u64::from_le_bytes);
        Ok(Totals { bundles: number()?, events: number()?, bytes: number()? })
    }
}
