//! Where things are on the heatmap's canvas, in device pixels, so that every edge is crisp at any pixel ratio.
//!
//! From left to right: labels, columns of equal whole width (newest right), each row's spread where there is room for it, last
//! values. From top to bottom: how many events each column has, the row of the mesh, a gap, a row for each node, the axis.

use super::cursor::Place;

/// CSS pixels.
const LABEL_SHARE: f64 = 0.2;
const LABEL_LEAST: f64 = 64.0;
const LABEL_MOST: f64 = 144.0;
const VALUE: f64 = 52.0;
const SPREAD: f64 = 64.0;
const SPREAD_FROM: f64 = 720.0;
const COUNTS: f64 = 15.0;
/// Room for the frame around a cell of the first row.
const TOP: f64 = COUNTS + 3.0;
const MESH_ROW: f64 = 48.0;
const MESH_GAP: f64 = 10.0;
const NODE_ROW: f64 = 22.0;
const AXIS: f64 = 26.0;
const CELL_GAP: f64 = 1.0;

/// The height of the canvas, where type has its usual size. It follows from the number of rows alone, so the server knows it: no layout shift.
pub(crate) fn height(rows: usize) -> f64 {
    TOP + MESH_ROW + MESH_GAP + NODE_ROW * nodes(rows) + AXIS
}

fn nodes(rows: usize) -> f64 {
    rows.saturating_sub(1) as f64
}

/// A rectangle in device pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    /// Left edge.
    pub(crate) x: f64,
    /// Top edge.
    pub(crate) y: f64,
    /// Width.
    pub(crate) width: f64,
    /// Height.
    pub(crate) height: f64,
}

impl Area {
    /// Whether no point of it is outside of another.
    pub(crate) fn lies_in(&self, other: &Self) -> bool {
        let along = self.x >= other.x && self.x + self.width <= other.x + other.width;
        along && self.y >= other.y && self.y + self.height <= other.y + other.height
    }

    /// Whether the two have a point in common.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let along = self.x < other.x + other.width && other.x < self.x + self.width;
        along && self.y < other.y + other.height && other.y < self.y + self.height
    }
}

/// The geometry for one size of canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    /// Device pixels to a CSS pixel.
    pub(crate) ratio: f64,
    /// The width of the canvas.
    pub(crate) width: f64,
    /// The height of the canvas.
    pub(crate) height: f64,
    /// Where the columns begin.
    pub(crate) left: f64,
    /// Where the columns end.
    pub(crate) right: f64,
    /// How wide the room for the spread of a row is; 0 where there is none.
    pub(crate) spread: f64,
    rows: usize,
    columns: usize,
    column: f64,
    node_row: f64,
}

impl Layout {
    /// For a canvas so many CSS pixels wide, on a screen with so many device pixels to each.
    pub(crate) fn new(css_width: f64, ratio: f64, rows: usize, columns: usize) -> Self {
        let device = |css: f64| (css * ratio).round();
        let spread = if css_width >= SPREAD_FROM { device(SPREAD) } else { 0.0 };
        let right = device(css_width - VALUE) - spread;
        let least_left = device((css_width * LABEL_SHARE).clamp(LABEL_LEAST, LABEL_MOST));
        let column = ((right - least_left) / columns.max(1) as f64).floor().max(1.0);
        Self {
            ratio,
            width: device(css_width),
            height: device(height(rows)),
            left: right - column * columns as f64,
            right,
            spread,
            rows,
            columns,
            column,
            // Rows of one height, so that a picture of one pixel a cell stretches over them without a seam.
            node_row: (NODE_ROW * ratio).floor().max(1.0),
        }
    }

    /// So many CSS pixels in device pixels.
    pub(crate) fn device(&self, css: f64) -> f64 {
        (css * self.ratio).round()
    }

    /// The gap between two cells.
    pub(crate) fn gap(&self) -> f64 {
        self.device(CELL_GAP).max(1.0)
    }

    /// Where a column begins.
    pub(crate) fn column_left(&self, column: usize) -> f64 {
        self.left + self.column * column as f64
    }

    /// The whole of a row, gaps between cells included; the row of the mesh is row 0.
    pub(crate) fn row(&self, row: usize) -> Area {
        let (y, height) = if row == 0 {
            (self.device(TOP), self.device(MESH_ROW))
        } else {
            let first = self.device(TOP + MESH_ROW + MESH_GAP);
            (first + self.node_row * (row - 1) as f64, self.node_row)
        };
        Area { x: self.left, y, width: self.right - self.left, height }
    }

    /// The canvas from edge to edge, above the first row.
    pub(crate) fn above(&self) -> Area {
        self.across(0.0, self.row(0).y)
    }

    /// The canvas from edge to edge, from the top of a row to the next.
    pub(crate) fn band(&self, row: usize) -> Area {
        let (this, next) = (self.row(row), self.row(row + 1));
        self.across(this.y, if row + 1 < self.rows { next.y } else { this.y + this.height })
    }

