//! What nodes state about themselves: that they have a new key ([`Rotation`]), that they sign twice ([`Profile`]), where they are
//! ([`Place`]).
//!
//! A statement is told to each new link, and goes on along all links, once. It is kept for good, so anybody who may join could fill the
//! mesh with statements about keys that nobody uses. Bounded are therefore: how many are kept, those of origins that have been heard
//! before all others; how many a peer may bring that are news, and how many all may; and how many of whom a peer may ask for.
//! What is beyond is not remembered: it is told again on the next link.

use super::{Me, State};
use crate::invariants::{Broken, must};
use crate::wire::MAX_WANTED_PROFILES;
use crate::{
    Bucket, Config, Dialect, Message, OriginId, Output, PeerId, Place, Places, Profile, Profiles, Rotation, Rotations,
    Time,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A statement is so many units, to count less than one a second. All of these are guesses.
const UNITS: u32 = 60;
/// All that a node keeps at once.
const KEPT: u32 = (Rotations::MAX + Profiles::MAX + Places::MAX) as u32;
/// News that a peer may bring: all that a node keeps at once, as on a first link, and six a minute.
const OF_ONE: Bucket = Bucket::new(6, UNITS * KEPT);
/// News that all may bring: twice that at once, and one a second.
const OF_ALL: Bucket = Bucket::new(UNITS, 2 * UNITS * KEPT);
/// Profiles that a peer may ask for: all that a node keeps at once, and ten a second.
const ASKED: Bucket = Bucket::new(10, Profiles::MAX as u32);
/// After so long an origin is asked for again; so many that were asked for are remembered.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_WANTED: usize = 256;
/// How often a node says anew where it is because it is said to be elsewhere. A guess: an earlier run has said it once. A copy of this
/// node that is elsewhere would contradict each time, and the mesh would hear of nothing else.
const CORRECTED: Duration = Duration::from_secs(600);
/// How far ahead of this node's clock a statement may be dated, in microseconds: a day. Later ones would be the newest for ever.
const AHEAD: u64 = 86_400_000_000;

/// How much of it there was.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    news: BTreeMap<PeerId, Bucket>,
    all: Bucket,
    asked: BTreeMap<PeerId, Bucket>,
    /// When each origin was last asked for.
    wanted: BTreeMap<OriginId, Time>,
    /// When this node has last said anew where it is.
    corrected: Option<Time>,
}

impl Default for Statements {
    fn default() -> Statements {
        let (news, asked, wanted) = Default::default();
        Statements { news, all: OF_ALL, asked, wanted, corrected: None }
    }
}

impl Statements {
    pub(super) fn on_down(&mut self, peer: PeerId) {
        self.news.remove(&peer);
        self.asked.remove(&peer);
    }

    pub(super) fn check(&self, connected: impl Fn(PeerId) -> bool) -> Broken {
        let mut peers = self.news.keys().chain(self.asked.keys());
        must(peers.all(|peer| connected(*peer)), || "who is gone has a budget of statements".to_owned())?;
        must(self.wanted.len() <= MAX_WANTED, || "too many profiles are waited for".to_owned())
    }

    /// Whether a peer may bring one more that is news.
    fn may_tell(&mut self, now: Time, peer: PeerId) -> bool {
        // A peer that has spent its own takes nothing from the others.
        self.news.entry(peer).or_insert(OF_ONE).take(now, UNITS) && self.all.take(now, UNITS)
    }

    fn may_ask(&mut self, now: Time, peer: PeerId) -> bool {
        self.asked.entry(peer).or_insert(ASKED).take(now, 1)
    }

    fn may_correct(&mut self, now: Time) -> bool {
        let may = self.corrected.is_none_or(|last| now.since(last) >= CORRECTED);
        if may {
            self.corrected = Some(now);
        }
        may
    }

    /// Whether it is time to ask for what an origin declares.
    fn wants(&mut self, now: Time, origin: OriginId) -> bool {
        self.wanted.retain(|_, since| now.since(*since) < PATIENCE);
        self.wanted.len() < MAX_WANTED && self.wanted.insert(origin, now).is_none()
    }
}

/// What a node knows of places at first: its own, where it has one and a key to say so.
pub(super) fn own_place(config: &Config, me: &Me) -> Places {
    let mut places = Places::default();
    if let (Some(key), spot @ Some(_)) = (&me.key, config.location) {
        places.learn(Place::state(&config.mesh, key, me.epoch_micros, spot), &me.origin, |_| false);
    }
    places
}

impl State {
    /// The places that are known.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// The changes of keys that are known.
    pub fn rotations(&self) -> &Rotations {
        &self.rotations
    }

    pub(super) fn begin_with_rotations(&mut self, rotations: Vec<Rotation>) {
        rotations.into_iter().for_each(|rotation| {
            self.rotations.learn(rotation);
        });
    }

    pub(super) fn begin_with_profiles(&mut self, profiles: Vec<Arc<Profile>>) {
        profiles.into_iter().for_each(|profile| {
            self.profiles.learn(profile, &self.me.origin);
        });
    }

    /// A connection is a link from now on: it hears all statements, before any bundle.
    pub(super) fn tell_statements(&mut self, to: PeerId) {
        let profiles: Vec<Arc<Profile>> = self.profiles.iter().cloned().collect();
        self.tell_profiles(&[to], &profiles);
        let rotations: Vec<Rotation> = self.rotations.iter().cloned().collect();
        if !rotations.is_empty() {
            self.outbox.push_back(Output::Send { to: vec![to], message: Message::Rotations(rotations) });
        }
        let places: Vec<Place> = self.places.iter().cloned().collect();
        self.tell_places(&[to], &places);
    }

