//! The document around the page, and its routes.

use crate::map::MapPage;
use crate::not_found::NotFound;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

/// What search engines and link previews say of the page.
const DESCRIPTION: &str = "A live map of the beauty and chaos of a mesh of nodes that has no centre.";

/// The HTML document: rendered on the server, never hydrated; [`App`] is what the browser takes over.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="description" content=DESCRIPTION />
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
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/federated/map") view=MapPage />
            </Routes>
        </Router>
    }
}
