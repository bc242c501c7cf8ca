//! The trees' invariants.

use super::missing::MAX_OF_ONE_PEER;
use super::{Trees, key};
use crate::OriginId;
use crate::invariants::{Broken, at_most, must};
use crate::peer::PeerId;

impl Trees {
    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.links.keys().copied()
    }

    pub(crate) fn parent(&self, origin: &OriginId) -> Option<PeerId> {
        self.forest.get(&key(self.shared, *origin))?.parent
    }

    pub(crate) fn check(&self) -> Broken {
        self.forest.check()?;
        self.missing.check()?;
        self.held.check()?;
        self.eager_links_and_parents_stand()?;
        self.archive.check()
    }

    /// Every link of an origin is eager or lazy: there are no others.
    fn eager_links_and_parents_stand(&self) -> Broken {
        for (origin, tree) in self.forest.iter() {
            let mut all = tree.eager.iter().chain(&tree.parent);
            let gone = all.find(|peer| !self.links.contains_key(peer));
            must(gone.is_none(), || format!("{gone:?} is no link, and in the tree of {origin:?}"))?;
        }
        at_most("shares of missing bundles", self.missing.greatest_share(), MAX_OF_ONE_PEER)
    }
}
