//! Where the mesh is heading: the average with its range, chaos beneath, and both in words.

use super::tiles::sentence;
use crate::api::Snapshot;
use crate::choice::Choice;
use crate::number::tenths;
use crate::part::{IntoPart, flag, text};
use crate::words::{td_string, use_language};
use beauty::{HeatmapBucket, Trend};
use leptos::prelude::*;

/// Drawing units for a column, and from the score 0 to the score 1.
const COLUMN: usize = 10;
const HEIGHT: f64 = 100.0;
/// The scores that have a line of their own across the drawing.
const GRID: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The panel.
#[component]
pub(crate) fn Trends(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let language = use_language();
    let said = Memo::new(move |_| {
        snapshot.with(|Snapshot { health, heatmap, .. }| sentence(health.beauty_avg, Trend::of(heatmap), language))
    });
    let help = move || {
        let (columns, seconds) = snapshot.with(|s| (s.heatmap.buckets.len(), s.heatmap.resolution_seconds));
        let columns = language.buckets(columns as u64);
        td_string!(language, trends.help, columns = format!("{columns} × {}", language.duration(seconds)))
    };
    let node = Memo::new(move |_| choice.with(|choice| choice.node.clone()));
    let let_go = move || choice.with(|choice| choice.with(|choice| (choice.node, choice.pin) = (None, None)));
    view! {
        <section class="trends" aria-labelledby="trends-heading">
            <h2 id="trends-heading">{td_string!(language, trends.title)}</h2>
            <p>
                <strong data-testid="trends-words">{said}</strong>
                " "
                <span class="note">{text(help)}</span>
            </p>
            <Chart snapshot choice node said />
            <p class="followed" class:hidden=flag(move || node.with(Option::is_none))>
                <span class="followed-sign" aria-hidden="true"></span>
                {text(move || node.get().unwrap_or_default())}
                " "
                <a href=text(let_go)>{td_string!(language, trends.all_nodes)}</a>
            </p>
        </section>
    }
    .into_part()
}

/// Both drawings, with the scores at their side.
#[component]
fn Chart(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// The node that is looked at more closely.
    node: Memo<Option<String>>,
    /// The drawing in words.
    said: Memo<String>,
) -> impl IntoView {
    let language = use_language();
    let width = Memo::new(move |_| COLUMN * snapshot.with(|snapshot| snapshot.heatmap.buckets.len()).max(1));
    let across = move |score: f64| format!("M0 {}H{}", tenths(y(score)), width.get());
    let grid = move || GRID.map(across).concat();
    let ground = move || across(0.0);
    let averages = move |snapshot: &Snapshot| snapshot.heatmap.buckets.iter().map(|bucket| bucket.avg).collect();
    let average = move || snapshot.with(|snapshot| line(averages(snapshot)));
    let followed = move || {
        let (snapshot, node) = (snapshot.read(), node.read());
        let row = snapshot.heatmap.nodes.iter().find(|row| Some(&row.node_id) == node.as_ref());
        row.map(|row| line(row.avg.clone())).unwrap_or_default()
    };
    let threshold = move || {
        let score = choice.with(|choice| choice.line);
        score.map(|score| across(f64::from(score) / 100.0)).unwrap_or_default()
    };
    let view_box = move || format!("0 0 {} 100", width.get());
    view! {
        <div class="chart" role="img" aria-label=text(move || format!("{} {}", td_string!(language, trends.drawing), said.read()))>
            <div class="chart-scores" aria-hidden="true">
                <span>{language.fixed(1.0, 0)}</span>
                <span>{language.fixed(0.5, 1)}</span>
                <span>{language.fixed(0.0, 0)}</span>
            </div>
            <svg class="chart-average" data-testid="trends-chart" viewBox=text(view_box) preserveAspectRatio="none" aria-hidden="true">
                <path class="chart-grid" d=text(grid) />
                <path class="chart-band" d=text(move || snapshot.with(|snapshot| band(&snapshot.heatmap.buckets))) />
                <path class="chart-threshold" d=text(threshold) />
                <path class="chart-node" d=text(followed) />
                <path class="chart-line" d=text(average) />
            </svg>
            <span class="chart-label" aria-hidden="true">{td_string!(language, trends.chaos)}</span>
            <svg class="chart-chaos" viewBox=text(view_box) preserveAspectRatio="none" aria-hidden="true">
                <path class="chart-grid" d=text(ground) />
                <path class="chart-bars" d=text(move || snapshot.with(|snapshot| bars(&snapshot.heatmap.buckets))) />
            </svg>
        </div>
    }
    .into_part()
}

