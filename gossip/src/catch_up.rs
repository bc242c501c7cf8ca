//! What a peer missed while it was not connected.
//!
//! A node that says hello with another digest than ours gets the last events, oldest first, a few at a time so that its
//! queue has room for what happens meanwhile. What it has already is a duplicate to it, and goes no further.
//! Only what is still among the last events can be caught up with this way.

use crate::peer::PeerId;
use crate::{Event, Message, Output, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How many events go out at once, and how often: 6,400 a second. Both guesses.
const CHUNK: usize = 64;
const PAUSE: Duration = Duration::from_millis(10);

/// Who is being told of the past.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatchUp {
    readers: BTreeMap<PeerId, Reader>,
}

#[derive(Clone, Debug)]
struct Reader {
    /// Events still to be sent. What is accepted from now on goes its ordinary way.
    left: VecDeque<Event>,
    next: Time,
}

impl CatchUp {
    pub(crate) fn start(&mut self, now: Time, peer: PeerId, recent: &VecDeque<Event>) {
        if !recent.is_empty() {
            self.readers.insert(peer, Reader { left: recent.clone(), next: now });
        }
    }

    pub(crate) fn stop(&mut self, peer: PeerId) {
        self.readers.remove(&peer);
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        self.readers.values().map(|reader| reader.next).min()
    }

    /// Sends what is due, and tells how many events that was.
    pub(crate) fn tick(&mut self, now: Time, ttl: u8, outbox: &mut VecDeque<Output>) -> u64 {
        let mut sent = 0;
        for (peer, reader) in self.readers.iter_mut().filter(|(_, reader)| reader.next <= now) {
            let chunk = reader.left.len().min(CHUNK);
            for event in reader.left.drain(..chunk) {
                outbox.push_back(Output::Send { to: vec![*peer], message: Message::Event { ttl, event } });
            }
            reader.next = now + PAUSE;
            sent += chunk as u64;
        }
        self.readers.retain(|_, reader| !reader.left.is_empty());
        sent
    }
}
