//! Reconciliation: two nodes end with the same bundles, whatever was lost before. Against everything that trees can't catch.
//!
//! Range-based set reconciliation (Meyer, Range-Based Set Reconciliation, SRDS 2023) over slots of time: fingerprints of
//! hours, then of tens of seconds, then of seconds where there is much, then ids, then bundles. Who lacks something leads
//! ([`session`]) and who has it only answers ([`serving`]); what both lack takes two of these, one in each direction.
//!
//! A node leads one session at a time, so it asks for a bundle once, whoever has it. With whom: with a peer whose root
//! differs from its own and is not smaller. So of two that differ the smaller one goes first, and the other finds what is
//! left for it; and what a node has gained this way it does not push to anybody: its root changes, it tells so at
//! once, and its peers come for it. Each bundle crosses the net about once for each node that lacks it.
//!
//! Invariants: memory grows with slots, never with bundles; a bundle that was not asked for is not taken; whatever a peer
//! says, a session ends, and the next one with that peer comes later each time that nothing is gained.

mod check;
mod door;
mod exchange;
mod packed;
mod roots;
mod serving;
mod session;
mod slots;
mod transfer;

pub use exchange::{Exchange, Root};
pub(crate) use packed::Packed;
pub use slots::Width;
pub(crate) use transfer::Came;

use crate::archive::Archive;
use crate::store::Content;
use crate::{Answer, BundleId, ClockOffset, Config, Held, Output, PeerId, Planted, Time};
use door::{Door, page};
use rand::Rng;
use rand::seq::IteratorRandom;
use roots::{Roots, Standing};
use serving::Serving;
use session::{Broken, Session};
use slots::Slots;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// A bundle whose time lies further ahead is not kept yet: either its origin's clock is wrong or ours. When ours has
/// come there, reconciliation brings it again. A guess: twice what clocks of nodes may differ by.
const AHEAD: Duration = Duration::from_secs(60);
/// What is not older is news: it is remembered as what comes down the trees is, and told to scripts. A guess.
const NEWS: Duration = Duration::from_secs(60);
/// How many bundles of the last minute are read at a start.
const MAX_RECENT: usize = 8_192;
/// The first wait after a session that gained nothing, and the longest. Guesses.
const WAIT: Duration = Duration::from_secs(1);
const WAIT_CAP: Duration = Duration::from_secs(60);
/// After so long another peer gets its turn, if one is waiting. A guess.
const SLICE: Duration = Duration::from_secs(10);

/// How often it is looked for what has grown old.
const AGING: Duration = Duration::from_secs(1);
/// So many peers must tell the time before it is believed against what is held. Where fewer do, history goes by this much at once,
/// and then twice as fast as time passes: a node that was away prunes by and by, and a clock that is wrong for an hour takes three
/// hours at most. Guesses.
const WITNESSES: usize = 2;
const AT_ONCE: Duration = Duration::from_secs(3_600);

/// What is between us and one peer.
#[derive(Clone, Debug, Default)]
struct Link {
    /// When to lead a session with it.
    due: Option<Time>,
    /// Whether that one looks at everything that differs.
    thorough: bool,
    /// Sessions in a row that gained nothing, and until when there is no other.
    fruitless: u32,
    not_before: Time,
}

/// Everything about reconciliation.
#[derive(Clone, Debug)]
pub(crate) struct Reconcile {
    /// The wall clock at [`Time::ZERO`].
    epoch_micros: u64,
    retention: Duration,
    interval: Duration,
    slots: Slots,
    links: BTreeMap<PeerId, Link>,
    roots: Roots,
    session: Option<Session>,
    /// When the next one may begin at the earliest.
    next_due: Option<Time>,
    serving: Serving,
    next_token: u64,
    /// What the store is asked for of the last minute after a start: the token, and from when on.
    recent: Option<(u64, u64)>,
    next_random: Time,
    /// When it was last looked for what has grown old; since when something has, and how old it was, while too few tell the time.
    aged: Option<Time>,
    aging: Option<(Time, u64)>,
    /// Events of bundles that went out to who lacked them.
    served: u64,
    /// Sessions that have ended since that was asked last: with whom, and whether it has answered.
    ended: Vec<(PeerId, bool)>,
    planted: Planted,
}

