//! The door behind which every measured protocol stands: facts in, effects out.
//!
//! It is `gossip`'s own door with bytes for messages, so that protocols with codecs of their own fit behind it, and
//! with one thing more: a protocol tells which broadcasts a frame carries, so that the world can count without reading
//! it.

use crate::past::Past;
use gossip::{Fingerprint, Time};
use rand_chacha::ChaCha8Rng;
use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A node of the world, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Its place.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One end of a connection, as the node at that end knows it. The two ends have different ids: a node may dial itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// A broadcast, by the order in which they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BroadcastId(pub u32);

/// What a node's clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its monotonic clock: the world's virtual time.
    pub clock: Time,
    /// Its wall clock, in microseconds: the same, but skewed. May be negative, and may step back.
    pub wall: i64,
}

/// What is broadcast: an event object, as the application of Beauty Mesh writes it, padded to the size that the
/// scenario names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Which broadcast this is.
    pub id: BroadcastId,
    /// Whose it is.
    pub origin: NodeId,
    /// The JSON text.
    pub text: Arc<str>,
}

impl Payload {
    /// The smallest size that an event object fits into, in bytes.
    pub const MIN_BYTES: usize = 160;

    /// The payload of a broadcast that `origin` sends when its wall clock shows `wall` microseconds, of `bytes` bytes.
    pub fn new(id: BroadcastId, origin: NodeId, wall: i64, bytes: usize) -> Payload {
        let (event, name, timestamp) = (Uuid::from_u128(id.0.into()), node_name(origin), wall.div_euclid(1_000));
        let mut text = format!(
            r#"{{"event_id":"{event}","node_id":"{name}","timestamp":{timestamp},"beauty":0.5,"source":"sim","pad":""}}"#
        );
        let missing = bytes.saturating_sub(text.len());
        text.insert_str(text.len() - 2, &"x".repeat(missing));
        Payload { id, origin, text: text.into() }
    }

    /// The broadcast whose payload this text is, if it is one.
    pub fn id_of(text: &[u8]) -> Option<BroadcastId> {
        let id = text.strip_prefix(br#"{"event_id":""#)?.get(..36)?;
        Payload::id_from(Uuid::try_parse_ascii(id).ok()?)
    }

    /// The broadcast that an event id stands for.
    pub fn id_from(event: Uuid) -> Option<BroadcastId> {
        u32::try_from(event.as_u128()).ok().map(BroadcastId)
    }
}

/// The name of a node, as it stands in its events.
pub fn node_name(node: NodeId) -> String {
    format!("n{}", node.0)
}

/// With what a node starts.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Its place.
    pub node: NodeId,
    /// The nodes whose addresses it is given.
    pub contacts: Vec<NodeId>,
    /// Whether the contacts are its overlay: it connects to them and looks for no others.
    pub overlay_given: bool,
    /// How far its wall clock is ahead, in microseconds.
    pub skew: i64,
    /// Its own generator.
    pub rng: ChaCha8Rng,
    /// What its disk holds: the payloads that it had before a restart, but for those from before the world began.
    pub kept: Vec<Payload>,
    /// What else it does: what [`SimNode::disk`] gave when the node ended.
    pub disk: Option<Rc<dyn Any>>,
    /// What [`Protocol::common`] gave.
    pub common: Rc<dyn Any>,
    /// Whether what was sent before the world began is on its disk.
    pub has_past: bool,
}

