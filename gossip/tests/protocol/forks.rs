//! An origin that signs two bundles under one number: all nodes end with both, and with the proof.

use crate::world::{World, address, bundle, event};
use gossip::{
    Answer, Ask, Bundle, BundleId, Config, Content, Dialect, Direction, Exchange, Fingerprint, Input, Message,
    OriginId, Output, PeerId, Priority, Proof, State, Time, Way,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
/// When these worlds begin to speak: there is a past.
const EPOCH: u64 = 1_700_000_000_000_000;
const CHEAT: OriginId = OriginId([99; 32]);

/// What an origin says under this number the n-th time.
fn variant(id: BundleId, n: u8) -> Bundle {
    let first = bundle(id);
    let number = u128::from(id.seq) << 16 | u128::from(n) << 8 | u128::from(id.origin.0[0]);
    let events = if n == 0 { Vec::new() } else { vec![event(number << 32, "twin")] };
    Bundle { events: first.events.iter().cloned().chain(events).collect(), ..first }
}

fn id(seq: u64) -> BundleId {
    BundleId { origin: CHEAT, seq }
}

/// All bundles that a node has.
fn contents(world: &World, node: usize) -> Vec<Content> {
    match world.stores[node].answer(&Ask::Contents { token: 0, from: 0, until: u64::MAX, limit: usize::MAX }) {
        Answer::Contents { contents, .. } => contents,
        other => unreachable!("{other:?}"),
    }
}

/// Against how many origins a node has a proof, in its memory and on its disk.
fn marks(world: &World, node: usize) -> [usize; 2] {
    [world.state(node).marks().count(), world.stores[node].held().marks.len()]
}

/// A script hands a node a bundle: from there it goes down the trees.
fn hand(world: &mut World, node: usize, bundle: Bundle) {
    let script = world.script(node);
    let way = Way { ttl: 9, hops: 1, like: None };
    world.tell(node, Input::Message { peer: script, message: Message::Bundle { way, bundle } });
}

/// Two nodes that are not connected, each with a store of its own.
fn two(seed: u64, stores: [&[Bundle]; 2]) -> World {
    let mut world = World::new(seed);
    world.epoch_micros = EPOCH;
    for (node, bundles) in stores.into_iter().enumerate() {
        world.add(Config::default());
        world.crash(node);
        for bundle in bundles {
            world.stores[node].keep(bundle.clone());
        }
    }
    world.restart(0, Config::default());
    world.restart(1, Config { bootstrap: vec![address(0)], ..Config::default() });
    world
}

/// Bundles of the last hours, here sparse and there dense, and of many numbers several contents.
fn variants() -> impl Strategy<Value = Vec<Bundle>> {
    let ago =
        prop_oneof![0..3 * 3_600_000_u64, 3_600_000..3_600_030_u64, (0..20_u64).prop_map(|n| 3_600_000 + n * 500),];
    let one = (0..4_u8, ago, 0..4_u8);
    let bundle = one.prop_map(|(origin, ago, n)| {
        variant(BundleId { origin: OriginId([origin; 32]), seq: EPOCH - 5_000_000 - ago * 1_000 }, n)
    });
    proptest::collection::vec(bundle, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_two_sets_of_contents_end_equal_and_each_travels_once(
        common in variants(), one in variants(), other in variants(), seed: u64,
    ) {
        let [a, b] = [[&common[..], &one].concat(), [&common[..], &other].concat()];
        let mut world = two(seed, [&a, &b]);
        let before = [0, 1].map(|node| contents(&world, node).into_iter().collect::<BTreeSet<_>>());
        world.run_for(Duration::from_secs(30));
        let all: BTreeSet<Content> = before[0].union(&before[1]).copied().collect();
        for node in 0..2 {
            prop_assert_eq!(&contents(&world, node).into_iter().collect::<BTreeSet<_>>(), &all);
            prop_assert_eq!(world.state(node).check_invariants(world.now), Ok(()));
        }
        prop_assert_eq!(world.made_up, before[0].symmetric_difference(&before[1]).count());
        // Whoever got a content of a number of which it had another has the proof; and then both have.
        let by_number = |all: &BTreeSet<Content>| {
            let mut seen = BTreeSet::new();
            all.iter().filter(|(id, _)| !seen.insert(*id)).map(|(id, _)| id.origin).collect::<BTreeSet<_>>()
        };
        let cheats = by_number(&all);
        for node in 0..2 {
            let marked: BTreeSet<OriginId> = world.state(node).marks().map(|mark| mark.id.origin).collect();
            let found: BTreeSet<OriginId> =
                cheats.iter().filter(|origin| before.iter().all(|set| by_number(set).contains(origin))).copied().collect();
            prop_assert!(marked.is_subset(&cheats));
            // Where both had both from the start nobody has seen the one after the other.
            prop_assert!(cheats.difference(&marked).all(|origin| found.contains(origin)));
        }
    }

    #[test]
    fn in_whatever_order_and_however_often_they_come_the_set_is_the_same(
        bundles in variants(), order in any::<prop::sample::Index>(), seed: u64,
    ) {
        let mut world = two(seed, [&[], &[]]);
        let mut turned = bundles.clone();
        let at = if bundles.is_empty() { 0 } else { order.index(bundles.len()) };
        turned.rotate_left(at);
        turned.extend_from_slice(&bundles[..at]);
        let script = [0, 1].map(|node| world.script(node));
        for (node, bundles) in [&bundles, &turned].into_iter().enumerate() {
            for bundle in bundles {
                let way = Way { ttl: 9, hops: 1, like: None };
                let message = Message::Bundle { way, bundle: bundle.clone() };
                world.tell(node, Input::Message { peer: script[node], message });
            }
        }
        let sum = |world: &World, node: usize| world.stores[node].held().slots;
        prop_assert_eq!(sum(&world, 0), sum(&world, 1));
        prop_assert_eq!(contents(&world, 0), contents(&world, 1));
    }
}

#[test]
fn twins_that_spread_from_two_ends_reach_all_and_all_have_the_proof_at_once() {
    for seed in 0..5 {
        let mut world = World::chain(seed, 16);
        world.epoch_micros = 0;
        world.run_for(2 * MINUTE);
        let number = id(world.now.as_micros());
        for (node, n) in [(0, 0), (15, 1), (7, 2)] {
            hand(&mut world, node, variant(number, n));
        }
        world.run_for(Duration::from_secs(2));
        assert!((0..16).all(|node| marks(&world, node) == [1, 1]), "seed {seed}");
        world.run_for(Duration::from_secs(13));
        for node in 0..16 {
            assert_eq!(contents(&world, node).len(), 3, "seed {seed}, node {node}");
            let said: BTreeSet<_> = world.delivered[node].iter().map(|event| event.id).collect();
            assert_eq!((said.len(), world.delivered[node].len()), (3, 3), "each event once: seed {seed}, node {node}");
        }
        assert_eq!(world.forked.len(), 16, "nobody has it twice");
    }
}

#[test]
fn an_origin_that_cheats_hundreds_of_times_is_proven_once() {
    let mut world = World::chain(1, 8);
    world.run_for(2 * MINUTE);
    let begin = world.now.as_micros();
    hand(&mut world, 0, variant(id(begin), 0));
    hand(&mut world, 4, variant(id(begin), 1));
    world.run_for(Duration::from_secs(1));
    let known = world.forked.len();
    assert_eq!(known, 8);
    let scripts = [0, 4].map(|node| (node, world.script(node)));
    for n in 1..600 {
        for (v, (node, script)) in (0..).zip(scripts) {
            let (way, bundle) = (Way { ttl: 9, hops: 1, like: None }, variant(id(begin + n), v));
            world.tell(node, Input::Message { peer: script, message: Message::Bundle { way, bundle } });
        }
    }
    world.run_for(Duration::from_secs(60));
    assert!((0..8).all(|node| contents(&world, node).len() == 1_200));
    assert_eq!(world.forked.len(), known);
}

#[test]
fn a_fork_across_a_partition_is_proven_within_seconds_of_its_end() {
    for seed in 0..5 {
        let mut world = World::chain(seed, 12);
        world.run_for(2 * MINUTE);
        world.part(6);
        world.run_for(MINUTE);
        let number = id(world.now.as_micros());
        hand(&mut world, 2, variant(number, 0));
        hand(&mut world, 9, variant(number, 1));
        world.run_for(5 * MINUTE);
        assert!((0..12).all(|node| marks(&world, node) == [0, 0] && contents(&world, node).len() == 1));
        world.heal();
        // Until a link between the halves stands. From then on it is a matter of seconds.
        while world.pieces() > 1 {
            world.run_for(Duration::from_millis(100));
        }
        world.run_for(Duration::from_secs(5));
        assert!((0..12).all(|node| marks(&world, node) == [1, 1]), "seed {seed}");
        world.run_for(MINUTE);
        assert!((0..12).all(|node| contents(&world, node).len() == 2), "seed {seed}");
    }
}

#[test]
fn a_mark_survives_a_restart_and_reaches_who_comes_when_the_bundles_are_gone() {
    let mut world = World::chain(1, 3);
    world.run_for(MINUTE);
    let number = id(world.now.as_micros());
    hand(&mut world, 0, variant(number, 0));
    hand(&mut world, 2, variant(number, 1));
    world.run_for(MINUTE);
    let before: Vec<_> = world.state(1).marks().copied().collect();
    world.crash(1);
    world.restart(1, Config { bootstrap: vec![address(0)], ..Config::default() });
    assert_eq!(world.state(1).marks().copied().collect::<Vec<_>>(), before);
    for node in 0..3 {
        world.stores[node].drop_before(u64::MAX);
        world.tell(node, Input::Dropped { before: number.seq + 20_000_000 });
    }
    let late = world.add(Config { bootstrap: vec![address(1)], ..Config::default() });
    world.run_for(MINUTE);
    assert!(contents(&world, late).is_empty());
    assert_eq!(marks(&world, late), [1, 1]);
    let mark = world.state(late).marks().next().unwrap();
    assert_eq!((mark.id, mark.hashes), (before[0].id, before[0].hashes));
}

#[test]
fn where_nobody_cheats_nothing_is_said_of_contents_or_proofs() {
    let bundles: Vec<Bundle> = (0..3_000).map(|n| bundle(id(EPOCH - 40_000_000_000 + n * 9_000_000))).collect();
    let mut world = two(1, [&bundles, &bundles[..2_000]]);
    let mut said = BTreeSet::new();
    for _ in 0..600 {
        world.run_for(Duration::from_millis(100));
        said.extend(world.kinds.iter().copied());
    }
    assert_eq!(contents(&world, 1).len(), 3_000);
    assert!(said.contains("missed") && !said.contains("contents") && !said.contains("forks"), "{said:?}");
}

/// One node, and a peer that may say anything.
struct Lied {
    now: Time,
    state: State,
    peer: PeerId,
    sent: Vec<Message>,
    proofs: Vec<Proof>,
}

impl Lied {
    fn new() -> Lied {
        let me = crate::world::me(0, gossip::InstanceId(Uuid::from_u128(7)), Time::ZERO);
        let state = State::new(Config::default(), me, ChaCha8Rng::seed_from_u64(1));
        let mut node = Lied { now: Time::ZERO, state, peer: PeerId(1), sent: Vec::new(), proofs: Vec::new() };
        let (direction, dialect) = (Direction::Inbound, Dialect::V2);
        node.tell(Input::PeerUp { peer: node.peer, direction, address: address(1), dialect, key: None });
        let hello = gossip::Hello {
            mesh: "beauty".to_owned(),
            node_id: "liar".to_owned(),
            instance: gossip::InstanceId(Uuid::from_u128(8)),
            port: 0,
            digest: None,
            tls: false,
        };
        node.hear(Message::Hello(hello));
        node.hear(Message::Neighbor(Priority::High));
        node
    }

    fn hear(&mut self, message: Message) {
        self.tell(Input::Message { peer: self.peer, message });
    }

    fn tell(&mut self, input: Input) {
        self.state.handle(self.now, input);
        for output in self.state.drain().collect::<Vec<_>>() {
            match output {
                Output::Send { message, .. } => self.sent.push(message),
                Output::Forked { proof, .. } => self.proofs.push(*proof),
                Output::Ask(Ask::Proof { token, .. }) => {
                    let proof = self.proofs.first().cloned().map(Box::new);
                    self.tell(Input::Answer(Answer::Proof { token, proof }));
                }
                _ => {}
            }
        }
        assert_eq!(self.state.check_invariants(self.now), Ok(()));
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.state.next_wakeup().filter(|at| *at < until) {
            self.now = at.max(self.now + Duration::from_micros(1));
            self.tell(Input::Tick);
        }
        self.now = until;
    }

    fn asked(&self) -> Vec<OriginId> {
        let asked = self.sent.iter().filter_map(|message| match message {
            Message::Prove(origins) => Some(origins.clone()),
            _ => None,
        });
        asked.flatten().collect()
    }
}

#[test]
fn nobody_is_marked_on_a_word_and_a_liar_is_asked_for_little() {
    let mut node = Lied::new();
    let origin = |n: u16| {
        let mut bytes = [1; 32];
        bytes[..2].copy_from_slice(&n.to_le_bytes());
        OriginId(bytes)
    };
    for page in 0..8 {
        node.hear(Message::Forked((0..1_024).map(|n| origin(page * 1_024 + n)).collect()));
    }
    assert_eq!(node.asked().len(), 4, "few at a time");
    // What was not asked for, halves that don't fit, and one bundle twice prove nothing.
    node.hear(Message::Evidence(variant(id(5), 0)));
    node.hear(Message::Evidence(variant(id(5), 1)));
    let asked = node.asked()[0];
    let of = |seq, n| variant(BundleId { origin: asked, seq }, n);
    for bundle in [of(5, 0), of(5, 0), of(6, 1), of(5, 1)] {
        node.hear(Message::Evidence(bundle));
    }
    assert_eq!(node.state.marks().count(), 0);
    // Who says nothing is asked for the next ones, slowly.
    node.pass(Duration::from_secs(60));
    assert!(node.asked().len() <= 4 * 21, "{} in a minute", node.asked().len());
    assert_eq!(node.asked().len(), node.asked().into_iter().collect::<BTreeSet<_>>().len(), "and never twice");
}

#[test]
fn a_proof_is_sent_once_on_a_link_however_often_it_is_asked_for() {
    let mut node = Lied::new();
    for n in 0..2 {
        let way = Way { ttl: 9, hops: 1, like: None };
        node.hear(Message::Bundle { way, bundle: variant(id(5), n) });
    }
    assert_eq!((node.state.marks().count(), node.proofs.len()), (1, 1));
    assert!(node.sent.contains(&Message::Forked(vec![CHEAT])));
    for _ in 0..100 {
        node.hear(Message::Prove(vec![CHEAT, OriginId([3; 32])]));
    }
    let evidence = node.sent.iter().filter(|message| matches!(message, Message::Evidence(_)));
    assert_eq!(evidence.count(), 2);
    // A third content under the number, and other numbers, prove nothing new.
    for (seq, n) in [(5, 2), (6, 0), (6, 1)] {
        let way = Way { ttl: 9, hops: 1, like: None };
        node.hear(Message::Bundle { way, bundle: variant(id(seq), n) });
    }
    assert_eq!(node.proofs.len(), 1);
}

#[test]
fn contents_that_were_not_asked_for_or_lie_elsewhere_end_a_session_at_most() {
    let mut node = Lied::new();
    let told = |from, until, contents| Message::Exchange(Exchange::Contents { from, until, contents });
    let one = variant(id(5), 0);
    for message in [told(0, 10, vec![(one.id, one.hash())]), told(10, 0, Vec::new()), told(0, u64::MAX, Vec::new())] {
        node.hear(message);
    }
    node.hear(Message::Exchange(Exchange::GetContents { from: 9, until: 3, sum: Fingerprint::default() }));
    node.pass(Duration::from_secs(10));
    let wanted = node.sent.iter().filter(|message| matches!(message, Message::Exchange(Exchange::Want { .. })));
    assert_eq!(wanted.count(), 0);
}
