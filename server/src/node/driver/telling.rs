//! What this node tells of itself: to peers its digest, to its log its clock and its clones, to readers what has changed.

use super::{Driver, epoch};
use crate::clock;
use beauty::Origin;
use gossip::{ClockOffset, Input, PeerId};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, warn};

/// The stream's readers get a delta at once when nothing came for so long, and no sooner than this after the one before.
const DELTA_PAUSE: Duration = Duration::from_millis(50);
/// Without readers what has changed is summed up after this. It is how often peers may be told the digest, and nobody else needs
/// it then.
const UNREAD_PAUSE: Duration = Duration::from_millis(500);
/// With nothing to tell, a delta still comes: silence means a dead stream, and columns slide without events.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// By how much the wall clock may drift from what the protocol was told, in microseconds.
const CLOCK_DRIFT: u64 = 100_000;
/// From when on a clock is said to be off, in microseconds.
const CLOCK_OFF: u64 = 5_000_000;

impl Driver {
    /// How long after the last delta the next one is due.
    pub(super) fn pause(&self) -> Duration {
        match self.changed {
            false => HEARTBEAT,
            true if self.shared.hub.is_read() => DELTA_PAUSE,
            true => UNREAD_PAUSE,
        }
    }

    pub(super) fn tell_digest(&mut self) {
        let digest = self.shared.digest_text(clock::wall());
        self.handle(Input::Digest(gossip::Digest(digest)));
    }

    /// Tells the protocol of a wall clock that was set, or has drifted; and the log of one that peers say is off.
    fn tell_clock(&mut self) {
        let epoch = epoch(&self.shared);
        if epoch.abs_diff(self.epoch) > CLOCK_DRIFT {
            self.epoch = epoch;
            self.handle(Input::Clock { micros: epoch.saturating_add(self.shared.time().as_micros()) });
        }
        let offset = self.shared.protocol().state.clock_offset();
        let off = offset.filter(|offset| offset.micros.unsigned_abs() > CLOCK_OFF);
        if let Some(ClockOffset { micros, peers }) = off.filter(|_| !self.clock_is_off) {
            let (seconds, way) = (micros.unsigned_abs() / 1_000_000, if micros > 0 { "ahead of" } else { "behind" });
            warn!(
                "this machine's clock is {seconds} s {way} its peers' ({peers} of them): set it, or its events come late"
            );
        }
        self.clock_is_off = off.is_some();
    }

    /// A link broke.
    pub(super) fn note_gone(&mut self, peer: PeerId) {
        if let Some(peer) = self.shared.linked_peer(peer) {
            self.gone.note(peer);
            self.shared.tell_gone(self.gone.list());
        }
    }

    /// Who is back, or lives without a link to this node, has not gone.
    fn look_who_is_gone(&mut self) {
        if self.gone.list().is_empty() {
            return;
        }
        let shared = &self.shared;
        let newest = |name: &str| Some(shared.ledger().newest(&Origin::new(name).ok()?)?.as_millis());
        self.gone.look(&shared.linked(), clock::wall().as_millis(), newest);
        shared.tell_gone(self.gone.list());
    }

    /// Tells the log of another node with this node's key.
    fn tell_clone(&mut self) {
        let has_clone = self.shared.protocol().state.has_clone(self.shared.time());
        if has_clone && !self.has_clone {
            error!(
                "another node runs with this node's key: one data folder is a copy of the other. Both speak in one name, and \
                 peers will take them for a cheat: end one of them, and move its identity.key away to give it a new key"
            );
        }
        self.has_clone = has_clone;
    }

    /// Sums up what has changed when it is time: for peers, and for the stream's readers.
    pub(super) fn publish(&mut self) {
        let now = Instant::now();
        let is_due = now >= self.last_delta + self.pause();
        // What a peer says of its own may be what we held for a moment only.
        if is_due || (self.changed && now >= self.last_digest + DELTA_PAUSE) {
            self.last_digest = now;
            self.tell_digest();
        }
        if is_due {
            self.tell_clock();
            self.tell_clone();
            self.last_delta = now;
            self.changed = false;
            self.shared.note_numbers();
            self.look_who_is_gone();
            self.shared.hub.next();
            for touched in &mut self.touched {
                let (resolution, cells) = (touched.resolution(), touched.take(clock::wall()));
                self.shared.publish_delta(resolution, cells);
            }
        }
    }
}
