//! An origin forks its own sequence, in a mesh that is apart and in one that is not: every node has the proof within seconds, all hold
//! the same, and nothing is lost.
//!
//! `FORK_SEEDS` says how many meshes are played, of each kind; each forks 50 times.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use simulator::forks::{self, FORKS, Report};
use std::sync::Mutex;

/// By when every node has the proof, from when on it can be had, and by when all hold the same. Microseconds.
const PROVEN: u64 = 5_000_000;
const EQUAL: u64 = 60_000_000;

fn seeds() -> u64 {
    std::env::var("FORK_SEEDS").map_or(2, |seeds| seeds.parse().expect("a number of seeds"))
}

/// Plays seeds on all cores.
fn play(run: impl Fn(u64) -> Report + Sync) -> Vec<Report> {
    let (next, reports) = (Mutex::new(0..seeds()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(seed) = next.lock().unwrap().next() else { return };
                    let report = run(seed);
                    reports.lock().unwrap().push(report);
                }
            });
        }
    });
    reports.into_inner().unwrap()
}

fn holds(what: &str, reports: &[Report]) {
    let worst = |time: fn(&Report) -> Option<u64>| {
        reports.iter().map(|report| time(report).unwrap_or(u64::MAX)).max().unwrap_or(0) as f64 / 1e6
    };
    println!(
        "{what}: {} seeds, {} forks; every node has the proof {:.2} s after it can be had at the latest, {:.2} s after the \
         heal; all hold the same {:.1} s after the last fork",
        reports.len(),
        reports.len() * FORKS as usize,
        worst(|report| report.proven),
        worst(|report| report.proven_since_heal),
        worst(|report| report.equal),
    );
    for report in reports {
        assert!(report.proven.is_some_and(|after| after <= PROVEN), "{what}: {report:?}");
        assert!(report.equal.is_some_and(|after| after <= EQUAL), "{what}: {report:?}");
        assert!((report.lost, report.twice) == (0, false) && report.unsound.is_none(), "{what}: {report:?}");
    }
}

#[test]
fn two_copies_of_a_node_are_found_when_their_halves_meet() {
    holds("a copied data folder", &play(forks::copied));
}

#[test]
fn a_node_with_several_faces_is_found_at_once() {
    for faces in 2..=4 {
        holds(&format!("{faces} faces"), &play(|seed| forks::two_faced(seed, faces)));
    }
}
