//! How the heatmap reads.

use super::super::cursor::Place;
use super::{Aspect, HeatmapModel, MOST_NODES, kept_columns, standing};
use crate::api::{Conflict, MOST_CONFLICTS, MOST_VOUCHED, Snapshot};
use crate::choice::{Kind, Pin};
use crate::samples::{START, heatmap, snapshot};
use crate::words::Language;
use beauty::Heatmap;

/// After the last column, while all columns are kept.
const LATER: u64 = START + 500_000;

fn model(heatmap: &Heatmap, kind: Kind) -> HeatmapModel {
    HeatmapModel::new(heatmap, &Aspect { kind, ..Aspect::default() }, LATER, Language::en)
}

fn values(model: &HeatmapModel, row: usize) -> Vec<Option<f64>> {
    model.rows[row].cells.iter().map(|cell| cell.value).collect()
}

fn say(model: &HeatmapModel, row: usize, column: usize) -> String {
    model.say(Place { row, column }, Language::en).map(|said| said.sentence()).unwrap_or_default()
}

#[test]
fn the_mesh_comes_first_then_the_nodes_in_the_order_of_the_node() {
    let model = model(&heatmap(4, &[("beta", &[Some(0.1); 4]), ("alpha", &[None; 4])]), Kind::Average);
    let names: Vec<&str> = model.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["mesh", "beta", "alpha"]);
    assert_eq!(model.columns, [START, START + 10_000, START + 20_000, START + 30_000]);
}

#[test]
fn the_last_value_of_a_row_is_its_newest_and_an_empty_row_has_none() {
    let model = model(&heatmap(3, &[("a", &[Some(0.1), Some(0.9), None]), ("b", &[None; 3])]), Kind::Average);
    assert_eq!(model.rows[1].last(), Some(0.9));
    assert_eq!(model.rows[1].spread(), Some((0.1, 0.5, 0.9)));
    assert_eq!((model.rows[2].last(), model.rows[2].spread()), (None, None));
}

#[test]
fn a_cell_says_who_when_what_and_how_many() {
    let mut heatmap = heatmap(2, &[("alpha", &[Some(0.25), None])]);
    heatmap.buckets[0].avg = Some(0.5);
    heatmap.buckets[0].count = 1_234;
    let model = model(&heatmap, Kind::Average);
    assert_eq!(say(&model, 0, 0), "mesh, 14:00:00–14:00:10 UTC: 0.500, 1,234 events");
    assert_eq!(say(&model, 1, 0), "alpha, 14:00:00–14:00:10 UTC: 0.250, 1 event");
    assert_eq!(say(&model, 1, 1), "alpha, 14:00:10–14:00:20 UTC: no events");
    assert_eq!(model.say(Place { row: 2, column: 0 }, Language::en), None);
}

#[test]
fn a_row_says_how_fresh_it_is_and_who_signs_for_its_name() {
    let mut snapshot = snapshot();
    // The sample's map has an event of alpha in the middle of its second column.
    snapshot.health.now = START + 30_000;
    let said = |snapshot: &Snapshot, node| standing(snapshot, node, Language::en);
    assert_eq!(said(&snapshot, None), "last event 15 s ago");
    assert_eq!(said(&snapshot, Some("alpha")), "last event 15 s ago, signed");
    snapshot.network.vouched = vec!["alpha".to_owned()];
    assert_eq!(said(&snapshot, Some("alpha")), "last event 15 s ago, vouched for by a node");
    let conflict = Conflict { node_id: "alpha".to_owned(), public_key: String::new(), others: Vec::new() };
    snapshot.health.conflicts = vec![conflict];
    assert_eq!(said(&snapshot, Some("alpha")), "last event 15 s ago, more than one key signs");
    snapshot.heatmap.nodes[0].newest = None;
    assert_eq!(said(&snapshot, Some("alpha")), "more than one key signs", "of the past");
}

#[test]
fn of_whom_the_node_does_not_tell_whether_it_signs_nothing_is_said() {
    let mut snapshot = snapshot();
    snapshot.network.vouched = (0..MOST_VOUCHED).map(|name| format!("name-{name:03}")).collect();
    let said = |snapshot: &Snapshot, node| standing(snapshot, Some(node), Language::en);
    assert_eq!(said(&snapshot, "name-255"), "vouched for by a node");
    assert_eq!(said(&snapshot, "name-256"), "", "there may be more than were told");
    snapshot.network.vouched.pop();
    assert_eq!(said(&snapshot, "name-256"), "signed");
    let conflict = |name| Conflict { node_id: format!("x-{name:02}"), public_key: String::new(), others: Vec::new() };
    snapshot.health.conflicts = (0..MOST_CONFLICTS).map(conflict).collect();
    assert_eq!([said(&snapshot, "x-15"), said(&snapshot, "x-16")], ["more than one key signs", ""]);
}

