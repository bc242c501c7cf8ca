//! The world: nodes where they say that they are. The land beneath them is a picture of the style sheet's (`scripts/land.mjs`).

use super::graph::{BELOW, Dot, LETTERS, circle, newest, word};
use super::heading::heading_of_now;
use crate::api::{Place, Snapshot};
use crate::choice::Choice;
use crate::ordered;
use crate::part::{IntoPart, flag, text};
use crate::words::{Language, NOTHING, each, isolated, shortened, td_string, use_language};
use leptos::prelude::*;

/// All of Earth. A degree is as long as on the picture of the land, to the north a fifth longer than to the east.
const VIEW_BOX: &str = "-640 -390 1280 780";
const EAST: f64 = 640.0 / 180.0;
const NORTH: f64 = 390.0 / 90.0;
/// The width of a letter on a phone, where letters are largest (`style/_world.scss`).
const LETTER: f64 = 26.0;
/// How far below its dot the names of a spot stand that lies too far in the south: above it.
const ABOVE: f64 = -60.0;
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
    let language = use_language();
    let none = move || snapshot.read().network.places.is_empty();
    let summary = move || language.nodes(snapshot.read().network.places.len() as u64);
    let dots = move || {
        let (snapshot, palette) = (snapshot.read(), choice.with(|choice| choice.palette));
        let spots = spots(&snapshot);
        let with_names = spots.len() <= MOST_NAMES;
        let drawn = |spot: &Dot| (circle(spot, spot.name.clone(), palette), with_names.then(|| label(spot)));
        spots.iter().map(drawn).collect_view()
    };
    let list = move || {
        let snapshot = snapshot.read();
        let line = |place: &Place| view! { <li>{line(&snapshot, place, language)}</li> };
        snapshot.network.places.iter().map(line).collect_view()
    };
    view! {
        <section class="world" class:hidden=flag(none) aria-labelledby="world-heading">
            {heading_of_now("world-heading", td_string!(language, world.title), snapshot)}
            <div class="world-land">
                <svg class="graph" data-testid="world" role="img" aria-label=text(summary) viewBox=VIEW_BOX>
                    {dots}
                </svg>
            </div>
            <p class="note">{td_string!(language, world.help)}</p>
            <details class="fold" data-testid="places">
                <summary>{td_string!(language, world.as_list)}</summary>
                <ul class="places">{list}</ul>
            </details>
        </section>
    }
    .into_part()
}

/// The names of a spot, where there is room: below it or above, and to the side that has more of the drawing.
fn label(spot: &Dot<'_>) -> impl IntoView + use<> {
    let ((x, y), name) = (spot.at, shortened(&spot.name, LETTERS));
    let half = LETTER / 2.0 * name.chars().count() as f64;
    let class = match x {
        _ if x.abs() + half <= EAST * 180.0 => "graph-name",
        0.0.. => "graph-name graph-end",
        _ => "graph-name graph-start",
    };
    word(class, (x, y + if y > NORTH * 80.0 { ABOVE } else { BELOW }), name)
}

/// A dot for each spot where there are nodes, with the names of all of them, and the newest mean of the first that has one.
fn spots(snapshot: &Snapshot) -> Vec<Dot<'_>> {
    let mut spots: Vec<((i32, i32), Dot<'_>)> = Vec::new();
    for Place { node_id, latitude, longitude } in &snapshot.network.places {
        // Tenths of degrees are what places differ by; what comes is no more than that.
        let spot = ((latitude * 10.0).round() as i32, (longitude * 10.0).round() as i32);
        let last = newest(snapshot, node_id);
        let dot = ordered::entry(&mut spots, spot, || Dot {
            name: String::new(),
            at: (EAST * longitude, -NORTH * latitude),
            peer: None,
            last,
        });
        if !dot.name.is_empty() {
            dot.name.push_str(", ");
        }
        dot.name.push_str(&isolated(node_id));
        dot.last = dot.last.or(last);
    }
    spots.into_iter().map(|(_, dot)| dot).collect()
}

/// A node, where it is, and its newest mean, in words.
fn line(snapshot: &Snapshot, Place { node_id, latitude, longitude }: &Place, language: Language) -> String {
    let [north, south, east, west] = each!(language, world: north, south, east, west);
    let degrees = |degrees: f64, plus, minus| {
        format!("{}° {}", language.fixed(degrees.abs(), 1), if degrees < 0.0 { minus } else { plus })
    };
    let (latitude, longitude) = (degrees(*latitude, north, south), degrees(*longitude, east, west));
    let last = newest(snapshot, node_id).map_or_else(|| NOTHING.to_owned(), |last| language.score(last));
    format!("{}: {latitude}, {longitude}; {last}", isolated(node_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::snapshot;

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
        assert_eq!(line(&snapshot, &place("alpha", 52.5, -13.4), Language::en), "alpha: 52.5° N, 13.4° W; 0.100");
        assert_eq!(line(&snapshot, &place("beta", -0.5, 0.0), Language::en), "beta: 0.5° S, 0.0° E; —");
        // A name from right to left turns nothing around that stands behind it.
        assert_eq!(
            line(&snapshot, &place("אבג", 31.8, 35.2), Language::en),
            "\u{2068}אבג\u{2069}: 31.8° N, 35.2° E; —"
        );
    }
}
