//! The file that keeps what is known of changed keys, and the change of this node's own.
//!
//! One line a statement, under a line that says what it is: both keys, when, and both signatures, in hexadecimal. The file is
//! replaced whole or not at all.

use crate::folder::{make_file, rename, replace_file};
use crate::identity::{self, IdentityError};
use crate::kept::KeptFile;
use crate::store::{Store, StoreError};
use gossip::{Keypair, OriginId, Rotation, Rotations, Signature};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::warn;

/// The file in the data folder.
pub const FILE: &str = "rotations";
/// The node's next key, until it is the node's key.
const NEXT: &str = "identity.key.next";

const HEADER: &str = "beauty-mesh changed keys, 1";

/// Why keys can't be changed, or what is known of changed keys can't be read.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The system refuses.
    #[error("{path}: {why}; FEDERATED_DATA_DIR (--data-dir) must name a folder that this user may write to")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// It holds something else.
    #[error(
        "{path} is damaged in line {line}. Put it back from a copy; or move it away: nodes that have changed their keys are then \
         known again when peers tell of them"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1 on.
        line: usize,
    },
    /// What it holds is said in another mesh.
    #[error(
        "{path} holds changes of keys that are not signed for the mesh {mesh:?}: name the mesh that this node is part of, with \
         FEDERATED_MESH (--mesh). Nothing was changed"
    )]
    Mesh {
        /// The file.
        path: PathBuf,
        /// Which mesh was named.
        mesh: String,
    },
    /// The statement would not count.
    #[error(
        "{path} says that {to} has taken the place of this node's key: nobody would follow a second change, so nothing was changed. If \
         you have not made that one, somebody else has the key: leave it behind, by moving identity.key away, and take another name"
    )]
    Given {
        /// The file.
        path: PathBuf,
        /// The key that counts, in hexadecimal.
        to: String,
    },
    /// The key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The node may be running.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is known of changed keys, in this folder: what holds for this mesh.
///
/// # Errors
/// The file can't be read, or is damaged. No file is no error.
pub(crate) fn read(folder: &Path, mesh: &str) -> Result<Vec<Rotation>, RotationError> {
    let [hold, others] = read_all(folder, mesh)?;
    if !others.is_empty() {
        let path = folder.join(FILE);
        warn!("{}: {} changes of keys don't hold for the mesh {mesh}, and are not told", path.display(), others.len());
    }
    Ok(hold)
}

/// All that is in the file: what holds for this mesh, and the rest.
fn read_all(folder: &Path, mesh: &str) -> Result<[Vec<Rotation>; 2], RotationError> {
    let path = folder.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok([Vec::new(), Vec::new()]),
        Err(why) => return Err(RotationError::Io { path, why }),
    };
    let damaged = |line| RotationError::Damaged { path: path.clone(), line };
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, line)| line != HEADER) {
        return Err(damaged(1));
    }
    let all = lines.map(|(at, line)| parse(line).ok_or_else(|| damaged(at + 1)));
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().partition(|rotation| rotation.holds(mesh)).into())
}

/// Keeps what is known, as it grows. Cheap to share.
#[derive(Debug)]
pub(crate) struct RotationFile {
    known: Mutex<Arc<Rotations>>,
    file: KeptFile,
}

impl RotationFile {
    pub(crate) fn new(folder: Option<PathBuf>, known: &[Rotation]) -> RotationFile {
        let mut rotations = Rotations::default();
        known.iter().for_each(|rotation| {
            rotations.learn(rotation.clone());
        });
        RotationFile { known: Mutex::new(Arc::new(rotations)), file: KeptFile::new(folder, FILE) }
    }

