//! The mesh in seven numbers, and where it is heading.

use crate::api::{Health, Snapshot};
use crate::format;
use beauty::{Direction, Mood, Trend};
use leptos::prelude::*;

/// One number: how it is called here, how the API calls it, and how it reads.
#[derive(Clone, Copy)]
struct Tile {
    label: &'static str,
    field: &'static str,
    value: fn(&Health) -> String,
}

const TILES: [Tile; 7] = [
    Tile { label: "Average beauty", field: "beauty_avg", value: |health| format::score_or_nothing(health.beauty_avg) },
    Tile { label: "Lowest", field: "beauty_min", value: |health| format::score_or_nothing(health.beauty_min) },
    Tile { label: "Highest", field: "beauty_max", value: |health| format::score_or_nothing(health.beauty_max) },
    Tile { label: "Chaos", field: "chaos", value: |health| format::score_or_nothing(health.chaos) },
    Tile { label: "Events seen", field: "gossip_seen", value: |health| format::count(health.gossip_seen) },
    Tile {
        label: "Sent to peers",
        field: "gossip_propagated",
        value: |health| format::count(health.gossip_propagated),
    },
    Tile { label: "Peers", field: "peers", value: |health| format::count(health.peers as u64) },
];

/// The tiles, with the trend in words beneath them.
#[component]
pub(crate) fn Tiles(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
) -> impl IntoView {
    let tiles = TILES.map(|Tile { label, field, value }| {
        view! {
            <div class="tile">
                <dt>{label}</dt>
                <dd class="tile-value" data-testid=format!("tile-{field}")>{move || value(&snapshot.read().health)}</dd>
                <dd class="tile-field"><code>{field}</code></dd>
            </div>
        }
    });
    let trend = move || snapshot.with(|Snapshot { health, heatmap, .. }| words(health.beauty_avg, Trend::of(heatmap)));
    let window = move || {
        let seconds = snapshot.read().health.window_seconds;
        format!("Beauty and chaos of the last {}.", format::duration(seconds))
    };
    view! {
        <section aria-labelledby="tiles-heading">
            <h2 id="tiles-heading">"The mesh now"</h2>
            <dl class="tiles">{tiles.collect_view()}</dl>
            <p>
                <span data-testid="trend">{trend}</span>
                " "
                <span class="note">{window}</span>
            </p>
        </section>
    }
    .into_any()
}

/// Where the mesh is heading, and how it feels.
fn words(average: Option<f64>, trend: Option<Trend>) -> String {
    let Some(trend) = trend else {
        let nothing = if average.is_none() { "No events yet." } else { "Too few events to tell a trend." };
        return nothing.to_owned();
    };
    let direction = match trend.direction {
        Direction::Rising => "Rising",
        Direction::Falling => "Falling",
        Direction::Steady => "Steady",
    };
    let mood = match trend.mood {
        Mood::Calm => "calm",
        Mood::Lively => "lively",
        Mood::Turbulent => "turbulent",
    };
    format!("{direction}, {mood}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_told_in_two_words() {
        let trend = Trend { slope: 0.0, direction: Direction::Steady, mood: Mood::Calm };
        assert_eq!(words(Some(0.5), Some(trend)), "Steady, calm.");
    }

    #[test]
    fn without_events_nothing_is_claimed() {
        assert_eq!(words(None, None), "No events yet.");
        assert_eq!(words(Some(0.5), None), "Too few events to tell a trend.");
    }
}
