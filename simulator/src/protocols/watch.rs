//! Looks over a node's shoulder: what the protocol says of what a node sends, checked after every input.

use gossip::{BundleId, Grafted, Input, Message, Output, PeerId, State, Time};
use std::collections::BTreeSet;

/// What a node took in that its sending is measured by.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The last input, if it was a bundle: its hops left.
    bundle: Option<(BundleId, u8)>,
    broken: Option<String>,
}

impl Watch {
    /// What was broken first.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// A node is told something.
    pub(super) fn on_input(&mut self, now: Time, state: &State, input: &Input) {
        self.bundle = None;
        if let Input::Message { peer, message: Message::Graft(grafts) } = input
            && let Some(words) = a_graft_asks_for_what_was_announced(state, *peer, grafts)
        {
            self.broken.get_or_insert(format!("{words}, at {:.3} s", now.as_micros() as f64 / 1e6));
        }
        if let Input::Message { message: Message::Bundle { way, bundle }, .. } = input {
            self.bundle = Some((bundle.id, way.ttl));
        }
    }

    /// What it does then.
    pub(super) fn on_outputs(&mut self, now: Time, state: &State, outputs: &[Output]) {
        let checks = [
            a_parent_is_never_pruned(state, outputs),
            a_payload_is_forwarded_once(outputs),
            self.a_hop_lowers_the_ttl(outputs),
        ];
        if let Some(words) = checks.into_iter().flatten().next() {
            self.broken.get_or_insert(format!("{words}, at {:.3} s", now.as_micros() as f64 / 1e6));
        }
    }

    fn a_hop_lowers_the_ttl(&self, outputs: &[Output]) -> Option<String> {
        let (id, ttl) = self.bundle?;
        let pushed = messages(outputs).find_map(|(_, message)| match message {
            Message::Bundle { way, bundle } if bundle.id == id && way.ttl >= ttl => Some(way.ttl),
            _ => None,
        })?;
        Some(format!("a bundle came with ttl {ttl} and went on with {pushed}"))
    }
}

/// Only what was announced is asked for, and only what has come is announced.
fn a_graft_asks_for_what_was_announced(state: &State, from: PeerId, grafts: &[Grafted]) -> Option<String> {
    let mut wanted = grafts.iter().flat_map(|graft| graft.wanted.iter().map(|seq| (graft.origin, *seq)));
    let (origin, seq) = wanted.find(|(origin, seq)| !state.knows(&BundleId { origin: *origin, seq: *seq }))?;
    Some(format!("{from} asks for bundle {seq} of {origin:?}, which never came here"))
}

fn messages(outputs: &[Output]) -> impl Iterator<Item = (&[PeerId], &Message)> {
    outputs.iter().filter_map(|output| match output {
        Output::Send { to, message } => Some((&to[..], message)),
        _ => None,
    })
}

/// Who is swapped with itself is the parent still, and told not to push.
fn a_parent_is_never_pruned(state: &State, outputs: &[Output]) -> Option<String> {
    messages(outputs).find_map(|(to, message)| {
        let Message::Prune(origins) = message else { return None };
        origins.iter().find_map(|origin| {
            let parent = state.parent_of(origin).filter(|parent| to.contains(parent))?;
            Some(format!("{parent} is pruned for {origin:?}, whose parent it is"))
        })
    })
}

fn a_payload_is_forwarded_once(outputs: &[Output]) -> Option<String> {
    let mut pushed = BTreeSet::new();
    let mut pushes = messages(outputs).flat_map(|(to, message)| {
        let id = if let Message::Bundle { bundle, .. } = message { Some(bundle.id) } else { None };
        to.iter().filter_map(move |peer| Some((id?, *peer)))
    });
    pushes.find(|push| !pushed.insert(*push)).map(|(id, peer)| format!("{id:?} goes to {peer} twice"))
}
