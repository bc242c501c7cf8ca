//! A crowd that wants one node for itself, among nodes of this checkout.
//!
//! Each of the crowd connects to its victim again and again, asks for a link with all the weight there is, tells addresses of the
//! crowd and of nobody else, and takes in whoever dials it.

use super::Ours;
use super::hosts::{Hosts, PORT};
use super::pings::Pings;
use crate::past::Past;
use crate::protocol::{ConnId, Effect, Fact, Frame, Moment, NodeId, Protocol, Seat, SimNode, node_name};
use gossip::{Address, Hello, InstanceId, Message, Priority, Time, wire};
use rand::RngExt;
use rand::seq::IteratorRandom;
use rand_chacha::ChaCha8Rng;
use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use uuid::Uuid;

/// How often each of the crowd connects, on average.
const EVERY: Duration = Duration::from_secs(10);
/// How many addresses it tells at once: as many as a frame may hold.
const TOLD: usize = 32;

/// The protocol of this checkout; nodes from the crowd's first on besiege one of the others.
#[derive(Clone, Copy, Debug)]
pub struct Siege {
    inner: Ours,
    hosts: Hosts,
    crowd: u32,
    victim: NodeId,
}

impl Siege {
    /// A crowd of so many nodes on so many hosts, after the honest ones.
    pub fn new(honest: u32, crowd: u32, hosts: u32, victim: NodeId) -> Siege {
        let hosts = Hosts { crowd_from: honest, crowd_hosts: hosts };
        Siege { inner: Ours::trees().at(hosts), hosts, crowd, victim }
    }

    /// Whether a node is one of the crowd.
    pub fn is_hostile(&self, node: NodeId) -> bool {
        node.0 >= self.hosts.crowd_from
    }
}

impl Protocol for Siege {
    fn name(&self) -> &'static str {
        "siege"
    }

    fn about(&self) -> &'static str {
        "this checkout, nodes speaking v2, and a crowd that wants one of them for itself"
    }

    fn takes_overlay(&self) -> bool {
        false
    }

    fn common(&self, past: Option<&Past>) -> Rc<dyn Any> {
        self.inner.common(past)
    }

    fn start(&self, mut seat: Seat) -> Box<dyn SimNode> {
        if !self.is_hostile(seat.node) {
            return self.inner.start(seat);
        }
        let instance = InstanceId(Uuid::from_u128(seat.rng.random()));
        let (siege, node, rng) = (*self, seat.node, seat.rng);
        let (pings, links) = (Pings::default(), BTreeMap::new());
        Box::new(Besieger { siege, node, instance, rng, pings, links, next: Time::ZERO })
    }
}

struct Besieger {
    siege: Siege,
    node: NodeId,
    instance: InstanceId,
    rng: ChaCha8Rng,
    pings: Pings,
    /// Whoever it is connected to.
    links: BTreeMap<ConnId, NodeId>,
    next: Time,
}

impl SimNode for Besieger {
    fn handle(&mut self, now: Moment, fact: Fact<'_>, effects: &mut Vec<Effect>) {
        let now = now.clock;
        match fact {
            Fact::Started => self.pause(now),
            Fact::Up { conn, peer, dialled } => {
                self.links.insert(conn, peer);
                if dialled {
                    effects.extend(send(conn, Message::Hello(self.hello())));
                }
            }
            Fact::Down { conn } => {
                self.links.remove(&conn);
                self.pings.stop(conn);
            }
            Fact::Frame { conn, bytes } if Pings::is_one(bytes) => {
                self.pings.on_frame(now, conn, bytes, effects);
            }
            Fact::Frame { conn, bytes } => {
                if let Ok(message) = wire::decode(bytes) {
                    self.on_message(conn, &message, effects);
                }
            }
            Fact::Wake if self.next <= now => {
                self.pause(now);
                let there = self.links.iter().find(|(_, peer)| **peer == self.siege.victim).map(|(conn, _)| *conn);
                match there {
                    Some(conn) => effects.extend(send(conn, Message::Peers(self.crowd()))),
                    None => effects.push(Effect::Connect { peer: self.siege.victim }),
                }
            }
            Fact::DialFailed { .. } | Fact::Broadcast(_) | Fact::Drained { .. } | Fact::Wake => {}
        }
    }

    fn next_wakeup(&self) -> Option<Time> {
        Some(self.next)
    }

    fn neighbours(&self) -> Vec<NodeId> {
        Vec::new()
    }
}

impl Besieger {
    fn on_message(&mut self, conn: ConnId, message: &Message, effects: &mut Vec<Effect>) {
        let victim = self.links.get(&conn) == Some(&self.siege.victim);
        match message {
            Message::Hello(_) => {
                effects.extend(send(conn, Message::Hello(self.hello())));
                effects.extend(send(conn, Message::Peers(self.crowd())));
                let priority = if self.rng.random_bool(0.5) { Priority::Join } else { Priority::Near };
                effects.extend(send(conn, Message::Neighbor(priority)).filter(|_| victim));
            }
            Message::Neighbor(_) => {
                effects.extend(send(conn, Message::NeighborReply { accepted: true, dropped: None }));
            }
            _ => {}
        }
    }

    fn hello(&self) -> Hello {
        let port = self.siege.hosts.address(self.node).map_or(PORT, |address| address.port());
        let (mesh, node_id) = ("beauty".to_owned(), node_name(self.node));
        Hello { mesh, node_id, instance: self.instance, port, digest: None, tls: false }
    }

    /// Addresses of the crowd.
    fn crowd(&mut self) -> Vec<Address> {
        let first = self.siege.hosts.crowd_from;
        let some = (first..first + self.siege.crowd).sample(&mut self.rng, TOLD);
        some.into_iter().filter_map(|node| self.siege.hosts.address(NodeId(node))).collect()
    }

    fn pause(&mut self, now: Time) {
        let micros = EVERY.as_micros() as u64;
        self.next = now + Duration::from_micros(self.rng.random_range(1..2 * micros));
    }
}

fn send(conn: ConnId, message: Message) -> Option<Effect> {
    let bytes = wire::encode(&message)?.into_boxed_slice();
    Some(Effect::Send { to: vec![conn], frame: Frame { bytes, carries: Vec::new() } })
}
