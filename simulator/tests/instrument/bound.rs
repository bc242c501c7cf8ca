//! A flood is as fast as the bound, and as redundant as it must be.

use crate::flood::{Flood, chain, ms, scenario};
use simulator::protocol::NodeId;
use simulator::runner;
use simulator::scenario::{Join, Overlay, Scenario};

fn on_a_given_overlay(nodes: u32, degree: usize) -> Scenario {
    let mut scenario = scenario(nodes, "latency_ms = [10, 50]");
    scenario.overlay = Some(Overlay { degree });
    scenario.join = Join { every_ms: 1, settle_ms: 5_000, ..Join::default() };
    (scenario.traffic.senders, scenario.traffic.rounds, scenario.traffic.every_ms) = (5, 2, 1_000);
    scenario
}

#[test]
fn a_flood_reaches_everybody_exactly_at_the_bound_with_the_redundancy_of_its_edges() {
    for (nodes, degree) in [(60, 4), (25, 6)] {
        let scenario = on_a_given_overlay(nodes, degree);
        for seed in 0..3 {
            let summary = runner::run(&scenario, &Flood::default(), seed, &mut |_| {}).unwrap();
            assert_eq!((summary.broadcasts, summary.missed, summary.repeats, summary.phantoms), (10, 0, 0, 0));
            assert_eq!((summary.degree, summary.pieces), (Some(degree as f64), 1));
            assert_eq!(summary.last_over_bound, Some(1.0));
            assert!(summary.each.iter().all(|row| row.last_ms == row.bound_ms && row.bound_ms > Some(50.0)));
            // Every node sends to all its peers but one; its own go to all.
            let others = f64::from(nodes - 1);
            let rmr = (f64::from(nodes) * degree as f64 - others) / others - 1.0;
            assert!((summary.rmr.unwrap() - rmr).abs() < 1e-9, "{:?} {rmr}", summary.rmr);
            assert_eq!((summary.control_frames, summary.control_bytes), (Some(0.0), Some(0.0)));
            assert!((summary.payload_bytes.unwrap() - 256.0 * (rmr + 1.0)).abs() < 1e-6);
        }
    }
}

#[test]
fn where_all_links_are_alike_the_last_delivery_takes_so_many_direct_hops() {
    let mut scenario = on_a_given_overlay(60, 4);
    scenario.links.latency_ms = [20, 20];
    let summary = runner::run(&scenario, &Flood::default(), 1, &mut |_| {}).unwrap();
    assert!(summary.last_hop > Some(2.0));
    assert_eq!(summary.last_over_hop, summary.last_hop);
}

#[test]
fn hops_are_counted_along_the_way() {
    let flood = Flood::default();
    let mut world = chain(&scenario(6, "latency_ms = [20, 20]"), &flood);
    world.broadcast(NodeId(1), 256, true).unwrap();
    world.run_for(ms(1_000));
    let broadcast = &world.ledger().broadcasts()[0];
    let hops: Vec<_> = (0..6).map(|node| broadcast.hops_to(NodeId(node)).unwrap()).collect();
    assert_eq!(hops, [1, 0, 1, 2, 3, 4]);
    let times: Vec<_> = (0..6).map(|node| broadcast.time_to(NodeId(node)).unwrap() / 1_000).collect();
    assert_eq!(times, [20, 0, 20, 40, 60, 80]);
    assert!((0..6).all(|node| broadcast.time_to(NodeId(node)) == broadcast.bound_to(NodeId(node))));
    assert_eq!((broadcast.transmissions, broadcast.reached()), (5, 6));
}

#[test]
fn a_run_counts_from_the_rounds_after_the_warm_up_on_and_sums_up_what_can_be_computed() {
    // Three nodes that all know each other, each 20 ms from the others.
    let mut scenario = scenario(3, "latency_ms = [20, 20]");
    scenario.join = Join { contacts: 2, every_ms: 100, settle_ms: 1_000 };
    let traffic = &mut scenario.traffic;
    (traffic.senders, traffic.rounds, traffic.warmup_rounds, traffic.every_ms) = (2, 5, 2, 100);
    let summary = runner::run(&scenario, &Flood::default(), 1, &mut |_| {}).unwrap();
    assert_eq!((summary.broadcasts, summary.each.len(), summary.deliveries), (6, 6, 12));
    // Its sender sends two copies, and each of the others one that nobody needs.
    assert_eq!((summary.rmr, summary.payload_bytes), (Some(1.0), Some(512.0)));
    assert_eq!((summary.last_hop, summary.degree), (Some(1.0), Some(2.0)));
    let times = [summary.p50_ms, summary.p99_ms, summary.last_ms, summary.worst_ms, summary.bound_ms];
    assert_eq!(times, [Some(20.0); 5]);
    let gaps: Vec<f64> = summary.each.windows(2).map(|two| two[1].at_ms - two[0].at_ms).collect();
    assert_eq!(gaps, [100.0; 5]);
}
