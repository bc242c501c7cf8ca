//! The mesh in eight numbers, each with where it is heading.

use super::spark::spark;
use crate::api::{Health, History, Snapshot};
use crate::part::{IntoPart, text};
use crate::words::{Language, NOTHING, each, td_string, use_language};
use beauty::{Direction, HeatmapBucket, Mood, Trend};
use leptos::prelude::*;

/// From which change on a score is on the move: as in [`Trend`].
const SCORE_STEADY: f64 = 0.05;
/// From which change on a count is on the move: half of one.
const COUNT_STEADY: f64 = 0.5;

/// One number: how the API calls it, how it reads, and how it went.
#[derive(Clone, Copy)]
struct Tile {
    field: &'static str,
    value: fn(&Health, Language) -> String,
    series: Series,
}

/// Where the past of a number comes from.
#[derive(Clone, Copy)]
enum Series {
    /// The buckets of the map.
    Buckets(fn(&HeatmapBucket) -> Option<f64>),
    /// What the node has noted, and the page since.
    Noted(fn(&History) -> &Vec<Option<u64>>),
}

const TILES: [Tile; 8] = [
    Tile {
        field: "beauty_avg",
        value: |health, language| language.score_or_nothing(health.beauty_avg),
        series: Series::Buckets(|bucket| bucket.avg),
    },
    Tile {
        field: "beauty_min",
        value: |health, language| language.score_or_nothing(health.beauty_min),
        series: Series::Buckets(|bucket| bucket.min),
    },
    Tile {
        field: "beauty_max",
        value: |health, language| language.score_or_nothing(health.beauty_max),
        series: Series::Buckets(|bucket| bucket.max),
    },
    Tile {
        field: "chaos",
        value: |health, language| language.score_or_nothing(health.chaos),
        series: Series::Buckets(|bucket| bucket.chaos),
    },
    Tile {
        field: "events",
        value: |health, language| language.count(health.events),
        series: Series::Noted(|history| &history.events),
    },
    Tile {
        field: "gossip_seen",
        value: |health, language| language.count(health.gossip_seen),
        series: Series::Noted(|history| &history.gossip_seen),
    },
    Tile {
        field: "gossip_propagated",
        value: |health, language| language.count(health.gossip_propagated),
        series: Series::Noted(|history| &history.gossip_propagated),
    },
    Tile {
        field: "peers",
        value: |health, language| language.count(health.peers as u64),
        series: Series::Noted(|history| &history.peers),
    },
];

/// The tiles, with the trend in words beneath them.
#[component]
pub(crate) fn Tiles(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
) -> impl IntoView {
    let language = use_language();
    let tiles = TILES
        .into_iter()
        .zip(each!(language, tiles: average, lowest, highest, chaos, kept, seen, sent, peers))
        .map(|(tile, label)| {
            let Tile { field, value, series } = tile;
            // What nobody keeps is not known of the past.
            let known = move || matches!(series, Series::Buckets(_)) || snapshot.read().at.is_none();
            let shown = move || if known() { value(&snapshot.read().health, language) } else { NOTHING.to_owned() };
            let values = Memo::new(move |_| match series {
                Series::Buckets(of) => snapshot.read().heatmap.buckets.iter().map(of).collect(),
                Series::Noted(of) if known() => {
                    of(&snapshot.read().history).iter().map(|number| number.map(|number| number as f64)).collect()
                }
                Series::Noted(_) => Vec::new(),
            });
            let steady = if matches!(series, Series::Buckets(_)) { SCORE_STEADY } else { COUNT_STEADY };
            view! {
                <div class="tile">
                    <dt>{label}</dt>
                    <dd class="tile-value" data-testid=format!("tile-{field}")>{text(shown)}</dd>
                    <dd class="tile-spark">{spark(values, 2.0 * steady)}</dd>
                    <dd class="tile-direction" data-testid=format!("direction-{field}")>
                        {text(move || direction(Direction::of(&values.read(), steady), language))}
                    </dd>
                    <dd class="tile-field"><code>{field}</code></dd>
                </div>
            }
        });
    let trend = move || {
        snapshot.with(|Snapshot { health, heatmap, .. }| sentence(health.beauty_avg, Trend::of(heatmap), language))
    };
    let window =
        move || td_string!(language, tiles.window, span = language.duration(snapshot.read().health.window_seconds));
    view! {
        <section aria-labelledby="tiles-heading">
            <h2 id="tiles-heading">{td_string!(language, tiles.title)}</h2>
            <dl class="tiles">{tiles.collect_view()}</dl>
            <p>
                <span data-testid="trend">{text(trend)}</span>
                " "
                <span class="note">{text(window)}</span>
            </p>
        </section>
    }
    .into_part()
}

/// An arrow and a word.
fn direction(direction: Option<Direction>, language: Language) -> String {
    direction.map_or_else(
        || NOTHING.to_owned(),
        |direction| {
            let (arrow, word) = match direction {
                Direction::Rising => ('↗', td_string!(language, tiles.rising)),
                Direction::Falling => ('↘', td_string!(language, tiles.falling)),
                Direction::Steady => ('→', td_string!(language, tiles.steady)),
            };
            format!("{arrow} {word}")
        },
    )
}

/// Where the mesh is heading, and how it feels.
pub(super) fn sentence(average: Option<f64>, trend: Option<Trend>, language: Language) -> String {
    let Some(trend) = trend else {
        let nothing =
            if average.is_none() { td_string!(language, trend.no_events) } else { td_string!(language, trend.too_few) };
        return nothing.to_owned();
    };
    let direction = match trend.direction {
        Direction::Rising => td_string!(language, trend.rising),
        Direction::Falling => td_string!(language, trend.falling),
        Direction::Steady => td_string!(language, trend.steady),
    };
    let mood = match trend.mood {
        Mood::Calm => td_string!(language, trend.calm),
        Mood::Lively => td_string!(language, trend.lively),
        Mood::Turbulent => td_string!(language, trend.turbulent),
    };
    format!("{direction}, {mood}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_told_in_two_words() {
        let trend = Trend { slope: 0.0, direction: Direction::Steady, mood: Mood::Calm };
        assert_eq!(sentence(Some(0.5), Some(trend), Language::en), "Steady, calm.");
    }

    #[test]
    fn without_events_nothing_is_claimed() {
        assert_eq!(sentence(None, None, Language::en), "No events yet.");
        assert_eq!(sentence(Some(0.5), None, Language::en), "Too few events to tell a trend.");
        assert_eq!(direction(None, Language::en), "—");
    }
}
