//! Link policies, one by one, on links of exactly 20 ms.

use crate::flood::{Flood, Heard, chain, ms, scenario};
use simulator::protocol::NodeId;
use simulator::scenario::{Impair, Select};
use simulator::world::World;

#[test]
fn a_dial_takes_a_round_trip_and_the_listener_knows_after_one_way() {
    let flood = Flood::default();
    chain(&scenario(2, "latency_ms = [20, 20]"), &flood);
    assert_eq!((flood.moments(0, Heard::Up), flood.moments(1, Heard::Up)), (vec![20.0], vec![40.0]));
}

#[test]
fn a_connection_keeps_order_and_two_connections_do_not() {
    let flood = Flood::default();
    let mut world = chain(&scenario(3, "latency_ms = [20, 20]\njitter_ms = 200"), &flood);
    for _ in 0..100 {
        // The one in the middle sends to both sides.
        world.broadcast(NodeId(1), 256, true).unwrap();
        world.run_for(ms(1));
    }
    world.run_for(ms(1_000));
    let (left, right) = (flood.frames(0), flood.frames(2));
    for frames in [&left, &right] {
        assert_eq!(frames.iter().map(|(_, id)| *id).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
        assert!(frames.is_sorted_by_key(|(at, _)| (at * 1_000.0) as u64));
    }
    let overtaken = |a: &[(f64, u32)], b: &[(f64, u32)]| a.windows(2).zip(b).any(|(two, other)| two[1].0 < other.0);
    assert!(overtaken(&left, &right) && overtaken(&right, &left));
    let late = left.iter().map(|(at, id)| at - 1_000.0 - f64::from(*id) - 20.0).fold(0.0, f64::max);
    assert!((100.0..=200.0).contains(&late), "{late}");
}

#[test]
fn frames_leave_one_after_another_as_fast_as_the_uplink_allows_whoever_they_are_for() {
    let flood = Flood::default();
    // 800 kbit/s: 1,000 bytes in 10 ms.
    let mut world = chain(&scenario(3, "latency_ms = [20, 20]\nuplink_kbit = 800"), &flood);
    for _ in 0..3 {
        world.broadcast(NodeId(1), 1_000, true).unwrap();
    }
    world.run_for(ms(1_000));
    let at = |node| flood.frames(node).into_iter().map(|(at, _)| at - 1_000.0).collect::<Vec<_>>();
    assert_eq!(at(0), [30.0, 50.0, 70.0]);
    assert_eq!(at(2), [40.0, 60.0, 80.0]);
}

#[test]
fn frames_come_in_one_after_another_as_fast_as_the_downlink_allows_whoever_they_are_from() {
    let flood = Flood::default();
    // 800 kbit/s: 1,000 bytes in 10 ms.
    let mut world = chain(&scenario(3, "latency_ms = [20, 20]\ndownlink_kbit = 800"), &flood);
    world.broadcast(NodeId(0), 1_000, true).unwrap();
    world.broadcast(NodeId(2), 1_000, true).unwrap();
    world.run_for(ms(1_000));
    let at = |node| flood.frames(node).into_iter().map(|(at, _)| at - 1_000.0).collect::<Vec<_>>();
    assert_eq!(at(1), [30.0, 40.0]);
    assert_eq!((at(0), at(2)), (vec![70.0], vec![60.0]), "each goes on when it is in");
    world.slow(NodeId(1), ms(0), None, Some(80));
    world.broadcast(NodeId(0), 1_000, true).unwrap();
    world.run_for(ms(1_000));
    assert_eq!(at(1)[2], 1_000.0 + 20.0 + 100.0, "a tenth of the bandwidth takes ten times as long");
}

#[test]
fn a_duplicate_comes_right_behind_and_nothing_is_lost() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]\nduplicate_share = 0.2"), &flood);
    for _ in 0..100 {
        world.broadcast(NodeId(0), 256, true).unwrap();
        world.run_for(ms(50));
    }
    let came = flood.frames(1);
    let twice = came.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!((10..=30).contains(&twice) && came.len() == 100 + twice, "{twice} of {}", came.len());
    assert_eq!(world.ledger().broadcasts()[0].transmissions, 1, "what is doubled was sent once");
}

