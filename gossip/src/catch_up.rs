//! What a peer missed while it was not connected.
//!
//! A node that says hello with another digest than ours gets the last bundles, oldest first, a few at a time so that its
//! queue has room for what happens meanwhile. What it has already is a duplicate to it, and goes no further.
//! Only what is still among the last bundles can be caught up with this way.

use crate::peer::PeerId;
use crate::{Bundle, Message, Output, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How many bundles and bytes go out at once, and how often: at most 6,400 bundles and 6 MB a second. Guesses.
const CHUNK: usize = 64;
const CHUNK_BYTES: usize = 64 * 1_024;
const PAUSE: Duration = Duration::from_millis(10);

/// Who is being told of the past.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatchUp {
    readers: BTreeMap<PeerId, Reader>,
}

#[derive(Clone, Debug)]
struct Reader {
    /// Bundles still to be sent. What is accepted from now on goes its ordinary way.
    left: VecDeque<Bundle>,
    next: Time,
}

impl CatchUp {
    pub(crate) fn start<'a>(&mut self, now: Time, peer: PeerId, kept: impl Iterator<Item = &'a Bundle>) {
        let left: VecDeque<Bundle> = kept.cloned().collect();
        if !left.is_empty() {
            self.readers.insert(peer, Reader { left, next: now });
        }
    }

    pub(crate) fn stop(&mut self, peer: PeerId) {
        self.readers.remove(&peer);
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        self.readers.values().map(|reader| reader.next).min()
    }

    /// Sends what is due, and tells how many events that was.
    pub(crate) fn tick(&mut self, now: Time, outbox: &mut VecDeque<Output>) -> u64 {
        let mut sent = 0;
        for (peer, reader) in self.readers.iter_mut().filter(|(_, reader)| reader.next <= now) {
            let (mut bundles, mut bytes) = (0, 0);
            while bundles < CHUNK && bytes < CHUNK_BYTES {
                let Some(bundle) = reader.left.pop_front() else { break };
                (bundles, bytes) = (bundles + 1, bytes + bundle.bytes());
                sent += bundle.events.len() as u64;
                outbox.push_back(Output::Send { to: vec![*peer], message: Message::Missed(bundle) });
            }
            reader.next = now + PAUSE;
        }
        self.readers.retain(|_, reader| !reader.left.is_empty());
        sent
    }
}
