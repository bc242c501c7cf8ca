//! A clock that is off, or steps: its node is told so, nobody is harmed, and what it has missed comes when clocks allow.

use crate::world::{World, address, event};
use gossip::{ClockOffset, Config, Input};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: i64 = 3_600_000_000;
/// What right clocks show when these worlds begin.
const EPOCH: u64 = 1_700_000_000_000_000;

/// A mesh of five, of which the last starts with a clock that is ahead by so much.
fn skewed(ahead: i64) -> World {
    let mut world = World::new(1);
    world.epoch_micros = EPOCH;
    for node in 0..5 {
        world.epoch_micros = if node == 4 { EPOCH.saturating_add_signed(ahead) } else { EPOCH };
        world.add(Config { bootstrap: vec![address(usize::from(node == 0))], ..Config::default() });
    }
    world.run_for(MINUTE);
    world
}

/// By how much a node is told that its clock is ahead, in microseconds, and by how many.
fn told(world: &World, node: usize) -> (i64, usize) {
    let ClockOffset { micros, peers } = world.state(node).clock_offset().unwrap();
    (micros, peers)
}

/// Half of the longest round trip of these worlds.
const NOISE: i64 = 60_000;

#[test]
fn a_clock_that_is_off_by_hours_is_told_so_by_all_its_peers_and_no_other_is() {
    for ahead in [5 * HOUR, -5 * HOUR, 0] {
        let world = skewed(ahead);
        for node in 0..5 {
            let (micros, peers) = told(&world, node);
            let expected = if node == 4 { ahead } else { 0 };
            assert!((micros - expected).abs() < NOISE && peers == 4, "{node}: {micros} of {peers}, ahead {ahead}");
        }
    }
}

#[test]
fn whoever_is_alone_is_told_nothing() {
    let mut world = World::new(1);
    world.add(Config::default());
    world.run_for(MINUTE);
    assert_eq!(world.state(0).clock_offset(), None);
    world.add(Config { bootstrap: vec![address(0)], ..Config::default() });
    world.run_for(MINUTE);
    assert!(world.state(0).clock_offset().is_some());
    world.crash(1);
    assert_eq!(world.state(0).clock_offset(), None, "nothing is left of a connection that has ended");
}

#[test]
fn a_clock_that_was_hours_behind_and_is_set_right_gets_what_it_could_not_keep() {
    let mut world = skewed(-5 * HOUR);
    for number in 0..20 {
        world.tell(number % 5, Input::Broadcast(event(number as u128, &format!("node{}", number % 5))));
        world.run_for(MINUTE / 10);
    }
    world.run_for(2 * MINUTE);
    let delivered = |world: &World| (0..5).map(|node| world.delivered[node].len()).collect::<Vec<_>>();
    let kept = |world: &World| (0..5).map(|node| world.stores[node].len()).collect::<Vec<_>>();
    assert_eq!(kept(&world), [20, 20, 20, 20, 4], "what is too far ahead is not kept");
    assert_eq!(delivered(&world), [16, 16, 16, 16, 0], "nor shown");
    let micros = EPOCH + world.now.as_micros();
    world.tell(4, Input::Clock { micros });
    assert!(told(&world, 4).0.abs() < NOISE);
    world.run_for(2 * MINUTE);
    assert_eq!(kept(&world), [20; 5]);
    assert_eq!(delivered(&world), [16; 5]);
    assert!((0..5).all(|node| told(&world, node).0.abs() < NOISE));
}

#[test]
fn a_clock_that_steps_back_or_ahead_harms_nobody() {
    for step in [-2 * HOUR, 2 * HOUR] {
        let mut world = skewed(0);
        let delivered = |world: &World, count| (0..4).all(|node| world.delivered[node].len() == count);
        let send = |world: &mut World, number| {
            world.tell(4, Input::Broadcast(event(number, "node4")));
            world.run_for(MINUTE);
        };
        send(&mut world, 1);
        let micros = EPOCH.saturating_add_signed(step) + world.now.as_micros();
        world.tell(4, Input::Clock { micros });
        // Told again it changes nothing.
        world.tell(4, Input::Clock { micros });
        send(&mut world, 2);
        let (off, peers) = told(&world, 4);
        assert!((off - step).abs() < NOISE && peers == 4, "{off}");
        assert!((0..4).all(|node| told(&world, node).0.abs() < NOISE));
        // What it says in the future waits for it; and numbers never go back, so what it says next does as well.
        assert!(delivered(&world, if step > 0 { 1 } else { 2 }), "step {step}");
        let micros = EPOCH + world.now.as_micros();
        world.tell(4, Input::Clock { micros });
        send(&mut world, 3);
        assert!(told(&world, 4).0.abs() < NOISE);
        assert!(delivered(&world, if step > 0 { 1 } else { 3 }), "step {step}");
        world.run_for(3 * 60 * MINUTE);
        assert!(delivered(&world, 3), "step {step}");
        assert!((0..5).all(|node| world.stores[node].len() == 3), "step {step}");
    }
}