impl Reconcile {
    pub(crate) fn new(config: &Config, epoch_micros: u64) -> Reconcile {
        Reconcile {
            epoch_micros,
            retention: config.retention,
            interval: config.reconcile_interval,
            slots: Slots::default(),
            links: BTreeMap::new(),
            roots: Roots::default(),
            session: None,
            next_due: None,
            serving: Serving::default(),
            next_token: 0,
            recent: None,
            next_random: Time::ZERO,
            aged: None,
            aging: None,
            served: 0,
            ended: Vec::new(),
            planted: config.planted,
        }
    }

    /// What the store held at the start.
    pub(crate) fn on_held(&mut self, now: Time, held: &Held, outbox: &mut VecDeque<Output>) {
        if held.slots.is_empty() {
            return self.slots.drop_before(held.horizon);
        }
        self.roots.on_held(held.newest.iter().map(|(_, seq)| *seq).max().unwrap_or(0));
        let recent = Width::Ten.ceil(self.wall(now).saturating_sub(micros(NEWS)));
        self.slots.load(recent, held);
        let mut door = Door { outbox, next_token: &mut self.next_token };
        self.recent = Some((door.ask_contents(recent, u64::MAX, MAX_RECENT), recent));
    }

    /// The store tells what it has of the last minute. What has come since the start is counted already.
    fn on_recent(&mut self, from: u64, contents: Vec<Content>, archive: &Archive) {
        let (contents, until) = page(contents, MAX_RECENT, u64::MAX, |(id, _)| id.seq);
        // Where there is too much, roots are by tens of seconds, until these are over.
        if until == u64::MAX {
            self.slots.fill(from, contents.into_iter().filter(|(id, hash)| !archive.holds_content(id, hash)));
        }
    }

    /// The wall clock was set: what was too far ahead may be acceptable now, and comes when peers tell their roots again.
    pub(crate) fn on_clock(&mut self, now: Time, epoch_micros: u64) {
        self.epoch_micros = epoch_micros;
        self.roots.on_change(now, Duration::ZERO);
        for link in self.links.values_mut() {
            (link.fruitless, link.not_before) = (0, now);
        }
        let peers: Vec<PeerId> = self.links.keys().copied().collect();
        peers.into_iter().for_each(|peer| self.judge(now, peer));
    }

    /// The store has dropped what is older.
    pub(crate) fn on_dropped(&mut self, before: u64) {
        self.slots.drop_before(before);
    }

    /// Forgets what has grown old, by a time that there is reason to believe: the earlier one of our clock and of most peers'.
    /// Whole hours, so that nodes drop the same at about the same moment.
    pub(crate) fn forget_old(&mut self, now: Time, told: Option<ClockOffset>) {
        self.aged = Some(now);
        let ahead = told.map_or(0, |told| u64::try_from(told.micros).unwrap_or(0));
        let time = self.wall(now).saturating_sub(ahead);
        let old = Width::Hour.ceil(time.saturating_sub(micros(self.retention)));
        let oldest = self.slots.oldest().filter(|oldest| *oldest < old);
        let believed = told.is_some_and(|told| told.peers >= WITNESSES);
        let until = oldest.filter(|_| !believed).map(|oldest| {
            let (since, from) = *self.aging.get_or_insert((now, oldest));
            from.saturating_add(micros(AT_ONCE)).saturating_add(micros(now.since(since)).saturating_mul(2))
        });
        if until.is_none_or(|until| until >= old) {
            self.aging = None;
        }
        self.slots.age(until.map_or(old, |until| until.min(old)));
    }

