//! Ten seconds of bundles, and the fingerprint by which two nodes see whether they hold the same ones.

use super::error::Fault;
use super::record::take;
use gossip::{BundleHash, Fingerprint};

/// The width of a slot in microseconds, the unit of a bundle's number.
pub const SLOT: u64 = 10_000_000;

/// What the store holds of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its start, in microseconds since the epoch.
    pub start: u64,
    /// How many bundles.
    pub bundles: u64,
    /// The sum, modulo 2^64, of the first 8 bytes (little-endian) of the hashes of their contents, as [`gossip::Fingerprint`] has it.
    pub fingerprint: u64,
}

impl Slot {
    /// The start of the slot that a number lies in.
    pub fn start_of(seq: u64) -> u64 {
        seq - seq % SLOT
    }

    /// The first start of a slot at or after a moment.
    pub(super) fn start_after(seq: u64) -> u64 {
        Slot::start_of(seq.saturating_add(SLOT - 1))
    }

    pub(super) fn vacant(start: u64) -> Slot {
        Slot { start, bundles: 0, fingerprint: 0 }
    }

    pub(super) fn add(&mut self, hash: &BundleHash) {
        self.bundles = self.bundles.saturating_add(1);
        self.fingerprint = self.fingerprint.wrapping_add(Fingerprint::of(hash).hash);
    }

    /// Takes out a bundle. `None`: it is damaged, and nobody knows what it was. Its slot goes as a whole.
    pub(super) fn remove(&mut self, hash: Option<BundleHash>) {
        self.bundles = self.bundles.saturating_sub(1);
        self.fingerprint = self.fingerprint.wrapping_sub(hash.map_or(0, |hash| Fingerprint::of(&hash).hash));
    }

    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.bundles.to_le_bytes());
        bytes[8..].copy_from_slice(&self.fingerprint.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(start: u64, mut bytes: &[u8]) -> Result<Slot, Fault> {
        let bundles = u64::from_le_bytes(take("slots", &mut bytes)?);
        Ok(Slot { start, bundles, fingerprint: u64::from_le_bytes(take("slots", &mut bytes)?) })
    }
}
