//! The painter: from the model and its geometry to a list of draw calls. Pure, so that a test can look at the picture.

use super::cursor::Place;
use super::layout::{Area, Layout};
use super::model::{HeatmapModel, Row};
use crate::format;

/// CSS pixels.
const LABEL_SIZE: f64 = 12.5;
const AXIS_SIZE: f64 = 11.5;
const PADDING: f64 = 8.0;
const TICK: f64 = 5.0;
const HATCH_EVERY: f64 = 6.0;
const FRAME: f64 = 2.0;
/// The room for the time of day on the axis: a share of the width, between what the words need and what looks lost.
const TIME_SHARE: f64 = 0.08;
const TIME_LEAST: f64 = 60.0;
const TIME_MOST: f64 = 120.0;
/// The mean width of a character, as a share of its height: labels are cut by it.
const CHARACTER: f64 = 0.55;
/// Steps between labelled ticks that a reader can count by, in seconds.
const TICK_STEPS: [u64; 15] =
    [10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 604_800];

/// A colour by its role; the style sheet says what it looks like, in light and in dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Text, and the frame around the cell that is pointed at.
    Strong,
    /// Text of less weight.
    Muted,
    /// Hatching and tick marks.
    Faint,
    /// A colour of the scale: red, green, blue.
    Scale([u8; 3]),
}

/// Which end of a text is at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Its beginning.
    Left,
    /// Its middle.
    Centre,
    /// Its end.
    Right,
}

/// A straight line from a point to a point.
pub(crate) type Segment = [(f64, f64); 2];

/// One call to the canvas, in device pixels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Draw {
    /// A filled rectangle.
    Rect {
        /// Where.
        area: Area,
        /// Its colour.
        ink: Ink,
    },
    /// Straight lines, a device pixel or more wide.
    Lines {
        /// From where to where.
        segments: Vec<Segment>,
        /// How wide.
        width: f64,
        /// Their colour.
        ink: Ink,
    },
    /// A line of text, set on its middle.
    Text {
        /// What it says.
        text: String,
        /// Where, along the line.
        x: f64,
        /// Where the middle of the line is.
        y: f64,
        /// The height of the letters.
        size: f64,
        /// Which end is at the point.
        align: Align,
        /// Whether it is set in bold.
        bold: bool,
        /// Its colour.
        ink: Ink,
    },
}

/// The whole picture, back to front.
pub(crate) fn paint(model: &HeatmapModel, layout: &Layout, cursor: Option<Place>) -> Vec<Draw> {
    let mut picture = Vec::new();
    for (index, row) in model.rows.iter().enumerate() {
        paint_cells(row, index, layout, &mut picture);
        paint_words(row, index, layout, &mut picture);
    }
    paint_axis(model, layout, &mut picture);
    if let Some(place) = cursor {
        paint_frame(layout.cell(place), layout, &mut picture);
    }
    picture
}

/// Cells with a value are filled; a run of cells without one is hatched, never coloured.
fn paint_cells(row: &Row, index: usize, layout: &Layout, picture: &mut Vec<Draw>) {
    let mut empty_from = None;
    for (column, cell) in row.cells.iter().enumerate() {
        let Some(value) = cell.avg else {
            empty_from.get_or_insert(column);
            continue;
        };
        if let Some(from) = empty_from.take() {
            picture.push(hatching(layout.run(index, from, column), layout));
        }
        let area = layout.cell(Place { row: index, column });
        picture.push(Draw::Rect { area, ink: Ink::Scale(super::scale::colour(value)) });
    }
    if let Some(from) = empty_from {
        picture.push(hatching(layout.run(index, from, row.cells.len()), layout));
    }
}

