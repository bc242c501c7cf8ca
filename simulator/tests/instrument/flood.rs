//! A protocol that floods: whatever is new to a node goes to all its peers but the one that it came from.
//!
//! It reaches everybody on the shortest way, and its redundancy can be computed. It logs what it is told.

use gossip::Time;
use simulator::protocol::{BroadcastId, ConnId, Effect, Fact, Frame, Moment, NodeId, Payload, Protocol, Seat, SimNode};
use simulator::scenario::Scenario;
use simulator::world::World;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

/// How long a flooding node waits before it dials again.
const AGAIN: Duration = Duration::from_secs(1);

/// What a node was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Up,
    Down,
    DialFailed,
    Frame(u32),
}

/// Who was told what, when: in milliseconds.
pub(crate) type Log = Rc<RefCell<Vec<(f64, u32, Heard)>>>;

#[derive(Default)]
pub(crate) struct Flood {
    pub(crate) log: Log,
    /// Whether a node hangs up as soon as it has sent something.
    pub(crate) hangs_up: bool,
}

impl Flood {
    /// The moments at which a node got frames, with their broadcasts.
    pub(crate) fn frames(&self, node: u32) -> Vec<(f64, u32)> {
        let log = self.log.borrow();
        log.iter()
            .filter_map(|(at, who, heard)| match heard {
                Heard::Frame(id) if *who == node => Some((*at, *id)),
                _ => None,
            })
            .collect()
    }

    /// The moments at which a node heard this.
    pub(crate) fn moments(&self, node: u32, what: Heard) -> Vec<f64> {
        self.log.borrow().iter().filter(|(_, who, heard)| *who == node && *heard == what).map(|(at, ..)| *at).collect()
    }
}

impl Protocol for Flood {
    fn name(&self) -> &'static str {
        "flood"
    }

    fn about(&self) -> &'static str {
        "to everybody"
    }

    fn takes_overlay(&self) -> bool {
        true
    }

    fn start(&self, seat: Seat) -> Box<dyn SimNode> {
        Box::new(Node {
            me: seat.node,
            log: Rc::clone(&self.log),
            hangs_up: self.hangs_up,
            known: seat.kept.iter().map(|payload| payload.id).collect(),
            dial: seat.contacts.iter().map(|contact| (*contact, Time::ZERO)).collect(),
            peers: BTreeMap::new(),
        })
    }
}

struct Node {
    me: NodeId,
    log: Log,
    hangs_up: bool,
    known: BTreeSet<BroadcastId>,
    /// Whom to dial, and when.
    dial: BTreeMap<NodeId, Time>,
    peers: BTreeMap<ConnId, (NodeId, bool)>,
}

impl SimNode for Node {
    fn handle(&mut self, now: Moment, fact: Fact<'_>, effects: &mut Vec<Effect>) {
        let heard = match fact {
            Fact::Drained { .. } => return,
            Fact::Started | Fact::Wake => {
                let due: Vec<NodeId> =
                    self.dial.iter().filter(|(_, at)| **at <= now.clock).map(|(peer, _)| *peer).collect();
                for peer in due {
                    self.dial.remove(&peer);
                    effects.push(Effect::Connect { peer });
                }
                return;
            }
            Fact::Broadcast(payload) => {
                self.spread(payload.id, payload.text.as_bytes(), None, effects);
                return;
            }
            Fact::Up { conn, peer, dialled } => {
                self.peers.insert(conn, (peer, dialled));
                Heard::Up
            }
            Fact::Down { conn } => {
                if let Some((peer, true)) = self.peers.remove(&conn) {
                    self.dial.insert(peer, now.clock + AGAIN);
                }
                Heard::Down
            }
            Fact::DialFailed { peer } => {
                self.dial.insert(peer, now.clock + AGAIN);
                Heard::DialFailed
            }
            Fact::Frame { conn, bytes } => {
                let id = Payload::id_of(bytes).unwrap();
                if !self.known.contains(&id) {
                    effects.push(Effect::Deliver(id));
                    self.spread(id, bytes, Some(conn), effects);
                }
                Heard::Frame(id.0)
            }
        };
        self.log.borrow_mut().push((now.clock.as_micros() as f64 / 1_000.0, self.me.0, heard));
    }

    fn next_wakeup(&self) -> Option<Time> {
        self.dial.values().min().copied()
    }

    fn neighbours(&self) -> Vec<NodeId> {
        self.peers.values().map(|(peer, _)| *peer).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Node {
    fn spread(&mut self, id: BroadcastId, bytes: &[u8], except: Option<ConnId>, effects: &mut Vec<Effect>) {
        self.known.insert(id);
        let to: Vec<ConnId> = self.peers.keys().copied().filter(|conn| Some(*conn) != except).collect();
        effects.push(Effect::Send { to: to.clone(), frame: Frame { bytes: bytes.into(), carries: vec![id] } });
        if self.hangs_up {
            effects.extend(to.into_iter().map(|conn| Effect::Disconnect { conn }));
        }
    }
}

/// A scenario of so many nodes on such links. What else is in it does not matter to a world.
pub(crate) fn scenario(nodes: u32, links: &str) -> Scenario {
    Scenario::parse(&format!(
        "name = 'test'\nabout = ''\nnodes = {nodes}\n[traffic]\nsenders = 1\nrounds = 1\nevery_ms = 1\n[links]\n{links}"
    ))
    .unwrap()
}

/// A world of nodes that each know the one before them, connected, a second after the start.
pub(crate) fn chain<'p>(scenario: &Scenario, flood: &'p Flood) -> World<'p> {
    let mut world = World::new(1, scenario, flood);
    for node in 0..scenario.nodes {
        world.add((node > 0).then(|| NodeId(node - 1)).into_iter().collect());
    }
    world.run_until(Time::from_micros(1_000_000));
    world
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
