//! Connections that are no links: what each is for, and when it ends.
//!
//! A node dials to ask for a link, or to see who is there and how far away. Whatever comes of it, comes soon: then the
//! connection is a link, or it is closed.

use crate::Time;
use crate::message::Priority;
use crate::peer::PeerId;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a peer may take to say hello. A guess.
const HELLO: Duration = Duration::from_secs(5);
/// How long an answer may take: so many round trips, within these bounds. Guesses; the longest is also how long whoever was
/// dialled leaves the connection to the dialler.
const ANSWER_RTTS: u32 = 8;
const ANSWER_MIN: Duration = Duration::from_secs(1);
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Why an address is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// For a link that is missing.
    Link,
    /// For a link to a newcomer, for which room is made.
    Insert,
    /// For a link that holds while this node is besieged.
    Anchor,
    /// To see who is there: to exchange addresses, and to measure the round trip.
    Probe,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The other side says who it is.
    Hello,
    /// The answer to what we asked for.
    Reply(Priority),
    /// Its addresses, which come right after its hello: then this is over.
    Peers,
    /// The dialler is to say what it wants, or the other side is to close.
    Other,
}

/// One such connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand {
    pub(super) purpose: Purpose,
    pub(super) waiting: Waiting,
    /// `None`: it has no end of its own. Whoever is there may be a script.
    pub(super) until: Option<Time>,
    /// When our hello went out.
    pub(super) asked: Time,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Errands {
    errands: BTreeMap<PeerId, Errand>,
}

impl Errands {
    /// A connection stands, and its hello is waited for: for ever, if it `may_stay` without one.
    pub(super) fn begin(&mut self, now: Time, id: PeerId, purpose: Purpose, may_stay: bool) {
        let until = (!may_stay).then(|| now + HELLO);
        self.errands.insert(id, Errand { purpose, waiting: Waiting::Hello, until, asked: now });
    }

    /// Something else is waited for.
    pub(super) fn wait(&mut self, now: Time, id: PeerId, waiting: Waiting, rtt: Option<Duration>) {
        let patience = match waiting {
            Waiting::Hello => HELLO,
            Waiting::Other => ANSWER_MAX,
            _ => rtt.map_or(ANSWER_MAX, |rtt| (rtt * ANSWER_RTTS).clamp(ANSWER_MIN, ANSWER_MAX)),
        };
        let known = self.errands.get(&id);
        let (purpose, asked) = known.map_or((Purpose::Probe, now), |errand| (errand.purpose, errand.asked));
        self.errands.insert(id, Errand { purpose, waiting, until: Some(now + patience), asked });
    }

    /// It is over, or a link.
    pub(super) fn forget(&mut self, id: PeerId) -> Option<Errand> {
        self.errands.remove(&id)
    }

    pub(super) fn get(&self, id: PeerId) -> Option<Errand> {
        self.errands.get(&id).copied()
    }

    /// Our hello has just gone out.
    pub(super) fn hello_sent(&mut self, now: Time, id: PeerId) {
        if let Some(errand) = self.errands.get_mut(&id) {
            errand.asked = now;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.errands.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = PeerId> {
        self.errands.keys().copied()
    }

    /// How many are to become links.
    pub(super) fn for_links(&self) -> usize {
        self.errands.values().filter(|errand| errand.is_for_link()).count()
    }

    pub(super) fn next_end(&self) -> Option<Time> {
        self.errands.values().filter_map(|errand| errand.until).min()
    }

    /// Those whose time is over.
    pub(super) fn ended(&self, now: Time) -> Vec<PeerId> {
        self.errands
            .iter()
            .filter(|(_, errand)| errand.until.is_some_and(|until| until <= now))
            .map(|(id, _)| *id)
            .collect()
    }
}

impl Errand {
    /// Whether it is to become a link.
    pub(super) fn is_for_link(&self) -> bool {
        match self.waiting {
            Waiting::Reply(_) => true,
            Waiting::Hello => self.purpose != Purpose::Probe && self.until.is_some(),
            Waiting::Peers | Waiting::Other => false,
        }
    }
}
