//! Whose page this is, and how fresh it is.

use crate::api::Snapshot;
use crate::format;
use crate::live::connection::{Mode, Status};
use leptos::prelude::*;

/// The head of the page.
#[component]
pub(crate) fn Header(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// How fresh the page is.
    status: ReadSignal<Status>,
    /// When the server took the snapshot that the page started from.
    taken_at: u64,
) -> impl IntoView {
    let since = move || match status.get().since {
        Some(since) => format!("since {} UTC", format::time(since)),
        None => format!("of {} UTC", format::time(taken_at)),
    };
    view! {
        <header class="header">
            <h1>
                <span class="brand">"Beauty Mesh"</span>
                " "
                <span class="node" data-testid="node-id">
                    {move || snapshot.read().health.node_id.clone()}
                </span>
            </h1>
            <p class="state" data-testid="connection-state" data-mode=move || name(status.get().mode)>
                <strong role="status">{move || word(status.get().mode)}</strong>
                " "
                <span class="since">{since}</span>
            </p>
        </header>
    }
    .into_any()
}

/// The mode in a word. What the server rendered is a snapshot, and stays one where JavaScript is off.
fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Loaded => "Snapshot",
        Mode::Live => "Live",
        Mode::Polling => "Polling",
        Mode::Offline => "Offline",
    }
}

/// The mode as the style sheet knows it.
fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Loaded => "loaded",
        Mode::Live => "live",
        Mode::Polling => "polling",
        Mode::Offline => "offline",
    }
}
