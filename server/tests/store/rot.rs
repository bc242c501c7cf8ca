//! A bit of the file flips: that is told, or does no harm; what is served is what was given.

use crate::disk::Disk;
use crate::opener::{self, Opener};
use crate::{bundle, keep, quietly, times};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use server::store::{Checkpoint, Rollup, Store};

/// A bit of a key that says which way to go: all records are there, and some are not found where they are looked up. The check went
/// through the tables alone once, and did not tell.
const LEADS_ASTRAY: usize = 4_469_434;

/// This test.
const THIS: &str = "rot::a_flipped_bit_is_told_or_harmless_and_never_served";

/// What became of flipped bits.
#[derive(Debug, Default)]
struct Outcomes {
    /// The store did not open, and said why.
    refused: usize,
    /// A read or the check told.
    told: usize,
    /// Told by a process that had to end.
    last_words: usize,
    /// All is there and whole: the bit is in no page that is in use.
    harmless: usize,
}

/// A store of 650 bundles, and its rollups.
fn kept() -> (Vec<u8>, Vec<Rollup>) {
    let disk = Disk::default();
    let store = Store::on(disk.clone()).unwrap();
    for from in (0..600).step_by(100) {
        keep(&store, from..from + 100).unwrap();
    }
    let rollups: Vec<_> = (0..200_u8).map(|n| (vec![n], vec![n; 200])).collect();
    let checkpoint = Checkpoint {
        rollups: rollups.clone(),
        gone: Vec::new(),
        past: Vec::new(),
        waiting: b"waiting".to_vec(),
        retain_from: 0,
        max_bytes: u64::MAX,
        spare_from: u64::MAX,
    };
    store.checkpoint(checkpoint).unwrap().kept_blocking().unwrap();
    keep(&store, 600..650).unwrap();
    drop(store);
    (disk.bytes(), rollups)
}

#[test]
fn a_flipped_bit_is_told_or_harmless_and_never_served() {
    let (whole, rollups) = kept();
    if opener::is_this() {
        return opener::answer(|bit| flipped(bit.parse().unwrap(), whole.clone(), &rollups));
    }
    let (mut rng, mut outcomes, mut opener) = (ChaCha8Rng::seed_from_u64(1), Outcomes::default(), Opener::start(THIS));
    let random = (0..times("FLIPPED_BITS", 1_000)).map(|_| rng.random_range(0..whole.len() * 8));
    for bit in std::iter::once(LEADS_ASTRAY).chain(random) {
        match opener.ask(&bit.to_string()).as_deref() {
            Some("refused") => outcomes.refused += 1,
            Some("told") => outcomes.told += 1,
            Some(_) => outcomes.harmless += 1,
            None => outcomes.last_words += 1,
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.refused + outcomes.told > outcomes.harmless / 100);
}

/// Reads everything of a store with this bit flipped, and says what became of it.
fn flipped(bit: usize, mut bytes: Vec<u8>, rollups: &[Rollup]) -> &'static str {
    let ids: Vec<_> = (0..650).map(|seq| bundle(seq).id).collect();
    bytes[bit / 8] ^= 1 << (bit % 8);
    let Ok(store) = quietly(|| Store::on(Disk::holding(bytes))) else { return "refused" };
    let (served, newest) = quietly(|| (store.bundles(&ids), store.newest((1_000, usize::MAX), |_| false)));
    let mut wrong = 0;
    let mut one = |key: &[u8], value: &[u8]| wrong += usize::from(!rollups.contains(&(key.to_vec(), value.to_vec())));
    let given = quietly(|| store.rollups(&mut one));
    assert_eq!(wrong, 0, "a wrong rollup is served with bit {bit}");
    let mut all = 0;
    for found in [&served, &newest].into_iter().flatten() {
        assert!(found.bundles.iter().all(|it| *it == bundle(it.id.seq)), "a wrong bundle is served with bit {bit}");
        all += found.bundles.len();
    }
    let (start, report) = quietly(|| (store.start(), store.check()));
    quietly(|| drop(store));
    let clean = report.is_ok_and(|report| report.problems().is_empty());
    let read = served.is_ok() && newest.is_ok() && given.is_ok();
    let (Ok(start), true) = (start, clean && read) else { return "told" };
    assert_eq!(all, 1_300, "something is missing with bit {bit}, and the check does not tell");
    assert_eq!(start.fresh.len(), 50);
    "harmless"
}
