//! A world of nodes in virtual time: connections that carry frames in order, each after a delay of its own, and through
//! the real codec. Deterministic by its seed.

use gossip::{
    Address, Bundle, BundleId, Config, Dialect, Direction, Event, Exchange, Input, InstanceId, Keypair, Mark, Me,
    MemoryStore, Message, OriginId, Output, PeerId, Rotation, Signature, State, Time, json, wire,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What a node's disk holds, in bytes.
const STORE: usize = 64 << 20;

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
    /// What each node has kept: its disk.
    pub(crate) stores: Vec<MemoryStore>,
    /// Bundles that were sent to who lacked them.
    pub(crate) made_up: usize,
    queue: BTreeMap<(Time, u64), Fact>,
    /// When each living node wants to be woken.
    wakeups: BTreeSet<(Time, Node)>,
    order: u64,
    /// Frames sent between nodes, and their bytes.
    pub(crate) frames: u64,
    pub(crate) frame_bytes: u64,
    /// What the clocks of nodes that start show at the world's begin, in microseconds.
    pub(crate) epoch_micros: u64,
    /// What was said of reconciliation and of cheats.
    pub(crate) kinds: BTreeSet<&'static str>,
    /// Digests told, among these.
    pub(crate) digests: u64,
    /// Dials of nodes.
    pub(crate) dials: u64,
    /// Whether frames between nodes are lost.
    pub(crate) lose_frames: bool,
    /// Who is at each end: dialler, listener.
    links: BTreeMap<PeerId, (Node, Node)>,
    arrivals: BTreeMap<(PeerId, Node), Time>,
    /// One way from node to node, in milliseconds. Default: from 1 to 50, drawn for each frame.
    pub(crate) distance: Option<fn(Node, Node) -> u64>,
    /// Nodes from this place on hear nothing of those before it.
    parted_at: Option<Node>,
    pub(crate) closed: Vec<(Node, gossip::Because)>,
    /// What scripts were sent.
    heard: BTreeMap<PeerId, Vec<String>>,
    /// Changes of keys, and who has heard of them.
    pub(crate) rotated: Vec<(Node, Rotation)>,
    /// Who has heard that an origin signs twice.
    pub(crate) declared: Vec<(Node, OriginId)>,
    /// Proofs of cheats, and who has got them.
    pub(crate) forked: Vec<(Node, Mark)>,
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
    Me { node_id: format!("node{node}"), instance, origin, key: None, port: 8091, epoch_micros: now.as_micros() }
}

