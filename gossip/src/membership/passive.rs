//! The passive view: addresses of nodes that are no links, and how it went with each.
//!
//! HyParView keeps it to replace links that break. Here it holds every address that is known, whether something leads there
//! at the moment or not. An address that fails is kept as a suspect: when a partition heals, suspects are how the two sides
//! find each other. What peers have only told fills at most half of the view, so nobody can talk away what was met.
//!
//! Invariants: an address is dialled once at a time; what is remembered is bounded; a bootstrap address is never forgotten.

use super::errand::Purpose;
use super::groups::{self, Group};
use crate::backoff::full_jitter;
use crate::invariants::{Broken, at_most, must};
use crate::message::InstanceId;
use crate::peer::{Peer, PeerId};
use crate::{Address, Config, Time};
use rand::Rng;
use rand::seq::IteratorRandom;
use std::collections::BTreeMap;
use std::time::Duration;

/// From so many attempts on, the retries of a learned address are this much farther apart than those of a bootstrap
/// address. Guesses.
const HOPELESS: u32 = 6;
const HOPELESS_FACTOR: u32 = 10;

/// How many addresses are kept that bootstrap peers have told of, whatever others tell. A guess.
const MAX_VOUCHED: usize = 8;

/// One address.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Whose it may be.
    group: Group,
    bootstrap: bool,
    /// Whether a bootstrap peer told of it, and it has not failed since.
    vouched: bool,
    /// The run of a node that was met there last.
    instance: Option<InstanceId>,
    /// Whether the last attempt failed, or the last link broke.
    suspect: bool,
    /// Since it has proven itself: for the backoff.
    attempts: u32,
    /// It is not dialled for a link before.
    next: Time,
    place: Place,
    /// Its round trip, when it was met.
    rtt: Option<Duration>,
    /// The round trip to the node that told of it.
    via: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing leads there.
    Idle,
    /// An attempt is under way.
    Dialling(Purpose),
    /// This connection leads there.
    Up(PeerId),
    /// It is our own.
    Myself,
}

/// An address that was learned, and to which nothing leads. Of each class so many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// A peer has told of it, and nobody was met there.
    Told,
    /// Somebody was met there, and it is well.
    Met,
    Suspect,
}

/// Addresses, and how it goes with each.
#[derive(Clone, Debug)]
pub(super) struct Passive {
    known: BTreeMap<Address, Known>,
    /// Those of the configuration.
    bootstrap: Vec<Address>,
    /// How many are being dialled for a link, and in all: asked for with each step.
    dials: (usize, usize),
}

impl Passive {
    pub(super) fn new(config: &Config) -> Passive {
        let learned =
            config.known.iter().take(config.passive_view).map(|address| (address.clone(), Known::new(address, false)));
        let bootstrap = config.bootstrap.iter().map(|address| (address.clone(), Known::new(address, true)));
        Passive { known: learned.chain(bootstrap).collect(), bootstrap: config.bootstrap.clone(), dials: (0, 0) }
    }

    /// Addresses that a peer has told, whose round trip is `via`.
    pub(super) fn learn(
        &mut self,
        addresses: Vec<Address>,
        via: Option<Duration>,
        vouched: bool,
        config: &Config,
        rng: &mut impl Rng,
    ) {
        let mut places =
            if vouched { MAX_VOUCHED.min(config.passive_view).saturating_sub(self.vouched().count()) } else { 0 };
        for address in addresses {
            let known = self.known.entry(address).or_insert_with_key(|address| Known::new(address, false));
            known.via = [known.via, via].into_iter().flatten().min();
            if places > 0 && !known.vouched && !known.suspect {
                (known.vouched, places) = (true, places - 1);
            }
        }
        self.trim(config, rng);
    }

    /// How far away the node at this address is to be taken for, now that a round trip took so long: the longer of that and
    /// what was measured before, smoothed. One fast answer of a node that is far away on most days is no reason to swap.
    pub(super) fn measured(&mut self, address: &Address, rtt: Duration) -> Duration {
        let Some(known) = self.known.get_mut(address) else { return rtt };
        let smoothed = known.rtt.map_or(rtt, |before| (before * 3 + rtt) / 4);
        known.rtt = Some(smoothed);
        rtt.max(smoothed)
    }

