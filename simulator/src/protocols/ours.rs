//! The protocol of this checkout: `gossip::State`, driven as `server` drives it, through its real codecs.
//!
//! Nodes that speak the readable dialect with each other play the seed protocol; in the binary dialect, the one with
//! trees. As in `server`, each connection is pinged when it stands and every 20 seconds, and the round trip told to the
//! state; and what the application holds is told as a digest whenever it has changed.

use super::disk::{Common, Disk, hash};
use super::hosts::{Hosts, PORT};
use super::pings::Pings;
use super::watch::Watch;
use crate::bits::Bits;
use crate::past::Past;
use crate::protocol::{
    BroadcastId, ConnId, Effect, Fact, Frame, Moment, NodeId, Payload, Protocol, Seat, SimNode, node_name,
};
use gossip::{
    Bundle, BundleId, Config, Dialect, Digest, Direction, Event, Fingerprint, Input, InstanceId, Me, Message, OriginId,
    Output, PeerId, Planted, Signature, State, Time, json, wire,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use uuid::Uuid;

/// What wall clocks show when the world begins, in microseconds: a moment of 2023. None is older than a clock is off.
const EPOCH_MICROS: i64 = 1_700_000_000_000_000;

/// `gossip` with its defaults.
#[derive(Clone, Copy, Debug)]
pub struct Ours {
    name: &'static str,
    about: &'static str,
    dialect: Dialect,
    /// Other than by default.
    near_links: Option<usize>,
    shared_tree: bool,
    adaptive_fanout: bool,
    watched: bool,
    planted: Planted,
    hosts: Hosts,
    /// Whether the second node has the first one's key: a copy of its data folder.
    copied: bool,
}

impl Ours {
    /// The seed protocol: all nodes speak JSON, as scripts do.
    pub fn seed() -> Ours {
        let about = "this checkout, nodes speaking JSON: the seed protocol, fanout 3, ttl 10";
        Ours {
            name: "seed",
            about,
            dialect: Dialect::Json,
            near_links: None,
            shared_tree: false,
            adaptive_fanout: true,
            watched: false,
            planted: Planted::default(),
            hosts: Hosts::default(),
            copied: false,
        }
    }

    /// Source-rooted trees: all nodes speak the binary dialect.
    pub fn trees() -> Ours {
        let about = "this checkout, nodes speaking v2: a tree for each origin";
        Ours {
            name: "trees",
            about,
            dialect: Dialect::V2,
            near_links: None,
            shared_tree: false,
            adaptive_fanout: true,
            watched: false,
            planted: Planted::default(),
            hosts: Hosts::default(),
            copied: false,
        }
    }

    /// Source-rooted trees, with somebody who looks over each node's shoulder.
    pub fn watched() -> Ours {
        Ours { watched: true, ..Ours::trees() }
    }

    /// The same, where nodes are at other addresses.
    pub fn at(self, hosts: Hosts) -> Ours {
        Ours { hosts, ..self }
    }

    /// The same, where the second node has the first one's key.
    pub fn with_a_copy(self) -> Ours {
        Ours { copied: true, ..self }
    }

    /// The same, with a fault in every node.
    pub fn with_fault(planted: Planted) -> Ours {
        Ours { planted, ..Ours::watched() }
    }

    /// The same trees, where all nodes pass on alike, however much each can send.
    pub fn fixed() -> Ours {
        let about = "the same trees with adaptive_fanout off: weak nodes pass on as much as strong ones";
        Ours { name: "fixed", about, adaptive_fanout: false, ..Ours::trees() }
    }

    /// Source-rooted trees over an overlay whose links are all random.
    pub fn random_links() -> Ours {
        let about = "the same trees over random links: nobody looks for near nodes";
        Ours {
            name: "random",
            about,
            dialect: Dialect::V2,
            near_links: Some(0),
            shared_tree: false,
            adaptive_fanout: true,
            watched: false,
            planted: Planted::default(),
            hosts: Hosts::default(),
            copied: false,
        }
    }

    /// Plumtree: the same, but one tree for all origins.
    pub fn plumtree() -> Ours {
        let about = "this checkout, nodes speaking v2, with shared_tree on: one tree, as in Plumtree";
        Ours {
            name: "plumtree",
            about,
            dialect: Dialect::V2,
            near_links: None,
            shared_tree: true,
            adaptive_fanout: true,
            watched: false,
            planted: Planted::default(),
            hosts: Hosts::default(),
            copied: false,
        }
    }
}

impl Protocol for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn takes_overlay(&self) -> bool {
        true
    }

    fn takes_past(&self) -> bool {
        self.dialect == Dialect::V2
    }

    fn common(&self, past: Option<&Past>) -> Rc<dyn Any> {
        Rc::new(Common::new(past, |at, payloads| {
            let name: Arc<str> = payloads.first().map_or_else(String::new, |payload| node_name(payload.origin)).into();
            let event = |payload: &Payload| Event { node_id: Arc::clone(&name), ..event(payload) };
            let origin = payloads.first().map_or(NodeId(0), |payload| payload.origin);
            let id = BundleId { origin: origin_id(origin), seq: EPOCH_MICROS.saturating_add(at).unsigned_abs() };
            Bundle { id, events: payloads.iter().map(event).collect(), signature: Signature::NONE, second: None }
        }))
    }

    fn start(&self, mut seat: Seat) -> Box<dyn SimNode> {
        let disk = seat.disk.and_then(|disk| disk.downcast_ref::<Disk>().cloned());
        let known = disk.as_ref().map_or_else(Vec::new, |disk| disk.known.clone());
        let defaults = Config { known, ..Config::default() };
        let bootstrap = seat.contacts.iter().filter_map(|peer| self.hosts.address(*peer)).collect();
        let (shared_tree, adaptive_fanout) = (self.shared_tree, self.adaptive_fanout);
        let defaults = Config { shared_tree, adaptive_fanout, planted: self.planted, ..defaults };
        let config = if seat.overlay_given {
            // Room for every contact and for whoever dials, and nobody else to look for.
            let [active_view, active_max] = [seat.contacts.len(), 4_096];
            Config { bootstrap, active_view, active_max, near_links: 0, passive_view: 0, join_walk: [0, 0], ..defaults }
        } else {
            Config { bootstrap, near_links: self.near_links.unwrap_or(defaults.near_links), ..defaults }
        };
        let me = Me {
            node_id: node_name(seat.node),
            instance: InstanceId(Uuid::from_u128(seat.rng.random())),
            origin: if self.copied && seat.node == NodeId(1) { origin_id(NodeId(0)) } else { origin_id(seat.node) },
            // Thousands of nodes in one process: what signatures cost is measured elsewhere.
            key: None,
            port: PORT,
            epoch_micros: EPOCH_MICROS.saturating_add(seat.skew).unsigned_abs(),
        };
        let common = seat.common.downcast::<Common>().unwrap_or_default();
        let store = disk.unwrap_or_else(|| Disk::new(Rc::clone(&common), seat.has_past));
        let (held, digest) = store.past_events();
        Box::new(Node {
            dialect: self.dialect,
            hosts: self.hosts,
            state: State::new(config, me, ChaCha8Rng::from_rng(&mut seat.rng)),
            peers: BTreeMap::new(),
            pings: Pings::default(),
            held,
            digest,
            kept: seat.kept,
            watch: self.watched.then(Watch::default),
            store,
            common,
        })
    }
}

