//! Two hundred meshes in which everybody sends while faults come and go: what is promised holds in each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use simulator::chaos::{self, Invariant, Report, Trial};
use simulator::protocol::Protocol;
use simulator::protocols::Ours;

const SEEDS: u64 = 200;

fn watched() -> Box<dyn Protocol> {
    Box::new(Ours::watched())
}

#[test]
fn whatever_happens_every_promise_holds() {
    let mut failed: Vec<Report> = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    chaos::run_many(Trial::Chaos, 0..=SEEDS - 1, cores, watched, |report| {
        if report.breaks(&Invariant::ALL) {
            failed.push(report);
        }
    });
    let words = failed.iter().flat_map(|report| {
        let replay = format!("seed {0}: replay it with `mesh-sim chaos --seed {0}`", report.seed);
        std::iter::once(replay).chain(report.violations.iter().map(|violation| format!("  {violation}")))
    });
    let words: Vec<String> = words.collect();
    assert!(failed.is_empty(), "{} of {SEEDS} seeds failed\n{}", failed.len(), words.join("\n"));
}

#[test]
fn where_little_happens_every_promise_holds_as_well() {
    for trial in [Trial::Calm, Trial::Outage, Trial::Repeat] {
        for seed in 0..3 {
            let report = trial.run(seed, &Ours::watched());
            assert!(!report.breaks(&Invariant::ALL), "{trial:?}: {report:?}");
        }
    }
}

#[test]
fn a_seed_replays_to_the_byte() {
    let [first, again, other] = [3, 3, 4].map(|seed| Trial::Chaos.run(seed, &Ours::watched()));
    assert_eq!(first, again);
    assert_ne!(first.trace, other.trace);
}
