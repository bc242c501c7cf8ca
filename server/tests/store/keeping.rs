//! What is kept, found, pruned and told.

use crate::{assert_held, batch, bundle, keep};
use gossip::{BundleId, OriginId};
use server::store::{Batch, Checkpoint, FILE, SLOT, Store, StoreError, StoredBundle};

pub(crate) fn checkpoint() -> Checkpoint {
    Checkpoint {
        rollups: Vec::new(),
        gone: Vec::new(),
        past: Vec::new(),
        waiting: Vec::new(),
        retain_from: 0,
        max_bytes: u64::MAX,
        spare_from: u64::MAX,
    }
}

#[test]
fn what_was_kept_is_there_after_a_restart_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("not/there/yet");
    let store = Store::open(&inside).unwrap();
    keep(&store, (0..500).rev()).unwrap();
    drop(store);
    let store = Store::open(&inside).unwrap();
    assert_held(&store, 0..500);
    let ids: Vec<u64> = store.ids(100..200, 50).unwrap().iter().map(|id| id.seq).collect();
    assert_eq!(ids, (100..150).collect::<Vec<_>>());
    let newest = |most, skipped| {
        let found = store.newest(most, |it| it.id.seq == skipped).unwrap();
        found.bundles.iter().map(|bundle| bundle.id.seq).collect::<Vec<u64>>()
    };
    assert_eq!(newest((3, usize::MAX), u64::MAX), [499, 498, 497]);
    assert_eq!(newest((3, usize::MAX), 498), [499, 497, 496]);
    // Of full bundles as few are read as have so many events.
    let events = usize::from(bundle(499).events);
    assert_eq!(newest((3, events + 1), u64::MAX), [499, 498]);
    assert_eq!(newest((3, events), u64::MAX), [499]);
    assert!(store.has(&bundle(7).id).unwrap() && !store.has(&bundle(500).id).unwrap());
    #[expect(clippy::reversed_empty_ranges, reason = "a range that holds nothing is no error")]
    let empty = store.ids(9..3, 10).unwrap();
    assert_eq!(empty, []);
}

#[test]
fn a_bundle_that_comes_again_changes_nothing_and_another_one_under_its_number_is_kept_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    keep(&store, 0..10).unwrap();
    let before = (store.totals().unwrap(), store.slots(0..u64::MAX).unwrap());
    let again = store.keep(batch(5..15)).unwrap().kept_blocking().unwrap();
    assert_eq!((again.new, again.known), (5, 5));
    let mut other = bundle(3);
    other.bytes[0] ^= 1;
    let kept = store.keep(Batch { bundles: vec![other.clone()], ..Batch::default() }).unwrap().kept_blocking().unwrap();
    assert_eq!(kept.differing, [other.id]);
    assert_held(&store, 0..15);
    assert_eq!(store.totals().unwrap().bundles, before.0.bundles + 6);
    assert_eq!(store.slots(0..u64::MAX).unwrap()[0].bundles, before.1[0].bundles + 6);
}

#[test]
fn slots_tell_two_stores_apart_exactly_where_they_differ_whatever_the_order() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = [0, 1].map(|n| Store::open(folders[n].path()).unwrap());
    let seqs: Vec<u64> = (0..200).map(|n| n * SLOT / 10).collect();
    keep(&one, seqs.iter().copied()).unwrap();
    for part in seqs.rchunks(30) {
        keep(&other, part.iter().rev().copied()).unwrap();
    }
    assert_eq!(one.slots(0..u64::MAX).unwrap().len(), 20);
    assert_eq!(one.slots(0..u64::MAX).unwrap(), other.slots(0..u64::MAX).unwrap());
    keep(&other, [SLOT * 7 + 3]).unwrap();
    let apart = |start| one.slots(start..start + 1).unwrap() != other.slots(start..start + 1).unwrap();
    let differing: Vec<u64> = (0..20).map(|n| n * SLOT).filter(|start| apart(*start)).collect();
    assert_eq!(differing, [SLOT * 7]);
}

