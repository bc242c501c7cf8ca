//! A mesh in which the first node says different things under one number: to some of its peers this, to others that.

use super::Ours;
use crate::past::Past;
use crate::protocol::{BroadcastId, ConnId, Effect, Fact, Frame, Moment, NodeId, Payload, Protocol, Seat, SimNode};
use gossip::{Bundle, Event, Fingerprint, Message, Time, wire};
use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Who has so many faces.
pub const CHEAT: NodeId = NodeId(0);

/// The protocol of this checkout, with one node that cheats.
#[derive(Clone, Copy, Debug)]
pub struct TwoFaced {
    inner: Ours,
    faces: usize,
}

impl TwoFaced {
    /// Of each so many broadcasts of the first node, one is sent under the number of another: each of its peers hears one.
    pub fn new(faces: usize) -> TwoFaced {
        TwoFaced { inner: Ours::trees(), faces: faces.max(1) }
    }
}

impl Protocol for TwoFaced {
    fn name(&self) -> &'static str {
        "two-faced"
    }

    fn about(&self) -> &'static str {
        "this checkout, nodes speaking v2, the first of which says several things under one number"
    }

    fn takes_overlay(&self) -> bool {
        true
    }

    fn common(&self, past: Option<&Past>) -> Rc<dyn Any> {
        self.inner.common(past)
    }

    fn start(&self, seat: Seat) -> Box<dyn SimNode> {
        let (cheats, faces) = (seat.node == CHEAT, self.faces);
        let inner = self.inner.start(seat);
        if !cheats {
            return inner;
        }
        Box::new(Node { inner, faces, waiting: Vec::new(), others: BTreeMap::new() })
    }
}

struct Node {
    inner: Box<dyn SimNode>,
    faces: usize,
    /// What is to be said under one number, until there is enough of it.
    waiting: Vec<Payload>,
    /// What is said instead of a broadcast that the inner node knows of.
    others: BTreeMap<BroadcastId, Vec<Payload>>,
}

impl SimNode for Node {
    fn handle(&mut self, now: Moment, fact: Fact<'_>, effects: &mut Vec<Effect>) {
        let mut meant = Vec::new();
        match fact {
            Fact::Broadcast(payload) => {
                self.waiting.push(payload.clone());
                if self.waiting.len() < self.faces {
                    return;
                }
                let mut said = std::mem::take(&mut self.waiting).into_iter();
                let Some(first) = said.next() else { return };
                self.others.insert(first.id, said.collect());
                self.inner.handle(now, Fact::Broadcast(&first), &mut meant);
            }
            fact => self.inner.handle(now, fact, &mut meant),
        }
        for effect in meant {
            match effect {
                Effect::Send { to, frame } => self.send(&to, frame, effects),
                // Its own, which come back to it.
                Effect::Deliver(id) if self.others.values().flatten().any(|payload| payload.id == id) => {}
                effect => effects.push(effect),
            }
        }
    }

    fn next_wakeup(&self) -> Option<Time> {
        self.inner.next_wakeup()
    }

    fn neighbours(&self) -> Vec<NodeId> {
        self.inner.neighbours()
    }

    fn disk(&self) -> Option<Rc<dyn Any>> {
        self.inner.disk()
    }

    fn cheats(&self) -> usize {
        self.inner.cheats()
    }

    fn holds(&self) -> Fingerprint {
        self.inner.holds()
    }
}

impl Node {
    /// What becomes of a frame that an honest node would send: each peer has a face of its own.
    fn send(&self, to: &[ConnId], frame: Frame, effects: &mut Vec<Effect>) {
        let Some((way, bundle, others)) = self.two_faced(&frame) else {
            return effects.push(Effect::Send { to: to.to_vec(), frame });
        };
        for conn in to {
            // The two ends of a connection have numbers side by side.
            let face = (conn.0 / 2) as usize % self.faces;
            let frame = match face.checked_sub(1).and_then(|face| others.get(face)) {
                None => frame.clone(),
                Some(payload) => {
                    let node_id = Arc::clone(&bundle.events[0].node_id);
                    let id = uuid::Uuid::from_u128(payload.id.0.into());
                    let event = Event { id, node_id, json: Arc::clone(&payload.text) };
                    let bundle = Bundle { events: vec![event].into(), ..bundle.clone() };
                    let bytes = wire::encode(&Message::Bundle { way, bundle }).unwrap_or_default();
                    Frame { bytes: bytes.into_boxed_slice(), carries: vec![payload.id] }
                }
            };
            effects.push(Effect::Send { to: vec![*conn], frame });
        }
    }

    /// The bundle in a frame, and what else is said under its number.
    fn two_faced(&self, frame: &Frame) -> Option<(gossip::Way, Bundle, &Vec<Payload>)> {
        let [id] = frame.carries[..] else { return None };
        let others = self.others.get(&id)?;
        match wire::decode(&frame.bytes) {
            Ok(Message::Bundle { way, bundle }) if bundle.events.len() == 1 => Some((way, bundle, others)),
            _ => None,
        }
    }
}
