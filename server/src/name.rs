//! The node's name: given, or made at the first start and kept.

use crate::folder::make_file;
use beauty::Origin;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The file in the data folder that keeps a made name.
const FILE: &str = "node_id";

/// Why the node has no name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// The folder or the file can't be read or written.
    #[error("{path}: {why}; FEDERATED_DATA_DIR (--data-dir) must name a folder that this user may write to")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The file holds something else.
    #[error("{path} holds no name: {why}; write one into it, or delete it to get a new one")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: beauty::NameError,
    },
}

/// The name kept in this folder; made and kept there if there is none.
pub(crate) fn kept(folder: &Path) -> Result<Origin, NameError> {
    let path = folder.join(FILE);
    let failed = |why| NameError::Io { path: path.clone(), why };
    match std::fs::read_to_string(&path) {
        Ok(text) => Origin::new(text.trim()).map_err(|why| NameError::Damaged { path, why }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = format!("node-{}", &Uuid::new_v4().simple().to_string()[..8]);
            match make_file(folder, FILE, &name, 0o644) {
                // Another process was faster: its name counts.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => kept(folder),
                Err(error) => Err(failed(error)),
                Ok(()) => Origin::new(&name).map_err(|why| NameError::Damaged { path, why }),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_name_is_the_same_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("not/there/yet");
        let name = kept(&inside).unwrap();
        assert_eq!(kept(&inside).unwrap(), name);
        assert_eq!(std::fs::read_dir(inside).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_damaged_file_is_reported_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "\u{7}").unwrap();
        assert!(matches!(kept(folder.path()), Err(NameError::Damaged { .. })));
        assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap(), "\u{7}");
    }
}
