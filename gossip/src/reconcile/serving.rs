//! What peers are answered. Nothing is kept of a peer between two of its questions, except what the store was asked for.
//!
//! Each question costs one answer of one frame, and at most one look into the store of a bounded size. A peer that has
//! more questions open than an honest one ever has is not answered.

use super::door::{Door, page};
use super::exchange::Exchange;
use super::slots::{Slots, Width, slots_of};
use crate::invariants::{Broken, at_most, must};
use crate::store::{Content, Wanted};
use crate::{Bundle, BundleId, Fingerprint, PeerId, Time};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// How many questions of one peer, and of all, the store has before it. An honest peer has 22 open.
const MAX_OPEN_EACH: usize = 24;
const MAX_OPEN: usize = 512;
/// How many ids are read to split tens of seconds: 330 kB.
const MAX_SPLIT: usize = 8_192;
/// After so long the store is not expected to answer any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be done with the store's answer.
#[derive(Clone, Debug)]
enum What {
    Seconds(Range<u64>),
    Ids(Range<u64>),
    /// Unless the bundles there have this fingerprint.
    Contents(Range<u64>, Fingerprint),
    Bundles(u32),
}

#[derive(Clone, Debug)]
struct Open {
    peer: PeerId,
    what: What,
    since: Time,
}

/// Questions of peers that the store has before it, by token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Serving {
    open: BTreeMap<u64, Open>,
}

impl Serving {
    pub(crate) fn on_down(&mut self, peer: PeerId) {
        self.open.retain(|_, open| open.peer != peer);
    }

    /// Somebody asks for fingerprints.
    pub(crate) fn on_get_sums(
        &mut self,
        now: Time,
        peer: PeerId,
        width: Width,
        wanted: Range<u64>,
        slots: &Slots,
        door: &mut Door<'_>,
    ) {
        let Range { start: from, end: until } = wanted;
        match slots.list(width, from..until) {
            Some(list) => {
                let slots: Vec<_> = list.take(Exchange::MAX_SUMS).collect();
                let last = slots.last().filter(|_| slots.len() == Exchange::MAX_SUMS);
                let until = last.map_or(until, |(start, _)| start.saturating_add(width.micros()).min(until));
                door.send(peer, Exchange::Sums { width, from, until, slots });
            }
            None if width == Width::Second && self.has_room(now, peer) => {
                let token = door.ask_contents(from, until, MAX_SPLIT);
                self.open.insert(token, Open { peer, what: What::Seconds(from..until), since: now });
            }
            None => door.send(peer, Exchange::Sums { width, from, until: from, slots: Vec::new() }),
        }
    }

    /// Somebody asks for ids.
    pub(crate) fn on_get_ids(&mut self, now: Time, peer: PeerId, wanted: Range<u64>, door: &mut Door<'_>) {
        if self.has_room(now, peer) {
            let token = door.ask_ids(wanted.start, wanted.end, Exchange::MAX_IDS);
            self.open.insert(token, Open { peer, what: What::Ids(wanted), since: now });
        }
    }

    /// Somebody asks for the contents of what both have.
    pub(crate) fn on_get_contents(
        &mut self,
        now: Time,
        peer: PeerId,
        wanted: Range<u64>,
        sum: Fingerprint,
        door: &mut Door<'_>,
    ) {
        if self.has_room(now, peer) {
            let token = door.ask_contents(wanted.start, wanted.end, MAX_SPLIT);
            self.open.insert(token, Open { peer, what: What::Contents(wanted, sum), since: now });
        }
    }

    /// Somebody asks for bundles.
    pub(crate) fn on_want(&mut self, now: Time, peer: PeerId, number: u32, mut ids: Vec<Wanted>, door: &mut Door<'_>) {
        ids.truncate(Exchange::MAX_WANTED);
        if self.has_room(now, peer) {
            let token = door.ask_bundles(ids, Bundle::MAX_BYTES);
            self.open.insert(token, Open { peer, what: What::Bundles(number), since: now });
        }
    }

    /// The store has ids for us.
    pub(crate) fn on_ids(&mut self, token: u64, ids: Vec<BundleId>, door: &mut Door<'_>) {
        if let Some(Open { peer, what: What::Ids(range), .. }) = self.open.remove(&token) {
            let (ids, until) = page(ids, Exchange::MAX_IDS, range.end, |id| id.seq);
            door.send(peer, Exchange::Ids { from: range.start, until, ids });
        }
    }

    /// The store has bundles with their contents for us.
    pub(crate) fn on_contents(&mut self, token: u64, contents: Vec<Content>, door: &mut Door<'_>) {
        match self.open.remove(&token) {
            Some(Open { peer, what: What::Contents(Range { start: from, end }, sum), .. }) => {
                let agree = contents.iter().map(|(_, hash)| Fingerprint::of(hash)).collect::<Fingerprint>() == sum;
                let contents = if agree && contents.len() < MAX_SPLIT { Vec::new() } else { contents };
                let (contents, until) = page(contents, Exchange::MAX_CONTENTS, end, |(id, _)| id.seq);
                door.send(peer, Exchange::Contents { from, until, contents });
            }
            Some(Open { peer, what: What::Seconds(Range { start: from, end }), .. }) => {
                let (width, (contents, until)) =
                    (Width::Second, page(contents, MAX_SPLIT, end, |(id, _): &Content| id.seq));
                // Only what is whole, and not more than a frame holds: else the peer asks for the ids.
                let slots = slots_of(width, &contents);
                let whole = until == end && slots.len() <= Exchange::MAX_SUMS;
                let (until, slots) = if whole { (end, slots.into_iter().collect()) } else { (from, Vec::new()) };
                door.send(peer, Exchange::Sums { width, from, until, slots });
            }
            _ => {}
        }
    }

    /// The store has bundles for us. Returns how many events go out.
    pub(crate) fn on_bundles(&mut self, token: u64, covered: usize, bundles: Vec<Bundle>, door: &mut Door<'_>) -> u64 {
        let Some(Open { peer, what: What::Bundles(number), .. }) = self.open.remove(&token) else { return 0 };
        let events = bundles.iter().map(|bundle| bundle.events.len() as u64).sum();
        let covered = u32::try_from(covered).unwrap_or(u32::MAX);
        door.send(peer, Exchange::Missed { number, covered, bundles });
        events
    }

    /// What waits for the store is bounded, and for peers that are there.
    pub(crate) fn check(&self, is_peer: impl Fn(PeerId) -> bool) -> Broken {
        at_most("questions before the store", self.open.len(), MAX_OPEN)?;
        let each = self.open.values().fold(BTreeMap::<PeerId, usize>::new(), |mut each, open| {
            *each.entry(open.peer).or_default() += 1;
            each
        });
        at_most("questions of one peer", each.values().copied().max().unwrap_or(0), MAX_OPEN_EACH)?;
        let gone = each.keys().find(|peer| !is_peer(**peer));
        must(gone.is_none(), || format!("{gone:?} is gone, and the store is asked for it"))
    }

    fn has_room(&mut self, now: Time, peer: PeerId) -> bool {
        if self.open.len() >= MAX_OPEN {
            self.open.retain(|_, open| now.since(open.since) < PATIENCE);
        }
        let each = self.open.values().filter(|open| open.peer == peer).count();
        if each >= MAX_OPEN_EACH {
            self.open.retain(|_, open| open.peer != peer || now.since(open.since) < PATIENCE);
        }
        each < MAX_OPEN_EACH && self.open.len() < MAX_OPEN
    }
}