    /// Whether it is time to look for what has grown old.
    pub(crate) fn is_aging(&self, now: Time) -> bool {
        self.aged.is_none_or(|aged| now.since(aged) >= AGING)
    }

    /// What is older is not kept.
    pub(crate) const fn horizon(&self) -> u64 {
        self.slots.horizon()
    }

    /// Counts a new bundle, if it is to be kept: one of our own is, and one whose time is acceptable.
    pub(crate) fn keep(&mut self, now: Time, content: &Content, own: bool) -> bool {
        let (id, _) = content;
        let wall = self.wall(now);
        if id.seq < self.slots.horizon() || (!own && self.is_too_far_ahead(now, id.seq)) {
            return false;
        }
        self.slots.add(content);
        let ahead = Duration::from_micros(id.seq.saturating_sub(wall)).min(AHEAD);
        self.roots.on_kept(now, id.seq, ahead);
        true
    }

    /// Whether a number is one that no origin can have come to yet, but by a clock that is wrong.
    pub(crate) fn is_too_far_ahead(&self, now: Time, seq: u64) -> bool {
        seq >= self.wall(now).saturating_add(micros(AHEAD))
    }

    /// Whether a bundle is so young that it may come down a tree as well.
    pub(crate) fn is_news(&self, now: Time, id: &BundleId) -> bool {
        id.seq >= self.wall(now).saturating_sub(micros(NEWS))
    }

    /// A link to a node stands, which may lack something, or have something that we lack.
    pub(crate) fn on_up(&mut self, now: Time, peer: PeerId, differs: bool) {
        self.links.insert(peer, Link::default());
        if differs {
            self.plan(peer, now);
        }
        self.roots.on_up(now, peer);
    }

    pub(crate) fn on_down(&mut self, now: Time, peer: PeerId) {
        self.links.remove(&peer);
        self.roots.on_down(peer);
        self.serving.on_down(peer);
        if self.session.take_if(|session| session.peer() == peer).is_some() {
            // Others may be waiting.
            self.start_soon(now);
        }
    }

    /// A peer speaks. What comes back is new here.
    pub(crate) fn on_exchange(
        &mut self,
        now: Time,
        from: PeerId,
        exchange: Exchange,
        archive: &Archive,
        outbox: &mut VecDeque<Output>,
    ) -> Vec<Came> {
        if !self.links.contains_key(&from) {
            return Vec::new();
        }
        let mut door = Door { outbox, next_token: &mut self.next_token };
        match exchange {
            Exchange::Root(root) => {
                self.roots.on_root(from, root, &self.slots);
                self.judge(now, from);
            }
            Exchange::GetSums { width, from: start, until } => {
                self.serving.on_get_sums(now, from, width, start..until, &self.slots, &mut door);
            }
            Exchange::GetIds { from: start, until } => self.serving.on_get_ids(now, from, start..until, &mut door),
            Exchange::GetContents { from: start, until, sum } => {
                self.serving.on_get_contents(now, from, start..until, sum, &mut door);
            }
            Exchange::Want { number, ids } => self.serving.on_want(now, from, number, ids, &mut door),
            Exchange::Sums { .. } | Exchange::Ids { .. } | Exchange::Contents { .. } | Exchange::Missed { .. } => {
                return self.on_answered(now, from, exchange, archive, outbox);
            }
        }
        Vec::new()
    }

    /// The peer that a session is led with has answered.
    fn on_answered(
        &mut self,
        now: Time,
        from: PeerId,
        exchange: Exchange,
        archive: &Archive,
        outbox: &mut VecDeque<Output>,
    ) -> Vec<Came> {
        let Some(session) = self.session.as_mut().filter(|session| session.peer() == from) else { return Vec::new() };
        let mut door = Door { outbox, next_token: &mut self.next_token };
        let done = match exchange {
            Exchange::Sums { width, from, until, slots } => {
                session.on_sums(now, &self.slots, (width, from..until), slots, &mut door).map(|()| Vec::new())
            }
            Exchange::Ids { from, until, ids } => session.on_ids(now, from..until, ids, &mut door).map(|()| Vec::new()),
            Exchange::Contents { from, until, contents } => {
                session.on_contents(now, from..until, contents, &mut door).map(|()| Vec::new())
            }
            Exchange::Missed { number, covered, bundles } => session.on_missed(now, number, covered, bundles, archive),
            _ => Ok(Vec::new()),
        };
        let (went, bundles) = match done {
            Ok(bundles) => (Ok(()), bundles),
            Err(broken) => (Err(broken), Vec::new()),
        };
        self.go_on(now, went, outbox);
        bundles
    }

