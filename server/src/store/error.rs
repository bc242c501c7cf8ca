//! Why the store can't do what it was asked to: sentences for the person who can mend it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the store did not open, or did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "{path} is in use by another process: a data folder belongs to one node at a time; end that process, or give this \
         node a folder of its own with FEDERATED_DATA_DIR (--data-dir)"
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// What is in the file is not what was written into it.
    #[error(
        "{path} is damaged: {what}. It was left as it is. `beauty-mesh store check` says how much is whole, and \
         `beauty-mesh store export` writes out what can still be read; move the file away to start anew: peers bring back \
         what they hold"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is none.
    #[error("{path} is not there: FEDERATED_DATA_DIR (--data-dir) names the folder of the node whose store is meant")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by another version of this program.
    #[error(
        "{path} has format {found}, and this program reads format {known}: open it with the version that wrote it, and move \
         its events over with `beauty-mesh store export` and `beauty-mesh store import`"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        found: u32,
        /// What this program reads.
        known: u32,
    },
    /// It holds what was told in another mesh.
    #[error(
        "{path} holds the events of the mesh {found:?}, and no node of the mesh {asked:?} would take them: what is signed for one mesh \
         counts in no other. Name that mesh with FEDERATED_MESH (--mesh), or give the node of this one a folder of its own with \
         FEDERATED_DATA_DIR (--data-dir)"
    )]
    Mesh {
        /// The file.
        path: PathBuf,
        /// Whose events it holds.
        found: String,
        /// Which was named.
        asked: String,
    },
    /// The system refuses.
    #[error(
        "{path}: {why}; FEDERATED_DATA_DIR (--data-dir) must name a folder that this user may write to, with space left"
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A write or a sync failed before. What the disk holds since then is not known, so nothing more is acknowledged.
    #[error(
        "the store has stopped and acknowledges nothing more: {why}. What was acknowledged before is kept; see to the disk, \
         and start the node again"
    )]
    Stopped {
        /// The first failure.
        why: Arc<str>,
    },
    /// More is waiting for the disk than may wait.
    #[error("the store can't keep up with what comes in; send it again in a moment")]
    Busy,
}

/// A failure inside, before the file's name and the deed are put to it.
#[derive(Debug)]
pub(super) enum Fault {
    /// Told by the checksum of a record, or by its shape.
    Damaged(String),
    /// Told by redb.
    Redb(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Fault {
        Fault::Redb(error.into())
    }
}

impl Fault {
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Fault::Damaged(what) | Fault::Redb(redb::Error::Corrupted(what)) => StoreError::Damaged { path, what },
            Fault::Redb(redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch) => {
                StoreError::InUse { path }
            }
            // Of which redb, or the disk, says that it is no such file, or ends too soon.
            Fault::Redb(redb::Error::Io(why))
                if [ErrorKind::InvalidData, ErrorKind::UnexpectedEof].contains(&why.kind()) =>
            {
                StoreError::Damaged { path, what: why.to_string() }
            }
            Fault::Redb(error @ (redb::Error::TableTypeMismatch { .. } | redb::Error::UpgradeRequired(_))) => {
                StoreError::Damaged { path, what: error.to_string() }
            }
            Fault::Redb(error) => StoreError::Io { path, why: error.to_string() },
        }
    }
}
