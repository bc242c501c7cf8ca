//! Where the page takes its first snapshot from.

use crate::api::Snapshot;
use crate::choice::Choice;
use crate::json::Carried;
use beauty::{Likeness, Resolution, Timestamp};
use leptos::prelude::*;
use std::fmt;
use std::sync::Arc;

/// Takes a snapshot: of which resolution, and of which moment, where not of now.
type Take = dyn Fn(Resolution, Option<Timestamp>) -> Option<Snapshot> + Send + Sync;

/// A handle to the node's snapshots, which the server provides as Leptos context. Cheap to clone.
#[derive(Clone)]
pub struct SnapshotSource {
    take: Arc<Take>,
    likeness: Arc<dyn Fn() -> Likeness + Send + Sync>,
}

impl SnapshotSource {
    /// Wraps the functions that take a snapshot and a likeness; no snapshot says that federation is switched off.
    pub fn new(
        take: impl Fn(Resolution, Option<Timestamp>) -> Option<Snapshot> + Send + Sync + 'static,
        likeness: impl Fn() -> Likeness + Send + Sync + 'static,
    ) -> Self {
        Self { take: Arc::new(take), likeness: Arc::new(likeness) }
    }

    /// The snapshot of this moment or of another, with columns of a resolution; `None` where federation is switched off.
    #[must_use]
    pub fn read(&self, resolution: Resolution, at: Option<Timestamp>) -> Option<Snapshot> {
        (self.take)(resolution, at)
    }

    /// What the portrait of this moment is drawn from.
    #[must_use]
    pub fn likeness(&self) -> Likeness {
        (self.likeness)()
    }
}

/// The snapshot that a page starts from: taken on the server, read from the HTML in the browser.
pub(crate) fn taken(choice: Memo<Choice>) -> Option<Snapshot> {
    let take = || {
        let (resolution, at) = choice.with_untracked(|choice| (choice.resolution, choice.at));
        use_context::<SnapshotSource>()?.read(resolution, at.map(Timestamp::from_millis))
    };
    SharedValue::new_str(|| Carried(take())).into_inner().0
}

impl fmt::Debug for SnapshotSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SnapshotSource")
    }
}
