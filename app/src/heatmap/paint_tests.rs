//! What the painter promises about the picture.

use super::super::cursor::Place;
use super::super::layout::{Area, Layout};
use super::super::model::{Aspect, HeatmapModel};
use super::super::scale;
use super::{Align, Draw, Ink, Look, paint};
use crate::choice::{Kind, Palette};
use crate::samples::{START, heatmap};
use crate::words::{Language, Zone};

const WIDTHS: [f64; 3] = [328.0, 1_000.0, 2_400.0];
const PLAIN: Look = Look { palette: Palette::Cividis, line: None, cursor: None, drag: None };

fn model(columns: usize, nodes: &[(&str, &[Option<f64>])]) -> HeatmapModel {
    HeatmapModel::new(&heatmap(columns, nodes), &Aspect::default(), START + 500_000, Language::en)
}

fn picture(model: &HeatmapModel, width: f64, look: &Look) -> (Layout, Vec<Draw>) {
    let layout = Layout::new(width, 1.0, model.rows.len(), model.columns.len());
    (layout, paint(model, &layout, look, Language::en).into_iter().flat_map(|band| band.draws).collect())
}

fn texts(picture: &[Draw]) -> Vec<&str> {
    picture
        .iter()
        .filter_map(|draw| if let Draw::Text { text, .. } = draw { Some(text.as_str()) } else { None })
        .collect()
}

/// The pixels of the mesh, then those of each node: red, green, blue, opacity.
fn pixels(picture: &[Draw]) -> Vec<[u8; 4]> {
    let blocks = picture.iter().filter_map(|draw| if let Draw::Cells { rgba, .. } = draw { Some(rgba) } else { None });
    blocks.flat_map(|rgba| rgba.as_chunks::<4>().0.to_vec()).collect()
}

fn hatching(picture: &[Draw]) -> Vec<(f64, f64)> {
    let lines =
        picture.iter().filter_map(|draw| if let Draw::Lines { segments, .. } = draw { Some(segments) } else { None });
    lines.flatten().flatten().copied().collect()
}

fn inside(area: Area, (x, y): (f64, f64)) -> bool {
    (area.x..=area.x + area.width).contains(&x) && (area.y..=area.y + area.height).contains(&y)
}

fn rects(picture: &[Draw], wanted: Ink) -> Vec<Area> {
    let rects = picture.iter().filter_map(|draw| match draw {
        Draw::Rects { areas, ink } if *ink == wanted => Some(areas),
        _ => None,
    });
    rects.flatten().copied().collect()
}

#[test]
fn a_cell_has_the_colour_of_its_value_at_its_place() {
    let model = model(40, &[("alpha", &[Some(0.75); 40]), ("beta", &[None; 40])]);
    let (layout, picture) = picture(&model, 1_000.0, &PLAIN);
    let cells = picture
        .iter()
        .filter_map(|draw| if let Draw::Cells { area, rgba } = draw { Some((*area, rgba.len())) } else { None });
    assert_eq!(cells.collect::<Vec<_>>(), [0, 1, 2].map(|row| (layout.row(row), 40 * 4)));
    let [red, green, blue] = scale::colour(Kind::Average, Palette::Cividis, 0.75);
    assert!(pixels(&picture)[40..80].iter().all(|pixel| *pixel == [red, green, blue, 255]));
}

#[test]
fn what_has_no_events_is_hatched_and_never_coloured() {
    let (layout, picture) = picture(&model(40, &[("alpha", &[None; 40])]), 1_000.0, &PLAIN);
    assert!(pixels(&picture).iter().all(|pixel| *pixel == [0; 4]));
    for row in [0, 1] {
        assert!(hatching(&picture).iter().any(|point| inside(layout.row(row), *point)), "row {row}");
    }
}

#[test]
fn what_is_not_kept_is_neither_hatched_nor_coloured() {
    let map = heatmap(3, &[("alpha", &[None, None, Some(0.5)])]);
    // The second column is the oldest that is kept of nodes.
    let model = HeatmapModel::new(&map, &Aspect::default(), START + 609_999, Language::en);
    let (layout, picture) = picture(&model, 1_000.0, &PLAIN);
    let hatched = |row, column| {
        let area = layout.run(row, column, column + 1);
        let within = Area { x: area.x + 1.0, width: area.width - 2.0, ..area };
        hatching(&picture).iter().any(|point| inside(within, *point))
    };
    assert_eq!([hatched(1, 0), hatched(1, 1), hatched(1, 2), hatched(0, 0)], [false, true, false, true]);
}

#[test]
fn zero_is_a_value_and_not_hatched() {
    let (layout, picture) = picture(&model(1, &[("alpha", &[Some(0.0)])]), 1_000.0, &PLAIN);
    assert_eq!(pixels(&picture).iter().filter(|pixel| pixel[3] == 255).count(), 1);
    assert!(!hatching(&picture).iter().any(|point| inside(layout.row(1), *point)));
}

