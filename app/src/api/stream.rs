//! All that the page shows, and how it changes.

use super::gossip::GossipSummary;
use super::health::Health;
use super::history::{History, Numbers};
use super::network::Network;
use beauty::{Heatmap, HeatmapDelta};
use serde::{Deserialize, Serialize};

/// Everything the page shows, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which run of the node counts the deltas; 0 where none follow.
    pub run: u64,
    /// Deltas up to this number are contained.
    pub seq: u64,
    /// Which moment of the past the map and its numbers are of; none is now.
    #[serde(default)]
    pub at: Option<u64>,
    /// The node and the mesh in numbers.
    pub health: Health,
    /// The peers.
    pub network: Network,
    /// What gossip has cost.
    pub gossip: GossipSummary,
    /// The map.
    pub heatmap: Heatmap,
    /// How the numbers went. Deltas don't tell it: who hears them notes it.
    pub history: History,
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
/// comes back with `?since=RUN-SEQ`, or the header `Last-Event-ID`, gets one delta of all that it has missed instead, if that is
/// still remembered.
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
    /// Makes its numbers the newest of its history.
    pub fn note(&mut self) {
        let Self { heatmap, health, history, .. } = self;
        history.note(heatmap.resolution_seconds, heatmap.buckets.len(), Numbers::from(&*health));
    }

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
                self.note();
            }
            StreamMessage::Delta(_) => {}
        }
    }
}
