//! Whose page this is, how fresh it is, and what keeps it from being the whole truth.

use crate::api::{Health, Snapshot};
use crate::live::connection::{Mode, Status};
use crate::live::{Freshness, SKEW};
use crate::part::{IntoPart, text};
use crate::words::{Language, isolated, td_string, use_language};
use leptos::prelude::*;

/// How much of a key is shown: enough to tell nodes apart at a glance.
const FINGERPRINT: usize = 16;

/// The head of the page.
#[component]
pub(crate) fn Header(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// How fresh the page is.
    fresh: Freshness,
) -> impl IntoView {
    let language = use_language();
    let zone = fresh.zone;
    let key = move || snapshot.read().health.public_key.clone().unwrap_or_default();
    let grave = move || {
        let grave = fresh.status.get().mode == Mode::Offline || snapshot.read().health.status != "ok";
        grave.then(|| "1".to_owned())
    };
    let warning = move || {
        if fresh.status.get().mode == Mode::Offline {
            let shown = snapshot.read();
            let since = zone.get().moment(shown.at.unwrap_or(shown.health.now), language);
            return td_string!(language, header.gone, since = since);
        }
        if let Some(wrong) = wrong(&snapshot.read().health, language) {
            return wrong;
        }
        if let Some(skew) = fresh.skew.get() {
            return td_string!(language, header.skewed, span = language.duration(skew.unsigned_abs()));
        }
        let apart = snapshot.read().health.clock_ahead_ms.unwrap_or_default().unsigned_abs();
        if apart > SKEW {
            return td_string!(language, header.apart, span = language.duration(apart / 1_000));
        }
        if let Some(conflict) = snapshot.read().health.conflicts.first() {
            return td_string!(language, header.name_in_doubt, name = isolated(&conflict.node_id));
        }
        let alone = snapshot.read().at.is_none() && snapshot.read().network.peers.is_empty();
        if alone { td_string!(language, header.alone).to_owned() } else { String::new() }
    };
    view! {
        <header class="header">
            <h1>
                <span class="brand">"Beauty Mesh"</span>
                " "
                <span class="node" data-testid="node-id">
                    {text(move || snapshot.read().health.node_id.clone())}
                </span>
            </h1>
            <span class="key" title=text(key)>
                <span>
                    {td_string!(language, header.mesh)} " "
                    <strong data-testid="mesh">{text(move || snapshot.read().health.mesh.clone())}</strong>
                </span>
                <span>{td_string!(language, header.key)} " " <code>{text(move || grouped(&key()))}</code></span>
            </span>
            <State snapshot fresh />
            <p class="warning" role="status" data-testid="warning" data-grave=grave>{text(warning)}</p>
        </header>
    }
    .into_part()
}

/// How fresh the page is, in a word, and since when; of what is not known to be fresh, of when it is. It says what is shown, whatever the
/// reader has chosen to see.
#[component]
pub(super) fn State(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// How fresh the page is.
    fresh: Freshness,
) -> impl IntoView {
    let language = use_language();
    let zone = fresh.zone;
    let mode = move || if snapshot.read().at.is_some() { Mode::Past } else { fresh.status.get().mode };
    let since = move || {
        let Snapshot { at, health, .. } = &*snapshot.read();
        match (at, fresh.status.get()) {
            (Some(at), _) => td_string!(language, header.at, moment = zone.get().moment(*at, language)),
            (None, Status { mode, since: Some(since) }) if mode != Mode::Loaded => {
                td_string!(language, header.since, moment = zone.get().time(since))
            }
            (None, _) => td_string!(language, header.of, moment = zone.get().time(health.now)),
        }
    };
    view! {
        <p class="state" data-testid="connection-state" data-mode=text(move || mode().name().to_owned())>
            <strong role="status">{text(move || word(mode(), language).to_owned())}</strong>
            " "
            <span class="since">{text(since)}</span>
        </p>
    }
    .into_part()
}

/// What is wrong with the node itself; a word that this page does not know, it shows as it is.
fn wrong(health: &Health, language: Language) -> Option<String> {
    Some(match health.status.as_str() {
        "ok" => return None,
        "disk-failed" => td_string!(language, header.disk_failed).to_owned(),
        "key-in-use-twice" => td_string!(language, header.key_in_use_twice).to_owned(),
        other => other.to_owned(),
    })
}

/// The beginning of a key in groups of four digits.
pub(super) fn grouped(key: &str) -> String {
    let digits: Vec<char> = key.chars().take(FINGERPRINT).collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// The mode in a word. What the server rendered is a snapshot, and stays one where JavaScript is off; what a stream told that has
/// died is one until fetches succeed.
fn word(mode: Mode, language: Language) -> &'static str {
    match mode {
        Mode::Loaded => td_string!(language, header.snapshot),
        Mode::Live => td_string!(language, header.live),
        Mode::Polling => td_string!(language, header.polling),
        Mode::Offline => td_string!(language, header.offline),
        Mode::Past => td_string!(language, header.past),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_by_its_first_sixteen_digits() {
        assert_eq!(grouped(&"0123456789abcdef".repeat(4)), "0123 4567 89ab cdef");
        assert_eq!(grouped("12345"), "1234 5");
    }

    #[test]
    fn what_is_wrong_with_a_node_is_told_by_what_it_is() {
        let said = |status: &str| {
            wrong(&Health { status: status.to_owned(), ..crate::samples::snapshot().health }, Language::en)
        };
        assert_eq!(said("ok"), None);
        assert!(said("disk-failed").unwrap().contains("disk"));
        assert!(said("key-in-use-twice").unwrap().contains("key"));
        assert_eq!(said("of-a-later-version").as_deref(), Some("of-a-later-version"));
    }
}