#[test]
fn hatching_stays_within_the_cells_that_it_is_for() {
    let model = model(4, &[("alpha", &[Some(0.5), None, None, Some(0.5)])]);
    let (layout, picture) = picture(&model, 1_000.0, &PLAIN);
    let (mesh, empty) = (layout.row(0), layout.run(1, 1, 3));
    let points = hatching(&picture);
    assert!(points.iter().any(|point| inside(empty, *point)));
    assert!(points.iter().all(|point| inside(mesh, *point) || inside(empty, *point)));
}

#[test]
fn a_bucket_that_is_not_over_is_partly_open() {
    let heatmap = heatmap(2, &[("alpha", &[Some(0.5), Some(0.5)])]);
    let open = |now| {
        let model = HeatmapModel::new(&heatmap, &Aspect::default(), now, Language::en);
        let (layout, picture) = picture(&model, 1_000.0, &PLAIN);
        let cell = layout.cell(Place { row: 1, column: 1 });
        let cleared = picture.iter().filter_map(|draw| if let Draw::Clear(areas) = draw { Some(areas) } else { None });
        cleared
            .flatten()
            .any(|area| (area.x, area.y, area.width) == (cell.x, cell.y, cell.width) && area.height < cell.height)
    };
    assert!(open(START + 15_000));
    assert!(!open(START + 20_000));
}

#[test]
fn a_row_has_its_name_before_it_and_its_last_value_behind_it() {
    let (_, picture) = picture(&model(3, &[("alpha", &[Some(0.1), Some(0.9), None])]), 1_000.0, &PLAIN);
    let texts = texts(&picture);
    assert!(texts.starts_with(&["mesh", "—", "alpha", "0.900"]), "{texts:?}");
}

#[test]
fn a_long_name_is_cut_to_its_room() {
    let (_, picture) = picture(&model(1, &[(&"n".repeat(200), &[None])]), 328.0, &PLAIN);
    let name = texts(&picture).into_iter().find(|text| text.starts_with('n')).unwrap().to_owned();
    assert!(name.ends_with('…') && name.chars().count() < 12, "{name}");
}

#[test]
fn the_bars_above_the_columns_are_as_high_as_their_events_are_many() {
    let mut heatmap = heatmap(3, &[]);
    (heatmap.buckets[0].count, heatmap.buckets[1].count) = (8, 4);
    let model = HeatmapModel::new(&heatmap, &Aspect::default(), START + 500_000, Language::en);
    let (layout, picture) = picture(&model, 1_000.0, &PLAIN);
    let room = layout.counts();
    let bars: Vec<Area> = rects(&picture, Ink::Faint).into_iter().filter(|area| area.y < room.height).collect();
    assert_eq!(bars.iter().map(|bar| bar.height).collect::<Vec<_>>(), [room.height, (room.height / 2.0).ceil()]);
    assert!(bars.iter().all(|bar| bar.y + bar.height == room.height));
}

#[test]
fn chaos_below_the_readers_line_is_marked_too_and_shares_and_changes_are_not() {
    let mut map = heatmap(2, &[("alpha", &[Some(0.2), Some(0.6)])]);
    map.nodes[0].chaos = vec![Some(0.1), Some(0.7)];
    let look = Look { line: Some(0.5), ..PLAIN };
    let marks = |kind| {
        let aspect = Aspect { kind, ..Aspect::default() };
        let model = HeatmapModel::new(&map, &aspect, START + 10_000_000, Language::en);
        rects(&picture(&model, 1_000.0, &look).1, Ink::Strong).len()
    };
    assert_eq!([Kind::Chaos, Kind::Change, Kind::Distribution].map(marks), [1, 0, 0]);
}

#[test]
fn scores_below_the_readers_line_are_marked_and_others_are_not() {
    let model = model(3, &[("alpha", &[Some(0.2), Some(0.4), None])]);
    let look = Look { line: Some(0.4), ..PLAIN };
    let (layout, with) = picture(&model, 1_000.0, &look);
    let (_, without) = picture(&model, 1_000.0, &PLAIN);
    let marks = rects(&with, Ink::Strong);
    assert_eq!((marks.len(), rects(&without, Ink::Strong).len()), (1, 0));
    let below = layout.cell(Place { row: 1, column: 0 });
    assert!(inside(below, (marks[0].x, marks[0].y)));
}

#[test]
fn the_spread_of_a_row_lies_between_its_columns_and_its_last_value() {
    let model = model(2, &[("alpha", &[Some(0.0), Some(1.0)])]);
    let (layout, picture) = picture(&model, 1_000.0, &PLAIN);
    let bars = rects(&picture, Ink::Muted);
    assert!(!bars.is_empty());
    assert!(bars.iter().all(|bar| bar.x >= layout.right && bar.x + bar.width <= layout.right + layout.spread));
}

