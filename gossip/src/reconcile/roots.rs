//! Who holds the same bundles: what peers have told of theirs, and what they were told of ours.
//!
//! This is the resend table. For each peer it holds what stands for all that the peer should have, the fingerprint of it,
//! and whether the peer has shown that it holds the same. While it has not, it is told again, at growing intervals, and
//! asks for what it lacks. Bundles themselves need no table: what was on a connection that broke is found when another
//! stands, and what a peer did not pass on is announced by others.
//!
//! The last seconds are left out: there bundles are on their way. So is what lies ahead of this node's clock, as long as
//! something new comes; once nothing has for as long, all is compared: else what an origin with a fast clock has said, and
//! was lost, would be found only when that time has come.

use super::slots::{Slots, Width};
use super::{Exchange, Root};
use crate::{Fingerprint, PeerId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is younger may still be on its way: several times what a tree takes. A guess.
const LAG: Duration = Duration::from_secs(2);
/// How often roots are told while they change, and how soon after a session that has gained something. Guesses.
const PAUSE: Duration = Duration::from_secs(2);
const HURRY: Duration = Duration::from_millis(500);
/// When a peer that does not agree is told again: after so long, then after twice as long, up to a bound. Guesses.
const AGAIN: Duration = Duration::from_secs(4);
const AGAIN_CAP: Duration = Duration::from_secs(60);

/// What one peer has told, and was told.
#[derive(Clone, Debug, Default)]
struct Row {
    heard: Option<Root>,
    told: Option<Fingerprint>,
    /// The last root of ours that it has shown to hold as well.
    agreed: Option<Fingerprint>,
    again: Time,
    attempts: u32,
}

/// How a peer's set is to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is ours.
    Same,
    /// It differs, and is not smaller: there is something to get.
    More,
    /// It differs, and is smaller: it comes to us first.
    Less,
    /// It can't be compared, or was not told.
    Unknown,
}

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots {
    rows: BTreeMap<PeerId, Row>,
    /// Until when what we hold may change by the mere passing of time.
    unsettled: Time,
    /// When to look next, if there is reason to.
    next: Option<Time>,
    /// When that was last.
    last: Time,
    /// When somebody is to be told again at the earliest.
    again: Option<Time>,
    /// When a bundle came last, and the latest time that one bears.
    came: Time,
    latest: u64,
}

impl Roots {
    pub(crate) fn on_up(&mut self, now: Time, peer: PeerId) {
        self.rows.insert(peer, Row::default());
        self.on_change(now, Duration::ZERO);
    }

    pub(crate) fn on_down(&mut self, peer: PeerId) {
        self.rows.remove(&peer);
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.rows.keys().copied()
    }

    /// Something has changed, whose time lies so far ahead.
    pub(crate) fn on_change(&mut self, now: Time, ahead: Duration) {
        self.unsettled = self.unsettled.max(now + ahead + LAG + PAUSE);
        self.next.get_or_insert(now + PAUSE);
    }

    /// A bundle of this time is held since now. It lies so far ahead.
    pub(crate) fn on_kept(&mut self, now: Time, seq: u64, ahead: Duration) {
        (self.came, self.latest) = (now, self.latest.max(seq));
        self.on_change(now, ahead);
    }

    /// The store held bundles at the start, the latest of this time.
    pub(crate) fn on_held(&mut self, latest: u64) {
        self.latest = self.latest.max(latest);
    }

    /// A session has gained something: peers may be waiting for it.
    pub(crate) fn hurry(&mut self, now: Time) {
        self.next = Some(now.max(self.last + HURRY));
    }

    /// A peer tells its root.
    pub(crate) fn on_root(&mut self, peer: PeerId, root: Root, slots: &Slots) {
        if let Some(row) = self.rows.get_mut(&peer) {
            row.heard = Some(root);
            if compare(root, slots) == Standing::Same {
                row.agreed = Some(root.sum);
            }
        }
    }

    /// How a peer's set, as it told it last, is to ours.
    pub(crate) fn standing(&self, peer: PeerId, slots: &Slots) -> Standing {
        let heard = self.rows.get(&peer).and_then(|row| row.heard);
        heard.map_or(Standing::Unknown, |root| compare(root, slots))
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        [self.next, self.again].into_iter().flatten().min()
    }

    /// Tells who is to be told: all whose root has changed, and those that do not agree when it is time. `one` in any case.
    pub(crate) fn tick(
        &mut self,
        now: Time,
        wall: u64,
        one: Option<PeerId>,
        slots: &Slots,
        mut tell: impl FnMut(PeerId, Exchange),
    ) {
        if one.is_none() && self.next_wakeup().is_none_or(|next| now < next) {
            return;
        }
        let due = self.next.is_some_and(|next| next <= now);
        if due {
            self.last = now;
            self.next = (now < self.unsettled).then_some(now + PAUSE);
        }
        let arrived = wall.saturating_sub(u64::try_from(LAG.as_micros()).unwrap_or(u64::MAX));
        let quiet = now.since(self.came) >= LAG;
        let all = Width::Second.ceil(self.latest.saturating_add(1));
        let until = if quiet { arrived.max(all) } else { arrived };
        let mut last = None;
        for (peer, row) in &mut self.rows {
            let again = row.is_open() && row.again <= now;
            if !due && !again && one != Some(*peer) {
                continue;
            }
            // Where the peer holds nothing so old, that is left out; it is believed as far as it harms itself only.
            let theirs = row.heard.map_or(0, |root| root.from).min(wall);
            let from = slots.horizon().max(Width::Ten.ceil(theirs));
            let root = last.filter(|root: &Root| root.from == from).or_else(|| sum(from, until, slots));
            let Some(root) = root else { continue };
            last = Some(root);
            let changed = row.told != Some(root.sum);
            if changed || again || one == Some(*peer) {
                row.attempts = if changed { 0 } else { row.attempts.saturating_add(1) };
                let wait = AGAIN.saturating_mul(1_u32.checked_shl(row.attempts).unwrap_or(u32::MAX)).min(AGAIN_CAP);
                (row.told, row.again) = (Some(root.sum), now + wait);
                tell(*peer, Exchange::Root(root));
            }
        }
        self.again = self.rows.values().filter(|row| row.is_open()).map(|row| row.again).min();
    }
}

impl Row {
    /// Whether it has not shown to hold what it was told of.
    fn is_open(&self) -> bool {
        self.told.is_some() && self.told != self.agreed
    }
}

/// Our root up to a moment: to its second, or where seconds are not known, to its ten.
fn sum(from: u64, until: u64, slots: &Slots) -> Option<Root> {
    let roots = [Width::Second, Width::Ten].map(|width| width.floor(until).max(from));
    roots.into_iter().find_map(|until| Some(Root { from, until, sum: slots.sum(from, until)? }))
}

fn compare(theirs: Root, slots: &Slots) -> Standing {
    if theirs.from < slots.horizon() {
        return Standing::Unknown;
    }
    match slots.sum(theirs.from, theirs.until) {
        None => Standing::Unknown,
        Some(ours) if ours == theirs.sum => Standing::Same,
        Some(ours) if ours.count <= theirs.sum.count => Standing::More,
        Some(_) => Standing::Less,
    }
}
