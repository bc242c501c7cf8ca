//! What the page says while federation is switched off.

use leptos::prelude::*;
use leptos_meta::Title;

/// That it is off, and how to switch it on.
#[component]
pub(crate) fn SwitchedOff() -> impl IntoView {
    view! {
        <Title text="Federation is off · Beauty Mesh" />
        <main class="message" data-testid="federation-off">
            <h1>"Federation is off"</h1>
            <p>"This node takes part in no mesh, so it has no map to show."</p>
            <p>"To switch it on, start the node with " <code>"FEDERATED_ENABLE=1"</code> " in its environment."</p>
        </main>
    }
}
