//! Who is connected to whom, and how what was missed is made up for.

use crate::world::{World, address, event};
use gossip::{Because, Config, Digest, Input};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn nodes_that_know_each_other_keep_one_connection_for_a_pair() {
    for seed in 0..50 {
        let mut world = World::new(seed);
        let all: Vec<_> = (0..3).map(address).collect();
        for node in 0..3 {
            let others = all.iter().filter(|other| **other != address(node)).cloned().collect();
            world.add(Config { bootstrap: others, ..Config::default() });
        }
        world.run_for(MINUTE);
        for (node, others) in [(0, ["node1", "node2"]), (1, ["node0", "node2"]), (2, ["node0", "node1"])] {
            assert_eq!(world.peers(node), others, "seed {seed}");
        }
        let in_order = |because: &Because| matches!(because, Because::SecondConnection | Because::Passing);
        assert!(world.closed.iter().all(|(_, because)| in_order(because)), "seed {seed}: {:?}", world.closed);
        let closed = world.closed.len();
        world.run_for(10 * MINUTE);
        assert_eq!(world.closed.len(), closed, "once settled, nobody dials again: seed {seed}");
    }
}

#[test]
fn a_node_that_dials_itself_finds_out_and_never_does_so_again() {
    let mut world = World::new(1);
    world.add(Config { bootstrap: vec![address(0)], ..Config::default() });
    world.run_for(10 * MINUTE);
    assert_eq!(world.state(0).peers(world.now).count(), 0);
    assert!(world.closed.len() <= 2, "both ends of one connection: {:?}", world.closed);
}

#[test]
fn peers_are_learned_from_peers_and_dialled_up_to_a_bound() {
    for seed in 0..10 {
        let mut world = World::chain(seed, 20);
        world.run_for(5 * MINUTE);
        for node in 0..20 {
            let peers = world.peers(node).len();
            assert!((4..=6).contains(&peers), "seed {seed}: node {node} has {peers} peers");
        }
    }
}

#[test]
fn a_node_of_another_mesh_is_not_spoken_with() {
    let mut world = World::new(1);
    world.add(Config::default());
    world.add(Config { mesh: "other".to_owned(), bootstrap: vec![address(0)], ..Config::default() });
    world.run_for(MINUTE);
    assert!(world.peers(0).is_empty() && world.peers(1).is_empty());
    assert!(world.closed.iter().all(|(_, because)| *because == Because::OtherMesh) && !world.closed.is_empty());
}

#[test]
fn more_scripts_than_allowed_are_turned_away() {
    let mut world = World::new(1);
    let full = world.add(Config { max_scripts: 3, ..Config::default() });
    for _ in 0..5 {
        world.script(full);
    }
    assert_eq!(world.state(full).peers(world.now).count(), 3);
    assert_eq!(world.closed, [(full, Because::Full), (full, Because::Full)]);
}

#[test]
fn a_bootstrap_peer_is_dialled_for_ever_first_within_a_second_and_never_more_than_thirty_apart() {
    let mut world = World::new(3);
    let node = world.add(Config { bootstrap: vec![address(1)], ..Config::default() });
    // Nobody is there for an hour.
    world.run_for(Duration::from_secs(3_600));
    let next = world.state(node).next_wakeup().expect("still dialling");
    assert!(next.since(world.now) <= Duration::from_secs(30));
    // Then somebody is.
    world.add(Config::default());
    world.run_for(Duration::from_secs(31));
    assert_eq!(world.peers(node), ["node1"]);
    // A connection that breaks is back within a second or so.
    world.crash(1);
    world.start(1, Config::default());
    world.run_for(Duration::from_millis(1_200));
    assert_eq!(world.peers(node), ["node1"]);
}

#[test]
fn a_node_that_was_away_gets_what_it_missed_from_whoever_it_meets() {
    for seed in 0..20 {
        let mut world = World::chain(seed, 3);
        world.run_for(MINUTE);
        world.crash(2);
        for number in 0..500 {
            world.tell(0, Input::Broadcast(event(number, "node0")));
        }
        world.tell(0, Input::Digest(Digest("five hundred".into())));
        world.run_for(MINUTE);
        world.delivered[2].clear();
        world.start(2, Config { bootstrap: vec![address(1)], ..Config::default() });
        world.run_for(MINUTE);
        assert_eq!(world.delivered[2].len(), 500, "seed {seed}");
        assert_eq!(world.delivered[1].len(), 500, "seed {seed}");
    }
}

