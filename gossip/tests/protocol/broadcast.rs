//! The seed protocol, sentence by sentence.

use crate::world::{address, event};
use gossip::{
    Address, Config, Dialect, Direction, Event, Input, InstanceId, Me, Message, OriginId, Output, PeerId, State, Time,
    json,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use uuid::Uuid;

fn me() -> Me {
    let (instance, origin) = (InstanceId(Uuid::from_u128(1)), OriginId([1; 32]));
    Me { node_id: "me".to_owned(), instance, origin, key: None, port: 8091, epoch_micros: 0 }
}

fn node(seed: u64, peers: u64) -> State {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let mut state = State::new(Config::default(), me(), rng);
    for peer in 1..=peers {
        up(&mut state, peer);
    }
    drop(state.drain().collect::<Vec<_>>());
    state
}

fn up(state: &mut State, peer: u64) {
    let address: Address = format!("ws://192.0.2.1:{peer}").parse().unwrap();
    state.handle(
        Time::ZERO,
        Input::PeerUp { peer: PeerId(peer), direction: Direction::Inbound, address, dialect: Dialect::Json, key: None },
    );
}

fn receive(state: &mut State, from: u64, ttl: u8, event: &Event) -> Vec<Output> {
    let message = Message::Event { ttl, event: event.clone() };
    state.handle(Time::ZERO, Input::Message { peer: PeerId(from), message });
    state.drain().collect()
}

/// To whom an event went, with which ttl.
fn sent(outputs: &[Output]) -> Vec<(Vec<u64>, u8)> {
    let sends = outputs.iter().filter_map(|output| match output {
        Output::Send { to, message: Message::Event { ttl, .. } } => Some((to.iter().map(|p| p.0).collect(), *ttl)),
        _ => None,
    });
    sends.collect()
}

fn delivered(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::Deliver { .. })).count()
}

#[test]
fn a_local_event_goes_to_three_random_peers_with_a_ttl_of_ten() {
    let mut chosen = BTreeSet::new();
    for seed in 0..50 {
        let mut state = node(seed, 10);
        state.handle(Time::ZERO, Input::Broadcast(event(1, "me")));
        let outputs: Vec<_> = state.drain().collect();
        let [(to, ttl)] = &sent(&outputs)[..] else { panic!("one send, seed {seed}: {outputs:?}") };
        assert_eq!((BTreeSet::from_iter(to).len(), *ttl), (3, 10));
        assert_eq!(delivered(&outputs), 0, "an own event is not delivered");
        chosen.extend(to.clone());
    }
    assert_eq!(chosen.len(), 10, "every peer is chosen at some time");
}

#[test]
fn with_fewer_than_three_peers_it_goes_to_all() {
    let mut state = node(0, 2);
    state.handle(Time::ZERO, Input::Broadcast(event(1, "me")));
    assert_eq!(sent(&state.drain().collect::<Vec<_>>())[0].0.len(), 2);
}

#[test]
fn a_new_event_is_delivered_and_forwarded_with_a_ttl_less_by_one_but_not_to_whom_it_came_from() {
    for seed in 0..20 {
        let mut state = node(seed, 4);
        let outputs = receive(&mut state, 2, 10, &event(1, "other"));
        assert_eq!(delivered(&outputs), 1);
        let [(to, 9)] = &sent(&outputs)[..] else { panic!("{outputs:?}") };
        assert_eq!(BTreeSet::from_iter(to.clone()), BTreeSet::from([1, 3, 4]));
    }
}

#[test]
fn it_is_forwarded_only_while_the_ttl_lasts() {
    for (ttl, forwarded) in [(2, 1), (1, 0), (0, 0)] {
        let mut state = node(0, 4);
        let outputs = receive(&mut state, 1, ttl, &event(1, "other"));
        assert_eq!((delivered(&outputs), sent(&outputs).len()), (1, forwarded), "ttl {ttl}");
    }
}

#[test]
fn a_known_event_is_counted_and_goes_no_further() {
    let mut state = node(0, 4);
    receive(&mut state, 1, 10, &event(1, "other"));
    for from in 1..=4 {
        assert!(receive(&mut state, from, 10, &event(1, "other")).is_empty());
    }
    let counters = state.counters();
    assert_eq!((counters.seen, counters.total, counters.duplicates, counters.propagated), (1, 5, 4, 3));
    let of_peers: Vec<_> = state.peers(Time::ZERO).map(|peer| (peer.peer.0, peer.learned, peer.duplicates)).collect();
    assert_eq!(of_peers, [(1, 1, 1), (2, 0, 1), (3, 0, 1), (4, 0, 1)]);
}