struct Node {
    dialect: Dialect,
    hosts: Hosts,
    state: State,
    peers: BTreeMap<PeerId, NodeId>,
    pings: Pings,
    /// What the application holds, and the exclusive or of its hashes: the digest.
    held: Bits,
    digest: u128,
    /// What was on the disk, until the start.
    kept: Vec<Payload>,
    /// Bundles, behind the door. Its disk.
    store: Disk,
    common: Rc<Common>,
    watch: Option<Watch>,
}

/// Whose bundles a node's own are.
fn origin_id(node: NodeId) -> OriginId {
    OriginId(*blake3::hash(&node.0.to_le_bytes()).as_bytes())
}

fn event(payload: &Payload) -> Event {
    Event {
        id: Uuid::from_u128(payload.id.0.into()),
        node_id: node_name(payload.origin).into(),
        json: Arc::clone(&payload.text),
    }
}

impl SimNode for Node {
    fn handle(&mut self, now: Moment, fact: Fact<'_>, effects: &mut Vec<Effect>) {
        let now = now.clock;
        let before = self.digest;
        match fact {
            Fact::Started => {
                self.tell(now, Input::Held(self.store.held()));
                self.remember(now);
            }
            Fact::Up { conn, peer, dialled } => self.on_up(now, conn, peer, dialled),
            Fact::Down { conn } => {
                self.forget(conn);
                self.tell(now, Input::PeerDown { peer: PeerId(conn.0) });
            }
            Fact::DialFailed { peer } => {
                if let Some(address) = self.hosts.address(peer) {
                    self.tell(now, Input::DialFailed { address });
                }
            }
            Fact::Frame { conn, bytes } => self.on_frame(now, conn, bytes, effects),
            Fact::Broadcast(payload) => {
                self.hold(payload.id);
                self.tell(now, Input::Broadcast(event(payload)));
            }
            Fact::Drained { bytes, took } => self.tell(now, Input::Drained { bytes, took }),
            Fact::Wake => self.tell(now, Input::Tick),
        }
        self.drain(now, effects);
        if self.digest != before {
            self.tell(now, Input::Digest(Digest(format!("{:032x}", self.digest).into())));
            self.drain(now, effects);
        }
        self.pings.send_due(now, effects);
    }