/// Rising lines, cut at the edges of the area and aligned over the whole canvas.
fn hatching(area: Area, layout: &Layout) -> Draw {
    let every = layout.device(HATCH_EVERY).max(2.0);
    let (right, bottom) = (area.x + area.width, area.y + area.height);
    // Along a rising line, x + y is the same everywhere.
    let mut sum = ((area.x + area.y) / every).ceil() * every;
    let mut segments = Vec::new();
    while sum < right + bottom {
        let from = (sum - bottom).max(area.x);
        let to = (sum - area.y).min(right);
        if from < to {
            segments.push([(from, sum - from), (to, sum - to)]);
        }
        sum += every;
    }
    Draw::Lines { segments, width: layout.device(1.0).max(1.0), ink: Ink::Faint }
}

/// The row's name before it, its last value behind it.
fn paint_words(row: &Row, index: usize, layout: &Layout, picture: &mut Vec<Draw>) {
    let area = layout.row(index);
    let y = area.y + (area.height - layout.gap()) / 2.0;
    let size = layout.device(LABEL_SIZE);
    let padding = layout.device(PADDING);
    let bold = index == 0;
    picture.push(Draw::Text {
        text: shortened(&row.name, layout.left - padding, size),
        x: 0.0,
        y,
        size,
        align: Align::Left,
        bold,
        ink: Ink::Strong,
    });
    picture.push(Draw::Text {
        text: format::score_or_nothing(row.last()),
        x: layout.width,
        y,
        size,
        align: Align::Right,
        bold,
        ink: if row.last().is_some() { Ink::Strong } else { Ink::Muted },
    });
}

/// A name, cut to the room that there is for it.
fn shortened(name: &str, room: f64, size: f64) -> String {
    let most = (room / (size * CHARACTER)) as usize;
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Times of day beneath the columns, at round times and never so close that they touch.
fn paint_axis(model: &HeatmapModel, layout: &Layout, picture: &mut Vec<Draw>) {
    let last_row = layout.row(model.rows.len().saturating_sub(1));
    let top = last_row.y + last_row.height;
    let y = top + (layout.height - top + layout.device(TICK)) / 2.0;
    let size = layout.device(AXIS_SIZE);
    let text = |text, x, align| Draw::Text { text, x, y, size, align, bold: false, ink: Ink::Muted };
    picture.push(text("UTC".to_owned(), 0.0, Align::Left));
    let step = tick_step(model, layout);
    let room = layout.device(TIME_LEAST) / 2.0;
    for (column, start) in model.columns.iter().enumerate() {
        if start / 1_000 % step != 0 {
            continue;
        }
        let x = layout.column_left(column);
        let width = layout.device(1.0).max(1.0);
        let area = Area { x, y: top, width, height: layout.device(TICK) };
        picture.push(Draw::Rect { area, ink: Ink::Faint });
        if x - room >= layout.device(3.0 * AXIS_SIZE) && x + room <= layout.width {
            picture.push(text(format::time(*start), x, Align::Centre));
        }
    }
}

/// The shortest step at which the labels have room.
fn tick_step(model: &HeatmapModel, layout: &Layout) -> u64 {
    let per_second = (layout.column_left(1) - layout.column_left(0)) / model.resolution_seconds.max(1) as f64;
    let room = (layout.width * TIME_SHARE).clamp(layout.device(TIME_LEAST), layout.device(TIME_MOST));
    let fits = |step: &u64| *step >= model.resolution_seconds && *step as f64 * per_second >= room;
    TICK_STEPS.into_iter().find(fits).unwrap_or(u64::MAX)
}

/// A frame just outside the cell that is pointed at.
fn paint_frame(cell: Area, layout: &Layout, picture: &mut Vec<Draw>) {
    let thick = layout.device(FRAME).max(1.0);
    let (x, y) = (cell.x - thick, cell.y - thick);
    let (width, height) = (cell.width + 2.0 * thick, cell.height + 2.0 * thick);
    let sides = [
        Area { x, y, width, height: thick },
        Area { x, y: cell.y + cell.height, width, height: thick },
        Area { x, y, width: thick, height },
        Area { x: cell.x + cell.width, y, width: thick, height },
    ];
    picture.extend(sides.map(|area| Draw::Rect { area, ink: Ink::Strong }));
}

#[cfg(test)]
#[path = "paint_tests.rs"]
mod tests;
