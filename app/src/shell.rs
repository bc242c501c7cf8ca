//! The document around the page: rendered on the server, never hydrated.

use crate::document::App;
use crate::preferences::{Preferences, Theme};
use crate::words::td_string;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

/// The HTML document; [`App`] is what the browser takes over.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let Preferences { language, theme, .. } = use_context().unwrap_or_default();
    // Where the system decides, the style sheet asks it.
    let theme = (theme != Theme::System).then(|| theme.name());
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="description" content=td_string!(language, page.description) />
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
