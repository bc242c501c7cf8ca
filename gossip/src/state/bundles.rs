//! What comes in, and goes on: events of this node and of scripts, bundles of other nodes.

use super::{CLONE_AHEAD, State};
use crate::json::MAX_TTL;
use crate::output::Output;
use crate::peer::PeerId;
use crate::reconcile::{Came, Exchange};
use crate::trees::{Steps, Way};
use crate::{Bundle, Event, Hashed, Message, Signature, Time};
use std::sync::Arc;

impl State {
    /// A script's event: delivered, told to other scripts, and taken into a bundle of this node's own.
    pub(super) fn on_event(&mut self, now: Time, from: PeerId, ttl: u8, event: Event) {
        if self.learn(from, &event) {
            let ttl = ttl.saturating_sub(1);
            if ttl > 0 {
                self.spread(ttl, event.clone(), Some(from));
            }
            // Whatever its ttl says to scripts: what one node shows, all show.
            self.bundle(now, event);
        }
    }

    /// A script's event that it has signed itself: from here on it goes down a tree of its own.
    pub(super) fn on_signed_event(&mut self, now: Time, from: PeerId, way: Way, bundle: Bundle) {
        let bundle = Hashed::from(bundle);
        if self.trees.archive().has_seen(&bundle.id, &bundle.hash()) {
            return self.count_known(from, 1);
        }
        // What its ttl says is said to scripts; nodes have one of their own.
        let (onward, mut steps) = (Way { ttl: MAX_TTL, ..way }, Steps::default());
        self.trees.on_bundle(now, from, onward, &bundle, &mut steps);
        if self.keep(now, &bundle, false) {
            self.learn_all(from, way.ttl.saturating_sub(1), &bundle);
        }
        self.carry_out(now, steps);
    }

    pub(super) fn on_broadcast(&mut self, now: Time, event: Event) {
        if !self.broadcast.accept(&event) {
            return;
        }
        // A bundle by itself is one that scripts can check. One that waits for others they hear of at once.
        let alone = self.bundler.is_quiet(now);
        if !alone {
            self.spread(self.config.ttl, event.clone(), None);
        }
        self.bundle(now, event);
        if alone && let Some(bundle) = self.bundler.close(now) {
            self.spread_bundle(self.config.ttl, &bundle, None);
            self.send_bundle(now, bundle);
        }
    }

    pub(super) fn on_bundle(&mut self, now: Time, from: PeerId, way: Way, bundle: Bundle) {
        let (mut steps, bundle) = (Steps::default(), Hashed::from(bundle));
        let new = self.trees.on_bundle(now, from, way, &bundle, &mut steps);
        if new {
            let own = self.trees.is_its_own(from, bundle.id.origin, way.hops);
            self.conduct.on_brought(from, bundle.id.origin, own);
        } else if self.trees.is_timely(now, from, &bundle.id) {
            self.conduct.on_worth(from);
        }
        if !new {
            self.count_known(from, bundle.events.len() as u64);
        } else if self.keep(now, &bundle, false) {
            self.learn_all(from, self.ttl_after(way.hops), &bundle);
        }
        self.carry_out(now, steps);
    }

    /// It was on its way when the link was dropped, and is no part of a tree any more.
    pub(super) fn on_stray(&mut self, now: Time, from: PeerId, bundle: Bundle) {
        let bundle = Hashed::from(bundle);
        if !self.trees.archive().has_seen(&bundle.id, &bundle.hash()) {
            self.take_in(now, from, &bundle);
        }
    }

    /// What came by reconciliation is lacking for certain, however old it is. Others come for it themselves.
    pub(super) fn on_exchange(&mut self, now: Time, from: PeerId, exchange: Exchange) {
        let came = self.reconcile.on_exchange(now, from, exchange, self.trees.archive(), &mut self.outbox);
        for Came { bundle, twin } in came {
            if twin {
                self.on_twin(now, &bundle);
            }
            self.take_in(now, from, &bundle);
        }
    }

    /// Takes in a new bundle that came outside the trees.
    pub(super) fn take_in(&mut self, now: Time, from: PeerId, bundle: &Hashed) {
        let news = self.reconcile.is_news(now, &bundle.id);
        self.trees.take_in(now, bundle, news);
        if !self.keep(now, bundle, false) {
            return;
        }
        if news {
            self.learn_all(from, self.ttl_after(1), bundle);
        } else {
            for event in bundle.events.iter() {
                self.learn(from, event);
            }
        }
    }

