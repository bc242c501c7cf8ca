//! Where the mesh is heading: the average with its range, chaos beneath, and both in words.

use super::tiles::sentence;
use crate::api::Snapshot;
use crate::choice::Choice;
use crate::words::{Words, use_words};
use beauty::{HeatmapBucket, Trend};
use leptos::prelude::*;

/// Drawing units for a column, and from the score 0 to the score 1.
const COLUMN: f64 = 10.0;
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
    let words = use_words();
    let said = move || {
        snapshot.with(|Snapshot { health, heatmap, .. }| sentence(health.beauty_avg, Trend::of(heatmap), words))
    };
    let help = move || {
        let (columns, seconds) = snapshot.with(|s| (s.heatmap.buckets.len(), s.heatmap.resolution_seconds));
        let columns = words.counted(columns as u64, &words.bucket);
        (words.trends_help)(&format!("{columns} × {}", words.duration(seconds)))
    };
    let followed = move || {
        let node = choice.with(|choice| choice.node.clone())?;
        let address = choice.with(|choice| choice.with(|choice| choice.node = None));
        Some(view! {
            <span class="followed">
                <span class="followed-sign" aria-hidden="true"></span>
                {node}
                " "
                <a href=address data-noscroll="true">{words.follow_none}</a>
            </span>
        })
    };
    view! {
        <section class="trends" aria-labelledby="trends-heading">
            <h2 id="trends-heading">{words.trends}</h2>
            <p>
                <strong data-testid="trends-words">{said}</strong>
                " "
                <span class="note">{help}</span>
            </p>
            <div class="chart" role="img" aria-label=move || format!("{} {}", words.average_and_range, said())>
                {move || chart(&snapshot.read(), &choice.read(), words)}
            </div>
            {followed}
        </section>
    }
    .into_any()
}

/// Both drawings, with the scores at their side.
fn chart(snapshot: &Snapshot, choice: &Choice, words: &'static Words) -> impl IntoView + use<> {
    let buckets = &snapshot.heatmap.buckets;
    let width = COLUMN * buckets.len().max(1) as f64;
    let averages: Vec<Option<f64>> = buckets.iter().map(|bucket| bucket.avg).collect();
    let node = choice.node.as_ref().and_then(|node| snapshot.heatmap.nodes.iter().find(|row| row.node_id == *node));
    let node = node.map(|row| line(&row.avg)).unwrap_or_default();
    let across = move |score: f64| format!("M0 {y}H{width}", y = y(score));
    let threshold = choice.line.map(|line| across(f64::from(line) / 100.0)).unwrap_or_default();
    let view_box = format!("0 0 {width} {HEIGHT}");
    view! {
        <div class="chart-scores" aria-hidden="true">
            <span>{words.fixed(1.0, 0)}</span>
            <span>{words.fixed(0.5, 1)}</span>
            <span>{words.fixed(0.0, 0)}</span>
        </div>
        <svg class="chart-average" data-testid="trends-chart" viewBox=view_box.clone() preserveAspectRatio="none" aria-hidden="true">
            <path class="chart-grid" d=GRID.map(across).concat() />
            <path class="chart-band" d=band(buckets) />
            <path class="chart-threshold" d=threshold />
            <path class="chart-node" d=node />
            <path class="chart-line" d=line(&averages) />
        </svg>
        <span class="chart-label" aria-hidden="true">{words.chaos}</span>
        <svg class="chart-chaos" viewBox=view_box preserveAspectRatio="none" aria-hidden="true">
            <path class="chart-grid" d=across(0.0) />
            <path class="chart-bars" d=bars(buckets) />
        </svg>
    }
}

/// The middle of a column.
fn x(column: usize) -> f64 {
    COLUMN * (column as f64 + 0.5)
}

fn y(score: f64) -> f64 {
    HEIGHT * (1.0 - score)
}

/// A line through the values, broken where there is none; a value alone is a short stroke.
fn line(values: &[Option<f64>]) -> String {
    let mut path = String::new();
    for run in runs(values) {
        for (place, (column, value)) in run.iter().enumerate() {
            path.push_str(&format!("{}{} {:.1}", if place == 0 { 'M' } else { 'L' }, x(*column), y(*value)));
        }
        if run.len() == 1 {
            path.push_str(&format!("h{}", COLUMN / 4.0));
        }
    }
    path
}

/// From the lowest to the highest score of each column that has events.
fn band(buckets: &[HeatmapBucket]) -> String {
    let highest: Vec<Option<f64>> = buckets.iter().map(|bucket| bucket.max).collect();
    let lowest = |column: usize| buckets.get(column).and_then(|bucket| bucket.min).unwrap_or_default();
    let mut path = String::new();
    for run in runs(&highest) {
        let (Some((first, high)), Some((last, _))) = (run.first().copied(), run.last().copied()) else { continue };
        let (left, right) = (x(first) - COLUMN / 2.0, x(last) + COLUMN / 2.0);
        path.push_str(&format!("M{left} {:.1}", y(high)));
        for (column, high) in &run {
            path.push_str(&format!("L{} {:.1}", x(*column), y(*high)));
        }
        path.push_str(&format!("H{right}"));
        path.push_str(&format!("V{:.1}", y(lowest(last))));
        for (column, _) in run.iter().rev() {
            path.push_str(&format!("L{} {:.1}", x(*column), y(lowest(*column))));
        }
        path.push_str(&format!("H{left}Z"));
    }
    path
}

/// A bar for the chaos of each column.
fn bars(buckets: &[HeatmapBucket]) -> String {
    let bar = |(column, bucket): (usize, &HeatmapBucket)| {
        let (left, width) = (COLUMN * column as f64 + 1.0, COLUMN - 2.0);
        bucket.chaos.map(|chaos| format!("M{left} {HEIGHT}V{:.1}h{width}V{HEIGHT}Z", y(chaos)))
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
        assert_eq!(line(&[Some(1.0), Some(0.5), None, Some(0.0)]), "M5 0.0L15 50.0M35 100.0h2.5");
        assert_eq!(line(&[None, None]), "");
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
