//! What becomes of a frame that is sent: every link policy is evaluated here, and nowhere else.

use crate::geography::Geography;
use crate::protocol::NodeId;
use crate::random::fork;
use crate::scenario::{Impair, Links, Scenario, Spikes};
use gossip::Time;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// So many bytes must have waited before a node is told how fast they went: a buffer of a socket.
const MEASURED: u64 = 16 * 1_024;

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
    /// It arrives, and a second time right behind.
    ArrivesTwice(Time),
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
    uplinks: Vec<Pipe>,
    downlinks: Vec<Pipe>,
    /// What befalls frames: on all links first, then what was added, each on the links of its nodes.
    policies: Vec<(Option<NodeSet>, Policy)>,
    partitions: Vec<(NodeSet, NodeSet)>,
    clogs: Vec<(NodeSet, NodeSet)>,
}

/// What a node can send, or take in. Frames pass one after another, whoever they are for or from.
#[derive(Clone, Copy, Debug)]
struct Pipe {
    kbit: Option<u64>,
    free_at: Time,
    /// What had to wait, in bytes, and how long it took to pass, since that was asked last.
    waited: (u64, Duration),
}

impl Pipe {
    /// When the last byte of a frame is through that comes at `now`: at once, where there is no limit, though not before
    /// what came earlier.
    fn pass(&mut self, now: Time, bytes: usize) -> Time {
        let micros = self.kbit.map_or(0, |kbit| (bytes as u64 * 8 * 1_000).div_ceil(kbit));
        if self.free_at > now {
            self.waited = (self.waited.0 + bytes as u64, self.waited.1 + Duration::from_micros(micros));
        }
        self.free_at = self.free_at.max(now) + Duration::from_micros(micros);
        self.free_at
    }
}

/// What befalls frames. Several add up: each draws for itself.
#[derive(Clone, Debug)]
struct Policy {
    delay_ms: u64,
    jitter_ms: u64,
    reset_share: f64,
    duplicate_share: f64,
    spikes: Option<Spikes>,
}

impl Policy {
    fn of(links: &Links) -> Policy {
        let Links { jitter_ms, reset_share, duplicate_share, ref spikes, .. } = *links;
        Policy { delay_ms: 0, jitter_ms, reset_share, duplicate_share, spikes: spikes.clone() }
    }

    /// How much longer a frame takes: never less than nothing, so that the bound stays a bound.
    fn extra(&self, rng: &mut ChaCha8Rng) -> Duration {
        let mut micros = self.delay_ms * 1_000;
        if self.jitter_ms > 0 {
            micros += rng.random_range(0..=self.jitter_ms * 1_000);
        }
        if let Some(spikes) = &self.spikes
            && rng.random_bool(spikes.share)
        {
            micros += spikes.delay_ms * 1_000;
        }
        Duration::from_micros(micros)
    }
}

impl From<&Impair> for Policy {
    fn from(impair: &Impair) -> Policy {
        let Impair { delay_ms, jitter_ms, reset_share, duplicate_share, ref spikes, .. } = *impair;
        Policy { delay_ms, jitter_ms, reset_share, duplicate_share, spikes: spikes.clone() }
    }
}

/// Whether something befalls that befalls this share.
fn befalls(share: f64, rng: &mut ChaCha8Rng) -> bool {
    share > 0.0 && rng.random_bool(share)
}

impl Network {
    /// The network of a scenario, in the world of `seed`.
    pub fn new(seed: u64, scenario: &Scenario) -> Network {
        let pipes =
            |kbit| vec![Pipe { kbit, free_at: Time::ZERO, waited: (0, Duration::ZERO) }; scenario.nodes as usize];
        Network {
            geography: Geography::new(seed, &scenario.links),
            links: scenario.links.clone(),
            rng: fork(seed, "links", 0),
            uplinks: pipes(scenario.links.uplink_kbit),
            downlinks: pipes(scenario.links.downlink_kbit),
            policies: vec![(None, Policy::of(&scenario.links))],
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
        let left = self.uplinks[from.index()].pass(now, bytes);
        if self.parted(from, to) {
            return Passage::Lost;
        }
        if self.clogged(from, to) {
            return Passage::Held;
        }
        let Network { policies, rng, geography, .. } = self;
        let (mut at, mut twice) = (left + geography.latency(from, to), false);
        let on_this_link =
            |(who, _): &&(Option<NodeSet>, Policy)| who.as_ref().is_none_or(|who| who.has(from) || who.has(to));
        for (_, policy) in policies.iter().filter(on_this_link) {
            if befalls(policy.reset_share, rng) {
                return Passage::Resets;
            }
            at = at + policy.extra(rng);
            twice |= befalls(policy.duplicate_share, rng);
        }
        if twice { Passage::ArrivesTwice(at) } else { Passage::Arrives(at) }
    }

    /// When a frame of `bytes` bytes that reaches `node` now is in.
    pub fn enter(&mut self, now: Time, node: NodeId, bytes: usize) -> Time {
        self.downlinks[node.index()].pass(now, bytes)
    }

    /// How much had to wait for a node's uplink since this was asked last, and how long it took to pass: once it is enough to
    /// measure by.
    pub fn drained(&mut self, node: NodeId) -> Option<(u64, Duration)> {
        let waited = &mut self.uplinks[node.index()].waited;
        (waited.0 >= MEASURED).then(|| std::mem::take(waited))
    }

    /// Makes links worse.
    pub fn impair(&mut self, who: NodeSet, impair: &Impair) {
        self.policies.push((Some(who), impair.into()));
    }

    /// Ends all impairments.
    pub fn restore(&mut self) {
        self.policies.retain(|(who, _)| who.is_none());
    }

    /// What a node can send and take in from now on. `None`: what links have.
    pub fn set_bandwidth(&mut self, node: NodeId, up_kbit: Option<u64>, down_kbit: Option<u64>) {
        self.uplinks[node.index()].kbit = up_kbit.or(self.links.uplink_kbit);
        self.downlinks[node.index()].kbit = down_kbit.or(self.links.downlink_kbit);
    }

    /// How fast what a node lacks can come to it, in kilobits a second, if anything limits it: its own downlink, else the
    /// uplink of whoever has it.
    pub fn line_kbit(&self, node: NodeId) -> Option<u64> {
        self.downlinks[node.index()].kbit.or(self.links.uplink_kbit)
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
