//! A mesh in which some nodes are hostile: they speak the protocol, and pass on nothing, or late, or only say that they do.

use super::Ours;
use crate::past::Past;
use crate::protocol::{Effect, Fact, Frame, Moment, NodeId, Protocol, Seat, SimNode};
use gossip::{Exchange, Message, Time, wire};
use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// How late whoever delays passes on.
const LATE: Duration = Duration::from_secs(1);
/// The age of an announcement, in tenths of a millisecond, that makes it the earliest that is believed.
const EARLIEST: u16 = 2_000;

/// What a hostile node does with what others have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It passes on nothing, and announces nothing.
    Drop,
    /// It passes on and announces a second late.
    Delay,
    /// It announces as the first of all, and sends nothing.
    Lie,
}

/// The protocol of this checkout, with hostile nodes among its nodes.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    inner: Ours,
    tenths: u32,
}

impl Hostile {
    /// So many of ten nodes are hostile: some drop, some delay, some lie.
    pub fn new(tenths: u32) -> Hostile {
        Hostile { inner: Ours::trees(), tenths }
    }

    /// What a node does. The same nodes are hostile whatever the share, so that worlds can be compared.
    pub fn deed(self, node: NodeId) -> Option<Deed> {
        // Seven and ten have no divisor in common: hostile nodes are spread over all places.
        let place = node.0.wrapping_mul(7) % 10;
        let deeds = [Deed::Drop, Deed::Delay, Deed::Lie];
        (place < self.tenths).then(|| deeds[(node.0 / 10 + place) as usize % deeds.len()])
    }
}

impl Protocol for Hostile {
    fn name(&self) -> &'static str {
        "hostile"
    }

    fn about(&self) -> &'static str {
        "this checkout, nodes speaking v2, some of which drop, delay, or lie"
    }

    fn takes_overlay(&self) -> bool {
        true
    }

    fn common(&self, past: Option<&Past>) -> Rc<dyn Any> {
        self.inner.common(past)
    }

    fn start(&self, seat: Seat) -> Box<dyn SimNode> {
        let deed = self.deed(seat.node);
        let node = self.inner.start(seat);
        match deed {
            None => node,
            Some(deed) => Box::new(Node { inner: node, deed, late: BTreeMap::new(), number: 0 }),
        }
    }
}

struct Node {
    inner: Box<dyn SimNode>,
    deed: Deed,
    /// What is sent late, by when.
    late: BTreeMap<(Time, u64), Effect>,
    number: u64,
}

impl SimNode for Node {
    fn handle(&mut self, now: Moment, fact: Fact<'_>, effects: &mut Vec<Effect>) {
        let mut meant = Vec::new();
        let own = matches!(fact, Fact::Broadcast(_));
        self.inner.handle(now, fact, &mut meant);
        for effect in meant {
            match effect {
                Effect::Send { to, frame } if !own => self.send(now.clock, Effect::Send { to, frame }, effects),
                effect => effects.push(effect),
            }
        }
        while let Some(first) = self.late.first_entry().filter(|first| first.key().0 <= now.clock) {
            effects.push(first.remove());
        }
    }

    fn next_wakeup(&self) -> Option<Time> {
        let late = self.late.first_key_value().map(|((at, _), _)| *at);
        [self.inner.next_wakeup(), late].into_iter().flatten().min()
    }

    fn neighbours(&self) -> Vec<NodeId> {
        self.inner.neighbours()
    }

    fn disk(&self) -> Option<Rc<dyn Any>> {
        self.inner.disk()
    }
}

impl Node {
    /// What becomes of a frame that an honest node would send.
    fn send(&mut self, now: Time, effect: Effect, effects: &mut Vec<Effect>) {
        let Effect::Send { to, frame } = &effect else { return };
        let passes_on = |message: &Message| {
            matches!(
                message,
                Message::Bundle { .. }
                    | Message::IHave(_)
                    | Message::Probe(_)
                    | Message::Exchange(Exchange::Missed { .. })
            )
        };
        let Some(message) = wire::decode(&frame.bytes).ok().filter(passes_on) else { return effects.push(effect) };
        match (self.deed, message) {
            (Deed::Lie, Message::IHave(mut announcement)) => {
                announcement.bundles.iter_mut().for_each(|announced| announced.age = EARLIEST);
                let bytes = wire::encode(&Message::IHave(announcement)).unwrap_or_default().into_boxed_slice();
                effects.push(Effect::Send { to: to.clone(), frame: Frame { bytes, carries: Vec::new() } });
            }
            (Deed::Drop | Deed::Lie, _) => {}
            (Deed::Delay, _) => {
                self.number += 1;
                self.late.insert((now + LATE, self.number), effect);
            }
        }
    }
}
