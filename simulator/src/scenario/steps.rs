//! What happens to the world at a given time.

use super::links::{Spikes, is_none, is_zero};
use serde::{Deserialize, Serialize};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, in milliseconds after the first message is sent.
    pub at_ms: u64,
    /// What.
    pub action: Action,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Two sets of nodes hear nothing of each other. Adds to partitions that are there.
    Partition(Partition),
    /// All partitions end.
    Heal,
    /// Nodes end, at one instant.
    Crash(Crash),
    /// Nodes that are down start again.
    Restart(Restart),
    /// All connections of nodes are reset.
    Reset(Reset),
    /// What one set of nodes sends to another is held back; the other way is free.
    Clog(Clog),
    /// All clogs end, and what was held back goes on its way.
    Unclog,
    /// Links get worse. Adds to what they are like, and to impairments that are there.
    Impair(Impair),
    /// All impairments end.
    Restore,
    /// Wall clocks are set off from now on. Monotonic clocks never are.
    Skew(Skew),
    /// Nodes get slow, or fast again.
    Slow(Slow),
}

/// Which nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// Every node.
    All,
    /// Those that are not running.
    Down,
    /// Those that send.
    Senders,
    /// A share of those that are running, 0 to 1, drawn at random.
    Share(f64),
    /// From the first place up to and without the second.
    Range([u32; 2]),
    /// These places.
    Nodes(Vec<u32>),
    /// The nodes of a region, from 0.
    Region(u32),
}

/// See [`Action::Partition`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// One side.
    pub one: Select,
    /// The other. Default: all the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Select>,
}

/// See [`Action::Crash`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Who.
    pub who: Select,
    /// Whether senders are left out: so a share of the others is drawn. Default true.
    #[serde(default = "yes")]
    pub spare_senders: bool,
    /// Whether the whole machine dies: its peers hear nothing. Otherwise its system closes the connections. Default
    /// false.
    #[serde(default)]
    pub silent: bool,
}

/// See [`Action::Restart`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Who. Those that are running are passed over.
    pub who: Select,
    /// Whether what was delivered is still on the disk.
    pub disk: bool,
}

/// See [`Action::Reset`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// Whose connections.
    pub who: Select,
}

/// See [`Action::Clog`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clog {
    /// Who sends.
    pub from: Select,
    /// Who does not get it.
    pub to: Select,
}

/// See [`Action::Impair`]. What is left out does not happen; the rest is as in [`Links`](super::Links).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Impair {
    /// Whose links: those on which one of these sends, or gets, a frame.
    pub who: Select,
    /// Every frame takes so much longer, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
    /// At most so much more for each frame, drawn evenly, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_ms: u64,
    /// The share of frames at which the connection is reset, 0 to 1.
    #[serde(default, skip_serializing_if = "is_none")]
    pub reset_share: f64,
    /// The share of frames that arrive twice, 0 to 1.
    #[serde(default, skip_serializing_if = "is_none")]
    pub duplicate_share: f64,
    /// Now and then a frame takes much longer, and holds up those behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spikes: Option<Spikes>,
}

/// See [`Action::Skew`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skew {
    /// Whose clocks.
    pub who: Select,
    /// By how much they are ahead, in milliseconds. Below zero: behind.
    pub by_ms: i64,
}

/// See [`Action::Slow`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Who.
    pub who: Select,
    /// How long each frame keeps them busy, in microseconds. Default 0.
    #[serde(default)]
    pub busy_us: u64,
    /// What they can send, in kilobits a second. Default: what links have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink_kbit: Option<u64>,
    /// What they can take in, in kilobits a second. Default: what links have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downlink_kbit: Option<u64>,
}

fn yes() -> bool {
    true
}
