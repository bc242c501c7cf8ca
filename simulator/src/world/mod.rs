//! The world: nodes, what is on its way between them, and one clock. It owns the order in which things happen, and
//! knows nothing of any protocol.
//!
//! Everything follows from the seed: things happen in the order of their time, those of one moment in the order in
//! which they were planned. `trace` is a hash over every frame that a node takes in and its time: equal hashes, equal
//! runs.

mod carry_out;
mod faults;
mod inspect;
mod trace;

use crate::connections::Connections;
use crate::ledger::Ledger;
use crate::network::Network;
use crate::overlay::{self, Graph};
use crate::past::Past;
use crate::protocol::{BroadcastId, ConnId, Effect, Fact, Moment, NodeId, Payload, Protocol, Seat, SimNode};
use crate::queue::Queue;
use crate::random::fork;
use crate::scenario::Scenario;
use gossip::Time;
use std::any::Any;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use trace::Trace;

/// A simulated mesh of one protocol.
pub struct World<'p> {
    seed: u64,
    now: Time,
    protocol: &'p dyn Protocol,
    overlay_given: bool,
    slots: Vec<Slot>,
    connections: Connections<Item>,
    network: Network,
    queue: Queue<Happening>,
    ledger: Ledger,
    trace: Trace,
    /// What the nodes have in common, so that it is in memory once.
    common: Rc<dyn Any>,
    /// Empty between two facts: kept for its memory.
    effects: Vec<Effect>,
}

/// A place for a node, and the node if it runs.
struct Slot {
    contacts: Vec<NodeId>,
    /// Whether its disk holds what was sent before the world began.
    has_past: bool,
    node: Option<Box<dyn SimNode>>,
    /// What the disk of its last life holds.
    disk: Option<Rc<dyn Any>>,
    /// How often it was started or ended: what was planned for an earlier life finds nobody.
    epoch: u32,
    up_since: Time,
    wake: Option<Time>,
    /// Its ends of connections that it has, or that broke and it has not noticed.
    ends: BTreeSet<ConnId>,
    /// How long a frame keeps it busy, and until when it is.
    busy: Duration,
    busy_until: Time,
    /// How far its wall clock is ahead, in microseconds.
    skew: i64,
}

/// What travels on a connection.
#[derive(Clone, Debug)]
enum Item {
    Frame(Rc<Sent>),
    /// The other side has closed it.
    Close,
}

impl Item {
    /// How many bytes of the link it takes. A close is no frame that counts.
    fn bytes(&self) -> usize {
        if let Item::Frame(frame) = self { frame.bytes.len() } else { 0 }
    }
}

/// A frame on its way: one for all whom it is for.
#[derive(Debug)]
struct Sent {
    bytes: Box<[u8]>,
    /// What it carries, over how many hops.
    tags: Vec<(BroadcastId, u16)>,
}

/// What happens at a moment.
#[derive(Debug)]
enum Happening {
    /// A dial reaches the listener.
    Dial { from: NodeId, epoch: u32, to: NodeId },
    /// The dialler hears of it: its end, if there is one.
    Dialled { from: NodeId, epoch: u32, to: NodeId, end: Option<ConnId> },
    /// Something reaches an end.
    Arrival { end: ConnId, item: Item },
    /// A slow node has got to something that reached it.
    Turn { end: ConnId, item: Item },
    /// A broken connection is noticed at an end.
    Noticed { end: ConnId },
    /// A node asked to be woken.
    Wake { node: NodeId, epoch: u32 },
}

