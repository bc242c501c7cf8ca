//! A world of nodes in virtual time: connections that carry frames in order, each after a delay of its own, and through
//! the real codec. Deterministic by its seed.

use gossip::{
    Address, Config, Dialect, Direction, Event, Input, InstanceId, Me, Message, OriginId, Output, PeerId, State, Time,
    json, wire,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A node of the world, by its place.
pub(crate) type Node = usize;

enum Fact {
    Input(Node, Input),
    /// A frame on a connection that may have broken by the time it arrives.
    Frame {
        link: PeerId,
        to: Node,
        bytes: Vec<u8>,
    },
    Dial {
        from: Node,
        address: Address,
    },
}

/// Nodes, the connections between them, and what is on its way.
pub(crate) struct World {
    pub(crate) now: Time,
    rng: ChaCha8Rng,
    pub(crate) nodes: Vec<Option<State>>,
    pub(crate) delivered: Vec<Vec<Event>>,
    queue: BTreeMap<(Time, u64), Fact>,
    /// When each living node wants to be woken.
    wakeups: BTreeSet<(Time, Node)>,
    order: u64,
    /// Frames sent between nodes.
    pub(crate) frames: u64,
    /// Whether frames between nodes are lost.
    pub(crate) lose_frames: bool,
    /// Who is at each end: dialler, listener.
    links: BTreeMap<PeerId, (Node, Node)>,
    arrivals: BTreeMap<(PeerId, Node), Time>,
    pub(crate) closed: Vec<(Node, gossip::Because)>,
    /// What scripts were sent.
    heard: BTreeMap<PeerId, Vec<String>>,
}

/// The address at which a node listens.
pub(crate) fn address(node: Node) -> Address {
    Address::new(&format!("node{node}.example"), 8091).unwrap()
}

/// Who a node is, in a run that began at this moment.
pub(crate) fn me(node: Node, instance: InstanceId, now: Time) -> Me {
    let mut origin = [0; 32];
    origin[..8].copy_from_slice(&(node as u64).to_be_bytes());
    let origin = OriginId(origin);
    Me { node_id: format!("node{node}"), instance, origin, port: 8091, epoch_micros: now.as_micros() }
}

/// An event of a node.
pub(crate) fn event(number: u128, node_id: &str) -> Event {
    let id = Uuid::from_u128(number);
    let json = format!(r#"{{"event_id":"{id}","node_id":"{node_id}","timestamp":0,"beauty":0.5}}"#);
    Event { id, node_id: Arc::from(node_id), json: json.into() }
}

impl World {
    /// An empty world. Everything that is random follows from `seed`.
    pub(crate) fn new(seed: u64) -> World {
        World {
            now: Time::ZERO,
            rng: ChaCha8Rng::seed_from_u64(seed),
            nodes: Vec::new(),
            delivered: Vec::new(),
            queue: BTreeMap::new(),
            wakeups: BTreeSet::new(),
            order: 0,
            frames: 0,
            lose_frames: false,
            links: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            closed: Vec::new(),
            heard: BTreeMap::new(),
        }
    }

    /// A world of `n` nodes in which each knows the one before it.
    pub(crate) fn chain(seed: u64, n: usize) -> World {
        let mut world = World::new(seed);
        for node in 0..n {
            world.add(Config {
                bootstrap: (node > 0).then(|| address(node - 1)).into_iter().collect(),
                ..Config::default()
            });
        }
        world
    }

    pub(crate) fn add(&mut self, config: Config) -> Node {
        let node = self.nodes.len();
        self.nodes.push(None);
        self.delivered.push(Vec::new());
        self.start(node, config);
        node
    }

    /// Starts a node, or starts it again with nothing left of before.
    pub(crate) fn start(&mut self, node: Node, config: Config) {
        let instance = InstanceId(Uuid::from_u128(self.rng.random::<u128>()));
        let rng = ChaCha8Rng::from_rng(&mut self.rng);
        self.nodes[node] = Some(State::new(config, me(node, instance, self.now), rng));
        self.tell(node, Input::Tick);
    }

    /// Ends a node without a word.
    pub(crate) fn crash(&mut self, node: Node) {
        self.nodes[node] = None;
        self.wakeups.retain(|(_, other)| *other != node);
        for (link, (a, b)) in self.links.clone() {
            if a == node || b == node {
                self.unlink(link);
            }
        }
    }

    pub(crate) fn state(&self, node: Node) -> &State {
        self.nodes[node].as_ref().unwrap()
    }

    /// The names of a node's peers.
    pub(crate) fn peers(&self, node: Node) -> Vec<String> {
        let mut names: Vec<_> = self.state(node).peers(self.now).filter_map(|peer| peer.node_id).collect();
        names.sort();
        names
    }

    /// A connection to a script: it is whoever calls `say`. Returns the script's end.
    pub(crate) fn script(&mut self, node: Node) -> PeerId {
        self.order += 1;
        let peer = PeerId(1_000_000 + self.order);
        self.tell(
            node,
            Input::PeerUp { peer, direction: Direction::Inbound, address: address(999), dialect: Dialect::Json },
        );
        peer
    }

    pub(crate) fn say(&mut self, node: Node, peer: PeerId, text: &str) {
        self.hear(node, peer, json::decode(text));
    }

    fn hear(&mut self, node: Node, peer: PeerId, decoded: Result<Message, json::DecodeError>) {
        match decoded {
            Ok(message) => self.tell(node, Input::Message { peer, message }),
            Err(error) => self.tell(node, Input::Refused { peer, reason: error.reason(), event: false }),
        }
    }

    /// What a script was sent so far.
    pub(crate) fn heard_by(&self, script: PeerId) -> &[String] {
        self.heard.get(&script).map_or(&[], Vec::as_slice)
    }

    /// Tells a node a fact, now, and puts what it does on its way.
    pub(crate) fn tell(&mut self, node: Node, input: Input) {
        self.wakeups.retain(|(_, other)| *other != node);
        let Some(state) = self.nodes[node].as_mut() else { return };
        state.handle(self.now, input);
        self.wakeups.extend(state.next_wakeup().map(|at| (at, node)));
        let outputs: Vec<Output> = state.drain().collect();
        for output in outputs {
            match output {
                Output::Send { to, message } => to.into_iter().for_each(|link| self.send(node, link, &message)),
                Output::Connect { address } => self.later(Fact::Dial { from: node, address }),
                Output::Deliver { event, .. } => self.delivered[node].push(event),
                Output::Disconnect { peer, because } => {
                    self.closed.push((node, because));
                    // What was sent before it still arrives: the other side hears of the end after that.
                    if let Some((a, b)) = self.links.get(&peer).copied() {
                        let other = if a == node { b } else { a };
                        let at = self.arrival(peer, other);
                        self.push(at, Fact::Input(other, Input::PeerDown { peer }));
                    }
                }
            }
        }
    }

    /// Lets time pass until nothing more happens before `until`, timers included.
    pub(crate) fn run_until(&mut self, until: Time) {
        loop {
            let next = self.queue.first_key_value().map(|((at, _), _)| *at);
            let wakeup = self.wakeups.first().copied();
            match (next, wakeup) {
                (fact, Some((at, node))) if at <= until && fact.is_none_or(|fact| at < fact) => {
                    self.now = self.now.max(at);
                    self.tell(node, Input::Tick);
                }
                (Some(at), _) if at <= until => self.step(),
                _ => break,
            }
        }
        self.now = self.now.max(until);
    }

    pub(crate) fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    fn step(&mut self) {
        let Some(((at, _), fact)) = self.queue.pop_first() else { return };
        self.now = self.now.max(at);
        match fact {
            Fact::Input(node, input) => self.tell(node, input),
            Fact::Frame { link, to, bytes } => {
                if self.links.contains_key(&link) {
                    self.hear(to, link, wire::decode(&bytes));
                }
            }
            Fact::Dial { from, address } => self.connect(from, address),
        }
    }

    fn connect(&mut self, from: Node, to: Address) {
        let listener = (0..self.nodes.len()).find(|node| address(*node) == to && self.nodes[*node].is_some());
        let Some(listener) = listener else { return self.tell(from, Input::DialFailed { address: to }) };
        self.order += 1;
        let link = PeerId(self.order * 2);
        // One id for both ends: only a connection of a node to itself needs two.
        self.links.insert(link, (from, listener));
        if from == listener {
            let back = PeerId(link.0 + 1);
            self.links.insert(back, (from, from));
            self.tell(
                from,
                Input::PeerUp { peer: link, direction: Direction::Outbound, address: to, dialect: Dialect::V2 },
            );
            self.tell(
                from,
                Input::PeerUp {
                    peer: back,
                    direction: Direction::Inbound,
                    address: address(999),
                    dialect: Dialect::V2,
                },
            );
            return;
        }
        self.tell(
            listener,
            Input::PeerUp { peer: link, direction: Direction::Inbound, address: address(from), dialect: Dialect::V2 },
        );
        self.tell(
            from,
            Input::PeerUp { peer: link, direction: Direction::Outbound, address: to, dialect: Dialect::V2 },
        );
    }

    fn send(&mut self, from: Node, link: PeerId, message: &Message) {
        let Some((a, b)) = self.links.get(&link).copied() else {
            let text = json::encode(message).expect("scripts are told what the readable dialect can hold");
            return self.heard.entry(link).or_default().push(text);
        };
        let bytes = wire::encode(message).expect("nodes say to each other what the binary dialect can hold");
        assert!(bytes.len() <= json::MAX_FRAME);
        self.frames += 1;
        if self.lose_frames {
            return;
        }
        // On a connection of a node to itself, what goes in at one end comes out at the other.
        let link = if a == b { PeerId(link.0 ^ 1) } else { link };
        let to = if a == from { b } else { a };
        let at = self.arrival(link, to);
        self.push(at, Fact::Frame { link, to, bytes });
    }

    /// When what is sent now arrives: after 1 to 50 ms, and not before what was sent earlier.
    fn arrival(&mut self, link: PeerId, to: Node) -> Time {
        let at = self.now + Duration::from_micros(self.rng.random_range(1_000..50_000));
        let last = self.arrivals.entry((link, to)).or_default();
        *last = at.max(*last);
        *last
    }

    fn later(&mut self, fact: Fact) {
        let at = self.now + Duration::from_micros(self.rng.random_range(1_000..50_000));
        self.push(at, fact);
    }

    fn push(&mut self, at: Time, fact: Fact) {
        self.order += 1;
        self.queue.insert((at, self.order), fact);
    }

    fn unlink(&mut self, link: PeerId) {
        if let Some((a, b)) = self.links.remove(&link) {
            self.tell(a, Input::PeerDown { peer: link });
            self.tell(b, Input::PeerDown { peer: link });
        }
    }
}