/// A bundle with this id.
pub(crate) fn bundle(id: BundleId) -> Bundle {
    let number = u128::from(id.origin.0[0]) << 64 | u128::from(id.seq);
    Bundle { id, events: vec![event(number, "past")].into(), signature: Signature::NONE, second: None }
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
            stores: Vec::new(),
            made_up: 0,
            queue: BTreeMap::new(),
            wakeups: BTreeSet::new(),
            order: 0,
            frames: 0,
            frame_bytes: 0,
            epoch_micros: 0,
            kinds: BTreeSet::new(),
            digests: 0,
            dials: 0,
            lose_frames: false,
            links: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            distance: None,
            parted_at: None,
            closed: Vec::new(),
            heard: BTreeMap::new(),
            rotated: Vec::new(),
            declared: Vec::new(),
            forked: Vec::new(),
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
        self.stores.push(MemoryStore::new(STORE));
        self.start(node, config);
        node
    }

    /// Starts a node, or starts it again with nothing left of before.
    pub(crate) fn start(&mut self, node: Node, config: Config) {
        self.stores[node] = MemoryStore::new(STORE);
        self.restart(node, config);
    }

    /// Starts a node again with what it had kept.
    pub(crate) fn restart(&mut self, node: Node, config: Config) {
        self.restart_as(node, None, config);
    }

    /// The same, with a key of its own.
    pub(crate) fn restart_as(&mut self, node: Node, key: Option<Keypair>, config: Config) {
        let instance = InstanceId(Uuid::from_u128(self.rng.random::<u128>()));
        let rng = ChaCha8Rng::from_rng(&mut self.rng);
        let me = me(node, instance, self.now);
        let origin = key.as_ref().map_or(me.origin, Keypair::origin);
        let me = Me { epoch_micros: self.epoch_micros, origin, key, ..me };
        self.nodes[node] = Some(State::new(config, me, rng));
        self.tell(node, Input::Held(self.stores[node].held()));
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

    /// Nodes from this place on and those before it are apart from now on.
    pub(crate) fn part(&mut self, at: Node) {
        self.parted_at = Some(at);
        for (link, (a, b)) in self.links.clone() {
            if self.parted(a, b) {
                self.unlink(link);
            }
        }
    }

    pub(crate) fn heal(&mut self) {
        self.parted_at = None;
    }

    fn parted(&self, a: Node, b: Node) -> bool {
        self.parted_at.is_some_and(|at| (a < at) != (b < at))
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

    /// The nodes at the other ends of a node's links.
    pub(crate) fn links(&self, node: Node) -> BTreeSet<Node> {
        let names = self.peers(node).into_iter();
        names.filter_map(|name| name.strip_prefix("node")?.parse().ok()).collect()
    }

    /// Into how many pieces the living nodes fall.
    pub(crate) fn pieces(&self) -> usize {
        let mut left: BTreeSet<Node> = (0..self.nodes.len()).filter(|node| self.nodes[*node].is_some()).collect();
        let mut pieces = 0;
        while let Some(first) = left.pop_first() {
            pieces += 1;
            let mut next = vec![first];
            while let Some(node) = next.pop() {
                next.extend(self.links(node).into_iter().filter(|other| left.remove(other)));
            }
        }
        pieces
    }

    /// A connection to somebody who may say anything in the dialect of nodes: whoever calls `tell`.
    pub(crate) fn stranger(&mut self, node: Node) -> PeerId {
        self.order += 1;
        let peer = PeerId(1_000_000 + self.order);
        let address = Address::new(&format!("stranger{}.example", self.order), 40_000).unwrap();
        self.tell(
            node,
            Input::PeerUp { peer, direction: Direction::Inbound, address, dialect: Dialect::V2, key: None },
        );
        peer
    }

    /// A connection to a script: it is whoever calls `say`. Returns the script's end.
    pub(crate) fn script(&mut self, node: Node) -> PeerId {
        self.order += 1;
        let peer = PeerId(1_000_000 + self.order);
        self.tell(
            node,
            Input::PeerUp {
                peer,
                direction: Direction::Inbound,
                address: address(999),
                dialect: Dialect::Json,
                key: None,
            },
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
                Output::Connect { address } => {
                    self.dials += 1;
                    self.later(Fact::Dial { from: node, address });
                }
                Output::Deliver { event, .. } => self.delivered[node].push(event),
                Output::Keep(bundle) => {
                    if let Some(before) = self.stores[node].keep(bundle) {
                        self.tell(node, Input::Dropped { before });
                    }
                }
                Output::Ask(ask) => self.tell(node, Input::Answer(self.stores[node].answer(&ask))),
                Output::Banned(_) => {}
                Output::Rotated(rotation) => self.rotated.push((node, rotation)),
                Output::Declared(profile) => self.declared.push((node, profile.origin)),
                Output::Forked { proof, mark } => {
                    self.forked.push((node, mark));
                    self.stores[node].prove(*proof, mark);
                }
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
        let listener = listener.filter(|listener| !self.parted(from, *listener));
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
                Input::PeerUp {
                    peer: link,
                    direction: Direction::Outbound,
                    address: to,
                    dialect: Dialect::V2,
                    key: None,
                },
            );
            self.tell(
                from,
                Input::PeerUp {
                    peer: back,
                    direction: Direction::Inbound,
                    address: address(999),
                    dialect: Dialect::V2,
                    key: None,
                },
            );
            return;
        }
        self.tell(
            listener,
            Input::PeerUp {
                peer: link,
                direction: Direction::Inbound,
                address: address(from),
                dialect: Dialect::V2,
                key: None,
            },
        );
        self.tell(
            from,
            Input::PeerUp { peer: link, direction: Direction::Outbound, address: to, dialect: Dialect::V2, key: None },
        );
    }

    fn send(&mut self, from: Node, link: PeerId, message: &Message) {
        let Some((a, b)) = self.links.get(&link).copied() else {
            // As the driver does: what the readable dialect has no words for is not said to a script.
            return self.heard.entry(link).or_default().extend(json::encode(message));
        };
        let bytes = wire::encode(message).expect("nodes say to each other what the binary dialect can hold");
        assert!(bytes.len() <= json::MAX_FRAME);
        self.frames += 1;
        self.frame_bytes += bytes.len() as u64;
        self.digests += u64::from(matches!(message, Message::Digest(_)));
        match message {
            Message::Exchange(Exchange::Missed { bundles, .. }) => {
                self.made_up += bundles.len();
                self.kinds.insert("missed");
            }
            Message::Exchange(Exchange::GetContents { .. } | Exchange::Contents { .. }) => {
                self.kinds.insert("contents");
            }
            Message::Forked(_) | Message::Prove(_) | Message::Evidence(_) => {
                self.kinds.insert("forks");
            }
            _ => {}
        }
        if self.lose_frames {
            return;
        }
        // On a connection of a node to itself, what goes in at one end comes out at the other.
        let link = if a == b { PeerId(link.0 ^ 1) } else { link };
        let to = if a == from { b } else { a };
        let at = self.arrival(link, to);
        self.push(at, Fact::Frame { link, to, bytes });
    }

    /// When what is sent now arrives, and not before what was sent earlier.
    fn arrival(&mut self, link: PeerId, to: Node) -> Time {
        let ends = self.links.get(&link).copied();
        // As real ones, a way is long or short, and a fifth longer now and then.
        let way = ends.map_or(0, |(a, b)| (a.min(b) * 31 + a.max(b) * 17) as u64 % 40);
        let drawn = Duration::from_micros((1_000 + 1_000 * way) * self.rng.random_range(100..120) / 100);
        let given = self.distance.zip(ends).map(|(distance, (a, b))| Duration::from_millis(distance(a, b)));
        let at = self.now + given.unwrap_or(drawn);
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
