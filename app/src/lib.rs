//! The page of Beauty Mesh: the same Leptos components on the server and in the browser.
//!
//! Owns what is seen: the document, the map with its tiles and tables, how the numbers read, and how the page keeps itself
//! fresh. It must not know how events travel or are kept: it sees types of `beauty` and the JSON of [`api`], nothing else.
//!
//! One rule holds everywhere: while rendering there is no clock, no locale, no chance and no browser, so that the server's
//! HTML and the first render in the browser are equal. All of those live in effects, which run in the browser only.
#![forbid(unsafe_code)]
#![expect(unreachable_pub, reason = "#[component] makes its hidden twin `pub`, whatever visibility is written")]

pub mod api;
mod badge;
mod browser;
mod choice;
mod document;
mod fold;
mod heatmap;
mod json;
mod live;
mod map;
mod not_found;
mod number;
mod ordered;
mod part;
mod place;
mod portrait;
mod preferences;
#[cfg(test)]
mod samples;
#[cfg(feature = "ssr")]
mod shell;
mod source;
mod words;

pub use badge::badge;
pub use document::App;
pub use place::Address;
pub use portrait::{PORTRAIT_SIDE, portrait};
pub use preferences::{Preferences, Theme};
#[cfg(feature = "ssr")]
pub use shell::shell;
pub use source::SnapshotSource;
pub use words::Language;
