//! A node that strangers talk to. After each input its invariants are checked.

use crate::samples::{hello, origin};
use gossip::{
    Address, Config, Dialect, Direction, Input, InstanceId, Me, MemoryStore, Message, Output, PeerId, State, Time,
    json, wire,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// More outputs than any one input may cause, and more wake-ups than may follow each other without time passing.
const MAX_OUTPUTS: usize = 20_000;
const MAX_WAKEUPS: usize = 10_000;

pub(crate) struct Node {
    pub(crate) now: Time,
    state: State,
    /// It answers at once: what peers say of bundles leads to questions, and from these on.
    store: MemoryStore,
    /// The connection on which each peer is, or was last. A driver numbers connections, and uses no number twice.
    connections: BTreeMap<u64, PeerId>,
}

pub(crate) fn address(number: u64) -> Address {
    Address::new(&format!("node{number}.example"), 8091).unwrap()
}

impl Node {
    /// A node with small bounds, that they are reached, whose wall clock shows `epoch_micros` at the start.
    pub(crate) fn new(epoch_micros: u64) -> Node {
        let config = Config {
            bootstrap: vec![address(0)],
            seen_events: 16,
            active_view: 3,
            active_max: 4,
            max_scripts: 4,
            ..Config::default()
        };
        let instance = InstanceId(Uuid::from_u128(1));
        let me = Me { node_id: "me".to_owned(), instance, origin: origin(255), key: None, port: 8091, epoch_micros };
        let state = State::new(config, me, ChaCha8Rng::seed_from_u64(1));
        Node { now: Time::ZERO, state, store: MemoryStore::new(1 << 14), connections: BTreeMap::new() }
    }

    /// One that two nodes and a script are connected to.
    pub(crate) fn with_peers(epoch_micros: u64) -> Node {
        let mut node = Node::new(epoch_micros);
        for peer in 1..=3 {
            let dialect = if peer == 3 { Dialect::Json } else { Dialect::V2 };
            node.up(peer, Direction::Inbound, dialect);
        }
        for peer in 1..=2 {
            node.frame(peer, Ok(Message::Hello(hello(100 + u128::from(peer)))));
        }
        node
    }

    pub(crate) fn up(&mut self, peer: u64, direction: Direction, dialect: Dialect) {
        self.down(peer);
        let id = PeerId(self.connections.values().map(|id| id.0 + 1).max().unwrap_or(1));
        self.connections.insert(peer, id);
        self.tell(Input::PeerUp { peer: id, direction, address: address(peer), dialect, key: None });
    }

    pub(crate) fn down(&mut self, peer: u64) {
        self.tell(Input::PeerDown { peer: self.connection(peer) });
    }

    /// A peer's connection. Of one that never had any: a number that no connection has.
    pub(crate) fn connection(&self, peer: u64) -> PeerId {
        self.connections.get(&peer).copied().unwrap_or(PeerId(u64::MAX))
    }

    /// A frame as it comes from a socket.
    pub(crate) fn frame(&mut self, peer: u64, decoded: Result<Message, json::DecodeError>) {
        let peer = self.connection(peer);
        self.tell(match decoded {
            Ok(message) => Input::Message { peer, message },
            Err(error) => Input::Refused { peer, reason: error.reason(), event: false },
        });
    }

    /// Tells it something, now; and all it wants to be woken for until then.
    pub(crate) fn tell(&mut self, input: Input) {
        self.state.handle(self.now, input);
        self.look();
        let mut wakeups = 0;
        while self.state.next_wakeup().is_some_and(|at| at <= self.now) {
            wakeups += 1;
            assert!(wakeups < MAX_WAKEUPS, "it never comes to rest");
            self.state.handle(self.now, Input::Tick);
            self.look();
        }
    }

    /// Time passes: at once, as after a machine's sleep.
    pub(crate) fn jump(&mut self, by: Duration) {
        self.now = self.now + by;
        self.tell(Input::Tick);
    }

    /// Time passes, and it is woken when it wants to be, up to so often.
    pub(crate) fn pass(&mut self, by: Duration, wakeups: usize) {
        let until = self.now + by;
        for _ in 0..wakeups {
            let Some(at) = self.state.next_wakeup().filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            self.tell(Input::Tick);
        }
        self.now = until;
        self.tell(Input::Tick);
    }

    fn look(&mut self) {
        let mut outputs = 0;
        loop {
            let drained: Vec<Output> = self.state.drain().collect();
            outputs += drained.len();
            assert!(outputs < MAX_OUTPUTS, "{outputs} outputs of one input");
            let inputs: Vec<Input> = drained.into_iter().filter_map(|output| self.carry_out(output)).collect();
            if inputs.is_empty() {
                break;
            }
            inputs.into_iter().for_each(|input| self.state.handle(self.now, input));
        }
        self.state.check_invariants(self.now).unwrap();
    }

    fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            // What it says is what the codecs can say, and they say no more than a frame holds.
            Output::Send { message, .. } => {
                assert!(wire::encode(&message).is_none_or(|frame| frame.len() <= json::MAX_FRAME));
                assert!(json::encode(&message).is_none_or(|text| text.len() <= json::MAX_FRAME));
                None
            }
            Output::Keep(bundle) => self.store.keep(bundle).map(|before| Input::Dropped { before }),
            Output::Ask(ask) => Some(Input::Answer(self.store.answer(&ask))),
            _ => None,
        }
    }
}
