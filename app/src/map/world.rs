//! The world: nodes where they say that they are. The land beneath them is a picture of the style sheet's (`scripts/land.mjs`).

use super::graph::{Dot, circle, label, newest};
use crate::api::{Place, Snapshot};
use crate::choice::Choice;
use crate::part::IntoPart;
use crate::words::{NOTHING, Words, use_words};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// All of Earth. A degree is as long as on the picture of the land, to the north a fifth longer than to the east.
const VIEW_BOX: &str = "-640 -390 1280 780";
const EAST: f64 = 640.0 / 180.0;
const NORTH: f64 = 390.0 / 90.0;
/// Up to so many spots have the names of their nodes written below them.
const MOST_NAMES: usize = 24;

/// The map, and the list behind it; hidden while no node says where it is.
#[component]
pub(crate) fn World(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let words = use_words();
    let none = move || snapshot.read().network.places.is_empty();
    let summary = move || words.counted(snapshot.read().network.places.len() as u64, &words.node);
    let dots = move || {
        let (snapshot, palette) = (snapshot.read(), choice.with(|choice| choice.palette));
        let spots = spots(&snapshot);
        let with_names = spots.len() <= MOST_NAMES;
        let drawn = |spot: &Dot| (circle(spot, palette), with_names.then(|| label(spot)));
        spots.iter().map(drawn).collect_view()
    };
    let list = move || {
        let snapshot = snapshot.read();
        let line = |place: &Place| view! { <li>{line(&snapshot, place, words)}</li> };
        snapshot.network.places.iter().map(line).collect_view()
    };
    view! {
        <section class="world" class:hidden=none aria-labelledby="world-heading">
            <h2 id="world-heading">{words.world}</h2>
            <div class="world-land">
                <svg class="graph" data-testid="world" role="img" aria-label=summary viewBox=VIEW_BOX>
                    {dots}
                </svg>
            </div>
            <p class="note">{words.world_help}</p>
            <details class="fold" data-testid="places">
                <summary>{words.as_list}</summary>
                <ul class="places">{list}</ul>
            </details>
        </section>
    }
    .into_part()
}

/// A dot for each spot where there are nodes, with the names of all of them, and the newest mean of the first that has one.
fn spots(snapshot: &Snapshot) -> Vec<Dot<'_>> {
    let mut spots: BTreeMap<(i32, i32), Dot<'_>> = BTreeMap::new();
    for Place { node_id, latitude, longitude } in &snapshot.network.places {
        // Tenths of degrees are what places differ by; what comes is no more than that.
        let spot = ((latitude * 10.0).round() as i32, (longitude * 10.0).round() as i32);
        let last = newest(snapshot, node_id);
        let dot = spots.entry(spot).or_insert_with(|| Dot {
            name: String::new(),
            at: (EAST * longitude, -NORTH * latitude),
            peer: None,
            last,
        });
        if !dot.name.is_empty() {
            dot.name.push_str(", ");
        }
        dot.name.push_str(node_id);
        dot.last = dot.last.or(last);
    }
    spots.into_values().collect()
}

/// A node, where it is, and its newest mean, in words.
fn line(snapshot: &Snapshot, Place { node_id, latitude, longitude }: &Place, words: &Words) -> String {
    let [north, south, east, west] = words.compass;
    let degrees = |degrees: f64, plus, minus| {
        format!("{}° {}", words.fixed(degrees.abs(), 1), if degrees < 0.0 { minus } else { plus })
    };
    let (latitude, longitude) = (degrees(*latitude, north, south), degrees(*longitude, east, west));
    let last = newest(snapshot, node_id).map_or_else(|| NOTHING.to_owned(), |last| words.score(last));
    format!("{node_id}: {latitude}, {longitude}; {last}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::snapshot;
    use crate::words::EN;

    fn place(node_id: &str, latitude: f64, longitude: f64) -> Place {
        Place { node_id: node_id.to_owned(), latitude, longitude }
    }

    #[test]
    fn nodes_at_one_spot_are_one_dot_with_all_names() {
        let mut snapshot = snapshot();
        snapshot.network.places =
            vec![place("aaa", 52.5, 13.4), place("alpha", 52.5, 13.4), place("beta", -33.9, 151.2)];
        let spots = spots(&snapshot);
        // The sample's map has a mean of alpha alone.
        let said: Vec<_> = spots.iter().map(|spot| (spot.name.as_str(), spot.last)).collect();
        assert_eq!(said, [("beta", None), ("aaa, alpha", Some(0.1))]);
    }

    #[test]
    fn north_is_up_and_east_is_right_and_all_of_earth_is_within_the_drawing() {
        let mut snapshot = snapshot();
        snapshot.network.places = vec![place("beta", 90.0, -180.0), place("gamma", -45.0, 90.0)];
        let spots = spots(&snapshot);
        assert_eq!(spots.iter().map(|spot| spot.at).collect::<Vec<_>>(), [(320.0, 195.0), (-640.0, -390.0)]);
    }

    #[test]
    fn a_place_reads_with_the_points_of_the_compass() {
        let snapshot = snapshot();
        assert_eq!(line(&snapshot, &place("alpha", 52.5, -13.4), &EN), "alpha: 52.5° N, 13.4° W; 0.100");
        assert_eq!(line(&snapshot, &place("beta", -0.5, 0.0), &EN), "beta: 0.5° S, 0.0° E; —");
    }
}
