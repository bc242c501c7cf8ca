//! Rings: the new overwrites the old, and the old never the new.

use beauty::{Resolution, Ring, Timestamp};
use proptest::prelude::*;

fn minute(number: u64) -> Timestamp {
    Timestamp::from_millis(number * 60_000 + 59_999)
}

fn add(ring: &mut Ring<u64>, number: u64, amount: u64) -> bool {
    ring.update(minute(number), |sum| *sum += amount)
}

#[test]
fn a_newer_slot_takes_the_place_and_an_older_write_is_ignored() {
    let mut ring = Ring::new(Resolution::Minute, 10);
    assert!(add(&mut ring, 5, 1) && add(&mut ring, 5, 1));
    assert_eq!(ring.get(minute(5)), Some(&2));
    assert!(add(&mut ring, 15, 7));
    assert_eq!((ring.get(minute(5)), ring.get(minute(15))), (None, Some(&7)));
    assert!(!add(&mut ring, 5, 1));
    assert_eq!(ring.get(minute(15)), Some(&7));
}

#[test]
fn a_window_reaches_up_to_now_and_never_before_the_epoch() {
    let mut ring = Ring::new(Resolution::Minute, 10);
    add(&mut ring, 1, 1);
    add(&mut ring, 3, 3);
    let window = |now, columns| ring.window(minute(now), columns).map(|(_, sum)| sum.copied()).collect::<Vec<_>>();
    assert_eq!(window(2, 2), [Some(1), None]);
    assert_eq!(window(3, 10), [None, Some(1), None, Some(3)]);
    assert_eq!(ring.since(minute(2)).collect::<Vec<_>>(), [&3]);
    assert_eq!(ring.window(minute(3), 1).next().map(|(start, _)| start.as_millis()), Some(180_000));
}

#[test]
fn the_end_of_time_is_a_slot_like_any_other() {
    let mut ring: Ring<u64> = Ring::new(Resolution::TenSeconds, 3);
    let end = Timestamp::from_millis(u64::MAX);
    assert!(ring.update(end, |sum| *sum = 1));
    assert_eq!(ring.get(end), Some(&1));
    assert_eq!(ring.since(end).count(), 1);
}

proptest! {
    #[test]
    fn within_its_horizon_a_ring_is_a_map_whatever_the_order(
        writes in prop::collection::vec((100..110_u64, 1..100_u64), 0..50).prop_shuffle(),
        slots in 10..20_usize,
    ) {
        let mut ring = Ring::new(Resolution::Minute, slots);
        let mut model = std::collections::BTreeMap::new();
        for (number, amount) in writes {
            prop_assert!(add(&mut ring, number, amount));
            *model.entry(number).or_insert(0) += amount;
        }
        for number in 0..200 {
            prop_assert_eq!(ring.get(minute(number)), model.get(&number));
        }
    }
}
