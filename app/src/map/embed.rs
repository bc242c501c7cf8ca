//! `/federated/embed`: the heatmap alone, small enough for a frame in somebody's own page.

use super::off::SwitchedOff;
use crate::choice::{PATH, use_choice};
use crate::heatmap::HeatmapView;
use crate::live::keep_fresh;
use crate::source::taken;
use leptos::prelude::*;
use leptos_meta::Title;

/// The small map, kept fresh as the large one is.
#[component]
pub(crate) fn EmbedPage() -> impl IntoView {
    let choice = use_choice();
    let Some(snapshot) = taken(choice) else { return view! { <SwitchedOff /> }.into_any() };
    let (snapshot, set_snapshot) = signal(snapshot);
    let fresh = keep_fresh(set_snapshot, choice);
    let name = move || snapshot.with(|snapshot| snapshot.health.node_id.clone());
    view! {
        <Title text="Beauty Mesh" />
        <main class="embed" data-wall="1" data-testid="embed" data-mode=move || fresh.status.get().mode.name()>
            <h1>
                <a href=PATH target="_blank">"Beauty Mesh / " {name}</a>
            </h1>
            <HeatmapView snapshot choice />
        </main>
    }
    .into_any()
}
