//! Which origins have signed two bundles under one number, and how the proof of it goes round.
//!
//! The set of bundles takes both in anyway: trees and reconciliation bring them everywhere, and need nothing of this. Here only the
//! *proof* travels. Who has a new one tells so along all links, in 32 bytes; whoever lacks it asks one of those that have told so,
//! and gets the two bundles. So each node gets the payload once, however many links it has, and an origin that cheats a thousand
//! times costs no more than one that does it once: the first proof against an origin is the last that is sent.
//!
//! Invariants: one proof of an origin, and of [`Proof::MAX`] origins at most; a peer is asked for few at a time, and answered about
//! each origin once on a link; nobody is marked on a peer's word, but only by two bundles whose signatures were checked.

use crate::invariants::{Broken, at_most, must};
use crate::{Ask, Bundle, Mark, Message, OriginId, Output, PeerId, Proof, Time, Wanted};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How many proofs one frame tells of: 32 kB.
pub(crate) const MAX_TOLD: usize = 1_024;
/// How many a peer is asked for in one frame, and at once. Each is up to two frames of the greatest size.
pub(crate) const MAX_ASKED: usize = 4;
/// How long a peer may take to send what it has told of, before another is asked.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many questions to the store are open at once: those for peers, and those for the other content of a number.
const MAX_OPEN: usize = 64;
/// After so long the store is not expected to answer any more.
const STORE_PATIENCE: Duration = Duration::from_secs(10);
/// Tokens of the store's answers that are for this file begin here. Reconciliation counts from 0.
const TOKENS: u64 = 1 << 63;

/// What waits for the store.
#[derive(Clone, Debug)]
enum What {
    /// A peer wants a proof.
    For(PeerId),
    /// This bundle is not the only one of its number.
    Twin(Box<Bundle>),
}

/// What is between us and one peer.
#[derive(Clone, Debug, Default)]
struct Link {
    /// Origins of which it says that it has a proof, and of which we have none.
    has: BTreeSet<OriginId>,
    /// The first half of a proof.
    half: Option<Bundle>,
    /// Whose proofs it was sent.
    sent: BTreeSet<OriginId>,
}

/// What is known of cheats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forks {
    marks: BTreeMap<OriginId, Mark>,
    links: BTreeMap<PeerId, Link>,
    /// Which proofs were asked for: of whom, and by when they are to come.
    asked: BTreeMap<OriginId, (PeerId, Time)>,
    open: BTreeMap<u64, (What, Time)>,
    next_token: u64,
}

