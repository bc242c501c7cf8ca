//! Everything that the page says, in each language: one file a language, and the compiler names what a language lacks.
//!
//! Numbers, plurals and lengths of time are written by [`format`], from what the language says of itself here.

mod en;
mod format;
mod ru;

pub(crate) use en::EN;
pub(crate) use format::{NOTHING, day_and_time, rfc3339, time};

use crate::preferences::{Language, Preferences};
use leptos::prelude::use_context;

/// A noun after a number, in up to three forms: which one is said by the language's [`Words::plural`].
pub(crate) type Noun = [&'static str; 3];

/// A word for each kind of the heatmap, in the order of `Kind::ALL`.
pub(crate) type Kinds = [&'static str; 4];

/// One language.
#[derive(Debug)]
pub(crate) struct Words {
    /// What stands before the fraction of a number.
    pub(crate) decimal: &'static str,
    /// What stands between thousands.
    pub(crate) thousands: &'static str,
    /// Which form of a noun follows a number.
    pub(crate) plural: fn(u64) -> usize,
    /// Days, hours, minutes, seconds, milliseconds, as they stand behind a number.
    pub(crate) units: [&'static str; 5],

    // Nouns.
    pub(crate) event: Noun,
    pub(crate) node: Noun,
    pub(crate) bucket: Noun,
    pub(crate) peer: Noun,
    pub(crate) times: Noun,

    // The document.
    #[cfg(feature = "ssr")]
    pub(crate) description: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) not_found: &'static str,
    pub(crate) map_is_at: &'static str,
    pub(crate) off_title: &'static str,
    pub(crate) off_why: &'static str,
    pub(crate) off_how: (&'static str, &'static str),

    // Whose page it is, and how fresh.
    pub(crate) snapshot: &'static str,
    pub(crate) live: &'static str,
    pub(crate) polling: &'static str,
    pub(crate) offline: &'static str,
    pub(crate) past: &'static str,
    pub(crate) since: &'static str,
    pub(crate) of: &'static str,
    pub(crate) at: &'static str,
    pub(crate) key: &'static str,
    pub(crate) skewed: fn(&str) -> String,
    pub(crate) alone: &'static str,
    pub(crate) gone: fn(&str) -> String,
    pub(crate) disk_failed: &'static str,
    pub(crate) key_in_use_twice: &'static str,
    pub(crate) name_in_doubt: fn(&str) -> String,
    pub(crate) of_mesh: &'static str,
    pub(crate) up: &'static str,

    // Agreement.
    pub(crate) agreement: &'static str,
    pub(crate) nobody_told: &'static str,
    pub(crate) one_agrees: &'static str,
    pub(crate) both_agree: &'static str,
    pub(crate) all_agree: fn(&str) -> String,
    pub(crate) some_agree: fn(&str, &str) -> String,
    pub(crate) behind: fn(&str) -> String,
    pub(crate) kept: fn(&str, &str) -> String,
    pub(crate) equal_digests: &'static str,

    // The numbers.
    pub(crate) now: &'static str,
    pub(crate) tiles: [&'static str; 7],
    pub(crate) window: fn(&str) -> String,
    pub(crate) rising: &'static str,
    pub(crate) falling: &'static str,
    pub(crate) steady: &'static str,
    pub(crate) directions: [&'static str; 3],
    pub(crate) calm: &'static str,
    pub(crate) lively: &'static str,
    pub(crate) turbulent: &'static str,
    pub(crate) no_events_yet_sentence: &'static str,
    pub(crate) too_few: &'static str,

    // The heatmap.
    pub(crate) over_time: &'static str,
    pub(crate) mesh: &'static str,
    pub(crate) no_events: &'static str,
    pub(crate) no_events_yet: &'static str,
    pub(crate) newest: &'static str,
    pub(crate) filling: &'static str,
    pub(crate) heatmap: &'static str,
    pub(crate) heatmap_summary: fn(&str, &str, &str, &str) -> String,
    pub(crate) heatmap_help: &'static str,
    pub(crate) as_table: &'static str,
    pub(crate) show_table: &'static str,
    pub(crate) from: &'static str,
    pub(crate) events: &'static str,
    pub(crate) left_out: fn(&str) -> String,
    pub(crate) part: fn(&str, &str, &str) -> String,
    pub(crate) above: &'static str,
    pub(crate) below: &'static str,
    pub(crate) filter: &'static str,
    pub(crate) column_width: &'static str,
    pub(crate) resolutions: [&'static str; 5],
    pub(crate) kind: &'static str,
    pub(crate) kinds: Kinds,
    pub(crate) scales: Kinds,
    pub(crate) colours: &'static str,
    pub(crate) palettes: [&'static str; 3],
    pub(crate) against_usual: &'static str,
    pub(crate) line: &'static str,
    pub(crate) no_line: &'static str,

    // Trends.
    pub(crate) trends: &'static str,
    pub(crate) trends_help: fn(&str) -> String,
    pub(crate) average_and_range: &'static str,
    pub(crate) chaos: &'static str,
    pub(crate) follow_none: &'static str,

    // The mesh and its peers.
    pub(crate) links: &'static str,
    pub(crate) links_help: &'static str,
    pub(crate) links_summary: fn(&str, &str, &str) -> String,
    pub(crate) peers: &'static str,
    pub(crate) peer_columns: [&'static str; 8],
    pub(crate) sort_by: &'static str,
    pub(crate) ago: fn(&str) -> String,
    pub(crate) no_peers: (&'static str, &'static str),
    pub(crate) unnamed: &'static str,
    pub(crate) cheats: &'static str,
    pub(crate) cheaters: fn(&str) -> String,
    pub(crate) connecting: &'static str,
    pub(crate) called_us: &'static str,
    pub(crate) we_called: &'static str,
    pub(crate) linked_for: fn(&str) -> String,
    pub(crate) heard_ago: fn(&str) -> String,
    pub(crate) same_as_ours: &'static str,
    pub(crate) not_ours: &'static str,
    pub(crate) peer_states: [&'static str; 3],
    pub(crate) again: fn(&str, &str) -> String,
    pub(crate) doubtful: &'static str,
    pub(crate) doubtful_columns: [&'static str; 4],
    pub(crate) doubts: [&'static str; 4],
    pub(crate) until: fn(&str) -> String,
    pub(crate) other_keys: fn(&str, &str) -> String,
    /// What the node's words for reasons mean. What is not here, the node says itself, in English.
    pub(crate) reasons: &'static [(&'static str, &'static str)],

    // The world.
    pub(crate) world: &'static str,
    pub(crate) world_help: &'static str,
    pub(crate) as_list: &'static str,
    /// North, south, east, west, as they stand behind degrees.
    pub(crate) compass: [&'static str; 4],

    // The portrait.
    pub(crate) portrait: &'static str,
    pub(crate) portrait_help: &'static str,
    pub(crate) portrait_label: fn(&str) -> String,
    pub(crate) portrait_traits: [&'static str; 4],
    pub(crate) portrait_empty: &'static str,
    pub(crate) save_png: &'static str,

    // Time, and what can be taken along.
    pub(crate) time: &'static str,
    pub(crate) pause: &'static str,
    pub(crate) resume: &'static str,
    pub(crate) earlier: &'static str,
    pub(crate) later: &'static str,
    pub(crate) scrub: &'static str,
    pub(crate) save: &'static str,

    // The foot.
    pub(crate) raw: &'static str,
    pub(crate) theme: &'static str,
    pub(crate) themes: [&'static str; 3],
    pub(crate) language_label: &'static str,
    pub(crate) keys: &'static str,
    pub(crate) key_list: [(&'static str, &'static str); 10],
}

impl Words {
    /// Why somebody was kept out: what the node's word for it means, or else what the node says.
    pub(crate) fn reason<'a>(&self, word: &str, said: &'a str) -> &'a str {
        self.reasons.iter().find(|(known, _)| *known == word).map_or(said, |(_, meaning)| meaning)
    }

    /// The words of a language.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &EN,
            Language::Russian => &ru::RU,
        }
    }
}

/// The words of the reader's language.
pub(crate) fn use_words() -> &'static Words {
    Words::of(use_context::<Preferences>().unwrap_or_default().language)
}