/// One fact, told to a node.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// It has just started. The first fact of each.
    Started,
    /// A connection stands.
    Up {
        /// Our end.
        conn: ConnId,
        /// Who is at the other.
        peer: NodeId,
        /// Whether we dialled.
        dialled: bool,
    },
    /// A connection is gone. Not told to the side that closed it.
    Down {
        /// Our end.
        conn: ConnId,
    },
    /// An [`Effect::Connect`] came to nothing.
    DialFailed {
        /// Who was dialled.
        peer: NodeId,
    },
    /// A frame came.
    Frame {
        /// On which connection.
        conn: ConnId,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The node's application broadcasts.
    Broadcast(&'a Payload),
    /// What had to wait for its uplink has been sent.
    Drained {
        /// How many bytes.
        bytes: u64,
        /// How long that took.
        took: Duration,
    },
    /// The moment that [`SimNode::next_wakeup`] named has come.
    Wake,
}

/// One deed of a node. Deliveries are taken first, the rest in their order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send a frame on connections.
    Send {
        /// On which. One that is gone is passed over.
        to: Vec<ConnId>,
        /// The frame.
        frame: Frame,
    },
    /// Dial. Answered by [`Fact::Up`] or [`Fact::DialFailed`].
    Connect {
        /// Whom.
        peer: NodeId,
    },
    /// Close a connection. What was sent on it before still arrives.
    Disconnect {
        /// Our end.
        conn: ConnId,
    },
    /// A broadcast has come, for the application.
    Deliver(BroadcastId),
    /// Something has come for the application that nobody broadcast: a fault of the protocol, and counted.
    DeliverPhantom,
}

/// Bytes on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// As they are on the wire.
    pub bytes: Box<[u8]>,
    /// The broadcasts whose payload is in them. None: a control frame.
    pub carries: Vec<BroadcastId>,
}

/// A node of a measured protocol: a state machine that the world drives.
pub trait SimNode {
    /// Takes in one fact, and appends what is to be done. Total: no fact is an error.
    fn handle(&mut self, now: Moment, fact: Fact<'_>, effects: &mut Vec<Effect>);

    /// When to tell it [`Fact::Wake`] at the latest. A moment in the past means now.
    fn next_wakeup(&self) -> Option<Time>;

    /// The nodes that it may send payload to, in ascending order: its edges of the overlay, over which the bound is
    /// computed.
    fn neighbours(&self) -> Vec<NodeId>;

    /// Whether its state is sound, at the time of its monotonic clock.
    ///
    /// # Errors
    /// The invariant that does not hold, in words.
    fn check(&self, _now: Time) -> Result<(), String> {
        Ok(())
    }

    /// Whether it knows that its peers hold what it holds: they do, and nothing is on its way.
    ///
    /// # Errors
    /// Of whom it does not know it.
    fn check_rest(&self, _now: Time) -> Result<(), String> {
        Ok(())
    }

    /// Against how many origins it has a proof that they have signed two things under one number.
    fn cheats(&self) -> usize {
        0
    }

    /// What it keeps to pass on, as one sum: equal sums, equal sets.
    fn holds(&self) -> Fingerprint {
        Fingerprint::default()
    }

    /// What its disk holds beside payloads, when it ends.
    fn disk(&self) -> Option<Rc<dyn Any>> {
        None
    }
}

/// A measured protocol.
pub trait Protocol {
    /// Its name, a word for tables and the command line.
    fn name(&self) -> &'static str;

    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// Whether it can work on an overlay that is given to it.
    fn takes_overlay(&self) -> bool;

    /// Whether its nodes can have what was sent before the world began.
    fn takes_past(&self) -> bool {
        false
    }

    /// What the nodes of one world have in common, so that it is in memory once: the past, if there is one.
    fn common(&self, _past: Option<&Past>) -> Rc<dyn Any> {
        Rc::new(())
    }

    /// A node of it. It is told [`Fact::Started`] next.
    fn start(&self, seat: Seat) -> Box<dyn SimNode>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_the_size_asked_for_and_names_its_broadcast() {
        for (id, wall, bytes) in [(0, 0, 160), (u32::MAX, i64::MIN, 160), (7, i64::MAX, 2_048)] {
            let payload = Payload::new(BroadcastId(id), NodeId(u32::MAX), wall, bytes);
            assert_eq!(payload.text.len(), bytes, "{}", payload.text);
            assert_eq!(Payload::id_of(payload.text.as_bytes()), Some(BroadcastId(id)));
            let event = gossip::json::decode_event_object(&payload.text).unwrap();
            assert_eq!(Payload::id_from(event.id), Some(BroadcastId(id)));
        }
        assert_eq!(Payload::id_of(b"{}"), None);
    }
}
