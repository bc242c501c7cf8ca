//! What hostile nodes do to the others: one mesh in which three of ten drop, delay or lie, beside the same without; and one in
//! which a crowd wants a node for itself.

use crate::overlay;
use crate::protocol::NodeId;
use crate::protocols::{Hostile, Siege};
use crate::runner::Player;
use crate::scenario::{Join, Links, Scenario, Traffic};
use crate::stats::percentile;
use crate::world::World;
use std::time::Duration;

/// How many of ten nodes are hostile.
pub const TENTHS: u32 = 3;
const NODES: u32 = 100;

/// What one seed came to, among the honest nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// How many (message, node) pairs were to be delivered.
    pub wanted: usize,
    /// How many were, with hostile nodes.
    pub delivered: usize,
    /// 99 of 100 deliveries were faster, in microseconds: without hostile nodes, and with them.
    pub p99: [u64; 2],
    /// As many could not have been slower than this over the links that honest nodes had with each other at the end: the shortest
    /// paths.
    pub bound: u64,
    /// How many links honest nodes had with each other at the end, without hostile nodes and with them.
    pub links: [usize; 2],
}

impl Report {
    /// By how much longer the 99th of 100 deliveries takes with hostile nodes.
    pub fn slower(&self) -> f64 {
        self.p99[1] as f64 / self.p99[0].max(1) as f64
    }

    /// As a multiple of what the links between honest nodes allow.
    pub fn of_bound(&self) -> f64 {
        self.p99[1] as f64 / self.bound.max(1) as f64
    }
}

/// Plays the mesh of a seed twice. The messages are those of honest nodes that are sent once trees have grown.
pub fn run(seed: u64) -> Report {
    let [calm, hostile] = [0, TENTHS].map(|tenths| play(seed, tenths));
    let Played { wanted, delivered, p99, bound, links } = hostile;
    Report { seed, wanted, delivered, p99: [calm.p99, p99], bound, links: [calm.links, links] }
}

/// How many deliveries were wanted, how many there were, how long 99 of 100 took at most, and could have taken; and over how many
/// links.
struct Played {
    wanted: usize,
    delivered: usize,
    p99: u64,
    bound: u64,
    links: usize,
}

fn play(seed: u64, tenths: u32) -> Played {
    let (scenario, protocol) = (scenario(), Hostile::new(tenths));
    let mut player = Player::new(&scenario, &protocol, seed);
    player.gather(&mut |_| {});
    player.play(&mut |_| {}, None);
    deliveries(&player.world)
}

fn deliveries(world: &World<'_>) -> Played {
    let honest = |node: &NodeId| Hostile::new(TENTHS).deed(*node).is_none();
    let mut links = world.overlay();
    for (edges, from) in links.iter_mut().zip(0..) {
        edges.retain(|(to, _)| honest(to) && honest(&NodeId(from)));
    }
    let nodes: Vec<NodeId> = world.running().into_iter().filter(honest).collect();
    let sent = world.ledger().broadcasts().iter();
    let sent = sent.filter(|broadcast| broadcast.counted && honest(&broadcast.payload.origin));
    let (mut wanted, mut times, mut bounds) = (0, Vec::new(), Vec::new());
    for broadcast in sent {
        let shortest = overlay::shortest_times(&links, broadcast.payload.origin);
        let others = nodes.iter().filter(|node| **node != broadcast.payload.origin);
        wanted += others.clone().count();
        times.extend(others.clone().filter_map(|node| broadcast.time_to(*node)));
        bounds.extend(others.filter_map(|node| shortest.get(node.index()).copied().flatten()));
    }
    times.sort_unstable();
    bounds.sort_unstable();
    let p99 = |times: &[u64]| percentile(times, 99).unwrap_or(0);
    // Each is there twice, once at either end.
    let links = links.iter().map(Vec::len).sum::<usize>() / 2;
    Played { wanted, delivered: times.len(), p99: p99(&times), bound: p99(&bounds), links }
}

fn scenario() -> Scenario {
    Scenario {
        name: "hostile".to_owned(),
        about: "100 nodes, 20 of which send".to_owned(),
        nodes: NODES,
        join: Join { contacts: 2, every_ms: 50, settle_ms: 60_000 },
        overlay: None,
        past: None,
        traffic: Traffic {
            senders: 20,
            rounds: 30,
            warmup_rounds: 18,
            payload_bytes: 256,
            together: false,
            twice_share: 0.0,
            every_ms: 200,
            drain_ms: 90_000,
        },
        links: Links::between(10, 50),
        steps: Vec::new(),
    }
}

/// How many honest nodes there are in a siege, and how large the crowd is: so many ids at so many addresses.
const HONEST: u32 = 24;
const CROWD: u32 = 1_000;
const CROWD_HOSTS: u32 = 16;
/// When the links of the victim are looked at, in seconds since the siege or the restart began.
const LOOKS: [u64; 6] = [30, 40, 50, 60, 75, 90];

/// What a siege of one seed came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Besieged {
    /// The seed.
    pub seed: u64,
    /// The fewest honest links that the victim has dialled itself and had at one moment: while it was besieged, and after it
    /// was restarted.
    pub dialled: [usize; 2],
    /// The fewest honest links in all.
    pub honest: [usize; 2],
}

/// Besieges one node of a mesh: first while its links stand, then from its restart on. It has one bootstrap peer, which is
/// honest.
pub fn besiege(seed: u64) -> Besieged {
    let (victim, scenario) = (NodeId(HONEST - 1), siege());
    let protocol = Siege::new(HONEST, CROWD, CROWD_HOSTS, victim);
    let mut world = World::new(seed, &scenario, &protocol);
    for node in 0..HONEST {
        world.add(if node == 0 { Vec::new() } else { vec![NodeId(0)] });
        world.run_for(Duration::from_millis(500));
    }
    world.run_for(Duration::from_secs(60));
    for _ in 0..CROWD {
        world.add(vec![victim]);
    }
    let before = fewest(&mut world, &protocol, victim);
    world.crash(victim, false);
    world.run_for(Duration::from_secs(5));
    world.restart(victim, true);
    let after = fewest(&mut world, &protocol, victim);
    Besieged { seed, dialled: [before.0, after.0], honest: [before.1, after.1] }
}

/// The fewest honest links at any look: those that the victim has dialled, and all.
fn fewest(world: &mut World<'_>, protocol: &Siege, victim: NodeId) -> (usize, usize) {
    let (begin, mut fewest) = (world.now(), (usize::MAX, usize::MAX));
    for look in LOOKS {
        world.run_until(begin + Duration::from_secs(look));
        let links = world.links(victim).into_iter().filter(|(peer, _)| !protocol.is_hostile(*peer));
        let links: Vec<bool> = links.map(|(_, dialled)| dialled).collect();
        let dialled = links.iter().filter(|dialled| **dialled).count();
        fewest = (fewest.0.min(dialled), fewest.1.min(links.len()));
    }
    fewest
}

fn siege() -> Scenario {
    Scenario {
        name: "siege".to_owned(),
        about: "24 nodes, and 1,000 that want one of them for themselves".to_owned(),
        nodes: HONEST + CROWD,
        links: Links::between(10, 50),
        traffic: Traffic { senders: 1, rounds: 1, warmup_rounds: 0, ..scenario().traffic },
        ..scenario()
    }
}