#[test]
fn what_is_not_kept_of_nodes_is_not_told_as_nothing() {
    let map = heatmap(3, &[("alpha", &[None, Some(0.5), None])]);
    // The second column is the oldest that is kept.
    let model = HeatmapModel::new(&map, &Aspect::default(), START + 609_999, Language::en);
    assert_eq!(model.kept_from[1], START + 10_000);
    assert_eq!(say(&model, 1, 0), "alpha, 14:00:00–14:00:10 UTC: not kept");
    assert_eq!(say(&model, 1, 2), "alpha, 14:00:20–14:00:30 UTC: no events");
    assert_eq!(say(&model, 0, 0), "mesh, 14:00:00–14:00:10 UTC: no events");
    let scores =
        HeatmapModel::new(&map, &Aspect { kind: Kind::Distribution, ..Aspect::default() }, LATER, Language::en);
    assert!(say(&scores, 1, 0).ends_with("no events"), "rows of scores are the mesh's");
    let hours = HeatmapModel::new(&map, &Aspect::default(), START + 3_600_000, Language::en);
    assert_eq!([0, 1].map(|column| hours.is_kept(Place { row: 0, column })), [false, true], "of the mesh, 360 columns");
}

#[test]
fn hours_are_kept_for_as_long_as_the_digest_goes_back() {
    let mut map = Heatmap { resolution_seconds: 3_600, ..heatmap(1, &[]) };
    let kept = |map: &Heatmap, hours: u64| kept_columns(map, START + hours * 3_600_000 + 1);
    assert_eq!([kept(&map, 0), kept(&map, 167)], [60, 168]);
    map.resolution_seconds = 86_400;
    assert_eq!(kept(&map, 167), 400);
}

#[test]
fn a_bucket_that_is_not_over_says_so() {
    let heatmap = heatmap(2, &[("alpha", &[Some(0.25), Some(0.5)])]);
    let model = HeatmapModel::new(&heatmap, &Aspect::default(), START + 15_000, Language::en);
    assert!(model.filling);
    assert_eq!(say(&model, 1, 1), "alpha, 14:00:10–14:00:20 UTC: 0.500, 1 event, still filling");
    assert_eq!(say(&model, 1, 0), "alpha, 14:00:00–14:00:10 UTC: 0.250, 1 event");
}

#[test]
fn what_may_still_come_of_a_silent_node_is_no_lack_of_events() {
    let rows: [(&str, &[Option<f64>]); 3] =
        [("alpha", &[None; 4]), ("beta", &[Some(0.5), Some(0.5), None, None]), ("gamma", &[None; 4])];
    let mut model = model(&heatmap(4, &rows), Kind::Average);
    model.mark_late(|name| (name != "alpha").then_some(START + if name == "beta" { 15_000 } else { 25_000 }));
    let late = |row: usize| model.rows[row].cells.iter().map(|cell| cell.late).collect::<Vec<_>>();
    assert_eq!([late(0), late(1)], [[false; 4], [false; 4]]);
    // The bucket in which it fell silent has events, and may get more.
    assert_eq!(late(2), [false, true, true, true]);
    assert_eq!(late(3), [false, false, true, true]);
    assert!(model.is_open(&model.rows[2], 1) && !model.is_open(&model.rows[2], 2));
    assert_eq!(say(&model, 2, 1), "beta, 14:00:10–14:00:20 UTC: 0.500, 1 event, data may still come");
    assert_eq!(say(&model, 3, 2), "gamma, 14:00:20–14:00:30 UTC: no events, data may still come");
    assert_eq!(say(&model, 3, 1), "gamma, 14:00:10–14:00:20 UTC: no events");
}

#[test]
fn news_that_came_by_others_are_no_longer_waited_for() {
    let mut model = model(&heatmap(4, &[("beta", &[Some(0.5), None, Some(0.5), None])]), Kind::Average);
    let late = |model: &HeatmapModel| model.rows[1].cells.iter().map(|cell| cell.late).collect::<Vec<_>>();
    model.mark_late(|_| Some(START + 15_000));
    assert_eq!(late(&model), [false; 4]);
    let mut scores = HeatmapModel { nodes: (0, 0), ..model.clone() };
    model.mark_late(|_| Some(START + 25_000));
    assert_eq!(late(&model), [false, false, true, true]);
    scores.mark_late(|_| Some(START + 25_000));
    assert_eq!(late(&scores), [false; 4], "rows of scores are no nodes");
}

#[test]
fn chaos_has_rows_of_its_own_for_the_mesh_and_for_each_node() {
    let mut heatmap = heatmap(2, &[("alpha", &[Some(0.5), None])]);
    (heatmap.buckets[0].chaos, heatmap.nodes[0].chaos[0]) = (Some(0.75), Some(0.25));
    let model = model(&heatmap, Kind::Chaos);
    assert_eq!([values(&model, 0), values(&model, 1)], [[Some(0.75), None], [Some(0.25), None]]);
}

#[test]
fn change_is_counted_from_what_is_usual_for_the_row() {
    let model = model(&heatmap(4, &[("alpha", &[Some(0.5), Some(0.5), Some(0.75), None])]), Kind::Change);
    assert_eq!(values(&model, 1), [Some(0.0), Some(0.0), Some(0.25), None]);
    assert!(say(&model, 1, 2).contains(": +0.250 against usual"), "{}", say(&model, 1, 2));
}

