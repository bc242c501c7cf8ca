//! A clock that is off, or steps: its node is told so, nobody is harmed, and what it has missed comes when clocks allow.

use crate::world::{World, address, event};
use gossip::{ClockOffset, Config, Input};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: i64 = 3_600_000_000;
const YEAR: u64 = 365 * 24 * HOUR as u64;
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
        // Where most peers say that it is too far ahead, it numbers by their time.
        assert!(delivered(&world, 2), "step {step}");
        let micros = EPOCH + world.now.as_micros();
        world.tell(4, Input::Clock { micros });
        send(&mut world, 3);
        assert!(told(&world, 4).0.abs() < NOISE);
        assert!(delivered(&world, 3), "step {step}");
        assert!((0..5).all(|node| world.stores[node].len() == 3), "step {step}");
    }
}

/// Lets each node say something.
fn chat(world: &mut World, first: usize) {
    for number in first..first + 10 {
        world.tell(number % 5, Input::Broadcast(event(number as u128, &format!("node{}", number % 5))));
        world.run_for(MINUTE / 10);
    }
    world.run_for(2 * MINUTE);
}

#[test]
fn a_clock_that_is_a_year_ahead_for_a_while_neither_takes_what_is_held_nor_shuts_the_node_out() {
    let mut world = skewed(0);
    chat(&mut world, 0);
    let micros = EPOCH + YEAR + world.now.as_micros();
    world.tell(4, Input::Clock { micros });
    chat(&mut world, 10);
    assert_eq!(world.state(4).counted().count, 20, "most of its peers tell it the time");
    let micros = EPOCH + world.now.as_micros();
    world.tell(4, Input::Clock { micros });
    chat(&mut world, 20);
    assert!((0..5).all(|node| world.state(node).counted().count == 30));
}

#[test]
fn a_node_that_starts_alone_with_a_clock_that_is_a_year_ahead_is_whole_when_its_clock_is_set() {
    let mut world = World::new(1);
    world.epoch_micros = EPOCH;
    for node in 0..5 {
        world.epoch_micros = if node == 4 { EPOCH + YEAR } else { EPOCH };
        world.add(Config { bootstrap: vec![address(usize::from(node == 0))], ..Config::default() });
    }
    world.part(4);
    world.run_for(MINUTE);
    let micros = EPOCH + world.now.as_micros();
    world.tell(4, Input::Clock { micros });
    world.heal();
    chat(&mut world, 0);
    world.run_for(5 * MINUTE);
    assert!((0..5).all(|node| world.state(node).counted().count == 10), "it takes in what is told, and is heard");
}

#[test]
fn a_node_that_is_alone_forgets_as_time_passes_and_little_by_a_clock_that_is_wrong_for_an_hour() {
    let mut world = World::new(1);
    world.epoch_micros = EPOCH;
    world.add(Config::default());
    let pass = |world: &mut World, time: Duration| {
        world.run_for(time);
        let now = world.now;
        world.nodes[0].as_mut().unwrap().retain_from(now)
    };
    // Ten days, an event an hour; seven days are kept.
    for number in 0..240 {
        world.tell(0, Input::Broadcast(event(number, "node0")));
        pass(&mut world, 60 * MINUTE);
    }
    let count = world.state(0).counted().count;
    assert!((166..=168).contains(&count), "{count}");
    let micros = EPOCH + YEAR + world.now.as_micros();
    world.tell(0, Input::Clock { micros });
    (0..60).for_each(|_| {
        pass(&mut world, MINUTE);
    });
    let micros = EPOCH + world.now.as_micros();
    world.tell(0, Input::Clock { micros });
    pass(&mut world, MINUTE);
    let left = world.state(0).counted().count;
    assert!(left + 4 >= count, "{left} of {count}");
    world.tell(0, Input::Broadcast(event(1_000, "node0")));
    pass(&mut world, MINUTE);
    assert_eq!(world.state(0).counted().count, left + 1);
}

#[test]
fn a_node_that_was_away_for_days_forgets_by_and_by_and_at_once_where_peers_tell_the_time() {
    for peers in [0, 3] {
        let mut world = World::new(1);
        world.epoch_micros = EPOCH;
        world.add(Config::default());
        for number in 0..48 {
            world.tell(0, Input::Broadcast(event(number, "node0")));
            world.run_for(60 * MINUTE);
        }
        // It is away for a week more than events are kept.
        world.epoch_micros = EPOCH + 14 * 24 * HOUR as u64;
        world.crash(0);
        world.restart(0, Config::default());
        for _ in 0..peers {
            world.add(Config { bootstrap: vec![address(0)], ..Config::default() });
        }
        let after = |world: &mut World, minutes| {
            world.run_for(minutes * MINUTE);
            let now = world.now;
            world.nodes[0].as_mut().unwrap().retain_from(now);
            world.state(0).counted().count
        };
        let soon = after(&mut world, 2);
        assert!(if peers == 0 { (45..48).contains(&soon) } else { soon == 0 }, "{soon} with {peers} peers");
        assert_eq!(after(&mut world, 24 * 60), 0);
    }
}
