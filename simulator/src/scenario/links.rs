//! What links are like: policies that compose. `network.rs` evaluates them, in one place.

use serde::{Deserialize, Serialize};

/// The policies of all links. What is left out does not happen.
///
/// A connection is a WebSocket over TCP: it keeps frames in order and never loses one of them. A loss is a reset, which
/// loses all that is in flight. Across connections order is lost as soon as `jitter_ms` or `spikes` say so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// One way between two nodes of a region: drawn evenly from this range for each pair, in milliseconds.
    pub latency_ms: [u64; 2],
    /// At most so much more for each frame, drawn evenly, in milliseconds. Default 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_ms: u64,
    /// What each node can send, over all its connections, in kilobits a second. Default: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink_kbit: Option<u64>,
    /// What each node can take in, over all its connections, in kilobits a second. Default: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downlink_kbit: Option<u64>,
    /// The share of frames at which the connection is reset, 0 to 1. Default 0.
    #[serde(default, skip_serializing_if = "is_none")]
    pub reset_share: f64,
    /// The share of frames that arrive twice, the second right behind the first, 0 to 1. No TCP connection does that; a
    /// proxy between two of them may. Default 0.
    #[serde(default, skip_serializing_if = "is_none")]
    pub duplicate_share: f64,
    /// How long it takes to notice that the other side is silent, in milliseconds: after a partition, or when a machine
    /// dies without a word. Default 35,000; `server` takes 45,000.
    #[serde(default = "default_silence_ms")]
    pub silence_ms: u64,
    /// How long a dial waits for an answer, in milliseconds. Default 5,000, as `server` has it.
    #[serde(default = "default_dial_timeout_ms")]
    pub dial_timeout_ms: u64,
    /// Now and then a frame takes much longer, and holds up those behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spikes: Option<Spikes>,
    /// A world of regions. Default: one region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Regions>,
}

/// Delay spikes, as a lost packet on a busy TCP connection makes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spikes {
    /// The share of frames that it befalls, 0 to 1.
    pub share: f64,
    /// How much longer these take, in milliseconds.
    pub delay_ms: u64,
}

/// Regions of nodes that are near to each other, at random places in a square.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    /// How many.
    pub count: u32,
    /// One way between the two nodes that are farthest apart, in milliseconds.
    pub max_ms: u64,
}

impl Links {
    /// Links on which nothing happens but a latency from `low` to `high` milliseconds.
    pub fn between(low: u64, high: u64) -> Links {
        Links {
            latency_ms: [low, high],
            jitter_ms: 0,
            uplink_kbit: None,
            downlink_kbit: None,
            reset_share: 0.0,
            duplicate_share: 0.0,
            silence_ms: default_silence_ms(),
            dial_timeout_ms: default_dial_timeout_ms(),
            spikes: None,
            regions: None,
        }
    }
}

fn default_silence_ms() -> u64 {
    35_000
}

fn default_dial_timeout_ms() -> u64 {
    5_000
}

pub(super) fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub(super) fn is_none(share: &f64) -> bool {
    *share == 0.0
}
