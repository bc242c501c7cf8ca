//! The picture: what the page draws and what the HTTP API sends. Plain values, with the names that they have in JSON.
//!
//! Empty is not zero: where there are no events, averages, extremes and chaos are `None`, `null` in JSON.
//!
//! Every number with a fraction comes from exact integers by one IEEE 754 division, chaos by one square root and one division,
//! and JSON writes and reads them without loss. So two nodes with the same events show the same bytes.

mod apply;

use serde::{Deserialize, Serialize};

use crate::{Bucket, HISTOGRAM_BINS, LeanBucket, Score, Timestamp};

/// The most columns of a map. So many are held for each node at each resolution.
pub const MAX_COLUMNS: usize = 60;

/// The most rows of a map: nodes beyond, by name, are counted and not shown.
pub const MAX_ROWS: usize = 1_000;

/// The map of the mesh: columns of time, the whole mesh on top, a row for each node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heatmap {
    /// The width of a column, in seconds.
    pub resolution_seconds: u64,
    /// The columns for the whole mesh, oldest first, without gaps.
    pub buckets: Vec<HeatmapBucket>,
    /// The nodes with at least one event in these columns, by name; at most [`MAX_ROWS`].
    pub nodes: Vec<HeatmapRow>,
    /// How many nodes have an event in these columns, shown or not.
    pub nodes_total: usize,
    /// The digest of the whole set of events, 64 hexadecimal digits.
    pub digest: String,
    /// The start of the first hour that the digest covers, in milliseconds since the epoch.
    pub digest_from: u64,
}

/// One column for the whole mesh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapBucket {
    /// The column's start, in milliseconds since the epoch.
    pub start: u64,
    /// How many events.
    pub count: u64,
    /// The average score in [0, 1].
    pub avg: Option<f64>,
    /// The least score in [0, 1].
    pub min: Option<f64>,
    /// The greatest score in [0, 1].
    pub max: Option<f64>,
    /// Standard deviation / 0.5, in [0, 1].
    pub chaos: Option<f64>,
    /// Events by score, in [`HISTOGRAM_BINS`] bins.
    pub histogram: Vec<u64>,
}

/// One node's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapRow {
    /// The node's name.
    pub node_id: String,
    /// The average score in [0, 1] of each column.
    pub avg: Vec<Option<f64>>,
    /// The chaos in [0, 1] of each column.
    pub chaos: Vec<Option<f64>>,
    /// How many events in each column.
    pub count: Vec<u64>,
    /// When the node's newest event was, in milliseconds since the epoch, by the start of the finest column that all nodes keep of it:
    /// so 10 s old at most where it is of the last ten minutes, a minute within the last hour. `None` where nobody can say.
    #[serde(default)]
    pub newest: Option<u64>,
}

/// What changed on a map since before. Columns and cells come whole, so applying a delta twice does no harm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapDelta {
    /// When the delta was made, in milliseconds since the epoch: the newest column is the one that holds it.
    pub now: u64,
    /// The width of a column, in seconds.
    pub resolution_seconds: u64,
    /// The columns that changed, oldest first.
    pub buckets: Vec<HeatmapBucket>,
    /// The nodes with cells that changed, by name.
    pub nodes: Vec<HeatmapCells>,
    /// The digest of the whole set of events, 64 hexadecimal digits.
    pub digest: String,
    /// The start of the first hour that the digest covers, in milliseconds since the epoch.
    pub digest_from: u64,
}

/// The cells of one node that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapCells {
    /// The node's name.
    pub node_id: String,
    /// When the node's newest event was, as in [`HeatmapRow`].
    #[serde(default)]
    pub newest: Option<u64>,
    /// The cells, oldest first.
    pub cells: Vec<HeatmapCell>,
}

/// One cell: a node, a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapCell {
    /// The column's start, in milliseconds since the epoch.
    pub start: u64,
    /// The average score in [0, 1].
    pub avg: Option<f64>,
    /// The chaos in [0, 1].
    pub chaos: Option<f64>,
    /// How many events.
    pub count: u64,
}

impl HeatmapRow {
    /// A row of a node, its cells oldest first.
    pub fn new(node_id: &str, cells: impl IntoIterator<Item = HeatmapCell>) -> HeatmapRow {
        let cells = cells.into_iter();
        let (least, most) = cells.size_hint();
        // Said by the iterator, not by a stranger; and no map is wider.
        let columns = most.unwrap_or(least).min(MAX_COLUMNS);
        let mut row = HeatmapRow {
            node_id: node_id.to_owned(),
            avg: Vec::with_capacity(columns),
            chaos: Vec::with_capacity(columns),
            count: Vec::with_capacity(columns),
            newest: None,
        };
        for cell in cells {
            row.avg.push(cell.avg);
            row.chaos.push(cell.chaos);
            row.count.push(cell.count);
        }
        row
    }
}

impl HeatmapCell {
    /// The cell of a slot of one node, written or not.
    pub(crate) fn of((start, bucket): (Timestamp, Option<&LeanBucket>)) -> HeatmapCell {
        HeatmapCell {
            start: start.as_millis(),
            avg: bucket.and_then(LeanBucket::avg),
            chaos: bucket.and_then(LeanBucket::chaos),
            count: bucket.map_or(0, LeanBucket::count),
        }
    }
}

impl HeatmapBucket {
    /// The column of a bucket.
    pub fn new(start: Timestamp, bucket: &Bucket) -> HeatmapBucket {
        HeatmapBucket {
            start: start.as_millis(),
            count: bucket.count(),
            avg: bucket.avg(),
            min: bucket.min().map(Score::as_f64),
            max: bucket.max().map(Score::as_f64),
            chaos: bucket.chaos(),
            histogram: bucket.histogram().to_vec(),
        }
    }

    /// A column without events.
    pub fn empty(start: Timestamp) -> HeatmapBucket {
        HeatmapBucket {
            start: start.as_millis(),
            count: 0,
            avg: None,
            min: None,
            max: None,
            chaos: None,
            histogram: vec![0; HISTOGRAM_BINS],
        }
    }

    /// The column of a slot, written or not.
    pub(crate) fn of((start, bucket): (Timestamp, Option<&Bucket>)) -> HeatmapBucket {
        bucket.map_or_else(|| HeatmapBucket::empty(start), |bucket| HeatmapBucket::new(start, bucket))
    }
}