    /// The store answers.
    pub(crate) fn on_answer(&mut self, now: Time, answer: Answer, archive: &Archive, outbox: &mut VecDeque<Output>) {
        let mut door = Door { outbox, next_token: &mut self.next_token };
        match answer {
            Answer::Contents { token, contents } if self.recent.is_some_and(|(recent, _)| recent == token) => {
                if let Some((_, from)) = self.recent.take() {
                    self.on_recent(from, contents, archive);
                }
            }
            Answer::Contents { token, contents } => match &mut self.session {
                Some(session) if session.has_asked(token) => {
                    let went = session.on_own_contents(token, contents, archive);
                    self.go_on(now, went, outbox);
                }
                _ => self.serving.on_contents(token, contents, &mut door),
            },
            // Nothing here asks for one.
            Answer::Proof { .. } => {}
            Answer::Ids { token, ids } => match &mut self.session {
                Some(session) if session.has_asked(token) => {
                    let went = session.on_own(token, ids, archive);
                    self.go_on(now, went, outbox);
                }
                _ => self.serving.on_ids(token, ids, &mut door),
            },
            Answer::Bundles { token, covered, bundles } => {
                self.served += self.serving.on_bundles(token, covered, bundles, &mut door);
            }
        }
    }

    /// How many events went out to who lacked them, since this was asked last.
    pub(crate) fn take_served(&mut self) -> u64 {
        std::mem::take(&mut self.served)
    }

    /// The sessions that have ended since this was asked last: with whom, and whether it has answered.
    pub(crate) fn take_ended(&mut self) -> Vec<(PeerId, bool)> {
        std::mem::take(&mut self.ended)
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        if self.links.is_empty() {
            return None;
        }
        let session = match &self.session {
            Some(session) => session.deadline(),
            None => self.next_due,
        };
        [Some(self.next_random), self.roots.next_wakeup(), session].into_iter().flatten().min()
    }

    /// Tells roots, ends a session that stands still, and leads the next one.
    pub(crate) fn tick(&mut self, now: Time, rng: &mut impl Rng, outbox: &mut VecDeque<Output>) {
        if self.links.is_empty() {
            return;
        }
        let wall = self.wall(now);
        let one = (now >= self.next_random).then(|| self.links.keys().copied().choose(rng)).flatten();
        if let Some(peer) = one {
            self.next_random = now + self.interval;
            self.look_again(now, peer);
        }
        let next_token = &mut self.next_token;
        self.roots.tick(now, wall, one, &self.slots, |peer, exchange| Door { outbox, next_token }.send(peer, exchange));
        if self.session.as_ref().and_then(Session::deadline).is_some_and(|deadline| deadline <= now) {
            self.end(now, Err(Broken));
        }
        if self.session.is_none() && self.next_due.is_some_and(|due| due <= now) {
            self.start(now, rng, outbox);
        }
    }

    /// From time to time a peer is looked at thoroughly, whoever of the two holds more.
    fn look_again(&mut self, now: Time, peer: PeerId) {
        if self.roots.standing(peer, &self.slots) != Standing::Same
            && let Some(link) = self.links.get_mut(&peer)
        {
            link.thorough = true;
            self.plan(peer, now);
        }
    }

