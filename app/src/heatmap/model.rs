//! The heatmap as rows, columns and cells, and how a cell reads in words.

use super::cursor::Place;
use crate::api::{MOST_CONFLICTS, MOST_VOUCHED, Snapshot};
use crate::choice::{Kind, Pin};
use crate::ordered;
use crate::words::{Language, Zone, each, td_string};
use beauty::{HISTOGRAM_BINS, Heatmap, HeatmapBucket, HeatmapRow, MAX_COLUMNS, Resolution};

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
    /// From when on the node keeps columns of the mesh, and of single nodes: whether there was anything before, nobody knows.
    pub(crate) kept_from: [u64; 2],
    /// The mesh, then the nodes that are shown, in the order in which the node names them; or, for the distribution, scores.
    pub(crate) rows: Vec<Row>,
    /// How many nodes pass the filter, and how many of those lie above the first that is shown.
    pub(crate) nodes: (usize, usize),
    /// Nodes that have events and that the node does not tell.
    pub(crate) nodes_left_out: usize,
    /// The zone by whose clock times are told: UTC, until it is set.
    pub(crate) zone: Zone,
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
    /// Whether events that have happened may still come.
    pub(crate) late: bool,
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
    /// How fresh the row is, and who signs for it.
    pub(crate) standing: String,
}

