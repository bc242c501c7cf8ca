//! Several runs in one table.

use crate::stats::{Spread, spread};
use crate::summary::Summary;
use serde::Serialize;
use std::collections::BTreeMap;

/// The figures of a protocol in a scenario, over several seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The scenario.
    pub scenario: String,
    /// The protocol.
    pub protocol: &'static str,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Median and range of each figure, by its name in [`Summary`].
    pub figures: BTreeMap<&'static str, Option<Spread>>,
    /// What each seed came to.
    pub runs: Vec<Summary>,
}

/// A column: the figure's name, its heading, its decimals.
type Column = (&'static str, &'static str, usize);

const COLUMNS: [Column; 19] = [
    ("rmr", "RMR", 3),
    ("control_frames", "control/dlv", 2),
    ("control_bytes", "ctl bytes/dlv", 0),
    ("payload_bytes", "pay bytes/dlv", 0),
    ("last_hop", "last hop", 1),
    ("p50_ms", "p50 ms", 0),
    ("p99_ms", "p99 ms", 0),
    ("last_ms", "last ms", 0),
    ("last_over_bound", "last/bound", 2),
    ("last_over_hop", "last/hop", 2),
    ("missed", "missed", 0),
    ("equal_after_ms", "equal after ms", 0),
    ("bytes_over_missing", "bytes/missing", 2),
    ("of_line", "of line", 2),
    ("others_p99", "others' p99", 2),
    ("rmr_settled_after", "RMR<0.05 after", 0),
    ("one_piece_after_ms", "one piece after ms", 0),
    ("degree", "degree", 1),
    ("pieces", "pieces", 0),
];

impl Entry {
    /// Puts runs together. `runs` has one for each of `seeds`.
    pub fn new(scenario: &str, protocol: &'static str, seeds: Vec<u64>, runs: Vec<Summary>) -> Entry {
        let over = |name| (name, spread(runs.iter().map(|run| figure(run, name))));
        let figures = COLUMNS.iter().map(|(name, _, _)| over(*name)).collect();
        Entry { scenario: scenario.to_owned(), protocol, seeds, figures, runs }
    }
}

/// A figure by its name.
fn figure(run: &Summary, name: &str) -> Option<f64> {
    match name {
        "rmr" => run.rmr,
        "control_frames" => run.control_frames,
        "control_bytes" => run.control_bytes,
        "payload_bytes" => run.payload_bytes,
        "last_hop" => run.last_hop,
        "p50_ms" => run.p50_ms,
        "p99_ms" => run.p99_ms,
        "last_ms" => run.last_ms,
        "last_over_bound" => run.last_over_bound,
        "last_over_hop" => run.last_over_hop,
        "missed" => Some(run.missed as f64),
        "equal_after_ms" => run.equal_after_ms,
        "bytes_over_missing" => run.bytes_over_missing,
        "of_line" => run.of_line,
        "others_p99" => run.others_p99,
        "rmr_settled_after" => run.rmr_settled_after.map(|after| after as f64),
        "one_piece_after_ms" => run.one_piece_after_ms,
        "degree" => run.degree,
        "pieces" => Some(run.pieces as f64),
        _ => None,
    }
}

/// All entries as a text table: medians, and ranges in brackets where seeds differ.
pub fn render(entries: &[Entry]) -> String {
    let head = ["scenario", "protocol"].into_iter().chain(COLUMNS.iter().map(|(_, heading, _)| *heading));
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).collect()];
    for entry in entries {
        let cells =
            COLUMNS.iter().map(|(name, _, decimals)| cell(entry.figures.get(name).copied().flatten(), *decimals));
        rows.push([entry.scenario.clone(), entry.protocol.to_owned()].into_iter().chain(cells).collect());
    }
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            // Words to the left, numbers to the right.
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn cell(spread: Option<Spread>, decimals: usize) -> String {
    let Some(Spread { median, min, max }) = spread else { return "-".to_owned() };
    let [median, min, max] = [median, min, max].map(|value| format!("{value:.decimals$}"));
    if min == max { median } else { format!("{median} [{min}-{max}]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_shows_its_range_only_where_seeds_differ() {
        let spread = |median, min, max| Some(Spread { median, min, max });
        assert_eq!(cell(spread(1.25, 1.0, 2.0), 1), "1.2 [1.0-2.0]");
        assert_eq!(cell(spread(1.01, 1.0, 1.04), 1), "1.0");
        assert_eq!(cell(None, 1), "-");
    }
}
