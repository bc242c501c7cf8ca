//! The JSON of the HTTP API, as the server writes it and the page reads it.
//!
//! Owns names and shapes, nothing else. Times are milliseconds since the Unix epoch, scores numbers in \[0, 1\],
//! and what is not known, or of an empty set, is `null`: empty is not zero.

use beauty::{Heatmap, HeatmapDelta};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// `GET /federated/health`: this node in a few numbers.
///
/// The averages are those of the mesh over the last `window_seconds`; `events` and `digest` are of all that is retained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or a word for what is wrong: `disk-failed`, or `key-in-use-twice` where a copy of this node runs elsewhere.
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

/// `GET /federated/network`: who is connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The name of this node.
    pub node_id: String,
    /// The connected peers, by name, then by address.
    pub peers: Vec<Peer>,
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

/// An origin that has signed two different bundles under one number: it cheats, or two nodes have its key. `GET
/// /federated/cheats/{public_key}` is the [proof](CheatProof).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cheat {
    /// The name that the key signs in; `null` where this node has heard none.
    pub node_id: Option<String>,
    /// The key, in hex.
    pub public_key: String,
    /// The number of both bundles: microseconds since the Unix epoch.
    pub seq: u64,
    /// The hashes of their contents, in hex, the smaller one first.
    pub hashes: Vec<String>,
    /// Since when this node has the proof.
    pub since: u64,
}

/// `GET /federated/cheats/{public_key}`: the proof, for anybody to check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheatProof {
    /// The name of the mesh that both were signed for.
    pub mesh: String,
    /// The key that has signed both, in hex.
    pub public_key: String,
    /// The number of both.
    pub seq: u64,
    /// Since when this node has the proof.
    pub since: u64,
    /// The two.
    pub bundles: Vec<SignedBundle>,
}

/// A bundle as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBundle {
    /// The hash of its content, in hex.
    pub hash: String,
    /// The bytes that were signed, in hex.
    pub signed: String,
    /// The Ed25519 signature of these bytes, in hex.
    pub signature: String,
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

/// `GET /federated/gossip/summary`: what gossip has cost so far, since the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GossipSummary {
    /// Distinct events accepted, own ones included.
    pub seen: u64,
    /// Transmissions of events to peers.
    pub propagated: u64,
    /// Event packets received, duplicates included.
    pub total: u64,
    /// Event packets received whose event was known.
    pub duplicates: u64,
    /// Duplicates per event first learned from a peer; `null` before the first.
    pub redundancy: Option<f64>,
    /// What was refused, by reason.
    pub rejected: Counts,
}

/// Counts by name, in JSON an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub Vec<(String, u64)>);

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts: BTreeMap<String, u64> = Deserialize::deserialize(deserializer)?;
        Ok(counts.into_iter().collect())
    }
}

impl FromIterator<(String, u64)> for Counts {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(counts: I) -> Self {
        Self(counts.into_iter().collect())
    }
}

/// The answer to `POST /federated/events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// How many events were accepted.
    pub accepted: usize,
    /// Their ids, in the order of the request.
    pub event_ids: Vec<String>,
}

/// Everything the page shows, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which run of the node counts the deltas; 0 where none follow.
    pub run: u64,
    /// Deltas up to this number are contained.
    pub seq: u64,
    /// The node and the mesh in numbers.
    pub health: Health,
    /// The peers.
    pub network: Network,
    /// What gossip has cost.
    pub gossip: GossipSummary,
    /// The map.
    pub heatmap: Heatmap,
}

/// What has changed since the delta before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Grows by one from delta to delta.
    pub seq: u64,
    /// The numbers, whole.
    pub health: Health,
    /// The peers, whole.
    pub network: Network,
    /// What gossip has cost, whole.
    pub gossip: GossipSummary,
    /// The buckets that have changed.
    pub heatmap: HeatmapDelta,
}

/// A message of `GET /federated/stream`: a snapshot first, then deltas. A reader who fell behind gets a snapshot again. One that
/// comes back with `?since=RUN-SEQ`, or the header `Last-Event-ID`, gets the deltas that it has missed instead, if they are still
/// remembered, and one that changes nothing before them.
///
/// One JSON object: the data of a server-sent event, whose name is the `type` and whose id is `RUN-SEQ`, or one text frame.
/// Something comes at least every five seconds, so silence means a dead stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum StreamMessage {
    /// Where the reader starts.
    Snapshot(Box<Snapshot>),
    /// What came after.
    Delta(Box<Delta>),
}

impl Snapshot {
    /// Takes in a message of the stream. Deltas that the snapshot contains already are ignored.
    pub fn apply(&mut self, message: StreamMessage) {
        match message {
            StreamMessage::Snapshot(snapshot) => *self = *snapshot,
            StreamMessage::Delta(delta) if delta.seq > self.seq => {
                self.seq = delta.seq;
                self.heatmap.apply(&delta.heatmap);
                self.health = delta.health;
                self.network = delta.network;
                self.gossip = delta.gossip;
            }
            StreamMessage::Delta(_) => {}
        }
    }
}

/// An error as RFC 9457 has it, sent as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// A name for the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong here, and what would be right.
    pub detail: String,
    /// Which entries of a list were wrong, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<EntryError>,
}

/// One wrong entry of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryError {
    /// Its place in the list, from 0.
    pub index: usize,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}
