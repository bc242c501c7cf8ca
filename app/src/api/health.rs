//! A node in a few numbers, and who signs in which name.

use serde::{Deserialize, Serialize};

/// How many names are told in which more than one key signs: the first.
pub const MOST_CONFLICTS: usize = 16;

/// `GET /federated/health`: this node in a few numbers.
///
/// The averages are those of the mesh over the last `window_seconds`; `events` and `digest` are of all that is retained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or a word for what is wrong: `disk-failed`, `second-key-missing`, or `key-in-use-twice` where a copy of this node runs elsewhere.
    pub status: String,
    /// The name of the mesh.
    pub mesh: String,
    /// The name of this node: a claim.
    pub node_id: String,
    /// The Ed25519 key of this node, in hex: by it others know the node, whatever its name.
    pub public_key: Option<String>,
    /// The version of the binary.
    pub version: String,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// The milliseconds since the Unix epoch by this node's clock.
    pub now: u64,
    /// By how many milliseconds this node's clock is ahead of its peers' (below zero: behind), by the median of what they tell.
    #[serde(default)]
    pub clock_ahead_ms: Option<i64>,
    /// How many peers are connected.
    pub peers: usize,
    /// The mean score of the window.
    pub beauty_avg: Option<f64>,
    /// The lowest score of the window.
    pub beauty_min: Option<f64>,
    /// The highest score of the window.
    pub beauty_max: Option<f64>,
    /// The standard deviation of the window over 0.5, in \[0, 1\].
    pub chaos: Option<f64>,
    /// How long the window of these averages is.
    pub window_seconds: u64,
    /// Distinct events retained.
    pub events: u64,
    /// Distinct events accepted, own ones included.
    pub gossip_seen: u64,
    /// Transmissions of events to peers.
    pub gossip_propagated: u64,
    /// The digest of the set of events, in hex: equal digests over the same range, equal sets.
    pub digest: String,
    /// From which full hour on the digest counts.
    pub digest_from: u64,
    /// How many nodes have events in the map or are known as peers, this one included.
    pub nodes: usize,
    /// Names in which more than one key signs, 16 at most.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// Whether this node signs its events a second time, by ML-DSA-65.
    #[serde(default)]
    pub signs_twice: bool,
}

/// A name in which more than one key signs. The first one keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The name.
    pub node_id: String,
    /// The first key, in hex.
    pub public_key: String,
    /// The others.
    pub others: Vec<String>,
}

/// `GET /federated/nodes`: who signs in a name. Exactly one of the two keys is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub node_id: String,
    /// The first key that signed in it, in hex, if it is that key's own name.
    pub public_key: Option<String>,
    /// The key of the first node that vouched for it, if it is a script's without a key.
    pub vouched_by: Option<String>,
    /// Other keys that sign in it all the same: a conflict.
    pub others: Vec<String>,
}
