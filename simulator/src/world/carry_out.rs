//! What nodes want done.

use super::{Happening, Item, Sent, World};
use crate::connections::opposite;
use crate::network::Passage;
use crate::protocol::{ConnId, Effect, NodeId};
use gossip::Time;
use std::rc::Rc;

impl World<'_> {
    /// Does what a node wants done, and leaves the list empty.
    pub(super) fn carry_out(&mut self, node: NodeId, effects: &mut Vec<Effect>) {
        // A node that delivers and forwards may name the two in any order: hops are known once it has delivered.
        for effect in effects.iter() {
            match effect {
                Effect::Deliver(id) => {
                    let since = self.slots[node.index()].up_since;
                    self.ledger.on_delivered(self.now, node, since, *id);
                }
                Effect::DeliverPhantom => self.ledger.phantoms += 1,
                _ => {}
            }
        }
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, frame } => {
                    let ends: Vec<ConnId> = to.into_iter().filter(|end| self.has(node, *end)).collect();
                    let tags = self.ledger.on_sent(node, frame.bytes.len(), &frame.carries, ends.len() as u64);
                    let sent = Rc::new(Sent { bytes: frame.bytes, tags });
                    ends.into_iter().for_each(|end| self.transmit(end, Item::Frame(Rc::clone(&sent))));
                }
                Effect::Connect { peer } => self.dial(node, peer),
                Effect::Disconnect { conn } => self.disconnect(node, conn),
                Effect::Deliver(_) | Effect::DeliverPhantom => {}
            }
        }
    }

    /// Whether an end is this node's, and open.
    fn has(&self, node: NodeId, end: ConnId) -> bool {
        self.connections.is_open(end) && self.connections.node(end) == Some(node)
    }

    /// Puts something on its way from an end.
    pub(super) fn transmit(&mut self, end: ConnId, item: Item) {
        let (Some(from), Some(to)) = (self.connections.node(end), self.connections.node(opposite(end))) else { return };
        if self.connections.is_broken(end) {
            return;
        }
        match self.network.passage(self.now, from, to, item.bytes()) {
            Passage::Arrives(at) => self.arrive(end, at, item),
            Passage::ArrivesTwice(at) => {
                self.arrive(end, at, item.clone());
                self.arrive(end, at, item);
            }
            Passage::Held => self.connections.hold(end, item),
            Passage::Lost => {}
            Passage::Resets => self.reset_connection(end),
        }
    }

    /// Plans that something from an end arrives at `at`, or right behind what was sent on the connection before it.
    fn arrive(&mut self, end: ConnId, at: Time, item: Item) {
        let at = self.connections.arrival(end, at);
        self.queue.push(at, Happening::Arrival { end: opposite(end), item });
    }

    /// A connection is reset somewhere on its way. Each side hears of it after the way there.
    pub(super) fn reset_connection(&mut self, end: ConnId) {
        let (Some(from), Some(to)) = (self.connections.node(end), self.connections.node(opposite(end))) else { return };
        if !self.connections.is_broken(end) {
            self.connections.break_off(end);
            let at = self.now + self.network.geography().latency(from, to);
            self.queue.push(at, Happening::Noticed { end });
            self.queue.push(at, Happening::Noticed { end: opposite(end) });
        }
    }

    fn dial(&mut self, from: NodeId, to: NodeId) {
        let epoch = self.slots[from.index()].epoch;
        if to.index() >= self.slots.len() {
            // Nobody is there yet: the machine answers that the port is closed.
            self.queue.push(self.now, Happening::Dialled { from, epoch, to, end: None });
            return;
        }
        // A dial needs both ways. There is no answer through a partition or a clog: it waits in vain.
        let network = &self.network;
        if network.parted(from, to) || network.clogged(from, to) || network.clogged(to, from) {
            let at = self.now + network.dial_timeout();
            self.queue.push(at, Happening::Dialled { from, epoch, to, end: None });
        } else {
            let at = self.now + network.geography().latency(from, to);
            self.queue.push(at, Happening::Dial { from, epoch, to });
        }
    }

    fn disconnect(&mut self, node: NodeId, end: ConnId) {
        if self.has(node, end) {
            self.connections.close(end);
            self.slots[node.index()].ends.remove(&end);
            self.transmit(end, Item::Close);
        }
    }
}
