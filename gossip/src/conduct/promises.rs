//! What peers have promised: whoever announces a bundle, and is then asked for it, sends it.
//!
//! Whether it sends it can be told apart from whether the bundle comes: a peer that is asked answers, though others may be
//! quicker. One that has forgotten the bundle in the meantime, or whose line is full, is late or silent now and then; so a
//! silence costs only where there are more of them than answers.
//!
//! Invariants: what is remembered of a peer is bounded; a peer that is gone has promised nothing.

use crate::invariants::{Broken, at_most};
use crate::{BundleId, PeerId, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long an answer may take. Three seconds as in GossipSub (rust-libp2p, `iwant_followup_time`).
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// How many promises of one peer are remembered: what it may have announced alone, twice. A guess.
const MAX_EACH: usize = 1_024;
/// How often promises are looked at, in microseconds.
const LOOK: u64 = 500_000;
/// How many more silences than answers are forgiven. A guess.
const FORGIVEN: u32 = 8;

/// What all peers have promised.
#[derive(Clone, Debug, Default)]
pub(super) struct Promises {
    peers: BTreeMap<PeerId, Promised>,
}

/// What one has.
#[derive(Clone, Debug, Default)]
struct Promised {
    /// What it was asked for, and by when it is to come.
    open: BTreeMap<BundleId, Time>,
    due: VecDeque<(Time, BundleId)>,
    kept: u32,
    broken: u32,
}

impl Promises {
    /// A peer that has announced a bundle is asked for it.
    pub(super) fn asked(&mut self, now: Time, peer: PeerId, id: BundleId) {
        let promised = self.peers.entry(peer).or_default();
        if promised.due.len() < MAX_EACH && !promised.open.contains_key(&id) {
            promised.open.insert(id, now + PATIENCE);
            promised.due.push_back((now + PATIENCE, id));
        }
    }

    /// It has sent a bundle, new or not.
    pub(super) fn sent(&mut self, peer: PeerId, id: &BundleId) {
        if let Some(promised) = self.peers.get_mut(&peer)
            && promised.open.remove(id).is_some()
        {
            promised.kept = promised.kept.saturating_add(1);
        }
    }

    /// A link is gone.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
    }

    /// When to look next who has broken a promise.
    pub(super) fn next_wakeup(&self) -> Option<Time> {
        self.peers.values().filter_map(|promised| promised.due.front().map(|(at, _)| look_at(*at))).min()
    }

    /// Who has broken so many promises until now that it counts.
    pub(super) fn broken(&mut self, now: Time) -> Vec<(PeerId, u32)> {
        let mut who = Vec::new();
        for (peer, promised) in &mut self.peers {
            let excess = |promised: &Promised| promised.broken.saturating_sub(promised.kept + FORGIVEN);
            let before = excess(promised);
            while let Some((_, id)) = promised.due.front().copied().filter(|(at, _)| *at <= now) {
                promised.due.pop_front();
                // A bundle that was asked for again, and answered, has another moment.
                if promised.open.get(&id).is_some_and(|at| *at <= now) {
                    promised.open.remove(&id);
                    promised.broken = promised.broken.saturating_add(1);
                }
            }
            let more = excess(promised).saturating_sub(before);
            if more > 0 {
                who.push((*peer, more));
            }
            if promised.due.is_empty() {
                // What was long ago counts half.
                (promised.kept, promised.broken) = (promised.kept / 2, promised.broken / 2);
            }
        }
        who
    }

    pub(super) fn check(&self, is_link: impl Fn(PeerId) -> bool) -> Broken {
        let most = self.peers.values().map(|promised| promised.due.len().max(promised.open.len())).max();
        at_most("promises of one peer", most.unwrap_or(0), MAX_EACH)?;
        at_most("peers that are gone and have promised", self.peers.keys().filter(|peer| !is_link(**peer)).count(), 0)
    }
}

/// Promises are looked at twice a second, not each at its own moment.
fn look_at(due: Time) -> Time {
    Time::from_micros(due.as_micros().div_ceil(LOOK).saturating_mul(LOOK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OriginId;

    const PEER: PeerId = PeerId(1);

    fn id(seq: u64) -> BundleId {
        BundleId { origin: OriginId([1; 32]), seq }
    }

    fn later(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn who_never_sends_what_it_announces_is_told_from_who_is_late_now_and_then() {
        let (mut promises, liar, honest) = (Promises::default(), PEER, PeerId(2));
        for seq in 0..100 {
            promises.asked(Time::ZERO, liar, id(seq));
            promises.asked(Time::ZERO, honest, id(seq));
            if seq % 2 == 0 {
                promises.sent(honest, &id(seq));
            }
        }
        assert_eq!(promises.next_wakeup(), Some(later(3)));
        assert!(promises.broken(later(2)).is_empty());
        assert_eq!(promises.broken(later(3)), [(liar, 100 - FORGIVEN)]);
        assert!(promises.broken(later(4)).is_empty(), "each counts once");
        assert_eq!(promises.next_wakeup(), None, "nothing is left");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_a_peer_that_is_gone_has_promised_nothing() {
        let mut promises = Promises::default();
        (0..10_000).for_each(|seq| promises.asked(Time::ZERO, PEER, id(seq)));
        assert_eq!(promises.check(|_| true), Ok(()));
        promises.forget(PEER);
        assert_eq!((promises.broken(later(60)), promises.check(|_| false)), (Vec::new(), Ok(())));
    }
}
