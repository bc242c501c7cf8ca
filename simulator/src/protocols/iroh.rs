//! iroh-gossip's own state machine (HyParView and Plumtree), with its defaults, driven by our clock over our network.
//!
//! What its `net.rs` does for it is done here in the same way: a message to somebody without a connection waits for a
//! dial; a second connection to one peer replaces the first for sending; frames are postcard behind a length of four
//! bytes, and the topic is not repeated in each; who disconnects stops sending, and still hears what was sent to it
//! before the other side knew (an empty frame says so, where QUIC ends a stream). Three things are kinder to it than
//! `net.rs`: a peer that could not be dialled may be dialled again, a farewell that waits for a dial is still sent, and
//! a peer counts as gone only when its last connection is. Left out of the bytes: the address data that real nodes
//! attach to what they say of each other, and the topic at the start of each stream.
//!
//! It joins through the first of its contacts, and tries the next one only if that one does not answer: whoever takes a
//! join drops a neighbour for it if need be, and with two joins a node about one in 500 was left without any.

use crate::protocol::{BroadcastId, ConnId, Effect, Fact, Frame, Moment, NodeId, Payload, Protocol, Seat, SimNode};
use gossip::Time;
use iroh_gossip::TopicId;
use iroh_gossip::proto::state::MessageKind;
use iroh_gossip::proto::{Command, Config, Event, InEvent, Message, OutEvent, PeerData, Scope, State, Timer};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// A public key has 32 bytes, and so has its place here: a number, and a hash that makes it as random as a key.
type Key = [u8; 32];

const TOPIC: [u8; 32] = [7; 32];

/// A frame without a message: nothing more comes from this side.
const GOODBYE: [u8; 4] = [0; 4];

/// iroh-gossip 0.101 with its defaults.
#[derive(Clone, Copy, Debug)]
pub struct Iroh {
    /// Its state machine takes only moments of the real clock. It compares them and never reads the clock itself, so
    /// any moment will do for the world's first.
    epoch: Instant,
}

impl Default for Iroh {
    fn default() -> Iroh {
        Iroh { epoch: Instant::now() }
    }
}

impl Protocol for Iroh {
    fn name(&self) -> &'static str {
        "iroh"
    }

    fn about(&self) -> &'static str {
        "iroh-gossip 0.101: HyParView and one shared Plumtree, postcard frames"
    }

    fn takes_overlay(&self) -> bool {
        false
    }

    fn start(&self, seat: Seat) -> Box<dyn SimNode> {
        Box::new(Node {
            epoch: self.epoch,
            state: State::new(key(seat.node), PeerData::default(), Config::default(), seat.rng),
            timers: BTreeMap::new(),
            timers_set: 0,
            peers: BTreeMap::new(),
            ends: BTreeMap::new(),
            neighbours: BTreeSet::new(),
            contacts: seat.contacts.into(),
        })
    }
}

struct Node {
    epoch: Instant,
    state: State<Key, ChaCha8Rng>,
    timers: BTreeMap<(Time, u64), Timer<Key>>,
    timers_set: u64,
    peers: BTreeMap<NodeId, Peer>,
    /// Who is at the other side of each connection.
    ends: BTreeMap<ConnId, NodeId>,
    neighbours: BTreeSet<NodeId>,
    /// Through whom it has not tried to join yet.
    contacts: VecDeque<NodeId>,
}

enum Peer {
    /// It is being dialled.
    Pending {
        /// What it is to be sent.
        queue: Vec<Frame>,
        /// Whether that is all.
        closing: bool,
    },
    /// It is connected.
    Active {
        /// What it is sent goes here.
        conn: ConnId,
        /// Older connections to it: it may still send on these.
        others: Vec<ConnId>,
    },
}

fn key(node: NodeId) -> Key {
    let mut key = *blake3::hash(&node.0.to_le_bytes()).as_bytes();
    key[28..].copy_from_slice(&node.0.to_le_bytes());
    key
}

fn node(key: &Key) -> NodeId {
    let mut number = [0; 4];
    number.copy_from_slice(&key[28..]);
    NodeId(u32::from_le_bytes(number))
}

