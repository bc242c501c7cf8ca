//! What the store is given to keep, and what it answers.

use super::error::StoreError;
use gossip::{Bundle, BundleHash, BundleId, Proof};
use tokio::sync::oneshot;

/// A bundle as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBundle {
    /// What it is known by.
    pub id: BundleId,
    /// The hash of what it says, where that is at hand: else the store works it out.
    pub hash: Option<BundleHash>,
    /// How many events it holds.
    pub events: u16,
    /// The bundle as it is on the wire, signature included. The store does not look into it.
    pub bytes: Vec<u8>,
}

/// The proof that an origin cheats, and since when it is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProof {
    /// Two bundles that it has signed under one number.
    pub proof: Proof,
    /// In microseconds since the epoch.
    pub since: u64,
}

/// What is to be kept together: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Bundles, own and received.
    pub bundles: Vec<StoredBundle>,
    /// Proofs. The first one of an origin stays.
    pub proofs: Vec<StoredProof>,
    /// The last number that this node gave to a bundle.
    pub own_seq: Option<u64>,
    /// The addresses to dial after a restart, in place of those kept before.
    pub peers: Option<Vec<String>>,
}

/// A bucket to be kept: its key and what it holds. The store does not look into either.
pub type Rollup = (Vec<u8>, Vec<u8>);

/// What makes all bundles kept so far part of the rollups, and makes room.
///
/// The caller takes the rollups of a state that every bundle given to the store before has gone into, and none that it has
/// not given to the store yet.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The buckets that have changed since the checkpoint before.
    pub rollups: Vec<Rollup>,
    /// Keys of rollups that are no part of the state any more. They go before the changed ones are kept.
    pub gone: Vec<Vec<u8>>,
    /// Keys of rollups that nobody can ask for any more: all in these ranges go, the second key of each not included.
    pub past: Vec<(Vec<u8>, Vec<u8>)>,
    /// What has come and is part of no rollup yet, as the caller writes it.
    pub waiting: Vec<u8>,
    /// Slots that end before this number go.
    pub retain_from: u64,
    /// The oldest slots go, until keys and records of the others take no more bytes than this.
    pub max_bytes: u64,
    /// But none that end after this number, however large they are: what comes now must find its place.
    pub spare_from: u64,
}

/// What became of a batch or a checkpoint. It is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Bundles that are new.
    pub new: usize,
    /// Bundles that were there before, and whole.
    pub known: usize,
    /// Bundles, new as well, under whose number one with another content was there: both stay.
    pub differing: Vec<BundleId>,
    /// Bundles that are older than what the store takes. They were not kept.
    pub too_old: usize,
    /// Bundles that had to go.
    pub pruned: usize,
    /// Where bundles had to go: none with a lower number is left, and none will be taken. More of them may have to go
    /// at the next checkpoint.
    pub horizon: Option<u64>,
}

/// The promise of an answer, given when the batch is in the queue.
#[derive(Debug)]
pub struct Receipt(pub(super) oneshot::Receiver<Result<Kept, StoreError>>);

impl Receipt {
    /// Waits until the batch is on disk: the sync that holds it has returned.
    ///
    /// # Errors
    /// The store has stopped; whether the batch is on disk is not known, and it must not be acknowledged.
    pub async fn kept(self) -> Result<Kept, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(ended()))
    }

    /// As [`kept`](Receipt::kept), for a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn kept_blocking(self) -> Result<Kept, StoreError> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(ended()))
    }
}

pub(super) fn ended() -> StoreError {
    StoreError::Stopped { why: "its thread has ended".into() }
}

impl Batch {
    /// About how many bytes it brings.
    pub(crate) fn bytes(&self) -> usize {
        let bundles: usize = self.bundles.iter().map(|bundle| bundle.bytes.len() + 64).sum();
        let proofs = self.proofs.iter().flat_map(|stored| stored.proof.bundles());
        let proofs: usize = proofs.map(|bundle| Bundle::bytes(bundle) + 128).sum();
        bundles + proofs + self.peers.iter().flatten().map(String::len).sum::<usize>()
    }
}

impl Checkpoint {
    /// About how many bytes it brings.
    pub(crate) fn bytes(&self) -> usize {
        let gone = self.gone.iter().map(Vec::len).sum::<usize>();
        self.waiting.len() + gone + self.rollups.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }
}
