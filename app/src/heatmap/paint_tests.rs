//! What the painter promises about the picture.

use super::super::cursor::Place;
use super::super::layout::Layout;
use super::super::model::HeatmapModel;
use super::super::scale;
use super::{Align, Draw, Ink, paint};
use crate::samples::heatmap;

const WIDTHS: [f64; 3] = [328.0, 1_000.0, 2_400.0];

fn model(columns: usize, nodes: &[(&str, &[Option<f64>])]) -> HeatmapModel {
    HeatmapModel::new(&heatmap(columns, nodes))
}

fn picture(model: &HeatmapModel, width: f64, cursor: Option<Place>) -> (Layout, Vec<Draw>) {
    let layout = Layout::new(width, 1.0, model.rows.len(), model.columns.len());
    (layout, paint(model, &layout, cursor))
}

fn texts(picture: &[Draw]) -> Vec<&str> {
    picture
        .iter()
        .filter_map(|draw| if let Draw::Text { text, .. } = draw { Some(text.as_str()) } else { None })
        .collect()
}

fn coloured(picture: &[Draw]) -> usize {
    picture.iter().filter(|draw| matches!(draw, Draw::Rect { ink: Ink::Scale(_), .. })).count()
}

#[test]
fn a_cell_has_the_colour_of_its_value_at_its_place() {
    let model = model(40, &[("alpha", &[Some(0.75); 40])]);
    let (layout, picture) = picture(&model, 1_000.0, None);
    let area = layout.cell(Place { row: 1, column: 39 });
    assert!(picture.contains(&Draw::Rect { area, ink: Ink::Scale(scale::colour(0.75)) }));
    assert_eq!(coloured(&picture), 40);
}

#[test]
fn what_has_no_events_is_hatched_and_never_coloured() {
    let (_, picture) = picture(&model(40, &[("alpha", &[None; 40])]), 1_000.0, None);
    assert_eq!(coloured(&picture), 0);
    let runs = picture.iter().filter(|draw| matches!(draw, Draw::Lines { ink: Ink::Faint, .. })).count();
    assert_eq!(runs, 2, "one run for the mesh, one for alpha");
}

#[test]
fn zero_is_a_value_and_not_hatched() {
    let (_, picture) = picture(&model(1, &[("alpha", &[Some(0.0)])]), 1_000.0, None);
    assert_eq!(coloured(&picture), 1);
}

#[test]
fn hatching_stays_within_the_cells_that_it_is_for() {
    let avg = [Some(0.5), None, None, Some(0.5)];
    let model = model(4, &[("alpha", &avg)]);
    let (layout, picture) = picture(&model, 1_000.0, None);
    let area = layout.run(1, 1, 3);
    let mut lines =
        picture.iter().filter_map(|draw| if let Draw::Lines { segments, .. } = draw { Some(segments) } else { None });
    let hatching = lines.next_back().unwrap();
    assert!(!hatching.is_empty());
    for (x, y) in hatching.iter().flatten() {
        assert!((area.x..=area.x + area.width).contains(x) && (area.y..=area.y + area.height).contains(y));
    }
}

#[test]
fn a_row_has_its_name_before_it_and_its_last_value_behind_it() {
    let (_, picture) = picture(&model(3, &[("alpha", &[Some(0.1), Some(0.9), None])]), 1_000.0, None);
    let texts = texts(&picture);
    assert!(texts.starts_with(&["mesh", "—", "alpha", "0.900"]), "{texts:?}");
}

#[test]
fn a_long_name_is_cut_to_its_room() {
    let (_, picture) = picture(&model(1, &[(&"n".repeat(200), &[None])]), 328.0, None);
    let name = texts(&picture).into_iter().find(|text| text.starts_with('n')).unwrap().to_owned();
    assert!(name.ends_with('…') && name.chars().count() < 12, "{name}");
}

#[test]
fn times_on_the_axis_are_round_and_do_not_touch() {
    for width in WIDTHS {
        let (layout, picture) = picture(&model(40, &[]), width, None);
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

#[test]
fn the_cell_that_is_pointed_at_is_framed_on_top_of_everything() {
    let model = model(40, &[]);
    let place = Place { row: 0, column: 3 };
    let (layout, framed) = picture(&model, 1_000.0, Some(place));
    let (_, plain) = picture(&model, 1_000.0, None);
    assert_eq!(framed[..plain.len()], plain[..]);
    assert_eq!(framed.len() - plain.len(), 4);
    let cell = layout.cell(place);
    for side in &framed[plain.len()..] {
        let Draw::Rect { area, ink: Ink::Strong } = side else { panic!("{side:?}") };
        let apart = area.x >= cell.x + cell.width
            || area.x + area.width <= cell.x
            || area.y >= cell.y + cell.height
            || area.y + area.height <= cell.y;
        assert!(apart, "the frame hides the colour");
        assert!(area.x >= 0.0 && area.y >= 0.0, "the frame leaves the canvas");
    }
}

#[test]
fn a_map_without_columns_is_painted_too() {
    let (_, picture) = picture(&model(0, &[]), 328.0, None);
    assert!(texts(&picture).contains(&"mesh"));
}
