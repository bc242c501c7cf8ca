//! What the ledger costs. `cargo bench -p beauty` prints the figures that the documents name.
//!
//! Goals, on one core: a million fresh events a second, and a map of 40 columns and 100 nodes in 100 µs, however many events
//! it stands for.

use std::hint::black_box;

use beauty::{BeautyEvent, EventId, Ledger, LedgerConfig, Origin, Resolution, Score, Source, Timestamp};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use uuid::Uuid;

/// 2026-01-01T00:30:00Z.
const START: Timestamp = Timestamp::from_millis(1_767_227_400_000);
const NODES: u64 = 100;
/// Events are spread over the window that the map shows.
const WINDOW: u64 = 400_000;

/// Fresh events without end: each has an id of its own, a node, a score, a moment in the window.
struct Stream {
    nodes: Vec<Origin>,
    source: Source,
    next: u64,
}

impl Stream {
    fn new() -> Stream {
        let nodes = (0..NODES).filter_map(|node| Origin::new(&format!("node-{node:03}")).ok()).collect();
        Stream { nodes, source: Source::default(), next: 0 }
    }
}

impl Iterator for Stream {
    type Item = (Origin, BeautyEvent);

    fn next(&mut self) -> Option<(Origin, BeautyEvent)> {
        let number = self.next;
        self.next += 1;
        // An odd factor spreads the numbers over all of 64 bits (Fibonacci hashing).
        let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let event = BeautyEvent {
            id: EventId(Uuid::from_u64_pair(number, spread)),
            at: START.saturating_add(spread % WINDOW),
            score: Score::from_micros((spread >> 32) as u32 % 1_000_001).unwrap_or_default(),
            source: self.source.clone(),
        };
        Some((self.nodes[(spread >> 40) as usize % self.nodes.len()].clone(), event))
    }
}

fn now() -> Timestamp {
    START.saturating_add(WINDOW - 1)
}

fn insert(c: &mut Criterion) {
    const BATCH: u64 = 10_000;
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements(BATCH));
    let (mut ledger, mut stream) = (Ledger::new(LedgerConfig::default()), Stream::new());
    group.bench_function("insert", |bencher| {
        bencher.iter_batched(
            || stream.by_ref().take(BATCH as usize).collect::<Vec<_>>(),
            |events| {
                for (origin, event) in &events {
                    let _ = black_box(ledger.insert(origin, event, now()));
                }
                events
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn heatmap(c: &mut Criterion) {
    let mut group = c.benchmark_group("heatmap 40x100");
    for events in [10_000, 1_000_000] {
        let mut ledger = Ledger::new(LedgerConfig::default());
        for (origin, event) in Stream::new().take(events) {
            let _ = ledger.insert(&origin, &event, now());
        }
        let map = ledger.heatmap(now(), Resolution::TenSeconds, 40);
        assert_eq!((map.buckets.len(), map.nodes.len(), ledger.events(now())), (40, NODES as usize, events as u64));
        group.bench_function(format!("from {events} events"), |bencher| {
            bencher.iter(|| ledger.heatmap(black_box(now()), Resolution::TenSeconds, 40));
        });
    }
    group.finish();
}

criterion_group!(benches, insert, heatmap);
criterion_main!(benches);
