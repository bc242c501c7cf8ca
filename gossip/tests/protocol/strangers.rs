//! What somebody can do who says whatever it likes.

use crate::world::{World, address, me};
use gossip::{
    Address, Because, Config, Dialect, Direction, Hello, Input, InstanceId, Message, OriginId, Output, PeerId,
    Priority, Probe, State, Time,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

fn hello(run: u128, port: u16) -> Message {
    let node_id = format!("stranger{run}");
    Message::Hello(Hello {
        mesh: "beauty".into(),
        node_id,
        instance: InstanceId(Uuid::from_u128(run)),
        port,
        digest: None,
        tls: false,
    })
}

fn say(world: &mut World, to: usize, peer: PeerId, message: Message) {
    world.tell(to, Input::Message { peer, message });
}

#[test]
fn strangers_that_dial_do_not_take_the_places_of_those_whom_this_node_dialled() {
    let mut world = World::new(1);
    let node = world.add(Config { bootstrap: vec![address(1), address(2)], ..Config::default() });
    world.add(Config::default());
    world.add(Config::default());
    world.run_for(MINUTE);
    assert_eq!(world.peers(node), ["node1", "node2"]);
    for (run, priority) in
        (1_000..1_100).zip([Priority::Join, Priority::High, Priority::Near, Priority::Low].iter().cycle())
    {
        let stranger = world.stranger(node);
        say(&mut world, node, stranger, hello(run, 9));
        say(&mut world, node, stranger, Message::Neighbor(*priority));
        let peers = world.peers(node);
        assert!(peers.len() <= 6 && peers.contains(&"node1".into()) && peers.contains(&"node2".into()), "{peers:?}");
    }
    assert!(world.peers(node).len() > 2, "others have a place, too");
}

#[test]
fn a_probe_from_the_far_future_hides_no_origin() {
    let mut world = World::new(1);
    let (node, origin) = (world.add(Config::default()), OriginId([42; 32]));
    let [liar, honest] = [1_000, 1_001].map(|run| {
        let stranger = world.stranger(node);
        say(&mut world, node, stranger, hello(run, 9));
        say(&mut world, node, stranger, Message::Neighbor(Priority::Join));
        stranger
    });
    let seq = world.epoch_micros + world.now.as_micros();
    let probe = |seq| Message::Probe(Probe { origin, seq, hops: 1 });
    say(&mut world, node, liar, probe(seq + 60_000_000));
    say(&mut world, node, liar, probe(u64::MAX));
    assert_eq!(world.state(node).parent_of(&origin), None);
    say(&mut world, node, honest, probe(seq + 20_000_000));
    assert_eq!(world.state(node).parent_of(&origin), Some(honest), "a clock may be some seconds ahead");
}

#[test]
fn whoever_is_refused_is_told_of_others() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        // Whom it has dialled keeps its place: there is none for a newcomer.
        let small = |bootstrap| Config { active_view: 2, active_max: 2, near_links: 0, bootstrap, ..Config::default() };
        let full = world.add(small(vec![address(1), address(2)]));
        for _ in 0..2 {
            world.add(Config::default());
        }
        world.run_for(MINUTE);
        assert_eq!(world.peers(full), ["node1", "node2"], "seed {seed}");
        let newcomer = world.add(Config { bootstrap: vec![address(full)], ..Config::default() });
        world.run_for(Duration::from_secs(10));
        assert_eq!(world.peers(newcomer), ["node1", "node2"], "seed {seed}");
        world.run_for(10 * MINUTE);
        assert_eq!(world.peers(full), ["node1", "node2"], "seed {seed}");
    }
}

#[test]
fn connections_that_are_no_links_are_few_and_end_soon() {
    let mut world = World::new(1);
    let node = world.add(Config::default());
    let silent: Vec<PeerId> = (0..40).map(|_| world.stranger(node)).collect();
    let full = |world: &World| world.closed.iter().filter(|(_, because)| *because == Because::Full).count();
    assert_eq!((silent.len(), full(&world)), (40, 8));
    world.run_for(Duration::from_secs(6));
    assert_eq!(world.closed.len(), 40, "who says nothing is not waited for");
    let idle = world.stranger(node);
    say(&mut world, node, idle, hello(1, 0));
    world.run_for(Duration::from_secs(6));
    assert_eq!(world.closed.len(), 41, "nor is who says hello and nothing else");
    assert_eq!(world.state(node).peers(world.now).count(), 0);
}

