//! What is said of an address that has no page.

use crate::part::IntoPart;
use crate::place::keep_title;
use crate::words::use_words;
use leptos::prelude::*;

/// That there is nothing here, and where the map is. The server has the snapshot, so it is asked for the map: `rel="external"`.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    let words = use_words();
    keep_title(move || format!("{} · Beauty Mesh", words.not_found));
    view! {
        <main class="message" data-testid="not-found">
            <h1>{words.not_found}</h1>
            <p>{words.map_is_at} " " <a href="/federated/map" rel="external">"/federated/map"</a> "."</p>
        </main>
    }
    .into_part()
}