impl Forks {
    /// The origins that have cheated, as far as this node has a proof.
    pub(crate) fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.marks.values()
    }

    /// Whether a question to the store is of this file.
    pub(crate) const fn is_own(token: u64) -> bool {
        token >= TOKENS
    }

    /// What the store held at the start.
    pub(crate) fn on_held(&mut self, marks: &[Mark]) {
        self.marks.extend(marks.iter().take(Proof::MAX).map(|mark| (mark.id.origin, *mark)));
    }

    /// A link stands: it is told what there is to have.
    pub(crate) fn on_up(&mut self, peer: PeerId, outbox: &mut VecDeque<Output>) {
        self.links.insert(peer, Link::default());
        let origins: Vec<OriginId> = self.marks.keys().copied().collect();
        for some in origins.chunks(MAX_TOLD) {
            outbox.push_back(Output::Send { to: vec![peer], message: Message::Forked(some.to_vec()) });
        }
    }

    pub(crate) fn on_down(&mut self, now: Time, peer: PeerId, outbox: &mut VecDeque<Output>) {
        self.links.remove(&peer);
        self.asked.retain(|_, (whom, _)| *whom != peer);
        self.open.retain(|_, (what, _)| !matches!(what, What::For(whom) if *whom == peer));
        self.ask(now, outbox);
    }

    /// A new bundle is not the only one of its number. `other` is the one that came before, where it is at hand.
    pub(crate) fn on_twin(
        &mut self,
        now: Time,
        wall: u64,
        (twin, other): (&Bundle, Option<&Bundle>),
        outbox: &mut VecDeque<Output>,
    ) {
        if self.marks.contains_key(&twin.id.origin) || self.marks.len() >= Proof::MAX {
            return;
        }
        match other.and_then(|other| Proof::of(other.clone(), twin.clone())) {
            Some(proof) => self.learn(now, wall, proof, outbox),
            // The store has it. Where too much waits for the store, the origin's next twin will do as well.
            None => {
                if let Some(token) = self.open(now, What::Twin(Box::new(twin.clone()))) {
                    let ids = vec![Wanted::from(twin.id)];
                    outbox.push_back(Output::Ask(Ask::Bundles { token, ids, bytes: Bundle::MAX_BYTES }));
                }
            }
        }
    }

    /// The store has looked for the other content of a number.
    pub(crate) fn on_bundles(
        &mut self,
        now: Time,
        wall: u64,
        (token, bundles): (u64, Vec<Bundle>),
        outbox: &mut VecDeque<Output>,
    ) {
        let Some((What::Twin(twin), _)) = self.open.remove(&token) else { return };
        let proof = bundles.into_iter().find_map(|other| Proof::of(other, (*twin).clone()));
        if let Some(proof) = proof {
            self.learn(now, wall, proof, outbox);
        }
    }

    /// The store has looked for a proof that a peer wants.
    pub(crate) fn on_proof(&mut self, token: u64, proof: Option<Box<Proof>>, outbox: &mut VecDeque<Output>) {
        let Some((What::For(peer), _)) = self.open.remove(&token) else { return };
        for bundle in proof.iter().flat_map(|proof| proof.bundles()) {
            outbox.push_back(Output::Send { to: vec![peer], message: Message::Evidence(bundle.clone()) });
        }
    }

    /// A peer tells whose proofs it has.
    pub(crate) fn on_forked(&mut self, now: Time, from: PeerId, origins: Vec<OriginId>, outbox: &mut VecDeque<Output>) {
        let Some(link) = self.links.get_mut(&from) else { return };
        for origin in origins {
            if link.has.len() < Proof::MAX && !self.marks.contains_key(&origin) {
                link.has.insert(origin);
            }
        }
        self.ask(now, outbox);
    }

    /// A peer wants proofs. Each is sent once on a link.
    pub(crate) fn on_prove(&mut self, now: Time, from: PeerId, origins: Vec<OriginId>, outbox: &mut VecDeque<Output>) {
        for origin in origins.into_iter().take(MAX_ASKED) {
            let fresh = self.links.get(&from).is_some_and(|link| !link.sent.contains(&origin));
            if !fresh || !self.marks.contains_key(&origin) {
                continue;
            }
            let Some(token) = self.open(now, What::For(from)) else { return };
            outbox.push_back(Output::Ask(Ask::Proof { token, origin }));
            if let Some(link) = self.links.get_mut(&from) {
                link.sent.insert(origin);
            }
        }
    }

    /// A peer sends one of the two bundles of a proof.
    pub(crate) fn on_evidence(
        &mut self,
        now: Time,
        wall: u64,
        (from, bundle): (PeerId, Bundle),
        outbox: &mut VecDeque<Output>,
    ) {
        if self.asked.get(&bundle.id.origin).is_none_or(|(whom, _)| *whom != from) {
            return;
        }
        let Some(link) = self.links.get_mut(&from) else { return };
        match link.half.take().and_then(|half| Proof::of(half, bundle.clone())) {
            Some(proof) => self.learn(now, wall, proof, outbox),
            None => link.half = Some(bundle),
        }
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        self.asked.values().map(|(_, until)| *until).min()
    }

    /// Who has not sent what it has told of is not asked for it again.
    pub(crate) fn tick(&mut self, now: Time, outbox: &mut VecDeque<Output>) {
        if self.next_wakeup().is_none_or(|next| next > now) {
            return;
        }
        let Forks { asked, links, .. } = self;
        for (origin, (whom, _)) in asked.extract_if(.., |_, (_, until)| *until <= now) {
            if let Some(link) = links.get_mut(&whom) {
                link.has.remove(&origin);
            }
        }
        self.ask(now, outbox);
    }

    pub(crate) fn check(&self, is_link: impl Fn(PeerId) -> bool) -> Broken {
        at_most("proofs", self.marks.len(), Proof::MAX)?;
        at_most("questions about proofs", self.open.len(), MAX_OPEN)?;
        for (peer, link) in &self.links {
            must(is_link(*peer), || format!("{peer} is no link, and told of proofs"))?;
            let asked = self.asked.values().filter(|(whom, _)| whom == peer).count();
            at_most("proofs that a peer is asked for", asked, MAX_ASKED)?;
            at_most("proofs that a peer has", link.has.len(), Proof::MAX)?;
            at_most("proofs that a peer was sent", link.sent.len(), Proof::MAX)?;
        }
        for (origin, (whom, _)) in &self.asked {
            must(self.links.get(whom).is_some_and(|link| link.has.contains(origin)), || {
                format!("{whom} is asked for what it has not told of")
            })?;
        }
        Ok(())
    }

    /// Takes in a proof, and tells all links that it is here.
    fn learn(&mut self, now: Time, wall: u64, proof: Proof, outbox: &mut VecDeque<Output>) {
        let origin = proof.id().origin;
        if self.marks.len() >= Proof::MAX || self.marks.contains_key(&origin) {
            return;
        }
        let mark = proof.mark(wall);
        self.marks.insert(origin, mark);
        outbox.push_back(Output::Forked { proof: Box::new(proof), mark });
        let mut to = Vec::new();
        self.asked.remove(&origin);
        for (peer, link) in &mut self.links {
            // Who has it need not be told.
            if !link.has.remove(&origin) {
                to.push(*peer);
            }
        }
        if !to.is_empty() {
            outbox.push_back(Output::Send { to, message: Message::Forked(vec![origin]) });
        }
        self.ask(now, outbox);
    }

    /// Asks for what is lacking: each proof of one peer at a time.
    fn ask(&mut self, now: Time, outbox: &mut VecDeque<Output>) {
        if self.marks.len() >= Proof::MAX {
            self.asked.clear();
            return self.links.values_mut().for_each(|link| link.has.clear());
        }
        for (peer, link) in self.links.iter().filter(|(_, link)| !link.has.is_empty()) {
            let room = MAX_ASKED.saturating_sub(self.asked.values().filter(|(whom, _)| whom == peer).count());
            let lacking = link.has.iter().filter(|origin| !self.asked.contains_key(*origin));
            let some: Vec<OriginId> = lacking.take(room).copied().collect();
            if some.is_empty() {
                continue;
            }
            self.asked.extend(some.iter().map(|origin| (*origin, (*peer, now + PATIENCE))));
            outbox.push_back(Output::Send { to: vec![*peer], message: Message::Prove(some) });
        }
    }

    /// A token for a question to the store, if there may be another one.
    fn open(&mut self, now: Time, what: What) -> Option<u64> {
        if self.open.len() >= MAX_OPEN {
            self.open.retain(|_, (_, since)| now.since(*since) < STORE_PATIENCE);
        }
        if self.open.len() >= MAX_OPEN {
            return None;
        }
        self.next_token = self.next_token.wrapping_add(1);
        let token = TOKENS | self.next_token;
        self.open.insert(token, (what, now));
        Some(token)
    }
}
