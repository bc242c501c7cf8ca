//! Deltas, from the driver to whoever reads the stream.

use beauty::Resolution;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

/// Deltas that wait for the slowest reader; one more, and it gets a snapshot instead.
const BACKLOG: usize = 64;

/// A message of the stream, written once for all readers.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) seq: u64,
    pub(crate) json: Arc<str>,
}

/// One channel for each resolution.
pub(crate) struct Hub {
    seq: AtomicU64,
    channels: [broadcast::Sender<Frame>; Resolution::ALL.len()],
}

impl Default for Hub {
    fn default() -> Hub {
        Hub { seq: AtomicU64::new(0), channels: Resolution::ALL.map(|_| broadcast::Sender::new(BACKLOG)) }
    }
}

impl Hub {
    /// The deltas of a resolution, from now on. Subscribe first, read the snapshot then: nothing falls between.
    pub(crate) fn subscribe(&self, resolution: Resolution) -> broadcast::Receiver<Frame> {
        self.channel(resolution).subscribe()
    }

    /// The number of the last delta. What it says was in the ledger before it was numbered.
    pub(crate) fn seq(&self) -> u64 {
        self.seq.load(Ordering::Acquire)
    }

    /// Begins the next delta. The ledger holds already what it will say.
    pub(super) fn next(&self) {
        self.seq.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether anybody reads the stream.
    pub(super) fn is_read(&self) -> bool {
        self.channels.iter().any(|channel| channel.receiver_count() > 0)
    }

    /// Sends a delta to the readers of its resolution, if there are any: else it is not even written.
    pub(super) fn publish(&self, resolution: Resolution, write: impl FnOnce(u64) -> Arc<str>) {
        let channel = self.channel(resolution);
        if channel.receiver_count() > 0 {
            let seq = self.seq();
            // Fails only when the last reader has just left.
            let _ = channel.send(Frame { seq, json: write(seq) });
        }
    }

    fn channel(&self, resolution: Resolution) -> &broadcast::Sender<Frame> {
        &self.channels[resolution as usize]
    }
}
