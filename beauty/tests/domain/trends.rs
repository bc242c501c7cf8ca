//! Trends: robust, and silent where there is too little to tell.

use beauty::{Direction, Heatmap, Mood, Resolution, Trend};

use crate::world::{NOW, ledger_of, told};

/// A map with one event in each of the last columns.
fn map(micros: &[u32]) -> Heatmap {
    let at = |age: usize| NOW.saturating_sub(10_000 * age as u64);
    let events: Vec<_> =
        micros.iter().rev().enumerate().map(|(age, micros)| told(age as u128, "alpha", at(age), *micros)).collect();
    ledger_of(&events).heatmap(NOW, Resolution::TenSeconds, 10)
}

#[test]
fn two_columns_are_no_trend() {
    assert_eq!(Trend::of(&map(&[])), None);
    assert_eq!(Trend::of(&map(&[100_000, 900_000])), None);
}

#[test]
fn a_line_has_its_own_slope() {
    let trend = Trend::of(&map(&[100_000, 200_000, 300_000, 400_000])).unwrap();
    assert!((trend.slope - 0.1).abs() < 1e-12);
    assert_eq!((trend.direction, trend.mood), (Direction::Rising, Mood::Calm));
    assert_eq!(Trend::of(&map(&[400_000, 300_000, 200_000])).unwrap().direction, Direction::Falling);
}

#[test]
fn one_wild_column_is_no_trend() {
    let trend = Trend::of(&map(&[500_000, 500_000, 500_000, 500_000, 0])).unwrap();
    assert_eq!(trend.direction, Direction::Steady);
}

#[test]
fn the_mood_follows_the_chaos_within_columns() {
    for (spread, mood) in [(50_000, Mood::Calm), (150_000, Mood::Lively), (400_000, Mood::Turbulent)] {
        let at = |column: u64| NOW.saturating_sub(10_000 * column);
        let events = (0..6).map(|id| {
            told(id.into(), "alpha", at(id / 2), if id % 2 == 0 { 500_000 - spread } else { 500_000 + spread })
        });
        let events: Vec<_> = events.collect();
        let map = ledger_of(&events).heatmap(NOW, Resolution::TenSeconds, 10);
        assert_eq!(Trend::of(&map).unwrap().mood, mood, "{spread}");
    }
}

#[test]
fn any_series_has_a_direction_of_its_own() {
    let of = |values: &[f64], steady| Direction::of(&values.iter().copied().map(Some).collect::<Vec<_>>(), steady);
    assert_eq!(of(&[1.0, 2.0, 4.0], 0.5), Some(Direction::Rising));
    assert_eq!(of(&[4.0, 2.0, 1.0], 0.5), Some(Direction::Falling));
    assert_eq!(of(&[4.0, 2.0, 1.0], 10.0), Some(Direction::Steady));
    assert_eq!(Direction::of(&[Some(1.0), None, Some(2.0)], 0.5), None);
}