#[test]
fn times_on_the_axis_are_of_the_reader_s_zone_which_stands_before_them() {
    let mut map = heatmap(40, &[("alpha", &[Some(0.5)])]);
    let mut axis = |seconds: u64, zone| {
        map.resolution_seconds = seconds;
        for (column, bucket) in map.buckets.iter_mut().enumerate() {
            bucket.start = START / 86_400_000 * 86_400_000 + column as u64 * seconds * 1_000;
        }
        let mut model = HeatmapModel::new(&map, &Aspect::default(), START, Language::en);
        model.zone = zone;
        let (_, picture) = picture(&model, 1_000.0, &PLAIN);
        let is_time = |text: &&str| text.contains([':', '-']) || text.starts_with("UTC");
        texts(&picture).into_iter().filter(is_time).map(str::to_owned).collect::<Vec<_>>()
    };
    let of_hours = axis(3_600, Zone::ahead(345));
    assert_eq!(of_hours[0], "UTC+05:45");
    assert!(of_hours.len() > 3 && of_hours[1..].iter().all(|time| time.ends_with(":45")), "{of_hours:?}");
    assert!(of_hours.contains(&"12:45".to_owned()), "round ones, by the zone's clock: {of_hours:?}");
    let of_days = axis(86_400, Zone::ahead(345));
    assert_eq!(of_days[0], "UTC", "days are UTC's");
}

#[test]
fn times_on_the_axis_are_round_and_do_not_touch() {
    for (width, zone) in WIDTHS.into_iter().flat_map(|width| [Zone::UTC, Zone::ahead(345)].map(|zone| (width, zone))) {
        let mut model = model(40, &[]);
        model.zone = zone;
        let (layout, picture) = picture(&model, width, &PLAIN);
        let times: Vec<(f64, &str)> = picture
            .iter()
            .filter_map(|draw| match draw {
                Draw::Text { text, x, align: Align::Centre, .. } => Some((*x, text.as_str())),
                _ => None,
            })
            .collect();
        assert!(times.len() >= 2, "{width}: {times:?}");
        assert!(times.iter().all(|(_, time)| time.ends_with('0')), "{times:?}");
        assert!(times.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 60.0), "{width}: {times:?}");
        assert!(times.iter().all(|(x, _)| x + 30.0 <= layout.width));
    }
}

/// The bands of two looks at one model that differ.
fn changed(model: &HeatmapModel, looks: [&Look; 2]) -> Vec<usize> {
    let layout = Layout::new(1_000.0, 1.0, model.rows.len(), model.columns.len());
    let [before, after] = looks.map(|look| paint(model, &layout, look, Language::en));
    let bands = before.iter().zip(&after).enumerate();
    bands.filter(|(_, (before, after))| before != after).map(|(band, _)| band).collect()
}

#[test]
fn the_cell_that_is_pointed_at_is_framed_on_top_of_everything() {
    let model = model(40, &[("alpha", &[None; 40]), ("beta", &[None; 40])]);
    let place = Place { row: 1, column: 3 };
    let look = Look { cursor: Some(place), ..PLAIN };
    let layout = Layout::new(1_000.0, 1.0, 3, 40);
    // Its own band, and those that the frame's sides reach into.
    assert_eq!(changed(&model, [&PLAIN, &look]), [1, 2, 3]);
    let bands = paint(&model, &layout, &look, Language::en);
    let Some(Draw::Rects { areas, ink: Ink::Strong }) = bands[2].draws.last() else { panic!("{:?}", bands[2]) };
    assert_eq!(areas.len(), 4);
    let cell = layout.cell(place);
    for area in areas {
        assert!(!area.meets(&cell), "the frame hides the colour");
        assert!(area.x >= 0.0 && area.y >= 0.0, "the frame leaves the canvas");
    }
}

#[test]
fn a_span_that_is_drawn_is_framed_over_all_rows_whichever_way_it_is_drawn() {
    let model = model(40, &[("alpha", &[None; 40])]);
    let layout = Layout::new(1_000.0, 1.0, 2, 40);
    let frame = |from: usize, to: usize| {
        let look = Look { cursor: Some(Place { row: 1, column: to }), drag: Some(from), ..PLAIN };
        let bands = paint(&model, &layout, &look, Language::en);
        let Some(Draw::Rects { areas, ink: Ink::Strong }) = bands[2].draws.last().cloned() else { panic!("{bands:?}") };
        areas
    };
    let (areas, first, last) = (frame(5, 9), layout.run(0, 5, 10), layout.row(1));
    assert_eq!(areas[0].y + areas[0].height, first.y);
    assert!(areas[1].y >= last.y && areas[1].x < first.x && areas[1].x + areas[1].width > first.x + first.width);
    assert_eq!(frame(9, 5), areas);
}

#[test]
fn a_value_that_changes_changes_the_band_of_its_row_and_no_other() {
    let bands = |value| {
        let model = model(2, &[("alpha", &[Some(0.5), Some(0.5)]), ("beta", &[Some(0.1), Some(value)])]);
        paint(&model, &Layout::new(1_000.0, 1.0, 3, 2), &PLAIN, Language::en)
    };
    let (before, after) = (bands(0.2), bands(0.3));
    let changed: Vec<usize> = (0..before.len()).filter(|band| before[*band] != after[*band]).collect();
    assert_eq!((before.len(), changed), (5, vec![3]));
}

#[test]
fn a_map_without_columns_is_painted_too() {
    let (_, picture) = picture(&model(0, &[]), 328.0, &PLAIN);
    assert!(texts(&picture).contains(&"mesh"));
}
