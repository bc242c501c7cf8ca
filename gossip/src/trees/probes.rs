//! Trees before anybody speaks, and trees anew.
//!
//! A node that knows no origin nearby probes: a probe floods the mesh, without a payload, and each node grafts whoever
//! brought it first. That makes a tree of the shortest paths, which new origins nearby take for their first bundle. While
//! links still move, such a tree would soon be that of another mesh: so a node probes once its own have stood for a while.
//!
//! A node that has a tree of its own probes as well where it has lost many of its links at once: others have lost theirs,
//! and a tree that is made anew costs a few bytes where each mending of the old one costs payloads.
//!
//! Invariants: a probe is passed on once by a node; where there is an origin near every node, and links stand, nobody probes;
//! after a probe a link is eager for its origin if one of the two is the other's parent.

use super::tree::{FAR, Tree};
use super::{Steps, Trees, micros};
use crate::message::Probe;
use crate::{PeerId, Time};
use std::collections::BTreeSet;
use std::time::Duration;

/// A node that knows no origin within one hop of so many that the farthest is away probes. A guess.
const NEAR_SHARE: u8 = 3;
/// When it looks at that: once its links have stood for so long, and then a time of its own up to the second of these, that
/// not all probe at once; though it waits for its links no longer than the third. `mesh-sim run fresh-1000`, seed 0, the
/// last delivery as a multiple of the shortest way with one look: 1.9 after 15 s, 1.6 after 30 s, 1.3 after 45 s.
pub(super) const PROBE_AFTER: Duration = Duration::from_secs(30);
pub(super) const PROBE_SPREAD: Duration = Duration::from_secs(30);
const PROBE_LATEST: Duration = Duration::from_secs(90);
/// So long after the first look comes the second, and after that each: links far away move more and more seldom. Guesses.
const PROBE_AGAIN: Duration = Duration::from_secs(60);
const PROBE_EVERY: Duration = Duration::from_secs(300);
/// A node with a tree of its own that has lost one link of so many since its last probe probes anew. A guess.
const HURT_SHARE: usize = 3;
/// It does so once its links have stood for so long, or the second of these has passed, and then after a time of its own, up
/// to the third for each origin that is known: so there are at most 200 probes a second in the mesh. Guesses:
/// `mesh-sim run half-crash-1000` takes 20 messages to an RMR below 0.05, and takes as many without the wait.
const HURT_AFTER: Duration = Duration::from_millis(500);
const HURT_LATEST: Duration = Duration::from_secs(10);
const HURT_SPREAD: Duration = Duration::from_millis(5);

/// When a node looks whether to probe.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    next: Option<Time>,
    /// By when at the latest, however often links change.
    latest: Option<Time>,
    /// Whether it has looked before.
    looked: bool,
    /// How many links were lost since the last probe, and by when a tree that is hurt is made anew.
    lost: usize,
    hurt_until: Option<Time>,
}

impl Clock {
    pub(super) fn next_wakeup(&self) -> Option<Time> {
        self.next
    }
}

impl Trees {
    /// A link is gone: see [`Trees::plan_probe`].
    pub(super) fn on_link_lost(&mut self, now: Time) {
        self.probes.lost += 1;
        self.plan_probe(now);
    }

    /// A link has come or gone: when this node looks next whether to probe.
    pub(super) fn plan_probe(&mut self, now: Time) {
        if self.shared || self.links.is_empty() {
            self.probes.next = None;
            return;
        }
        let latest = *self.probes.latest.get_or_insert(now + PROBE_LATEST);
        self.probes.next = Some(if self.is_hurt() {
            let origins = u32::try_from(self.forest.len()).unwrap_or(u32::MAX);
            let until = *self.probes.hurt_until.get_or_insert(now + HURT_LATEST);
            (now + HURT_AFTER).min(until) + self.own_part_of(HURT_SPREAD.saturating_mul(origins).max(HURT_AFTER))
        } else {
            (now + PROBE_AFTER).min(latest) + self.own_part_of(PROBE_SPREAD)
        });
    }

