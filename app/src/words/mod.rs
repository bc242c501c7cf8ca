//! Everything that the page says, in each language: one file a language, `app/locales/`, made into code by `leptos_i18n`.
//!
//! A word is named by its part of the page and its key there: `td_string!(language, header.live)`. The build names what a language
//! lacks (`build.rs`). Numbers and lengths of time are written by [`format`], moments by [`zone`].

mod format;
mod library;
mod zone;

/// What `leptos_i18n` makes of the files (`build.rs`).
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::expect_used,
    reason = "it is made by a program"
)]
mod made {
    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

pub(crate) use format::{NOTHING, isolated, shortened};
pub(crate) use leptos_i18n::td_string;
pub use made::i18n::Locale as Language;
pub(crate) use zone::{ReadersZone, Zone, rfc3339};

use crate::preferences::Preferences;
use leptos::prelude::use_context;

/// Some words of one part, in this order.
macro_rules! each {
    ($language:expr, $part:ident: $($key:ident),+) => {
        [$($crate::words::td_string!($language, $part.$key)),+]
    };
}
pub(crate) use each;

impl Language {
    /// Its tag (RFC 5646).
    #[must_use]
    pub fn tag(self) -> &'static str {
        leptos_i18n::Locale::as_str(self)
    }

    /// All languages.
    pub(crate) fn all() -> &'static [Self] {
        <Self as leptos_i18n::Locale>::get_all()
    }

    /// A number of events.
    pub(crate) fn events(self, count: u64) -> String {
        td_string!(self, counted.event, count, number = self.count(count))
    }

    /// A number of nodes.
    pub(crate) fn nodes(self, count: u64) -> String {
        td_string!(self, counted.node, count, number = self.count(count))
    }

    /// How many nodes there are beside those that are shown; nothing where there are none.
    pub(crate) fn left_out(self, count: usize) -> String {
        if count == 0 { String::new() } else { td_string!(self, heatmap.left_out, nodes = self.nodes(count as u64)) }
    }

    /// A number of columns.
    pub(crate) fn buckets(self, count: u64) -> String {
        td_string!(self, counted.bucket, count, number = self.count(count))
    }

    /// A number of peers.
    pub(crate) fn peers(self, count: u64) -> String {
        td_string!(self, counted.peer, count, number = self.count(count))
    }

    /// How often.
    pub(crate) fn times(self, count: u64) -> String {
        td_string!(self, counted.time, count, number = self.count(count))
    }

    /// Why somebody was kept out: what the node's word for it means, or else what the node says.
    pub(crate) fn reason<'a>(self, word: &str, said: &'a str) -> &'a str {
        macro_rules! meaning {
            ($($key:ident),+) => {
                match word {
                    $(stringify!($key) => td_string!(self, reasons.$key),)+
                    "binary" | "packing" | "not_json" | "wrong_shape" | "absurd_ttl" => td_string!(self, reasons.unreadable),
                    _ => "",
                }
            };
        }
        let meaning = meaning!(
            bad_signature,
            bad_event,
            unreadable,
            fragments,
            too_many_controls,
            too_fast,
            silent,
            too_many_probes,
            too_large,
            not_joining,
            version,
            other_mesh,
            one_secret,
            wrong_secret,
            replayed,
            reflected,
            not_allowed,
            unproven,
            shape,
            late,
            no_tls
        );
        if meaning.is_empty() { said } else { meaning }
    }
}

/// The reader's language.
pub(crate) fn use_language() -> Language {
    use_context::<Preferences>().unwrap_or_default().language
}
