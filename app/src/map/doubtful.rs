//! Who is kept out, and who may not be who it says: banned hosts, connections that came to nothing, names with more than one key.

use super::header::grouped;
use crate::api::{Banned, Conflict, Snapshot, TurnedAway};
use crate::part::IntoPart;
use crate::words::{Words, time, use_words};
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
) -> impl IntoView {
    let words = use_words();
    let rows = move || snapshot.with(|snapshot| doubts(snapshot, words)).into_iter().map(row).collect_view();
    let none = move || snapshot.with(|snapshot| doubts(snapshot, words).is_empty());
    view! {
        <div class="doubtful scroll" class:hidden=none role="group" aria-labelledby="doubtful-heading" tabindex="0">
            <h3 id="doubtful-heading">{words.doubtful}</h3>
            <table data-testid="doubtful">
                <thead>
                    <tr>{words.doubtful_columns.into_iter().map(column).collect_view()}</tr>
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
fn doubts(snapshot: &Snapshot, words: &Words) -> Vec<Doubt> {
    let now = snapshot.health.now;
    let conflicts = snapshot.health.conflicts.iter().map(|conflict| in_doubt(conflict, words));
    let banned = snapshot.network.banned.iter().map(|ban| banned(ban, words));
    let turned_away = snapshot.network.turned_away.iter().map(|attempt| turned_away(attempt, now, words));
    conflicts.chain(banned).chain(turned_away).collect()
}

fn in_doubt(conflict: &Conflict, words: &Words) -> Doubt {
    let others = conflict.others.iter().map(|key| grouped(key)).collect::<Vec<_>>().join(", ");
    Doubt {
        who: conflict.node_id.clone(),
        what: words.doubts[3],
        why: (words.other_keys)(&grouped(&conflict.public_key), &others),
        when: String::new(),
    }
}

fn banned(ban: &Banned, words: &Words) -> Doubt {
    let key = ban.public_key.as_deref().map(|key| format!(" {}", grouped(key))).unwrap_or_default();
    Doubt {
        who: format!("{}{key}", ban.host),
        what: words.doubts[0],
        why: words.reason(&ban.reason, &ban.reason).to_owned(),
        when: format!("{}, {}", (words.until)(&time(ban.until)), words.counted(ban.times.into(), &words.times)),
    }
}

fn turned_away(attempt: &TurnedAway, now: u64, words: &Words) -> Doubt {
    let ago = (words.ago)(&words.duration(now.saturating_sub(attempt.last) / 1_000));
    Doubt {
        who: attempt.address.clone(),
        what: words.doubts[if attempt.by_peer { 2 } else { 1 }],
        why: words.reason(&attempt.reason, &attempt.why).to_owned(),
        when: format!("{}, {ago}", words.counted(attempt.times, &words.times)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Direction;
    use crate::samples::{START, snapshot};
    use crate::words::EN;

    #[test]
    fn a_reason_is_told_in_the_reader_s_language_and_one_that_is_not_known_as_the_node_says_it() {
        let ru = Words::of(crate::preferences::Language::Russian);
        assert_eq!(ru.reason("wrong_secret", "x"), "у сторон разные секреты сети (FEDERATED_SECRET)");
        assert_eq!(EN.reason("wrong_secret", "the secrets differ"), "the secrets differ");
        assert_eq!(ru.reason("of_a_later_version", "x"), "x");
    }

    #[test]
    fn everybody_who_is_kept_out_is_told_with_the_reason_and_the_time() {
        let mut snapshot = snapshot();
        assert!(doubts(&snapshot, &EN).is_empty());
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
        let said = doubts(&snapshot, &EN)
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
