//! The page: the snapshot that it starts from, and its widgets in their order.

use super::agreement::Agreement;
use super::header::Header;
use super::off::SwitchedOff;
use super::peers::Peers;
use super::raw::RawJson;
use super::tiles::Tiles;
use crate::SnapshotSource;
use crate::api::{Health, Snapshot};
use crate::format;
use crate::heatmap::HeatmapView;
use crate::live::keep_fresh;
use leptos::prelude::*;
use leptos_meta::Title;

/// The map of the mesh, or how to switch federation on.
///
/// The snapshot is taken once, on the server, and travels in the HTML: the browser's first render reads the very same.
#[component]
pub(crate) fn MapPage() -> impl IntoView {
    let taken = SharedValue::new(|| use_context::<SnapshotSource>().and_then(|source| source.read()));
    match taken.into_inner() {
        Some(snapshot) => view! { <Map snapshot /> }.into_any(),
        None => view! { <SwitchedOff /> }.into_any(),
    }
}

/// The map, from a first snapshot on.
#[component]
fn Map(
    /// What it starts from.
    snapshot: Snapshot,
) -> impl IntoView {
    let taken_at = snapshot.health.now;
    let (snapshot, set_snapshot) = signal(snapshot);
    let status = keep_fresh(set_snapshot);
    let title = move || snapshot.with(|Snapshot { health, .. }| format!("{} · Beauty Mesh", health.node_id));
    let footer = move || {
        let Health { version, uptime_seconds, .. } = &snapshot.read().health;
        format!("Beauty Mesh {version}, up {}", format::duration(*uptime_seconds))
    };
    view! {
        <Title text=title />
        <Header snapshot status taken_at />
        <main>
            <Tiles snapshot />
            <section aria-labelledby="heatmap-heading">
                <h2 id="heatmap-heading">"Beauty over time"</h2>
                <HeatmapView snapshot />
            </section>
            <div class="pair">
                <Peers snapshot />
                <Agreement snapshot />
            </div>
            <RawJson snapshot />
        </main>
        <footer class="note">{footer}</footer>
    }
    .into_any()
}
