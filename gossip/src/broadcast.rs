//! An event's way to scripts: the seed protocol.
//!
//! An event goes to up to `fanout` random scripts among the peers. Who receives it checks it against `seen`; a new one is delivered, its
//! `ttl` goes down by one, and it is forwarded while `ttl > 0`: never to whom it came from, never to whom it is of.
//! This is rumour mongering with a hop limit (Demers et al., PODC 1987).
//!
//! Invariants: an event is delivered at most once while it is remembered; a hop lowers `ttl`; own events are never delivered.

use crate::invariants::{Broken, at_most};
use crate::output::Output;
use crate::peer::{Peer, PeerId};
use crate::seen::Seen;
use crate::{Config, Dialect, Event, Fault, Message, Planted};
use rand::Rng;
use rand::seq::IteratorRandom;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What gossip has done since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Distinct events accepted, own ones included.
    pub seen: u64,
    /// Distinct events that came from peers.
    pub learned: u64,
    /// Transmissions of events to peers.
    pub propagated: u64,
    /// Event packets received, duplicates and refused ones included.
    pub total: u64,
    /// Event packets received whose event was known.
    pub duplicates: u64,
    /// Frames refused, by reason. The reasons are a fixed set of words.
    pub rejected: BTreeMap<&'static str, u64>,
}

/// Events and where they go.
#[derive(Clone, Debug)]
pub(crate) struct Broadcast {
    seen: Seen,
    planted: Planted,
    pub(crate) counters: Counters,
}

impl Broadcast {
    pub(crate) fn new(config: &Config) -> Broadcast {
        Broadcast { seen: Seen::new(config.seen_events), planted: config.planted, counters: Counters::default() }
    }

    /// Takes in an event if it is new.
    pub(crate) fn accept(&mut self, event: &Event) -> bool {
        if !self.seen.insert(event.fingerprint()) && !self.planted.is(Fault::DedupeDropped) {
            return false;
        }
        self.counters.seen += 1;
        true
    }

    /// Sends a message with an event of this node to up to `fanout` random scripts, but not to `except`, nor to that node.
    pub(crate) fn spread(
        &mut self,
        fanout: usize,
        (node_id, message): (Arc<str>, Message),
        except: Option<PeerId>,
        peers: &BTreeMap<PeerId, Peer>,
        rng: &mut impl Rng,
    ) -> Option<Output> {
        let may_have = |(id, peer): &(&PeerId, &Peer)| {
            peer.dialect == Dialect::Json && peer.stays() && Some(**id) != except && !peer.is_named(&node_id)
        };
        let to: Vec<PeerId> = peers.iter().filter(may_have).map(|(id, _)| *id).sample(rng, fanout);
        self.counters.propagated += to.len() as u64;
        (!to.is_empty()).then_some(Output::Send { to, message })
    }

    pub(crate) fn check(&self, config: &Config) -> Broken {
        at_most("events seen", self.seen.len(), config.seen_events)
    }

    pub(crate) fn refuse(&mut self, reason: &'static str, event: bool) {
        self.counters.total += u64::from(event);
        *self.counters.rejected.entry(reason).or_default() += 1;
    }
}
