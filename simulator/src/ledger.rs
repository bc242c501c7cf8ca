//! What was sent and what arrived: the measurement itself. It counts, and judges nothing.

use crate::bits::Bits;
use crate::past::Past;
use crate::protocol::{BroadcastId, NodeId, Payload};
use gossip::Time;
use std::collections::BTreeMap;

/// Where a broadcast is: no number of hops, no time.
const NEVER: u64 = u64::MAX;
const UNKNOWN: u16 = u16::MAX;

/// Frames and bytes that were sent since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames that carry a payload.
    pub payload_frames: u64,
    /// Their bytes.
    pub payload_bytes: u64,
    /// All other frames.
    pub control_frames: u64,
    /// Their bytes.
    pub control_bytes: u64,
}

/// All that is counted.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was sent.
    pub totals: Totals,
    /// Deliveries to a node that had the broadcast already.
    pub repeats: u64,
    /// The first broadcast that a node delivered twice while it ran, or that it had been given, and the node.
    pub delivered_twice: Option<(BroadcastId, NodeId)>,
    /// Deliveries of what nobody broadcast.
    pub phantoms: u64,
    before: Before,
    broadcasts: Vec<Broadcast>,
}

/// The broadcasts from before the world began: who has which, and since when all that it has.
#[derive(Debug, Default)]
struct Before {
    /// How many there are. Their ids are the first.
    events: u32,
    bytes_each: u64,
    nodes: Vec<(Bits, Time)>,
}

/// One broadcast and its way.
#[derive(Debug)]
pub struct Broadcast {
    /// What.
    pub payload: Payload,
    /// When.
    pub at: Time,
    /// Whether it is one of those that the scenario counts.
    pub counted: bool,
    /// How often its payload was put on a connection.
    pub transmissions: u64,
    /// For each node, the time on the shortest way over the overlay of that moment, in microseconds.
    bound: Vec<Option<u64>>,
    /// For each node, when it was delivered, in microseconds.
    delivered: Vec<u64>,
    /// Who delivered it a second time, though not in one life: when that was last.
    again: BTreeMap<NodeId, Time>,
    /// For each node, over how many hops it came first.
    hops: Vec<u16>,
}

impl Ledger {
    /// The ledger of a world of `nodes` nodes, some of which have what was sent before it began.
    pub fn new(past: Option<&Past>, nodes: u32) -> Ledger {
        let before = past.map(|past| {
            let held = |node| if past.lacks(node) { 0 } else { past.events() };
            let nodes = (0..nodes).map(|node| (Bits::first(held(NodeId(node))), Time::ZERO)).collect();
            Before { events: past.events(), bytes_each: past.payload_bytes() as u64, nodes }
        });
        Ledger { before: before.unwrap_or_default(), ..Ledger::default() }
    }

    /// How many broadcasts from before the world began a node lacks.
    pub fn past_lacking(&self, node: NodeId) -> u64 {
        let Before { events, nodes, .. } = &self.before;
        nodes.get(node.index()).map_or(0, |(held, _)| u64::from(*events) - held.len())
    }

    /// How many bytes of payload a node lacks.
    pub fn bytes_lacking(&self, node: NodeId) -> u64 {
        let lacking = self.broadcasts.iter().filter(|broadcast| !broadcast.has(node));
        let since: u64 = lacking.map(|broadcast| broadcast.payload.text.len() as u64).sum();
        since + self.past_lacking(node) * self.before.bytes_each
    }

    /// When the last of them came to a node.
    pub fn past_came(&self, node: NodeId) -> Time {
        self.before.nodes.get(node.index()).map_or(Time::ZERO, |(_, last)| *last)
    }

    /// A broadcast that was sent since the world began.
    pub fn get(&self, id: BroadcastId) -> Option<&Broadcast> {
        self.broadcasts.get(self.place(id))
    }

    fn get_mut(&mut self, id: BroadcastId) -> Option<&mut Broadcast> {
        let place = self.place(id);
        self.broadcasts.get_mut(place)
    }

    /// Where a broadcast is that was sent since the world began.
    fn place(&self, id: BroadcastId) -> usize {
        id.0.checked_sub(self.before.events).map_or(usize::MAX, |place| place as usize)
    }

    /// The broadcasts, in the order of their ids.
    pub fn broadcasts(&self) -> &[Broadcast] {
        &self.broadcasts
    }

    /// The id of the next broadcast.
    pub fn next_id(&self) -> BroadcastId {
        BroadcastId(self.before.events + self.broadcasts.len() as u32)
    }

    /// A broadcast begins, in a world of `nodes` nodes.
    pub fn begin(&mut self, payload: Payload, at: Time, counted: bool, bound: Vec<Option<u64>>, nodes: usize) {
        let origin = payload.origin.index();
        let (mut delivered, mut hops) = (vec![NEVER; nodes], vec![UNKNOWN; nodes]);
        (delivered[origin], hops[origin]) = (at.as_micros(), 0);
        let again = BTreeMap::new();
        self.broadcasts.push(Broadcast { payload, at, counted, transmissions: 0, bound, delivered, again, hops });
    }