    /// A node was met at this address. `true`: it had failed, and this is the same run of it, or nobody was ever met there. So
    /// it was away without having ended: there may have been a partition.
    pub(super) fn met(
        &mut self,
        address: &Address,
        instance: InstanceId,
        peer: PeerId,
        config: &Config,
        rng: &mut impl Rng,
    ) -> bool {
        let known = self.known.entry(address.clone()).or_insert_with_key(|address| Known::new(address, false));
        let returned = known.suspect && known.instance.map_or(known.bootstrap, |before| before == instance);
        (known.suspect, known.instance) = (false, Some(instance));
        known.put(Place::Up(peer), &mut self.dials);
        self.trim(config, rng);
        returned
    }

    /// This connection, to a run of a node, stays in the place of others to it.
    pub(super) fn settle(&mut self, instance: InstanceId, kept: PeerId) {
        for known in self.known.values_mut().filter(|known| known.instance == Some(instance)) {
            known.put(Place::Up(kept), &mut self.dials);
        }
    }

    pub(super) fn is_myself(&mut self, address: &Address) {
        if let Some(known) = self.known.get_mut(address) {
            known.put(Place::Myself, &mut self.dials);
        }
    }

    pub(super) fn is_bootstrap(&self, address: &Address) -> bool {
        self.known.get(address).is_some_and(|known| known.bootstrap)
    }

    /// Whether a connection leads to a node that was met at a bootstrap address.
    pub(super) fn leads_to_bootstrap(&self, peer: PeerId) -> bool {
        self.known.values().any(|known| known.bootstrap && known.place == Place::Up(peer))
    }

    /// Whether a connection leads to an address that a bootstrap peer has told of.
    pub(super) fn leads_to_vouched(&self, peer: PeerId) -> bool {
        self.vouched().any(|(_, known)| known.place == Place::Up(peer))
    }

    fn vouched(&self) -> impl Iterator<Item = (&Address, &Known)> {
        self.known.iter().filter(|(_, known)| known.vouched)
    }

    /// Whom to dial for an anchor: a bootstrap address, else one that a bootstrap peer has told of.
    pub(super) fn anchor(&self, now: Time, rng: &mut impl Rng) -> Option<Address> {
        let due = || self.idle().filter(|(_, known)| known.next <= now);
        let bootstrap = due().filter(|(_, known)| known.bootstrap).choose(rng).map(|(address, _)| address);
        let vouched = || groups::draw(due().filter(|(_, known)| known.vouched).map(grouped), rng);
        bootstrap.or_else(vouched).cloned()
    }

    /// Whether it may be dialled: nothing leads there, nor to the node that was met there.
    pub(super) fn is_idle(&self, address: &Address) -> bool {
        self.known.get(address).is_none_or(|known| known.place == Place::Idle)
    }

    /// It is being dialled.
    pub(super) fn dialling(&mut self, address: &Address, purpose: Purpose) {
        let known = self.known.entry(address.clone()).or_insert_with_key(|address| Known::new(address, false));
        known.put(Place::Dialling(purpose), &mut self.dials);
    }

    /// How many are being dialled for a link, and in all.
    pub(super) const fn dials(&self) -> (usize, usize) {
        self.dials
    }

    /// The dial was answered: why was it made?
    pub(super) fn answered(&mut self, address: &Address, peer: PeerId) -> Purpose {
        let Some(known) = self.known.get_mut(address) else { return Purpose::Probe };
        match known.put(Place::Up(peer), &mut self.dials) {
            Place::Dialling(purpose) => purpose,
            _ => Purpose::Probe,
        }
    }

    /// The dial came to nothing.
    pub(super) fn failed(&mut self, now: Time, address: &Address, config: &Config, rng: &mut impl Rng) {
        if let Some(known) = self.known.get_mut(address).filter(|known| matches!(known.place, Place::Dialling(_))) {
            known.fail(now, config, &mut self.dials, rng);
        }
        self.trim(config, rng);
    }

    /// A connection broke.
    pub(super) fn broke(&mut self, now: Time, peer: PeerId, proven: bool, config: &Config, rng: &mut impl Rng) {
        for known in self.known.values_mut().filter(|known| known.place == Place::Up(peer)) {
            known.attempts = if proven { 0 } else { known.attempts };
            known.fail(now, config, &mut self.dials, rng);
        }
        self.trim(config, rng);
    }

    /// A connection ended in order.
    pub(super) fn ended(&mut self, peer: PeerId, config: &Config, rng: &mut impl Rng) {
        for known in self.known.values_mut().filter(|known| known.place == Place::Up(peer)) {
            known.put(Place::Idle, &mut self.dials);
            known.attempts = 0;
        }
        self.trim(config, rng);
    }

