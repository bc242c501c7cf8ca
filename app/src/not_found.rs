//! What is said of an address that has no page.

use leptos::prelude::*;
use leptos_meta::Title;

/// That there is nothing here, and where the map is. The server has the snapshot, so it is asked for the map: `rel="external"`.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <Title text="Not found · Beauty Mesh" />
        <main class="message" data-testid="not-found">
            <h1>"There is no such page"</h1>
            <p>"The map of the mesh is at " <a href="/federated/map" rel="external">"/federated/map"</a> "."</p>
        </main>
    }
}
