//! Trees before anybody speaks.
//!
//! A node that knows no origin nearby probes: a probe floods the mesh, without a payload, and each node grafts whoever
//! brought it first. That makes a tree of the shortest paths, which new origins nearby take for their first bundle.
//!
//! Invariants: a probe is passed on once by a node; where there is an origin near every node, nobody probes.

use super::tree::{FAR, Tree};
use super::{Steps, Trees};
use crate::message::Probe;
use crate::{PeerId, Time};
use std::collections::BTreeSet;
use std::time::Duration;

/// A node that knows no origin within one hop of so many that the farthest is away probes. A guess.
const NEAR_SHARE: u8 = 3;
/// When it looks at that first, the time being drawn from this range after its first link; and how often then. Guesses.
pub(super) const PROBE_AFTER: Duration = Duration::from_secs(20);
pub(super) const PROBE_SPREAD: Duration = Duration::from_secs(60);
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(300);

impl Trees {
    /// When this node looks first whether to probe: its first link stands since now.
    pub(super) fn plan_probe(&mut self, now: Time) {
        if !self.shared {
            self.probe_at.get_or_insert(now + PROBE_AFTER + PROBE_SPREAD * self.me.0[0].into() / 256);
        }
    }

    /// Probes, if it is time and no origin is known nearby.
    pub(super) fn probe_if_due(&mut self, now: Time, steps: &mut Steps) {
        if self.probe_at.is_some_and(|at| at <= now) {
            self.probe_at = Some(now + PROBE_EVERY);
            self.probe(now, steps);
        }
    }

    fn probe(&mut self, now: Time, steps: &mut Steps) {
        let nearby = (self.forest.depth() / NEAR_SHARE).max(1);
        if self.forest.nearest().is_some_and(|(hops, _)| hops <= nearby) {
            return;
        }
        self.forest.hear(now, self.me, |_| Tree::new(BTreeSet::new()));
        let probe = Probe { origin: self.me, seq: self.epoch_micros.saturating_add(now.as_micros()), hops: 1 };
        steps.probe(self.links.keys().copied().collect(), probe);
    }

    /// A probe came. The first of its kind goes on along all other links, and whoever brought it is the parent.
    pub(crate) fn on_probe(&mut self, now: Time, from: PeerId, probe: Probe, steps: &mut Steps) {
        let Probe { origin, seq, hops } = probe;
        if origin == self.me || self.shared || !self.links.contains_key(&from) {
            return;
        }
        let tree = self.forest.hear(now, origin, |_| Tree::new(BTreeSet::new()));
        if seq <= tree.probed {
            return;
        }
        (tree.probed, tree.hops) = (seq, hops);
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
        let others: Vec<PeerId> = self.links.keys().copied().filter(|peer| *peer != from).collect();
        if hops < FAR - 1 && !others.is_empty() {
            steps.probe(others, Probe { hops: hops + 1, ..probe });
        }
    }
}