    /// Whoever is there had no place for us: it is not asked again soon.
    pub(super) fn refused(&mut self, now: Time, peer: PeerId, wait: Duration) {
        for known in self.known.values_mut().filter(|known| known.place == Place::Up(peer)) {
            known.next = now + wait;
        }
    }

    /// Whom to ask for a link: bootstrap addresses first, no number of learned ones may keep them waiting; then, if it is
    /// time for these, learned ones that are well; then those that failed. Among equals, anybody.
    pub(super) fn choose(&self, now: Time, well_too: bool, rng: &mut impl Rng) -> Option<Address> {
        let due = || self.idle().filter(|(_, known)| known.next <= now);
        let bootstrap = due().filter(|(_, known)| known.bootstrap).choose(rng);
        let well = due().filter(|(_, known)| well_too && !known.suspect).map(grouped);
        let well = if bootstrap.is_none() { groups::draw(well, rng) } else { None };
        let suspect = || due().filter(|(_, known)| known.suspect).min_by_key(|(_, known)| known.attempts);
        let address = bootstrap.map(|(address, _)| address).or(well).or_else(|| Some(suspect()?.0))?;
        Some(address.clone())
    }

    /// When [`Passive::choose`] will find the next, if those that are well have their time from `well` on.
    pub(super) fn next_due(&self, well: Time) -> Option<Time> {
        let due = |known: &Known| if known.bootstrap || known.suspect { known.next } else { known.next.max(well) };
        self.idle().map(|(_, known)| due(known)).min()
    }

    /// The bootstrap address that has failed and is due first, and when.
    pub(super) fn lost_bootstrap(&self) -> Option<(Time, &Address)> {
        let known = self.bootstrap.iter().filter_map(|address| Some((address, self.known.get(address)?)));
        let lost = known.filter(|(_, known)| known.place == Place::Idle && known.suspect);
        lost.map(|(address, known)| (known.next, address)).min()
    }

    /// Anybody who is not suspected.
    pub(super) fn anybody(&self, rng: &mut impl Rng) -> Option<Address> {
        groups::draw(self.idle().filter(|(_, known)| !known.suspect).map(grouped), rng).cloned()
    }

    /// Somebody whose round trip is not known: of those that a near node told of, or anybody.
    pub(super) fn unmeasured(&self, by_teller: bool, rng: &mut impl Rng) -> Option<Address> {
        let unmeasured = self.idle().filter(|(_, known)| !known.suspect && known.rtt.is_none());
        if by_teller {
            let nearest = unmeasured.min_by_key(|(_, known)| known.via.unwrap_or(Duration::MAX));
            return nearest.map(|(address, _)| address.clone());
        }
        groups::draw(unmeasured.map(grouped), rng).cloned()
    }

    /// The nearest of those whose round trip is known.
    pub(super) fn nearest(&self) -> Option<(Duration, &Address)> {
        let measured = self.idle().filter(|(_, known)| !known.suspect);
        measured.filter_map(|(address, known)| Some((known.rtt?, address))).min()
    }

    pub(super) fn suspect(&self, rng: &mut impl Rng) -> Option<Address> {
        groups::draw(self.idle().filter(|(_, known)| known.suspect).map(grouped), rng).cloned()
    }

    pub(super) fn has_suspects(&self) -> bool {
        self.idle().any(|(_, known)| known.suspect)
    }

    pub(super) fn has_idle(&self) -> bool {
        self.idle().any(|(_, known)| !known.suspect)
    }

    /// Some that were met and are well, for a peer.
    pub(super) fn sample(&self, amount: usize, rng: &mut impl Rng) -> Vec<Address> {
        let met = self.idle().filter(|(_, known)| !known.suspect && known.instance.is_some());
        groups::draw_some(met.map(grouped), amount, rng).into_iter().cloned().collect()
    }

    /// All that are worth keeping over a restart: where somebody was met.
    pub(super) fn all_met(&self) -> impl Iterator<Item = &Address> {
        self.known.iter().filter(|(_, known)| known.instance.is_some()).map(|(address, _)| address)
    }