    /// The canvas from edge to edge, below the last row.
    pub(crate) fn below(&self) -> Area {
        let last = self.row(self.rows.saturating_sub(1));
        self.across(last.y + last.height, self.height)
    }

    fn across(&self, from: f64, to: f64) -> Area {
        Area { x: 0.0, y: from, width: self.width, height: to - from }
    }

    /// Where the numbers of events of the columns stand, above the mesh.
    pub(crate) fn counts(&self) -> Area {
        Area { x: self.left, y: 0.0, width: self.right - self.left, height: self.device(COUNTS) }
    }

    /// What a cell fills, without the gap to its neighbours.
    pub(crate) fn cell(&self, place: Place) -> Area {
        self.run(place.row, place.column, place.column + 1)
    }

    /// What the cells of a row fill from one column up to another, without the gap to their neighbours.
    pub(crate) fn run(&self, row: usize, from: usize, to: usize) -> Area {
        let row = self.row(row);
        let gap = self.gap();
        let width = (self.column * (to - from) as f64 - gap).max(1.0);
        Area { x: self.column_left(from), y: row.y, width, height: row.height - gap }
    }

    /// The cell under a point.
    pub(crate) fn place_at(&self, x: f64, y: f64) -> Option<Place> {
        if x < self.left || x >= self.right {
            return None;
        }
        let column = ((x - self.left) / self.column) as usize;
        let row = (0..self.rows).find(|row| {
            let area = self.row(*row);
            (area.y..area.y + area.height).contains(&y)
        })?;
        (column < self.columns).then_some(Place { row, column })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTHS: [f64; 4] = [280.0, 328.0, 1_037.5, 2_400.0];
    const RATIOS: [f64; 4] = [1.0, 1.25, 2.0, 3.0];

    fn layouts() -> impl Iterator<Item = (f64, Layout)> {
        WIDTHS.into_iter().flat_map(|width| RATIOS.map(|ratio| (width, Layout::new(width, ratio, 4, 40))))
    }

    #[test]
    fn every_edge_is_a_whole_device_pixel_and_all_columns_are_equal() {
        for (_, layout) in layouts() {
            for row in 0..4 {
                for column in 0..40 {
                    let Area { x, y, width, height } = layout.cell(Place { row, column });
                    assert_eq!([x.fract(), y.fract(), width.fract(), height.fract()], [0.0; 4]);
                    assert_eq!(width, layout.cell(Place { row, column: 0 }).width);
                }
            }
        }
    }

    #[test]
    fn cells_stay_on_the_canvas_and_leave_room_for_labels_and_values() {
        for (width, layout) in layouts() {
            let last = layout.cell(Place { row: 3, column: 39 });
            assert!(layout.left >= (LABEL_LEAST * layout.ratio).floor());
            assert!(last.x + last.width <= layout.width - layout.spread - (VALUE * layout.ratio).floor());
            assert!(last.y + last.height < layout.height);
            assert!(last.width >= 2.0, "cells too small to see at {width}");
        }
    }

    #[test]
    fn the_middle_of_each_cell_is_found_again() {
        for (_, layout) in layouts() {
            for row in 0..4 {
                for column in 0..40 {
                    let place = Place { row, column };
                    let area = layout.cell(place);
                    let (x, y) = (area.x + area.width / 2.0, area.y + area.height / 2.0);
                    assert_eq!(layout.place_at(x, y), Some(place));
                }
            }
        }
    }

    #[test]
    fn there_is_no_cell_on_labels_gaps_values_and_axis() {
        let layout = Layout::new(1_000.0, 1.0, 4, 40);
        let inside = layout.left + 1.0;
        assert_eq!(layout.place_at(1.0, 10.0), None);
        assert_eq!(layout.place_at(999.0, 10.0), None);
        assert_eq!(layout.place_at(inside, TOP + MESH_ROW + 1.0), None);
        assert_eq!(layout.place_at(inside, height(4) - 1.0), None);
    }

    #[test]
    fn rows_of_nodes_are_equally_high_without_a_seam() {
        for (_, layout) in layouts() {
            for row in 1..3 {
                let (this, next) = (layout.row(row), layout.row(row + 1));
                assert_eq!((this.y + this.height, this.height), (next.y, next.height));
            }
        }
    }

    #[test]
    fn bands_lie_on_each_other_without_a_gap_and_fill_the_canvas() {
        for (_, layout) in layouts() {
            let rows = (0..4).map(|row| layout.band(row));
            let bands: Vec<Area> = [layout.above()].into_iter().chain(rows).chain([layout.below()]).collect();
            assert!(bands.windows(2).all(|pair| pair[0].y + pair[0].height == pair[1].y), "{bands:?}");
            assert!(bands.iter().all(|band| (band.x, band.width) == (0.0, layout.width) && band.height > 0.0));
            assert_eq!(bands.iter().map(|band| band.height).sum::<f64>(), layout.height);
        }
    }

    #[test]
    fn the_mesh_alone_has_a_height_too() {
        assert_eq!(height(0), height(1));
        assert_eq!(height(3) - height(1), 2.0 * NODE_ROW);
    }
}
