//! The mesh as a graph: this node in the middle, every node that it knows of around it, each in a place of its own.
//!
//! A place follows from the node's name alone. So nothing moves when others come and go, and every page shows the same places.

use crate::api::{Peer, Snapshot};
use crate::choice::{Choice, Palette};
use crate::heatmap::node_colour;
use crate::number::tenths;
use crate::ordered;
use crate::part::IntoPart;
use crate::words::{Language, td_string, use_language};
use beauty::HeatmapRow;
use leptos::prelude::*;
use std::f64::consts::TAU;

/// Half the width and half the height of the drawing, and all of it as SVG has it.
const HALF: (f64, f64) = (320.0, 180.0);
const VIEW_BOX: &str = "-320 -180 640 360";
/// How far from the middle nodes are, as shares of the half; names need the rest.
const NEAR: f64 = 0.45;
const FAR: f64 = 0.88;
/// How far along a link its words stand: the middle of the drawing has a name of its own.
const WORDS: f64 = 0.62;
/// So many nodes are drawn; more could not be told apart.
const MOST: usize = 240;
/// Up to so many links have their round trip written beside them, and so many nodes their name.
const MOST_WORDS: usize = 16;

/// Another node, and where it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dot<'a> {
    pub(super) name: String,
    pub(super) at: (f64, f64),
    /// The link to it, where there is one.
    pub(super) peer: Option<&'a Peer>,
    /// Its newest mean.
    pub(super) last: Option<f64>,
}

/// The graph.
#[component]
pub(crate) fn Graph(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let language = use_language();
    let summary = move || {
        let snapshot = snapshot.read();
        let known = language.nodes(dots(&snapshot).len() as u64);
        let peers = language.peers(snapshot.network.peers.len() as u64);
        td_string!(language, links.summary, node = snapshot.health.node_id.as_str(), peers, known)
    };
    let palette = move || choice.with(|choice| choice.palette);
    let links = move || {
        let snapshot = snapshot.read();
        let few = snapshot.network.peers.len() <= MOST_WORDS;
        let dots = dots(&snapshot);
        let links = dots.iter().filter_map(|dot| Some((dot.at, dot.peer?)));
        links.map(|(at, peer)| link(at, peer, few, language)).collect_view()
    };
    let others = move || {
        let snapshot = snapshot.read();
        dots(&snapshot).iter().map(|dot| circle(dot, palette())).collect_view()
    };
    let names = move || {
        let snapshot = snapshot.read();
        let dots = dots(&snapshot);
        let (few_links, few) = (snapshot.network.peers.len() <= MOST_WORDS, dots.len() <= MOST_WORDS);
        let named = dots.iter().filter(|dot| few || dot.peer.is_some() && few_links);
        named.map(label).collect_view()
    };
    let own_colour = move || {
        let snapshot = snapshot.read();
        node_colour(palette(), newest(&snapshot, &snapshot.health.node_id))
    };
    view! {
        <section aria-labelledby="links-heading">
            <h2 id="links-heading">{td_string!(language, links.title)}</h2>
            <svg class="graph" data-testid="graph" role="img" aria-label=summary viewBox=VIEW_BOX>
                <g>{links}</g>
                <g>{others}</g>
                <g>{names}</g>
                <circle class="graph-self" r="13" fill=own_colour />
                <text class="graph-name" y="30">{move || snapshot.read().health.node_id.clone()}</text>
            </svg>
            <p class="note">{td_string!(language, links.help)}</p>
        </section>
    }
    .into_part()
}

/// A link, with its round trip and its redundancy beside it where there are few.
fn link((x, y): (f64, f64), peer: &Peer, with_words: bool, language: Language) -> impl IntoView + use<> {
    let class = if peer.in_sync == Some(false) { "graph-link graph-differs" } else { "graph-link" };
    let numbers =
        [peer.rtt_ms.map(|rtt| language.milliseconds(rtt)), peer.redundancy.map(|times| language.fixed(times, 2))];
    let said = if with_words { numbers.into_iter().flatten().collect::<Vec<_>>().join(" · ") } else { String::new() };
    view! {
        <line class=class x2=tenths(x) y2=tenths(y) stroke-width=tenths(strength(peer.rtt_ms)) />
        <text class="graph-rtt" x=tenths(x * WORDS) y=tenths(y * WORDS - 4.0)>{said}</text>
    }
}

pub(super) fn circle(dot: &Dot<'_>, palette: Palette) -> impl IntoView + use<> {
    let (x, y) = dot.at;
    let (class, radius) = if dot.peer.is_some() { ("graph-peer", "9") } else { ("graph-known", "6") };
    view! {
        <circle class=class cx=tenths(x) cy=tenths(y) r=radius fill=node_colour(palette, dot.last)>
            <title>{dot.name.clone()}</title>
        </circle>
    }
}

/// The name of a dot, below it.
pub(super) fn label(dot: &Dot<'_>) -> impl IntoView + use<> {
    let (x, y) = dot.at;
    view! { <text class="graph-name" x=tenths(x) y=tenths(y + 22.0)>{dot.name.clone()}</text> }
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

/// The newest mean of a node of this name.
pub(super) fn newest(snapshot: &Snapshot, name: &str) -> Option<f64> {
    snapshot.heatmap.nodes.iter().find(|row| row.node_id == name).and_then(last_of)
}

fn last_of(row: &HeatmapRow) -> Option<f64> {
    row.avg.iter().rev().find_map(|avg| *avg)
}

/// All other nodes that this one is linked to or has events of, by name.
fn dots(snapshot: &Snapshot) -> Vec<Dot<'_>> {
    let mut dots: Vec<(&str, Dot<'_>)> = Vec::new();
    let dot = |name: &str| Dot { name: name.to_owned(), at: place(name), peer: None, last: None };
    for peer in &snapshot.network.peers {
        let name = peer.node_id.as_deref().unwrap_or(&peer.address);
        ordered::entry(&mut dots, name, || dot(name)).peer = Some(peer);
    }
    for row in &snapshot.heatmap.nodes {
        let name = row.node_id.as_str();
        ordered::entry(&mut dots, name, || dot(name)).last = last_of(row);
    }
    let others = dots.into_iter().filter(|(name, _)| *name != snapshot.health.node_id);
    others.take(MOST).map(|(_, dot)| dot).collect()
}

/// Where a node of this name is drawn.
fn place(name: &str) -> (f64, f64) {
    let hash = hash(name);
    // Two independent shares of a whole, from the two halves of the hash.
    let share = |half: u64| (half & 0xffff_ffff) as f64 / f64::from(u32::MAX);
    let (angle, distance) = (TAU * share(hash >> 32), NEAR + (FAR - NEAR) * share(hash));
    let (width, height) = HALF;
    (width * distance * libm::cos(angle), height * distance * libm::sin(angle))
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
