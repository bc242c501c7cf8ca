//! Proof that two nodes agree: a hash of a set of events that does not depend on their order and is kept incrementally.
//!
//! The hash of a set is the sum, modulo 2^256, of its members' content hashes: an additive hash in the family of AdHash
//! (Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing: Incrementality at Reduced Cost", EUROCRYPT 1997), to
//! which LtHash belongs too. Adding, taking out and merging cost one addition of 256 bits.
//!
//! It guards against faults, not against forgers. An honest difference goes unseen with probability 2^-256. But who may choose
//! events freely can look for sets with equal sums: with a sum this narrow, Wagner's generalised birthday attack (CRYPTO 2002)
//! finds them in about 2^(2·√256) = 2^32 steps, by merging many lists instead of two. LtHash pays 2 kB a hash to close that
//! door. Here a forger gains nothing that signatures don't already deny, so 32 bytes do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The BLAKE3 hash of one event's content, from [`BeautyEvent::content_hash`](crate::BeautyEvent::content_hash).
///
/// Ordered by its bytes, first byte first: of two events with one id, the one with the smaller hash wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

/// The hash of a set of events: the sum of their content hashes modulo 2^256, read as little-endian integers.
///
/// The empty set is 0. As a sum, it counts: an event added twice is not the event added once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SetHash([u64; 4]);

impl SetHash {
    /// Adds an event.
    pub fn add(&mut self, hash: &ContentHash) {
        self.merge(&SetHash::from_bytes(&hash.0));
    }

    /// Takes out an event that was added before.
    pub fn remove(&mut self, hash: &ContentHash) {
        let mut borrow = false;
        for (limb, other) in self.0.iter_mut().zip(SetHash::from_bytes(&hash.0).0) {
            let (less, under) = limb.overflowing_sub(other);
            let (less, under_again) = less.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (less, under || under_again);
        }
    }

    /// Adds all events of another set.
    pub fn merge(&mut self, other: &SetHash) {
        let mut carry = false;
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            let (more, over) = limb.overflowing_add(other);
            let (more, over_again) = more.overflowing_add(u64::from(carry));
            (*limb, carry) = (more, over || over_again);
        }
    }

    /// The sum as 32 bytes, least significant first.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }

    /// The sum that [`to_bytes`](SetHash::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8; 32]) -> SetHash {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*chunk);
        }
        SetHash(limbs)
    }

    /// The 32 bytes in hexadecimal, 64 digits.
    pub fn hex(&self) -> String {
        hex::encode(self.to_bytes())
    }
}

/// What a node says about its set of events: from which hour on, and the set's hash. Equal digests, equal sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest {
    /// The start of the first hour that is counted. All later hours are.
    pub from: Timestamp,
    /// The hash of all events from then on.
    pub hash: SetHash,
}

impl Digest {
    /// The hash in hexadecimal, 64 digits.
    pub fn hex(&self) -> String {
        self.hash.hex()
    }
}

/// Names the range, without which a hash says nothing.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over all events from {} on", self.hex(), self.from)
    }
}
