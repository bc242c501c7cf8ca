//! The mesh as a graph: this node in the middle, every node that it knows of around it, each in a place of its own.
//!
//! A place follows from the node's name alone. So nothing moves when others come and go, and every page shows the same places.

use crate::api::{Peer, Snapshot};
use crate::choice::{Choice, Palette};
use crate::heatmap::node_colour;
use crate::words::{Words, use_words};
use leptos::prelude::*;
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// Half the width and half the height of the drawing.
const HALF: (f64, f64) = (320.0, 180.0);
/// How far from the middle nodes are, as shares of the half; names need the rest.
const NEAR: f64 = 0.45;
const FAR: f64 = 0.88;
/// So many nodes are drawn; more could not be told apart.
const MOST: usize = 240;
/// Up to so many links have their round trip written beside them, and so many nodes their name.
const MOST_WORDS: usize = 16;

/// Another node, and where it is drawn.
#[derive(Clone, Debug, PartialEq)]
struct Dot<'a> {
    name: &'a str,
    at: (f64, f64),
    /// The link to it, where there is one.
    peer: Option<&'a Peer>,
    /// Its newest mean.
    last: Option<f64>,
}

/// The graph.
#[component]
pub(crate) fn Graph(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let words = use_words();
    let summary = move || {
        let snapshot = snapshot.read();
        let known = words.counted(dots(&snapshot).len() as u64, &words.node);
        let peers = words.counted(snapshot.network.peers.len() as u64, &words.peer);
        (words.links_summary)(&snapshot.health.node_id, &peers, &known)
    };
    let (width, height) = HALF;
    view! {
        <section aria-labelledby="links-heading">
            <h2 id="links-heading">{words.links}</h2>
            <svg
                class="graph"
                data-testid="graph"
                role="img"
                aria-label=summary
                viewBox=format!("{} {} {} {}", -width, -height, 2.0 * width, 2.0 * height)
            >
                {move || picture(&snapshot.read(), choice.read().palette, words)}
            </svg>
            <p class="note">{words.links_help}</p>
        </section>
    }
    .into_any()
}

fn picture(snapshot: &Snapshot, palette: Palette, words: &'static Words) -> impl IntoView + use<> {
    let dots = dots(snapshot);
    let (few_links, few) = (snapshot.network.peers.len() <= MOST_WORDS, dots.len() <= MOST_WORDS);
    let links = dots.iter().filter_map(|dot| Some((dot.at, dot.peer?)));
    let links = links.map(|(at, peer)| link(at, peer, few_links, words)).collect_view();
    let own = snapshot.heatmap.nodes.iter().find(|row| row.node_id == snapshot.health.node_id);
    let own = own.and_then(|row| row.avg.iter().rev().find_map(|avg| *avg));
    let dots = dots.iter().map(|dot| circle(dot, few || dot.peer.is_some() && few_links, palette)).collect_view();
    view! {
        <g>{links}</g>
        <g>{dots}</g>
        <circle class="graph-self" r="13" fill=node_colour(palette, own) />
        <text class="graph-name" y="30">{snapshot.health.node_id.clone()}</text>
    }
}

fn link((x, y): (f64, f64), peer: &Peer, with_words: bool, words: &Words) -> impl IntoView + use<> {
    let class = if peer.in_sync == Some(false) { "graph-link graph-differs" } else { "graph-link" };
    let rtt = peer.rtt_ms.filter(|_| with_words).map(|rtt| {
        let (x, y) = (format!("{:.1}", x * 0.5), format!("{:.1}", y * 0.5 - 4.0));
        view! { <text class="graph-rtt" x=x y=y>{words.milliseconds(rtt)}</text> }
    });
    view! {
        <line class=class x2=format!("{x:.1}") y2=format!("{y:.1}") stroke-width=format!("{:.1}", strength(peer.rtt_ms)) />
        {rtt}
    }
}

