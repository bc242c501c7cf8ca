//! The painter: from the model and its geometry to a list of draw calls. Pure, so that a test can look at the picture.
//!
//! The picture is in bands, each of which stands for itself: most change seldom, and only what has changed is painted again. The
//! cells of a row are one pixel each of a line that the canvas stretches: so forty of them cost no more than one.

use super::cursor::Place;
use super::layout::{Area, Layout};
use super::model::{HeatmapModel, Row};
use super::scale;
use crate::choice::{Kind, Palette};
use crate::words::{Language, shortened};

/// CSS pixels.
const LABEL_SIZE: f64 = 12.5;
const AXIS_SIZE: f64 = 11.5;
const PADDING: f64 = 8.0;
const TICK: f64 = 5.0;
const HATCH_EVERY: f64 = 6.0;
const FRAME: f64 = 2.0;
const MARK: f64 = 3.0;
const DASH: f64 = 2.0;
/// The room for the time of day on the axis: a share of the width, between what the words need and what looks lost.
const TIME_SHARE: f64 = 0.08;
const TIME_LEAST: f64 = 60.0;
const TIME_MOST: f64 = 120.0;
/// The mean width of a character, as a share of its height: labels are cut by it.
const CHARACTER: f64 = 0.55;
/// How much of a cell that is still filling is left open, at its top.
const OPEN: f64 = 0.4;
/// Steps between labelled ticks that a reader can count by, in seconds.
const TICK_STEPS: [u64; 18] = [
    10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 432_000, 604_800,
    864_000,
];

/// A colour by its role; the style sheet says what it looks like, in light and in dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Text, and the frame around the cell that is pointed at.
    Strong,
    /// Text of less weight.
    Muted,
    /// Hatching and tick marks.
    Faint,
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

/// A part of the picture from edge to edge. All that is drawn in it lies in it, whoever is above or below: so a band that looks as
/// it did need not be painted again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Band {
    /// Where.
    pub(crate) area: Area,
    /// What, back to front.
    pub(crate) draws: Vec<Draw>,
}

/// One call to the canvas, in device pixels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Draw {
    /// A line of pixels, stretched over an area, every pixel a sharp rectangle.
    Cells {
        /// Where.
        area: Area,
        /// Red, green, blue and opacity of each pixel.
        rgba: Vec<u8>,
    },
    /// Rectangles through which the page is seen again.
    Clear(Vec<Area>),
    /// Filled rectangles.
    Rects {
        /// Where.
        areas: Vec<Area>,
        /// Their colour.
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
        /// How long the line may be: what is longer is set narrower.
        room: f64,
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

/// How the picture is to look, beside what it shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// In which colours.
    pub(crate) palette: Palette,
    /// The score below which cells are marked.
    pub(crate) line: Option<f64>,
    /// The cell that is pointed at.
    pub(crate) cursor: Option<Place>,
    /// The column from which a span is being drawn to the cell that is pointed at.
    pub(crate) drag: Option<usize>,
}

/// The whole picture, from top to bottom: the bars above the columns, a band for each row, the axis.
pub(crate) fn paint(model: &HeatmapModel, layout: &Layout, look: &Look, language: Language) -> Vec<Band> {
    let mut bands = vec![Band { area: layout.above(), draws: vec![paint_counts(model, layout)] }];
    for (index, row) in model.rows.iter().enumerate() {
        bands.push(Band { area: layout.band(index), draws: paint_row(model, index, row, layout, look, language) });
    }
    bands.push(Band { area: layout.below(), draws: paint_axis(model, layout, language) });
    if let Some(framed) = framed(model, layout, look) {
        let areas = frame(framed, layout);
        let touched = |band: &&mut Band| areas.iter().any(|area| area.meets(&band.area));
        for band in bands.iter_mut().filter(touched) {
            band.draws.push(Draw::Rects { areas: areas.clone(), ink: Ink::Strong });
        }
    }
    bands
}

/// The cell that is pointed at, or all rows of the span that is being drawn.
fn framed(model: &HeatmapModel, layout: &Layout, look: &Look) -> Option<Area> {
    let place = look.cursor?;
    let Some(from) = look.drag.filter(|from| *from != place.column) else { return Some(layout.cell(place)) };
    let last = layout.cell(Place { row: model.rows.len().saturating_sub(1), column: 0 });
    let first = layout.run(0, from.min(place.column), from.max(place.column) + 1);
    Some(Area { height: last.y + last.height - first.y, ..first })
}

/// A row: its cells, what is said of them, and its words.
fn paint_row(
    model: &HeatmapModel,
    index: usize,
    row: &Row,
    layout: &Layout,
    look: &Look,
    language: Language,
) -> Vec<Draw> {
    let mut picture = Vec::new();
    let mut rgba = Vec::with_capacity(4 * row.cells.len());
    for cell in &row.cells {
        // Clear where there is no value.
        let colour = cell.value.map(|value| scale::colour(row.kind, look.palette, value));
        rgba.extend(colour.map_or([0; 4], |[red, green, blue]| [red, green, blue, 255]));
    }
    if !rgba.is_empty() {
        picture.push(Draw::Cells { area: layout.row(index), rgba });
    }
    picture.push(paint_gaps(model, index, row, layout));
    picture.extend(paint_hatching(model, row, index, layout));
    picture.extend(paint_dashes(row, index, layout));
    picture.extend(look.line.and_then(|line| paint_marks(row, index, line, layout)));
    paint_words(row, index, layout, language, &mut picture);
    paint_spread(row, index, layout, &mut picture);
    picture
}

