//! Fingerprints of what this node holds, by slots of time. It owns no bundle and no id: memory grows with slots.
//!
//! Three widths: hours, tens of seconds, and seconds for the last two minutes. A bundle is counted in each of them, in
//! the slot of its time. Nothing older than the horizon is counted.
//!
//! Invariants: each hour is the sum of its tens; a bundle is counted once (the caller's to see to).

use crate::invariants::{Broken, at_most, must};
use crate::store::Content;
use crate::{Fingerprint, Held};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// How many tens of seconds are kept: two weeks, 4 MB when all are full. Where they are forgotten hours remain, and ids are
/// compared at once. A guess.
const MAX_TENS: usize = 2 * 7 * 24 * 360;
/// How many seconds are kept: more than clocks may be off by and events be late, twice. A guess.
const MAX_SECONDS: usize = 128;

/// How long a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Width {
    /// 3,600 s.
    Hour,
    /// 10 s: [`Fingerprint::SLOT`].
    Ten,
    /// 1 s.
    Second,
}

impl Width {
    /// In microseconds.
    pub const fn micros(self) -> u64 {
        match self {
            Width::Hour => 360 * Fingerprint::SLOT,
            Width::Ten => Fingerprint::SLOT,
            Width::Second => Fingerprint::SLOT / 10,
        }
    }

    /// The start of the slot that a moment lies in.
    pub(crate) const fn floor(self, micros: u64) -> u64 {
        micros - micros % self.micros()
    }

    /// The first start of a slot at or after a moment.
    pub(crate) const fn ceil(self, micros: u64) -> u64 {
        self.floor(micros.saturating_add(self.micros() - 1))
    }
}

/// A slot that holds anything: when it starts, in microseconds since the epoch, and what is in it.
pub(crate) type Slot = (u64, Fingerprint);

/// The fingerprints of what this node holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    hours: BTreeMap<u64, Fingerprint>,
    tens: BTreeMap<u64, Fingerprint>,
    seconds: BTreeMap<u64, Fingerprint>,
    /// Nothing older is counted. The start of a ten.
    horizon: u64,
    /// How far something may be gone: the horizon never comes back behind this.
    dropped: u64,
    /// From here on tens are whole.
    tens_from: u64,
    /// From here on seconds are counted, and from there on they are whole.
    seconds_counted_from: u64,
    seconds_from: u64,
}

impl Slots {
    /// Takes in what the store held at the start: of its seconds nothing is known yet. They are counted from `recent` on.
    pub(crate) fn load(&mut self, recent: u64, held: &Held) {
        for (start, slot) in &held.slots {
            add(&mut self.hours, Width::Hour.floor(*start), *slot);
            add(&mut self.tens, Width::Ten.floor(*start), *slot);
            self.seconds_from = self.seconds_from.max(start.saturating_add(Fingerprint::SLOT));
        }
        self.seconds_counted_from = recent;
        self.bound();
        self.drop_before(held.horizon);
    }

    /// Counts the seconds of bundles from `recent` on that were loaded as tens: then they are whole.
    pub(crate) fn fill(&mut self, recent: u64, contents: impl Iterator<Item = Content>) {
        contents.for_each(|(id, hash)| add(&mut self.seconds, Width::Second.floor(id.seq), Fingerprint::of(&hash)));
        self.seconds_from = recent;
        self.bound();
    }

    /// The oldest time that counts.
    pub(crate) const fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Counts a bundle that was not counted before.
    pub(crate) fn add(&mut self, (id, hash): &Content) {
        if id.seq < self.horizon {
            return;
        }
        let one = Fingerprint::of(hash);
        add(&mut self.hours, Width::Hour.floor(id.seq), one);
        if id.seq >= self.tens_from {
            add(&mut self.tens, Width::Ten.floor(id.seq), one);
        }
        if id.seq >= self.seconds_counted_from {
            add(&mut self.seconds, Width::Second.floor(id.seq), one);
        }
        self.bound();
    }