    /// Copies of a frame are sent. Returns, for each payload in it, how many hops that will have made when it arrives.
    pub fn on_sent(
        &mut self,
        by: NodeId,
        bytes: usize,
        carries: &[BroadcastId],
        copies: u64,
    ) -> Vec<(BroadcastId, u16)> {
        let (all_bytes, totals) = (bytes as u64 * copies, &mut self.totals);
        if carries.is_empty() {
            totals.control_frames += copies;
            totals.control_bytes += all_bytes;
            return Vec::new();
        }
        totals.payload_frames += copies;
        totals.payload_bytes += all_bytes;
        let mut tags = Vec::with_capacity(carries.len());
        for id in carries {
            if let Some(broadcast) = self.get_mut(*id) {
                broadcast.transmissions += copies;
                tags.push((*id, broadcast.hops[by.index()].saturating_add(1)));
            }
        }
        tags
    }

    /// A frame has arrived. What it carries came over so many hops, unless it came before.
    pub fn on_arrived(&mut self, at: NodeId, tags: &[(BroadcastId, u16)]) {
        for (id, hop) in tags {
            if let Some(broadcast) = self.get_mut(*id)
                && broadcast.hops[at.index()] == UNKNOWN
            {
                broadcast.hops[at.index()] = *hop;
            }
        }
    }

    /// A node that runs since `since` delivers a broadcast to its application.
    pub fn on_delivered(&mut self, now: Time, by: NodeId, since: Time, id: BroadcastId) {
        if id.0 < self.before.events {
            let Some((held, last)) = self.before.nodes.get_mut(by.index()) else { return };
            *last = now;
            self.repeats += u64::from(!held.insert(id));
            return;
        }
        let place = self.place(id);
        let Some(broadcast) = self.broadcasts.get_mut(place) else {
            self.phantoms += 1;
            return;
        };
        let delivered = &mut broadcast.delivered[by.index()];
        if *delivered == NEVER {
            *delivered = now.as_micros();
            return;
        }
        self.repeats += 1;
        // What it had from before a restart may come again once: its disk is the application's.
        let last = broadcast.again.insert(by, now).map_or(*delivered, Time::as_micros);
        if last >= since.as_micros() {
            self.delivered_twice.get_or_insert((id, by));
        }
    }

    /// A node is given a broadcast from outside.
    pub fn on_given(&mut self, now: Time, node: NodeId, id: BroadcastId) {
        if let Some(broadcast) = self.get_mut(id) {
            (broadcast.delivered[node.index()], broadcast.hops[node.index()]) = (now.as_micros(), 0);
        }
    }

    /// Whether a node has a broadcast.
    pub fn has(&self, node: NodeId, id: BroadcastId) -> bool {
        self.get(id).is_some_and(|broadcast| broadcast.has(node))
    }

    /// A node has lost all that it had.
    pub fn forget(&mut self, node: NodeId) {
        if let Some(before) = self.before.nodes.get_mut(node.index()) {
            *before = <(Bits, Time)>::default();
        }
        for broadcast in &mut self.broadcasts {
            (broadcast.delivered[node.index()], broadcast.hops[node.index()]) = (NEVER, UNKNOWN);
            broadcast.again.remove(&node);
        }
    }

    /// What a node has of what was sent since the world began.
    pub fn held_by(&self, node: NodeId) -> Vec<Payload> {
        let held = self.broadcasts.iter().filter(|broadcast| broadcast.has(node));
        held.map(|broadcast| broadcast.payload.clone()).collect()
    }
}

impl Broadcast {
    /// Whether a node has it.
    pub fn has(&self, node: NodeId) -> bool {
        self.delivered[node.index()] != NEVER
    }

    /// How many nodes have it, its sender included.
    pub fn reached(&self) -> u64 {
        self.delivered.iter().filter(|at| **at != NEVER).count() as u64
    }

    /// How long it took to a node, in microseconds.
    pub fn time_to(&self, node: NodeId) -> Option<u64> {
        let at = self.delivered[node.index()];
        (at != NEVER).then(|| at.saturating_sub(self.at.as_micros()))
    }

    /// Over how many hops it came to a node.
    pub fn hops_to(&self, node: NodeId) -> Option<u16> {
        let hops = self.hops[node.index()];
        (self.has(node) && hops != UNKNOWN).then_some(hops)
    }

    /// How long it takes to a node on the shortest way, in microseconds. `None` if there was no way, or it is not
    /// counted.
    pub fn bound_to(&self, node: NodeId) -> Option<u64> {
        self.bound.get(node.index()).copied().flatten()
    }
}
