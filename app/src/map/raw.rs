//! What the page shows, as the API tells it.

use crate::api::Snapshot;
use crate::choice::Choice;
use crate::fold::Fold;
use crate::json;
use crate::part::{IntoPart, text};
use crate::words::{td_string, use_language};
use leptos::prelude::*;

/// Where each part can be fetched. No pages of ours: `rel="external"` keeps the router away from them.
const PARTS: [&str; 3] = ["/federated/health", "/federated/network", "/federated/gossip/summary"];

/// Where the heatmap that is shown can be fetched.
fn heatmap(choice: &Choice) -> String {
    let resolution = choice.resolution;
    match choice.at {
        Some(at) => format!("/federated/moment?at={at}&resolution={resolution}"),
        None => format!("/federated/heatmap?buckets=40&resolution={resolution}"),
    }
}

/// The whole snapshot as JSON, written only while it is open, and links to its parts, which need no JavaScript.
#[component]
pub(crate) fn RawJson(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let json = move || if open.get() { snapshot.with(json::write) } else { String::new() };
    let link = |part| view! { <li><a href=part rel="external"><code>{part}</code></a></li> };
    let address = move || choice.with(heatmap);
    view! {
        <Fold summary=td_string!(use_language(), foot.raw) test_id="raw" open=open>
            <ul class="links">
                {PARTS.map(link).collect_view()}
                <li><a href=text(address) rel="external"><code>{text(address)}</code></a></li>
            </ul>
            <pre class="raw" data-testid="raw-json" tabindex="0">{text(json)}</pre>
        </Fold>
    }
    .into_part()
}
