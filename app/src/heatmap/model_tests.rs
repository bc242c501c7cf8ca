//! How the heatmap reads.

use super::super::cursor::Place;
use super::HeatmapModel;
use crate::samples::{START, heatmap};

#[test]
fn the_mesh_comes_first_then_the_nodes_in_the_order_of_the_node() {
    let model = HeatmapModel::new(&heatmap(4, &[("beta", &[Some(0.1); 4]), ("alpha", &[None; 4])]));
    let names: Vec<&str> = model.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["mesh", "beta", "alpha"]);
    assert_eq!(model.columns, [START, START + 10_000, START + 20_000, START + 30_000]);
}

#[test]
fn the_last_value_of_a_row_is_its_newest_and_an_empty_row_has_none() {
    let model = HeatmapModel::new(&heatmap(3, &[("a", &[Some(0.1), Some(0.9), None]), ("b", &[None; 3])]));
    assert_eq!(model.rows[1].last(), Some(0.9));
    assert_eq!(model.rows[2].last(), None);
}

#[test]
fn a_cell_says_who_when_what_and_how_many() {
    let mut heatmap = heatmap(2, &[("alpha", &[Some(0.25), None])]);
    heatmap.buckets[0].avg = Some(0.5);
    heatmap.buckets[0].count = 1_234;
    let model = HeatmapModel::new(&heatmap);
    let say = |row, column| model.words(Place { row, column }).map(|words| words.sentence()).unwrap_or_default();
    assert_eq!(say(0, 0), "mesh, 14:00:00–14:00:10 UTC: 0.500, 1,234 events");
    assert_eq!(say(1, 0), "alpha, 14:00:00–14:00:10 UTC: 0.250");
    assert_eq!(say(1, 1), "alpha, 14:00:10–14:00:20 UTC: no events");
    assert_eq!(model.words(Place { row: 2, column: 0 }), None);
}

#[test]
fn nodes_without_a_row_are_counted() {
    let mut heatmap = heatmap(1, &[("alpha", &[None])]);
    heatmap.nodes_total = 8;
    assert_eq!(HeatmapModel::new(&heatmap).nodes_left_out, 7);
}

#[test]
fn an_empty_mesh_says_so() {
    let summary = HeatmapModel::new(&heatmap(40, &[])).summary();
    assert_eq!(summary, "Beauty of the mesh and of 0 nodes, 40 buckets of 10 s: no events yet");
}
