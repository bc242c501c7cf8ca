//! How the mesh hears what nodes state about themselves, and how little of it strangers can make it hear.

use crate::world::{World, address, bundle, me};
use gossip::{
    BundleId, Config, Dialect, Direction, Hello, Input, InstanceId, Keypair, Me, Message, OriginId, Output, PeerId,
    Place, Places, Priority, Profile, Profiles, Rotation, Rotations, SecondKeypair, Spot, State, Time, Way, wire,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

fn pair(number: u32) -> Keypair {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    Keypair::from_seed(&seed)
}

fn profile(number: u32, from: u64) -> Arc<Profile> {
    let pair = pair(number).with_second(SecondKeypair::from_seed(&[9; 32]));
    Arc::new(Profile::declare("beauty", &pair, from).unwrap())
}

/// Profiles that differ in whose they are, and hold nowhere: that is for who hands them to the protocol to see.
fn profiles(number: u32) -> Vec<Arc<Profile>> {
    let one = profile(0, 5);
    let of = |n: u32| Arc::new(Profile { origin: pair(n).origin(), ..(*one).clone() });
    (1..=number).map(of).collect()
}

/// A node with one link, to a peer that may say anything.
struct Pair {
    node: State,
    now: Time,
}

const PEER: PeerId = PeerId(1);

impl Pair {
    fn new() -> Pair {
        Pair::at(None)
    }

    /// The same, of a node that says that it is there.
    fn at(location: Option<Spot>) -> Pair {
        let node =
            Me { key: Some(pair(0)), origin: pair(0).origin(), ..me(0, InstanceId(Uuid::from_u128(1)), Time::ZERO) };
        let node = State::new(Config { location, ..Config::default() }, node, ChaCha8Rng::seed_from_u64(1));
        let mut pair = Pair { node, now: Time::ZERO };
        let (direction, dialect) = (Direction::Inbound, Dialect::V2);
        pair.tell(Input::PeerUp { peer: PEER, direction, address: address(9), dialect, key: None });
        let (node_id, instance) = ("peer".to_owned(), InstanceId(Uuid::from_u128(2)));
        pair.hear(Message::Hello(Hello {
            mesh: Config::default().mesh,
            node_id,
            instance,
            port: 8091,
            digest: None,
            tls: false,
        }));
        pair.hear(Message::Neighbor(Priority::Join));
        assert_eq!(pair.node.peers(pair.now).count(), 1, "it is a link");
        pair
    }

    fn tell(&mut self, input: Input) -> Vec<Output> {
        self.node.handle(self.now, input);
        let outputs = self.node.drain().collect();
        self.node.check_invariants(self.now).unwrap();
        outputs
    }

    fn hear(&mut self, message: Message) -> Vec<Output> {
        self.tell(Input::Message { peer: PEER, message })
    }

    fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.tell(Input::Tick);
    }
}

#[test]
fn everybody_hears_once_that_an_origin_signs_twice_who_comes_later_included() {
    for seed in 0..3 {
        let mut world = World::chain(seed, 20);
        world.run_for(MINUTE);
        world.crash(7);
        world.restart(7, Config { bootstrap: vec![address(6)], ..Config::default() });
        world.tell(7, Input::Profiles(vec![profile(1, 5)]));
        world.run_for(MINUTE);
        world.add(Config { bootstrap: vec![address(3)], ..Config::default() });
        world.run_for(MINUTE);
        let heard: BTreeSet<_> = world.declared.iter().map(|(node, _)| *node).collect();
        assert_eq!(heard, (0..=20).filter(|node| *node != 7).collect(), "seed {seed}");
        assert_eq!(world.declared.len(), 20, "nobody twice: seed {seed}");
    }
}

#[test]
fn who_declares_is_asked_for_where_it_is_not_known_and_not_again_and_again() {
    let mut pair = Pair::new();
    let origin = self::pair(1).origin();
    let asks = |pair: &mut Pair| {
        let outputs = pair.tell(Input::Undeclared { peer: PEER, origin });
        let wanted = |output: &&Output| matches!(output, Output::Send { message: Message::WantProfiles(_), .. });
        outputs.iter().filter(wanted).count()
    };
    assert_eq!((0..100).map(|_| asks(&mut pair)).sum::<usize>(), 1);
    pair.wait(MINUTE);
    assert_eq!(asks(&mut pair), 1, "it may not have been heard");
    pair.hear(Message::Profiles(vec![profile(1, 5)]));
    pair.wait(MINUTE);
    assert_eq!(asks(&mut pair), 1, "whoever checks bundles may have forgotten what the protocol knows");
    // And whoever asks this node is answered, as far as it knows, and as fast as anybody has need of.
    let mut told = 0;
    for _ in 0..100 {
        for output in pair.hear(Message::WantProfiles(vec![origin; wire::MAX_WANTED_PROFILES])) {
            if let Output::Send { message: Message::Profiles(profiles), .. } = output {
                told += profiles.len();
            }
        }
    }
    assert_eq!(told, Profiles::MAX);
}

