//! What is said of an address that has no page.

use crate::part::IntoPart;
use crate::place::keep_title;
use crate::words::{td_string, use_language};
use leptos::prelude::*;

/// That there is nothing here, and where the map is. The server has the snapshot, so it is asked for the map: `rel="external"`.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    let language = use_language();
    keep_title(move || format!("{} · Beauty Mesh", td_string!(language, page.not_found)));
    view! {
        <main class="message" data-testid="not-found">
            <h1>{td_string!(language, page.not_found)}</h1>
            <p>{td_string!(language, page.map_is_at)} " " <a href="/federated/map" rel="external">"/federated/map"</a> "."</p>
        </main>
    }
    .into_part()
}
