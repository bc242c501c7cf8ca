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
use super::world::World;
use crate::SnapshotSource;
use crate::api::Snapshot;
use crate::choice::{Choice, use_choice};
use crate::heatmap::HeatmapView;
use crate::json::Carried;
use crate::live::keep_fresh;
use crate::part::{IntoPart, later};
use crate::place::{Place, keep_title};
use crate::portrait::Portrait;
use crate::source::taken;
use crate::words::{td_string, use_language};
use beauty::Likeness;
use leptos::prelude::*;

/// The map of the mesh, or how to switch federation on.
///
/// The snapshot is taken once, on the server, and travels in the HTML: the browser's first render reads the very same.
#[component]
pub(crate) fn MapPage(
    /// Where the reader is.
    place: Place,
) -> impl IntoView {
    let choice = use_choice(place);
    let likeness = || use_context::<SnapshotSource>().map(|source| source.likeness());
    let likeness = SharedValue::new_str(|| Carried(likeness()));
    match taken(choice).zip(likeness.into_inner().0) {
        Some((snapshot, likeness)) => view! { <Map snapshot likeness choice /> }.into_part(),
        None => view! { <SwitchedOff /> }.into_part(),
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
    let language = use_language();
    let (snapshot, set_snapshot) = signal(snapshot);
    let fresh = keep_fresh((snapshot, set_snapshot), choice);
    let zone = fresh.zone;
    keep_title(move || snapshot.with(|Snapshot { health, .. }| format!("{} · Beauty Mesh", health.node_id)));
    let mode = move || {
        let ((resolution, at), snapshot) = (fresh.aim.get(), snapshot.read());
        // What is shown may be of another moment, or of columns of another width.
        let is_behind = snapshot.at != at || snapshot.heatmap.resolution_seconds != resolution.seconds();
        if is_behind { "behind" } else { fresh.status.get().mode.name() }.to_owned()
    };
    let wall = move || choice.with(|choice| choice.wall.then(|| "1".to_owned()));
    view! {
        <div class="page" data-wall=wall data-mode=mode>
            <a class="skip" href="#heatmap" rel="external">{td_string!(language, page.skip)}</a>
            <Header snapshot fresh />
            <main>
                <Agreement snapshot />
                <Tiles snapshot />
                <section aria-labelledby="heatmap-heading">
                    <div class="heading">
                        <h2 id="heatmap-heading">{td_string!(language, heatmap.title)}</h2>
                        <TimeControls snapshot choice zone />
                    </div>
                    {later(move || view! { <HeatmapView snapshot choice zone /> })}
                </section>
                <div class="pair">
                    {later(move || view! { <Trends snapshot choice /> })}
                    {later(move || view! { <Portrait snapshot likeness /> })}
                </div>
                <div class="pair pair-even">
                    {later(move || view! { <Graph snapshot choice /> })}
                    {later(move || view! { <World snapshot choice /> })}
                </div>
                {later(move || view! { <Peers snapshot choice zone /> })}
                {later(move || view! { <RawJson snapshot choice /> })}
            </main>
            {later(move || view! { <Foot snapshot choice /> })}
        </div>
    }
    .into_part()
}
