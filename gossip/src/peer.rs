//! One connected peer.

use crate::{Address, Dialect, Digest, Direction, InstanceId, OriginId, Score, Time};
use std::fmt;
use std::time::Duration;

/// A connection, as the driver numbers them. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// What is known of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) direction: Direction,
    pub(crate) dialect: Dialect,
    /// The key that it has proven to hold.
    pub(crate) key: Option<OriginId>,
    /// Where we dialled, or where it dialled from.
    pub(crate) observed: Address,
    pub(crate) since: Time,
    /// Set by a hello; a script has none.
    pub(crate) node: Option<Node>,
    /// Whether it is a link, on both sides: only these carry payload between nodes.
    pub(crate) linked: bool,
    /// The last round trip.
    pub(crate) rtt: Option<Duration>,
    /// Whether any frame has come.
    pub(crate) spoken: bool,
    /// The last digest that it told.
    pub(crate) digest: Option<Digest>,
    /// Events that were first heard from it, and events of it that were known already.
    pub(crate) learned: u64,
    pub(crate) duplicates: u64,
}

/// What a hello told.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) node_id: String,
    pub(crate) instance: InstanceId,
    /// Where it can be dialled, if it listens.
    pub(crate) address: Option<Address>,
}

/// A connected peer, for whoever shows them.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerView {
    /// The connection.
    pub peer: PeerId,
    /// The name it claims, if it said hello.
    pub node_id: Option<String>,
    /// The key that it has proven to hold, if it was asked to.
    pub public_key: Option<OriginId>,
    /// Where it can be dialled, else where it dialled from.
    pub address: Address,
    /// Who dialled.
    pub direction: Direction,
    /// What is spoken.
    pub dialect: Dialect,
    /// Whether it has said anything yet.
    pub spoken: bool,
    /// Since when it is connected.
    pub since: Time,
    /// Whether the digest that it told last is one that we have held in the last seconds. `None`: it told none.
    pub in_sync: Option<bool>,
    /// The digest that it told last.
    pub digest: Option<Digest>,
    /// How it behaves.
    pub score: Score,
    /// Events that were first heard from it.
    pub learned: u64,
    /// Events of it that were known already.
    pub duplicates: u64,
}

impl Peer {
    pub(crate) fn view(&self, peer: PeerId, in_sync: Option<bool>, score: Score) -> PeerView {
        PeerView {
            peer,
            node_id: self.node.as_ref().map(|node| node.node_id.clone()),
            public_key: self.key,
            address: self.listens().unwrap_or(&self.observed).clone(),
            direction: self.direction,
            dialect: self.dialect,
            spoken: self.spoken,
            since: self.since,
            in_sync,
            digest: self.digest.clone(),
            score,
            learned: self.learned,
            duplicates: self.duplicates,
        }
    }

    /// Whether it stays: a node by a link, or a script. All other connections end soon.
    pub(crate) fn stays(&self) -> bool {
        self.linked || (self.dialect == Dialect::Json && self.node.is_none())
    }

    /// Whether it is a script that dialled us.
    pub(crate) fn is_script(&self) -> bool {
        self.direction == Direction::Inbound && self.dialect == Dialect::Json && self.node.is_none()
    }

    /// Where it can be dialled, if it said so.
    pub(crate) fn listens(&self) -> Option<&Address> {
        self.node.as_ref()?.address.as_ref()
    }

    /// Whether events of this node are its own: they are not echoed to it.
    pub(crate) fn is_named(&self, node_id: &str) -> bool {
        self.node.as_ref().is_some_and(|node| node.node_id == node_id)
    }
}
