//! What the trees want done, gathered over one input, so that a peer gets one frame where it would get many.

use crate::message::{Announcement, Grafted, Probe};
use crate::wire::MAX_GRAFTED;
use crate::{Bundle, Message, OriginId, PeerId, Way};
use std::collections::{BTreeMap, BTreeSet};

/// Messages to come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Steps {
    pushes: Vec<(Vec<PeerId>, Way, Bundle)>,
    probes: Vec<(Vec<PeerId>, Probe)>,
    announcements: Vec<(PeerId, Announcement)>,
    /// Whose bundles a peer is to push, and which ones it is asked for now.
    grafts: BTreeMap<PeerId, BTreeMap<OriginId, BTreeSet<u64>>>,
    prunes: BTreeMap<PeerId, BTreeSet<OriginId>>,
}

impl Steps {
    /// Push the payload.
    pub(super) fn push(&mut self, to: Vec<PeerId>, way: Way, bundle: Bundle) {
        self.pushes.push((to, way, bundle));
    }

    /// Tell of an origin without a payload.
    pub(super) fn probe(&mut self, to: Vec<PeerId>, probe: Probe) {
        self.probes.push((to, probe));
    }

    /// Announce what was gathered.
    pub(super) fn announce(&mut self, to: PeerId, announcement: Announcement) {
        self.announcements.push((to, announcement));
    }

    /// Ask to be pushed to; with a number, ask for that bundle as well.
    pub(super) fn graft(&mut self, to: PeerId, origin: OriginId, want: Option<u64>) {
        self.grafts.entry(to).or_default().entry(origin).or_default().extend(want);
        if let Some(pruned) = self.prunes.get_mut(&to) {
            pruned.remove(&origin);
        }
    }

    /// Ask to be announced to only. What was asked for by number is still wanted: then the payload prunes, if it must.
    pub(super) fn prune(&mut self, to: PeerId, origin: OriginId) {
        if let Some(grafted) = self.grafts.get_mut(&to) {
            match grafted.get(&origin) {
                Some(wanted) if !wanted.is_empty() => return,
                Some(_) => drop(grafted.remove(&origin)),
                None => {}
            }
        }
        self.prunes.entry(to).or_default().insert(origin);
    }

    /// How many payloads go out, each counted for each peer and each event in it.
    pub(crate) fn events(&self) -> u64 {
        self.pushes.iter().map(|(to, _, bundle)| (to.len() * bundle.events.len()) as u64).sum()
    }

    /// The messages, payloads first.
    pub(crate) fn into_messages(self) -> Vec<(Vec<PeerId>, Message)> {
        let mut messages: Vec<_> =
            self.pushes.into_iter().map(|(to, way, bundle)| (to, Message::Bundle { way, bundle })).collect();
        messages.extend(self.probes.into_iter().map(|(to, probe)| (to, Message::Probe(probe))));
        for (to, origins) in self.grafts {
            messages.extend(frames(origins).into_iter().map(|grafts| (vec![to], Message::Graft(grafts))));
        }
        for (to, origins) in self.prunes {
            let origins: Vec<OriginId> = origins.into_iter().collect();
            messages.extend(origins.chunks(MAX_GRAFTED).map(|some| (vec![to], Message::Prune(some.to_vec()))));
        }
        messages.extend(self.announcements.into_iter().map(|(to, some)| (vec![to], Message::IHave(some))));
        messages
    }
}

/// What one peer is asked for, in as many frames as it takes: each names so many origins and numbers at most.
fn frames(origins: BTreeMap<OriginId, BTreeSet<u64>>) -> Vec<Vec<Grafted>> {
    let (mut frames, mut frame, mut room) = (Vec::new(), Vec::new(), MAX_GRAFTED);
    for (origin, wanted) in origins {
        let mut wanted = wanted.into_iter().peekable();
        loop {
            if room < 2 {
                frames.push(std::mem::take(&mut frame));
                room = MAX_GRAFTED;
            }
            let wanted_now: Vec<u64> = wanted.by_ref().take(room - 1).collect();
            room -= 1 + wanted_now.len();
            frame.push(Grafted { origin, wanted: wanted_now });
            if wanted.peek().is_none() {
                break;
            }
        }
    }
    if !frame.is_empty() {
        frames.push(frame);
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId(1);

    fn origin(number: u8) -> OriginId {
        OriginId([number; 32])
    }

    fn grafts(steps: Steps) -> Vec<Vec<Grafted>> {
        let graft = |(_, message)| match message {
            Message::Graft(grafts) => Some(grafts),
            _ => None,
        };
        steps.into_messages().into_iter().filter_map(graft).collect()
    }

    #[test]
    fn a_peer_that_is_asked_for_much_gets_few_frames_and_each_is_bounded() {
        let mut steps = Steps::default();
        for number in 0..1_024 {
            steps.graft(PEER, origin((number % 4) as u8), Some(number));
        }
        let frames = grafts(steps);
        assert_eq!(frames.len(), 2);
        let size = |frame: &Vec<Grafted>| frame.iter().map(|graft| 1 + graft.wanted.len()).sum::<usize>();
        assert!(frames.iter().all(|frame| size(frame) <= MAX_GRAFTED));
        let asked: BTreeSet<u64> = frames.iter().flatten().flat_map(|graft| graft.wanted.clone()).collect();
        assert_eq!(asked, (0..1_024).collect());
    }

    #[test]
    fn what_is_taken_back_within_one_input_is_not_said() {
        let mut steps = Steps::default();
        steps.graft(PEER, origin(1), None);
        steps.prune(PEER, origin(1));
        steps.prune(PEER, origin(2));
        steps.graft(PEER, origin(2), Some(7));
        steps.prune(PEER, origin(2));
        let messages = steps.into_messages();
        let graft = Message::Graft(vec![Grafted { origin: origin(2), wanted: vec![7] }]);
        assert_eq!(messages, [(vec![PEER], graft), (vec![PEER], Message::Prune(vec![origin(1)]))]);
    }
}
