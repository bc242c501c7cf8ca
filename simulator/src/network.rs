//! What becomes of a frame that is sent: every link policy is evaluated here, and nowhere else.

use crate::geography::Geography;
use crate::protocol::NodeId;
use crate::random::fork;
use crate::scenario::{Links, Scenario};
use gossip::Time;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// A set of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(Vec<bool>);

impl NodeSet {
    /// Whether a node is in it.
    pub fn has(&self, node: NodeId) -> bool {
        self.0.get(node.index()).copied().unwrap_or(false)
    }

    /// Its nodes, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        self.0.iter().zip(0..).filter(|(member, _)| **member).map(|(_, node)| NodeId(node))
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> NodeSet {
        let mut set = Vec::new();
        for node in nodes {
            set.resize(set.len().max(node.index() + 1), false);
            set[node.index()] = true;
        }
        NodeSet(set)
    }
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It arrives, though not before what was sent earlier on its connection.
    Arrives(Time),
    /// It is held back until the clog ends.
    Held,
    /// It is lost: nothing passes between the two.
    Lost,
    /// It is lost, and its connection with it.
    Resets,
}

/// Links, and what ails them at the moment.
#[derive(Debug)]
pub struct Network {
    geography: Geography,
    links: Links,
    rng: ChaCha8Rng,
    uplinks: Vec<Uplink>,
    partitions: Vec<(NodeSet, NodeSet)>,
    clogs: Vec<(NodeSet, NodeSet)>,
}

/// What a node can send. Frames leave one after another, whoever they are for.
#[derive(Clone, Copy, Debug)]
struct Uplink {
    kbit: Option<u64>,
    free_at: Time,
}

impl Network {
    /// The network of a scenario, in the world of `seed`.
    pub fn new(seed: u64, scenario: &Scenario) -> Network {
        let uplink = Uplink { kbit: scenario.links.uplink_kbit, free_at: Time::ZERO };
        Network {
            geography: Geography::new(seed, &scenario.links),
            links: scenario.links.clone(),
            rng: fork(seed, "links", 0),
            uplinks: vec![uplink; scenario.nodes as usize],
            partitions: Vec::new(),
            clogs: Vec::new(),
        }
    }

    /// How far apart nodes are.
    pub fn geography(&self) -> &Geography {
        &self.geography
    }

    /// How long it takes to notice that the other side is silent.
    pub fn silence(&self) -> Duration {
        Duration::from_millis(self.links.silence_ms)
    }

    /// How long a dial waits for an answer.
    pub fn dial_timeout(&self) -> Duration {
        Duration::from_millis(self.links.dial_timeout_ms)
    }

    /// What becomes of a frame of `bytes` bytes that `from` sends to `to` now.
    pub fn passage(&mut self, now: Time, from: NodeId, to: NodeId, bytes: usize) -> Passage {
        let left = self.leave(now, from, bytes);
        if self.parted(from, to) {
            return Passage::Lost;
        }
        if self.clogged(from, to) {
            return Passage::Held;
        }
        if self.links.reset_share > 0.0 && self.rng.random_bool(self.links.reset_share) {
            return Passage::Resets;
        }
        Passage::Arrives(left + self.geography.latency(from, to) + self.extra())
    }

    /// When the last byte of a frame is out: at once, where uplinks have no limit.
    fn leave(&mut self, now: Time, from: NodeId, bytes: usize) -> Time {
        let uplink = &mut self.uplinks[from.index()];
        let Some(kbit) = uplink.kbit else { return now };
        let micros = (bytes as u64 * 8 * 1_000).div_ceil(kbit);
        uplink.free_at = uplink.free_at.max(now) + Duration::from_micros(micros);
        uplink.free_at
    }

    /// Jitter and spikes: never less than nothing, so that the bound stays a bound.
    fn extra(&mut self) -> Duration {
        let mut micros = 0;
        if self.links.jitter_ms > 0 {
            micros += self.rng.random_range(0..=self.links.jitter_ms * 1_000);
        }
        if let Some(spikes) = &self.links.spikes
            && self.rng.random_bool(spikes.share)
        {
            micros += spikes.delay_ms * 1_000;
        }
        Duration::from_micros(micros)
    }

    /// What a node can send from now on. `None`: what links have.
    pub fn set_uplink(&mut self, node: NodeId, kbit: Option<u64>) {
        self.uplinks[node.index()].kbit = kbit.or(self.links.uplink_kbit);
    }

    /// Parts two sets of nodes.
    pub fn part(&mut self, one: NodeSet, other: NodeSet) {
        self.partitions.push((one, other));
    }

    /// Ends all partitions.
    pub fn heal(&mut self) {
        self.partitions.clear();
    }

    /// Whether nothing passes between two nodes.
    pub fn parted(&self, a: NodeId, b: NodeId) -> bool {
        let between = |(one, other): &(NodeSet, NodeSet)| one.has(a) && other.has(b) || one.has(b) && other.has(a);
        self.partitions.iter().any(between)
    }

    /// Holds back what one set sends to another.
    pub fn clog(&mut self, from: NodeSet, to: NodeSet) {
        self.clogs.push((from, to));
    }

    /// Ends all clogs.
    pub fn unclog(&mut self) {
        self.clogs.clear();
    }

    /// Whether what `from` sends to `to` is held back.
    pub fn clogged(&self, from: NodeId, to: NodeId) -> bool {
        self.clogs.iter().any(|(senders, receivers)| senders.has(from) && receivers.has(to))
    }
}
