//! The edges of a ledger: of time, of memory, of what it can know.

use std::time::Duration;

use beauty::{Inserted, Ledger, LedgerConfig, Resolution, Score, TimeRefusal, Told};

use crate::world::{DAY, HOUR, NOW, insert, ledger, told};

#[test]
fn the_bounds_of_time_themselves_are_allowed() {
    let ledger = ledger();
    assert_eq!(ledger.admits(NOW.saturating_sub(7 * DAY), NOW), Ok(()));
    assert_eq!(ledger.admits(NOW.saturating_add(30_000), NOW), Ok(()));
    let old = ledger.admits(NOW.saturating_sub(7 * DAY + 1), NOW).unwrap_err();
    let ahead = ledger.admits(NOW.saturating_add(30_001), NOW).unwrap_err();
    assert_eq!(old, TimeRefusal::TooOld { by: 7 * DAY + 1, allowed: 7 * DAY });
    assert_eq!(ahead, TimeRefusal::TooFarAhead { by: 30_001, allowed: 30_000 });
    assert_eq!((old.reason(), ahead.reason()), ("older_than_retention", "from_the_future"));
    assert_eq!(
        ahead.to_string(),
        "the event lies 30 s 1 ms in the future, and 30 s are allowed: check the clock that made its timestamp"
    );
    assert_eq!(old.to_string(), "the event is 7 d old, and 7 d are kept: send newer events, or keep them longer here");
}

#[test]
fn a_refusal_is_not_final() {
    let mut ledger = ledger();
    let Told { origin, event } = told(1, "alpha", NOW.saturating_add(60_000), 500_000);
    assert!(ledger.insert(&origin, &event, NOW).is_err());
    assert!(!ledger.is_recent(&event.id) && ledger.nodes() == 0);
    assert_eq!(ledger.insert(&origin, &event, NOW.saturating_add(30_000)), Ok(Inserted::New));
    assert!(ledger.is_recent(&event.id));
}

#[test]
fn an_event_lands_at_every_resolution_that_reaches_it() {
    let mut ledger = ledger();
    insert(&mut ledger, &told(1, "alpha", NOW.saturating_sub(2 * HOUR), 500_000), NOW);
    let counts = Resolution::ALL.map(|resolution| ledger.totals(NOW, resolution, usize::MAX).count());
    assert_eq!(counts, [0, 1, 1, 1, 1]);
}

#[test]
fn the_extremes_of_a_replaced_event_are_put_right() {
    let (kept, other) = (told(1, "alpha", NOW, 400_000), told(2, "alpha", NOW, 600_000));
    let (winner, loser) = conflict(|score| told(3, "alpha", NOW, score));
    let mut ledger = ledger();
    for told in [&kept, &loser, &other, &winner] {
        insert(&mut ledger, told, NOW);
    }
    for resolution in Resolution::ALL {
        let bucket = ledger.totals(NOW, resolution, 1);
        let scores = [kept.event.score, other.event.score, winner.event.score];
        assert_eq!((bucket.min(), bucket.max()), (scores.into_iter().min(), scores.into_iter().max()));
    }
}

#[test]
fn the_old_extremes_stay_where_not_all_events_are_remembered() {
    let (winner, loser) = conflict(|score| told(3, "alpha", NOW, score));
    let mut ledger = Ledger::new(LedgerConfig { recent_ids: 2, ..LedgerConfig::default() });
    for told in [&told(1, "alpha", NOW, 500_000), &told(2, "alpha", NOW, 500_000), &loser, &winner] {
        insert(&mut ledger, told, NOW);
    }
    let bucket = ledger.totals(NOW, Resolution::Hour, 1);
    let extremes = [bucket.min(), bucket.max()];
    assert!(extremes.contains(&Some(loser.event.score)), "too wide: {extremes:?}");
    assert_eq!(bucket.moments().sum_micros(), 1_000_000 + u64::from(winner.event.score.micros()), "all else is exact");
}