    fn next_wakeup(&self) -> Option<Time> {
        [self.state.next_wakeup(), self.pings.next_wakeup()].into_iter().flatten().min()
    }

    fn neighbours(&self) -> Vec<NodeId> {
        let linked = self.state.peer_ids().filter_map(|peer| self.peers.get(&peer));
        linked.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn disk(&self) -> Option<Rc<dyn Any>> {
        let known = self.state.known_addresses().cloned().collect();
        Some(Rc::new(self.store.clone().with_known(known)))
    }

    fn cheats(&self) -> usize {
        self.state.marks().count()
    }

    fn holds(&self) -> Fingerprint {
        self.store.sum()
    }

    fn check(&self, now: Time) -> Result<(), String> {
        self.watch.as_ref().and_then(Watch::broken).map_or(Ok(()), |words| Err(words.to_owned()))?;
        let (counted, kept) = (self.state.counted(), self.store.sum());
        if counted != kept {
            return Err(format!("it counts {} bundles as held, and its store keeps {}", counted.count, kept.count));
        }
        self.state.check_invariants(now)
    }

    fn check_rest(&self, now: Time) -> Result<(), String> {
        let apart = self.state.peers(now).find(|peer| peer.in_sync != Some(true));
        apart.map_or(Ok(()), |peer| Err(format!("{} is not in sync: {:?}", peer.address, peer.in_sync)))
    }
}

impl Node {
    /// The application takes something in. It knows what it has, and that may be more than the protocol remembers.
    fn hold(&mut self, id: BroadcastId) {
        if self.held.insert(id) {
            self.digest ^= hash(id);
        }
    }

    /// What was on the disk at the start. An event that was not in a bundle yet goes into one now.
    fn remember(&mut self, now: Time) {
        let bundled: BTreeSet<BroadcastId> = self.store.bundles().flat_map(carried).collect();
        for payload in std::mem::take(&mut self.kept) {
            self.hold(payload.id);
            if !bundled.contains(&payload.id) {
                self.tell(now, Input::Broadcast(event(&payload)));
            }
        }
    }

    fn forget(&mut self, conn: ConnId) {
        self.peers.remove(&PeerId(conn.0));
        self.pings.stop(conn);
    }

    fn on_up(&mut self, now: Time, conn: ConnId, node: NodeId, dialled: bool) {
        let Some(address) = self.hosts.address(node) else { return };
        let peer = PeerId(conn.0);
        let direction = if dialled { Direction::Outbound } else { Direction::Inbound };
        self.peers.insert(peer, node);
        self.pings.start(now, conn);
        self.tell(now, Input::PeerUp { peer, direction, address, dialect: self.dialect, key: None });
    }

    fn on_frame(&mut self, now: Time, conn: ConnId, bytes: &[u8], effects: &mut Vec<Effect>) {
        let peer = PeerId(conn.0);
        if Pings::is_one(bytes) {
            if let Some(rtt) = self.pings.on_frame(now, conn, bytes, effects) {
                self.tell(now, Input::Rtt { peer, rtt });
            }
            return;
        }
        let decoded = match self.dialect {
            Dialect::Json => json::decode(&String::from_utf8_lossy(bytes)),
            Dialect::V2 => wire::decode(bytes),
        };
        let input = match decoded {
            Ok(mut message) => {
                self.common.share(&mut message);
                Input::Message { peer, message }
            }
            Err(error) => Input::Refused { peer, reason: error.reason(), event: false },
        };
        self.tell(now, input);
    }

