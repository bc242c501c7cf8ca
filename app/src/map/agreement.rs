//! Whether this node agrees with its peers, and the digest by which anybody can check.

use crate::api::{Health, Peer, Snapshot};
use crate::format;
use leptos::prelude::*;

/// The digest of the node's events, and how many peers have the same.
#[component]
pub(crate) fn Agreement(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
) -> impl IntoView {
    let covers = move || {
        let Health { events, digest_from, .. } = snapshot.read().health;
        let events = format::counted(events, "event", "events");
        format!("{events} kept; the digest counts from {} UTC on.", format::day_and_time(digest_from))
    };
    view! {
        <section aria-labelledby="agreement-heading">
            <h2 id="agreement-heading">"Agreement"</h2>
            <p data-testid="agreement">{move || words(&snapshot.read().network.peers)}</p>
            <p>
                <code class="digest" data-testid="digest">{move || snapshot.read().health.digest.clone()}</code>
            </p>
            <p class="note">{covers} " Equal digests over the same time, equal events."</p>
        </section>
    }
    .into_any()
}

/// How many of the peers that told their digest have ours.
fn words(peers: &[Peer]) -> String {
    let told: Vec<bool> = peers.iter().filter_map(|peer| peer.in_sync).collect();
    let agreeing = told.iter().filter(|in_sync| **in_sync).count();
    match (told.len(), agreeing) {
        (0, _) => "No peer has told its digest yet.".to_owned(),
        (1, 1) => "The one peer that told its digest has the same events.".to_owned(),
        (2, 2) => "Both peers have the same events.".to_owned(),
        (all, agreeing) if all == agreeing => format!("All {all} peers have the same events."),
        (all, agreeing) => {
            format!("{agreeing} of {} have the same events.", format::counted(all as u64, "peer", "peers"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Dialect, Direction, PeerState};

    fn peers(in_sync: &[Option<bool>]) -> Vec<Peer> {
        let peer = |in_sync: &Option<bool>| Peer {
            node_id: None,
            public_key: None,
            address: String::new(),
            direction: Direction::Inbound,
            state: PeerState::Connected,
            dialect: Dialect::Json,
            since: 0,
            rtt_ms: None,
            sent: 0,
            received: 0,
            refused: 0,
            in_sync: *in_sync,
            last_seen: 0,
        };
        in_sync.iter().map(peer).collect()
    }

    #[test]
    fn who_told_nothing_is_not_counted() {
        assert_eq!(words(&peers(&[])), "No peer has told its digest yet.");
        assert_eq!(words(&peers(&[None])), "No peer has told its digest yet.");
        assert_eq!(words(&peers(&[None, Some(true)])), "The one peer that told its digest has the same events.");
    }

    #[test]
    fn agreement_and_disagreement_are_counted() {
        assert_eq!(words(&peers(&[Some(true); 2])), "Both peers have the same events.");
        assert_eq!(words(&peers(&[Some(true); 3])), "All 3 peers have the same events.");
        assert_eq!(words(&peers(&[Some(true), Some(false)])), "1 of 2 peers have the same events.");
        assert_eq!(words(&peers(&[Some(false)])), "0 of 1 peer have the same events.");
    }
}
