//! The mesh as a graph: this node in the middle, every node that it knows of around it, each in a place of its own.
//!
//! A place follows from the node's name alone. So nothing moves when others come and go, and every page shows a node in the same place: all
//! but its own page, where it is in the middle.

use super::heading::heading_of_now;
use crate::api::{Peer, Snapshot};
use crate::choice::{Choice, Palette};
use crate::heatmap::{Area, node_colour};
use crate::number::tenths;
use crate::ordered;
use crate::part::{IntoPart, text};
use crate::words::{Language, isolated, shortened, td_string, use_language};
use beauty::HeatmapRow;
use leptos::prelude::*;
use std::f64::consts::TAU;

/// Half the width and half the height of the drawing, and all of it as SVG has it.
const HALF: (f64, f64) = (320.0, 180.0);
const VIEW_BOX: &str = "-320 -180 640 360";
const DRAWING: Area = Area { x: -HALF.0, y: -HALF.1, width: 2.0 * HALF.0, height: 2.0 * HALF.1 };
/// How far from the middle nodes are, as shares of the half; names need the rest.
const NEAR: f64 = 0.45;
const FAR: f64 = 0.88;
/// How far along a link its words may stand, the best first: the middle of the drawing has a name of its own.
const ALONG: [f64; 3] = [0.62, 0.75, 0.45];
/// How far from the middle of a line words stay.
const CLEAR: f64 = 5.0;
/// How far below its dot a name stands, and how far above it where there is no room.
pub(super) const BELOW: f64 = 22.0;
const NAMES: [f64; 2] = [BELOW, -14.0];
/// How far below the middle this node's own name stands.
const OWN_NAME: f64 = 30.0;
/// So many nodes are drawn, those that are linked first; more could not be told apart.
const MOST: usize = 240;
/// Up to so many links have their round trip written beside them, and so many nodes their name, if there is room.
const MOST_WORDS: usize = 16;
/// The room that words take: for a letter of a name, for the numbers of a link whatever they are, from top to bottom, and above the
/// line that they stand on.
const LETTER: f64 = 8.5;
const NUMBERS: f64 = 88.0;
const HIGH: f64 = 16.0;
const RISE: f64 = 12.0;
/// Up to so many letters of a name are written.
pub(super) const LETTERS: usize = 24;
/// On a phone, where the drawing is small, words are so much larger, and names so much lower; and what the style sheet calls a name that
/// has no room then, and one that has (`style/_graph.scss`).
const PHONE: f64 = 1.6;
const LOWER: f64 = 8.0;
const NAME: [&str; 2] = ["graph-name graph-tight", "graph-name"];

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
        let known = language.nodes(known(&snapshot) as u64);
        let peers = language.peers(snapshot.network.peers.len() as u64);
        td_string!(language, links.summary, node = isolated(&snapshot.health.node_id), peers, known)
    };
    let left_out = move || language.left_out(known(&snapshot.read()).saturating_sub(MOST));
    let palette = move || choice.with(|choice| choice.palette);
    let links = move || {
        let snapshot = snapshot.read();
        dots(&snapshot).iter().filter(|dot| dot.peer.is_some()).map(|dot| link(dot, language)).collect_view()
    };
    let others = move || {
        let snapshot = snapshot.read();
        dots(&snapshot).iter().take(MOST).map(|dot| circle(dot, title(dot, language), palette())).collect_view()
    };
    let words = move || {
        let snapshot = snapshot.read();
        let (dots, own) = (dots(&snapshot), snapshot.health.node_id.as_str());
        let mut taken = vec![around((0.0, 0.0), 26.0), on_phone(room((0.0, OWN_NAME), width(own)))];
        taken.extend(dots.iter().take(MOST_WORDS).map(|dot| around(dot.at, 18.0)));
        let words = dots.iter().zip(readable(&dots, own)).flat_map(|(dot, (below, beside))| {
            let name = below.map(|below| {
                let at = by_dot(dot, below);
                let fits = take(&mut taken, on_phone(room(at, width(&dot.name))));
                word(NAME[usize::from(fits)], at, short(&dot.name))
            });
            [name, beside.map(|at| word("graph-rtt", at, numbers(dot, language)))]
        });
        let mut words: Vec<_> = words.flatten().collect();
        let has_words = few_links(&dots);
        for dot in dots.iter().filter(|dot| has_words && dot.peer.is_some()) {
            let at = numbers_at(dot, &dots, PHONE, |room| room.lies_in(&DRAWING) && take(&mut taken, room));
            words.extend(at.map(|at| word("graph-phone", at, numbers(dot, language))));
        }
        words.collect_view()
    };
    let own_colour = move || {
        let snapshot = snapshot.read();
        node_colour(palette(), newest(&snapshot, &snapshot.health.node_id))
    };
    view! {
        <section aria-labelledby="links-heading">
            {heading_of_now("links-heading", td_string!(language, links.title), snapshot)}
            <svg class="graph" data-testid="graph" role="img" aria-label=text(summary) viewBox=VIEW_BOX>
                <g>{links}</g>
                <g>{others}</g>
                <g>{words}</g>
                <circle class="graph-self" r="13" fill=text(own_colour) />
                <text class="graph-name" y=tenths(OWN_NAME)>{text(move || short(&snapshot.read().health.node_id))}</text>
            </svg>
            <p class="note">{td_string!(language, links.help)} " " {text(left_out)}</p>
        </section>
    }
    .into_part()
}

