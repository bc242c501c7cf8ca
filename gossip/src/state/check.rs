//! The state's invariants: its own, then those of its parts.

use super::State;
use crate::invariants::{Broken, must};
use crate::{BundleId, Dialect, Fingerprint, OriginId, PeerId, Time};

impl State {
    /// Checks every invariant.
    ///
    /// # Errors
    /// The first that does not hold, in words.
    pub fn check_invariants(&self, now: Time) -> Result<(), String> {
        self.nothing_is_overdue(now)?;
        self.trees_know_only_peers()?;
        self.membership.check(&self.peers, &self.config)?;
        self.links_are_the_same_to_all()?;
        self.reconcile.check()?;
        self.trees.check()?;
        self.broadcast.check(&self.config)?;
        self.clocks.check(self.peers.len())?;
        self.capacity.check(self.peers.len())?;
        self.statements.check(|id| self.peers.contains_key(&id))?;
        let linked = |id| self.peers.get(&id).is_some_and(|peer| peer.linked);
        self.conduct.check(|id| self.peers.contains_key(&id), linked)?;
        self.forks.check(linked)?;
        self.agreement.check()
    }

    /// The fingerprint of all that this node counts as held. That of its store is the same, if no bundle was counted twice.
    pub fn counted(&self) -> Fingerprint {
        self.reconcile.counted()
    }

    /// From whom this node expects an origin's bundles.
    pub fn parent_of(&self, origin: &OriginId) -> Option<PeerId> {
        self.trees.parent(origin)
    }

    /// Whether a bundle has come, whether or not it was kept.
    pub fn knows(&self, id: &BundleId) -> bool {
        self.trees.archive().knows(id)
    }

    /// What was due has been done: whoever waits is woken.
    fn nothing_is_overdue(&self, now: Time) -> Broken {
        let timers = [
            ("membership", self.membership_due),
            ("bundles", self.bundler.next_wakeup()),
            ("trees", self.trees.next_wakeup()),
            ("reconciliation", self.reconcile.next_wakeup()),
            ("digests", self.agreement.next_wakeup()),
            ("clocks", self.clocks.next_wakeup()),
            ("promises", self.conduct.next_wakeup()),
            ("proofs", self.forks.next_wakeup()),
        ];
        for (whose, due) in timers {
            must(due.is_none_or(|due| due >= now), || {
                format!("a timer of {whose} was due at {due:?}, and it is {now:?}")
            })?;
        }
        Ok(())
    }

    /// A link to a node is one to membership, to the trees and to reconciliation.
    fn links_are_the_same_to_all(&self) -> Broken {
        let nodes = self.peers.iter().filter(|(_, peer)| peer.linked && peer.dialect == Dialect::V2);
        let nodes: Vec<PeerId> = nodes.map(|(id, _)| *id).collect();
        let same = self.trees.peers().eq(nodes.iter().copied()) && self.reconcile.peers().eq(nodes.iter().copied());
        must(same, || format!("links are {nodes:?}, but not to trees and reconciliation alike"))
    }

    /// A connection that has ended leaves nothing behind.
    fn trees_know_only_peers(&self) -> Broken {
        let mut links = self.trees.peers();
        let gone = links.find(|peer| !self.peers.contains_key(peer));
        gone.map_or(Ok(()), |peer| Err(format!("{peer} is gone, and still a link")))
    }
}
