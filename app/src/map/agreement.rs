//! Whether this node agrees with its peers, and the digest by which anybody can check.

use crate::api::{Health, Peer, Snapshot};
use crate::part::IntoPart;
use crate::words::{Words, day_and_time, use_words};
use leptos::prelude::*;

/// The digest of the node's events, how many peers have the same, and who has not.
#[component]
pub(crate) fn Agreement(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
) -> impl IntoView {
    let words = use_words();
    let covers = move || {
        let Health { events, digest_from, .. } = snapshot.read().health;
        (words.kept)(&words.counted(events, &words.event), &day_and_time(digest_from))
    };
    let said = move || said(&snapshot.read().network.peers, words);
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
            <h2 id="agreement-heading">{words.agreement}</h2>
            <p class="verdict" data-verdict=verdict data-testid="agreement" aria-live="polite">{said}</p>
            <p>
                <code class="digest" data-testid="digest">{move || snapshot.read().health.digest.clone()}</code>
            </p>
            <p class="note">{covers} " " {words.equal_digests}</p>
        </section>
    }
    .into_part()
}

/// How many of the peers that told their digest have ours, and who has another.
fn said(peers: &[Peer], words: &Words) -> String {
    let told = || peers.iter().filter_map(|peer| Some((peer, peer.in_sync?)));
    let (all, agreeing) = (told().count(), told().filter(|(_, in_sync)| *in_sync).count());
    let counted = words.counted(all as u64, &words.peer);
    match (all, agreeing) {
        (0, _) => words.nobody_told.to_owned(),
        (1, 1) => words.one_agrees.to_owned(),
        (2, 2) => words.both_agree.to_owned(),
        (all, agreeing) if all == agreeing => (words.all_agree)(&counted),
        (_, agreeing) => {
            let differing = told().filter(|(_, in_sync)| !in_sync);
            let names = differing.map(|(peer, _)| peer.node_id.as_deref().unwrap_or(words.unnamed));
            let names = names.collect::<Vec<_>>().join(", ");
            format!("{} {}", (words.some_agree)(&words.count(agreeing as u64), &counted), (words.behind)(&names))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::peer;

    fn say(in_sync: &[Option<bool>]) -> String {
        let peers: Vec<Peer> = in_sync.iter().map(|in_sync| Peer { in_sync: *in_sync, ..peer("beta") }).collect();
        said(&peers, &crate::words::EN)
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
        assert_eq!(say(&[Some(true), Some(false)]), "1 of 2 peers have the same events. Not yet the same: beta.");
        assert_eq!(say(&[Some(false)]), "0 of 1 peer have the same events. Not yet the same: beta.");
    }
}
