//! Origins that sign two bundles under one number: what becomes of a mesh in which one does. Either a data folder was copied, and the
//! two copies run on two sides of a partition; or a node says one thing to some of its peers, and another to others.

use crate::network::NodeSet;
use crate::overlay;
use crate::protocol::{NodeId, Protocol};
use crate::protocols::{CHEAT, Ours, TwoFaced};
use crate::random::fork;
use crate::runner::Player;
use crate::scenario::{Join, Links, Scenario, Traffic};
use crate::world::World;
use gossip::Time;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

const NODES: u32 = 20;
/// How many numbers are used twice or more in one seed: half of them in a mesh that is apart.
pub const FORKS: u32 = 50;
/// How large an event is, in bytes.
const BYTES: usize = 200;
/// How often the mesh is looked at, and for how long at most.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);

/// What one seed came to. Times are in microseconds; `None`: never, within two minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// From the moment from which the first fork could be found (it was made, and the mesh is in one piece) until every node had
    /// the proof.
    pub proven: Option<u64>,
    /// The same from the end of the partition on, or where there was none, from the first fork on.
    pub proven_since_heal: Option<u64>,
    /// From the last fork, or the end of the last partition, until every node held the same bundles.
    pub equal: Option<u64>,
    /// Events that one node has and another lacks, in the end.
    pub lost: usize,
    /// Whether a node delivered an event twice in one life.
    pub twice: bool,
    /// A node that is not sound.
    pub unsound: Option<String>,
}

/// A data folder was copied: two nodes have one key. They are on two sides of a partition first.
pub fn copied(seed: u64) -> Report {
    play(seed, &Ours::trees().with_a_copy(), true, |world| {
        for node in [0, 1] {
            world.broadcast(NodeId(node), BYTES, true);
        }
    })
}

/// A node shows its peers so many faces; first all of them are connected.
pub fn two_faced(seed: u64, faces: usize) -> Report {
    play(seed, &TwoFaced::new(faces), false, |world| {
        for _ in 0..faces {
            world.broadcast(CHEAT, BYTES, true);
        }
    })
}

/// Forks in a mesh that is apart and in one that is not, the one or the other first. Meanwhile nodes end and come back, with
/// their disks and without.
fn play(seed: u64, protocol: &dyn Protocol, apart_first: bool, say: impl Fn(&mut World<'_>)) -> Report {
    let scenario = scenario();
    let mut player = Player::new(&scenario, protocol, seed);
    player.gather(&mut |_| {});
    let (mut rng, world) = (fork(seed, "forks", 0), &mut player.world);
    let (mut proven, mut proven_since_heal) = (None, None);
    for apart in [apart_first, !apart_first] {
        let begin = world.now();
        if apart {
            let (one, other) = sides(&mut rng);
            world.partition(one, other);
            // Both sides notice.
            world.run_for(Duration::from_secs(60));
        }
        let first = proven.is_none();
        if !apart && first {
            // The first fork, in peace.
            say(world);
            let said = world.now();
            proven = until(world, all_know).map(|at| at.since(said).as_micros() as u64);
            proven_since_heal = proven;
        }
        for _ in 0..FORKS / 2 {
            say(world);
            // More than what a quiet origin waits for: each has a number of its own.
            world.run_for(Duration::from_micros(rng.random_range(60_000..600_000)));
            trouble(world, &mut rng);
        }
        (2..NODES).for_each(|node| world.restart(NodeId(node), true));
        if apart {
            world.run_for(Duration::from_secs(rng.random_range(1..60)));
            world.heal();
            let healed = world.now();
            if first {
                let joined =
                    until(world, |world| overlay::pieces(&world.overlay(), &world.running()) == 1).unwrap_or(begin);
                let knew = until(world, all_know);
                proven = knew.map(|at| at.since(joined).as_micros() as u64);
                proven_since_heal = knew.map(|at| at.since(healed).as_micros() as u64);
            }
        }
    }
    let last = world.now();
    let equal = until(world, |world| all_know(world) && all_hold_the_same(world));
    let equal = equal.map(|at| at.since(last).as_micros() as u64);
    let (lost, unsound) = (lost(world), world.unsound_node().map(|(node, words)| format!("node {}: {words}", node.0)));
    let twice = world.ledger().delivered_twice.is_some();
    Report { seed, proven, proven_since_heal, equal, lost, twice, unsound }
}

/// Two sides with a copy each, the others drawn.
fn sides(rng: &mut ChaCha8Rng) -> (NodeSet, NodeSet) {
    let mut others: Vec<u32> = (2..NODES).collect();
    others.shuffle(rng);
    let (one, other) = others.split_at(others.len() / 2);
    let set = |first: u32, others: &[u32]| std::iter::once(first).chain(others.iter().copied()).map(NodeId).collect();
    (set(0, one), set(1, other))
}

/// Now and then a node ends, or comes back.
fn trouble(world: &mut World<'_>, rng: &mut ChaCha8Rng) {
    let node = NodeId(rng.random_range(2..NODES));
    match rng.random_range(0..10) {
        0 if world.up_since(node).is_some() => world.crash(node, rng.random()),
        1..4 if world.up_since(node).is_none() => world.restart(node, rng.random()),
        _ => {}
    }
}

/// Lets time pass until it is so.
fn until(world: &mut World<'_>, is_so: impl Fn(&World<'_>) -> bool) -> Option<Time> {
    let end = world.now() + PATIENCE;
    while !is_so(world) {
        if world.now() >= end {
            return None;
        }
        world.run_for(LOOK);
    }
    Some(world.now())
}

fn all_know(world: &World<'_>) -> bool {
    world.running().into_iter().all(|node| world.node(node).is_some_and(|node| node.cheats() == 1))
}

fn all_hold_the_same(world: &World<'_>) -> bool {
    let mut sums = world.running().into_iter().filter_map(|node| world.node(node)).map(|node| node.holds());
    let first = sums.next();
    sums.all(|sum| Some(sum) == first)
}

fn lost(world: &World<'_>) -> usize {
    let running = world.running();
    let sent = world.ledger().broadcasts().iter();
    // What no other node has was never sent: it was the face that nobody saw.
    let has = |broadcast: &&crate::ledger::Broadcast| broadcast.reached() > 1;
    sent.filter(has).filter(|broadcast| running.iter().any(|node| !broadcast.has(*node))).count()
}

fn scenario() -> Scenario {
    Scenario {
        name: "forks".to_owned(),
        about: "20 nodes, one of which cheats".to_owned(),
        nodes: NODES,
        join: Join { contacts: 2, every_ms: 50, settle_ms: 60_000 },
        overlay: None,
        past: None,
        traffic: Traffic {
            senders: 1,
            rounds: 1,
            warmup_rounds: 0,
            payload_bytes: BYTES,
            together: false,
            twice_share: 0.0,
            every_ms: 200,
            drain_ms: 1_000,
        },
        links: Links::between(10, 50),
        steps: Vec::new(),
    }
}
