//! Bundles and source-rooted trees: everything arrives, almost nothing twice.

use crate::world::{World, event};
use gossip::{Bundle, BundleId, Config, Digest, Input, Keypair, Message, Signature, Way, bundle_bytes, json};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// What a round of broadcasts cost, all nodes together.
struct Round {
    learned: u64,
    duplicates: u64,
}

/// Each of these nodes tells one event, and all is left to settle.
fn round(world: &mut World, number: &mut u128, senders: impl Iterator<Item = usize>) -> Round {
    let sum = |world: &World, read: fn(&gossip::Counters) -> u64| -> u64 {
        world.nodes.iter().flatten().map(|state| read(state.counters())).sum()
    };
    let before = (sum(world, |c| c.learned), sum(world, |c| c.duplicates));
    for node in senders {
        *number += 1;
        world.tell(node, Input::Broadcast(event(*number, &format!("node{node}"))));
    }
    world.run_for(Duration::from_secs(3));
    Round { learned: sum(world, |c| c.learned) - before.0, duplicates: sum(world, |c| c.duplicates) - before.1 }
}

#[test]
fn where_every_node_sends_everything_arrives_and_once_the_trees_stand_almost_nothing_twice() {
    for seed in 0..3 {
        let (mut world, mut number) = (World::chain(seed, 30), 0);
        world.run_for(2 * MINUTE);
        for n in 0..8 {
            let cost = round(&mut world, &mut number, 0..30);
            assert_eq!(cost.learned, 30 * 29, "seed {seed}, round {n}");
            assert!(n == 0 || cost.duplicates * 100 <= cost.learned, "seed {seed}, round {n}: {}", cost.duplicates);
        }
    }
}

#[test]
fn a_new_sender_takes_the_way_of_one_that_is_known() {
    for seed in 0..5 {
        let (mut world, mut number) = (World::chain(seed, 30), 0);
        world.run_for(2 * MINUTE);
        for _ in 0..6 {
            round(&mut world, &mut number, 0..10);
        }
        let fresh = round(&mut world, &mut number, 10..30);
        assert_eq!(fresh.learned, 20 * 29, "seed {seed}");
        assert!(fresh.duplicates * 4 <= fresh.learned, "seed {seed}: {} of {} twice", fresh.duplicates, fresh.learned);
    }
}

#[test]
fn the_first_of_all_senders_finds_a_tree() {
    for seed in 0..5 {
        let (mut world, mut number) = (World::chain(seed, 30), 0);
        world.run_for(2 * MINUTE);
        let first = round(&mut world, &mut number, std::iter::once(17));
        assert_eq!(first.learned, 29, "seed {seed}");
        assert!(first.duplicates * 4 <= first.learned, "seed {seed}: {} of {} twice", first.duplicates, first.learned);
    }
}

#[test]
fn trees_mend_themselves_when_nodes_crash() {
    for seed in 0..5 {
        let (mut world, mut number) = (World::chain(seed, 30), 0);
        world.run_for(2 * MINUTE);
        for _ in 0..3 {
            round(&mut world, &mut number, 0..30);
        }
        for node in (1..30).step_by(3) {
            world.crash(node);
        }
        world.run_for(Duration::from_millis(10));
        let living = (0..30).filter(|node| node % 3 != 1);
        for n in 0..5 {
            let cost = round(&mut world, &mut number, living.clone());
            assert_eq!(cost.learned, 20 * 19, "seed {seed}, round {n}");
            assert!(n < 3 || cost.duplicates * 10 <= cost.learned, "seed {seed}, round {n}: {}", cost.duplicates);
        }
    }
}

#[test]
fn a_node_that_joins_hears_of_everything_from_then_on() {
    for seed in 0..5 {
        let (mut world, mut number) = (World::chain(seed, 15), 0);
        world.run_for(2 * MINUTE);
        for _ in 0..3 {
            round(&mut world, &mut number, 0..15);
        }
        let joined = world.add(Config { bootstrap: vec![crate::world::address(3)], ..Config::default() });
        world.run_for(MINUTE);
        assert_eq!(world.delivered[joined].len(), 45, "what came before, seed {seed}");
        round(&mut world, &mut number, 0..15);
        assert_eq!(world.delivered[joined].len(), 60, "and what comes, seed {seed}");
        let own = round(&mut world, &mut number, std::iter::once(joined));
        assert_eq!(own.learned, 15, "seed {seed}");
    }
}

#[test]
fn scripts_and_nodes_are_one_mesh() {
    let mut world = World::chain(1, 5);
    world.run_for(MINUTE);
    let (speaker, listener) = (world.script(0), world.script(4));
    let event = event(1, "script");
    let frame = json::encode(&Message::Event { ttl: 10, event: event.clone() }).unwrap();
    world.say(0, speaker, &frame);
    world.run_for(Duration::from_secs(2));
    for node in 0..5 {
        assert_eq!(world.delivered[node], std::slice::from_ref(&event), "node {node}, by its bundle");
    }
    let [heard] = world.heard_by(listener) else { panic!("once: {:?}", world.heard_by(listener)) };
    let Ok(Message::Event { ttl, event: same }) = json::decode(heard) else { panic!("{heard}") };
    assert_eq!(same, event, "the other script, the text that was told");
    assert!((1..10).contains(&ttl), "with a hop less for each that it made: {ttl}");
    assert!(world.heard_by(speaker).is_empty(), "and nobody is told what he said");
}

