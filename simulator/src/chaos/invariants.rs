//! What must hold. `docs/protocol.md` has the same list, in the same words.

use crate::overlay;
use crate::protocol::{ConnId, NodeId};
use crate::scenario::Scenario;
use crate::stats::{mean, rmr};
use crate::world::World;
use gossip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Pairs with more than one connection.
pub(super) type SecondConnections = BTreeMap<(NodeId, NodeId), BTreeSet<ConnId>>;

/// How long a second connection may stand: a dial, and a hello each way, on links of chaos and with room to spare.
pub(super) const SECOND_FOR: Duration = Duration::from_secs(1);

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No input makes a node panic.
    NobodyPanics,
    /// What is delivered was broadcast.
    NoPhantom,
    /// A node delivers a broadcast once, as long as it runs, and never its own.
    NothingTwice,
    /// Each node's state is sound: bounds, timers, trees, what it sends.
    SoundNodes,
    /// What one node holds at the end of the faults, all hold in the end.
    NothingLost,
    /// All nodes hold the same 10 s after the faults' end.
    DigestsEqualInTime,
    /// Two nodes end with one connection between them: a second one is closed as soon as both have said hello on it.
    OneConnectionAPair,
    /// The overlay ends in one piece.
    OnePiece,
    /// Nodes that hold the same end knowing it of each other.
    PeersInSync,
    /// On good links, hardly any payload is sent in vain.
    FewInVain,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Invariant; 10] = [
        Invariant::NobodyPanics,
        Invariant::NoPhantom,
        Invariant::NothingTwice,
        Invariant::SoundNodes,
        Invariant::NothingLost,
        Invariant::DigestsEqualInTime,
        Invariant::OneConnectionAPair,
        Invariant::OnePiece,
        Invariant::PeersInSync,
        Invariant::FewInVain,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invariant::NobodyPanics => "nobody panics",
            Invariant::NoPhantom => "no phantom is delivered",
            Invariant::NothingTwice => "nothing is delivered twice",
            Invariant::SoundNodes => "each node is sound",
            Invariant::NothingLost => "nothing is lost",
            Invariant::DigestsEqualInTime => "digests are equal within 10 s of the faults' end",
            Invariant::OneConnectionAPair => "a pair ends with one connection",
            Invariant::OnePiece => "the overlay ends in one piece",
            Invariant::PeersInSync => "peers that hold the same know it of each other",
            Invariant::FewInVain => "on good links, hardly any payload is sent in vain",
        })
    }
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When that was seen, in the time of the world.
    pub at: Time,
    /// Who, and what.
    pub detail: String,
}

impl Violation {
    pub(super) fn new(invariant: Invariant, at: Time, detail: String) -> Violation {
        Violation { invariant, at, detail }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { invariant, at, detail } = self;
        write!(f, "not so: {invariant} ({:.3} s: {detail})", at.as_micros() as f64 / 1e6)
    }
}

/// Checked while everything goes on.
pub(super) fn at_all_times(world: &World<'_>) -> Vec<Violation> {
    let checks = [no_phantom_is_delivered(world), nothing_is_delivered_twice(world), each_node_is_sound(world)];
    checks.into_iter().flatten().collect()
}

/// Checked once all nodes hold the same, and have had a moment to tell each other.
pub(super) fn in_the_end(world: &World<'_>, scenario: &Scenario) -> Vec<Violation> {
    let checks = [
        the_overlay_ends_in_one_piece(world),
        peers_know_who_agrees(world),
        few_payloads_are_sent_in_vain(world, scenario),
    ];
    checks.into_iter().flatten().collect()
}

fn broken(world: &World<'_>, invariant: Invariant, detail: String) -> Option<Violation> {
    Some(Violation::new(invariant, world.now(), detail))
}

fn no_phantom_is_delivered(world: &World<'_>) -> Option<Violation> {
    let phantoms = world.ledger().phantoms;
    (phantoms > 0).then(|| broken(world, Invariant::NoPhantom, format!("{phantoms} phantoms")))?
}

fn nothing_is_delivered_twice(world: &World<'_>) -> Option<Violation> {
    let (id, node) = world.ledger().delivered_twice?;
    broken(world, Invariant::NothingTwice, format!("broadcast {} at node {}", id.0, node.0))
}

fn each_node_is_sound(world: &World<'_>) -> Option<Violation> {
    let (node, words) = world.unsound_node()?;
    broken(world, Invariant::SoundNodes, format!("node {}: {words}", node.0))
}

/// What some node holds and another lacks.
pub(super) fn nothing_is_lost(world: &World<'_>) -> Option<Violation> {
    let running = world.running();
    let lacks = |broadcast: &crate::ledger::Broadcast| {
        let lacking = running.iter().filter(|node| !broadcast.has(**node)).count();
        (0 < lacking && broadcast.reached() > 0).then_some((broadcast.payload.id, lacking))
    };
    let lacking: Vec<_> = world.ledger().broadcasts().iter().filter_map(lacks).collect();
    let (first, nodes) = lacking.first()?;
    let detail = format!("{} broadcasts miss somewhere; broadcast {} at {nodes} nodes", lacking.len(), first.0);
    broken(world, Invariant::NothingLost, detail)
}

/// Two nodes dial each other now and then, and know of the second connection when its hellos are said: in a moment it is
/// closed. So a pair breaks this whose two connections of [`SECOND_FOR`] ago both stand still.
pub(super) fn a_pair_ends_with_one_connection(world: &World<'_>, before: &SecondConnections) -> Option<Violation> {
    let now = world.twice_connected();
    let stays = |pair: &(NodeId, NodeId)| now.get(pair)?.intersection(before.get(pair)?).nth(1).map(|_| *pair);
    let (a, b) = before.keys().find_map(stays)?;
    broken(world, Invariant::OneConnectionAPair, format!("nodes {} and {}", a.0, b.0))
}

fn the_overlay_ends_in_one_piece(world: &World<'_>) -> Option<Violation> {
    let pieces = overlay::pieces(&world.overlay(), &world.running());
    (pieces > 1).then(|| broken(world, Invariant::OnePiece, format!("{pieces} pieces")))?
}

fn peers_know_who_agrees(world: &World<'_>) -> Option<Violation> {
    let (node, words) = world.restless_node()?;
    broken(world, Invariant::PeersInSync, format!("node {}: {words}", node.0))
}

/// How many payloads may be sent in vain, for each that is needed, where nothing happens.
const MAX_RMR: f64 = 0.1;

fn few_payloads_are_sent_in_vain(world: &World<'_>, scenario: &Scenario) -> Option<Violation> {
    let counted = world.ledger().broadcasts().iter().filter(|broadcast| broadcast.counted);
    let mean = mean(counted.filter_map(|broadcast| rmr(broadcast.transmissions, broadcast.reached())))?;
    (scenario.steps.is_empty() && mean > MAX_RMR)
        .then(|| broken(world, Invariant::FewInVain, format!("the RMR is {mean:.2}")))?
}
