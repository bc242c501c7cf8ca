//! What befalls the world.

use super::{Happening, World};
use crate::connections::opposite;
use crate::network::NodeSet;
use crate::protocol::{ConnId, NodeId};
use crate::scenario::Impair;
use gossip::Time;
use std::time::Duration;

impl World<'_> {
    /// Nothing passes between two sets of nodes any more. Connections between them break, which both sides notice by
    /// the silence: a partition that ends before that has broken them all the same.
    pub fn partition(&mut self, one: NodeSet, other: NodeSet) {
        self.network.part(one, other);
        let at = self.now + self.network.silence();
        for end in self.diallers_ends() {
            if self.pair(end).is_some_and(|(a, b)| self.network.parted(a, b)) {
                self.break_off(end, at);
            }
        }
    }

    /// All partitions end.
    pub fn heal(&mut self) {
        self.network.heal();
    }

    /// What one set sends to another is held back from now on. What is in flight arrives.
    pub fn clog(&mut self, from: NodeSet, to: NodeSet) {
        self.network.clog(from, to);
    }

    /// All clogs end, and what was held back goes on its way.
    pub fn unclog(&mut self) {
        self.network.unclog();
        for (end, item) in self.connections.release() {
            self.transmit(end, item);
        }
    }

    /// A node ends without a word of its own. Its system closes its connections; or, `silent`, the machine is dead, and
    /// its peers notice by the silence. What was in flight is lost either way.
    pub fn crash(&mut self, node: NodeId, silent: bool) {
        let slot = &mut self.slots[node.index()];
        let Some(ended) = slot.node.take() else { return };
        slot.disk = ended.disk();
        (slot.epoch, slot.wake) = (slot.epoch + 1, None);
        for end in std::mem::take(&mut slot.ends) {
            self.connections.close(end);
            let Some((_, peer)) = self.pair(end) else { continue };
            let delay = if silent { self.network.silence() } else { self.network.geography().latency(node, peer) };
            self.break_off(opposite(end), self.now + delay);
        }
    }

    /// A node that does not run starts again: with what it had, if its disk is still there, and else with nothing.
    pub fn restart(&mut self, node: NodeId, disk: bool) {
        if self.up_since(node).is_some() {
            return;
        }
        if !disk {
            self.ledger.forget(node);
            let slot = &mut self.slots[node.index()];
            (slot.disk, slot.has_past) = (None, false);
        }
        let kept = self.ledger.held_by(node);
        self.start(node, kept);
    }

    /// All connections of a node are reset.
    pub fn reset(&mut self, node: NodeId) {
        for end in self.slots[node.index()].ends.clone() {
            self.reset_connection(end);
        }
    }

    /// A node's wall clock is off by so many microseconds from now on.
    pub fn skew(&mut self, node: NodeId, micros: i64) {
        self.slots[node.index()].skew = micros;
    }

    /// How long each frame keeps a node busy, and what it can send and take in, in kilobits a second (`None`: what links
    /// have).
    pub fn slow(&mut self, node: NodeId, busy: Duration, uplink_kbit: Option<u64>, downlink_kbit: Option<u64>) {
        self.slots[node.index()].busy = busy;
        self.network.set_bandwidth(node, uplink_kbit, downlink_kbit);
    }

    /// The links of some nodes get worse.
    pub fn impair(&mut self, who: NodeSet, impair: &Impair) {
        self.network.impair(who, impair);
    }

    /// All impairments end. What is on its way stays as late as it is.
    pub fn restore(&mut self) {
        self.network.restore();
    }

    /// Breaks a connection, which whoever is still there notices at `at`.
    fn break_off(&mut self, end: ConnId, at: Time) {
        if !self.connections.is_broken(end) {
            self.connections.break_off(end);
            for end in [end, opposite(end)] {
                if self.connections.is_open(end) {
                    self.queue.push(at, Happening::Noticed { end });
                }
            }
        }
    }

    /// The diallers' ends of all connections that somebody has.
    fn diallers_ends(&self) -> Vec<ConnId> {
        let ends = self.slots.iter().flat_map(|slot| &slot.ends).map(|end| ConnId(end.0 & !1));
        ends.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    fn pair(&self, end: ConnId) -> Option<(NodeId, NodeId)> {
        Some((self.connections.node(end)?, self.connections.node(opposite(end))?))
    }
}
