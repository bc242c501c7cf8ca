//! Who is kept out, and who may not be who it says: banned hosts, connections that came to nothing, names with more than one key.

use super::header::grouped;
use crate::api::{Banned, Conflict, Snapshot, TurnedAway};
use crate::part::{IntoPart, flag};
use crate::words::{Language, ReadersZone, Zone, each, td_string, use_language};
use leptos::prelude::*;

/// One of them, in words. What they said of themselves is text of strangers.
#[derive(Clone, Debug, PartialEq)]
struct Doubt {
    who: String,
    what: &'static str,
    why: String,
    when: String,
}

/// The table; hidden while there is nobody in it.
#[component]
pub(crate) fn Doubtful(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// The zone that times are told in.
    zone: ReadersZone,
) -> impl IntoView {
    let language = use_language();
    let rows =
        move || snapshot.with(|snapshot| doubts(snapshot, zone.get(), language)).into_iter().map(row).collect_view();
    let none = move || snapshot.with(|snapshot| doubts(snapshot, Zone::UTC, language).is_empty());
    view! {
        <div class="doubtful scroll" class:hidden=flag(none) role="group" aria-labelledby="doubtful-heading" tabindex="0">
            <h3 id="doubtful-heading">{td_string!(language, doubtful.title)}</h3>
            <table data-testid="doubtful">
                <thead>
                    <tr>{each!(language, doubtful: who, what, why, when).into_iter().map(column).collect_view()}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_part()
}

fn column(name: &'static str) -> impl IntoView {
    view! { <th scope="col">{name}</th> }
}

fn row(doubt: Doubt) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{doubt.who}</th>
            <td>{doubt.what}</td>
            <td>{doubt.why}</td>
            <td>{doubt.when}</td>
        </tr>
    }
}

/// All of them, those first about whom most must be done.
fn doubts(snapshot: &Snapshot, zone: Zone, language: Language) -> Vec<Doubt> {
    let now = snapshot.health.now;
    let conflicts = snapshot.health.conflicts.iter().map(|conflict| in_doubt(conflict, language));
    let banned = snapshot.network.banned.iter().map(|ban| banned(ban, zone, language));
    let turned_away = snapshot.network.turned_away.iter().map(|attempt| turned_away(attempt, now, language));
    conflicts.chain(banned).chain(turned_away).collect()
}

fn in_doubt(conflict: &Conflict, language: Language) -> Doubt {
    let others = conflict.others.iter().map(|key| grouped(key)).collect::<Vec<_>>().join(", ");
    Doubt {
        who: conflict.node_id.clone(),
        what: td_string!(language, doubtful.two_keys),
        why: td_string!(language, doubtful.other_keys, first = grouped(&conflict.public_key), others),
        when: String::new(),
    }
}

fn banned(ban: &Banned, zone: Zone, language: Language) -> Doubt {
    let key = ban.public_key.as_deref().map(|key| format!(" {}", grouped(key))).unwrap_or_default();
    Doubt {
        who: format!("{}{key}", ban.host),
        what: td_string!(language, doubtful.banned),
        why: language.reason(&ban.reason, &ban.reason).to_owned(),
        when: format!(
            "{}, {}",
            td_string!(language, doubtful.until, moment = zone.time(ban.until)),
            language.times(ban.times.into())
        ),
    }
}

fn turned_away(attempt: &TurnedAway, now: u64, language: Language) -> Doubt {
    let ago = td_string!(language, peers.ago, span = language.duration(now.saturating_sub(attempt.last) / 1_000));
    Doubt {
        who: attempt.address.clone(),
        what: if attempt.by_peer {
            td_string!(language, doubtful.refused_us)
        } else {
            td_string!(language, doubtful.refused_by_us)
        },
        why: language.reason(&attempt.reason, &attempt.why).to_owned(),
        when: format!("{}, {ago}", language.times(attempt.times)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Direction;
    use crate::samples::{START, snapshot};

    #[test]
    fn a_reason_is_told_in_the_reader_s_language_and_one_that_is_not_known_as_the_node_says_it() {
        assert_eq!(Language::ru.reason("wrong_secret", "x"), "у сторон разные секреты сети (FEDERATED_SECRET)");
        assert_eq!(Language::en.reason("wrong_secret", "the secrets differ"), "the secrets differ");
        assert_eq!(Language::ru.reason("of_a_later_version", "x"), "x");
    }

    #[test]
    fn everybody_who_is_kept_out_is_told_with_the_reason_and_the_time() {
        let mut snapshot = snapshot();
        assert!(doubts(&snapshot, Zone::UTC, Language::en).is_empty());
        let key = "0123456789abcdef".repeat(4);
        snapshot.health.conflicts =
            vec![Conflict { node_id: "alpha".to_owned(), public_key: key.clone(), others: vec!["f".repeat(64)] }];
        snapshot.network.banned = vec![Banned {
            host: "192.0.2.7".to_owned(),
            public_key: Some(key),
            reason: "bad_event".to_owned(),
            times: 2,
            until: START + 60_000,
        }];
        snapshot.network.turned_away = vec![TurnedAway {
            address: "ws://b.example:8091".to_owned(),
            direction: Direction::Outbound,
            public_key: None,
            by_peer: true,
            reason: "wrong_secret".to_owned(),
            why: "the secrets differ".to_owned(),
            times: 1,
            last: START - 5_000,
        }];
        let said = doubts(&snapshot, Zone::UTC, Language::en)
            .into_iter()
            .map(|doubt| format!("{}|{}|{}|{}", doubt.who, doubt.what, doubt.why, doubt.when));
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                "alpha|more than one key|first 0123 4567 89ab cdef, then ffff ffff ffff ffff|",
                "192.0.2.7 0123 4567 89ab cdef|banned|events that are none|until 14:01:00 UTC, 2 times",
                "ws://b.example:8091|refused this node|the secrets differ|1 time, 5 s ago",
            ]
        );
    }
}
