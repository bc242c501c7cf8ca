//! Buckets that were kept and taken in again show what they showed before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use beauty::{Ledger, LedgerConfig, Origin, Resolution, Timestamp, Unkept};
use proptest::prelude::*;

use crate::world::{DAY, HOUR, NOW, any_admitted, any_told, insert, ledger, maps, told};

/// A store of buckets, as simple as can be.
type Kept = BTreeMap<Vec<u8>, Vec<u8>>;

fn keep(kept: &mut Kept, ledger: &Ledger, unkept: &mut Unkept, now: Timestamp) {
    kept.extend(ledger.rollups(&std::mem::take(unkept)));
    for (from, to) in ledger.past_rollups(now) {
        let past = from..to;
        kept.retain(|key, _| !past.contains(key));
    }
}

fn restored(kept: &Kept) -> Ledger {
    let mut ledger = ledger();
    for (key, value) in kept {
        assert_eq!(ledger.restore(key, value), Ok(()));
    }
    ledger
}

fn face(ledger: &Ledger, now: Timestamp) -> impl PartialEq + Debug + use<> {
    let totals = Resolution::ALL.map(|resolution| ledger.totals(now, resolution, usize::MAX));
    (maps(ledger, now), totals, ledger.digest(now), ledger.events(now))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_ledger_kept_at_any_moments_and_restored_goes_on_as_if_nothing_had_been(
        events in prop::collection::vec((any_told(40, any_admitted(NOW)), any::<bool>()), 0..60),
        until in 0_usize..60,
    ) {
        let (mut whole, mut unkept, mut kept) = (ledger(), Unkept::default(), Kept::new());
        let until = until.min(events.len());
        let mut last = 0;
        for (at, (told, cut)) in events[..until].iter().enumerate() {
            let inserted = insert(&mut whole, told, NOW);
            unkept.note(&told.origin, &told.event, &inserted);
            if *cut {
                keep(&mut kept, &whole, &mut unkept, NOW);
                last = at + 1;
            }
        }
        let mut again = restored(&kept);
        for (told, _) in &events[..last] {
            again.recall(&told.origin, &told.event);
        }
        for (told, _) in &events[last..until] {
            insert(&mut again, told, NOW);
        }
        prop_assert_eq!(face(&again, NOW), face(&whole, NOW));
        for (told, _) in &events[until..] {
            prop_assert_eq!(insert(&mut again, told, NOW), insert(&mut whole, told, NOW));
        }
        prop_assert_eq!(face(&again, NOW), face(&whole, NOW));
    }

    #[test]
    fn bytes_that_are_no_bucket_are_refused_and_change_nothing(
        key in prop::collection::vec(any::<u8>(), 0..40),
        value in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut ledger = ledger();
        if ledger.restore(&key, &value).is_err() {
            prop_assert_eq!(face(&ledger, NOW), face(&self::ledger(), NOW));
        }
    }
}

#[test]
fn what_no_map_shows_any_more_is_kept_no_longer_and_the_rest_is() {
    let (mut whole, mut unkept, mut kept) = (ledger(), Unkept::default(), Kept::new());
    for day in 0..10 {
        let now = NOW.saturating_add(day * DAY);
        for hour in 0..24 {
            let now = now.saturating_add(hour * HOUR);
            let told = told(u128::from(day * 24 + hour), "alpha", now, 500_000);
            let inserted = insert(&mut whole, &told, now);
            unkept.note(&told.origin, &told.event, &inserted);
            keep(&mut kept, &whole, &mut unkept, now);
        }
    }
    let now = NOW.saturating_add(9 * DAY + 23 * HOUR);
    assert_eq!(face(&restored(&kept), now), face(&whole, now));
    // Of the mesh: 1 hour of 10 s, 6 of minutes, 3 days of 10 minutes, the retention in hours, all days. Of the node, 60 of each.
    assert!(kept.len() < 2 + 7 + 73 + 170 + 11 + 1 + 2 + 11 + 61 + 11, "{} buckets", kept.len());
    assert_eq!(unkept.len(), 0);
    assert!(unkept.is_empty());
}

#[test]
fn a_key_is_of_one_bucket_only() {
    let mut ledger = ledger();
    let event = told(1, "alpha", NOW, 700_000);
    let mut unkept = Unkept::default();
    let inserted = insert(&mut ledger, &event, NOW);
    unkept.note(&event.origin, &event.event, &inserted);
    let rollups = ledger.rollups(&unkept);
    assert_eq!(rollups.len(), 10, "the mesh's and the node's, at five resolutions");
    for (key, value) in &rollups {
        let mut fresh = self::ledger();
        assert!(fresh.restore(&key[..9], value).is_err());
        assert!(fresh.restore(key, &value[1..]).is_err());
        let mut shifted = key.clone();
        shifted[9] ^= 1;
        assert!(fresh.restore(&shifted, value).is_err(), "a start that is on no slot's edge");
    }
}

#[test]
fn whoever_gives_way_leaves_nothing_that_is_kept() {
    let config = LedgerConfig { max_nodes: 100, ..LedgerConfig::default() };
    let (mut ledger, mut unkept, mut kept) = (Ledger::new(config.clone()), Unkept::default(), Kept::new());
    let mut checkpoint = |ledger: &mut Ledger, unkept: &mut Unkept| {
        ledger.take_gone().iter().for_each(|key| {
            kept.remove(key);
        });
        keep(&mut kept, ledger, unkept, NOW);
        kept.clone()
    };
    // One key may sign in any number of names. Two of them come back after they have given way.
    let names = (0..50_000).map(|n| if n % 1_000 < 900 { format!("n{n}") } else { format!("back{}", n % 2) });
    for (number, name) in (0_u64..).zip(names) {
        let event = told(number.into(), &name, NOW.saturating_sub(HOUR - number * 60), 500_000);
        let inserted = insert(&mut ledger, &event, NOW);
        unkept.note(&event.origin, &event.event, &inserted);
        if number % 700 == 699 {
            checkpoint(&mut ledger, &mut unkept);
        }
    }
    assert!(ledger.has_gone());
    let kept = checkpoint(&mut ledger, &mut unkept);
    assert!(ledger.nodes() == 100 && !ledger.has_gone());
    let names = kept.keys().filter_map(|key| Origin::new(std::str::from_utf8(&key[10..]).ok()?).ok());
    let names: BTreeSet<Origin> = names.collect();
    assert!(names.iter().eq(ledger.origins()), "{} names are kept", names.len());
    let mut again = Ledger::new(config);
    kept.iter().for_each(|(key, value)| again.restore(key, value).unwrap());
    assert_eq!(maps(&again, NOW), maps(&ledger, NOW));
}