    /// Whether there is something to get from a peer, by what it told last.
    fn judge(&mut self, now: Time, peer: PeerId) {
        let standing = self.roots.standing(peer, &self.slots);
        let Some(link) = self.links.get_mut(&peer) else { return };
        match standing {
            Standing::More => self.plan(peer, now),
            Standing::Same => *link = Link::default(),
            Standing::Less if !link.thorough => link.due = None,
            Standing::Less | Standing::Unknown => {}
        }
    }

    /// A session with a peer is due, as soon as it may have one.
    fn plan(&mut self, peer: PeerId, at: Time) {
        if let Some(link) = self.links.get_mut(&peer) {
            let at = at.max(link.not_before);
            link.due = Some(at);
            self.next_due = Some(self.next_due.map_or(at, |due| due.min(at)));
        }
    }

    fn start(&mut self, now: Time, rng: &mut impl Rng, outbox: &mut VecDeque<Output>) {
        let due = |link: &Link| link.due.is_some_and(|due| due <= now);
        let peer = self.links.iter().filter(|(_, link)| due(link)).map(|(peer, _)| *peer).choose(rng);
        let range = self.acceptable(now);
        let link = peer.and_then(|peer| Some((peer, self.links.get_mut(&peer)?)));
        let Some((peer, link)) = link else {
            self.next_due = self.links.values().filter_map(|link| link.due).min();
            return;
        };
        link.due = None;
        self.session = Some(Session::new(now, peer, std::mem::take(&mut link.thorough), range, self.planted));
        self.go_on(now, Ok(()), outbox);
    }

    /// The times of bundles that may be kept.
    fn acceptable(&self, now: Time) -> Range<u64> {
        self.slots.horizon()..self.wall(now).saturating_add(micros(AHEAD))
    }

    /// The session goes on, or ends.
    fn go_on(&mut self, now: Time, went: Result<(), Broken>, outbox: &mut VecDeque<Output>) {
        let Some(session) = &mut self.session else { return };
        if went.is_err() {
            return self.end(now, went);
        }
        session.go_on(now, &mut Door { outbox, next_token: &mut self.next_token });
        let waiting = || self.links.iter().any(|(_, link)| link.due.is_some_and(|due| due <= now));
        if session.is_over() {
            self.end(now, Ok(()));
        } else if now.since(session.began()) > SLICE && session.gained() > 0 && waiting() {
            let peer = session.peer();
            self.end(now, Ok(()));
            self.plan(peer, now + WAIT);
        }
    }

    fn end(&mut self, now: Time, went: Result<(), Broken>) {
        let Some(session) = self.session.take() else { return };
        let peer = session.peer();
        if session.gained() > 0 {
            self.roots.hurry(now);
        }
        // Where it is our own store that keeps us waiting, nobody else is to blame.
        let answered = went.is_ok() || session.gained() > 0;
        if answered || session.peers_deadline().is_some_and(|deadline| deadline <= now) {
            self.ended.push((peer, answered));
        }
        if let Some(link) = self.links.get_mut(&peer) {
            link.fruitless = if session.gained() > 0 { 0 } else { link.fruitless.saturating_add(1) };
            let doubled = WAIT.saturating_mul(1_u32.checked_shl(link.fruitless).unwrap_or(u32::MAX)).min(WAIT_CAP);
            link.not_before = if link.fruitless == 0 { now } else { now + doubled };
        }
        match went {
            Ok(()) => self.judge(now, peer),
            Err(Broken) => self.plan(peer, now + WAIT),
        }
        self.start_soon(now);
    }

    /// A place for a session is free: peers whose turn had come meanwhile are looked at by what is held now.
    fn start_soon(&mut self, now: Time) {
        let due: Vec<PeerId> =
            self.links.iter().filter(|(_, link)| link.due.is_some()).map(|(peer, _)| *peer).collect();
        for peer in due {
            self.judge(now, peer);
        }
    }

    fn wall(&self, now: Time) -> u64 {
        self.epoch_micros.saturating_add(now.as_micros())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
