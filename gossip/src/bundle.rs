//! What nodes gossip among themselves: a few events of one origin, under one number.

use crate::Event;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Who made a bundle: 32 bytes, an Ed25519 public key once nodes have keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OriginId(pub [u8; 32]);

impl fmt::Debug for OriginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OriginId({:02x}{:02x}{:02x}{:02x}…)", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// What a bundle is known by. It never covers the signature's bytes: a signature written another way makes no new bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BundleId {
    /// Who made it.
    pub origin: OriginId,
    /// Grows strictly with each bundle of the origin: the greater of the last one plus 1 and the clock in microseconds,
    /// so that an origin which lost its disk, but not its key, does not repeat itself.
    pub seq: u64,
}

/// A bundle: 1 to [`Bundle::MAX_EVENTS`] events, in the order in which they were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What it is known by.
    pub id: BundleId,
    /// What it tells.
    pub events: Arc<[Event]>,
}

impl Bundle {
    /// How many events a bundle holds at most.
    pub const MAX_EVENTS: usize = 256;
    /// How many bytes of text its events hold at most: with their heads, they stay below a frame of 64 KiB.
    pub const MAX_BYTES: usize = 48 * 1_024;

    /// The bytes of text that its events hold.
    pub fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.json.len()).sum()
    }
}
