//! The page: the snapshot that it starts from, and its widgets in their order.

use super::agreement::Agreement;
use super::foot::Foot;
use super::graph::Graph;
use super::header::Header;
use super::off::SwitchedOff;
use super::peers::Peers;
use super::raw::RawJson;
use super::tiles::Tiles;
use super::time::TimeControls;
use super::trends::Trends;
use crate::SnapshotSource;
use crate::api::Snapshot;
use crate::choice::{Choice, use_choice};
use crate::heatmap::HeatmapView;
use crate::live::keep_fresh;
use crate::portrait::Portrait;
use crate::source::taken;
use crate::words::use_words;
use beauty::Likeness;
use leptos::prelude::*;
use leptos_meta::Title;

/// The map of the mesh, or how to switch federation on.
///
/// The snapshot is taken once, on the server, and travels in the HTML: the browser's first render reads the very same.
#[component]
pub(crate) fn MapPage() -> impl IntoView {
    let choice = use_choice();
    let likeness = SharedValue::new(|| use_context::<SnapshotSource>().map(|source| source.likeness()));
    match taken(choice).zip(likeness.into_inner()) {
        Some((snapshot, likeness)) => view! { <Map snapshot likeness choice /> }.into_any(),
        None => view! { <SwitchedOff /> }.into_any(),
    }
}

/// The map, from a first snapshot on.
#[component]
fn Map(
    /// What it starts from.
    snapshot: Snapshot,
    /// What its portrait starts from.
    likeness: Likeness,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let words = use_words();
    let taken_at = snapshot.health.now;
    let (snapshot, set_snapshot) = signal(snapshot);
    let fresh = keep_fresh(set_snapshot, choice);
    let title = move || snapshot.with(|Snapshot { health, .. }| format!("{} · Beauty Mesh", health.node_id));
    let wall = move || choice.with(|choice| choice.wall).then_some("1");
    view! {
        <Title text=title />
        <div class="page" data-wall=wall>
            <a class="skip" href="#heatmap" rel="external">{words.skip}</a>
            <Header snapshot fresh taken_at choice />
            <main>
                <Agreement snapshot />
                <Tiles snapshot choice />
                <section aria-labelledby="heatmap-heading">
                    <div class="heading">
                        <h2 id="heatmap-heading">{words.over_time}</h2>
                        <TimeControls snapshot choice />
                    </div>
                    <HeatmapView snapshot choice />
                </section>
                <div class="pair">
                    <Trends snapshot choice />
                    <Portrait snapshot likeness />
                </div>
                <div class="pair pair-narrow-first">
                    <Graph snapshot choice />
                    <Peers snapshot />
                </div>
                <RawJson snapshot />
            </main>
            <Foot snapshot choice />
        </div>
    }
    .into_any()
}
