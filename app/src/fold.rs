//! Something folded away until the reader opens it.

use crate::part::IntoPart;
use leptos::html;
use leptos::prelude::*;

/// A `<details>` that tells whether it is open, so that what is folded away need not be kept fresh.
#[component]
pub(crate) fn Fold(
    /// What the reader sees of it when it is folded.
    summary: &'static str,
    /// The name by which tests find it.
    test_id: &'static str,
    /// Told whether it is open. What it says at first is so.
    open: RwSignal<bool>,
    /// What is folded away.
    children: Children,
) -> impl IntoView {
    let details = NodeRef::<html::Details>::new();
    let look = move || {
        if let Some(details) = details.get() {
            open.set(details.open());
        }
    };
    // The reader may have opened it before the page was hydrated.
    Effect::new(move |_| look());
    view! {
        <details class="fold" id=test_id open=open.get_untracked() node_ref=details data-testid=test_id on:toggle=move |_| untrack(look)>
            <summary>{summary}</summary>
            {children()}
        </details>
    }
    .into_part()
}