    /// What is remembered is bounded, a bootstrap address is never forgotten, and what leads to an address stands.
    pub(super) fn check(&self, peers: &BTreeMap<PeerId, Peer>, config: &Config) -> Broken {
        let idle = |known: &&Known| !known.bootstrap && !known.vouched && known.place == Place::Idle;
        let (suspects, well): (Vec<&Known>, _) = self.known.values().filter(idle).partition(|known| known.suspect);
        at_most("addresses that bootstrap peers have told of", self.vouched().count(), MAX_VOUCHED)?;
        at_most("suspects", suspects.len(), config.passive_view)?;
        at_most("addresses that are well", well.len(), config.passive_view)?;
        let forgotten = config.bootstrap.iter().find(|address| !self.known.contains_key(address));
        must(forgotten.is_none(), || format!("the bootstrap address {forgotten:?} is forgotten"))?;
        let mut dials = (0, 0);
        self.known.values().for_each(|known| known.place.count(&mut dials, usize::saturating_add));
        must(dials == self.dials, || format!("{dials:?} are dialled, and {:?} counted", self.dials))?;
        let leads_nowhere = |known: &&Known| matches!(known.place, Place::Up(peer) if !peers.contains_key(&peer));
        let gone = self.known.values().find(leads_nowhere);
        must(gone.is_none(), || format!("an address is taken by a connection that is gone: {gone:?}"))
    }

    /// Those to which nothing leads.
    fn idle(&self) -> impl Iterator<Item = (&Address, &Known)> {
        self.known.iter().filter(|(_, known)| known.place == Place::Idle)
    }

    /// Keeps what is remembered within its bounds: who goes is drawn from the largest group.
    fn trim(&mut self, config: &Config, rng: &mut impl Rng) {
        let (mut told, mut met, mut suspects) = (0_usize, 0_usize, 0_usize);
        for known in self.known.values() {
            match known.class() {
                Some(Class::Told) => told += 1,
                Some(Class::Met) => met += 1,
                Some(Class::Suspect) => suspects += 1,
                None => {}
            }
        }
        let kept = told.min(config.passive_view / 2);
        self.drop_some(Class::Told, told - kept, rng);
        self.drop_some(Class::Met, (met + kept).saturating_sub(config.passive_view).min(met), rng);
        self.drop_some(Class::Suspect, suspects.saturating_sub(config.passive_view), rng);
    }

    fn drop_some(&mut self, class: Class, amount: usize, rng: &mut impl Rng) {
        if amount > 0 {
            let matching = self.known.iter().filter(|(_, known)| known.class() == Some(class));
            let goes = groups::crowded_out(matching.map(grouped), amount, rng);
            let goes: Vec<Address> = goes.into_iter().cloned().collect();
            for address in goes {
                self.known.remove(&address);
            }
        }
    }
}

/// An address, behind whose it may be.
const fn grouped<'a>((address, known): (&'a Address, &'a Known)) -> (&'a Group, &'a Address) {
    (&known.group, address)
}

impl Place {
    /// Counts a dial, or takes it from the count.
    fn count(self, (links, all): &mut (usize, usize), change: impl Fn(usize, usize) -> usize) {
        if let Place::Dialling(purpose) = self {
            *links = change(*links, usize::from(purpose != Purpose::Probe));
            *all = change(*all, 1);
        }
    }
}

impl Known {
    fn new(address: &Address, bootstrap: bool) -> Known {
        Known {
            group: Group::of(address),
            bootstrap,
            vouched: false,
            instance: None,
            suspect: false,
            attempts: 0,
            next: Time::ZERO,
            place: Place::Idle,
            rtt: None,
            via: None,
        }
    }

    fn class(&self) -> Option<Class> {
        match (self.bootstrap || self.vouched || self.place != Place::Idle, self.suspect, self.instance) {
            (true, _, _) => None,
            (false, true, _) => Some(Class::Suspect),
            (false, false, None) => Some(Class::Told),
            (false, false, Some(_)) => Some(Class::Met),
        }
    }

    /// Something else leads there from now on. What was it before?
    fn put(&mut self, place: Place, dials: &mut (usize, usize)) -> Place {
        self.place.count(dials, usize::saturating_sub);
        place.count(dials, usize::saturating_add);
        std::mem::replace(&mut self.place, place)
    }

    fn fail(&mut self, now: Time, config: &Config, dials: &mut (usize, usize), rng: &mut impl Rng) {
        let hopeless = !self.bootstrap && self.attempts >= HOPELESS;
        let cap = config.backoff_cap * if hopeless { HOPELESS_FACTOR } else { 1 };
        self.next = now + full_jitter(config.backoff_base, cap, self.attempts, config.planted, rng);
        self.put(Place::Idle, dials);
        (self.suspect, self.vouched, self.attempts) = (true, false, self.attempts.saturating_add(1));
    }
}
