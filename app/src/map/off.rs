//! What the page says while federation is switched off.

use crate::part::IntoPart;
use crate::place::keep_title;
use crate::words::use_words;
use leptos::prelude::*;

/// That it is off, and how to switch it on.
#[component]
pub(crate) fn SwitchedOff() -> impl IntoView {
    let words = use_words();
    let (before, after) = words.off_how;
    keep_title(move || format!("{} · Beauty Mesh", words.off_title));
    view! {
        <main class="message" data-testid="federation-off">
            <h1>{words.off_title}</h1>
            <p>{words.off_why}</p>
            <p>{before} " " <code>"FEDERATED_ENABLE=1"</code> " " {after}</p>
        </main>
    }
    .into_part()
}