/// The gaps between cells, and the open part of those of which more may come.
fn paint_gaps(model: &HeatmapModel, index: usize, row: &Row, layout: &Layout) -> Draw {
    let open = (0..model.columns.len()).filter(|column| model.is_open(row, *column));
    let (gap, all) = (layout.gap(), layout.row(index));
    let columns =
        (1..=model.columns.len()).map(|column| Area { x: layout.column_left(column) - gap, width: gap, ..all });
    let mut areas: Vec<Area> = columns.collect();
    areas.push(Area { y: all.y + all.height - gap, height: gap, ..all });
    areas.extend(open.map(|column| {
        let cell = layout.cell(Place { row: index, column });
        Area { height: (cell.height * OPEN).round(), ..cell }
    }));
    Draw::Clear(areas)
}

/// Cells without a value, but of which one may still come, have a dash in their middle.
fn paint_dashes(row: &Row, index: usize, layout: &Layout) -> Option<Draw> {
    let late = row.cells.iter().enumerate().filter(|(_, cell)| cell.late && cell.value.is_none());
    let dash = |(column, _)| {
        let Area { x, y, width, height } = layout.cell(Place { row: index, column });
        let (thick, edge) = (layout.device(DASH).max(1.0), (width / 4.0).round());
        Area { x: x + edge, y: (y + (height - thick) / 2.0).round(), width: width - 2.0 * edge, height: thick }
    };
    let areas: Vec<Area> = late.map(dash).collect();
    (!areas.is_empty()).then_some(Draw::Rects { areas, ink: Ink::Muted })
}