#[test]
fn impairments_add_up_on_the_links_of_their_nodes_and_end() {
    let flood = Flood::default();
    let mut world = chain(&scenario(3, "latency_ms = [20, 20]"), &flood);
    let impair = |delay_ms, reset_share| Impair {
        who: Select::All,
        delay_ms,
        jitter_ms: 0,
        reset_share,
        duplicate_share: 0.0,
        spikes: None,
    };
    world.impair([NodeId(0)].into_iter().collect(), &impair(100, 0.0));
    world.impair([NodeId(0), NodeId(1)].into_iter().collect(), &impair(7, 0.0));
    let delays = |world: &mut World<'_>| {
        let begin = world.now().as_micros() as f64 / 1_000.0;
        world.broadcast(NodeId(1), 256, true).unwrap();
        world.run_for(ms(1_000));
        [0, 2].map(|node| flood.frames(node).last().unwrap().0 - begin)
    };
    assert_eq!(delays(&mut world), [127.0, 27.0]);
    world.restore();
    assert_eq!(delays(&mut world), [20.0, 20.0]);
    world.impair([NodeId(2)].into_iter().collect(), &impair(0, 1.0));
    world.broadcast(NodeId(1), 256, true).unwrap();
    world.run_for(ms(100));
    assert_eq!((flood.moments(2, Heard::Down).len(), flood.moments(0, Heard::Down).len()), (1, 0));
}

#[test]
fn a_spike_delays_a_frame_and_what_is_behind_it() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]\nspikes = { share = 0.2, delay_ms = 100 }"), &flood);
    for _ in 0..100 {
        world.broadcast(NodeId(0), 256, true).unwrap();
        world.run_for(ms(50));
    }
    world.run_for(ms(1_000));
    let frames = flood.frames(1);
    let delays: Vec<f64> = frames.iter().map(|(at, id)| at - 1_000.0 - f64::from(*id) * 50.0).collect();
    assert_eq!(delays.len(), 100);
    // Spiked; right behind a spike; two behind; none.
    assert!(delays.iter().all(|delay| [120.0, 70.0, 20.0].contains(delay)), "{delays:?}");
    let spiked = delays.iter().filter(|delay| **delay == 120.0).count();
    assert!((10..=30).contains(&spiked), "{spiked}");
}

#[test]
fn a_loss_is_a_reset_that_both_sides_hear_of_and_takes_along_what_is_in_flight() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]"), &flood);
    world.broadcast(NodeId(0), 256, true).unwrap();
    world.run_for(ms(10));
    world.reset(NodeId(1));
    world.run_for(ms(100));
    assert_eq!(
        (flood.frames(1), flood.moments(0, Heard::Down), flood.moments(1, Heard::Down)),
        (vec![], vec![1_030.0], vec![1_030.0])
    );
    // It is dialled again, and works.
    world.run_for(ms(2_000));
    world.broadcast(NodeId(0), 256, true).unwrap();
    world.run_for(ms(20));
    assert_eq!(flood.frames(1).len(), 1);
    assert_eq!(world.ledger().broadcasts()[0].transmissions, 1, "what is lost was sent");
}

#[test]
fn resets_come_as_often_as_the_policy_says() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]\nreset_share = 0.1"), &flood);
    for _ in 0..200 {
        world.broadcast(NodeId(0), 256, true).unwrap();
        world.run_for(ms(2_000));
    }
    let lost = 200 - flood.frames(1).len();
    assert_eq!(flood.moments(0, Heard::Down).len(), lost);
    assert!((8..=35).contains(&lost), "{lost}");
}

#[test]
fn what_is_sent_before_a_close_still_arrives_and_then_the_close() {
    let flood = Flood { hangs_up: true, ..Flood::default() };
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]\njitter_ms = 100"), &flood);
    world.broadcast(NodeId(0), 256, true).unwrap();
    world.run_for(ms(500));
    let (frames, downs) = (flood.frames(1), flood.moments(1, Heard::Down));
    assert!(frames.len() == 1 && downs.len() == 1 && frames[0].0 <= downs[0]);
    assert!(flood.moments(0, Heard::Down).is_empty(), "who closes is told nothing");
}

#[test]
fn a_slow_node_takes_one_frame_after_another() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]"), &flood);
    world.slow(NodeId(1), ms(5), None, None);
    for _ in 0..3 {
        world.broadcast(NodeId(0), 256, true).unwrap();
    }
    world.run_for(ms(100));
    assert_eq!(flood.frames(1), [(1_025.0, 0), (1_030.0, 1), (1_035.0, 2)]);
}

#[test]
fn a_wall_clock_that_is_off_shows_in_what_its_node_says() {
    let flood = Flood::default();
    let mut world = chain(&scenario(2, "latency_ms = [20, 20]"), &flood);
    // It steps back, far ahead, and back again.
    for off in [0, -20_000_000, 3_600_000_000, 0] {
        world.skew(NodeId(0), off);
        world.broadcast(NodeId(0), 256, true).unwrap();
    }
    let said = |at: usize| world.ledger().broadcasts()[at].payload.text.to_string();
    for (at, timestamp) in [(0, "1000"), (1, "-19000"), (2, "3601000"), (3, "1000")] {
        assert!(said(at).contains(&format!("\"timestamp\":{timestamp},")), "{}", said(at));
    }
    world.run_for(ms(100));
    assert_eq!(flood.frames(1).len(), 4, "the time of the world goes on for it as for all");
}
