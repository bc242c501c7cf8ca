//! Bundles that were announced and have not come: whom to ask for each, and when.
//!
//! Invariants: nobody is asked twice for one bundle; a bundle without anybody left to ask is given up, and left to
//! reconciliation; what one peer announces takes up no more than its own share.

use crate::invariants::{Broken, at_most, must};
use crate::{BundleId, PeerId, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many bundles that only it has announced at first are remembered of one peer, and how many announcers of one bundle.
/// Guesses: the first is a second's worth at 500 bundles a second.
pub(super) const MAX_OF_ONE_PEER: usize = 512;
const MAX_ANNOUNCERS: usize = 8;

/// What is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Missing {
    bundles: BTreeMap<BundleId, Entry>,
    due: BTreeSet<(Time, BundleId)>,
    /// How many bundles each peer was the first to announce.
    of_peer: BTreeMap<PeerId, usize>,
}

#[derive(Clone, Debug)]
struct Entry {
    first: PeerId,
    /// Who announced it, and when the payload would have come on that link; and whether it was asked.
    announcers: Vec<Announcer>,
    asked: Option<PeerId>,
    due: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Announcer {
    asked: bool,
    would_have_come: Time,
    peer: PeerId,
}

impl Missing {
    /// A bundle that is missing is announced. The first announcement says when to ask, if nothing comes before.
    pub(super) fn announced(&mut self, id: BundleId, peer: PeerId, would_have_come: Time, due: Time) {
        let announcer = Announcer { asked: false, would_have_come, peer };
        if let Some(entry) = self.bundles.get_mut(&id) {
            if entry.announcers.len() < MAX_ANNOUNCERS && entry.announcers.iter().all(|known| known.peer != peer) {
                entry.announcers.push(announcer);
            }
            return;
        }
        let of_peer = self.of_peer.entry(peer).or_default();
        if *of_peer < MAX_OF_ONE_PEER {
            *of_peer += 1;
            self.bundles.insert(id, Entry { first: peer, announcers: vec![announcer], asked: None, due });
            self.due.insert((due, id));
        }
    }

    /// A bundle has come. Who announced it before, and when would it have come from each, the earliest first? And who was asked
    /// for it last?
    pub(super) fn came(&mut self, id: &BundleId) -> (Vec<(Time, PeerId)>, Option<PeerId>) {
        let Some(entry) = self.remove(id) else { return (Vec::new(), None) };
        let mut announcers: Vec<_> = entry.announcers.iter().map(|a| (a.would_have_come, a.peer)).collect();
        announcers.sort_unstable();
        (announcers, entry.asked)
    }

    /// A link is gone. Of what was to come by it, the next is asked at once.
    pub(super) fn on_down(&mut self, now: Time, peer: PeerId, was_parent: impl Fn(&BundleId) -> bool) {
        for (id, entry) in &mut self.bundles {
            entry.announcers.retain(|announcer| announcer.peer != peer);
            if entry.asked.map_or_else(|| was_parent(id), |asked| asked == peer) {
                self.due.remove(&(entry.due, *id));
                entry.due = now;
                self.due.insert((now, *id));
            }
        }
    }

    pub(super) fn next_wakeup(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Whom to ask for what now: the announcer that had it first, then the next. `patience` is how long to wait for each.
    pub(super) fn ask(&mut self, now: Time, patience: impl Fn(PeerId) -> Duration) -> Option<(BundleId, PeerId)> {
        while let Some((_, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.pop_first();
            let Some(entry) = self.bundles.get_mut(&id) else { continue };
            let Some(next) = entry.announcers.iter_mut().min().filter(|next| !next.asked) else {
                self.remove(&id);
                continue;
            };
            next.asked = true;
            let peer = next.peer;
            entry.asked = Some(peer);
            entry.due = now + patience(peer);
            self.due.insert((entry.due, id));
            return Some((id, peer));
        }
        None
    }

    pub(super) fn greatest_share(&self) -> usize {
        self.of_peer.values().copied().max().unwrap_or(0)
    }

    /// Nobody waits for a payload without a moment to ask for it.
    pub(super) fn check(&self) -> Broken {
        let due = self.bundles.iter().all(|(id, entry)| self.due.contains(&(entry.due, *id)));
        must(due, || "a missing bundle is never asked for".to_owned())?;
        at_most("moments to ask", self.due.len(), self.bundles.len())?;
        let announcers = self.bundles.values().map(|entry| entry.announcers.len()).max();
        at_most("announcers of one bundle", announcers.unwrap_or(0), MAX_ANNOUNCERS)
    }

    fn remove(&mut self, id: &BundleId) -> Option<Entry> {
        let entry = self.bundles.remove(id)?;
        self.due.remove(&(entry.due, *id));
        if let Some(count) = self.of_peer.get_mut(&entry.first) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&entry.first);
            }
        }
        Some(entry)
    }
}