    /// Nodes have changed their keys: what is new goes on.
    pub(super) fn on_rotations(&mut self, now: Time, from: PeerId, rotations: Vec<Rotation>) {
        let latest = self.wall(now).saturating_add(AHEAD);
        let own = self.rotations.line_of(self.me.origin);
        let mut news = Vec::new();
        for rotation in rotations {
            if rotation.at > latest || !self.rotations.would_learn(&rotation) || !self.statements.may_tell(now, from) {
                continue;
            }
            let archive = self.trees.archive();
            let first = |origin: &OriginId| own.contains(origin) || archive.has_heard(origin);
            if self.rotations.learn_before(rotation.clone(), first) {
                self.outbox.push_back(Output::Rotated(rotation.clone()));
                news.push(rotation);
            }
        }
        let to = self.links_but(from);
        if !news.is_empty() && !to.is_empty() {
            self.outbox.push_back(Output::Send { to, message: Message::Rotations(news) });
        }
    }

    /// Origins have declared that they sign twice: what is new goes on.
    pub(super) fn on_profiles(&mut self, now: Time, from: PeerId, profiles: Vec<Arc<Profile>>) {
        let mut news = Vec::new();
        for profile in profiles {
            if self.profiles.get(&profile.origin).is_some() || !self.statements.may_tell(now, from) {
                continue;
            }
            self.statements.wanted.remove(&profile.origin);
            self.profiles.learn(Arc::clone(&profile), &self.me.origin);
            self.outbox.push_back(Output::Declared(Arc::clone(&profile)));
            news.push(profile);
        }
        let to = self.links_but(from);
        self.tell_profiles(&to, &news);
    }

    /// A bundle came whose origin has declared nothing that is known here: whoever sent it knows.
    pub(super) fn on_undeclared(&mut self, now: Time, from: PeerId, origin: OriginId) {
        let knows_how = self.peers.get(&from).is_some_and(|peer| peer.dialect == Dialect::V2);
        // Also where it is known here: whoever checks bundles keeps its own list, and may have had no room for it.
        if knows_how && self.statements.wants(now, origin) {
            self.outbox.push_back(Output::Send { to: vec![from], message: Message::WantProfiles(vec![origin]) });
        }
    }

    pub(super) fn on_want_profiles(&mut self, now: Time, from: PeerId, origins: &[OriginId]) {
        let known = origins.iter().take(MAX_WANTED_PROFILES).filter_map(|origin| self.profiles.get(origin)).cloned();
        let known: Vec<Arc<Profile>> = known.collect();
        let told: Vec<_> = known.into_iter().filter(|_| self.statements.may_ask(now, from)).collect();
        self.tell_profiles(&[from], &told);
    }

    fn tell_profiles(&mut self, to: &[PeerId], profiles: &[Arc<Profile>]) {
        if !to.is_empty() {
            let frames = profiles.chunks(Profile::MAX_IN_FRAME).map(|some| Message::Profiles(some.to_vec()));
            self.outbox.extend(frames.map(|message| Output::Send { to: to.to_vec(), message }));
        }
    }

    /// Origins have said where they are: what is new goes on.
    pub(super) fn on_places(&mut self, now: Time, from: PeerId, places: Vec<Place>) {
        let latest = self.wall(now).saturating_add(AHEAD);
        let mut news = Vec::new();
        for place in places {
            if place.at > latest || !self.places.would_learn(&place) || !self.statements.may_tell(now, from) {
                continue;
            }
            let is_wrong = place.origin == self.me.origin && place.spot != self.config.location;
            if is_wrong && self.statements.may_correct(now) {
                self.correct(now, place.at);
                continue;
            }
            let archive = self.trees.archive();
            if self.places.learn(place.clone(), &self.me.origin, |origin| archive.has_heard(origin)) {
                news.push(place);
            }
        }
        let to = self.links_but(from);
        self.tell_places(&to, &news);
    }

    /// An earlier run of this node has said that it is elsewhere: it says anew where it is, or that it doesn't say it any more.
    fn correct(&mut self, now: Time, said: u64) {
        let Some(key) = &self.me.key else { return };
        let at = self.wall(now).max(said.saturating_add(1));
        let place = Place::state(&self.config.mesh, key, at, self.config.location);
        self.places.learn(place.clone(), &self.me.origin, |_| false);
        let links: Vec<PeerId> = self.node_links().collect();
        self.tell_places(&links, &[place]);
    }

    fn tell_places(&mut self, to: &[PeerId], places: &[Place]) {
        if !to.is_empty() {
            let frames = places.chunks(Place::MAX_IN_FRAME).map(|some| Message::Places(some.to_vec()));
            self.outbox.extend(frames.map(|message| Output::Send { to: to.to_vec(), message }));
        }
    }

    /// All links to nodes but one.
    fn links_but(&self, from: PeerId) -> Vec<PeerId> {
        self.node_links().filter(|id| *id != from).collect()
    }

    fn node_links(&self) -> impl Iterator<Item = PeerId> {
        let links = self.peers.iter().filter(|(_, peer)| peer.linked && peer.dialect == Dialect::V2);
        links.map(|(id, _)| *id)
    }
}