/// A message as it goes over the wire, with what it carries.
fn encode(message: &Message<Key>) -> Option<Frame> {
    let encoded = postcard::to_allocvec(message).ok()?;
    let body = encoded.strip_prefix(&TOPIC)?;
    let carries = match message.kind() {
        MessageKind::Data => broadcast_in(body).into_iter().collect(),
        MessageKind::Control => Vec::new(),
    };
    let bytes = [&(body.len() as u32).to_be_bytes(), body].concat().into_boxed_slice();
    Some(Frame { bytes, carries })
}

fn decode(frame: &[u8]) -> Option<Message<Key>> {
    postcard::from_bytes(&[&TOPIC, frame.get(4..)?].concat()).ok()
}

/// The broadcast in a message of kind data: its content comes after two tags, a hash and a length.
fn broadcast_in(body: &[u8]) -> Option<BroadcastId> {
    let length = body.get(2 + 32..)?;
    let end = length.iter().position(|byte| byte & 0x80 == 0)?;
    Payload::id_of(length.get(end + 1..)?)
}

impl SimNode for Node {
    fn handle(&mut self, now: Moment, fact: Fact<'_>, effects: &mut Vec<Effect>) {
        let now = now.clock;
        match fact {
            Fact::Started => self.join(now, effects),
            Fact::Up { conn, peer, .. } => self.on_up(conn, peer, effects),
            Fact::Down { conn } => self.on_down(now, conn, effects),
            Fact::DialFailed { peer } => {
                if let Some(Peer::Pending { .. }) = self.peers.get(&peer) {
                    self.peers.remove(&peer);
                    self.input(now, InEvent::PeerDisconnected(key(peer)), effects);
                }
                if self.neighbours.is_empty() && !self.contacts.is_empty() {
                    self.join(now, effects);
                }
            }
            Fact::Frame { conn, bytes } => {
                if bytes == GOODBYE {
                    effects.push(Effect::Disconnect { conn });
                    self.on_down(now, conn, effects);
                } else if let (Some(from), Some(message)) = (self.ends.get(&conn), decode(bytes)) {
                    self.input(now, InEvent::RecvMessage(key(*from), message), effects);
                }
            }
            Fact::Broadcast(payload) => {
                let content = payload.text.as_bytes().to_vec().into();
                let command = Command::Broadcast(content, Scope::Swarm);
                self.input(now, InEvent::Command(TopicId::from(TOPIC), command), effects);
            }
            Fact::Drained { .. } => {}
            Fact::Wake => {
                while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= now) {
                    let timer = entry.remove();
                    self.input(now, InEvent::TimerExpired(timer), effects);
                }
            }
        }
    }

    fn next_wakeup(&self) -> Option<Time> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    fn neighbours(&self) -> Vec<NodeId> {
        self.neighbours.iter().copied().collect()
    }
}

impl Node {
    /// Joins through the next contact. The first node of all has none, and waits to be joined.
    fn join(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let contact = self.contacts.pop_front().map(key);
        self.input(now, InEvent::Command(TopicId::from(TOPIC), Command::Join(contact.into_iter().collect())), effects);
    }

    fn input(&mut self, now: Time, event: InEvent<Key>, effects: &mut Vec<Effect>) {
        let instant = self.epoch + Duration::from_micros(now.as_micros());
        let outputs: Vec<OutEvent<Key>> = self.state.handle(event, instant.into(), None).collect();
        for output in outputs {
            match output {
                OutEvent::SendMessage(to, message) => {
                    if let Some(frame) = encode(&message) {
                        self.send(node(&to), frame, effects);
                    }
                }
                OutEvent::EmitEvent(_, event) => self.on_event(event, effects),
                OutEvent::ScheduleTimer(delay, timer) => {
                    self.timers_set += 1;
                    self.timers.insert((now + delay, self.timers_set), timer);
                }
                OutEvent::DisconnectPeer(peer) => self.disconnect(node(&peer), effects),
                OutEvent::PeerData(..) => {}
            }
        }
    }

    fn on_event(&mut self, event: Event<Key>, effects: &mut Vec<Effect>) {
        match event {
            Event::NeighborUp(peer) => {
                self.neighbours.insert(node(&peer));
            }
            Event::NeighborDown(peer) => {
                self.neighbours.remove(&node(&peer));
            }
            Event::Received(received) => {
                effects.push(Payload::id_of(&received.content).map_or(Effect::DeliverPhantom, Effect::Deliver));
            }
        }
    }