#[test]
fn a_walk_of_a_stranger_goes_nowhere() {
    let mut world = World::chain(1, 3);
    world.run_for(MINUTE);
    let dials = world.dials;
    let stranger = world.stranger(0);
    say(&mut world, 0, stranger, hello(1, 9));
    for port in 1..100 {
        let newcomer = Address::new("victim.example", port).unwrap();
        say(&mut world, 0, stranger, Message::ForwardJoin { newcomer: newcomer.clone(), ttl: 255 });
        say(&mut world, 0, stranger, Message::NeighborReply { accepted: true, dropped: Some(newcomer) });
    }
    world.run_for(Duration::from_secs(4));
    assert_eq!(world.dials, dials);
}

/// Who is there, what is said and what happens are drawn from few of each, so that they meet.
fn input() -> impl Strategy<Value = (u64, Input)> {
    let peer = || (0..12_u64).prop_map(PeerId);
    let place = || (0..60_u16).prop_map(|n| Address::new(&format!("node{n}.example"), 8091).unwrap());
    let direction = prop_oneof![Just(Direction::Inbound), Just(Direction::Outbound)];
    let dialect = prop_oneof![3 => Just(Dialect::V2), 1 => Just(Dialect::Json)];
    let priority = prop_oneof![Just(Priority::Join), Just(Priority::High), Just(Priority::Near), Just(Priority::Low)];
    let message = prop_oneof![
        4 => (0..12_u128, 0..3_u16).prop_map(|(run, port)| hello(run, port)),
        3 => priority.prop_map(Message::Neighbor),
        2 => (any::<bool>(), proptest::option::of(place()))
            .prop_map(|(accepted, dropped)| Message::NeighborReply { accepted, dropped }),
        1 => (place(), any::<u8>()).prop_map(|(newcomer, ttl)| Message::ForwardJoin { newcomer, ttl }),
        1 => proptest::option::of(place()).prop_map(|instead| Message::Disconnect { instead }),
        2 => proptest::collection::vec(place(), 0..32).prop_map(Message::Peers),
    ];
    let input = prop_oneof![
        3 => (peer(), direction, place(), dialect).prop_map(|(peer, direction, address, dialect)| Input::PeerUp {
            peer, direction, address, dialect, key: None
        }),
        1 => peer().prop_map(|peer| Input::PeerDown { peer }),
        1 => place().prop_map(|address| Input::DialFailed { address }),
        8 => (peer(), message).prop_map(|(peer, message)| Input::Message { peer, message }),
        1 => (peer(), 0..200_u64).prop_map(|(peer, ms)| Input::Rtt { peer, rtt: Duration::from_millis(ms) }),
        3 => Just(Input::Tick),
    ];
    (0..3_000_u64, input)
}

/// What a node does, and that it keeps its bounds meanwhile.
fn play(inputs: &[(u64, Input)]) -> Vec<Output> {
    let config = Config { bootstrap: vec![address(1), address(2)], ..Config::default() };
    let instance = InstanceId(Uuid::from_u128(6));
    let mut state = State::new(config, me(0, instance, Time::ZERO), ChaCha8Rng::seed_from_u64(1));
    let (mut now, mut done) = (Time::ZERO, Vec::new());
    for (ms, input) in inputs {
        now = now + Duration::from_millis(*ms);
        state.handle(now, input.clone());
        done.extend(state.drain());
        let links = state.peers(now).filter(|peer| peer.node_id.is_some()).count();
        assert!(links <= 6, "{links} links");
        assert!(state.known_addresses().count() <= 30 + 30 + 2 + 12);
    }
    done
}

proptest! {
    #[test]
    fn whatever_is_said_and_happens_views_keep_their_bounds_and_it_replays(
        inputs in proptest::collection::vec(input(), 0..300),
    ) {
        prop_assert_eq!(play(&inputs), play(&inputs));
    }
}
