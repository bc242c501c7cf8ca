//! What durability costs: acknowledged events a second. `cargo bench -p server --bench store`; the folder is on the disk that
//! `TMPDIR` names. What a long history costs: `history.rs`.

#![allow(clippy::unwrap_used, reason = "a panic is how a bench says that it can't measure")]

use beauty::{EventId, Told};
use gossip::{Bundle, BundleId, Event, OriginId, Signature, wire};
use server::store::{Batch, Store, StoredBundle};
use std::collections::VecDeque;
use std::time::Instant;
use uuid::Uuid;

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

fn main() {
    // An id that is used as one, so that the domain's parser is what it is in a node.
    assert_eq!(told(1).event.id, EventId(Uuid::from_u128(1 << 64 | 7)));
    println!("durable ingest                                   acknowledged events/s");
    for (bundles, events, waiting) in [(1, 100, 1), (1, 100, 64), (100, 1, 1), (100, 1, 64), (1, 1, 1), (1, 1, 64)] {
        let rate = ingest(bundles, events, waiting);
        println!("  batches of {bundles:>3} bundles of {events:>3} events, {waiting:>2} waiting  {rate:>10.0}");
    }
}
