//! Three of ten nodes drop, delay or lie: the others get everything, though some of it later. A thousand want one node for
//! themselves, and don't get it.
//!
//! `HOSTILE_SEEDS` and `SIEGE_SEEDS` say how many meshes are played.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use simulator::hostility::{self, Besieged, Report};
use std::sync::Mutex;

/// By how much longer the 99th of 100 deliveries may take.
const SLOWER: f64 = 1.5;

fn seeds(variable: &str, small: u64) -> u64 {
    std::env::var(variable).map_or(small, |seeds| seeds.parse().expect("a number of seeds"))
}

/// Plays seeds on all cores.
fn play<T: Send>(seeds: u64, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let (next, reports) = (Mutex::new(0..seeds), Mutex::new(Vec::new()));
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

#[test]
fn hostile_nodes_keep_nothing_from_the_others() {
    let reports: Vec<Report> = play(seeds("HOSTILE_SEEDS", 4), hostility::run);
    let (wanted, delivered) =
        reports.iter().fold((0, 0), |(wanted, delivered), r| (wanted + r.wanted, delivered + r.delivered));
    let mut slower: Vec<f64> = reports.iter().map(Report::slower).collect();
    slower.sort_by(f64::total_cmp);
    let (median, worst) = (slower[slower.len() / 2], slower[slower.len() - 1]);
    let of_bound = reports.iter().map(Report::of_bound).fold(0.0, f64::max);
    println!(
        "hostile nodes: {} seeds, 30 of 100 nodes; {delivered} of {wanted} deliveries; p99 {median:.2} times as long \
         (median), {worst:.2} (worst seed); {of_bound:.2} times what the links between honest nodes allow (worst seed)",
        reports.len()
    );
    for report in reports.iter().filter(|report| report.slower() > SLOWER) {
        println!("  {report:?}: {:.2}, {:.2} of the bound", report.slower(), report.of_bound());
    }
    for report in &reports {
        assert_eq!(report.delivered, report.wanted, "{report:?}");
        assert!(report.slower() <= SLOWER, "{report:?}: {:.2}", report.slower());
    }
}

#[test]
fn a_crowd_does_not_get_a_node_for_itself() {
    let reports: Vec<Besieged> = play(seeds("SIEGE_SEEDS", 10), hostility::besiege);
    let fewest = |what: fn(&Besieged) -> [usize; 2]| {
        [0, 1].map(|phase| reports.iter().map(|report| what(report)[phase]).min().unwrap())
    };
    let (dialled, honest) = (fewest(|report| report.dialled), fewest(|report| report.honest));
    println!(
        "siege: {} seeds, 1,000 ids at 16 addresses; honest links at least {} ({} that the node had dialled), after a \
         restart {} ({})",
        reports.len(),
        honest[0],
        dialled[0],
        honest[1],
        dialled[1]
    );
    for report in reports {
        assert!(report.dialled.iter().all(|links| *links >= 2), "{report:?}");
    }
}