impl<'p> World<'p> {
    /// The empty world of a seed. Its network is that of the scenario; who is in it and what happens is the caller's.
    pub fn new(seed: u64, scenario: &Scenario, protocol: &'p dyn Protocol) -> World<'p> {
        let past = Past::of(scenario);
        World {
            seed,
            now: Time::ZERO,
            protocol,
            overlay_given: scenario.overlay.is_some(),
            slots: Vec::new(),
            connections: Connections::default(),
            network: Network::new(seed, scenario),
            queue: Queue::default(),
            ledger: Ledger::new(past.as_ref(), scenario.nodes),
            trace: Trace::default(),
            common: protocol.common(past.as_ref()),
            effects: Vec::new(),
        }
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What was counted.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The hash over all that nodes took in so far.
    pub fn trace(&self) -> blake3::Hash {
        self.trace.hash()
    }

    /// Since when a node has been running without a break. `None`: it isn't.
    pub fn up_since(&self, node: NodeId) -> Option<Time> {
        self.slots.get(node.index()).filter(|slot| slot.node.is_some()).map(|slot| slot.up_since)
    }

    /// The nodes that run, in ascending order.
    pub fn running(&self) -> Vec<NodeId> {
        let running = self.slots.iter().zip(0..).filter(|(slot, _)| slot.node.is_some());
        running.map(|(_, node)| NodeId(node)).collect()
    }

    /// Adds a node and starts it. It knows the addresses of `contacts`.
    pub fn add(&mut self, contacts: Vec<NodeId>) -> NodeId {
        let node = self.add_later(contacts, true);
        self.start(node, Vec::new());
        node
    }

    /// Adds a node that does not run yet: a [restart](Self::restart) starts it.
    pub fn add_later(&mut self, contacts: Vec<NodeId>, has_past: bool) -> NodeId {
        let node = NodeId(self.slots.len() as u32);
        self.slots.push(Slot {
            contacts,
            has_past,
            node: None,
            disk: None,
            epoch: 0,
            up_since: self.now,
            wake: None,
            ends: BTreeSet::new(),
            busy: Duration::ZERO,
            busy_until: Time::ZERO,
            skew: 0,
        });
        node
    }

    /// Starts a node that does not run.
    fn start(&mut self, node: NodeId, kept: Vec<Payload>) {
        let slot = &mut self.slots[node.index()];
        slot.epoch += 1;
        (slot.up_since, slot.wake, slot.busy_until) = (self.now, None, self.now);
        let rng = fork(self.seed, "nodes", u64::from(node.0) << 32 | u64::from(slot.epoch));
        let (contacts, skew, has_past) = (slot.contacts.clone(), slot.skew, slot.has_past);
        let (disk, common) = (slot.disk.take(), Rc::clone(&self.common));
        let seat = Seat { node, contacts, overlay_given: self.overlay_given, skew, rng, kept, disk, common, has_past };
        slot.node = Some(self.protocol.start(seat));
        self.tell(node, Fact::Started);
    }

    /// A node's application broadcasts. `counted` broadcasts have their bound computed. `None`: the node does not run.
    pub fn broadcast(&mut self, node: NodeId, bytes: usize, counted: bool) -> Option<BroadcastId> {
        self.up_since(node)?;
        let payload = Payload::new(self.ledger.next_id(), node, self.moment(node).wall, bytes);
        let bound = if counted { overlay::shortest_times(&self.overlay(), node) } else { Vec::new() };
        self.ledger.begin(payload.clone(), self.now, counted, bound, self.slots.len());
        self.tell(node, Fact::Broadcast(&payload));
        Some(payload.id)
    }

    /// A broadcast comes in at another node as well. Nothing happens if that one does not run, or has it.
    pub fn broadcast_again(&mut self, id: BroadcastId, node: NodeId) {
        let payload = self.ledger.get(id).map(|broadcast| broadcast.payload.clone());
        let runs = self.up_since(node).is_some();
        if let Some(payload) = payload.filter(|_| runs && !self.ledger.has(node, id)) {
            self.ledger.on_given(self.now, node, id);
            self.tell(node, Fact::Broadcast(&payload));
        }
    }

    /// Who could send payload to whom at this moment, and how long that takes at least.
    pub fn overlay(&self) -> Graph {
        let edges = |(slot, from): (&Slot, u32)| {
            let from = NodeId(from);
            let peers = slot.node.as_ref().map(|node| node.neighbours()).unwrap_or_default();
            let passable =
                peers.into_iter().filter(|to| self.up_since(*to).is_some() && !self.network.parted(from, *to));
            passable.map(|to| (to, self.network.geography().latency(from, to).as_micros() as u64)).collect()
        };
        self.slots.iter().zip(0..).map(edges).collect()
    }

    /// Lets time pass.
    pub fn run_until(&mut self, until: Time) {
        while let Some((at, happening)) = self.queue.pop_until(until) {
            self.now = at;
            self.happen(happening);
        }
        self.now = self.now.max(until);
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Dial { from, epoch, to } => self.on_dial(from, epoch, to),
            Happening::Dialled { from, epoch, to, end } => self.on_dialled(from, epoch, to, end),
            Happening::Arrival { end, item } => self.on_arrival(end, item),
            Happening::Turn { end, item } => self.take_in(end, &item),
            Happening::Noticed { end } => self.on_down(end),
            Happening::Wake { node, epoch } => self.on_wake(node, epoch),
        }
    }

    fn on_dial(&mut self, from: NodeId, epoch: u32, to: NodeId) {
        let latency = self.network.geography().latency(from, to);
        let dialler_gone = self.slots[from.index()].epoch != epoch;
        if dialler_gone || self.up_since(to).is_none() || self.network.parted(from, to) {
            self.queue.push(self.now + latency, Happening::Dialled { from, epoch, to, end: None });
            return;
        }
        let (ours, theirs) = self.connections.open(from, to);
        self.slots[from.index()].ends.insert(ours);
        self.slots[to.index()].ends.insert(theirs);
        // What the listener says at once comes after the news that the connection stands.
        let at = self.connections.arrival(theirs, self.now + latency);
        self.queue.push(at, Happening::Dialled { from, epoch, to, end: Some(ours) });
        self.tell(to, Fact::Up { conn: theirs, peer: from, dialled: false });
    }

    fn on_dialled(&mut self, from: NodeId, epoch: u32, to: NodeId, end: Option<ConnId>) {
        if self.slots[from.index()].epoch != epoch {
            return;
        }
        match end {
            None => self.tell(from, Fact::DialFailed { peer: to }),
            // If it broke meanwhile, that is noticed in its time.
            Some(conn) => self.tell(from, Fact::Up { conn, peer: to, dialled: true }),
        }
    }

    /// What arrives goes through the downlink, and a slow node takes one thing after another.
    fn on_arrival(&mut self, end: ConnId, item: Item) {
        let Some(node) = self.connections.node(end) else { return };
        let at = self.network.enter(self.now, node, item.bytes());
        let slot = &mut self.slots[node.index()];
        slot.busy_until = slot.busy_until.max(at) + slot.busy;
        if slot.busy_until <= self.now {
            return self.take_in(end, &item);
        }
        self.queue.push(slot.busy_until, Happening::Turn { end, item });
    }

    /// A node takes something in, if its connection still stands.
    fn take_in(&mut self, end: ConnId, item: &Item) {
        let Some(node) = self.connections.node(end).filter(|_| self.connections.reaches(end)) else { return };
        let Item::Frame(frame) = item else { return self.on_down(end) };
        self.trace.add(self.now, end, &frame.bytes);
        self.ledger.on_arrived(node, &frame.tags);
        self.tell(node, Fact::Frame { conn: end, bytes: &frame.bytes });
    }

    fn on_down(&mut self, end: ConnId) {
        let Some(node) = self.connections.node(end) else { return };
        self.slots[node.index()].ends.remove(&end);
        if self.connections.close(end) {
            self.tell(node, Fact::Down { conn: end });
        }
    }

    fn on_wake(&mut self, node: NodeId, epoch: u32) {
        let slot = &mut self.slots[node.index()];
        if slot.epoch != epoch || slot.wake != Some(self.now) {
            return;
        }
        slot.wake = None;
        match slot.node.as_ref().and_then(|node| node.next_wakeup()) {
            Some(at) if at <= self.now => self.tell(node, Fact::Wake),
            // It asked for a later one meanwhile.
            Some(at) => self.plan_wake(node, at),
            None => {}
        }
    }

    fn plan_wake(&mut self, node: NodeId, at: Time) {
        let slot = &mut self.slots[node.index()];
        if slot.wake.is_none_or(|planned| at < planned) {
            slot.wake = Some(at);
            self.queue.push(at, Happening::Wake { node, epoch: slot.epoch });
        }
    }

    fn moment(&self, node: NodeId) -> Moment {
        let wall = self.now.as_micros().cast_signed().saturating_add(self.slots[node.index()].skew);
        Moment { clock: self.now, wall }
    }

    /// Tells a node a fact, and does what it wants done.
    fn tell(&mut self, id: NodeId, fact: Fact<'_>) {
        let moment = self.moment(id);
        let drained = self.network.drained(id);
        let Some(node) = self.slots[id.index()].node.as_mut() else { return };
        let mut effects = std::mem::take(&mut self.effects);
        if let Some((bytes, took)) = drained {
            node.handle(moment, Fact::Drained { bytes, took }, &mut effects);
        }
        node.handle(moment, fact, &mut effects);
        if let Some(at) = node.next_wakeup() {
            // A node that was just woken and wants to be woken again must not stop the clock.
            let earliest = self.now + Duration::from_micros(u64::from(matches!(fact, Fact::Wake)));
            self.plan_wake(id, at.max(earliest));
        }
        self.carry_out(id, &mut effects);
        self.effects = effects;
    }
}