    fn send(&mut self, to: NodeId, frame: Frame, effects: &mut Vec<Effect>) {
        match self.peers.get_mut(&to) {
            Some(Peer::Active { conn, .. }) => effects.push(Effect::Send { to: vec![*conn], frame }),
            Some(Peer::Pending { queue, closing }) => {
                queue.push(frame);
                *closing = false;
            }
            None => {
                self.peers.insert(to, Peer::Pending { queue: vec![frame], closing: false });
                effects.push(Effect::Connect { peer: to });
            }
        }
    }

    fn disconnect(&mut self, peer: NodeId, effects: &mut Vec<Effect>) {
        match self.peers.get_mut(&peer) {
            None => {}
            Some(Peer::Pending { closing, .. }) => *closing = true,
            Some(Peer::Active { conn, others }) => {
                let to = others.drain(..).chain([*conn]).collect();
                self.peers.remove(&peer);
                effects.push(Effect::Send { to, frame: Frame { bytes: Box::new(GOODBYE), carries: Vec::new() } });
            }
        }
    }

    fn on_up(&mut self, new: ConnId, peer: NodeId, effects: &mut Vec<Effect>) {
        self.ends.insert(new, peer);
        match self.peers.remove(&peer) {
            Some(Peer::Active { conn, mut others }) => {
                others.push(conn);
                self.peers.insert(peer, Peer::Active { conn: new, others });
            }
            Some(Peer::Pending { queue, closing }) => {
                self.peers.insert(peer, Peer::Active { conn: new, others: Vec::new() });
                effects.extend(queue.into_iter().map(|frame| Effect::Send { to: vec![new], frame }));
                if closing {
                    self.disconnect(peer, effects);
                }
            }
            None => {
                self.peers.insert(peer, Peer::Active { conn: new, others: Vec::new() });
            }
        }
    }

    fn on_down(&mut self, now: Time, gone: ConnId, effects: &mut Vec<Effect>) {
        let Some(peer) = self.ends.remove(&gone) else { return };
        let Some(Peer::Active { conn, others }) = self.peers.get_mut(&peer) else { return };
        others.retain(|other| *other != gone);
        if *conn != gone {
            return;
        }
        if let Some(other) = others.pop() {
            *conn = other;
            return;
        }
        self.peers.remove(&peer);
        self.input(now, InEvent::PeerDisconnected(key(peer)), effects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// What a node that has a neighbour sends.
    fn messages(command: Command<Key>) -> Vec<Message<Key>> {
        let rng = ChaCha8Rng::seed_from_u64(1);
        let mut state = State::new(key(NodeId(1)), PeerData::default(), Config::default(), rng);
        let now = Instant::now();
        let mut sent = Vec::new();
        let join = InEvent::Command(TOPIC.into(), Command::Join(vec![key(NodeId(2))]));
        let [OutEvent::SendMessage(_, join), ..] = &state.handle(join, now.into(), None).collect::<Vec<_>>()[..] else {
            panic!("a join");
        };
        sent.push(join.clone());
        drop(state.handle(InEvent::RecvMessage(key(NodeId(2)), join.clone()), now.into(), None));
        sent.extend(state.handle(InEvent::Command(TOPIC.into(), command), now.into(), None).filter_map(
            |out| match out {
                OutEvent::SendMessage(_, message) => Some(message),
                _ => None,
            },
        ));
        sent
    }

    #[test]
    fn a_frame_reads_back_as_it_was_and_a_payload_is_told_from_control() {
        for bytes in [160, 2_048] {
            let payload = Payload::new(BroadcastId(9), NodeId(1), 0, bytes);
            let content = payload.text.as_bytes().to_vec().into();
            let sent = messages(Command::Broadcast(content, Scope::Swarm));
            let frames: Vec<Frame> = sent.iter().map(|message| encode(message).unwrap()).collect();
            assert_eq!(frames[0].carries, []);
            assert_eq!(frames.last().unwrap().carries, [BroadcastId(9)]);
            for (message, frame) in sent.iter().zip(&frames) {
                assert_eq!(format!("{:?}", decode(&frame.bytes)), format!("{:?}", Some(message)));
                assert_eq!(frame.bytes.len(), message.size().unwrap() - TOPIC.len() + 4);
            }
        }
    }

    #[test]
    fn keys_name_their_nodes() {
        assert_eq!(node(&key(NodeId(123_456))), NodeId(123_456));
    }
}