#[test]
fn the_distribution_has_a_row_for_each_range_of_scores_the_highest_on_top() {
    let mut heatmap = heatmap(2, &[("alpha", &[None, None])]);
    heatmap.buckets[0].count = 4;
    (heatmap.buckets[0].histogram[19], heatmap.buckets[0].histogram[0]) = (1, 3);
    let model = model(&heatmap, Kind::Distribution);
    assert_eq!(
        (model.rows.len(), model.rows[1].name.as_str(), model.rows[20].name.as_str()),
        (21, "0.95–1.00", "0.00–0.05")
    );
    // Nothing in a bin is a share of 0; no events at all are no share.
    assert_eq!([values(&model, 1), values(&model, 2)], [[Some(0.25), None], [Some(0.0), None]]);
    assert_eq!(say(&model, 20, 0), "0.00–0.05, 14:00:00–14:00:10 UTC: 75 %, 3 events");
}

#[test]
fn more_nodes_than_fit_are_looked_at_part_by_part() {
    let names: Vec<String> = (0..30).map(|node| format!("Node-{node:02}")).collect();
    let rows: Vec<(&str, &[Option<f64>])> = names.iter().map(|name| (name.as_str(), &[Some(0.5)][..])).collect();
    let heatmap = heatmap(1, &rows);
    let part = |filter: &str, first| {
        let aspect = Aspect { filter: filter.to_owned(), first, ..Aspect::default() };
        let model = HeatmapModel::new(&heatmap, &aspect, LATER, Language::en);
        (model.rows[1].name.clone(), model.rows.len() - 1, model.nodes)
    };
    assert_eq!(part("", 0), ("Node-00".to_owned(), MOST_NODES, (30, 0)));
    assert_eq!(part("", 3), ("Node-03".to_owned(), MOST_NODES, (30, 3)));
    assert_eq!(part("", 99), ("Node-06".to_owned(), MOST_NODES, (30, 6)));
    assert_eq!(part("node-2", 0), ("Node-20".to_owned(), 10, (10, 0)));
}

#[test]
fn a_pinned_cell_is_where_its_node_and_its_moment_are() {
    let map = heatmap(4, &[("beta", &[Some(0.1); 4]), ("alpha", &[None; 4])]);
    let average = model(&map, Kind::Average);
    let pin = |start| Pin { start, row: 3 };
    let at = |start, node| average.pinned(pin(start), node).map(|Place { row, column }| (row, column));
    assert_eq!(at(START + 10_000, None), Some((0, 1)));
    assert_eq!(at(START + 10_000, Some("alpha")), Some((2, 1)));
    // A bucket that was narrower than those that are shown.
    assert_eq!(at(START + 19_999, Some("beta")), Some((1, 1)));
    // Who is not on the map, what has slid away, and what is to come.
    assert_eq!(
        [at(START, Some("gamma")), at(START - 1, None), at(START + 40_000, None), at(u64::MAX, None)],
        [None; 4]
    );
    let scores = model(&map, Kind::Distribution);
    assert_eq!(scores.pinned(pin(START), Some("alpha")), Some(Place { row: 3, column: 0 }));
    assert_eq!(scores.pinned(Pin { start: START, row: 21 }, None), None);
}

#[test]
fn a_cell_is_known_by_its_node_and_its_moment_whoever_comes_and_whatever_slides() {
    let before = model(&heatmap(4, &[("alpha", &[Some(0.1); 4]), ("beta", &[None; 4])]), Kind::Average);
    let mut later = heatmap(3, &[("aaa", &[None; 3]), ("alpha", &[None; 3]), ("beta", &[None; 3])]);
    // A column has slid away, and each of those that stay is one further to the left.
    later.buckets.iter_mut().for_each(|bucket| bucket.start += 10_000);
    let later = model(&later, Kind::Average);
    let goes = |row, column| {
        let (pin, node) = before.known_by(Place { row, column }).unwrap();
        assert_eq!(before.pinned(pin, node.as_deref()), Some(Place { row, column }));
        later.pinned(pin, node.as_deref()).map(|Place { row, column }| (row, column))
    };
    assert_eq!([goes(2, 2), goes(0, 3), goes(1, 0)], [Some((3, 1)), Some((0, 2)), None]);
    assert_eq!(before.known_by(Place { row: 0, column: 4 }), None);
}

#[test]
fn nodes_that_are_not_told_are_counted() {
    let mut heatmap = heatmap(1, &[("alpha", &[None])]);
    heatmap.nodes_total = 8;
    assert_eq!(model(&heatmap, Kind::Average).nodes_left_out, 7);
}

#[test]
fn an_empty_mesh_says_so() {
    let summary = model(&heatmap(40, &[]), Kind::Average).summary(Language::en);
    assert_eq!(summary, "Beauty of the mesh and of 0 nodes, 40 buckets of 10 s: no events yet");
}