    /// What is known now.
    pub(crate) fn known(&self) -> Arc<Rotations> {
        Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This is what is known now. `true`: it is to be [written](Self::write).
    pub(crate) fn set(&self, known: Rotations) -> bool {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        self.file.is_due()
    }

    /// Takes what is known to the disk.
    pub(crate) fn write(&self) {
        let known = || text(self.known().iter());
        if let Err((path, why)) = self.file.write(known) {
            warn!("{}: {why}: after a restart, peers have to tell again who has changed keys", path.display());
        }
    }
}

/// Gives the node in this folder a new key, and states that it is the same node. Returns both public keys. It must not be running.
///
/// A crash between two steps does no harm: the next call goes on where this one was.
///
/// # Errors
/// The node is running, is part of another mesh, has no key, has given it to another already, or the system refuses.
pub fn rotate(folder: &Path, mesh: &str, at: u64) -> Result<[OriginId; 2], RotationError> {
    let _store = match Store::existing(folder, false) {
        Ok(store) => {
            store.belongs_to(mesh)?;
            Some(store)
        }
        Err(StoreError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let [hold, others] = read_all(folder, mesh)?;
    if !others.is_empty() {
        return Err(RotationError::Mesh { path: folder.join(FILE), mesh: mesh.to_owned() });
    }
    let failed = |name| move |why| RotationError::Io { path: folder.join(name), why };
    let old = identity::read(folder)?;
    let new = match identity::read_file(folder, NEXT) {
        Err(IdentityError::Missing { .. }) => {
            let new = Keypair::from_seed(&rand::random());
            make_file(folder, NEXT, &identity::text(&new), 0o600).map_err(failed(NEXT))?;
            new
        }
        other => other?,
    };
    let mut known = Rotations::default();
    hold.into_iter().for_each(|rotation| {
        known.learn(rotation);
    });
    // Where there is room for no more, it is none of this node's own that goes, however late the others are dated.
    let own = known.line_of(old.origin());
    known.learn_before(Rotation::state(mesh, &old, &new, at), |key| own.contains(key));
    let newest = known.newest(old.origin());
    if newest != new.origin() {
        return Err(RotationError::Given { path: folder.join(FILE), to: hex::encode(newest.0) });
    }
    // First what others need to follow, then the key: a node with a new key and no statement would be another node.
    replace_file(folder, FILE, &text(known.iter()), 0o644).map_err(failed(FILE))?;
    rename(folder, NEXT, identity::FILE).map_err(failed(identity::FILE))?;
    Ok([old.origin(), new.origin()])
}

fn text<'a>(rotations: impl Iterator<Item = &'a Rotation>) -> String {
    let mut text = format!("{HEADER}\n");
    for Rotation { old, new, at, by_old, by_new } in rotations {
        let [old, new] = [old, new].map(|key| hex::encode(key.0));
        let [by_old, by_new] = [by_old, by_new].map(|signature| hex::encode(signature.0));
        // A text takes whatever is written.
        let _ = writeln!(text, "{old} {new} {at} {by_old} {by_new}");
    }
    text
}

fn parse(line: &str) -> Option<Rotation> {
    fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
    }
    let words: Vec<&str> = line.split(' ').collect();
    let [old, new, at, by_old, by_new] = words.as_slice() else { return None };
    Some(Rotation {
        old: OriginId(bytes(old)?),
        new: OriginId(bytes(new)?),
        at: at.parse().ok()?,
        by_old: Signature(bytes(by_old)?),
        by_new: Signature(bytes(by_new)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_changed_and_the_statement_is_kept_with_those_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = identity::kept(folder.path()).unwrap().origin();
        let [old, second] = rotate(folder.path(), "beauty", 5).unwrap();
        assert_eq!((old, identity::read(folder.path()).unwrap().origin()), (first, second));
        let [_, third] = rotate(folder.path(), "beauty", 6).unwrap();
        let mut known = Rotations::default();
        for rotation in read(folder.path(), "beauty").unwrap() {
            assert!(known.learn(rotation));
        }
        assert_eq!(known.newest(first), third);
        assert_eq!(read(folder.path(), "ugly").unwrap(), [], "it was said in another mesh");
        assert!(!folder.path().join(NEXT).exists());
    }

    #[test]
    fn a_change_that_was_cut_off_goes_on_with_the_key_that_was_made() {
        let folder = tempfile::tempdir().unwrap();
        identity::kept(folder.path()).unwrap();
        let next = Keypair::from_seed(&[7; 32]);
        make_file(folder.path(), NEXT, &identity::text(&next), 0o600).unwrap();
        let [_, new] = rotate(folder.path(), "beauty", 5).unwrap();
        assert_eq!(new, next.origin());
    }

    #[test]
    fn the_own_change_stays_however_many_others_are_dated_later() {
        for has_changed_before in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let first = identity::kept(folder.path()).unwrap().origin();
            if has_changed_before {
                rotate(folder.path(), "beauty", 5).unwrap();
            }
            let mut others = Rotations::default();
            read(folder.path(), "beauty").unwrap().into_iter().for_each(|rotation| assert!(others.learn(rotation)));
            let pair = |number: u32| Keypair::from_seed(&std::array::from_fn(|at| number.to_le_bytes()[at % 4]));
            for number in (1_000..).step_by(2).take(Rotations::MAX - others.iter().count()) {
                let (old, new) = (pair(number), pair(number + 1));
                assert!(others.learn(Rotation::state("beauty", &old, &new, 23 * 3_600_000_000)));
            }
            std::fs::write(folder.path().join(FILE), text(others.iter())).unwrap();
            let [old, new] = rotate(folder.path(), "beauty", 6).unwrap();
            let file = RotationFile::new(None, &read(folder.path(), "beauty").unwrap());
            assert_eq!(file.known().newest(old), new);
            assert_eq!(file.known().newest(first), new, "and so does what brought it here");
            assert_eq!(file.known().iter().count(), Rotations::MAX);
        }
    }

    #[test]
    fn a_key_that_was_given_to_another_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let key = identity::kept(folder.path()).unwrap();
        let stolen = Rotation::state("beauty", &key, &Keypair::from_seed(&[9; 32]), 4);
        std::fs::write(folder.path().join(FILE), text([&stolen].into_iter())).unwrap();
        let words = rotate(folder.path(), "beauty", 5).unwrap_err().to_string();
        assert!(words.contains(&hex::encode(stolen.new.0)) && words.contains("nothing was changed"), "{words}");
        assert_eq!(identity::read(folder.path()).unwrap().origin(), key.origin());
        assert_eq!(read(folder.path(), "beauty").unwrap(), [stolen]);
    }

    #[test]
    fn a_key_is_not_changed_in_a_mesh_that_the_node_is_no_part_of() {
        let folder = tempfile::tempdir().unwrap();
        let key = identity::kept(folder.path()).unwrap().origin();
        let store = Store::open(folder.path()).unwrap();
        store.belongs_to("prod").unwrap();
        let bundles = vec![crate::store::StoredBundle {
            id: gossip::BundleId { origin: key, seq: 1 },
            hash: None,
            events: 1,
            bytes: Vec::new(),
        }];
        store.keep(crate::store::Batch { bundles, ..Default::default() }).unwrap().kept_blocking().unwrap();
        drop(store);
        let words = rotate(folder.path(), "beauty", 5).unwrap_err().to_string();
        assert!(words.contains("mesh \"prod\"") && words.contains("--mesh"), "{words}");
        let [_, new] = rotate(folder.path(), "prod", 5).unwrap();
        let kept = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        std::fs::remove_file(folder.path().join(crate::store::FILE)).unwrap();
        let words = rotate(folder.path(), "beauty", 6).unwrap_err().to_string();
        assert!(words.contains("not signed for the mesh \"beauty\"") && words.contains("--mesh"), "{words}");
        assert_eq!(identity::read(folder.path()).unwrap().origin(), new);
        assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap(), kept);
    }

