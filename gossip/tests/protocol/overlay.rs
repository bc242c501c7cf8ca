//! HyParView: links are few, the same on both sides, and hold all nodes together; and near ones are preferred.

use crate::world::{World, address};
use gossip::Config;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A world of `n` nodes that all know the first alone.
fn star(seed: u64, n: usize, config: &Config) -> World {
    let mut world = World::new(seed);
    for node in 0..n {
        let bootstrap = (node > 0).then(|| address(0)).into_iter().collect();
        world.add(Config { bootstrap, ..config.clone() });
        world.run_for(Duration::from_millis(100));
    }
    world
}

/// Every link is one on both sides, and there are neither too many nor too few.
fn assert_sound(world: &World, least: usize, about: &str) {
    for node in (0..world.nodes.len()).filter(|node| world.nodes[*node].is_some()) {
        let links = world.links(node);
        assert!((least..=6).contains(&links.len()), "{about}: node {node} has {links:?}");
        assert!(links.iter().all(|other| world.links(*other).contains(&node)), "{about}: node {node}, {links:?}");
        assert_eq!(world.peers(node).len(), links.len(), "{about}: node {node} has one link for a pair");
    }
    assert_eq!(world.pieces(), 1, "{about}");
}

/// Two towns: near within, far between.
fn towns(a: usize, b: usize) -> u64 {
    if a % 2 == b % 2 { 3 } else { 60 }
}

#[test]
fn nodes_that_all_know_one_address_come_to_few_links_each_the_same_on_both_sides() {
    for seed in 0..5 {
        let mut world = star(seed, 40, &Config { near_links: 0, ..Config::default() });
        world.run_for(3 * MINUTE);
        assert_sound(&world, 4, &format!("seed {seed}"));
        let mean = (0..40).map(|node| world.links(node).len()).sum::<usize>() as f64 / 40.0;
        assert!((5.0..=6.0).contains(&mean), "seed {seed}: {mean}");
    }
}

#[test]
fn three_that_start_at_once_know_each_other_within_seconds() {
    for seed in 0..100 {
        let mut world = World::chain(seed, 3);
        world.run_for(Duration::from_secs(5));
        let links: usize = (0..3).map(|node| world.peers(node).len()).sum();
        assert_eq!(links, 6, "seed {seed}");
    }
}

#[test]
fn a_small_mesh_is_complete() {
    for n in 2..=6 {
        for seed in 0..5 {
            let mut world = star(seed, n, &Config::default());
            world.run_for(MINUTE);
            assert!((0..n).all(|node| world.links(node).len() == n - 1), "{n} nodes, seed {seed}");
        }
    }
}

#[test]
fn a_newcomer_gets_its_links_and_nobody_is_left_without() {
    for seed in 0..5 {
        let mut world = star(seed, 30, &Config::default());
        world.run_for(3 * MINUTE);
        let newcomer = world.add(Config { bootstrap: vec![address(0)], ..Config::default() });
        world.run_for(Duration::from_secs(5));
        assert!(world.links(newcomer).len() >= 3, "seed {seed}: {:?}", world.links(newcomer));
        world.run_for(MINUTE);
        assert_sound(&world, 4, &format!("seed {seed}"));
    }
}

#[test]
fn near_nodes_are_preferred_swaps_keep_degrees_and_come_to_an_end() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.distance = Some(towns);
        for node in 0..40 {
            let bootstrap = (node > 0).then(|| address(0)).into_iter().collect();
            world.add(Config { bootstrap, ..Config::default() });
        }
        world.run_for(5 * MINUTE);
        assert_sound(&world, 4, &format!("seed {seed}"));
        let all =
            |world: &World| (0..40).flat_map(|a| world.links(a).into_iter().map(move |b| (a, b))).collect::<Vec<_>>();
        let links = all(&world);
        let near = links.iter().filter(|(a, b)| towns(*a, *b) < 60).count();
        assert!((4.5..=6.0).contains(&(links.len() as f64 / 40.0)), "seed {seed}: {}", links.len());
        assert!(near * 100 >= links.len() * 65, "seed {seed}: {near} of {}", links.len());
        world.run_for(10 * MINUTE);
        let kept = all(&world).into_iter().filter(|link| links.contains(link)).count();
        assert!(kept * 100 >= links.len() * 90, "seed {seed}: {kept} of {}", links.len());
    }
}

#[test]
fn what_is_left_after_a_crash_of_most_is_one_piece_within_seconds() {
    for seed in 0..5 {
        let mut world = star(seed, 60, &Config::default());
        world.run_for(3 * MINUTE);
        for node in (0..60).filter(|node| node % 5 != 2) {
            world.crash(node);
        }
        world.run_for(Duration::from_secs(10));
        assert_eq!(world.pieces(), 1, "seed {seed}");
        world.run_for(2 * MINUTE);
        assert_sound(&world, 4, &format!("seed {seed}"));
    }
}

#[test]
fn two_halves_find_each_other_again_within_seconds_however_long_they_were_apart() {
    for seed in 0..3 {
        let mut world = star(seed, 40, &Config::default());
        world.run_for(2 * MINUTE);
        world.part(20);
        world.run_for(60 * MINUTE);
        assert_eq!(world.pieces(), 2, "seed {seed}");
        world.heal();
        world.run_for(Duration::from_secs(5));
        assert_eq!(world.pieces(), 1, "seed {seed}");
        let across = (0..20).flat_map(|node| world.links(node)).filter(|other| *other >= 20).count();
        world.run_for(2 * MINUTE);
        let later = (0..20).flat_map(|node| world.links(node)).filter(|other| *other >= 20).count();
        assert!(across >= 2 && later >= across, "seed {seed}: {across} links across, {later} later");
        assert_sound(&world, 4, &format!("seed {seed}"));
    }
}

#[test]
fn two_nodes_that_were_apart_find_each_other_again() {
    for seed in 0..10 {
        let mut world = World::chain(seed, 2);
        world.run_for(MINUTE);
        world.part(1);
        world.run_for(30 * MINUTE);
        world.heal();
        world.run_for(Duration::from_secs(31));
        assert_eq!((world.peers(0).len(), world.peers(1).len()), (1, 1), "seed {seed}");
    }
}

#[test]
fn a_node_that_kept_its_addresses_comes_back_without_a_bootstrap_address() {
    for seed in 0..5 {
        let mut world = star(seed, 10, &Config::default());
        world.run_for(MINUTE);
        let known: Vec<_> = world.state(5).known_addresses().cloned().collect();
        assert!((3..=30).contains(&known.len()), "seed {seed}: {known:?}");
        world.crash(5);
        world.run_for(MINUTE);
        world.start(5, Config { known, ..Config::default() });
        world.run_for(Duration::from_secs(5));
        assert!(world.links(5).len() >= 3, "seed {seed}: {:?}", world.links(5));
    }
}

#[test]
fn the_same_seed_gives_the_same_overlay() {
    let play = || {
        let mut world = star(7, 30, &Config::default());
        world.run_for(2 * MINUTE);
        world.crash(3);
        world.run_for(MINUTE);
        let links: Vec<_> = (0..30).filter(|node| *node != 3).map(|node| world.links(node)).collect();
        (world.frames, world.dials, links)
    };
    assert_eq!(play(), play());
}