fn rotated(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::Rotated(_))).count()
}

#[test]
fn statements_without_end_are_neither_kept_nor_passed_on_and_those_of_who_is_heard_stay() {
    // A node that has spoken changes its key; then a link states changes of keys without end, dated as late as it may.
    let mut link = Pair::new();
    let (old, new) = (pair(1), pair(2));
    link.tell(Input::Rotations(vec![Rotation::state("beauty", &pair(9), &pair(0), 4)]));
    let spoken = bundle(BundleId { origin: old.origin(), seq: 1 });
    link.hear(Message::Bundle { way: Way { ttl: 9, hops: 1, like: None }, bundle: spoken });
    assert_eq!(rotated(&link.hear(Message::Rotations(vec![Rotation::state("beauty", &old, &new, 5)]))), 1);
    let one = Rotation::state("beauty", &old, &new, 86_000_000_000);
    let mut number = 10;
    // They need not hold: who hands them over has checked that.
    let mut strangers = |count: usize| {
        let mut next = || {
            number += 1;
            let mut key = [1; 32];
            key[..4].copy_from_slice(&u32::to_le_bytes(number));
            OriginId(key)
        };
        // Each is newer than those before it.
        let all = (0..count).map(|_| {
            let (old, new) = (next(), next());
            Rotation { old, new, at: one.at + u64::from(old.0[0]) + 256 * u64::from(old.0[1]), ..one.clone() }
        });
        Message::Rotations(all.collect())
    };
    let passed: usize = (0..30).map(|_| rotated(&link.hear(strangers(Rotations::MAX)))).sum();
    assert_eq!(passed, Rotations::MAX + Profiles::MAX + Places::MAX - 1, "what one link may bring at once");
    let kept = link.node.rotations();
    assert_eq!(kept.iter().count(), Rotations::MAX);
    assert_eq!(kept.newest(old.origin()), new.origin(), "of who is heard it stays");
    assert_eq!(kept.newest(pair(9).origin()), pair(0).origin(), "and so does how this node came to its key");
    // Ten minutes later it may bring a few more, and nothing that lies far ahead.
    link.wait(10 * MINUTE);
    let ahead = Rotation::state("beauty", &pair(3), &pair(4), u64::MAX / 2);
    assert_eq!(rotated(&link.hear(Message::Rotations(vec![ahead]))), 0, "it would be the newest for ever");
    let passed: usize = (0..20).map(|_| rotated(&link.hear(strangers(Rotations::MAX)))).sum();
    assert_eq!(passed, 60, "six a minute");
    // Profiles come out of the same budget.
    link.wait(MINUTE);
    let mut declared = 0;
    for some in profiles(100).chunks(Profile::MAX_IN_FRAME) {
        let outputs = link.hear(Message::Profiles(some.to_vec()));
        declared += outputs.iter().filter(|output| matches!(output, Output::Declared(_))).count();
    }
    assert_eq!(declared, 6);
}

#[test]
fn profiles_have_an_end_and_those_of_use_stay() {
    let own = pair(0).origin();
    let mut known = Profiles::default();
    let all = profiles(Profiles::MAX as u32 + 50);
    assert!(known.learn(Arc::clone(&all[0]), &own) && !known.learn(Arc::clone(&all[0]), &own));
    assert!(!known.learn(Arc::new(Profile { from: 0, ..(*all[0]).clone() }), &own), "the first one stays");
    known.learn(profile(0, 5), &own);
    let mut used = bundle(BundleId { origin: all[0].origin, seq: 9 });
    used.second = Some(all[0].second.clone());
    assert!(matches!(known.demand(&used), gossip::Second::By(_)));
    for profile in &all {
        known.learn(Arc::clone(profile), &own);
    }
    assert_eq!(known.iter().count(), Profiles::MAX);
    assert!(known.get(&own).is_some() && known.get(&all[0].origin).is_some() && known.get(&all[1].origin).is_none());
}

const BERLIN: (f64, f64) = (52.5, 13.4);
const QUITO: (f64, f64) = (-0.2, -78.5);

fn spot((latitude, longitude): (f64, f64)) -> Option<Spot> {
    Spot::near(latitude, longitude)
}

/// What was told of places.
fn places(outputs: &[Output]) -> Vec<Place> {
    let told = |output: &Output| match output {
        Output::Send { message: Message::Places(places), .. } => places.clone(),
        _ => Vec::new(),
    };
    outputs.iter().flat_map(told).collect()
}

