//! Who holds the same set as we do.
//!
//! Nodes tell each other the digest of what they hold once it has stood for a moment, and now and then while it goes on
//! changing: on a busy mesh it is another with each event. A peer agrees if the digest that it told last is
//! one that we hold, or have held within [`MEMORY`]: events are on their way all the time, and a peer that is a moment
//! behind is not out of sync.

use crate::invariants::{Broken, at_most};
use crate::peer::{Peer, PeerId};
use crate::{Config, Digest, Fault, Message, Output, Planted, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long a digest of ours is remembered. A guess: a few round trips, and a few announcements.
const MEMORY: Duration = Duration::from_secs(5);
/// While a digest goes on changing it is told once in so many intervals: often enough for [`MEMORY`]. A guess.
const BUSY: u32 = 4;
/// How many are remembered at most.
const MAX_REMEMBERED: usize = 256;

/// Our digest, those before it, and what peers have been told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreement {
    current: Option<Digest>,
    /// Earlier digests, with the moment when each was replaced.
    earlier: VecDeque<(Time, Digest)>,
    told: Option<Digest>,
    /// When the current one is to be told: after it has stood for an interval, and no later than the second of these.
    due: Option<(Time, Time)>,
}

impl Agreement {
    pub(crate) fn current(&self) -> Option<&Digest> {
        self.current.as_ref()
    }

    /// Our set has changed.
    pub(crate) fn on_digest(&mut self, now: Time, digest: Digest, config: &Config) {
        if self.current.as_ref() == Some(&digest) {
            return;
        }
        let latest = self.due.map_or(now + config.digest_interval * BUSY, |(_, latest)| latest);
        self.due = Some((now + config.digest_interval, latest));
        if let Some(before) = self.current.replace(digest) {
            self.earlier.push_back((now, before));
        }
        while let Some((until, _)) = self.earlier.front()
            && (self.earlier.len() > MAX_REMEMBERED || now.since(*until) > MEMORY)
        {
            self.earlier.pop_front();
        }
    }

    /// Whether this digest is ours, or was a moment ago.
    pub(crate) fn holds(&self, now: Time, digest: &Digest) -> bool {
        self.current.as_ref() == Some(digest)
            || self.earlier.iter().any(|(until, earlier)| earlier == digest && now.since(*until) <= MEMORY)
    }

    pub(crate) fn check(&self) -> Broken {
        at_most("digests remembered", self.earlier.len(), MAX_REMEMBERED)
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        self.due.map(|(stood, latest)| stood.min(latest))
    }

    /// Tells the nodes among the peers our digest, if it has changed and it is time.
    pub(crate) fn tick(&mut self, now: Time, planted: Planted, peers: &BTreeMap<PeerId, Peer>) -> Option<Output> {
        if now < self.next_wakeup()? {
            return None;
        }
        self.due = None;
        if self.current == self.told {
            return None;
        }
        let mut digest = self.current.clone()?;
        self.told = Some(digest.clone());
        if planted.is(Fault::StaleDigest) {
            digest = self.earlier.back().map_or(digest, |(_, earlier)| earlier.clone());
        }
        let to: Vec<PeerId> = peers.iter().filter(|(_, peer)| peer.linked).map(|(id, _)| *id).collect();
        (!to.is_empty()).then_some(Output::Send { to, message: Message::Digest(digest) })
    }
}
