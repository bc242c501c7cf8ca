//! The foot of the page: keys, theme, language, and what runs here.

use crate::api::{Health, Snapshot};
use crate::browser::{self, Listener};
use crate::choice::Choice;
use crate::fold::Fold;
use crate::part::{IntoPart, text};
use crate::place::use_place;
use crate::preferences::{Preferences, Theme};
use crate::words::{Language, each, td_string};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Event;

/// The id of the list of keys, and of the canvas that a key leads to.
const KEYS: &str = "keys";
const HEATMAP: &str = "heatmap";

/// The foot.
#[component]
pub(crate) fn Foot(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let Preferences { language, theme, keys_off } = use_context().unwrap_or_default();
    keep_keys(snapshot, choice, keys_off);
    let version = move || {
        let Health { version, uptime_seconds, .. } = &snapshot.read().health;
        td_string!(language, foot.up, version, span = language.duration(*uptime_seconds))
    };
    // The server keeps what is chosen here, and renders the page anew.
    let chosen = move |name: &'static str, value: &'static str| {
        let address = choice.with(Choice::address);
        format!("{address}{}{name}={value}", if address.contains('?') { '&' } else { '?' })
    };
    let link = move |part, value, name: &'static str, current: bool| {
        let current = if current { "true" } else { "false" };
        view! {
            <a href=text(move || chosen(part, value)) rel="external" aria-current=current>{name}</a>
        }
    };
    let themes = Theme::ALL.into_iter().zip(each!(language, foot: system, light, dark));
    let themes = themes.map(move |(option, name)| link("theme", option.name(), name, option == theme));
    let [on, off] = each!(language, keys: on, off);
    let keys = vec![link("keys", "on", on, !keys_off), link("keys", "off", off, keys_off)];
    let languages = Language::all().iter().map(|&option| {
        let (tag, current) = (option.tag(), if option == language { "true" } else { "false" });
        view! {
            <a href=text(move || chosen("lang", tag)) rel="external" lang=tag hreflang=tag aria-current=current>{td_string!(option, foot.own_name)}</a>
        }
    });
    view! {
        <footer class="foot">
            <KeyList language />
            <div class="choices" role="group" aria-label=td_string!(language, keys.title)>
                <span class="choices-label"><kbd>"?"</kbd> " " <kbd>"m"</kbd> " " <kbd>"[ ]"</kbd></span>
                {keys}
            </div>
            <div class="choices" role="group" aria-label=td_string!(language, foot.theme)>
                <span class="choices-label" aria-hidden="true">{td_string!(language, foot.theme)}</span>
                {themes.collect_view()}
            </div>
            <div class="choices" role="group" aria-label=td_string!(language, foot.language)>
                <span class="choices-label" aria-hidden="true">{td_string!(language, foot.language)}</span>
                {languages.collect_view()}
            </div>
            <p class="note">{text(version)}</p>
        </footer>
    }
    .into_part()
}

#[component]
fn KeyList(
    /// The reader's language.
    language: Language,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let glyphs = [
        "?",
        "m",
        "← →",
        "↑ ↓",
        "Home End",
        "Page ↑ ↓",
        "p",
        "Shift ← →",
        "Enter",
        "[ ]",
        td_string!(language, keys.space),
        "Esc",
    ];
    let meanings =
        each!(language, keys: list, heatmap, columns, rows, ends, parts, pin, span, follow, line, pause, leave);
    let keys = glyphs.into_iter().zip(meanings).map(|(key, what)| {
        view! {
            <div>
                <dt>
                    <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
            </div>
        }
    });
    view! {
        <Fold summary=td_string!(language, keys.title) test_id=KEYS open=open>
            <dl class="keys">{keys.collect_view()}</dl>
        </Fold>
    }
}

/// Keys that hold for the whole page, from hydration on.
fn keep_keys(snapshot: ReadSignal<Snapshot>, choice: Memo<Choice>, letters_off: bool) {
    let place = use_place();
    let press = move |event: Event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        // Where one writes or presses something, keys are for that.
        if event.ctrl_key() || event.alt_key() || event.meta_key() || browser::takes_key(event) {
            return;
        }
        match event.key().as_str() {
            " " => {
                event.prevent_default();
                let now = snapshot.read_untracked().health.now;
                let choice = choice.get_untracked();
                let at = if choice.at.is_none() { Some(now) } else { None };
                place.go(&choice.with(|choice| choice.at = at));
            }
            _ if letters_off => {}
            "?" => browser::open_and_focus(KEYS),
            "m" => browser::focus(HEATMAP),
            key @ ("[" | "]") => {
                place.go(&choice.get_untracked().with_line_moved(key == "]"));
            }
            _ => {}
        }
    };
    Effect::new(move |_| browser::hold(Listener::new(window(), "keydown", press)));
}
