//! The hash over all that nodes take in: equal hashes, equal runs.

use crate::protocol::ConnId;
use gossip::Time;

/// Frames are gathered up to so many bytes: many at once are hashed several times as fast.
const GATHER: usize = 64 * 1_024;

/// A hash that grows.
#[derive(Debug, Default)]
pub(super) struct Trace {
    hasher: blake3::Hasher,
    gathered: Vec<u8>,
}

impl Trace {
    /// A node takes in a frame.
    pub(super) fn add(&mut self, now: Time, end: ConnId, frame: &[u8]) {
        for number in [now.as_micros(), end.0, frame.len() as u64] {
            self.gathered.extend_from_slice(&number.to_le_bytes());
        }
        self.gathered.extend_from_slice(frame);
        if self.gathered.len() >= GATHER {
            self.hasher.update(&self.gathered);
            self.gathered.clear();
        }
    }

    /// The hash so far.
    pub(super) fn hash(&self) -> blake3::Hash {
        self.hasher.clone().update(&self.gathered).finalize()
    }
}
