//! What is played: a scenario is data, read from TOML, and prints as the same TOML.

mod catalogue;
mod check;
mod links;
mod steps;

pub use catalogue::{CATALOGUE, load};
pub use check::ScenarioError;
pub use links::{Links, Regions, Spikes};
pub use steps::{Action, Clog, Crash, Impair, Partition, Reset, Restart, Select, Skew, Slow, Step};

use serde::{Deserialize, Serialize};
use std::fmt;

/// A scenario. All times are of the simulated world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name: that of its file.
    pub name: String,
    /// What it shows, in a line.
    pub about: String,
    /// How many nodes, 2 to 100,000.
    pub nodes: u32,
    /// How nodes come into the mesh.
    #[serde(default)]
    pub join: Join,
    /// An overlay that nodes are given, instead of one that they make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay: Option<Overlay>,
    /// What was sent before the first node comes. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// Who sends what, when.
    pub traffic: Traffic,
    /// What links are like.
    pub links: Links,
    /// What happens to the world, in the order of its time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// How nodes come into the mesh: one after another, each with the addresses of a few that are there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Join {
    /// How many earlier nodes each knows, drawn at random. Default 2.
    pub contacts: usize,
    /// Between two nodes, in milliseconds. Default 20.
    pub every_ms: u64,
    /// From the last node to the first broadcast, in milliseconds. Default 120,000: two shuffles of HyParView's in
    /// iroh-gossip, which come every minute.
    pub settle_ms: u64,
}

impl Default for Join {
    fn default() -> Join {
        Join { contacts: 2, every_ms: 20, settle_ms: 120_000 }
    }
}

/// A given overlay: a random regular graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// How many neighbours each node has. Nodes times degree must be even.
    pub degree: usize,
}

/// What was sent before the first node comes, as long as `traffic.payload_bytes` says: it is on the disk of each node, but for
/// some that were away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// For how long, up to the moment when the world begins: 1 to 168.
    pub hours: u32,
    /// How many messages a second were sent in all, 1 to 1,000.
    pub events_per_s: u32,
    /// How many of them each bundle holds, 1 to 256: a busy origin gathers for 50 ms.
    pub events_per_bundle: u32,
    /// How many nodes took turns in sending them, from the first place on.
    pub origins: u32,
    /// The places of nodes that were away, and don't run until a step starts them.
    pub lacks: Vec<u32>,
}

/// Who sends what, when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// How many nodes send, drawn at random.
    pub senders: u32,
    /// How many messages each sends.
    pub rounds: u32,
    /// How many rounds are played first and not counted. Default 0.
    #[serde(default)]
    pub warmup_rounds: u32,
    /// The application's bytes in a message, 160 to 2,048. Default 256.
    #[serde(default = "default_payload_bytes")]
    pub payload_bytes: usize,
    /// Whether all senders of a round send at one instant. Otherwise one after another. Default false.
    #[serde(default)]
    pub together: bool,
    /// The share of messages that come into the mesh through two nodes at once, 0 to 1: as those of a script that is
    /// connected to two. Default 0.
    #[serde(default, skip_serializing_if = "links::is_none")]
    pub twice_share: f64,
    /// Between two messages, or between two rounds where all send together, in milliseconds.
    pub every_ms: u64,
    /// From the last message to the end, in milliseconds. Default 30,000.
    #[serde(default = "default_drain_ms")]
    pub drain_ms: u64,
}

fn default_payload_bytes() -> usize {
    256
}

fn default_drain_ms() -> u64 {
    30_000
}

impl Traffic {
    /// When each message is sent, in milliseconds after the first: the round, the sender's place, the time.
    pub fn timetable(&self) -> impl Iterator<Item = (u32, u32, u64)> {
        let senders = u64::from(self.senders);
        (0..self.rounds).flat_map(move |round| {
            (0..self.senders).map(move |sender| {
                let turn = if self.together { round.into() } else { u64::from(round) * senders + u64::from(sender) };
                (round, sender, turn * self.every_ms)
            })
        })
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(self).map_err(|_| fmt::Error)?)
    }
}