#[test]
fn an_own_event_that_comes_back_is_not_delivered_and_an_event_is_not_echoed_to_the_node_it_is_of() {
    let mut state = node(0, 3);
    state.handle(Time::ZERO, Input::Broadcast(event(1, "me")));
    drop(state.drain().collect::<Vec<_>>());
    assert!(receive(&mut state, 1, 10, &event(1, "me")).is_empty());
    let hello = format!(
        r#"{{"type":"mesh","subtype":"hello","mesh":"beauty","node_id":"other","instance":"{}","port":1,"digest":null}}"#,
        Uuid::from_u128(7)
    );
    let message = json::decode(&hello).unwrap();
    state.handle(Time::ZERO, Input::Message { peer: PeerId(3), message });
    drop(state.drain().collect::<Vec<_>>());
    let outputs = receive(&mut state, 1, 10, &event(2, "other"));
    assert_eq!(sent(&outputs), [(vec![2], 9)]);
}

#[test]
fn seen_events_are_bounded_and_two_texts_under_one_id_are_both_gossiped() {
    let rng = ChaCha8Rng::seed_from_u64(0);
    let config = Config { seen_events: 10, ..Config::default() };
    let mut state = State::new(config, me(), rng);
    up(&mut state, 1);
    for number in 0..100 {
        receive(&mut state, 1, 1, &event(number, "other"));
    }
    assert_eq!(delivered(&receive(&mut state, 1, 1, &event(99, "other"))), 0, "recent ones are remembered");
    assert_eq!(delivered(&receive(&mut state, 1, 1, &event(0, "other"))), 1, "the oldest are forgotten");
    let other_text = Event { json: r#"{"another":"text"}"#.into(), ..event(99, "other") };
    assert_eq!(delivered(&receive(&mut state, 1, 1, &other_text)), 1);
}

#[test]
fn a_script_without_a_handshake_is_a_peer_and_hears_nothing_but_events() {
    let mut state = node(0, 1);
    up(&mut state, 2);
    assert_eq!(state.drain().count(), 0, "who dials speaks first");
    let text = r#"{"type":"gossip","subtype":"beauty_event","ttl":10,"event":{"event_id":"018f4f0e-7a5b-7c1d-9e2f-0a1b2c3d4e5f",
        "node_id":"script","timestamp":1,"beauty":0.9,"source":"me"},"more":"is ignored"}"#;
    let message = json::decode(text).unwrap();
    state.handle(Time::ZERO, Input::Message { peer: PeerId(1), message });
    let outputs: Vec<_> = state.drain().collect();
    assert_eq!(delivered(&outputs), 1);
    assert_eq!(sent(&outputs), [(vec![2], 9)], "the other script hears it");
}

#[test]
fn refused_frames_are_counted_by_their_reason() {
    let mut state = node(0, 1);
    for (reason, event) in [("not_json", false), ("not_json", false), ("from_the_future", true)] {
        state.handle(Time::ZERO, Input::Refused { peer: PeerId(1), reason, event });
    }
    assert_eq!(state.counters().rejected.iter().collect::<Vec<_>>(), [(&"from_the_future", &1), (&"not_json", &2)]);
    assert_eq!(state.counters().total, 1, "only events are packets");
}

#[test]
fn a_log_of_inputs_replays_exactly() {
    let inputs = |seed: u64| {
        let mut log: Vec<(Time, Input)> = Vec::new();
        for n in 0..300_u64 {
            let at = Time::from_micros(n * 7_919);
            let peer = PeerId(n % 11);
            log.push((
                at,
                match (n.wrapping_mul(seed | 1)) % 7 {
                    0 => Input::PeerUp {
                        peer,
                        direction: Direction::Inbound,
                        address: address(n as usize),
                        dialect: Dialect::Json,
                        key: None,
                    },
                    1 => Input::PeerDown { peer },
                    2 => Input::Broadcast(event(u128::from(n), "me")),
                    3 => Input::DialFailed { address: address(0) },
                    4 => Input::Digest(gossip::Digest(format!("{n}").into())),
                    5 => Input::Tick,
                    _ => Input::Message {
                        peer,
                        message: Message::Event { ttl: 5, event: event(u128::from(n / 3), "other") },
                    },
                },
            ));
        }
        log
    };
    for seed in 0..20 {
        let run = |log: &[(Time, Input)]| {
            let rng = ChaCha8Rng::seed_from_u64(seed);
            let config = Config { bootstrap: vec![address(0)], ..Config::default() };
            let mut state = State::new(config, me(), rng);
            let mut trace = Vec::new();
            for (at, input) in log {
                state.handle(*at, input.clone());
                trace.extend(state.drain());
                trace.push(Output::Connect {
                    address: address(state.next_wakeup().map_or(0, |t| t.as_micros() as usize)),
                });
            }
            trace
        };
        let log = inputs(seed);
        assert_eq!(run(&log), run(&log.clone()), "seed {seed}");
    }
}
