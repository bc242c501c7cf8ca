//! The heatmap as rows, columns and cells, and how a cell reads in words.

use super::cursor::Place;
use crate::choice::Kind;
use crate::words::Words;
use beauty::{HISTOGRAM_BINS, Heatmap, HeatmapBucket, HeatmapRow};

/// As many nodes are shown at once: more rows fit into nobody's view.
pub(crate) const MOST_NODES: usize = 24;

/// Which part of the map is looked at, and as what.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Aspect {
    /// What a cell shows.
    pub(crate) kind: Kind,
    /// What the names of the nodes shown contain, in lower case.
    pub(crate) filter: String,
    /// How many of the nodes that pass the filter lie above the first that is shown.
    pub(crate) first: usize,
}

/// Rows of equally many cells, oldest first; the first row is the mesh's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HeatmapModel {
    /// How long a bucket is.
    pub(crate) resolution_seconds: u64,
    /// Where each bucket begins, in milliseconds since the epoch.
    pub(crate) columns: Vec<u64>,
    /// How many events of the mesh are in each bucket.
    pub(crate) counts: Vec<u64>,
    /// Whether the newest bucket is not over yet.
    pub(crate) filling: bool,
    /// The mesh, then the nodes that are shown, in the order in which the node names them; or, for the distribution, scores.
    pub(crate) rows: Vec<Row>,
    /// How many nodes pass the filter, and how many of those lie above the first that is shown.
    pub(crate) nodes: (usize, usize),
    /// Nodes that have events and that the node does not tell.
    pub(crate) nodes_left_out: usize,
}

/// The mesh, a node, or a range of scores.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its name: text of a stranger.
    pub(crate) name: String,
    /// What its values are.
    pub(crate) kind: Kind,
    /// Its cells, oldest first.
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// The newest value of the row.
    pub(crate) fn last(&self) -> Option<f64> {
        self.cells.iter().rev().find_map(|cell| cell.value)
    }

    /// The least, the mean and the greatest of its values.
    pub(crate) fn spread(&self) -> Option<(f64, f64, f64)> {
        let values = || self.cells.iter().filter_map(|cell| cell.value);
        let (least, greatest) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        Some((least, values().sum::<f64>() / values().count() as f64, greatest))
    }
}

/// A bucket of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// The value; `None` without events: empty is not zero.
    pub(crate) value: Option<f64>,
    /// How many events there are.
    pub(crate) count: u64,
}

/// What is said of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// The name of the row.
    pub(crate) name: String,
    /// From when to when.
    pub(crate) span: String,
    /// The value.
    pub(crate) value: String,
    /// How many events, and whether more may come.
    pub(crate) count: String,
}

impl HeatmapModel {
    /// Reads the heatmap as the node tells it, at a moment of the node's clock.
    pub(crate) fn new(heatmap: &Heatmap, aspect: &Aspect, now: u64, words: &Words) -> Self {
        let columns: Vec<u64> = heatmap.buckets.iter().map(|bucket| bucket.start).collect();
        let kind = if aspect.kind == Kind::Distribution { Kind::Average } else { aspect.kind };
        let mesh = heatmap.buckets.iter().map(|bucket| (bucket.avg, bucket.chaos, bucket.count));
        let mut rows = vec![Row { name: words.mesh.to_owned(), kind, cells: cells(kind, mesh) }];
        let mut nodes = (0, 0);
        if aspect.kind == Kind::Distribution {
            rows.extend((0..HISTOGRAM_BINS).rev().map(|bin| scores(bin, &heatmap.buckets, words)));
        } else {
            let passing: Vec<&HeatmapRow> = heatmap.nodes.iter().filter(|row| passes(row, &aspect.filter)).collect();
            let first = aspect.first.min(passing.len().saturating_sub(MOST_NODES));
            rows.extend(passing.iter().skip(first).take(MOST_NODES).map(|row| {
                let values = row.avg.iter().zip(&row.chaos).zip(&row.count);
                let values = values.map(|((avg, chaos), count)| (*avg, *chaos, *count));
                Row { name: row.node_id.clone(), kind, cells: cells(kind, values) }
            }));
            nodes = (passing.len(), first);
        }
        Self {
            resolution_seconds: heatmap.resolution_seconds,
            counts: heatmap.buckets.iter().map(|bucket| bucket.count).collect(),
            filling: columns.last().is_some_and(|start| now < start + heatmap.resolution_seconds * 1_000),
            columns,
            rows,
            nodes,
            nodes_left_out: heatmap.nodes_total.saturating_sub(heatmap.nodes.len()),
        }
    }

