//! When something is missing, or a link is gone: who is asked, and what is answered.
//!
//! Whoever had the last bundle first takes the place of a parent that is gone: if it had it before this node, or is no farther
//! from the origin, it can't be below. A new link comes next, then whoever had it later; if that one was below after all,
//! what is announced is asked for at once. Where there is nobody, those below are grafted; a graft from one's parent says
//! that it has lost its way, and one looks for another.
//!
//! Invariants: nobody is asked without having announced; what one graft is answered with is bounded.

use super::{Link, Steps, Trees, key};
use crate::message::Grafted;
use crate::{BundleId, Fault, OriginId, PeerId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long to wait for a payload after its first announcement, and then for each announcer that is asked: so many round
/// trips to the announcer, within these bounds. Guesses; the longest is also the wait where no round trip is known.
const PATIENCE_RTTS: u32 = 3;
const PATIENCE_MIN: Duration = Duration::from_millis(100);
const PATIENCE_MAX: Duration = Duration::from_millis(300);
/// How much text one graft is answered with: what a peer's queue has room for once it is packed. It asks others for the rest.
const MAX_ANSWER_BYTES: usize = 1_024 * 1_024;

impl Trees {
    /// A peer asks to be pushed to, and for the bundles that it names.
    pub(crate) fn on_graft(&mut self, now: Time, from: PeerId, grafts: Vec<Grafted>, steps: &mut Steps) {
        let mut bytes = 0;
        for Grafted { origin, wanted } in grafts {
            let (key, linked) = (self.key(origin), self.links.contains_key(&from));
            // Of an origin without a tree nothing has come: there is nothing to push, and no place for it to be taken up.
            if let Some(tree) = self.forest.get_mut(&key).filter(|_| linked) {
                tree.eager.insert(from);
                tree.pass_over(from);
                if tree.parent == Some(from) && wanted.is_empty() && !self.shared {
                    tree.parent = None;
                    self.mend(origin, steps);
                }
            }
            if linked && !self.shared {
                self.push_gathered(now, from, (origin, &wanted), steps);
            }
            let way = self.way(origin);
            for seq in wanted {
                if let Some(bundle) = self.archive.get(&BundleId { origin, seq }).filter(|_| bytes < MAX_ANSWER_BYTES) {
                    bytes += bundle.weight();
                    self.held.cancel(&bundle.id, from);
                    steps.push(vec![from], way, bundle.clone());
                }
            }
        }
    }

    /// Asks for what has not come in time.
    pub(super) fn ask(&mut self, now: Time, steps: &mut Steps) {
        while let Some((id, peer)) = self.missing.ask(now, |peer| patience(&self.links, peer, peer)) {
            if let Some(tree) = self.forest.get_mut(&key(self.shared, id.origin)) {
                tree.eager.insert(peer);
            }
            let after = u64::from(self.planted.is(Fault::WrongGraft));
            steps.graft(peer, id.origin, Some(id.seq + after));
        }
    }

    /// What of an origin is gathered for a peer's next announcement is pushed to it instead: it came while the peer's graft was on
    /// its way. What the peer wants by number it gets in any case.
    fn push_gathered(&mut self, now: Time, from: PeerId, (origin, wanted): (OriginId, &[u64]), steps: &mut Steps) {
        let way = self.way(origin);
        let Some(link) = self.links.get_mut(&from) else { return };
        for (id, due) in link.gathered.extract_if(.., |(id, _)| id.origin == origin && !wanted.contains(&id.seq)) {
            match self.archive.get(&id).cloned() {
                Some(bundle) if due <= now => steps.push(vec![from], way, bundle),
                Some(bundle) => self.held.push(now, vec![from], way, bundle),
                None => {}
            }
        }
    }

    /// How long to wait for a payload that its parent has announced: the parent before may have pushed it, until it was told not to.
    pub(super) fn crossing(&self, parent: PeerId) -> Duration {
        let round = self.links.get(&parent).and_then(|link| link.rtt).unwrap_or(PATIENCE_MAX);
        let late = self.links.get(&parent).map_or(Duration::ZERO, |link| link.late.bound());
        round.max(late).min(self.patience(parent, Some(parent)))
    }

    /// How long to wait for a payload that one peer has announced and another is to push.
    pub(super) fn patience(&self, announcer: PeerId, pusher: Option<PeerId>) -> Duration {
        patience(&self.links, announcer, pusher.unwrap_or(announcer))
    }

    /// Finds another parent where an origin's is gone: whoever can't be below, then whoever may be. Where there is nobody, those
    /// below are asked.
    pub(super) fn mend(&mut self, origin: OriginId, steps: &mut Steps) {
        let links = &self.links;
        let Some(tree) = self.forest.get_mut(&origin).filter(|_| origin != self.me) else { return };
        let next = |may: &dyn Fn(&PeerId) -> bool| {
            // A link that has announced nothing may be new.
            let unknown = || links.keys().copied().find(|peer| !tree.eager.contains(peer) && may(peer));
            tree.next_above(may).or_else(unknown).or_else(|| tree.next_parent(may))
        };
        let sound = |peer: &PeerId| links.get(peer).is_some_and(|link| !link.doubted);
        match next(&sound).or_else(|| next(&|_| true)) {
            Some(next) => {
                tree.try_parent(next);
                steps.graft(next, origin, None);
            }
            None => tree.eager.iter().for_each(|below| steps.graft(*below, origin, None)),
        }
    }
}

/// As long as asking takes, and longer where the pusher is known to be later than that.
fn patience(links: &BTreeMap<PeerId, Link>, announcer: PeerId, pusher: PeerId) -> Duration {
    let rtt = links.get(&announcer).and_then(|link| link.rtt);
    let asking = rtt.map_or(PATIENCE_MAX, |rtt| (rtt * PATIENCE_RTTS).clamp(PATIENCE_MIN, PATIENCE_MAX));
    links.get(&pusher).map_or(asking, |link| asking.max(link.late.bound()))
}
