//! Two nodes with one key: a data folder was copied, and both copies run.

use crate::world::address;
use gossip::{
    Because, Bundle, BundleId, Config, Dialect, Direction, Event, Hello, Input, InstanceId, Me, Message, OriginId,
    Output, PeerId, Signature, State, Time, Way,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use uuid::Uuid;

const OWN: OriginId = OriginId([7; 32]);
/// What the wall clock shows at the start, in microseconds.
const BEGUN: u64 = 1_795_358_943_000_000;
const START: Time = Time::ZERO;

fn state() -> State {
    let me = Me {
        node_id: "me".to_owned(),
        instance: instance(1),
        origin: OWN,
        key: None,
        port: 8_091,
        epoch_micros: BEGUN,
    };
    State::new(Config::default(), me, ChaCha8Rng::from_seed([0; 32]))
}

fn instance(number: u128) -> InstanceId {
    InstanceId(Uuid::from_u128(number))
}

/// A peer that has proven to hold this key says hello as this run of a node.
fn hello(state: &mut State, key: OriginId, run: u128) -> Vec<Because> {
    let (peer, dialect) = (PeerId(run as u64), Dialect::V2);
    let up = Input::PeerUp { peer, direction: Direction::Inbound, address: address(9), dialect, key: Some(key) };
    state.handle(START, up);
    let (node_id, mesh) = ("me".to_owned(), "beauty".to_owned());
    let hello = Hello { mesh, node_id, instance: instance(run), port: 0, tls: false, digest: None };
    state.handle(START, Input::Message { peer, message: Message::Hello(hello) });
    let because = |output| if let Output::Disconnect { because, .. } = output { Some(because) } else { None };
    state.drain().filter_map(because).collect()
}

/// A bundle of our own key, made so many microseconds after we began, comes from a peer.
fn hear_own_bundle(state: &mut State, now: Time, after: u64) {
    let peer = PeerId(50);
    let (direction, dialect, key) = (Direction::Inbound, Dialect::V2, Some(OriginId([8; 32])));
    state.handle(now, Input::PeerUp { peer, direction, address: address(8), dialect, key });
    let id = Uuid::from_u128(u128::from(after));
    let event = Event { id, node_id: "me".into(), json: format!(r#"{{"event_id":"{id}","node_id":"me"}}"#).into() };
    let id = BundleId { origin: OWN, seq: BEGUN + after };
    let bundle = Bundle { id, events: vec![event].into(), signature: Signature::NONE, second: None };
    let way = Way { ttl: 9, hops: 1, like: None };
    state.handle(now, Input::Message { peer, message: Message::Bundle { way, bundle } });
}

#[test]
fn a_node_with_our_key_is_turned_away_and_told_of() {
    let mut state = state();
    assert_eq!(hello(&mut state, OriginId([8; 32]), 2), []);
    assert!(!state.has_clone(START), "another key, another node");
    assert_eq!(hello(&mut state, OWN, 3), [Because::Clone]);
    assert!(state.has_clone(START) && state.has_clone(START + Duration::from_secs(599)));
    assert!(!state.has_clone(START + Duration::from_secs(600)), "it may have ended");
}

#[test]
fn a_node_that_dials_itself_is_no_copy() {
    let mut state = state();
    assert_eq!(hello(&mut state, OWN, 1), [Because::Myself]);
    assert!(!state.has_clone(START));
}

#[test]
fn a_copy_that_is_never_met_is_known_by_what_it_says() {
    let (mut state, later) = (state(), START + Duration::from_secs(300));
    hear_own_bundle(&mut state, START, 0);
    assert!(!state.has_clone(START), "what a node said before a crash comes back to it");
    hear_own_bundle(&mut state, later, 60_000_000);
    assert!(!state.has_clone(later), "also where its clock was ahead");
    hear_own_bundle(&mut state, later, 299_000_000);
    assert!(state.has_clone(later));
}