#[test]
fn a_checkpoint_leaves_fresh_only_what_came_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    keep(&store, [5, 3, 9]).unwrap();
    let fresh = |store: &Store| store.start().unwrap().fresh.iter().map(|wanted| wanted.id.seq).collect::<Vec<_>>();
    assert_eq!(fresh(&store), [5, 3, 9], "in the order in which they came");
    let rollup = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    let first = Checkpoint {
        rollups: vec![rollup(b"a1", b"one"), rollup(b"b1", b"two"), rollup(b"b2", b"three")],
        waiting: b"later".to_vec(),
        ..checkpoint()
    };
    store.checkpoint(first).unwrap().kept_blocking().unwrap();
    keep(&store, [7]).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(fresh(&store), [7]);
    assert_eq!(store.start().unwrap().waiting, b"later");
    let second = Checkpoint {
        rollups: vec![rollup(b"a1", b"ONE")],
        gone: vec![b"a1".to_vec(), b"b2".to_vec(), b"none".to_vec()],
        past: vec![(b"b0".to_vec(), b"b1\0".to_vec())],
        ..checkpoint()
    };
    store.checkpoint(second).unwrap().kept_blocking().unwrap();
    let mut rollups = Vec::new();
    store.rollups(|key, value| rollups.push((key.to_vec(), value.to_vec()))).unwrap();
    assert_eq!(rollups, [rollup(b"a1", b"ONE")], "one that was gone has come back");
}

#[test]
fn retention_and_the_size_cap_take_the_oldest_and_leave_rollups_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    // Ten bundles in each slot.
    let number = |n: u64| n * SLOT / 10;
    keep(&store, (0..1_000).map(number)).unwrap();
    let rollups = vec![(b"key".to_vec(), b"value".to_vec())];
    let by_age = Checkpoint { rollups, retain_from: number(105), ..checkpoint() };
    let by_age = store.checkpoint(by_age).unwrap().kept_blocking().unwrap();
    assert_eq!((by_age.pruned, by_age.horizon), (100, Some(number(100))), "whole slots");
    assert_eq!(store.ids(0..u64::MAX, 1).unwrap()[0].seq, number(100));
    let half = store.totals().unwrap().bytes / 2;
    let by_size = store.checkpoint(Checkpoint { max_bytes: half, ..checkpoint() }).unwrap().kept_blocking().unwrap();
    let totals = store.totals().unwrap();
    assert!(totals.bytes <= half && totals.bytes + 10_000 > half, "as many slots stay as fit");
    let first = 100 + by_size.pruned as u64;
    assert_eq!(by_size.horizon, Some(number(first)));
    assert_held(&store, (first..1_000).map(number));
    let events: u64 = (first..1_000).map(|n| u64::from(bundle(number(n)).events)).sum();
    assert_eq!(totals.events, events);
    assert_eq!(store.slots(0..u64::MAX).unwrap().len() as u64, (1_000 - first) / 10);
    let spared = Checkpoint { max_bytes: 0, spare_from: number(first) + SLOT + 1, ..checkpoint() };
    let spared = store.checkpoint(spared).unwrap().kept_blocking().unwrap();
    assert_eq!((spared.pruned, spared.horizon), (10, Some(number(first) + SLOT)), "what is to be spared stays");
    let first = first + 10;
    let late = store.keep(batch([number(first) - 1, number(first) + 1])).unwrap().kept_blocking().unwrap();
    assert_eq!((late.too_old, late.new), (1, 1), "what had to go does not come back");
    let mut count = 0;
    store.rollups(|_, _| count += 1).unwrap();
    assert_eq!(count, 1);
    assert_eq!(store.check().unwrap().problems(), Vec::<String>::new());
    store.checkpoint(Checkpoint { retain_from: u64::MAX, ..checkpoint() }).unwrap().kept_blocking().unwrap();
    assert_eq!((store.totals().unwrap(), store.slots(0..u64::MAX).unwrap()), (Default::default(), Vec::new()));
    assert_eq!(store.start().unwrap().newest, []);
}

#[test]
fn what_has_grown_old_goes_a_bounded_part_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let bundle = |seq| StoredBundle { id: BundleId { origin: OriginId([1; 32]), seq }, ..bundle(1) };
    // A hundred in each slot; one more slot than goes at once, and a last one that stays.
    let (slots, number) = (658, |n: u64| n * SLOT / 100);
    for slot in 0..slots {
        let bundles = (slot * 100..(slot + 1) * 100).map(|n| StoredBundle { bytes: vec![7; 60], ..bundle(number(n)) });
        store.keep(Batch { bundles: bundles.collect(), ..Batch::default() }).unwrap().kept_blocking().unwrap();
    }
    let old = Checkpoint { retain_from: SLOT * (slots - 1), ..checkpoint() };
    let mut pruned = 0;
    for (turn, expected) in [65_600, 100, 0].into_iter().enumerate() {
        let kept = store.checkpoint(old.clone()).unwrap().kept_blocking().unwrap();
        assert_eq!(kept.pruned, expected, "turn {turn}");
        pruned += kept.pruned as u64;
        assert_eq!(kept.horizon, (expected > 0).then(|| number(pruned)), "as far as it has gone");
        assert_eq!(store.ids(0..u64::MAX, 1).unwrap()[0].seq, number(pruned));
    }
}