    fn tell(&mut self, now: Time, input: Input) {
        if let Some(watch) = &mut self.watch {
            watch.on_input(now, &self.state, &input);
        }
        self.state.handle(now, input);
    }

    fn drain(&mut self, now: Time, effects: &mut Vec<Effect>) {
        loop {
            let outputs: Vec<Output> = self.state.drain().collect();
            if outputs.is_empty() {
                break;
            }
            if let Some(watch) = &mut self.watch {
                watch.on_outputs(now, &self.state, &outputs);
            }
            self.carry_out(now, outputs, effects);
        }
    }

    fn carry_out(&mut self, now: Time, outputs: Vec<Output>, effects: &mut Vec<Effect>) {
        for output in outputs {
            match output {
                Output::Send { to, message } => {
                    let to = to.into_iter().map(|peer| ConnId(peer.0)).collect();
                    effects.extend(frame(self.dialect, &message).map(|frame| Effect::Send { to, frame }));
                }
                Output::Connect { address } => {
                    effects.extend(self.hosts.listener(&address).map(|peer| Effect::Connect { peer }));
                }
                Output::Disconnect { peer, .. } => {
                    self.forget(ConnId(peer.0));
                    effects.push(Effect::Disconnect { conn: ConnId(peer.0) });
                }
                Output::Deliver { event, .. } => match Payload::id_from(event.id) {
                    Some(id) => {
                        self.hold(id);
                        effects.push(Effect::Deliver(id));
                    }
                    None => effects.push(Effect::DeliverPhantom),
                },
                Output::Keep(bundle) => {
                    if let Some(before) = self.store.keep(bundle) {
                        self.tell(now, Input::Dropped { before });
                    }
                }
                Output::Ask(ask) => self.tell(now, Input::Answer(self.store.answer(&ask))),
                Output::Banned(_) => {}
                // Keys don't change here: there are none.
                Output::Rotated(_) | Output::Declared(_) => {}
                Output::Forked { proof, mark } => self.store.prove(*proof, mark),
            }
        }
    }
}

/// A message as it goes over the wire: what holds events is a payload, all else is control.
///
/// `None` for what the dialect can't say.
fn frame(dialect: Dialect, message: &Message) -> Option<Frame> {
    let bytes = match dialect {
        Dialect::Json => json::encode(message)?.into_bytes(),
        Dialect::V2 => wire::encode(message)?,
    };
    let carries = match message {
        Message::Event { event, .. } => Payload::id_from(event.id).into_iter().collect(),
        _ => message.bundles().iter().flat_map(carried).collect(),
    };
    Some(Frame { bytes: bytes.into_boxed_slice(), carries })
}

/// The broadcasts whose events are in a bundle.
fn carried(bundle: &Bundle) -> impl Iterator<Item = BroadcastId> {
    bundle.events.iter().filter_map(|event| Payload::id_from(event.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip::{Exchange, Way};

    #[test]
    fn a_frame_reads_back_as_it_was_and_a_payload_is_told_from_control() {
        let events: Vec<Event> = (7..9).map(|id| event(&Payload::new(BroadcastId(id), NodeId(3), 0, 256))).collect();
        let message = Message::Event { ttl: 10, event: events[0].clone() };
        let json = frame(Dialect::Json, &message).unwrap();
        assert_eq!(json.carries, [BroadcastId(7)]);
        assert_eq!(json::decode(std::str::from_utf8(&json.bytes).unwrap()), Ok(message));
        let id = BundleId { origin: OriginId([1; 32]), seq: 1 };
        let bundle = Bundle { id, events: events.into(), signature: Signature([1; 64]), second: None };
        for message in [
            Message::Bundle { way: Way { ttl: 9, hops: 1, like: None }, bundle: bundle.clone() },
            Message::Exchange(Exchange::Missed { number: 1, covered: 1, bundles: vec![bundle] }),
        ] {
            let v2 = frame(Dialect::V2, &message).unwrap();
            assert_eq!(v2.carries, [BroadcastId(7), BroadcastId(8)]);
            assert_eq!(wire::decode(&v2.bytes), Ok(message));
        }
        for dialect in [Dialect::Json, Dialect::V2] {
            assert!(frame(dialect, &Message::Peers(Vec::new())).unwrap().carries.is_empty());
        }
    }
}