#[test]
fn a_spot_is_told_to_a_tenth_of_a_degree_and_lies_on_earth() {
    let spot = Spot::near(52.5163, -13.3777).unwrap();
    assert_eq!((spot.latitude(), spot.longitude()), (52.5, -13.4));
    for nowhere in [(90.1, 0.0), (-91.0, 0.0), (0.0, 180.1), (0.0, -200.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
        assert_eq!(self::spot(nowhere), None, "{nowhere:?}");
    }
}

#[test]
fn a_place_holds_for_its_origin_its_mesh_and_its_spot() {
    let place = Place::state("beauty", &pair(1), 5, spot(BERLIN));
    assert!(place.holds("beauty") && !place.holds("ugly"));
    assert!(!Place { spot: spot(QUITO), ..place.clone() }.holds("beauty"));
    assert!(!Place { spot: None, ..place.clone() }.holds("beauty"));
    assert!(!Place { at: 6, ..place.clone() }.holds("beauty"));
    assert!(!Place { origin: pair(2).origin(), ..place }.holds("beauty"));
}

#[test]
fn everybody_hears_where_a_node_is_who_comes_later_included() {
    let mut world = World::chain(1, 10);
    world.run_for(MINUTE);
    world.crash(7);
    world.restart_as(
        7,
        Some(pair(1)),
        Config { bootstrap: vec![address(6)], location: spot(BERLIN), ..Config::default() },
    );
    world.run_for(MINUTE);
    let late = world.add(Config { bootstrap: vec![address(3)], ..Config::default() });
    world.run_for(MINUTE);
    for node in (0..10).chain([late]) {
        let known: Vec<_> = world.state(node).places().iter().map(|place| (place.origin, place.spot)).collect();
        assert_eq!(known, [(pair(1).origin(), spot(BERLIN))], "node {node}");
    }
}

#[test]
fn the_later_of_two_places_counts_and_goes_on_once() {
    let mut link = Pair::new();
    let (first, second) =
        (Place::state("beauty", &pair(1), 5, spot(BERLIN)), Place::state("beauty", &pair(1), 6, None));
    let known = |link: &Pair| link.node.places().iter().map(|place| place.spot).collect::<Vec<_>>();
    link.hear(Message::Places(vec![first.clone()]));
    assert_eq!(known(&link), [spot(BERLIN)]);
    link.hear(Message::Places(vec![second]));
    link.hear(Message::Places(vec![first]));
    assert_eq!(known(&link), [None], "it was taken back, and stays so");
    let ahead = Place::state("beauty", &pair(2), u64::MAX / 2, spot(QUITO));
    link.hear(Message::Places(vec![ahead]));
    assert_eq!(known(&link), [None], "it would be the newest for ever");
}

#[test]
fn what_an_earlier_run_has_said_is_corrected() {
    let said = |at| Place::state("beauty", &pair(0), at, spot(BERLIN));
    for now in [None, spot(QUITO)] {
        let mut link = Pair::at(now);
        let told = places(&link.hear(Message::Places(vec![said(70_000_000)])));
        let [correction] = told.as_slice() else { panic!("{told:?}") };
        assert!(correction.spot == now && correction.at > 70_000_000 && correction.holds("beauty"));
        assert_eq!(places(&link.hear(Message::Places(vec![said(60_000_000)]))), [], "it is corrected already");
        // A copy of this node that is elsewhere says so each time.
        assert_eq!(places(&link.hear(Message::Places(vec![said(correction.at + 1)]))), [], "the two would never end");
        let known: Vec<_> = link.node.places().iter().map(|place| place.spot).collect();
        assert_eq!(known, [spot(BERLIN)], "and here it is shown as everywhere else");
    }
    let mut link = Pair::at(spot(BERLIN));
    assert_eq!(places(&link.hear(Message::Places(vec![said(70_000_000)]))), [], "it is what it says itself");
}

#[test]
fn places_have_an_end_and_the_own_one_and_those_of_who_is_heard_stay() {
    let (own, heard) = (pair(0), pair(1).origin());
    let mut known = Places::default();
    let learn = |known: &mut Places, place| known.learn(place, &own.origin(), |origin| *origin == heard);
    assert!(learn(&mut known, Place::state("beauty", &own, 1, spot(BERLIN))));
    let one = Place::state("beauty", &pair(1), 1, spot(QUITO));
    assert!(learn(&mut known, one.clone()) && !learn(&mut known, one.clone()));
    for number in 0..2 * Places::MAX as u64 {
        let mut origin = [9; 32];
        origin[..8].copy_from_slice(&number.to_le_bytes());
        learn(&mut known, Place { origin: OriginId(origin), at: 2 + number, ..one.clone() });
    }
    assert_eq!(known.iter().count(), Places::MAX);
    let kept = |origin| known.iter().any(|place| place.origin == origin);
    assert!(kept(own.origin()) && kept(heard));
}
