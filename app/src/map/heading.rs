//! The heading of a part whose past nobody keeps: it says so where the page shows the past.

use crate::api::Snapshot;
use crate::part::{IntoPart, text};
use crate::words::{td_string, use_language};
use leptos::prelude::*;

/// The heading, which says that it is as of now while all else is of another moment.
pub(crate) fn heading_of_now(id: &'static str, title: &'static str, snapshot: ReadSignal<Snapshot>) -> impl IntoView {
    let language = use_language();
    let said = move || {
        if snapshot.read().at.is_some() { td_string!(language, time.of_now, title) } else { title.to_owned() }
    };
    view! { <h2 id=id>{text(said)}</h2> }.into_part()
}
