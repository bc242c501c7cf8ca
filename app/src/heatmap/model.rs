//! The heatmap as rows, columns and cells, and how a cell reads in words.

use super::cursor::Place;
use crate::format;
use beauty::Heatmap;

/// What the row of the whole mesh is called.
const MESH: &str = "mesh";

/// More rows than this do not fit on a canvas at every pixel ratio, nor into anybody's view.
const MOST_NODES: usize = 100;

/// Rows of equally many cells, oldest first; the first row is the mesh's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeatmapModel {
    /// How long a bucket is.
    pub(crate) resolution_seconds: u64,
    /// Where each bucket begins, in milliseconds since the epoch.
    pub(crate) columns: Vec<u64>,
    /// The mesh, then the nodes in the order in which the node names them.
    pub(crate) rows: Vec<Row>,
    /// Nodes that have events and no row.
    pub(crate) nodes_left_out: usize,
}

/// The mesh or a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its name: text of a stranger.
    pub(crate) name: String,
    /// Its cells, oldest first.
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// The newest value of the row.
    pub(crate) fn last(&self) -> Option<f64> {
        self.cells.iter().rev().find_map(|cell| cell.avg)
    }
}

/// A bucket of the mesh or of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// The mean score; `None` without events: empty is not zero.
    pub(crate) avg: Option<f64>,
    /// How many events there are, where that is known.
    pub(crate) count: Option<u64>,
}

/// What is said of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Words {
    /// The name of the row.
    pub(crate) name: String,
    /// From when to when.
    pub(crate) span: String,
    /// The mean score.
    pub(crate) value: String,
    /// How many events, where that is known.
    pub(crate) count: Option<String>,
}

impl HeatmapModel {
    /// Reads the heatmap as the node tells it.
    pub(crate) fn new(heatmap: &Heatmap) -> Self {
        let mesh = Row {
            name: MESH.to_owned(),
            cells: heatmap.buckets.iter().map(|b| Cell { avg: b.avg, count: Some(b.count) }).collect(),
        };
        let nodes = heatmap.nodes.iter().take(MOST_NODES).map(|row| Row {
            name: row.node_id.clone(),
            cells: row.avg.iter().map(|avg| Cell { avg: *avg, count: None }).collect(),
        });
        Self {
            resolution_seconds: heatmap.resolution_seconds,
            columns: heatmap.buckets.iter().map(|bucket| bucket.start).collect(),
            rows: std::iter::once(mesh).chain(nodes).collect(),
            nodes_left_out: heatmap.nodes_total.saturating_sub(heatmap.nodes.len().min(MOST_NODES)),
        }
    }

    /// What is said of the cell at a place; `None` where there is none.
    pub(crate) fn words(&self, place: Place) -> Option<Words> {
        let row = self.rows.get(place.row)?;
        let cell = row.cells.get(place.column)?;
        let from = *self.columns.get(place.column)?;
        let to = from + self.resolution_seconds * 1_000;
        Some(Words {
            name: row.name.clone(),
            span: format!("{}–{} UTC", format::time(from), format::time(to)),
            value: cell.avg.map_or_else(|| "no events".to_owned(), format::score),
            count: cell.count.filter(|count| *count > 0).map(|count| format::counted(count, "event", "events")),
        })
    }

    /// The whole picture in a sentence, for readers who do not see it.
    pub(crate) fn summary(&self) -> String {
        let columns = format::counted(self.columns.len() as u64, "bucket", "buckets");
        let nodes = format::counted(self.rows.len().saturating_sub(1) as u64, "node", "nodes");
        let newest = self.rows.first().and_then(Row::last);
        let value =
            newest.map_or_else(|| "no events yet".to_owned(), |value| format!("newest {}", format::score(value)));
        format!(
            "Beauty of the mesh and of {nodes}, {columns} of {}: {value}",
            format::duration(self.resolution_seconds)
        )
    }
}

impl Words {
    /// The words as one sentence.
    pub(crate) fn sentence(&self) -> String {
        let count = self.count.as_ref().map(|count| format!(", {count}")).unwrap_or_default();
        format!("{}, {}: {}{count}", self.name, self.span, self.value)
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
