//! How a map moves: a delta slides its window and replaces what changed.

use crate::{Heatmap, HeatmapBucket, HeatmapCells, HeatmapDelta, HeatmapRow, MAX_ROWS, Resolution, Timestamp};

impl Heatmap {
    /// Brings the map up to date with a delta.
    ///
    /// The window slides until its newest column holds the delta's `now`, never backwards. Columns and cells of the delta that
    /// lie in the window replace those of the map, whole: applying a delta twice does no harm. Nodes that are new get a row,
    /// rows without data go. A snapshot and the deltas since then give the later snapshot, in which
    /// `newest` may be less fine.
    ///
    /// A delta of another resolution is ignored, and so is any delta on a map without columns. Past [`MAX_ROWS`] nodes, which
    /// rows are shown and what `nodes_total` says are put right only by the next snapshot.
    pub fn apply(&mut self, delta: &HeatmapDelta) {
        let Some(resolution) = Resolution::from_seconds(self.resolution_seconds) else { return };
        let columns = self.buckets.len();
        if delta.resolution_seconds != self.resolution_seconds || columns == 0 {
            return;
        }
        let hidden = self.nodes_total.saturating_sub(self.nodes.len());
        self.slide(resolution, Timestamp::from_millis(delta.now));
        for bucket in &delta.buckets {
            if let Some(column) = self.column(bucket.start) {
                self.buckets[column] = bucket.clone();
            }
        }
        for cells in &delta.nodes {
            self.apply_cells(cells);
        }
        self.nodes.retain(|row| row.avg.iter().any(Option::is_some));
        self.nodes_total = self.nodes.len() + hidden;
        self.nodes.truncate(MAX_ROWS);
        self.digest.clone_from(&delta.digest);
        self.digest_from = delta.digest_from;
    }

    /// Moves the window forward until its newest column holds `now`. A gap wider than the window empties it.
    fn slide(&mut self, resolution: Resolution, now: Timestamp) {
        let Some(newest) = self.buckets.last().map(|bucket| Timestamp::from_millis(bucket.start)) else { return };
        let columns = self.buckets.len();
        let (from, to) = (resolution.slot(newest), resolution.slot(now));
        let steps = to.saturating_sub(from);
        // Never more than the window is wide, so the cast keeps the value.
        let gone = steps.min(columns as u64) as usize;
        self.buckets.drain(..gone);
        let first = (to + 1).saturating_sub(gone as u64);
        self.buckets.extend((first..=to).take(gone).map(|slot| HeatmapBucket::empty(resolution.start(slot))));
        for row in &mut self.nodes {
            slide(&mut row.avg, gone, columns);
            slide(&mut row.chaos, gone, columns);
            slide(&mut row.count, gone, columns);
        }
    }

    fn apply_cells(&mut self, cells: &HeatmapCells) {
        let columns = self.buckets.len();
        let place = match self.nodes.binary_search_by(|row| row.node_id.cmp(&cells.node_id)) {
            Ok(place) => place,
            // Beyond the last row that is shown.
            Err(place) if place >= MAX_ROWS => return,
            Err(place) => {
                let row = HeatmapRow {
                    node_id: cells.node_id.clone(),
                    avg: vec![None; columns],
                    chaos: vec![None; columns],
                    count: vec![0; columns],
                    newest: None,
                };
                self.nodes.insert(place, row);
                place
            }
        };
        self.nodes[place].newest = cells.newest;
        for cell in &cells.cells {
            if let Some(column) = self.column(cell.start) {
                let row = &mut self.nodes[place];
                (row.avg[column], row.chaos[column], row.count[column]) = (cell.avg, cell.chaos, cell.count);
            }
        }
    }

    /// Which column starts at a moment, if it is in the window.
    fn column(&self, start: u64) -> Option<usize> {
        self.buckets.binary_search_by_key(&start, |bucket| bucket.start).ok()
    }
}

/// Lets so many of the oldest cells go, and fills up to the window's width with cells of no event.
fn slide<T: Clone + Default>(cells: &mut Vec<T>, gone: usize, columns: usize) {
    cells.drain(..gone.min(cells.len()));
    cells.resize(columns, T::default());
}