#[test]
fn events_from_before_anybody_was_connected_reach_all() {
    for seed in 0..20 {
        let mut world = World::chain(seed, 3);
        for node in 0..3 {
            world.tell(node, Input::Broadcast(event(node as u128, &format!("node{node}"))));
            world.tell(node, Input::Digest(Digest(format!("own event of {node}").into())));
        }
        world.run_for(MINUTE);
        assert!((0..3).all(|node| world.delivered[node].len() == 2), "seed {seed}");
    }
}

#[test]
fn nodes_know_which_peers_hold_the_same() {
    let mut world = World::chain(1, 2);
    world.run_for(MINUTE);
    let in_sync =
        |world: &World, node: usize| world.state(node).peers(world.now).map(|peer| peer.in_sync).collect::<Vec<_>>();
    assert_eq!(in_sync(&world, 0), [None], "nobody has told a digest");
    for node in 0..2 {
        world.tell(node, Input::Digest(Digest("one".into())));
    }
    world.run_for(Duration::from_secs(2));
    assert_eq!((in_sync(&world, 0), in_sync(&world, 1)), (vec![Some(true)], vec![Some(true)]));
    world.tell(1, Input::Digest(Digest("two".into())));
    world.run_for(Duration::from_secs(2));
    assert_eq!(in_sync(&world, 0), [Some(false)], "the other has moved on");
    world.run_for(Duration::from_secs(10));
    assert_eq!(in_sync(&world, 1), [Some(false)], "a moment behind is forgiven, ten seconds are not");
    world.tell(0, Input::Digest(Digest("two".into())));
    world.run_for(Duration::from_secs(2));
    assert_eq!((in_sync(&world, 0), in_sync(&world, 1)), (vec![Some(true)], vec![Some(true)]));
}

#[test]
fn a_digest_that_goes_on_changing_is_told_every_two_seconds_and_once_it_stands() {
    let mut world = World::chain(1, 2);
    world.run_for(MINUTE);
    let before = world.digests;
    for n in 0..100 {
        world.tell(0, Input::Digest(Digest(format!("{n}").into())));
        world.run_for(Duration::from_millis(100));
    }
    let told = world.digests - before;
    assert!((4..=6).contains(&told), "told {told} times in ten seconds");
    world.tell(1, Input::Digest(Digest("99".into())));
    world.run_for(Duration::from_secs(1));
    assert!(world.state(1).peers(world.now).all(|peer| peer.in_sync == Some(true)));
}

#[test]
fn a_life_ends_with_nothing_left() {
    let mut world = World::chain(1, 5);
    world.run_for(MINUTE);
    for node in 1..5 {
        world.crash(node);
    }
    assert_eq!(world.state(0).peers(world.now).count(), 0);
    world.run_for(10 * MINUTE);
    let dials = world.dials;
    world.run_for(10 * MINUTE);
    // They may be on the other side of a partition: one is dialled now and then, and each by its own backoff.
    assert!((1..=10 * 8).contains(&(world.dials - dials)), "{} dials in ten minutes", world.dials - dials);
}

#[test]
fn whoever_fills_the_places_of_those_who_dial_us_takes_none_from_those_whom_we_dial() {
    let mut world = World::new(1);
    let node = world.add(Config { max_scripts: 5, bootstrap: vec![address(1)], ..Config::default() });
    for _ in 0..20 {
        world.script(node);
    }
    world.add(Config::default());
    world.run_for(MINUTE);
    assert_eq!(world.peers(node), ["node1"]);
}

#[test]
fn addresses_of_strangers_are_not_dialled() {
    let mut world = World::new(1);
    let node = world.add(Config { bootstrap: vec![address(1)], ..Config::default() });
    let stranger = world.script(node);
    let lies =
        gossip::Message::Peers((1..=32).map(|port| gossip::Address::new("lies.example", port).unwrap()).collect());
    for _ in 0..120 {
        world.say(node, stranger, &gossip::json::encode(&lies).unwrap());
        world.run_for(Duration::from_secs(1));
    }
    world.add(Config::default());
    world.run_for(Duration::from_secs(31));
    assert_eq!(world.peers(node), ["node1"]);
}