impl HeatmapModel {
    /// Reads the heatmap as the node tells it, at a moment of the node's clock.
    pub(crate) fn new(heatmap: &Heatmap, aspect: &Aspect, now: u64, language: Language) -> Self {
        let columns: Vec<u64> = heatmap.buckets.iter().map(|bucket| bucket.start).collect();
        let kind = if aspect.kind == Kind::Distribution { Kind::Average } else { aspect.kind };
        let mesh = heatmap.buckets.iter().map(|bucket| (bucket.avg, bucket.chaos, bucket.count));
        let mut rows =
            vec![Row { name: td_string!(language, heatmap.mesh).to_owned(), kind, cells: cells(kind, mesh) }];
        let mut nodes = (0, 0);
        if aspect.kind == Kind::Distribution {
            rows.extend((0..HISTOGRAM_BINS).rev().map(|bin| scores(bin, &heatmap.buckets, language)));
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
        let width = heatmap.resolution_seconds * 1_000;
        let kept_from = |columns: u64| (now - now % width.max(1)).saturating_sub((columns - 1) * width);
        let mesh = kept_from(kept_columns(heatmap, now));
        Self {
            zone: Zone::UTC,
            resolution_seconds: heatmap.resolution_seconds,
            kept_from: [mesh, if aspect.kind == Kind::Distribution { mesh } else { kept_from(MAX_COLUMNS as u64) }],
            counts: heatmap.buckets.iter().map(|bucket| bucket.count).collect(),
            filling: columns.last().is_some_and(|start| now < start + heatmap.resolution_seconds * 1_000),
            columns,
            rows,
            nodes,
            nodes_left_out: heatmap.nodes_total.saturating_sub(heatmap.nodes.len()),
        }
    }

    /// Marks what may still come of nodes of which nothing is heard: columns after their last news, that end after the moment since
    /// which it is so.
    pub(crate) fn mark_late(&mut self, silent_since: impl Fn(&str) -> Option<u64>) {
        let width = self.resolution_seconds * 1_000;
        let nodes = self.rows.iter_mut().skip(1).filter(|_| self.nodes.0 > 0);
        for row in nodes {
            let Some(since) = silent_since(&row.name) else { continue };
            let last = row.cells.iter().rposition(|cell| cell.count > 0).unwrap_or_default();
            // What came after that moment came by others, and so does the rest.
            if row.cells.get(last).is_some_and(|cell| cell.count > 0) && self.columns.get(last) > Some(&since) {
                continue;
            }
            for (cell, start) in row.cells.iter_mut().zip(&self.columns).skip(last) {
                cell.late = start + width > since;
            }
        }
    }

    /// Whether more may come of a cell that has a value: it is drawn open.
    pub(crate) fn is_open(&self, row: &Row, column: usize) -> bool {
        let late = row.cells.get(column).is_some_and(|cell| cell.late && cell.value.is_some());
        late || self.filling && column + 1 == self.columns.len()
    }

    /// Whether nothing at a place means that there was nothing.
    pub(crate) fn is_kept(&self, Place { row, column }: Place) -> bool {
        self.columns.get(column) >= self.kept_from.get(row.min(1))
    }

    /// Whether there is a cell at a place.
    pub(crate) fn has(&self, place: Place) -> bool {
        place.row < self.rows.len() && place.column < self.columns.len()
    }

    /// What the cell at a place is known by, wherever it goes: its moment, and whose row it is in.
    pub(crate) fn known_by(&self, place: Place) -> Option<(Pin, Option<String>)> {
        let (start, name) = (*self.columns.get(place.column)?, &self.rows.get(place.row)?.name);
        let of_nodes = self.nodes.0 > 0;
        let row = if of_nodes { 0 } else { place.row as u64 };
        Some((Pin { start, row }, (of_nodes && place.row > 0).then(|| name.clone())))
    }

    /// Where a pinned cell is, of a node or of the mesh; `None` where it is not on the map. Of wider columns it is the one that its own
    /// is a part of.
    pub(crate) fn pinned(&self, pin: Pin, node: Option<&str>) -> Option<Place> {
        let row = match node {
            _ if self.nodes.0 == 0 => pin.row as usize,
            None => 0,
            Some(node) => 1 + self.rows.iter().skip(1).position(|row| row.name == node)?,
        };
        let column = self.columns.partition_point(|start| *start <= pin.start).checked_sub(1)?;
        let place = Place { row, column };
        let holds = pin.start < self.columns.get(column)? + self.resolution_seconds * 1_000;
        (holds && self.has(place)).then_some(place)
    }

    /// What is said of the cell at a place; `None` where there is none.
    pub(crate) fn say(&self, place: Place, language: Language) -> Option<Said> {
        let row = self.rows.get(place.row)?;
        let cell = row.cells.get(place.column)?;
        let from = *self.columns.get(place.column)?;
        let to = from + self.resolution_seconds * 1_000;
        let mut count = if cell.count > 0 { language.events(cell.count) } else { String::new() };
        let filling = self.filling && place.column + 1 == self.columns.len();
        let words = each!(language, heatmap: filling, late);
        for (_, word) in [filling, cell.late].into_iter().zip(words).filter(|(is_so, _)| *is_so) {
            count.push_str(if count.is_empty() { "" } else { ", " });
            count.push_str(word);
        }
        Some(Said {
            name: row.name.clone(),
            span: self.zone.span(from, to, self.resolution_seconds, language),
            value: match cell.value {
                Some(value) => language.value(row.kind, value),
                None if self.is_kept(place) => td_string!(language, heatmap.no_events).to_owned(),
                None => td_string!(language, heatmap.not_kept).to_owned(),
            },
            count,
            standing: String::new(),
        })
    }

    /// The whole picture in a sentence, for readers who do not see it.
    pub(crate) fn summary(&self, language: Language) -> String {
        let newest = self.rows.first().and_then(Row::last);
        let kind = self.rows.first().map_or(Kind::Average, |row| row.kind);
        let value = newest.map_or_else(
            || td_string!(language, heatmap.no_events_yet).to_owned(),
            |value| format!("{} {}", td_string!(language, heatmap.newest), language.value(kind, value)),
        );
        let nodes = language.nodes(self.nodes.0 as u64);
        let columns = language.buckets(self.columns.len() as u64);
        td_string!(language, heatmap.summary, nodes, columns, width = language.duration(self.resolution_seconds), value)
    }
}

/// How many columns the node keeps of the mesh, of such as the map has, by when its digest begins.
pub(crate) fn kept_columns(heatmap: &Heatmap, now: u64) -> u64 {
    let hour = Resolution::Hour.millis();
    let hours = (now / hour + 1).saturating_sub(heatmap.digest_from / hour);
    let resolution = Resolution::from_seconds(heatmap.resolution_seconds).unwrap_or(Resolution::TenSeconds);
    resolution.kept_columns(hours as usize) as u64
}

/// When the newest event of a node was, or of anybody; `None` where the map has none, and of the past.
pub(crate) fn last_event(map: &Heatmap, node: Option<&str>) -> Option<u64> {
    let rows = map.nodes.iter().filter(|row| node.is_none_or(|node| row.node_id == node));
    rows.filter_map(|row| row.newest).max()
}

/// How fresh a node's row is, and who signs for its name; of the mesh, how fresh it is. What is not known is not said.
pub(crate) fn standing(snapshot: &Snapshot, node: Option<&str>, language: Language) -> String {
    let mut said = String::new();
    if let Some(at) = last_event(&snapshot.heatmap, node) {
        let span = language.duration(snapshot.health.now.saturating_sub(at) / 1_000);
        said = td_string!(language, heatmap.last_event, span);
    }
    if let Some(signed) = node.and_then(|node| signed(snapshot, node, language)) {
        said.push_str(if said.is_empty() { "" } else { ", " });
        said.push_str(signed);
    }
    said
}

/// Who signs for a name; `None` where there are more names than the node tells of for which somebody else does, or more than one key.
fn signed(snapshot: &Snapshot, node: &str, language: Language) -> Option<&'static str> {
    let (conflicts, vouched) = (&snapshot.health.conflicts, &snapshot.network.vouched);
    if conflicts.iter().any(|conflict| conflict.node_id == node) {
        Some(td_string!(language, heatmap.doubtful))
    } else if vouched.iter().any(|name| name == node) {
        Some(td_string!(language, heatmap.vouched))
    } else {
        let all_told = conflicts.len() < MOST_CONFLICTS && vouched.len() < MOST_VOUCHED;
        all_told.then(|| td_string!(language, heatmap.signed))
    }
}