/// Runs of cells without a value are hatched, never coloured; left blank where it is not known whether there was any.
fn paint_hatching(model: &HeatmapModel, row: &Row, index: usize, layout: &Layout) -> Option<Draw> {
    let (mut segments, mut from) = (Vec::new(), None);
    for column in 0..=row.cells.len() {
        let empty = row.cells.get(column).is_some_and(|cell| cell.value.is_none() && !cell.late);
        let empty = empty && model.is_kept(Place { row: index, column });
        match (empty, from) {
            (true, None) => from = Some(column),
            (false, Some(start)) => {
                hatch(layout.run(index, start, column), layout, &mut segments);
                from = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    (!segments.is_empty()).then(|| Draw::Lines { segments, width: layout.device(1.0).max(1.0), ink: Ink::Faint })
}

/// Rising lines, cut at the edges of the area and aligned over the whole canvas.
fn hatch(area: Area, layout: &Layout, segments: &mut Vec<Segment>) {
    let every = layout.device(HATCH_EVERY).max(2.0);
    let (right, bottom) = (area.x + area.width, area.y + area.height);
    // Along a rising line, x + y is the same everywhere.
    let mut sum = ((area.x + area.y) / every).ceil() * every;
    while sum < right + bottom {
        let from = (sum - bottom).max(area.x);
        let to = (sum - area.y).min(right);
        if from < to {
            segments.push([(from, sum - from), (to, sum - to)]);
        }
        sum += every;
    }
}

/// How many events each column has, as bars above it: the highest is as high as there is room.
fn paint_counts(model: &HeatmapModel, layout: &Layout) -> Draw {
    let most = model.counts.iter().copied().max().unwrap_or_default().max(1) as f64;
    let room = layout.counts();
    let bar = |(column, count): (usize, &u64)| {
        let height = (room.height * *count as f64 / most).ceil();
        let Area { x, width, .. } = layout.cell(Place { row: 0, column });
        (*count > 0).then_some(Area { x, y: room.y + room.height - height, width, height })
    };
    Draw::Rects { areas: model.counts.iter().enumerate().filter_map(bar).collect(), ink: Ink::Faint }
}

/// Cells of averages, or of chaos, below the reader's line have a mark in their corner, readable without any colour.
fn paint_marks(row: &Row, index: usize, line: f64, layout: &Layout) -> Option<Draw> {
    let size = layout.device(MARK).max(2.0);
    let below = row.cells.iter().enumerate().filter(|(_, cell)| cell.value.is_some_and(|value| value < line));
    let areas: Vec<Area> = below
        .map(|(column, _)| {
            let cell = layout.cell(Place { row: index, column });
            Area { x: cell.x, y: cell.y + cell.height - size, width: size.min(cell.width), height: size }
        })
        .collect();
    (matches!(row.kind, Kind::Average | Kind::Chaos) && !areas.is_empty())
        .then_some(Draw::Rects { areas, ink: Ink::Strong })
}

/// The row's name before it, its last value behind it.
fn paint_words(row: &Row, index: usize, layout: &Layout, language: Language, picture: &mut Vec<Draw>) {
    let area = layout.row(index);
    let y = area.y + (area.height - layout.gap()) / 2.0;
    let size = layout.device(LABEL_SIZE);
    let padding = layout.device(PADDING);
    let bold = index == 0;
    let room = layout.left - padding;
    picture.push(Draw::Text {
        text: shortened(&row.name, (room / (size * CHARACTER)) as usize),
        x: 0.0,
        y,
        room,
        size,
        align: Align::Left,
        bold,
        ink: Ink::Strong,
    });
    picture.push(Draw::Text {
        text: row.last().map_or_else(|| crate::words::NOTHING.to_owned(), |last| language.short(row.kind, last)),
        x: layout.width,
        y,
        room,
        size,
        align: Align::Right,
        bold,
        ink: if row.last().is_some() { Ink::Strong } else { Ink::Muted },
    });
}

/// From the least to the greatest of a row's values on the scale of its kind, with a mark at their mean.
fn paint_spread(row: &Row, index: usize, layout: &Layout, picture: &mut Vec<Draw>) {
    let Some((least, mean, greatest)) = row.spread().filter(|_| layout.spread > 0.0) else { return };
    let padding = layout.device(PADDING);
    let (left, room) = (layout.right + padding, layout.spread - 2.0 * padding);
    let (low, high) = scale::ends(row.kind);
    let x = |value: f64| left + (room * ((value - low) / (high - low)).clamp(0.0, 1.0)).round();
    let area = layout.row(index);
    let (middle, thin) = ((area.y + (area.height - layout.gap()) / 2.0).round(), layout.device(1.0).max(1.0));
    let tall = layout.device(PADDING);
    let bar = Area { x: x(least), y: middle - thin, width: x(greatest) - x(least) + thin, height: 2.0 * thin };
    let mark = Area { x: x(mean), y: middle - (tall / 2.0).round(), width: 2.0 * thin, height: tall };
    picture.push(Draw::Rects { areas: vec![Area { x: left, y: middle, width: room, height: thin }], ink: Ink::Faint });
    picture.push(Draw::Rects { areas: vec![bar, mark], ink: Ink::Muted });
}

/// Times beneath the columns, at round times and never so close that they touch.
fn paint_axis(model: &HeatmapModel, layout: &Layout, language: Language) -> Vec<Draw> {
    let top = layout.below().y;
    let y = top + (layout.height - top + layout.device(TICK)) / 2.0;
    let size = layout.device(AXIS_SIZE);
    let text = |text, x, align| Draw::Text { text, x, y, room: layout.left, size, align, bold: false, ink: Ink::Muted };
    let (step, width) = (tick_step(model, layout), model.resolution_seconds.max(1));
    let zone = model.zone.of(step);
    let name = zone.name();
    let name_room = (size * name.chars().count() as f64).min(layout.left);
    let mut picture = vec![text(name, 0.0, Align::Left)];
    let room = layout.device(TIME_LEAST) / 2.0;
    let mut ticks = Vec::new();
    for (column, start) in model.columns.iter().enumerate() {
        // A zone's clock may be in the midst of an hour where a bucket begins.
        if !(zone.shown(*start) / 1_000 / width * width).is_multiple_of(step) {
            continue;
        }
        let x = layout.column_left(column);
        ticks.push(Area { x, y: top, width: layout.device(1.0).max(1.0), height: layout.device(TICK) });
        if x - room >= name_room && x + room <= layout.width {
            picture.push(text(zone.tick(*start, step, language), x, Align::Centre));
        }
    }
    picture.push(Draw::Rects { areas: ticks, ink: Ink::Faint });
    picture
}

/// The shortest step at which the labels have room.
fn tick_step(model: &HeatmapModel, layout: &Layout) -> u64 {
    let per_second = (layout.column_left(1) - layout.column_left(0)) / model.resolution_seconds.max(1) as f64;
    let room = layout.device((layout.width / layout.ratio * TIME_SHARE).clamp(TIME_LEAST, TIME_MOST));
    let fits = |step: &u64| *step >= model.resolution_seconds && *step as f64 * per_second >= room;
    TICK_STEPS.into_iter().find(fits).unwrap_or(u64::MAX)
}

/// The four sides of a frame just outside an area.
fn frame(inside: Area, layout: &Layout) -> Vec<Area> {
    let thick = layout.device(FRAME).max(1.0);
    let (x, y) = (inside.x - thick, inside.y - thick);
    let (width, height) = (inside.width + 2.0 * thick, inside.height + 2.0 * thick);
    vec![
        Area { x, y, width, height: thick },
        Area { x, y: inside.y + inside.height, width, height: thick },
        Area { x, y, width: thick, height },
        Area { x: inside.x + inside.width, y, width: thick, height },
    ]
}

#[cfg(test)]
#[path = "paint_tests.rs"]
mod tests;
