//! The heading of a part whose past nobody keeps: it says so where the page shows the past.

use crate::api::Snapshot;
use crate::part::IntoPart;
use crate::words::{td_string, use_language};
use leptos::prelude::*;

/// The heading, with "as of now" behind it while all else is of another moment.
pub(crate) fn heading_of_now(id: &'static str, title: &'static str, snapshot: ReadSignal<Snapshot>) -> impl IntoView {
    let language = use_language();
    let of_now = move || snapshot.read().at.map(|_| td_string!(language, time.of_now)).unwrap_or_default().to_owned();
    view! {
        <h2 id=id>
            {title} " " <span class="note">{of_now}</span>
        </h2>
    }
    .into_part()
}
