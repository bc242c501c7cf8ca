//! What happens to a node.

use crate::{Address, Answer, Digest, Event, Held, Message, OriginId, PeerId, Profile, Rotation};
use std::sync::Arc;
use std::time::Duration;

/// One fact, told to [`State::handle`](crate::State::handle).
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A connection stands. The driver draws the id and never uses it twice.
    PeerUp {
        /// The connection.
        peer: PeerId,
        /// Who dialled.
        direction: Direction,
        /// Where we dialled, or where the peer dialled from.
        address: Address,
        /// What is spoken on it.
        dialect: Dialect,
        /// The key that the peer has proven to hold ([`join`](crate::join)); `None` where nobody asked for a proof.
        key: Option<OriginId>,
    },
    /// A connection is gone.
    PeerDown {
        /// The connection.
        peer: PeerId,
    },
    /// An [`Output::Connect`](crate::Output::Connect) came to nothing.
    DialFailed {
        /// The address of that output.
        address: Address,
    },
    /// A frame came, was decoded, and its payload is one that the application takes.
    Message {
        /// From whom.
        peer: PeerId,
        /// What it says.
        message: Message,
    },
    /// A frame came, and the codec or the application refused it.
    Refused {
        /// From whom.
        peer: PeerId,
        /// A stable word for counters.
        reason: &'static str,
        /// Whether the frame was an event, and so counts as a packet received.
        event: bool,
    },
    /// The round trip to a peer was measured.
    Rtt {
        /// Which peer.
        peer: PeerId,
        /// How long it took.
        rtt: Duration,
    },
    /// An event of this node's own, or one that it was given to bring in.
    Broadcast(Event),
    /// What this node holds has changed: its digest now.
    Digest(Digest),
    /// What had waited in the queues to peers has been sent. Told once there is enough of it to measure: a few frames a second
    /// at most, and nothing while nothing waits.
    Drained {
        /// How many bytes.
        bytes: u64,
        /// How long that took.
        took: Duration,
    },
    /// What the wall clock shows now, in microseconds since the epoch: told when it was set, or drifts away from what
    /// [`Me::epoch_micros`](crate::Me::epoch_micros) and the time since then come to. Told now and then it does no harm.
    Clock {
        /// That.
        micros: u64,
    },
    /// What the store holds: once, before anything else, by a node that starts with a store that is not empty.
    Held(Held),
    /// The store has dropped all that is older than `before`, and will not take any of it again.
    Dropped {
        /// Microseconds since the epoch.
        before: u64,
    },
    /// The store answers an [`Output::Ask`](crate::Output::Ask).
    Answer(Answer),
    /// Changes of keys that this node knows of, and that hold: once, by a node that starts.
    Rotations(Vec<Rotation>),
    /// What origins have declared, this node included, as far as it is known, and that holds: once, by a node that starts.
    Profiles(Vec<Arc<Profile>>),
    /// A bundle of this origin came with a second signature from a peer, and what the origin declares is not known: the bundle was
    /// refused, and not remembered.
    Undeclared {
        /// Who sent it.
        peer: PeerId,
        /// Whose bundle it is.
        origin: OriginId,
    },
    /// The moment that [`State::next_wakeup`](crate::State::next_wakeup) named has come.
    Tick,
}

impl Input {
    /// Whether connections or addresses may have changed by it.
    pub(crate) fn concerns_membership(&self) -> bool {
        match self {
            Input::PeerUp { .. } | Input::PeerDown { .. } | Input::DialFailed { .. } => true,
            Input::Message { message, .. } => matches!(
                message,
                Message::Hello(_)
                    | Message::Peers(_)
                    | Message::Neighbor(_)
                    | Message::NeighborReply { .. }
                    | Message::ForwardJoin { .. }
                    | Message::Disconnect { .. }
            ),
            Input::Refused { .. } | Input::Rtt { .. } | Input::Broadcast(_) | Input::Digest(_) => false,
            Input::Drained { .. } | Input::Clock { .. } => false,
            Input::Held(_) | Input::Dropped { .. } | Input::Answer(_) | Input::Rotations(_) => false,
            Input::Profiles(_) | Input::Undeclared { .. } | Input::Tick => false,
        }
    }
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON in text frames ([`json`](crate::json)): anybody.
    Json,
    /// Binary frames ([`wire`](crate::wire)): nodes among themselves.
    V2,
}

/// Who dialled whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer dialled us.
    Inbound,
    /// We dialled the peer.
    Outbound,
}
