//! Partitions, clogs, crashes.

use crate::flood::{Flood, Heard, chain, ms, scenario};
use simulator::network::NodeSet;
use simulator::protocol::NodeId;

fn set(nodes: &[u32]) -> NodeSet {
    nodes.iter().copied().map(NodeId).collect()
}

#[test]
fn a_partition_stops_both_ways_until_it_heals() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]\nsilence_ms = 3000\ndial_timeout_ms = 500"), &flood);
    world.broadcast(NodeId(0), 256, true).unwrap();
    world.partition(set(&[0]), set(&[1]));
    world.broadcast(NodeId(0), 256, true).unwrap();
    world.broadcast(NodeId(1), 256, true).unwrap();
    world.run_for(ms(10_000));
    assert!(flood.frames(0).is_empty() && flood.frames(1).is_empty(), "what was in flight is lost too");
    assert_eq!((flood.moments(0, Heard::Down), flood.moments(1, Heard::Down)), (vec![4_000.0], vec![4_000.0]));
    // It dials a second after, waits for half a second, and so on.
    assert_eq!(flood.moments(1, Heard::DialFailed)[..2], [5_500.0, 7_000.0]);
    world.heal();
    world.run_for(ms(3_000));
    for node in [0, 1] {
        world.broadcast(NodeId(node), 256, true).unwrap();
    }
    world.run_for(ms(20));
    assert_eq!((flood.frames(0).len(), flood.frames(1).len()), (1, 1));
}

#[test]
fn a_clog_holds_back_one_way_only_and_loses_nothing() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]"), &flood);
    world.clog(set(&[0]), set(&[1]));
    for _ in 0..3 {
        world.broadcast(NodeId(0), 256, true).unwrap();
        world.broadcast(NodeId(1), 256, true).unwrap();
    }
    world.run_for(ms(5_000));
    assert_eq!(flood.frames(0).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1_020.0; 3]);
    assert!(flood.frames(1).is_empty());
    world.unclog();
    world.run_for(ms(100));
    assert_eq!(flood.frames(1), [(6_020.0, 0), (6_020.0, 2), (6_020.0, 4)]);
    assert!(flood.moments(1, Heard::Down).is_empty());
}

#[test]
fn a_crash_loses_what_is_in_flight_and_peers_hear_of_it_from_the_system_or_by_the_silence() {
    for (silent, noticed) in [(false, 1_030.0), (true, 4_010.0)] {
        let flood = Flood::default();
        let mut world = chain(&scenario(2, "latency_ms = [20, 20]\nsilence_ms = 3000"), &flood);
        world.broadcast(NodeId(0), 256, true).unwrap();
        world.broadcast(NodeId(1), 256, true).unwrap();
        world.run_for(ms(10));
        world.crash(NodeId(1), silent);
        world.run_for(ms(5_000));
        assert!(flood.frames(0).is_empty() && flood.frames(1).is_empty());
        assert_eq!(flood.moments(0, Heard::Down), [noticed]);
        assert!(flood.moments(1, Heard::Down).is_empty(), "the dead hear nothing");
        assert_eq!((world.running(), world.broadcast(NodeId(1), 256, true)), (vec![NodeId(0)], None));
    }
}

#[test]
fn a_restart_begins_with_what_the_disk_holds_and_with_nothing_without_it() {
    for disk in [true, false] {
        let flood = Flood::default();
        let mut world = chain(&scenario(3, "latency_ms = [20, 20]"), &flood);
        world.broadcast(NodeId(0), 256, true).unwrap();
        world.run_for(ms(100));
        world.crash(NodeId(2), false);
        world.run_for(ms(1_000));
        assert!(world.ledger().broadcasts()[0].has(NodeId(2)));
        world.restart(NodeId(2), disk);
        assert_eq!(world.ledger().broadcasts()[0].has(NodeId(2)), disk);
        world.run_for(ms(1_000));
        // Its place in the chain is the same.
        world.broadcast(NodeId(0), 256, true).unwrap();
        world.run_for(ms(100));
        assert!(world.ledger().broadcasts()[1].has(NodeId(2)));
        assert_eq!(world.up_since(NodeId(2)).unwrap().as_micros(), 2_100_000);
    }
}

#[test]
fn nobody_answers_where_nobody_runs() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]"), &flood);
    world.crash(NodeId(0), false);
    world.run_for(ms(3_000));
    // Noticed after 20 ms, dialled again a second later, refused after a round trip.
    assert_eq!(flood.moments(1, Heard::DialFailed)[0], 1_000.0 + 20.0 + 1_000.0 + 40.0);
    world.restart(NodeId(0), false);
    world.run_for(ms(2_000));
    assert_eq!(flood.moments(1, Heard::Up).len(), 2);
}
