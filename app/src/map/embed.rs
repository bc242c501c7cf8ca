//! `/federated/embed`: the heatmap alone, small enough for a frame in somebody's own page.

use super::header::State;
use super::off::SwitchedOff;
use crate::choice::use_choice;
use crate::heatmap::HeatmapView;
use crate::live::keep_fresh;
use crate::part::{IntoPart, text};
use crate::place::{MAP, Place, keep_title};
use crate::source::taken;
use leptos::prelude::*;

/// The small map, kept fresh as the large one is.
#[component]
pub(crate) fn EmbedPage(
    /// Where the reader is.
    place: Place,
) -> impl IntoView {
    let choice = use_choice(place);
    let Some(snapshot) = taken(choice) else { return view! { <SwitchedOff /> }.into_part() };
    let (snapshot, set_snapshot) = signal(snapshot);
    let fresh = keep_fresh((snapshot, set_snapshot), choice);
    let name = move || snapshot.with(|snapshot| snapshot.health.node_id.clone());
    keep_title(|| "Beauty Mesh".to_owned());
    view! {
        <main class="embed" data-wall="1" data-testid="embed" data-mode=text(move || fresh.status.get().mode.name().to_owned())>
            <h1>
                <a href=MAP target="_blank">"Beauty Mesh / " {name}</a>
            </h1>
            <State snapshot fresh />
            <HeatmapView snapshot choice zone=fresh.zone />
        </main>
    }
    .into_part()
}
