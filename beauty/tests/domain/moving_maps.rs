//! A snapshot and the deltas since then give the later snapshot.

use beauty::{Heatmap, Inserted, Ledger, Resolution, Timestamp, Told, Touched};
use proptest::prelude::*;

use crate::world::{HOUR, NOW, any_told, insert, ledger, ledger_of, told};

/// Time goes on by so many milliseconds, and then these events come in.
type Step = (u64, Vec<Told>);

/// Events around the epoch's day 1, to be moved to the moment of their step: up to 30 s ahead, or late.
const DAY_1: Timestamp = Timestamp::from_millis(86_400_000);

fn any_step() -> impl Strategy<Value = Step> {
    let at = prop_oneof![
        3 => (0..60_000_u64).prop_map(|age| DAY_1.saturating_add(30_000).saturating_sub(age)),
        1 => (0..20 * HOUR).prop_map(|age| DAY_1.saturating_sub(age)),
    ];
    let pause = prop_oneof![4 => 0..15_000_u64, 1 => 0..2 * HOUR];
    (pause, prop::collection::vec(any_told(30, at), 0..8))
}

fn any_resolution() -> impl Strategy<Value = Resolution> {
    proptest::sample::select(Resolution::ALL.to_vec())
}

/// Lets a step happen, and returns the moment after it.
fn play(ledger: &mut Ledger, touched: &mut Touched, now: Timestamp, (pause, events): &Step) -> Timestamp {
    let now = now.saturating_add(*pause);
    for told in events {
        let at = Timestamp::from_millis(now.as_millis() + told.event.at.as_millis() - DAY_1.as_millis());
        let mut told = told.clone();
        told.event.at = at;
        let inserted = insert(ledger, &told, now);
        touched.note(&told.origin, &told.event, &inserted, now);
    }
    now
}

/// A map, and apart from it when the newest event of each row was: that is kept less finely as time goes by, and who was told of it
/// before still knows it as it was.
fn parted(map: &Heatmap) -> (Heatmap, Vec<Option<u64>>) {
    let mut map = map.clone();
    let newest = map.nodes.iter_mut().map(|row| row.newest.take()).collect();
    (map, newest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_snapshot_and_its_deltas_give_the_later_snapshot(
        before in prop::collection::vec(any_step(), 0..4),
        after in prop::collection::vec(any_step(), 1..10),
        resolution in any_resolution(),
        columns in 1..=60_usize,
    ) {
        let (mut ledger, mut touched, mut now) = (ledger(), Touched::new(resolution), NOW);
        for step in &before {
            now = play(&mut ledger, &mut touched, now, step);
        }
        // Somebody else's deltas are taken between; what lies ahead is kept for all.
        touched.take(now);
        let mut map = ledger.heatmap(now, resolution, columns);
        for step in &after {
            now = play(&mut ledger, &mut touched, now, step);
            let delta = ledger.changes(now, resolution, touched.take(now));
            let delta = serde_json::from_str(&serde_json::to_string(&delta).unwrap()).unwrap();
            map.apply(&delta);
            let ((moved, told), (snapshot, kept)) = (parted(&map), parted(&ledger.heatmap(now, resolution, columns)));
            prop_assert_eq!(serde_json::to_string(&moved).unwrap(), serde_json::to_string(&snapshot).unwrap());
            for (told, kept) in told.iter().zip(kept) {
                prop_assert!(*told >= kept && *told < kept.map(|kept| kept + Resolution::Day.millis()));
            }
            map.apply(&delta);
            prop_assert_eq!(parted(&map), (moved, told));
        }
    }
}

fn map_of(told: &Told, columns: usize) -> (Ledger, Heatmap) {
    let ledger = ledger_of([told]);
    let map = ledger.heatmap(NOW, Resolution::TenSeconds, columns);
    (ledger, map)
}

#[test]
fn a_map_slides_with_time_alone_and_never_backwards() {
    let (ledger, mut map) = map_of(&told(1, "alpha", NOW, 500_000), 3);
    let delta = |millis| ledger.changes(NOW.saturating_add(millis), Resolution::TenSeconds, []);
    map.apply(&delta(10_000));
    assert_eq!(map.nodes[0].avg, [None, Some(0.5), None]);
    map.apply(&delta(0));
    assert_eq!(map.nodes[0].avg, [None, Some(0.5), None]);
    map.apply(&delta(30_000));
    assert!(map.nodes.is_empty() && map.nodes_total == 0);
}

#[test]
fn a_gap_wider_than_the_window_empties_it() {
    let (ledger, mut map) = map_of(&told(1, "alpha", NOW, 500_000), 40);
    let far = Timestamp::from_millis(u64::MAX);
    map.apply(&ledger.changes(far, Resolution::TenSeconds, []));
    assert_eq!(map.buckets.len(), 40);
    assert!(map.nodes.is_empty() && map.buckets.iter().all(|bucket| bucket.count == 0));
    assert_eq!(map.buckets.last().unwrap().start, Resolution::TenSeconds.floor(far).as_millis());
}

#[test]
fn a_delta_of_another_resolution_is_ignored() {
    let (ledger, mut map) = map_of(&told(1, "alpha", NOW, 500_000), 40);
    let before = map.clone();
    map.apply(&ledger.changes(NOW.saturating_add(HOUR), Resolution::Minute, []));
    assert_eq!(map, before);
}

#[test]
fn a_map_that_makes_no_sense_is_no_panic() {
    let event = told(1, "alpha", NOW, 500_000);
    let (ledger, map) = map_of(&event, 3);
    let delta = ledger.changes(NOW.saturating_add(20_000), Resolution::TenSeconds, [(event.origin, NOW)]);
    let broken: [fn(&mut Heatmap); 8] = [
        |map| map.buckets.clear(),
        |map| map.nodes[0].avg.clear(),
        |map| map.nodes[0].avg.extend([None; 100]),
        |map| map.nodes[0].chaos.clear(),
        |map| map.nodes[0].count.extend([7; 100]),
        |map| map.buckets[2].start = u64::MAX,
        |map| map.resolution_seconds = 0,
        |map| map.nodes_total = 0,
    ];
    for damage in broken {
        let mut map = map.clone();
        damage(&mut map);
        map.apply(&delta);
    }
}

#[test]
fn a_cell_ahead_is_told_when_its_column_comes() {
    let event = told(1, "alpha", NOW.saturating_add(30_000), 500_000);
    let mut touched = Touched::new(Resolution::TenSeconds);
    touched.note(&event.origin, &event.event, &Inserted::New, NOW);
    assert_eq!(touched.take(NOW), []);
    assert!(!touched.is_empty());
    let later = NOW.saturating_add(30_000);
    assert_eq!(touched.take(later), [(event.origin, Resolution::TenSeconds.floor(later))]);
    assert!(touched.is_empty());
}

#[test]
fn what_no_map_shows_is_not_kept() {
    let event = told(1, "alpha", NOW.saturating_sub(HOUR), 500_000);
    let mut touched = Touched::new(Resolution::TenSeconds);
    touched.note(&event.origin, &event.event, &Inserted::New, NOW);
    assert!(touched.is_empty());
}
