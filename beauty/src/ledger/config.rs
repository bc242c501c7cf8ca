//! What a ledger may be told, and what it costs.

use std::time::Duration;

use thiserror::Error;

use crate::ledger::nodes::Node;
use crate::ledger::recent::Recent;
use crate::ledger::rings::Rings;
use crate::words::span;
use crate::{Bucket, LeanBucket};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How far back a ledger reaches, how much it trusts clocks, and how much it remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerConfig {
    /// How old an event may be when it comes in, and how far back the digest reaches. Default 7 days (a guess: one can be away
    /// for a week and come back whole). 1 hour to 366 days.
    pub retention: Duration,
    /// How far ahead of `now` an event may be. Default 30 s (a guess: far more than a clock kept by NTP is off). At
    /// most 2 minutes: every node's rings hold slots for it.
    pub future_tolerance: Duration,
    /// How many ids are remembered at most, to know an event that comes again; at least the last half of them always are.
    /// Default 262,144 (a guess: at 1,000 events a second the last two minutes, while gossip brings an event twice within
    /// seconds). 2 to 16,777,216.
    pub recent_ids: usize,
    /// How many nodes have rows of their own. Default 10,000. 1 to 1,000,000.
    pub max_nodes: usize,
}

impl Default for LedgerConfig {
    fn default() -> LedgerConfig {
        LedgerConfig {
            retention: 7 * DAY,
            future_tolerance: Duration::from_secs(30),
            recent_ids: 262_144,
            max_nodes: 10_000,
        }
    }
}

const RETENTION: (Duration, Duration) = (HOUR, DAY.saturating_mul(366));
const FUTURE_TOLERANCE: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(120));
const RECENT_IDS: (usize, usize) = (2, 1 << 24);
const MAX_NODES: (usize, usize) = (1, 1_000_000);

impl LedgerConfig {
    /// Checks that every value is within its bounds.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the first value that is not, and its bounds.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let duration = |name, value: Duration, (low, high): (Duration, Duration)| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ConfigError { name, value: span(millis(value)), low: span(millis(low)), high: span(millis(high)) })
        };
        let number = |name, value: usize, (low, high): (usize, usize)| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ConfigError { name, value: value.to_string(), low: low.to_string(), high: high.to_string() })
        };
        duration("retention", self.retention, RETENTION)?;
        duration("future_tolerance", self.future_tolerance, FUTURE_TOLERANCE)?;
        number("recent_ids", self.recent_ids, RECENT_IDS)?;
        number("max_nodes", self.max_nodes, MAX_NODES)
    }

    /// The most memory that a ledger with this configuration grows to, in bytes, with names of 64 bytes. Computed from the
    /// sizes of the types and a guess of what the allocator adds, not measured.
    pub fn memory_bound(&self) -> usize {
        let config = self.clone().within_bounds();
        let mesh = Rings::<Bucket>::bytes_when_full(|resolution| config.mesh_slots(resolution));
        let rings = Rings::<LeanBucket>::bytes_when_full(|resolution| config.node_slots(resolution));
        mesh + config.max_nodes * (rings + Node::BYTES_BESIDE_RINGS) + Recent::bytes_when_full(config.recent_ids)
    }

    /// The same, with every value that is out of bounds brought to the nearest bound.
    pub(crate) fn within_bounds(self) -> LedgerConfig {
        LedgerConfig {
            retention: self.retention.clamp(RETENTION.0, RETENTION.1),
            future_tolerance: self.future_tolerance.clamp(FUTURE_TOLERANCE.0, FUTURE_TOLERANCE.1),
            recent_ids: self.recent_ids.clamp(RECENT_IDS.0, RECENT_IDS.1),
            max_nodes: self.max_nodes.clamp(MAX_NODES.0, MAX_NODES.1),
        }
    }

    pub(crate) fn retention_millis(&self) -> u64 {
        millis(self.retention)
    }

    pub(crate) fn future_millis(&self) -> u64 {
        millis(self.future_tolerance)
    }
}

/// Whole milliseconds; what no `u64` holds is as good as for ever.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A value of a [`LedgerConfig`] is out of bounds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name} is {value}: {low} to {high} are allowed")]
pub struct ConfigError {
    /// The field's name.
    pub name: &'static str,
    /// What it was set to.
    pub value: String,
    /// The least that is allowed.
    pub low: String,
    /// The most that is allowed.
    pub high: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_with_full_rings_takes_at_most_20_kb_whatever_the_configuration() {
        for future_tolerance in [FUTURE_TOLERANCE.0, LedgerConfig::default().future_tolerance, FUTURE_TOLERANCE.1] {
            let config = LedgerConfig { future_tolerance, ..LedgerConfig::default() };
            let rings = Rings::<LeanBucket>::bytes_when_full(|resolution| config.node_slots(resolution));
            let node = rings + Node::BYTES_BESIDE_RINGS;
            assert!(node <= 20_000, "{node} bytes with a tolerance of {future_tolerance:?}");
        }
    }

    #[test]
    fn ten_thousand_nodes_and_the_table_of_recent_ids_fit_in_256_mb() {
        let bytes = LedgerConfig::default().memory_bound();
        assert!(bytes <= 256_000_000, "{bytes} bytes");
    }
}
