//! Peers whose link broke, for whoever looks at the network later.

use super::times::COUNTED;
use app::api::{Peer, PeerState};

/// So many are remembered, those that went last: they are in every delta of the stream.
const MAX: usize = 16;
/// For how long, in milliseconds: who left for good is not told for ever. A guess.
const SHOWN: u64 = 86_400_000;

/// Who has gone, in the order in which they went: each name once, and each key.
#[derive(Debug, Default)]
pub(super) struct Gone(Vec<Peer>);

impl Gone {
    /// The link to a peer broke. Who never said its name was nobody.
    pub(super) fn note(&mut self, peer: Peer) {
        if peer.node_id.is_none() || peer.state != PeerState::Connected {
            return;
        }
        let is_other = |other: &Peer| {
            other.node_id != peer.node_id && (other.public_key.is_none() || other.public_key != peer.public_key)
        };
        self.0.retain(is_other);
        self.0.push(peer);
        self.0.drain(..self.0.len().saturating_sub(MAX));
    }

    /// Forgets who is linked again, and whoever lives without a link to this node: `newest` knows an event of it that can't have been made
    /// before the link broke, however far its clock is ahead.
    pub(super) fn look(&mut self, linked: &[Peer], now: u64, newest: impl Fn(&str) -> Option<u64>) {
        self.0.retain(|peer| {
            let heard = peer.node_id.as_deref().and_then(&newest).unwrap_or_default();
            let is_away =
                !is_named(linked, peer) && u128::from(heard.saturating_sub(peer.last_seen)) <= COUNTED.as_millis();
            is_away && now.saturating_sub(peer.last_seen) < SHOWN
        });
    }

    /// Who has gone.
    pub(super) fn list(&self) -> &[Peer] {
        &self.0
    }
}

/// Whether there is a peer of the same name.
pub(super) fn is_named(peers: &[Peer], peer: &Peer) -> bool {
    peers.iter().any(|other| other.node_id == peer.node_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::api::{Dialect, Direction};

    const NOW: u64 = 1_763_820_000_000;

    fn peer(name: &str, last_seen: u64) -> Peer {
        Peer {
            node_id: Some(name.to_owned()),
            public_key: None,
            address: "127.0.0.1:1".to_owned(),
            direction: Direction::Outbound,
            state: PeerState::Connected,
            dialect: Dialect::V2,
            since: NOW,
            rtt_ms: None,
            sent: 0,
            received: 0,
            refused: 0,
            score: 0,
            learned: 0,
            duplicates: 0,
            redundancy: None,
            in_sync: None,
            events: None,
            signs_twice: false,
            last_seen,
        }
    }

    fn names(gone: &Gone) -> Vec<&str> {
        gone.list().iter().filter_map(|peer| peer.node_id.as_deref()).collect()
    }

    #[test]
    fn whose_link_broke_is_told_until_it_is_linked_again() {
        let (mut gone, silent) = (Gone::default(), |_: &str| None);
        gone.note(peer("beta", NOW));
        gone.note(peer("gamma", NOW));
        gone.look(&[], NOW, silent);
        assert_eq!(names(&gone), ["beta", "gamma"]);
        gone.look(&[peer("beta", NOW)], NOW, silent);
        assert_eq!(names(&gone), ["gamma"]);
        gone.note(peer("beta", NOW + 5));
        gone.note(peer("gamma", NOW + 5));
        assert_eq!(names(&gone), ["beta", "gamma"], "each once, in the order in which they went last");
    }

    #[test]
    fn who_goes_on_telling_by_others_has_not_gone() {
        let ahead = u64::try_from(COUNTED.as_millis()).unwrap();
        let mut gone = Gone::default();
        gone.note(peer("beta", NOW));
        gone.look(&[], NOW, |_| Some(NOW + ahead));
        assert_eq!(names(&gone), ["beta"], "its clock may be ahead, and this event older than the link's end");
        gone.look(&[], NOW, |_| Some(NOW + ahead + 1));
        assert!(names(&gone).is_empty());
    }

    #[test]
    fn those_that_went_last_are_remembered_for_a_day() {
        let mut gone = Gone::default();
        (0..40).for_each(|number| gone.note(peer(&format!("peer-{number:02}"), NOW)));
        assert_eq!((names(&gone).len(), names(&gone)[0]), (MAX, "peer-24"));
        gone.look(&[], NOW + SHOWN, |_| None);
        assert!(names(&gone).is_empty());
    }

    #[test]
    fn one_key_has_one_place_under_whatever_names_and_who_has_not_spoken_has_none() {
        let mut gone = Gone::default();
        for name in ["beta", "gamma", "delta"] {
            gone.note(Peer { public_key: Some("aa".to_owned()), ..peer(name, NOW) });
        }
        gone.note(Peer { state: PeerState::Connecting, ..peer("mute", NOW) });
        gone.note(Peer { node_id: None, ..peer("", NOW) });
        assert_eq!(names(&gone), ["delta"]);
    }
}
