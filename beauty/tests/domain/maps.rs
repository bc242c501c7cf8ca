//! What a map shows.

use beauty::{Heatmap, Inserted, MAX_COLUMNS, MAX_ROWS, Resolution};
use serde_json::json;

use crate::world::{NOW, insert, ledger, ledger_of, told};

#[test]
fn an_empty_map_has_all_columns_and_no_zeroes() {
    let map = ledger().heatmap(NOW, Resolution::TenSeconds, 40);
    assert_eq!((map.buckets.len(), map.nodes.len(), map.nodes_total), (40, 0, 0));
    assert!(map.buckets.iter().all(|bucket| bucket.avg.is_none() && bucket.chaos.is_none() && bucket.count == 0));
    let starts: Vec<u64> = map.buckets.iter().map(|bucket| bucket.start).collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 10_000));
    assert_eq!(starts.last(), Some(&Resolution::TenSeconds.floor(NOW).as_millis()));
}

#[test]
fn a_map_in_json_has_the_documented_names() {
    let ledger = ledger_of([&told(1, "alpha", NOW, 250_000), &told(2, "alpha", NOW, 750_000)]);
    let map = ledger.heatmap(NOW, Resolution::Minute, 1);
    let mut histogram = vec![0; 20];
    (histogram[5], histogram[15]) = (1, 1);
    let expected = json!({
        "resolution_seconds": 60,
        "buckets": [{
            "start": 1_767_227_400_000_u64, "count": 2, "avg": 0.5, "min": 0.25, "max": 0.75, "chaos": 0.5,
            "histogram": histogram,
        }],
        "nodes": [{"node_id": "alpha", "avg": [0.5], "chaos": [0.5], "count": [2], "newest": 1_767_227_400_000_u64}],
        "nodes_total": 1,
        "digest": ledger.digest(NOW).hex(),
        "digest_from": 1_766_624_400_000_u64,
    });
    assert_eq!(serde_json::to_value(&map).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Heatmap>(expected).unwrap(), map);
}

#[test]
fn a_row_tells_when_its_newest_event_was_as_finely_as_it_is_kept_whatever_the_columns() {
    // So that ages are whole columns.
    let now = Resolution::TenMinutes.floor(NOW);
    let newest = |back: u64, resolution| {
        let ledger = ledger_of([&told(1, "alpha", now.saturating_sub(back), 500_000)]);
        let map = ledger.heatmap(now, resolution, 40);
        now.as_millis() - map.nodes[0].newest.unwrap()
    };
    for resolution in [Resolution::TenMinutes, Resolution::Hour, Resolution::Day] {
        assert_eq!(newest(3_000, resolution), 10_000);
        assert_eq!(newest(589_000, resolution), 590_000);
        assert_eq!(newest(601_000, resolution), 660_000, "to a minute");
        assert_eq!(newest(3_601_000, resolution), 4_200_000, "to ten");
    }
}

#[test]
fn an_event_ahead_is_shown_when_its_column_comes() {
    let ahead = NOW.saturating_add(30_000);
    let ledger = ledger_of([&told(1, "alpha", ahead, 500_000)]);
    assert!(ledger.heatmap(NOW, Resolution::TenSeconds, 40).nodes.is_empty());
    let map = ledger.heatmap(ahead, Resolution::TenSeconds, 40);
    assert_eq!(map.nodes[0].avg.last(), Some(&Some(0.5)));
}

#[test]
fn columns_have_bounds() {
    let columns = |wanted| ledger().heatmap(NOW, Resolution::Hour, wanted).buckets.len();
    assert_eq!([columns(0), columns(1), columns(usize::MAX)], [1, 1, MAX_COLUMNS]);
}

#[test]
fn rows_go_by_name_and_those_beyond_the_most_are_counted() {
    let mut ledger = ledger();
    for id in (0..MAX_ROWS as u128 + 5).rev() {
        assert_eq!(insert(&mut ledger, &told(id, &format!("node-{id:04}"), NOW, 500_000), NOW), Inserted::New);
    }
    let map = ledger.heatmap(NOW, Resolution::TenSeconds, 1);
    assert_eq!((map.nodes.len(), map.nodes_total), (MAX_ROWS, MAX_ROWS + 5));
    assert!(map.nodes.is_sorted_by(|one, other| one.node_id < other.node_id));
    assert_eq!(map.nodes[0].node_id, "node-0000");
}

#[test]
fn every_column_of_the_widest_map_is_held_whatever_lies_ahead() {
    for resolution in [Resolution::TenSeconds, Resolution::Minute, Resolution::TenMinutes, Resolution::Hour] {
        // At the end of a slot, from where the tolerance reaches furthest.
        let now = resolution.floor(NOW).saturating_add(resolution.millis() - 1);
        let oldest = now.saturating_sub(resolution.millis() * (MAX_COLUMNS as u64 - 1));
        let mut ledger = ledger();
        insert(&mut ledger, &told(0, "alpha", oldest, 500_000), now);
        for ahead in 1..=30 {
            insert(&mut ledger, &told(u128::from(ahead), "alpha", now.saturating_add(ahead * 1_000), 500_000), now);
        }
        let map = ledger.heatmap(now, resolution, MAX_COLUMNS);
        assert_eq!((map.buckets[0].count, map.nodes[0].avg[0]), (1, Some(0.5)), "{resolution}");
    }
}
