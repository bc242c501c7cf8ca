//! The page that was asked for.

use crate::json::Carried;
use crate::map::{EmbedPage, MapPage};
use crate::not_found::NotFound;
use crate::part::IntoPart;
use crate::place::{EMBED, MAP, Place};
use crate::preferences::Preferences;
use leptos::prelude::*;

/// The root of the page: what is at its path, or that nothing is.
///
/// What the reader likes is known to the server alone, from the request, and travels in the HTML.
#[component]
pub fn App() -> impl IntoView {
    #[cfg(feature = "ssr")]
    leptos_meta::provide_meta_context();
    let preferences = SharedValue::new_str(|| Carried(use_context::<Preferences>().unwrap_or_default()));
    provide_context(preferences.into_inner().0);
    let (path, place) = Place::arrive();
    match path.as_str() {
        MAP => view! { <MapPage place /> }.into_part(),
        EMBED => view! { <EmbedPage place /> }.into_part(),
        _ => view! { <NotFound /> }.into_part(),
    }
}