/// Two events that differ in their score, at either end, the one with the smaller hash first.
fn conflict(event: impl Fn(u32) -> Told) -> (Told, Told) {
    let (low, high) = (event(0), event(Score::MAX.micros()));
    let hash = |told: &Told| told.event.content_hash(&told.origin);
    if hash(&low) < hash(&high) { (low, high) } else { (high, low) }
}

#[test]
fn ids_are_forgotten_by_arrival_half_a_table_at_once() {
    let mut ledger = Ledger::new(LedgerConfig { recent_ids: 4, ..LedgerConfig::default() });
    let events: Vec<Told> = (0..7).map(|id| told(id, "alpha", NOW.saturating_sub(id as u64), 500_000)).collect();
    for told in &events {
        assert_eq!(insert(&mut ledger, told, NOW), Inserted::New);
        assert_eq!(insert(&mut ledger, told, NOW), Inserted::Duplicate);
    }
    let recent: Vec<bool> = events.iter().map(|told| ledger.is_recent(&told.event.id)).collect();
    assert_eq!(recent, [false, false, false, false, true, true, true]);
}

#[test]
fn past_the_most_nodes_the_one_silent_for_longest_gives_way_and_the_mesh_still_counts_it() {
    let mut ledger = Ledger::new(LedgerConfig { max_nodes: 2, ..LedgerConfig::default() });
    let at = |age: u64| NOW.saturating_sub(age);
    insert(&mut ledger, &told(1, "alpha", at(300), 500_000), NOW);
    insert(&mut ledger, &told(2, "beta", at(200), 500_000), NOW);
    insert(&mut ledger, &told(3, "alpha", at(100), 500_000), NOW);
    insert(&mut ledger, &told(4, "gamma", at(0), 500_000), NOW);
    assert_eq!(names(&ledger), ["alpha", "gamma"]);
    insert(&mut ledger, &told(5, "too late", at(400), 500_000), NOW);
    assert_eq!(names(&ledger), ["alpha", "gamma"]);
    insert(&mut ledger, &told(6, "equal", at(100), 500_000), NOW);
    assert_eq!(names(&ledger), ["equal", "gamma"], "of equals the first by name gives way");
    assert_eq!(ledger.events(NOW), 6);
}

#[test]
fn a_loser_whose_node_gave_way_and_came_back_is_not_taken_out_twice() {
    let (winner, loser) = conflict(|score| told(1, "alpha", NOW, score));
    let mut ledger = Ledger::new(LedgerConfig { max_nodes: 1, ..LedgerConfig::default() });
    let later = NOW.saturating_add(1);
    insert(&mut ledger, &loser, NOW);
    insert(&mut ledger, &told(2, "beta", later, 500_000), NOW);
    insert(&mut ledger, &told(3, "alpha", later.saturating_add(1), 500_000), NOW);
    insert(&mut ledger, &winner, NOW);
    let row = &ledger.heatmap(NOW, Resolution::TenSeconds, 1).nodes[0];
    let expected = (0.5 + winner.event.score.as_f64()) / 2.0;
    assert_eq!((row.node_id.as_str(), row.avg[0]), ("alpha", Some(expected)));
}

fn names(ledger: &Ledger) -> Vec<&str> {
    ledger.origins().map(|origin| origin.as_str()).collect()
}

#[test]
fn a_wrong_configuration_is_told_what_is_allowed() {
    assert_eq!(LedgerConfig::default().validate(), Ok(()));
    let wrong = [
        LedgerConfig { retention: Duration::from_secs(60), ..LedgerConfig::default() },
        LedgerConfig { future_tolerance: Duration::from_secs(121), ..LedgerConfig::default() },
        LedgerConfig { recent_ids: 0, ..LedgerConfig::default() },
        LedgerConfig { max_nodes: usize::MAX, ..LedgerConfig::default() },
    ];
    for config in wrong {
        let error = config.validate().unwrap_err();
        let ledger = Ledger::new(config);
        assert_eq!(ledger.config().validate(), Ok(()), "brought to the nearest bound: {error}");
    }
    let error = LedgerConfig { retention: Duration::from_secs(60), ..LedgerConfig::default() }.validate().unwrap_err();
    assert_eq!(error.to_string(), "retention is 1 min: 1 h to 366 d are allowed");
}
