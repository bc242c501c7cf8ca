//! What durability costs: acknowledged events a second, and how long a store of a million events takes to open and to give its
//! map. `cargo bench -p server --bench store`; the folder is on the disk that `TMPDIR` names.

#![allow(clippy::unwrap_used, reason = "a panic is how a bench says that it can't measure")]

use beauty::{EventId, Ledger, LedgerConfig, Resolution, Timestamp, Told, Unkept};
use gossip::{Bundle, BundleId, Event, OriginId, Signature, wire};
use server::store::{Batch, Checkpoint, FILE, Store, StoredBundle};
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

const MILLION: usize = 1_000_000;
const NODES: u64 = 100;
/// 2026-11-22T12:00:00Z.
const START: u64 = 1_795_348_800_000;

fn told(number: u64) -> Told {
    let at = START + number / 100;
    let json = format!(
        r#"{{"event_id":"{}","node_id":"node-{:04}","timestamp":{at},"beauty":0.{:06},"source":"mood"}}"#,
        Uuid::from_u128(u128::from(number) << 64 | 7),
        number % NODES,
        number * 7_919 % 1_000_000,
    );
    Told::parse(&json).unwrap()
}

fn bundle(first: u64, events: u64) -> StoredBundle {
    let event = |told: Told| {
        let (node_id, json) = (told.origin.as_str().into(), told.to_json().into());
        Event { id: told.event.id.0, node_id, json }
    };
    let id = BundleId { origin: OriginId([(first / events % NODES) as u8; 32]), seq: START * 1_000 + first };
    let texts = (first..first + events).map(|number| event(told(number))).collect();
    let bundle = Bundle { id, events: texts, signature: Signature([7; 64]), second: None };
    StoredBundle { id, hash: Some(bundle.hash()), events: events as u16, bytes: wire::encode_bundle(&bundle).unwrap() }
}

/// Keeps batches for a while, so many waiting at a time. Gives acknowledged events a second.
fn ingest(bundles: u64, events: u64, waiting: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    // Made before, so that it is the store that is measured.
    let made: Vec<Batch> = (0..2_000_u64.min(400_000 / (bundles * events)))
        .map(|batch| {
            let first = batch * bundles * events;
            let bundles = (0..bundles).map(|n| bundle(first + n * events, events)).collect();
            Batch { bundles, ..Batch::default() }
        })
        .collect();
    let all = made.len() as u64 * bundles * events;
    let (start, mut receipts) = (Instant::now(), VecDeque::new());
    for batch in made {
        if receipts.len() == waiting {
            receipts.pop_front().map(server::store::Receipt::kept_blocking).unwrap().unwrap();
        }
        receipts.push_back(store.keep(batch).unwrap());
    }
    for receipt in receipts {
        receipt.kept_blocking().unwrap();
    }
    all as f64 / start.elapsed().as_secs_f64()
}

/// A store of a million events, with their rollups.
fn fill(folder: &Path, events: u64) {
    let store = Store::open(folder).unwrap();
    let (mut ledger, mut unkept) = (Ledger::new(LedgerConfig::default()), Unkept::default());
    let mut first = 0;
    while first < MILLION as u64 {
        let bundles: Vec<_> = (0..10_000 / events).map(|n| bundle(first + n * events, events)).collect();
        for number in first..first + 10_000 {
            let told = told(number);
            let inserted = ledger.insert(&told.origin, &told.event, now()).unwrap();
            unkept.note(&told.origin, &told.event, &inserted);
        }
        store.keep(Batch { bundles, ..Batch::default() }).unwrap().kept_blocking().unwrap();
        first += 10_000;
    }
    let checkpoint = Checkpoint {
        rollups: ledger.rollups(&unkept),
        past: ledger.past_rollups(now()),
        waiting: Vec::new(),
        retain_from: 0,
        max_bytes: u64::MAX,
        spare_from: u64::MAX,
    };
    store.checkpoint(checkpoint).unwrap().kept_blocking().unwrap();
}

fn now() -> Timestamp {
    Timestamp::from_millis(START + MILLION as u64 / 100)
}

/// Opens it, restores the map, asks for it. Gives how long that took, and the events that the map counts.
fn open(folder: &Path) -> (Duration, Duration, u64) {
    let start = Instant::now();
    let store = Store::open(folder).unwrap();
    let opened = start.elapsed();
    let began = store.start().unwrap();
    assert!(began.fresh.is_empty());
    let slots = store.slots(0..u64::MAX).unwrap();
    assert!(!slots.is_empty());
    let mut ledger = Ledger::new(LedgerConfig::default());
    store.rollups(|key, value| ledger.restore(key, value).unwrap()).unwrap();
    let map = ledger.heatmap(now(), Resolution::TenSeconds, 40);
    assert!(map.nodes_total > 0);
    (opened, start.elapsed(), ledger.events(now()))
}

/// Memory of this process, in MB, as the system counts it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn main() {
    // An id that is used as one, so that the domain's parser is what it is in a node.
    assert_eq!(told(1).event.id, EventId(Uuid::from_u128(1 << 64 | 7)));
    println!("durable ingest                                   acknowledged events/s");
    for (bundles, events, waiting) in [(1, 100, 1), (1, 100, 64), (100, 1, 1), (100, 1, 64), (1, 1, 1), (1, 1, 64)] {
        let rate = ingest(bundles, events, waiting);
        println!("  batches of {bundles:>3} bundles of {events:>3} events, {waiting:>2} waiting  {rate:>10.0}");
    }
    println!("1,000,000 events           file MB   open ms   open, restore, map ms   resident MB before, after");
    for events in [100, 1] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), events);
        let file = std::fs::metadata(folder.path().join(FILE)).unwrap().len() / 1_000_000;
        let before = resident();
        let (opened, whole, counted) = open(folder.path());
        assert_eq!(counted, MILLION as u64);
        let (opened, whole) = (opened.as_secs_f64() * 1e3, whole.as_secs_f64() * 1e3);
        println!(
            "  bundles of {events:>3}          {file:>7} {opened:>9.1} {whole:>23.1}   {before:>15}, {}",
            resident()
        );
    }
}