    /// Hands a new bundle to the store, if its time is acceptable. What is not kept is not delivered either: it would be
    /// counted again when reconciliation brings it.
    fn keep(&mut self, now: Time, bundle: &Hashed, own: bool) -> bool {
        if bundle.id.origin == self.me.origin {
            // It may have been made before a crash, by a clock that was ahead of today's.
            self.bundler.skip(bundle.id.seq);
            if !own && bundle.id.seq > self.begun.saturating_add(CLONE_AHEAD) {
                self.clone = Some(now);
            }
        }
        let content = bundle.content();
        if self.trees.archive().has_twin(&content.0, &content.1) {
            self.on_twin(now, bundle);
        }
        let kept = self.reconcile.keep(now, &content, own);
        if kept {
            self.outbox.push_back(Output::Keep(bundle.clone()));
        } else {
            self.trees.archive_mut().refuse(&content.0, &content.1);
        }
        kept
    }

    /// A new bundle is not the only one of its number. The store is asked for the other one before it is given this one.
    fn on_twin(&mut self, now: Time, bundle: &Hashed) {
        let (wall, other) = (self.wall(now), self.trees.archive().kept_twin(&bundle.id, &bundle.hash()));
        self.forks.on_twin(now, wall, (bundle, other), &mut self.outbox);
    }

    /// The ttl by which scripts are told of a bundle that came so many hops.
    fn ttl_after(&self, hops: u8) -> u8 {
        self.config.ttl.saturating_sub(hops).max(1)
    }

    /// The events of a bundle: each new one is delivered, and told to scripts while the ttl lasts.
    fn learn_all(&mut self, from: PeerId, ttl: u8, bundle: &Bundle) {
        for event in bundle.events.iter() {
            if !self.learn(from, event) || ttl == 0 {
                continue;
            }
            if bundle.events.len() == 1 && bundle.signature != Signature::NONE {
                self.spread_bundle(ttl, bundle, Some(from));
            } else {
                self.spread(ttl, event.clone(), Some(from));
            }
        }
    }

    /// Takes in an event from a peer. `false` if it was known.
    fn learn(&mut self, from: PeerId, event: &Event) -> bool {
        if !self.broadcast.accept(event) {
            self.count_known(from, 1);
            return false;
        }
        self.broadcast.counters.total += 1;
        self.peers.get_mut(&from).into_iter().for_each(|peer| peer.learned += 1);
        self.broadcast.counters.learned += 1;
        self.outbox.push_back(Output::Deliver { from, event: event.clone() });
        true
    }

    /// A peer has told of so many events that were known.
    fn count_known(&mut self, from: PeerId, events: u64) {
        self.broadcast.counters.total += events;
        self.broadcast.counters.duplicates += events;
        self.peers.get_mut(&from).into_iter().for_each(|peer| peer.duplicates += events);
    }

    /// Tells scripts of an event: up to as many as the fanout says.
    fn spread(&mut self, ttl: u8, event: Event, except: Option<PeerId>) {
        let (fanout, what) = (self.config.fanout, (Arc::clone(&event.node_id), Message::Event { ttl, event }));
        self.outbox.extend(self.broadcast.spread(fanout, what, except, &self.peers, &mut self.rng));
    }

    /// The same of an event that is alone in its bundle: with its signature.
    fn spread_bundle(&mut self, ttl: u8, bundle: &Bundle, except: Option<PeerId>) {
        let Some(event) = bundle.events.first() else { return };
        let message = Message::Bundle { way: Way { ttl, hops: 1, like: None }, bundle: bundle.clone() };
        let (fanout, what) = (self.config.fanout, (Arc::clone(&event.node_id), message));
        self.outbox.extend(self.broadcast.spread(fanout, what, except, &self.peers, &mut self.rng));
    }

    fn bundle(&mut self, now: Time, event: Event) {
        // Whatever the clock says: what is older would not be kept.
        self.bundler.skip(self.reconcile.horizon());
        if let Some(bundle) = self.bundler.add(now, event) {
            self.send_bundle(now, bundle);
        }
    }

    pub(super) fn send_bundle(&mut self, now: Time, bundle: Bundle) {
        let (mut steps, bundle) = (Steps::default(), Hashed::from(bundle));
        self.keep(now, &bundle, true);
        self.trees.broadcast(now, bundle, &mut steps);
        self.carry_out(now, steps);
    }
}
