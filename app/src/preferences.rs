//! How the reader likes the page: its language and its theme. Known before the page is rendered, and the same all through it.

use crate::words::Language;
use leptos_i18n::Locale;
use leptos_i18n::reexports::icu::locid::LanguageIdentifier;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All themes, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name in the address, in the cookie and in the style sheet.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

/// What the reader likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The language.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    /// Whether letters and signs are no keys, wherever on the page they are pressed: who speaks to the machine would press them unawares.
    pub keys_off: bool,
}

impl Preferences {
    /// What a request says: its query first (`lang`, `theme`, `keys`), then its cookies of the same names, then, for the language,
    /// what the browser accepts.
    #[must_use]
    pub fn of_request(query: &str, cookies: &str, accept_language: &str) -> Self {
        let asked = |name: &str| part(query, '&', name);
        let kept = |name: &str| part(cookies, ';', name);
        let tag = |tag: Option<&str>| tag.and_then(spoken);
        let theme = |name: Option<&str>| name.and_then(Theme::of_name);
        Self {
            language: tag(asked("lang")).or_else(|| tag(kept("lang"))).unwrap_or_else(|| accepted(accept_language)),
            theme: theme(asked("theme")).or_else(|| theme(kept("theme"))).unwrap_or_default(),
            keys_off: asked("keys").or_else(|| kept("keys")) == Some("off"),
        }
    }

    /// The cookies by which a browser keeps what its reader has chosen in this query; none where nothing was chosen.
    #[must_use]
    pub fn cookies(&self, query: &str) -> Vec<String> {
        let keys = if self.keys_off { "off" } else { "on" };
        let chosen = [("lang", self.language.tag()), ("theme", self.theme.name()), ("keys", keys)];
        let chosen = chosen.into_iter().filter(|(name, value)| part(query, '&', name) == Some(value));
        chosen.map(|(name, value)| format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax")).collect()
    }
}

/// The value of a name among others.
fn part<'a>(parts: &'a str, between: char, name: &str) -> Option<&'a str> {
    parts.split(between).find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The language that a tag means, where the page speaks it: `ru-RU` is Russian.
fn spoken(tag: &str) -> Option<Language> {
    let tag = LanguageIdentifier::try_from_str(tag).ok()?;
    Language::find_matchs(tag).first().copied()
}

/// The language that the browser likes best among those that the page speaks (RFC 9110, 12.5.4).
fn accepted(header: &str) -> Language {
    let range = |range: &str| {
        let (tag, weight) = range.split_once(";q=").unwrap_or((range, "1"));
        (tag.trim().to_owned(), weight.trim().parse().unwrap_or(0.0))
    };
    let mut ranges: Vec<(String, f32)> = header.split(',').map(range).filter(|(_, weight)| *weight > 0.0).collect();
    ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let tags: Vec<String> = ranges.into_iter().map(|(tag, _)| tag).collect();
    Language::find_locale(&tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(query: &str, cookies: &str, accept: &str) -> Language {
        Preferences::of_request(query, cookies, accept).language
    }

    #[test]
    fn the_address_counts_before_the_cookie_and_the_cookie_before_the_browser() {
        assert_eq!(language("res=1m&lang=en", "lang=ru", "ru"), Language::en);
        assert_eq!(language("res=1m", "a=b; lang=ru", "en"), Language::ru);
        assert_eq!(language("", "", "ru-RU,ru;q=0.9,en;q=0.8"), Language::ru);
        assert_eq!(language("lang=xx", "lang=", "de, fr;q=0.5"), Language::en);
    }

    #[test]
    fn the_browser_says_how_much_it_likes_a_language() {
        assert_eq!(accepted("ru;q=0.3, en;q=0.8"), Language::en);
        assert_eq!(accepted("de, ru;q=0.2"), Language::ru);
        assert_eq!(accepted("ru;q=0"), Language::en);
        assert_eq!(accepted(";q=,,"), Language::en);
    }

    #[test]
    fn what_was_chosen_is_kept_and_nothing_else() {
        let chosen = Preferences::of_request("lang=ru&theme=dark", "", "");
        assert_eq!((chosen.language, chosen.theme), (Language::ru, Theme::Dark));
        let cookies = chosen.cookies("lang=ru&theme=dark");
        assert_eq!(cookies.len(), 2);
        assert!(cookies[0].starts_with("lang=ru; Path=/") && cookies[1].starts_with("theme=dark; Path=/"));
        assert!(chosen.cookies("res=1m").is_empty());
        let quiet = Preferences::of_request("keys=off", "keys=on", "");
        assert!(quiet.keys_off && quiet.cookies("keys=off")[0].starts_with("keys=off; "));
        assert!(Preferences::of_request("", "keys=off", "").keys_off);
        assert!(!Preferences::of_request("keys=on", "keys=off", "").keys_off);
        assert!(Preferences::of_request("theme=pink", "", "").cookies("theme=pink").is_empty());
    }
}
