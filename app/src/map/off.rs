//! What the page says while federation is switched off.

use crate::part::IntoPart;
use crate::place::keep_title;
use crate::words::{td_string, use_language};
use leptos::prelude::*;

/// That it is off, and how to switch it on.
#[component]
pub(crate) fn SwitchedOff() -> impl IntoView {
    let language = use_language();
    keep_title(move || format!("{} · Beauty Mesh", td_string!(language, off.title)));
    view! {
        <main class="message" data-testid="federation-off">
            <h1>{td_string!(language, off.title)}</h1>
            <p>{td_string!(language, off.why)}</p>
            <p>{td_string!(language, off.before)} " " <code>"FEDERATED_ENABLE=1"</code> " " {td_string!(language, off.after)}</p>
        </main>
    }
    .into_part()
}
