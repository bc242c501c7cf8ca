//! Peers that this node was linked to and is no more, for whoever looks at the network later.

use app::api::{Peer, PeerState};

/// So many are remembered, those that went last: they are in every delta of the stream.
const MAX: usize = 16;
/// For how long, in milliseconds: who left for good is not told for ever. A guess.
const SHOWN: u64 = 86_400_000;
/// An event that is so much newer than the last frame of a link, in milliseconds, was made since, whatever the clock that dated it: by
/// 30 s clocks may be wrong.
const SINCE: u64 = 30_000;

/// Who has gone, by name.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// The links at the last look.
    linked: Vec<Peer>,
    /// In the order in which they went.
    gone: Vec<Peer>,
}

impl Gone {
    /// Compares the links of a moment with those at the last look. Where `newest` knows an event that was made since, only the link has
    /// gone, and others tell what its node says.
    pub(super) fn note(&mut self, linked: Vec<Peer>, now: u64, newest: impl Fn(&str) -> Option<u64>) {
        let left = std::mem::replace(&mut self.linked, linked);
        for peer in left.into_iter().filter(|peer| peer.node_id.is_some() && peer.state == PeerState::Connected) {
            self.gone.retain(|other| other.node_id != peer.node_id);
            self.gone.push(peer);
        }
        let linked = &self.linked;
        self.gone.retain(|peer| {
            let heard = peer.node_id.as_deref().and_then(&newest).unwrap_or_default();
            let is_away = !is_named(linked, peer) && heard <= peer.last_seen + SINCE;
            is_away && now.saturating_sub(peer.last_seen) < SHOWN
        });
        self.gone.drain(..self.gone.len().saturating_sub(MAX));
    }

    /// Who had gone at the last look.
    pub(super) fn list(&self) -> &[Peer] {
        &self.gone
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

    fn names(gone: &Gone) -> Vec<String> {
        gone.list().iter().filter_map(|peer| peer.node_id.clone()).collect()
    }

    #[test]
    fn who_leaves_is_told_until_it_is_back() {
        let (mut gone, silent) = (Gone::default(), |_: &str| None);
        gone.note(vec![peer("beta", NOW), peer("gamma", NOW)], NOW, silent);
        assert!(names(&gone).is_empty());
        gone.note(vec![peer("gamma", NOW)], NOW, silent);
        gone.note(vec![], NOW, silent);
        assert_eq!(names(&gone), ["beta", "gamma"]);
        gone.note(vec![peer("beta", NOW)], NOW, silent);
        assert_eq!(names(&gone), ["gamma"]);
        gone.note(vec![], NOW + 5, silent);
        assert_eq!(names(&gone), ["gamma", "beta"]);
    }

    #[test]
    fn whose_link_was_given_up_and_who_goes_on_telling_by_others_has_not_gone() {
        let mut gone = Gone::default();
        gone.note(vec![peer("beta", NOW)], NOW, |_| None);
        gone.note(vec![], NOW, |_| Some(NOW + SINCE));
        assert_eq!(names(&gone), ["beta"], "its clock may be ahead, and this event older than the link's end");
        gone.note(vec![], NOW, |_| Some(NOW + SINCE + 1));
        assert!(names(&gone).is_empty());
    }

    #[test]
    fn those_that_went_last_are_remembered_for_a_day() {
        let mut gone = Gone::default();
        let many = |last_seen| (0..40).map(|number| peer(&format!("peer-{number:02}"), last_seen)).collect();
        gone.note(many(NOW), NOW, |_| None);
        gone.note(vec![], NOW, |_| None);
        assert_eq!((names(&gone).len(), names(&gone)[0].as_str()), (MAX, "peer-24"));
        gone.note(vec![], NOW + SHOWN, |_| None);
        assert!(names(&gone).is_empty());
    }

    #[test]
    fn who_has_not_spoken_or_has_no_name_was_nobody() {
        let mut gone = Gone::default();
        let mute = Peer { state: PeerState::Connecting, ..peer("beta", NOW) };
        gone.note(vec![mute, Peer { node_id: None, ..peer("", NOW) }], NOW, |_| None);
        gone.note(vec![], NOW, |_| None);
        assert!(names(&gone).is_empty());
    }
}
