//! The document around the page, and its routes.

use crate::map::{EmbedPage, MapPage};
use crate::not_found::NotFound;
use crate::preferences::{Preferences, Theme};
use crate::words::Words;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

/// The HTML document: rendered on the server, never hydrated; [`App`] is what the browser takes over.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let Preferences { language, theme } = use_context().unwrap_or_default();
    // Where the system decides, the style sheet asks it.
    let theme = (theme != Theme::System).then(|| theme.name());
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="description" content=Words::of(language).description />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href="/favicon.svg" />
                <HashedStylesheet id="leptos" options=options.clone() />
                // Without JavaScript the browser itself fetches the page anew.
                <noscript>
                    <meta http-equiv="refresh" content="10" />
                </noscript>
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The root of the page: its routes, and what is said where none fits.
///
/// What the reader likes is known to the server alone, from the request, and travels in the HTML.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let preferences = SharedValue::new(|| use_context::<Preferences>().unwrap_or_default());
    provide_context(preferences.into_inner());
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/federated/map") view=MapPage />
                <Route path=path!("/federated/embed") view=EmbedPage />
            </Routes>
        </Router>
    }
}