/// The line of a link.
fn link(dot: &Dot<'_>, language: Language) -> impl IntoView + use<> {
    let (x, y) = dot.at;
    let differs = dot.peer.is_some_and(|peer| peer.in_sync == Some(false));
    let class = if differs { "graph-link graph-differs" } else { "graph-link" };
    let strength = strength(dot.peer.and_then(|peer| peer.rtt_ms));
    view! {
        <line class=class x2=tenths(x) y2=tenths(y) stroke-width=tenths(strength)>
            <title>{title(dot, language)}</title>
        </line>
    }
}

/// The round trip and the redundancy of a link.
fn numbers(dot: &Dot<'_>, language: Language) -> String {
    let Some(peer) = dot.peer else { return String::new() };
    let numbers =
        [peer.rtt_ms.map(|rtt| language.milliseconds(rtt)), peer.redundancy.map(|times| language.fixed(times, 2))];
    numbers.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What a dot and its link say to whoever points at them: all, whether there is room to write it or not.
fn title(dot: &Dot<'_>, language: Language) -> String {
    let numbers = numbers(dot, language);
    if numbers.is_empty() { dot.name.clone() } else { format!("{}: {numbers}", isolated(&dot.name)) }
}

/// A dot, and what it says to whoever points at it.
pub(super) fn circle(dot: &Dot<'_>, title: String, palette: Palette) -> impl IntoView + use<> {
    let (x, y) = dot.at;
    let (class, radius) = if dot.peer.is_some() { ("graph-peer", "9") } else { ("graph-known", "6") };
    view! {
        <circle class=class cx=tenths(x) cy=tenths(y) r=radius fill=node_colour(palette, dot.last)>
            <title>{title}</title>
        </circle>
    }
}

/// A word in the middle of a point. All are of one type: others would be some kB more of the program.
pub(super) fn word(class: &'static str, (x, y): (f64, f64), text: String) -> impl IntoView + use<> {
    view! { <text class=class x=tenths(x) y=tenths(y)>{text}</text> }
}

/// How far below a dot its name stands, and where its numbers do; nowhere where there is no room.
type Words = (Option<f64>, Option<(f64, f64)>);

/// Which words of each dot can be read: how far below it its name stands, and where beside its link the numbers do. No word lies on
/// another, nor on a dot that has words, and numbers touch no line. It follows from the names alone: numbers that change move nothing.
fn readable(dots: &[Dot<'_>], own: &str) -> Vec<Words> {
    let few_links = few_links(dots);
    let named = |dot: &Dot<'_>| dots.len() <= MOST_WORDS || dot.peer.is_some() && few_links;
    let mut taken = vec![around((0.0, 0.0), 26.0), room((0.0, OWN_NAME), width(own))];
    taken.extend(dots.iter().filter(|dot| named(dot)).map(|dot| around(dot.at, 18.0)));
    let mut fits = |room: Area| room.lies_in(&DRAWING) && take(&mut taken, room);
    let mut name =
        |dot: &Dot<'_>| NAMES.into_iter().find(|below| named(dot) && fits(room(by_dot(dot, *below), width(&dot.name))));
    let names: Vec<Option<f64>> = dots.iter().map(&mut name).collect();
    let mut numbers =
        |dot: &Dot<'_>| if few_links && dot.peer.is_some() { numbers_at(dot, dots, 1.0, &mut fits) } else { None };
    dots.iter().zip(names).map(|(dot, name)| (name, numbers(dot))).collect()
}

/// Whether links are so few that words can stand beside them.
fn few_links(dots: &[Dot<'_>]) -> bool {
    dots.iter().filter(|dot| dot.peer.is_some()).count() <= MOST_WORDS
}

/// Where the numbers of a link stand, so many times as large as usual: beside it, on no line, and where they fit.
fn numbers_at(dot: &Dot<'_>, dots: &[Dot<'_>], scale: f64, mut fits: impl FnMut(Area) -> bool) -> Option<(f64, f64)> {
    let mut places = ALONG.into_iter().flat_map(|along| [-1.0, 1.0].map(|side| beside(dot.at, along, side, scale)));
    places.find(|at| {
        let room = scaled(*at, NUMBERS, scale);
        let crossed = dots.iter().any(|other| other.peer.is_some() && crosses(other.at, &room));
        !crossed && fits(room)
    })
}

/// Takes room, if it is free.
fn take(taken: &mut Vec<Area>, room: Area) -> bool {
    let free = !taken.iter().any(|other| other.meets(&room));
    if free {
        taken.push(room);
    }
    free
}

/// Where the name of a dot stands, so far below it: nowhere so far to a side that it would leave the drawing, on a phone neither.
fn by_dot(dot: &Dot<'_>, below: f64) -> (f64, f64) {
    let ((x, y), most) = (dot.at, HALF.0 - PHONE * width(&dot.name) / 2.0);
    (x.min(most).max(-most), y + below)
}

/// A name as it is written.
fn short(name: &str) -> String {
    shortened(name, LETTERS)
}

/// Where numbers stand, so far along the link to a dot, and beside it: above where the side is 1, below where it is -1.
fn beside(at: (f64, f64), along: f64, side: f64, scale: f64) -> (f64, f64) {
    let ((right, down), _) = way(at);
    let away = side * right.signum() * clear((right, down), scale * NUMBERS, scale * HIGH);
    (at.0 * along + down * away, at.1 * along - right * away + scale * (RISE - HIGH / 2.0))
}

/// The way from the middle to a place: its direction, and its length.
fn way((x, y): (f64, f64)) -> ((f64, f64), f64) {
    let length = (x * x + y * y).sqrt();
    ((x / length, y / length), length)
}

/// How far the middle of a room is from a line of this direction, at least, for the line not to touch it.
fn clear((right, down): (f64, f64), width: f64, height: f64) -> f64 {
    (width * down.abs() + height * right.abs()) / 2.0 + CLEAR
}

/// Whether the link to a place touches a room.
fn crosses(at: (f64, f64), room: &Area) -> bool {
    let ((right, down), length) = way(at);
    let (x, y) = (room.x + room.width / 2.0, room.y + room.height / 2.0);
    let (along, across) = (x * right + y * down, x * down - y * right);
    let reach = (room.width * right.abs() + room.height * down.abs()) / 2.0;
    // A hair less: words beside their own link are as near as they may be.
    let touches = across.abs() < clear((right, down), room.width, room.height) - 0.01;
    touches && along + reach > 0.0 && along - reach < length
}

/// How wide a name is, as it is written.
fn width(name: &str) -> f64 {
    LETTER * name.chars().count().min(LETTERS) as f64
}

/// The room of a word that stands in the middle of a point.
fn room(at: (f64, f64), width: f64) -> Area {
    scaled(at, width, 1.0)
}

/// The same of a word that is so many times as large.
fn scaled((x, y): (f64, f64), width: f64, scale: f64) -> Area {
    Area { x: x - scale * width / 2.0, y: y - scale * RISE, width: scale * width, height: scale * HIGH }
}

/// The room that the same name takes on a phone.
fn on_phone(Area { x, y, width, height }: Area) -> Area {
    let more = PHONE - 1.0;
    Area { x: x - more * width / 2.0, y: y + LOWER - more * RISE, width: PHONE * width, height: PHONE * height }
}

/// The room of a circle.
fn around((x, y): (f64, f64), size: f64) -> Area {
    Area { x: x - size / 2.0, y: y - size / 2.0, width: size, height: size }
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

/// How many other nodes this one is linked to or has events of.
fn known(snapshot: &Snapshot) -> usize {
    let rows = &snapshot.heatmap.nodes;
    let has_row = |name: &str| rows.iter().any(|row| row.node_id == name);
    let linked = snapshot.network.peers.iter().filter(|peer| !has_row(name_of(peer)));
    linked.count() + snapshot.heatmap.nodes_total.max(rows.len()) - usize::from(has_row(&snapshot.health.node_id))
}

/// The name of a peer, or where none is known, its address.
fn name_of(peer: &Peer) -> &str {
    peer.node_id.as_deref().unwrap_or(&peer.address)
}

/// All other nodes that this one is linked to, by name, then those that it has events of.
fn dots(snapshot: &Snapshot) -> Vec<Dot<'_>> {
    let mut dots: Vec<(&str, Dot<'_>)> = Vec::new();
    let dot = |name: &str| Dot { name: name.to_owned(), at: place(name), peer: None, last: None };
    for peer in &snapshot.network.peers {
        let name = name_of(peer);
        ordered::entry(&mut dots, name, || dot(name)).peer = Some(peer);
    }
    for row in &snapshot.heatmap.nodes {
        let name = row.node_id.as_str();
        ordered::entry(&mut dots, name, || dot(name)).last = last_of(row);
    }
    let others = dots.into_iter().filter(|(name, _)| *name != snapshot.health.node_id).map(|(_, dot)| dot);
    let (mut dots, mut linked) = (Vec::new(), 0);
    for dot in others {
        let is_linked = dot.peer.is_some();
        dots.insert(if is_linked { linked } else { dots.len() }, dot);
        linked += usize::from(is_linked);
    }
    dots
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
#[path = "graph_tests.rs"]
mod tests;