    /// The start of the oldest hour that holds anything.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.hours.keys().next().copied()
    }

    /// Moves the horizon as time goes on, or back where the clock was set and nothing was forgotten by it.
    pub(crate) fn age(&mut self, before: u64) {
        if self.oldest().is_some_and(|oldest| oldest < before) {
            self.drop_before(before);
        } else {
            self.horizon = self.whole(before).max(self.dropped);
        }
    }

    /// The start of the first slot that is kept as a whole from a moment on.
    const fn whole(&self, before: u64) -> u64 {
        let width = if before < self.tens_from { Width::Hour } else { Width::Ten };
        width.ceil(before)
    }

    /// Forgets what is older than a moment: whole slots, and so a little more.
    pub(crate) fn drop_before(&mut self, before: u64) {
        let before = self.whole(before);
        self.dropped = self.dropped.max(before);
        if before <= self.horizon {
            return;
        }
        self.horizon = before;
        let kept = self.hours.split_off(&Width::Hour.floor(before));
        self.hours = kept;
        let kept = self.tens.split_off(&before);
        for (start, gone) in std::mem::replace(&mut self.tens, kept) {
            if let Some(hour) = self.hours.get_mut(&Width::Hour.floor(start)) {
                *hour = hour.without(gone);
            }
        }
        self.hours.retain(|_, hour| hour.count > 0);
        let kept = self.seconds.split_off(&before);
        self.seconds = kept;
    }

    /// The fingerprint of all from `from` to `until`. `None` where slots don't begin or end there, or are not kept.
    pub(crate) fn sum(&self, from: u64, until: u64) -> Option<Fingerprint> {
        let from = from.max(self.horizon);
        if from >= until {
            return Some(Fingerprint::default());
        }
        let (start, end) = (Width::Hour.ceil(from), Width::Hour.floor(until));
        let hours = range(&self.hours, start..end).map(|(_, slot)| slot);
        if start > end {
            return self.edge(from, until);
        }
        Some(hours.collect::<Fingerprint>().and(self.edge(from, start)?).and(self.edge(end, until)?))
    }

    /// The fingerprint of less than an hour.
    fn edge(&self, from: u64, until: u64) -> Option<Fingerprint> {
        let end = Width::Ten.floor(until);
        let tens_whole = from == until || (from >= self.tens_from && Width::Ten.floor(from) == from);
        let seconds_whole = end == until || (end >= self.seconds_from && Width::Second.floor(until) == until);
        if !tens_whole || !seconds_whole {
            return None;
        }
        let parts = range(&self.tens, from..end).chain(range(&self.seconds, end.max(from)..until));
        Some(parts.map(|(_, slot)| slot).collect())
    }

    /// The fingerprint of all.
    pub(crate) fn all(&self) -> Fingerprint {
        self.hours.values().copied().collect()
    }

    /// The slots of a width that lie within a range and hold anything. `None` where they are not kept for all of it.
    pub(crate) fn list(&self, width: Width, wanted: Range<u64>) -> Option<impl Iterator<Item = Slot>> {
        let (slots, whole_from) = match width {
            Width::Hour => (&self.hours, 0),
            Width::Ten => (&self.tens, self.tens_from),
            Width::Second => (&self.seconds, self.seconds_from),
        };
        (wanted.start.max(self.horizon) >= whole_from).then(|| range(slots, wanted))
    }

    /// The fingerprint of the slot that starts here.
    pub(crate) fn at(&self, width: Width, start: u64) -> Fingerprint {
        let slots = match width {
            Width::Hour => &self.hours,
            Width::Ten => &self.tens,
            Width::Second => &self.seconds,
        };
        slots.get(&start).copied().unwrap_or_default()
    }

    /// Each hour is the sum of its tens, where these are kept; and all is bounded.
    pub(crate) fn check(&self) -> Broken {
        at_most("tens of seconds", self.tens.len(), MAX_TENS)?;
        at_most("seconds", self.seconds.len(), MAX_SECONDS)?;
        let whole = self.hours.range(Width::Hour.ceil(self.tens_from)..);
        let mut wrong = whole.filter(|(start, hour)| {
            let tens = range(&self.tens, **start..start.saturating_add(Width::Hour.micros()));
            **hour != tens.map(|(_, slot)| slot).collect::<Fingerprint>()
        });
        let wrong = wrong.next();
        must(wrong.is_none(), || format!("the hour {wrong:?} is not the sum of its tens"))
    }

    /// Forgets the oldest narrow slots.
    fn bound(&mut self) {
        while self.tens.len() > MAX_TENS
            && let Some((start, _)) = self.tens.pop_first()
        {
            self.tens_from = start.saturating_add(Width::Ten.micros());
        }
        while self.seconds.len() > MAX_SECONDS
            && let Some((start, _)) = self.seconds.pop_first()
        {
            self.seconds_counted_from = start.saturating_add(Width::Second.micros());
            self.seconds_from = self.seconds_from.max(self.seconds_counted_from);
        }
    }
}

fn add(slots: &mut BTreeMap<u64, Fingerprint>, start: u64, part: Fingerprint) {
    let slot = slots.entry(start).or_default();
    *slot = slot.and(part);
}

