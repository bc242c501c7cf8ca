//! What a long history costs a node: how large its file is, how soon after its start it serves the map, how long that takes from
//! then on, and how much memory it holds. Beside it the same of a short one. Release processes on loopback.
//!
//! `EVENTS=10000000 cargo bench -p server --bench history`; without the variable, a million. The events are those of a hundred
//! nodes, spread over the last six days; the folders are on the disk that `TMPDIR` names. Needs `target/release/beauty-mesh`, as
//! `make bench` builds it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a bench says that it can't measure")]

mod support;

use beauty::{Ledger, LedgerConfig, Timestamp, Told, Unkept};
use gossip::{Bundle, BundleId, Event, OriginId, Signature, wire};
use serde_json::json;
use server::store::{Batch, Checkpoint, FILE, Store, StoredBundle};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Client, ask, client, health, start_in};
use uuid::Uuid;

const SHORT: u64 = 10_000;
const NODES: u64 = 100;
/// How far back events go, in milliseconds: less than a node keeps them by default.
const SPAN: u64 = 6 * 24 * 3_600 * 1_000;
/// A checkpoint is made as often as a node makes one.
const CHECKPOINT: u64 = 10_000;
/// How often the map is asked for.
const MAPS: usize = 1_000;
/// How many events are posted, 100 at once, before memory is looked at for the last time.
const POSTED: u64 = 20_000;

/// A history of so many events, the last of them now.
struct History {
    events: u64,
    /// How many events a bundle has.
    bundled: u64,
    begin: u64,
}

impl History {
    fn at(&self, number: u64) -> u64 {
        self.begin + (u128::from(number) * u128::from(SPAN) / u128::from(self.events)) as u64
    }

    fn told(&self, number: u64, node: u64) -> Told {
        let json = format!(
            r#"{{"event_id":"{}","node_id":"node-{node:04}","timestamp":{},"beauty":0.{:06},"source":"mood"}}"#,
            Uuid::from_u128(u128::from(number) << 64 | 7),
            self.at(number),
            number * 7_919 % 1_000_000,
        );
        Told::parse(&json).unwrap()
    }

    /// The bundle that begins with this event, and what it tells.
    fn bundle(&self, first: u64) -> (StoredBundle, Vec<Told>) {
        let node = first / self.bundled % NODES;
        let told: Vec<Told> = (first..first + self.bundled).map(|number| self.told(number, node)).collect();
        let event = |told: &Told| {
            let (node_id, json) = (told.origin.as_str().into(), told.to_json().into());
            Event { id: told.event.id.0, node_id, json }
        };
        // The number is a time, and no two of one origin are the same.
        let id = BundleId { origin: OriginId([node as u8; 32]), seq: self.at(first) * 1_000 + first % 1_000 };
        let events = told.iter().map(event).collect();
        let bundle = Bundle { id, events, signature: Signature([7; 64]), second: None };
        let bytes = wire::encode_bundle(&bundle).unwrap();
        (StoredBundle { id, hash: Some(bundle.hash()), events: self.bundled as u16, bytes }, told)
    }

    /// Keeps all of it, with its rollups, as a node does that was there all the while.
    fn keep(&self, folder: &Path) {
        let store = Store::open(folder).unwrap();
        let mut ledger = Ledger::new(LedgerConfig::default());
        for first in (0..self.events).step_by(CHECKPOINT as usize) {
            let now = Timestamp::from_millis(self.at(first + CHECKPOINT - 1));
            let (mut unkept, mut bundles) = (Unkept::default(), Vec::new());
            for first in (first..first + CHECKPOINT).step_by(self.bundled as usize) {
                let (bundle, told) = self.bundle(first);
                bundles.push(bundle);
                for told in told {
                    let inserted = ledger.insert(&told.origin, &told.event, now).unwrap();
                    unkept.note(&told.origin, &told.event, &inserted);
                }
            }
            store.keep(Batch { bundles, ..Batch::default() }).unwrap().kept_blocking().unwrap();
            let checkpoint = Checkpoint {
                rollups: ledger.rollups(&unkept),
                gone: Vec::new(),
                past: ledger.past_rollups(now),
                waiting: Vec::new(),
                retain_from: 0,
                max_bytes: u64::MAX,
                spare_from: u64::MAX,
            };
            store.checkpoint(checkpoint).unwrap().kept_blocking().unwrap();
        }
    }
}

/// Starts a node on a history, and measures.
async fn measure(events: u64, bundled: u64) {
    let folder = tempfile::tempdir().unwrap();
    let begin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64 - SPAN;
    let (history, path) = (History { events, bundled, begin }, folder.path().to_owned());
    tokio::task::spawn_blocking(move || history.keep(&path)).await.unwrap();
    let file = std::fs::metadata(folder.path().join(FILE)).unwrap().len() / 1_000_000;
    let began = Instant::now();
    let node = start_in(folder, "alpha", &[]);
    let mut client = client(&node).await;
    map(&mut client, "10s").await;
    let started = began.elapsed();
    let (process, mut maps) = (node.process.id(), Vec::new());
    assert_eq!(health(&mut client).await["events"], events);
    let resident = support::memory_kib(process, "VmRSS");
    for resolution in ["10s", "1h"] {
        let mut times = Vec::new();
        for _ in 0..MAPS {
            times.push(map(&mut client, resolution).await);
        }
        times.sort();
        maps.push([times[MAPS / 2], times[MAPS * 99 / 100]].map(|time| time.as_secs_f64() * 1e6));
    }
    let list = json!(vec![json!({ "beauty": 0.5, "source": "bench" }); 100]).to_string();
    for _ in 0..POSTED / 100 {
        ask(&mut client, "POST", "/federated/events", list.clone()).await;
    }
    let [now, most] = ["VmRSS", "VmHWM"].map(|what| support::memory_kib(process, what) / 1_024);
    println!(
        "{events:>10} {bundled:>10} {file:>8} {:>9.1}   {:>8.0} {:>6.0} {:>10.0} {:>6.0} {:>12} {now:>5} {most:>5}",
        started.as_secs_f64() * 1e3,
        maps[0][0],
        maps[0][1],
        maps[1][0],
        maps[1][1],
        resident / 1_024,
    );
}

/// Asks for the map, and says how long that took.
async fn map(client: &mut Client, resolution: &str) -> Duration {
    let start = Instant::now();
    ask(client, "GET", &format!("/federated/heatmap?buckets=40&resolution={resolution}"), "").await;
    start.elapsed()
}

fn main() {
    let events: u64 = std::env::var("EVENTS").map_or(1_000_000, |events| events.parse().expect("EVENTS is a number"));
    assert!(events.is_multiple_of(CHECKPOINT) && events > 0, "EVENTS is a multiple of {CHECKPOINT}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "    events  in bundles  file MB  start ms     map us: 10 s, p99     1 h, p99   resident MB: then, after, most"
    );
    for bundled in [100, 1] {
        for events in [SHORT, events] {
            runtime.block_on(measure(events, bundled));
        }
    }
}