/// A bundle as a script makes it, of one event.
fn signed(key: &Keypair, seq: u64, ttl: u8) -> (Bundle, String) {
    let id = BundleId { origin: key.origin(), seq };
    let mut bundle =
        Bundle { id, events: vec![event(seq.into(), "script")].into(), signature: Signature::NONE, second: None };
    bundle.signature = key.sign(&bundle_bytes("beauty", &bundle));
    let message = Message::Bundle { way: Way { ttl, hops: 1, like: None }, bundle: bundle.clone() };
    (bundle, json::encode(&message).unwrap())
}

#[test]
fn an_event_that_a_script_has_signed_keeps_its_signature_on_its_way() {
    let mut world = World::chain(1, 5);
    world.run_for(MINUTE);
    let (speaker, neighbour, listener) = (world.script(0), world.script(0), world.script(4));
    let key = Keypair::from_seed(&[3; 32]);
    let mut sent = Vec::new();
    for (n, ttl) in [(1, 10), (2, 1), (3, 0)] {
        let (bundle, frame) = signed(&key, world.now.as_micros() + n, ttl);
        world.say(0, speaker, &frame);
        world.say(0, speaker, &frame);
        world.run_for(Duration::from_secs(2));
        sent.push(bundle);
    }
    for node in 0..5 {
        assert_eq!(world.delivered[node].len(), 3, "node {node}");
        assert!(sent.iter().all(|bundle| world.stores[node].bundles().any(|kept| kept == bundle)), "under its own key");
    }
    let heard = |script| -> Vec<Bundle> {
        let read = |text: &String| match json::decode(text) {
            Ok(Message::Bundle { bundle, .. }) => bundle,
            other => panic!("{other:?}"),
        };
        world.heard_by(script).iter().map(read).collect()
    };
    assert_eq!(heard(listener), sent, "who is elsewhere can check it");
    assert_eq!(heard(neighbour), sent[..1], "among scripts it goes as far as its ttl says");
}

#[test]
fn what_a_busy_origin_says_travels_together() {
    let mut world = World::chain(1, 5);
    world.run_for(MINUTE);
    let frames = world.frames;
    for number in 0..256 {
        world.tell(0, Input::Broadcast(event(number, "node0")));
    }
    world.run_for(Duration::from_secs(2));
    assert!((1..5).all(|node| world.delivered[node].len() == 256));
    assert!(world.frames - frames < 100, "{} frames for 1,024 deliveries", world.frames - frames);
}

#[test]
fn what_is_told_while_a_connection_is_being_made_arrives() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.add(Config::default());
        world.add(Config { bootstrap: vec![crate::world::address(0)], ..Config::default() });
        for node in 0..2 {
            world.tell(node, Input::Digest(Digest("the same".into())));
        }
        // Told at every moment of the handshake, by both; the digest follows the event, as the node's driver has it.
        for step in 0..60_u128 {
            let node = (step % 2) as usize;
            world.tell(node, Input::Broadcast(event(step, &format!("node{node}"))));
            world.tell(node, Input::Digest(Digest(format!("{node}, {step}").into())));
            world.run_for(Duration::from_millis(5));
        }
        world.run_for(Duration::from_secs(5));
        for node in 0..2 {
            assert_eq!(world.delivered[node].len(), 30, "seed {seed}, node {node}");
        }
    }
}

#[test]
fn what_a_script_says_reaches_every_node_whatever_its_ttl() {
    for ttl in [0, 1, 2, 10] {
        let mut world = World::chain(1, 5);
        world.run_for(MINUTE);
        let script = world.script(0);
        let frame = json::encode(&Message::Event { ttl, event: event(1, "script") }).unwrap();
        world.say(0, script, &frame);
        world.run_for(Duration::from_secs(2));
        assert!((0..5).all(|node| world.delivered[node].len() == 1), "ttl {ttl}");
    }
}

#[test]
fn who_stays_apart_is_told_of_the_past_again() {
    let mut world = World::chain(1, 2);
    world.run_for(MINUTE);
    // A bundle that is lost on the way, as with a connection that breaks under it.
    world.lose_frames = true;
    world.tell(0, Input::Broadcast(event(1, "node0")));
    world.tell(0, Input::Digest(Digest("one".into())));
    world.run_for(Duration::from_secs(1));
    world.lose_frames = false;
    assert!(world.delivered[1].is_empty());
    for n in 0..100 {
        world.tell(1, Input::Digest(Digest(format!("without it, {n}").into())));
        world.run_for(Duration::from_secs(1));
    }
    assert_eq!(world.delivered[1].len(), 1);
}