/// The slots that start within a range. An empty range is one that ends before it starts, too.
fn range(slots: &BTreeMap<u64, Fingerprint>, wanted: Range<u64>) -> impl Iterator<Item = Slot> {
    let wanted = wanted.start..wanted.end.max(wanted.start);
    slots.range(wanted).map(|(start, slot)| (*start, *slot))
}

/// The fingerprints of the slots of a width that these bundles lie in; they ascend.
pub(crate) fn slots_of(width: Width, contents: &[Content]) -> BTreeMap<u64, Fingerprint> {
    let mut slots = BTreeMap::new();
    for (id, hash) in contents {
        add(&mut slots, width.floor(id.seq), Fingerprint::of(hash));
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BundleHash, BundleId, OriginId};
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;

    fn id(seq: u64) -> Content {
        let id = BundleId { origin: OriginId([7; 32]), seq };
        (id, BundleHash::of(&id, std::iter::empty()))
    }

    fn expected(times: &[u64], range: Range<u64>) -> Fingerprint {
        times.iter().filter(|time| range.contains(time)).map(|time| Fingerprint::of(&id(*time).1)).collect()
    }

    proptest! {
        #[test]
        fn the_sum_of_a_range_is_that_of_the_bundles_in_it(
            times in proptest::collection::btree_set(0..100_u64 * SECOND, 0..60),
            from in 0..11_u64, until in 0..130_u64, horizon in 0..50_u64,
        ) {
            let times: Vec<u64> = times.into_iter().collect();
            let (mut slots, from, until) = (Slots::default(), from * 10 * SECOND, until * SECOND);
            times.iter().for_each(|time| slots.add(&id(*time)));
            prop_assert_eq!(slots.sum(from, until), Some(expected(&times, from..until)));
            slots.drop_before(horizon * SECOND);
            let horizon = horizon.div_ceil(10) * 10 * SECOND;
            prop_assert_eq!(slots.horizon(), horizon);
            prop_assert_eq!(slots.sum(from, until), Some(expected(&times, from.max(horizon)..until)));
            prop_assert_eq!(slots.at(Width::Hour, 0), expected(&times, horizon..until.max(100 * SECOND)));
        }
    }

    #[test]
    fn a_sum_over_days_is_made_of_hours() {
        let times: Vec<u64> = (0..3_000).map(|n| n * 97 * SECOND).collect();
        let mut slots = Slots::default();
        times.iter().for_each(|time| slots.add(&id(*time)));
        for (from, until) in [(0, 290_000), (1_000, 200_000), (3_600, 7_200), (3_610, 7_190), (50, 3_590), (0, 0)] {
            let (from, until) = (from * SECOND, until * SECOND);
            assert_eq!(slots.sum(from, until), Some(expected(&times, from..until)));
        }
    }

    #[test]
    fn what_is_not_whole_is_not_summed() {
        let mut slots = Slots::default();
        let held = Held { slots: vec![(0, Fingerprint::of(&id(5).1))], ..Held::default() };
        slots.load(0, &held);
        slots.add(&id(7 * SECOND));
        slots.add(&id(11 * SECOND));
        assert_eq!(slots.sum(0, 8 * SECOND), None, "of what was there before the start");
        assert_eq!(slots.sum(0, 10 * SECOND).unwrap().count, 2);
        assert_eq!(slots.sum(0, 12 * SECOND).unwrap().count, 3);
        assert_eq!(slots.sum(0, 12 * SECOND + 1), None);
        assert!(slots.list(Width::Second, 0..10 * SECOND).is_none());
        assert_eq!(slots.list(Width::Second, 10 * SECOND..20 * SECOND).unwrap().count(), 1);
        slots.fill(0, [id(5)].into_iter());
        assert_eq!(slots.sum(0, 8 * SECOND).unwrap().count, 2, "until the store has told of it");
    }

    #[test]
    fn memory_is_bounded_whatever_times_bundles_bear() {
        let mut slots = Slots::default();
        for n in 0..200_000 {
            slots.add(&id(n * 10 * SECOND));
        }
        slots.add(&id(u64::MAX));
        assert_eq!((slots.tens.len(), slots.seconds.len()), (MAX_TENS, MAX_SECONDS));
        let old = 10 * SECOND;
        slots.add(&id(old + 1));
        assert_eq!(slots.at(Width::Hour, 0).count, 361, "hours still count");
        assert_eq!(slots.sum(old, 3 * Width::Hour.micros()), None);
        assert!(slots.list(Width::Ten, old..2 * old).is_none());
        slots.drop_before(u64::MAX);
        assert!(
            slots.tens.len() <= 1 && slots.hours.len() <= 1 && slots.seconds.len() <= 1,
            "but the last slot of time"
        );
    }
}