fn circle(dot: &Dot<'_>, with_words: bool, palette: Palette) -> impl IntoView + use<> {
    let (x, y) = dot.at;
    let name = with_words.then(|| view! { <text class="graph-name" y="22">{dot.name.to_owned()}</text> });
    let class = if dot.peer.is_some() { "graph-peer" } else { "graph-known" };
    view! {
        <g class=class transform=format!("translate({x:.1} {y:.1})")>
            <title>{dot.name.to_owned()}</title>
            <circle r=if dot.peer.is_some() { "9" } else { "6" } fill=node_colour(palette, dot.last) />
            {name}
        </g>
    }
}

/// How strong a link is drawn: 5 where the round trip takes no time, down to 1 from a second on.
fn strength(rtt_ms: Option<f64>) -> f64 {
    let Some(rtt) = rtt_ms else { return 1.0 };
    let mut strength = 5.0;
    for slower_than in [2.0, 10.0, 50.0, 1_000.0] {
        strength -= f64::from(u8::from(rtt > slower_than));
    }
    strength
}

/// All other nodes that this one is linked to or has events of, by name.
fn dots(snapshot: &Snapshot) -> Vec<Dot<'_>> {
    let mut dots: BTreeMap<&str, Dot<'_>> = BTreeMap::new();
    for peer in &snapshot.network.peers {
        let name = peer.node_id.as_deref().unwrap_or(&peer.address);
        dots.insert(name, Dot { name, at: place(name), peer: Some(peer), last: None });
    }
    for row in &snapshot.heatmap.nodes {
        let name = row.node_id.as_str();
        let last = row.avg.iter().rev().find_map(|avg| *avg);
        dots.entry(name).or_insert_with(|| Dot { name, at: place(name), peer: None, last }).last = last;
    }
    dots.remove(snapshot.health.node_id.as_str());
    dots.into_values().take(MOST).collect()
}

/// Where a node of this name is drawn.
fn place(name: &str) -> (f64, f64) {
    let hash = hash(name);
    // Two independent shares of a whole, from the two halves of the hash.
    let share = |half: u64| (half & 0xffff_ffff) as f64 / f64::from(u32::MAX);
    let (angle, distance) = (TAU * share(hash >> 32), NEAR + (FAR - NEAR) * share(hash));
    let (width, height) = HALF;
    (width * distance * angle.cos(), height * distance * angle.sin())
}

/// FNV-1a (64 bits), then MurmurHash3's finalizer, so that names which differ in their last letter lie far apart.
fn hash(name: &str) -> u64 {
    let mut hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{peer, snapshot};

    #[test]
    fn a_node_has_its_place_whoever_else_is_there() {
        let mut snapshot = snapshot();
        snapshot.network.peers = vec![peer("beta")];
        let alone = dots(&snapshot)[0].at;
        snapshot.network.peers.push(peer("gamma"));
        assert_eq!(dots(&snapshot)[0].at, alone);
    }

    #[test]
    fn nobody_leaves_the_drawing_and_names_that_are_alike_lie_apart() {
        let places: Vec<(f64, f64)> = (0..200).map(|node| place(&format!("node-{node}"))).collect();
        assert!(places.iter().all(|(x, y)| x.abs() <= HALF.0 * FAR && y.abs() <= HALF.1 * FAR));
        let quarters = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
        for (right, down) in quarters {
            let there = places.iter().filter(|(x, y)| x * right > 0.0 && y * down > 0.0).count();
            assert!(there > 30, "{there}");
        }
    }

    #[test]
    fn the_node_itself_is_no_other_node_and_a_peer_with_events_is_one_dot() {
        let mut snapshot = snapshot();
        // The sample's node is alpha, and has events.
        assert!(dots(&snapshot).is_empty());
        snapshot.network.peers = vec![peer("beta")];
        snapshot.heatmap.nodes[0].node_id = "beta".to_owned();
        let dots = dots(&snapshot);
        assert_eq!((dots.len(), dots[0].peer.is_some(), dots[0].last), (1, true, Some(0.1)));
    }

    #[test]
    fn a_shorter_round_trip_is_a_stronger_line() {
        assert_eq!(
            [strength(Some(0.5)), strength(Some(30.0)), strength(Some(5_000.0)), strength(None)],
            [5.0, 3.0, 1.0, 1.0]
        );
    }
}
