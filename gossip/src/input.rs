//! What happens to a node.

use crate::{Address, Digest, Event, Message, PeerId};

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
    /// An event of this node's own, or one that it was given to bring in.
    Broadcast(Event),
    /// What this node holds has changed: its digest now.
    Digest(Digest),
    /// The moment that [`State::next_wakeup`](crate::State::next_wakeup) named has come.
    Tick,
}

/// Who dialled whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer dialled us.
    Inbound,
    /// We dialled the peer.
    Outbound,
}
