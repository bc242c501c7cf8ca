//! What a weak node passes on, it passes on a moment later.
//!
//! HEAP (Frey, Guerraoui, Kermarrec, Monod: Heterogeneous Gossip, Middleware 2009) gives each node as much to pass on as its
//! capacity is of the mean. In a tree nobody chooses whom to push to: each node takes as its parent whoever is earliest. So a
//! weak node is late by intent, for payloads and for announcements alike: whoever has another way takes it, and a stronger node
//! passes on in the weak one's place, before a queue makes it late without intent. Arrival times stay real, and with them
//! the reason why trees have no loops. Who has no other way waits a moment.
//!
//! Invariants: what is held back is bounded; it goes out in the order in which it came, and to nobody who has it by then.

use crate::invariants::{Broken, at_most};
use crate::{Bundle, BundleId, PeerId, Time, Way};
use std::collections::VecDeque;
use std::time::Duration;

/// How many payloads are held back at most: with more, the oldest go out. A guess.
const MAX_HELD: usize = 1_024;

/// Payloads that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    hold: Duration,
    waiting: VecDeque<Push>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Push {
    due: Time,
    pub(super) to: Vec<PeerId>,
    pub(super) way: Way,
    pub(super) bundle: Bundle,
}

impl Held {
    /// How long everything is held back from now on.
    pub(super) fn set(&mut self, hold: Duration) {
        self.hold = hold;
    }

    pub(super) const fn hold(&self) -> Duration {
        self.hold
    }

    /// Holds a payload back.
    pub(super) fn push(&mut self, now: Time, to: Vec<PeerId>, way: Way, bundle: Bundle) {
        let due = self.waiting.back().map_or(Time::ZERO, |last| last.due).max(now + self.hold);
        self.waiting.push_back(Push { due, to, way, bundle });
    }

    /// A peer has a bundle.
    pub(super) fn cancel(&mut self, id: &BundleId, peer: PeerId) {
        for push in self.waiting.iter_mut().filter(|push| push.bundle.id == *id) {
            push.to.retain(|to| *to != peer);
        }
    }

    pub(super) fn next_wakeup(&self) -> Option<Time> {
        if self.waiting.len() > MAX_HELD { Some(Time::ZERO) } else { self.waiting.front().map(|push| push.due) }
    }

    /// What is to go out now.
    pub(super) fn pop(&mut self, now: Time) -> Option<Push> {
        self.next_wakeup().filter(|due| *due <= now).and_then(|_| self.waiting.pop_front())
    }

    pub(super) fn check(&self) -> Broken {
        at_most("payloads held back", self.waiting.len(), MAX_HELD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trees::{Steps, Trees};
    use crate::{Config, Message, OriginId, Signature};

    fn at(millis: u64) -> Time {
        Time::from_micros(millis * 1_000)
    }

    #[test]
    fn payloads_go_out_in_order_when_it_is_time_and_not_to_who_has_them() {
        let mut held = Held::default();
        let way = Way { ttl: 1, hops: 1, like: None };
        let id = |seq| BundleId { origin: OriginId([1; 32]), seq };
        let bundle = |seq| Bundle { id: id(seq), events: Vec::new().into(), signature: Signature::NONE, second: None };
        held.set(Duration::from_millis(50));
        held.push(at(0), vec![PeerId(1), PeerId(2)], way, bundle(1));
        held.set(Duration::from_millis(10));
        held.push(at(5), vec![PeerId(1)], way, bundle(2));
        held.cancel(&id(1), PeerId(2));
        assert_eq!((held.next_wakeup(), held.pop(at(49)).is_some()), (Some(at(50)), false));
        let out: Vec<_> = std::iter::from_fn(|| held.pop(at(50))).map(|push| (push.bundle.id.seq, push.to)).collect();
        assert_eq!(out, [(1, vec![PeerId(1)]), (2, vec![PeerId(1)])]);
        for seq in 0..=MAX_HELD as u64 {
            held.push(at(60), vec![PeerId(1)], way, bundle(seq));
        }
        assert_eq!(held.pop(at(60)).unwrap().bundle.id.seq, 0, "there is no room for it");
        assert!(held.pop(at(60)).is_none() && held.check().is_ok());
    }

    /// Whom a payload goes to, by what was said since the last time.
    fn pushed(steps: &mut Steps) -> Vec<u64> {
        let messages = std::mem::take(steps).into_messages().into_iter();
        let pushes = messages.filter(|(_, message)| matches!(message, Message::Bundle { .. }));
        pushes.flat_map(|(to, _)| to).map(|peer| peer.0).collect()
    }

    #[test]
    fn a_weak_node_passes_on_later_and_not_to_who_has_it_by_then_and_its_own_at_once() {
        let (me, other) = (OriginId([9; 32]), OriginId([1; 32]));
        let bundle = |origin, seq| Bundle {
            id: BundleId { origin, seq },
            events: Vec::new().into(),
            signature: Signature::NONE,
            second: None,
        };
        let way = Way { ttl: 9, hops: 1, like: None };
        for (hold, shared) in [(50, false), (0, false), (50, true)] {
            let (mut trees, mut steps) =
                (Trees::new(me, 0, &Config { shared_tree: shared, ..Config::default() }), Steps::default());
            (1..=4).for_each(|peer| trees.on_up(Time::ZERO, PeerId(peer), None, &mut steps));
            trees.hold_back(Duration::from_millis(hold));
            assert!(trees.on_bundle(at(0), PeerId(1), way, &bundle(other, 1).into(), &mut steps));
            if hold == 0 || shared {
                assert_eq!(pushed(&mut steps), [2, 3, 4]);
                continue;
            }
            assert!(pushed(&mut steps).is_empty());
            // One has it from elsewhere, one is gone.
            assert!(!trees.on_bundle(at(10), PeerId(3), way, &bundle(other, 1).into(), &mut steps));
            trees.on_down(at(20), PeerId(4), &mut steps);
            assert_eq!(trees.next_wakeup(), Some(at(50)));
            trees.tick(at(49), &mut steps);
            assert!(pushed(&mut steps).is_empty());
            trees.tick(at(50), &mut steps);
            assert_eq!(pushed(&mut steps), [2]);
            trees.broadcast(at(60), bundle(me, 1).into(), &mut steps);
            assert_eq!(pushed(&mut steps), [1, 2]);
        }
    }
}