#[test]
fn a_horizon_is_set_only_by_what_had_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let year = 365 * 24 * 360 * SLOT;
    let kept = store.checkpoint(Checkpoint { retain_from: year, ..checkpoint() }).unwrap().kept_blocking().unwrap();
    assert_eq!((kept.pruned, kept.horizon), (0, None));
    keep(&store, [5]).unwrap();
    assert_held(&store, [5]);
}

#[test]
fn own_number_and_known_peers_survive() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.start().unwrap(), Default::default());
    let peers = vec!["ws://192.0.2.1:8091".to_owned(), "ws://[2001:db8::1]:1".to_owned()];
    let all = Batch { own_seq: Some(77), peers: Some(peers.clone()), ..Batch::default() };
    store.keep(all).unwrap().kept_blocking().unwrap();
    keep(&store, [1]).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let start = store.start().unwrap();
    assert_eq!((start.own_seq, start.peers), (Some(77), peers));
}

#[test]
fn the_greatest_number_of_each_origin_is_known_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    keep(&store, [SLOT * 3, SLOT * 3 + 1, SLOT * 3 + 7]).unwrap();
    keep(&store, [SLOT * 2, 5]).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let mut right = std::collections::BTreeMap::<OriginId, u64>::new();
    for seq in [SLOT * 3, SLOT * 3 + 1, SLOT * 3 + 7, SLOT * 2, 5] {
        let newest = right.entry(bundle(seq).id.origin).or_default();
        *newest = seq.max(*newest);
    }
    assert_eq!(store.start().unwrap().newest, right.clone().into_iter().collect::<Vec<_>>());
    let prune = Checkpoint { retain_from: SLOT * 3, ..checkpoint() };
    store.checkpoint(prune).unwrap().kept_blocking().unwrap();
    right.retain(|_, newest| *newest >= SLOT * 3);
    let start = store.start().unwrap();
    assert_eq!((start.newest, start.horizon), (right.into_iter().collect(), SLOT * 3));
}

#[test]
fn a_second_process_on_one_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let refused = Store::open(folder.path()).unwrap_err();
    let words = refused.to_string();
    assert!(matches!(refused, StoreError::InUse { .. }), "{words}");
    assert!(words.contains(&*folder.path().join(FILE).to_string_lossy()) && words.contains("FEDERATED_DATA_DIR"));
    drop(store);
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_reported_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    for content in [&b""[..], b"what is this", &[0; 100_000], &[255; 5_000]] {
        std::fs::write(&path, content).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("events.redb") && error.to_string().contains("beauty-mesh store check"));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

#[test]
fn a_store_is_made_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join(format!("{FILE}.{}", std::process::id()));
    std::fs::write(&half, b"what a process that was killed has left").unwrap();
    drop(Store::open(folder.path()).unwrap());
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, [FILE], "nothing is left beside it");
    assert!(matches!(Store::existing(&folder.path().join("other"), false), Err(StoreError::Missing { .. })));
    assert!(!folder.path().join("other").exists(), "a tool makes nothing");
}

#[test]
fn more_than_may_wait_is_refused_and_what_was_taken_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut large = bundle(0);
    large.bytes = vec![7; 40_000];
    let (mut receipts, mut busy, mut seq) = (Vec::new(), 0, 0);
    while busy == 0 && seq < 100_000 {
        large.id.seq = seq;
        large.id.origin = OriginId([1; 32]);
        match store.keep(Batch { bundles: vec![large.clone(); 20], ..Batch::default() }) {
            Ok(receipt) => receipts.push((seq, receipt)),
            Err(StoreError::Busy) => busy += 1,
            Err(other) => panic!("{other}"),
        }
        seq += 1;
    }
    assert_eq!(busy, 1, "a queue without end would be a way to fill the memory");
    for (seq, receipt) in receipts {
        receipt.kept_blocking().unwrap();
        large.id.seq = seq;
        assert!(store.has(&large.id).unwrap());
    }
    keep(&store, [1_000_000]).unwrap();
}
