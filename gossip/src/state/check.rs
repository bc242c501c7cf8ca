//! The state's invariants: its own, then those of its parts.

use super::State;
use crate::invariants::{Broken, must};
use crate::{OriginId, PeerId, Time};

impl State {
    /// Checks every invariant.
    ///
    /// # Errors
    /// The first that does not hold, in words.
    pub fn check_invariants(&self, now: Time) -> Result<(), String> {
        self.nothing_is_overdue(now)?;
        self.trees_know_only_peers()?;
        self.trees.check()?;
        self.broadcast.check(&self.config)?;
        self.clocks.check(self.peers.len())?;
        self.agreement.check()
    }

    /// From whom this node expects an origin's bundles.
    pub fn parent_of(&self, origin: &OriginId) -> Option<PeerId> {
        self.trees.parent(origin)
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
        ];
        for (whose, due) in timers {
            must(due.is_none_or(|due| due >= now), || {
                format!("a timer of {whose} was due at {due:?}, and it is {now:?}")
            })?;
        }
        Ok(())
    }

    /// A connection that has ended leaves nothing behind.
    fn trees_know_only_peers(&self) -> Broken {
        let mut links = self.trees.peers();
        let gone = links.find(|peer| !self.peers.contains_key(peer));
        gone.map_or(Ok(()), |peer| Err(format!("{peer} is gone, and still a link")))
    }
}
