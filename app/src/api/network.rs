//! Who is connected, who was kept out, and where nodes say that they are.

use super::cheats::Cheat;
use super::peer::{Direction, Peer};
use serde::{Deserialize, Serialize};

/// How many names are told that others vouch for: the first.
pub const MOST_VOUCHED: usize = 256;

/// `GET /federated/network`: who is connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The name of this node.
    pub node_id: String,
    /// The connected peers, by name, then by address.
    pub peers: Vec<Peer>,
    /// Peers whose connection broke in the last day, since the node was started, as they were then: the last 16 that went. Whose events
    /// come by others has not gone.
    #[serde(default)]
    pub gone: Vec<Peer>,
    /// Who is not spoken with for a while.
    #[serde(default)]
    pub banned: Vec<Banned>,
    /// Who could not join this node in the last ten minutes, or would not have it: 64 of each direction at most.
    #[serde(default)]
    pub turned_away: Vec<TurnedAway>,
    /// Who has signed two different bundles under one number, 16 at most; `GET /federated/cheats` has all.
    #[serde(default)]
    pub cheats: Vec<Cheat>,
    /// Where nodes of the mesh say that they are, by name: 240 at most.
    #[serde(default)]
    pub places: Vec<Place>,
    /// Names in which no key of its own signs, and whose events other nodes vouch for: 256 at most.
    #[serde(default)]
    pub vouched: Vec<String>,
}

/// Where a node says that it is, to a tenth of a degree. Its key has signed it; that it is true, nobody has checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The node's name.
    pub node_id: String,
    /// Degrees north of the equator, below zero south of it.
    pub latitude: f64,
    /// Degrees east of Greenwich, below zero west of it.
    pub longitude: f64,
}

/// A connection that came to nothing before there was a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// The address that was dialled, or the host that dialled.
    pub address: String,
    /// Who dialled.
    pub direction: Direction,
    /// The Ed25519 key that the other side named, in hex. It may not be its own.
    pub public_key: Option<String>,
    /// Whether it was the other side that refused.
    pub by_peer: bool,
    /// Why, in a word that stays the same.
    pub reason: String,
    /// Why, in a sentence.
    pub why: String,
    /// How often.
    pub times: u64,
    /// When last.
    pub last: u64,
}

/// Whoever has broken too many rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banned {
    /// Where it is: an address, of IPv6 a network of 64 bits.
    pub host: String,
    /// The key that it claims there, in hex; `null`: whoever is there.
    pub public_key: Option<String>,
    /// A word for what was the last straw.
    pub reason: String,
    /// How many bans it has had, this one included.
    pub times: u32,
    /// When this one ends, in milliseconds since the epoch.
    pub until: u64,
}
