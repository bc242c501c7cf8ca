//! What gossip has cost.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

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
