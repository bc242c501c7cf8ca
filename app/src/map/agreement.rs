//! Whether this node agrees with its peers, and the digest by which anybody can check.

use super::heading::heading_of_now;
use crate::api::{Health, Peer, Snapshot};
use crate::heatmap::Spoken;
use crate::part::{IntoPart, text};
use crate::words::{Language, Zone, isolated, td_string, use_language};
use leptos::prelude::*;
use std::cmp::Ordering;
use std::time::Duration;

/// So long a verdict must stand before it is read out: peers are behind for a moment with each event.
const STANDS: Duration = Duration::from_secs(5);

/// The digest of the node's events, how many peers have the same, and who has not.
#[component]
pub(crate) fn Agreement(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
) -> impl IntoView {
    let language = use_language();
    let covers = move || {
        let Health { events, digest_from, .. } = snapshot.read().health;
        // Readers of many zones hold digests side by side.
        let from = Zone::UTC.minute(digest_from, language);
        td_string!(language, agreement.kept, events = language.events(events), from)
    };
    let told = move |ours| snapshot.with(|snapshot| said(&snapshot.network.peers, ours, language));
    let said = move || told(Some(snapshot.read().health.events));
    // Read out is who agrees, once it stands. By how many events peers differ is another number with each event.
    let spoken = Spoken::new(STANDS);
    Effect::new(move |before: Option<String>| {
        let verdict = told(None);
        if before.is_some_and(|before| before != verdict) {
            spoken.say(verdict.clone());
        }
        verdict
    });
    let verdict = move || {
        let told = |wanted| snapshot.read().network.peers.iter().any(|peer| peer.in_sync == Some(wanted));
        match (told(true), told(false)) {
            (_, true) => "differ",
            (true, false) => "same",
            (false, false) => "unknown",
        }
        .to_owned()
    };
    view! {
        <section class="agreement" aria-labelledby="agreement-heading">
            {heading_of_now("agreement-heading", td_string!(language, agreement.title), snapshot)}
            <p class="verdict" data-verdict=text(verdict) data-testid="agreement">{text(said)}</p>
            <p class="visually-hidden" aria-live="polite" data-testid="agreement-spoken">{spoken.text}</p>
            <p>
                <code class="digest" data-testid="digest">{text(move || snapshot.read().health.digest.clone())}</code>
            </p>
            <p class="note">{text(covers)} " " {td_string!(language, agreement.equal_digests)}</p>
        </section>
    }
    .into_part()
}

/// How many of the peers that told their digest have our events, and who has others; and how many fewer or more than ours.
fn said(peers: &[Peer], ours: Option<u64>, language: Language) -> String {
    let told = || peers.iter().filter_map(|peer| Some((peer, peer.in_sync?)));
    let (all, agreeing) = (told().count(), told().filter(|(_, in_sync)| *in_sync).count());
    let counted = language.peers(all as u64);
    match (all, agreeing) {
        (0, _) => td_string!(language, agreement.nobody_told).to_owned(),
        (1, 1) => td_string!(language, agreement.one_agrees).to_owned(),
        (2, 2) => td_string!(language, agreement.both_agree).to_owned(),
        (all, agreeing) if all == agreeing => td_string!(language, agreement.all_agree, peers = counted),
        (_, agreeing) => {
            let differing = told().filter(|(_, in_sync)| !in_sync);
            let names = differing.map(|(peer, _)| differing_by(peer, ours, language));
            let names = names.collect::<Vec<_>>().join(", ");
            td_string!(language, agreement.some_agree, some = language.count(agreeing as u64), peers = counted, names)
        }
    }
}

/// A peer with other events than ours: its name, and by how much it is behind or ahead.
fn differing_by(peer: &Peer, ours: Option<u64>, language: Language) -> String {
    let name = isolated(peer.node_id.as_deref().unwrap_or(td_string!(language, peers.unnamed)));
    let Some((events, ours)) = peer.events.zip(ours) else { return name };
    let number = language.count(events.abs_diff(ours));
    match events.cmp(&ours) {
        Ordering::Less => td_string!(language, agreement.fewer, name, number),
        Ordering::Greater => td_string!(language, agreement.more, name, number),
        Ordering::Equal => td_string!(language, agreement.as_many, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::peer;

    fn say(in_sync: &[Option<bool>]) -> String {
        let peers: Vec<Peer> = in_sync.iter().map(|in_sync| Peer { in_sync: *in_sync, ..peer("beta") }).collect();
        said(&peers, Some(10), Language::en)
    }

    #[test]
    fn who_told_nothing_is_not_counted() {
        assert_eq!(say(&[]), "No peer has told its digest yet.");
        assert_eq!(say(&[None]), "No peer has told its digest yet.");
        assert_eq!(say(&[None, Some(true)]), "The one peer that told its digest has the same events.");
    }

    #[test]
    fn agreement_and_disagreement_are_counted() {
        assert_eq!(say(&[Some(true); 2]), "Both peers have the same events.");
        assert_eq!(say(&[Some(true); 3]), "All 3 peers have the same events.");
        assert_eq!(say(&[Some(true), Some(false)]), "The same events at 1 of 2 peers. Not yet the same: beta.");
        assert_eq!(say(&[Some(false)]), "The same events at 0 of 1 peer. Not yet the same: beta.");
    }

    #[test]
    fn who_has_other_events_is_told_with_how_many_fewer_or_more() {
        let with = |events| differing_by(&Peer { events, ..peer("beta") }, Some(1_010), Language::en);
        assert_eq!(with(Some(8)), "beta (1,002 fewer)");
        assert_eq!(with(Some(1_012)), "beta (2 more)");
        assert_eq!(with(Some(1_010)), "beta (as many, but others)");
        assert_eq!(with(None), "beta");
        assert_eq!(differing_by(&Peer { events: Some(8), ..peer("beta") }, None, Language::en), "beta");
    }
}