/// The cells of a row from each bucket's mean, chaos and number of events.
fn cells(kind: Kind, buckets: impl Iterator<Item = (Option<f64>, Option<f64>, u64)> + Clone) -> Vec<Cell> {
    let usual = match kind {
        Kind::Change => median(buckets.clone().filter_map(|(avg, _, _)| avg)),
        Kind::Average | Kind::Chaos | Kind::Distribution => None,
    };
    let value = |avg: Option<f64>, chaos: Option<f64>| match kind {
        Kind::Average | Kind::Distribution => avg,
        Kind::Chaos => chaos,
        Kind::Change => Some(avg? - usual?),
    };
    buckets.map(|(avg, chaos, count)| Cell { value: value(avg, chaos), count, late: false }).collect()
}

/// The row of a bin of the histogram: which share of each bucket's events is in it.
fn scores(bin: usize, buckets: &[HeatmapBucket], language: Language) -> Row {
    let edge = |bin: usize| language.fixed(bin as f64 / HISTOGRAM_BINS as f64, 2);
    let cell = |bucket: &HeatmapBucket| {
        let count = bucket.histogram.get(bin).copied().unwrap_or_default();
        Cell { value: (bucket.count > 0).then(|| count as f64 / bucket.count as f64), count, late: false }
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
    // Byte by byte, which finds the same: a search for texts is 1 kB of what readers download, and names have 64 characters.
    filter.is_empty() || folded(&row.node_id).as_bytes().windows(filter.len()).any(|part| part == filter.as_bytes())
}

/// The middle value, of an even number the upper of the two in the middle; none of none.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut ordered = Vec::new();
    values.for_each(|value| ordered::insert(&mut ordered, value, f64::total_cmp));
    ordered.get(ordered.len() / 2).copied()
}

impl Said {
    /// All of it as one sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self { name, span, value, count, standing } = self;
        let more = [count, standing].into_iter().filter(|part| !part.is_empty()).map(|part| format!(", {part}"));
        format!("{name}, {span}: {value}{}", more.collect::<String>())
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
