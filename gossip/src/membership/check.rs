//! Membership's invariants.

use super::active::SPARE;
use super::{MAX_DIALLING, MAX_HINTS, Membership};
use crate::Config;
use crate::invariants::{Broken, at_most, must};
use crate::peer::{Peer, PeerId};
use std::collections::BTreeMap;

impl Membership {
    pub(crate) fn check(&self, peers: &BTreeMap<PeerId, Peer>, config: &Config) -> Broken {
        at_most("links", self.active.len(), config.active_max + SPARE)?;
        at_most("addresses that have a place for us", self.hints.len(), MAX_HINTS)?;
        at_most("dials", self.passive.dials().1, MAX_DIALLING)?;
        self.passive.check(peers, config)?;
        peers.iter().try_for_each(|(id, peer)| self.knows_what_for(*id, peer))?;
        let mut known = self.active.ids().chain(self.errands.ids());
        let gone = known.find(|id| !peers.contains_key(id));
        must(gone.is_none(), || format!("{gone:?} is gone, and still a link or an errand"))
    }

    /// A connection is a link, or an errand that ends, or a script.
    fn knows_what_for(&self, id: PeerId, peer: &Peer) -> Broken {
        let (link, errand) = (self.active.contains(id), self.errands.get(id));
        must(link == peer.linked, || format!("{id} is a link to membership: {link}; to others: {}", peer.linked))?;
        must(!link || errand.is_none(), || format!("{id} is a link and an errand"))?;
        must(peer.stays() || errand.is_some_and(|errand| errand.until.is_some()), || {
            format!("{id} is no link, and nothing ends it")
        })
    }
}
