//! What can be set, with where each default comes from.

use crate::{Address, Planted, Spot};
use std::time::Duration;

/// The settings of the protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The name of the mesh. Nodes of another mesh are not spoken with.
    pub mesh: String,
    /// Whether this node listens with TLS, so that peers tell each other of it as `wss://`. Default no.
    pub tls: bool,
    /// Nodes that are dialled for ever. Default: none.
    pub bootstrap: Vec<Address>,
    /// To how many random scripts an event goes. Default 3: the seed protocol.
    pub fanout: usize,
    /// How many hops an event may make among scripts. Default 10: the seed protocol.
    pub ttl: u8,
    /// Whether all origins share one tree, as in Plumtree, instead of one each. Default no: it is here to be measured beside
    /// them. All nodes of a mesh must agree.
    pub shared_tree: bool,
    /// Whether trees lead around nodes that can send much less than others: whether such a node leaves passing on to stronger ones, and
    /// whether parents that take each other's place to and fro do so ever more seldom. Default yes.
    pub adaptive_fanout: bool,
    /// How many events are remembered as seen. Default 131,072, about 10 MB: a guess, ten minutes at 200 events/s.
    pub seen_events: usize,
    /// How many links to other nodes are looked for: HyParView's active view. Default 5: the paper (section 5.1), for
    /// 10,000 nodes.
    pub active_view: usize,
    /// How many links there may be. Default 6: one more than are looked for, as in GoCast (Tang, Chang, Ward, DSN 2005,
    /// section 2.2), so that whoever looks for one finds it, and losing one is no reason to look for another.
    pub active_max: usize,
    /// How many of the links go to near nodes, if there are such; the rest is random. 0: all are random. Default 3: measured.
    /// `mesh-sim run` of 1,000 nodes in 12 regions two minutes after the last came: the overlay's shortest way to the last
    /// node takes 135 ms with 3, 142 with 2, 206 with 4, and 226 with none.
    pub near_links: usize,
    /// How many addresses of other nodes are remembered: HyParView's passive view. As many again that failed are kept as
    /// suspects. Default 30: the paper.
    pub passive_view: usize,
    /// How many hops a newcomer's walk makes, and at how many left it is remembered: ARWL and PRWL. Default 6 and 3: the
    /// paper. 0: nobody is told of a newcomer.
    pub join_walk: [u8; 2],
    /// How many scripts may be connected. Default 64: a guess.
    pub max_scripts: usize,
    /// Whether hosts of this machine are banned like others. Default no: many nodes may run on one, and only keys tell them
    /// apart.
    pub bans_loopback: bool,
    /// Addresses that were known before a restart. Default: none.
    pub known: Vec<Address>,
    /// The longest wait before the first retry of a dial. Default 1 s.
    pub backoff_base: Duration,
    /// The longest wait before any retry of a bootstrap address. Default 30 s.
    pub backoff_cap: Duration,
    /// How long a digest stands before it is told to peers; one that goes on changing is told every fourth time. Default
    /// 500 ms: a guess.
    pub digest_interval: Duration,
    /// How often addresses are told along a random link, and exchanged with a random node of the passive view. Default
    /// 30 s: a guess; the paper leaves it open.
    pub shuffle_interval: Duration,
    /// How often a random peer is looked at for bundles that one of the two lacks. Default 30 s: the design's.
    pub reconcile_interval: Duration,
    /// For how long bundles are kept, in whole hours from then on. Default 7 days: the design's.
    pub retention: Duration,
    /// Where this node says that it is. Default: it doesn't.
    pub location: Option<Spot>,
    /// The fault that is planted, for tests of the tests. Default, and always without the feature `planted`: none.
    pub planted: Planted,
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
            tls: false,
            bootstrap: Vec::new(),
            fanout: 3,
            ttl: 10,
            shared_tree: false,
            adaptive_fanout: true,
            seen_events: 131_072,
            active_view: 5,
            active_max: 6,
            near_links: 3,
            passive_view: 30,
            join_walk: [6, 3],
            max_scripts: 64,
            bans_loopback: false,
            known: Vec::new(),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            digest_interval: Duration::from_millis(500),
            shuffle_interval: Duration::from_secs(30),
            reconcile_interval: Duration::from_secs(30),
            retention: Duration::from_secs(7 * 24 * 3_600),
            location: None,
            planted: Planted::default(),
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
        check((1..=4_096).contains(&self.active_max), "active_max", self.active_max, "1 to 4096")?;
        check(self.active_view <= self.active_max, "active_view", self.active_view, "at most active_max")?;
        check(self.near_links <= self.active_max, "near_links", self.near_links, "at most active_max")?;
        check(self.passive_view <= 4_096, "passive_view", self.passive_view, "0 to 4096")?;
        check(self.join_walk[0] <= 16, "join_walk", self.join_walk[0], "0 to 16 hops")?;
        check(self.max_scripts <= 4_096, "max_scripts", self.max_scripts, "0 to 4096")?;
        check(!self.backoff_base.is_zero(), "backoff_base", "0", "more than zero")?;
        check(self.backoff_cap >= self.backoff_base, "backoff_cap", "shorter", "at least backoff_base")?;
        check(!self.digest_interval.is_zero(), "digest_interval", "0", "more than zero")?;
        check(!self.shuffle_interval.is_zero(), "shuffle_interval", "0", "more than zero")?;
        check(!self.reconcile_interval.is_zero(), "reconcile_interval", "0", "more than zero")?;
        check(!self.retention.is_zero(), "retention", "0", "more than zero")
    }
}