/// The middle of a column.
fn x(column: usize) -> usize {
    COLUMN * column + COLUMN / 2
}

fn y(score: f64) -> f64 {
    HEIGHT * (1.0 - score)
}

/// A line through the values, broken where there is none; a value alone is a short stroke.
fn line(values: Vec<Option<f64>>) -> String {
    let mut path = String::new();
    for run in runs(&values) {
        for (place, (column, value)) in run.iter().enumerate() {
            path.push_str(&format!("{}{} {}", if place == 0 { 'M' } else { 'L' }, x(*column), tenths(y(*value))));
        }
        if run.len() == 1 {
            path.push_str("h2.5");
        }
    }
    path
}

/// From the lowest to the highest score of each column that has events.
fn band(buckets: &[HeatmapBucket]) -> String {
    let highest: Vec<Option<f64>> = buckets.iter().map(|bucket| bucket.max).collect();
    let lowest = |column: usize| tenths(y(buckets.get(column).and_then(|bucket| bucket.min).unwrap_or_default()));
    let mut path = String::new();
    for run in runs(&highest) {
        let (Some((first, high)), Some((last, _))) = (run.first().copied(), run.last().copied()) else { continue };
        let (left, right) = (x(first) - COLUMN / 2, x(last) + COLUMN / 2);
        path.push_str(&format!("M{left} {}", tenths(y(high))));
        for (column, high) in &run {
            path.push_str(&format!("L{} {}", x(*column), tenths(y(*high))));
        }
        path.push_str(&format!("H{right}V{}", lowest(last)));
        for (column, _) in run.iter().rev() {
            path.push_str(&format!("L{} {}", x(*column), lowest(*column)));
        }
        path.push_str(&format!("H{left}Z"));
    }
    path
}

/// A bar for the chaos of each column.
fn bars(buckets: &[HeatmapBucket]) -> String {
    let bar = |(column, bucket): (usize, &HeatmapBucket)| {
        let (left, width) = (COLUMN * column + 1, COLUMN - 2);
        bucket.chaos.map(|chaos| format!("M{left} 100V{}h{width}V100Z", tenths(y(chaos))))
    };
    buckets.iter().enumerate().filter_map(bar).collect()
}

/// The runs of columns that have a value.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs: Vec<Vec<(usize, f64)>> = vec![Vec::new()];
    for (column, value) in values.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((column, *value)),
            (None, Some(run)) if !run.is_empty() => runs.push(Vec::new()),
            (None | Some(_), _) => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::heatmap;

    #[test]
    fn a_line_is_broken_where_there_are_no_events() {
        assert_eq!(line(vec![Some(1.0), Some(0.5), None, Some(0.0)]), "M5 0.0L15 50.0M35 100.0h2.5");
        assert_eq!(line(vec![None, None]), "");
    }

    #[test]
    fn the_band_goes_along_the_highest_and_back_along_the_lowest() {
        let mut buckets = heatmap(3, &[]).buckets;
        (buckets[1].min, buckets[1].max) = (Some(0.25), Some(0.75));
        assert_eq!(band(&buckets), "M10 25.0L15 25.0H20V75.0L15 75.0H10Z");
        assert_eq!(band(&heatmap(3, &[]).buckets), "");
    }

    #[test]
    fn chaos_is_a_bar_and_none_where_there_are_no_events() {
        let mut buckets = heatmap(2, &[]).buckets;
        buckets[1].chaos = Some(0.5);
        assert_eq!(bars(&buckets), "M11 100V50.0h8V100Z");
    }
}
