//! Where the page takes its first snapshot from.

use crate::api::Snapshot;
use std::fmt;
use std::sync::Arc;

/// A handle to the node's newest snapshot, which the server provides as Leptos context. Cheap to clone.
#[derive(Clone)]
pub struct SnapshotSource(Arc<dyn Fn() -> Option<Snapshot> + Send + Sync>);

impl SnapshotSource {
    /// Wraps the function that takes a snapshot; `None` says that federation is switched off.
    pub fn new(read: impl Fn() -> Option<Snapshot> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The snapshot of this moment; `None` where federation is switched off.
    #[must_use]
    pub fn read(&self) -> Option<Snapshot> {
        (self.0)()
    }
}

impl fmt::Debug for SnapshotSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SnapshotSource")
    }
}