    /// What is said of the cell at a place; `None` where there is none.
    pub(crate) fn say(&self, place: Place, words: &Words) -> Option<Said> {
        let row = self.rows.get(place.row)?;
        let cell = row.cells.get(place.column)?;
        let from = *self.columns.get(place.column)?;
        let to = from + self.resolution_seconds * 1_000;
        let mut count = if cell.count > 0 { words.counted(cell.count, &words.event) } else { String::new() };
        if self.filling && place.column + 1 == self.columns.len() {
            count.push_str(if count.is_empty() { "" } else { ", " });
            count.push_str(words.filling);
        }
        Some(Said {
            name: row.name.clone(),
            span: words.span(from, to, self.resolution_seconds),
            value: cell.value.map_or_else(|| words.no_events.to_owned(), |value| words.value(row.kind, value)),
            count,
        })
    }

    /// The whole picture in a sentence, for readers who do not see it.
    pub(crate) fn summary(&self, words: &Words) -> String {
        let newest = self.rows.first().and_then(Row::last);
        let kind = self.rows.first().map_or(Kind::Average, |row| row.kind);
        let value = newest.map_or_else(
            || words.no_events_yet.to_owned(),
            |value| format!("{} {}", words.newest, words.value(kind, value)),
        );
        let nodes = words.counted(self.nodes.0 as u64, &words.node);
        let columns = words.counted(self.columns.len() as u64, &words.bucket);
        (words.heatmap_summary)(&nodes, &columns, &words.duration(self.resolution_seconds), &value)
    }
}

/// The cells of a row from each bucket's mean, chaos and number of events.
fn cells(kind: Kind, buckets: impl Iterator<Item = (Option<f64>, Option<f64>, u64)> + Clone) -> Vec<Cell> {
    let usual = match kind {
        Kind::Change => median(buckets.clone().filter_map(|(avg, _, _)| avg).collect()),
        Kind::Average | Kind::Chaos | Kind::Distribution => None,
    };
    let value = |avg: Option<f64>, chaos: Option<f64>| match kind {
        Kind::Average | Kind::Distribution => avg,
        Kind::Chaos => chaos,
        Kind::Change => Some(avg? - usual?),
    };
    buckets.map(|(avg, chaos, count)| Cell { value: value(avg, chaos), count }).collect()
}

/// The row of a bin of the histogram: which share of each bucket's events is in it.
fn scores(bin: usize, buckets: &[HeatmapBucket], words: &Words) -> Row {
    let edge = |bin: usize| words.fixed(bin as f64 / HISTOGRAM_BINS as f64, 2);
    let cell = |bucket: &HeatmapBucket| {
        let count = bucket.histogram.get(bin).copied().unwrap_or_default();
        Cell { value: (bucket.count > 0).then(|| count as f64 / bucket.count as f64), count }
    };
    Row {
        name: format!("{}–{}", edge(bin), edge(bin + 1)),
        kind: Kind::Distribution,
        cells: buckets.iter().map(cell).collect(),
    }
}

/// A name as it is looked for, without regard to capitals. The browser's own way: Unicode's tables would have to be downloaded.
pub(crate) fn folded(name: &str) -> String {
    #[cfg(target_arch = "wasm32")]
    return String::from(web_sys::js_sys::JsString::from(name).to_lower_case());
    #[cfg(not(target_arch = "wasm32"))]
    name.to_lowercase()
}

fn passes(row: &HeatmapRow, filter: &str) -> bool {
    filter.is_empty() || folded(&row.node_id).contains(filter)
}

/// The middle value, of an even number the upper of the two in the middle; none of none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Said {
    /// All of it as one sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self { name, span, value, count } = self;
        let count = if count.is_empty() { String::new() } else { format!(", {count}") };
        format!("{name}, {span}: {value}{count}")
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
