//! What can be set, with where each default comes from.

use crate::Address;
use std::time::Duration;

/// The settings of the protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The name of the mesh. Nodes of another mesh are not spoken with.
    pub mesh: String,
    /// Nodes that are dialled for ever. Default: none.
    pub bootstrap: Vec<Address>,
    /// To how many random scripts an event goes. Default 3: the seed protocol.
    pub fanout: usize,
    /// How many hops an event may make among scripts. Default 10: the seed protocol.
    pub ttl: u8,
    /// How many events are remembered as seen. Default 131,072, about 10 MB: a guess, ten minutes at 200 events/s.
    pub seen_events: usize,
    /// How many nodes to be connected to, before learned addresses are no longer dialled. Default 8: a guess.
    pub target_peers: usize,
    /// How many connections are taken from those who dial us, scripts included. Default 64: a guess.
    pub max_peers: usize,
    /// How many addresses are remembered, bootstrap ones not counted. Default 256: a guess.
    pub known_addresses: usize,
    /// The longest wait before the first retry of a dial. Default 1 s.
    pub backoff_base: Duration,
    /// The longest wait before any retry. Default 30 s.
    pub backoff_cap: Duration,
    /// How often a digest is told to peers while it changes. Default 500 ms: a guess.
    pub digest_interval: Duration,
    /// How often a random peer is told addresses. Default 30 s: a guess.
    pub shuffle_interval: Duration,
}

/// Why a [`Config`] can't be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value}; it must be {allowed}")]
pub struct ConfigError {
    /// The field.
    pub name: &'static str,
    /// What it was set to.
    pub value: String,
    /// What it may be.
    pub allowed: &'static str,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mesh: "beauty".to_owned(),
            bootstrap: Vec::new(),
            fanout: 3,
            ttl: 10,
            seen_events: 131_072,
            target_peers: 8,
            max_peers: 64,
            known_addresses: 256,
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            digest_interval: Duration::from_millis(500),
            shuffle_interval: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range, with what would be right.
    pub fn validate(&self) -> Result<(), ConfigError> {
        fn check(ok: bool, name: &'static str, value: impl ToString, allowed: &'static str) -> Result<(), ConfigError> {
            if ok { Ok(()) } else { Err(ConfigError { name, value: value.to_string(), allowed }) }
        }
        let name_ok = (1..=64).contains(&self.mesh.chars().count()) && !self.mesh.chars().any(char::is_control);
        check(name_ok, "mesh", &self.mesh, "1 to 64 characters without control characters")?;
        check((1..=64).contains(&self.fanout), "fanout", self.fanout, "1 to 64")?;
        check((1..=crate::json::MAX_TTL).contains(&self.ttl), "ttl", self.ttl, "1 to 64")?;
        check((1..=4_096).contains(&self.max_peers), "max_peers", self.max_peers, "1 to 4096")?;
        check(self.target_peers <= self.max_peers, "target_peers", self.target_peers, "at most max_peers")?;
        check(!self.backoff_base.is_zero(), "backoff_base", "0", "more than zero")?;
        check(self.backoff_cap >= self.backoff_base, "backoff_cap", "shorter", "at least backoff_base")?;
        check(!self.digest_interval.is_zero(), "digest_interval", "0", "more than zero")?;
        check(!self.shuffle_interval.is_zero(), "shuffle_interval", "0", "more than zero")
    }
}