    #[test]
    fn a_damaged_file_is_reported_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        identity::kept(folder.path()).unwrap();
        rotate(folder.path(), "beauty", 5).unwrap();
        let path = folder.path().join(FILE);
        let damaged = std::fs::read_to_string(&path).unwrap().replace(" 5 ", " x ");
        std::fs::write(&path, &damaged).unwrap();
        let words = read(folder.path(), "beauty").unwrap_err().to_string();
        assert!(words.contains("line 2") && words.contains("move it away"), "{words}");
        assert!(rotate(folder.path(), "beauty", 6).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
    }

    #[test]
    fn a_key_is_not_changed_under_a_node_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let key = identity::kept(folder.path()).unwrap().origin();
        let _running = Store::open(folder.path()).unwrap();
        assert!(matches!(rotate(folder.path(), "beauty", 5), Err(RotationError::Store(StoreError::InUse { .. }))));
        assert_eq!(identity::read(folder.path()).unwrap().origin(), key);
    }

    #[test]
    fn however_many_come_one_write_is_asked_for_and_takes_all_along() {
        let folder = tempfile::tempdir().unwrap();
        let file = RotationFile::new(Some(folder.path().to_owned()), &[]);
        let pair = |number| Keypair::from_seed(&[number; 32]);
        let mut known = Rotations::default();
        let mut learn = |at| {
            known.learn(Rotation::state("m", &pair(at), &pair(100 + at), 1));
            file.set(known.clone())
        };
        assert_eq!((1..=40).filter(|at| learn(*at)).count(), 1);
        file.write();
        assert_eq!(read(folder.path(), "m").unwrap().len(), 40);
        assert!(learn(50), "the next is asked for anew");
    }
}
