//! Reconciliation's invariants.

use super::Reconcile;
use crate::invariants::{Broken, must};
use crate::{Fingerprint, PeerId};

impl Reconcile {
    /// With whom it reconciles: all links.
    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.links.keys().copied()
    }

    /// All that is counted as held.
    pub(crate) fn counted(&self) -> Fingerprint {
        self.slots.all()
    }

    pub(crate) fn check(&self) -> Broken {
        must(self.roots.peers().eq(self.peers()), || "roots are kept of others than the links".to_owned())?;
        let stranger =
            self.session.as_ref().map(|session| session.peer()).filter(|peer| !self.links.contains_key(peer));
        must(stranger.is_none(), || format!("a session is led with {stranger:?}, which is no link"))?;
        self.each_session_has_its_moment()?;
        self.serving.check(|peer| self.links.contains_key(&peer))?;
        self.session.as_ref().map_or(Ok(()), |session| session.check())?;
        self.slots.check()
    }

    /// A session that is due is begun: at once, or when the one that is led is over.
    fn each_session_has_its_moment(&self) -> Broken {
        let first = self.links.values().filter_map(|link| link.due).min();
        let known = first.is_none_or(|first| self.next_due.is_some_and(|next| next <= first));
        must(known, || format!("a session is due at {first:?}, and nobody looks before {:?}", self.next_due))
    }
}
