//! A connected peer.

use serde::{Deserialize, Serialize};

/// One connected peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// The name that the peer claims; `null` for a script that never said one.
    pub node_id: Option<String>,
    /// The Ed25519 key that it has proven to hold, in hex; `null` for a script that did not join by one.
    pub public_key: Option<String>,
    /// Where it can be dialled, or where it dialled from.
    pub address: String,
    /// Who dialled.
    pub direction: Direction,
    /// Whether it has spoken yet.
    pub state: PeerState,
    /// How it speaks.
    pub dialect: Dialect,
    /// Connected since.
    pub since: u64,
    /// The last round trip, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Frames sent to it.
    pub sent: u64,
    /// Frames received from it.
    pub received: u64,
    /// Frames and bundles of it that were refused.
    #[serde(default)]
    pub refused: u64,
    /// How it keeps to the rules: 0 while it does, below where it doesn't; at -100 it is banned.
    #[serde(default)]
    pub score: i32,
    /// Events that were first heard from it.
    #[serde(default)]
    pub learned: u64,
    /// Events of it that were known already.
    #[serde(default)]
    pub duplicates: u64,
    /// Duplicates per event first heard from it; `null` before the first.
    #[serde(default)]
    pub redundancy: Option<f64>,
    /// Whether its digest equals ours; `null` while it has told none.
    pub in_sync: Option<bool>,
    /// How many events it says that its digest counts; `null` while it has told none.
    #[serde(default)]
    pub events: Option<u64>,
    /// Whether it has declared that it signs its events a second time, by ML-DSA-65.
    #[serde(default)]
    pub signs_twice: bool,
    /// When the last frame came, pongs included.
    pub last_seen: u64,
}

/// Who dialled whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The peer dialled us.
    Inbound,
    /// We dialled the peer.
    Outbound,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerState {
    /// Connected, and has said nothing yet.
    Connecting,
    /// Connected, and has spoken.
    Connected,
}

/// What a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Text frames with JSON, the readable dialect.
    Json,
    /// Binary frames, as nodes speak among themselves.
    V2,
}
