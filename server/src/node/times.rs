//! How far ahead an event's time may lie, and of what.
//!
//! Whoever reports an event may be 30 s ahead of the node that takes it in, by the clock by which that node numbers its bundles
//! ([`gossip::State::clock`]). So no event lies much further ahead than its bundle's number: a bundle in which one does is refused,
//! by all nodes alike. A bundle is kept that lies up to 60 s ahead of a node's clock. So whatever is kept can be counted at once,
//! and nodes that hold the same bundles have one digest, whatever their clocks show.

use super::Shared;
use crate::clock;
use beauty::{TimeRefusal, Timestamp};
use std::time::Duration;

/// How far ahead an event may be where it is reported, in milliseconds. A guess: far more than a clock kept by NTP is off.
const REPORTED: u64 = 30_000;
/// How far an event may lie ahead of its bundle's number, in milliseconds. More than it ever does.
const CARRIED: u64 = 60_000;
/// How far ahead of its clock a node keeps bundles, in milliseconds: as `gossip` does.
const KEPT: u64 = 60_000;
/// How far ahead a ledger takes events: what a bundle may lie ahead, and its event of it.
pub(crate) const COUNTED: Duration = Duration::from_secs(120);

/// Whether peers keep a bundle with this number now.
pub(super) fn kept(seq: u64, now: Timestamp) -> bool {
    Timestamp::from_millis(seq / 1_000).saturating_since(now) <= KEPT
}

/// Whether an event can belong to the bundle with this number.
pub(super) fn carried(at: Timestamp, seq: u64) -> bool {
    at.saturating_since(Timestamp::from_millis(seq / 1_000)) <= CARRIED
}

impl Shared {
    /// By which this node dates and numbers what it tells.
    pub(super) fn own_clock(&self) -> Timestamp {
        Timestamp::from_millis(self.protocol().state.clock(self.time()) / 1_000)
    }

    /// Whether an event of this time may be reported to this node now.
    pub(super) fn admits(&self, at: Timestamp) -> Result<(), TimeRefusal> {
        let ahead = at.saturating_since(self.own_clock());
        if ahead > REPORTED {
            return Err(TimeRefusal::TooFarAhead { by: ahead, allowed: REPORTED });
        }
        self.ledger().admits(at, clock::wall())
    }
}