    /// A part of a duration that is each node's own.
    fn own_part_of(&self, duration: Duration) -> Duration {
        duration * self.me.0[0].into() / 256
    }

    /// Whether this node has a tree, and has lost a third of the links that it had at its last probe.
    fn is_hurt(&self) -> bool {
        let lost = self.probes.lost;
        lost > 0 && lost * HURT_SHARE >= lost + self.links.len() && self.forest.get(&self.me).is_some()
    }

    /// Probes, if it is time, and no origin is known nearby or its own tree is hurt.
    pub(super) fn probe_if_due(&mut self, now: Time, steps: &mut Steps) {
        if self.probes.next.is_some_and(|at| at <= now) {
            let pause = if self.probes.looked { PROBE_EVERY } else { PROBE_AGAIN };
            self.probes = Clock { next: Some(now + pause), latest: None, looked: true, ..self.probes };
            let nearby = (self.forest.depth() / NEAR_SHARE).max(1);
            if self.is_hurt() || self.forest.nearest().is_none_or(|(hops, _)| hops > nearby) {
                self.probe(now, steps);
            }
        }
    }

    fn probe(&mut self, now: Time, steps: &mut Steps) {
        (self.probes.lost, self.probes.hurt_until) = (0, None);
        let seq = self.epoch_micros.saturating_add(now.as_micros());
        self.forest.hear(now, self.me, |_| Tree::new(BTreeSet::new())).probed = (seq, now);
        steps.probe(self.links.keys().copied().collect(), Probe { origin: self.me, seq, hops: 1 });
    }

    /// A probe came. The first of its kind goes on along all other links, and whoever brought it is the parent.
    pub(crate) fn on_probe(&mut self, now: Time, from: PeerId, probe: Probe, steps: &mut Steps) {
        let Probe { origin, seq, hops } = probe;
        if self.shared || !self.links.contains_key(&from) {
            return;
        }
        if origin == self.me {
            return self.on_own_probe(from, seq);
        }
        let tree = self.forest.hear(now, origin, |_| Tree::new(BTreeSet::new()));
        if seq <= tree.probed.0 {
            return self.on_known_probe(now, from, probe);
        }
        tree.on_probe(now, seq);
        let before = tree.parent;
        if before != Some(from) {
            if let Some(before) = before {
                tree.eager.remove(&before);
                steps.prune(before, origin);
            }
            tree.eager.insert(from);
            tree.pass_over(from);
            (tree.parent, tree.proven) = (Some(from), true);
            steps.graft(from, origin, None);
        }
        self.forest.measured(origin, hops);
        let others: Vec<PeerId> = self.links.keys().copied().filter(|peer| *peer != from).collect();
        if hops < FAR - 1 && !others.is_empty() {
            steps.probe(others, Probe { hops: hops + 1, ..probe });
        }
    }

    /// A probe came again. Whoever sends it had it from somebody else, so it is not below; and it may take the parent's place.
    fn on_known_probe(&mut self, now: Time, from: PeerId, probe: Probe) {
        let one_way = self.links.get(&from).and_then(|link| link.rtt).unwrap_or_default() / 2;
        let Some(tree) = self.forest.get_mut(&probe.origin) else { return };
        let (seq, came) = tree.probed;
        if probe.seq == seq && tree.parent != Some(from) {
            tree.eager.remove(&from);
            let after = micros(now.before(one_way)).saturating_sub(micros(came));
            tree.note(from, after, probe.hops > tree.hops().saturating_add(1));
        }
    }

    /// This node's own probe came back: whoever sends it had it from somebody else. A root keeps its last eager link.
    fn on_own_probe(&mut self, from: PeerId, seq: u64) {
        let tree = self.forest.get_mut(&self.me);
        if let Some(tree) = tree.filter(|tree| tree.probed.0 == seq && tree.eager.len() > 1) {
            tree.eager.remove(&from);
        }
    }
}
