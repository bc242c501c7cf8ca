//! The file that keeps the node's secret key: made at the first start, readable by its owner only, never logged.
//!
//! Three lines: what it is, the 32 secret bytes, and the public key, both in hexadecimal. The public key says whether the secret
//! bytes are still the ones that were written.

use crate::folder::make_file;
use gossip::{Keypair, SecondKeypair};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The file in the data folder.
pub const FILE: &str = "identity.key";

const HEADER: &str = "beauty-mesh secret key, Ed25519, 1";

/// The file in the data folder with the second key, where there is one.
pub const SECOND_FILE: &str = "identity.second.key";

const SECOND_HEADER: &str = "beauty-mesh secret key, ML-DSA-65, 1";

/// Why the node has no key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The system refuses.
    #[error("{path}: {why}; FEDERATED_DATA_DIR (--data-dir) must name a folder that this user may write to")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// Others may read it.
    #[error(
        "{path} can be read or written by others than its owner (mode {mode:03o}), so the key may be known to them: \
         `chmod 600 {path}` if you trust them, else move the file away to get a new key"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error(
        "{path} is damaged: {what}. Put it back from a copy; or move it away to get a new key, by which peers will take this \
         node for another one"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is none.
    #[error("{path} is not there: a node makes its key at its first start")]
    Missing {
        /// The file.
        path: PathBuf,
    },
}

/// The key kept in this folder; made and kept there if there is none.
///
/// # Errors
/// It can't be read or made, others may read it, or it is damaged. It is never replaced.
pub fn kept(folder: &Path) -> Result<Keypair, IdentityError> {
    match read(folder) {
        Err(IdentityError::Missing { path }) => {
            let pair = Keypair::from_seed(&rand::random());
            match make_file(folder, FILE, &text(&pair), 0o600) {
                // Another process was faster: its key counts.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(folder),
                Err(why) => Err(IdentityError::Io { path, why }),
                Ok(()) => Ok(pair),
            }
        }
        other => other,
    }
}

/// The second key kept in this folder; made and kept there if there is none and one is `wanted`.
///
/// # Errors
/// It can't be read or made, others may read it, or it is damaged. It is never replaced.
pub fn second(folder: &Path, wanted: bool) -> Result<Option<SecondKeypair>, IdentityError> {
    match read_second(folder) {
        Err(IdentityError::Missing { path }) if wanted => {
            let pair = SecondKeypair::from_seed(&rand::random());
            match make_file(folder, SECOND_FILE, &second_text(&pair), 0o600) {
                // Another process was faster: its key counts.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_second(folder).map(Some),
                Err(why) => Err(IdentityError::Io { path, why }),
                Ok(()) => Ok(Some(pair)),
            }
        }
        Err(IdentityError::Missing { .. }) => Ok(None),
        other => other.map(Some),
    }
}

fn read_second(folder: &Path) -> Result<SecondKeypair, IdentityError> {
    read_secret(folder, SECOND_FILE, |text| {
        let (seed, public) = parse_lines(text, SECOND_HEADER)?;
        let pair = SecondKeypair::from_seed(&seed);
        if public == second_hash(&pair) { Ok(pair) } else { Err(APART) }
    })
}

/// What the second key's file holds. Its public half has 1,952 bytes: a hash of it tells as well whether the secret bytes are whole.
fn second_text(pair: &SecondKeypair) -> String {
    format!("{SECOND_HEADER}\n{}\npublic {}\n", hex::encode(pair.seed()), second_hash(pair))
}

/// By which people can compare second keys: the first 32 bytes of a BLAKE3 hash, in hexadecimal.
pub fn second_hash(pair: &SecondKeypair) -> String {
    blake3::hash(&*pair.public().0).to_hex().to_string()
}

/// The key kept in this folder.
///
/// # Errors
/// There is none, it can't be read, others may read it, or it is damaged.
pub fn read(folder: &Path) -> Result<Keypair, IdentityError> {
    read_file(folder, FILE)
}

/// The key kept in a file of this name in this folder.
pub(crate) fn read_file(folder: &Path, name: &str) -> Result<Keypair, IdentityError> {
    read_secret(folder, name, parse)
}

/// Reads a file that only its owner may read.
fn read_secret<T>(
    folder: &Path,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<T, IdentityError> {
    let path = folder.join(name);
    let failed = |why: io::Error| match why.kind() {
        io::ErrorKind::NotFound => IdentityError::Missing { path: path.clone() },
        _ => IdentityError::Io { path: path.clone(), why },
    };
    let data = std::fs::metadata(&path).map_err(failed)?;
    if !data.is_file() {
        // Reading a pipe would wait for whoever writes into it.
        return Err(IdentityError::Damaged { path, what: "it is a folder, a pipe or a device, and no file" });
    }
    let mode = data.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::Open { path, mode });
    }
    let bytes = std::fs::read(&path).map_err(failed)?;
    let text = str::from_utf8(&bytes).map_err(|_| "it is no text");
    text.and_then(parse).map_err(|what| IdentityError::Damaged { path, what })
}

/// What the file holds, for whoever moves a node to another machine.
pub fn text(pair: &Keypair) -> String {
    format!("{HEADER}\n{}\npublic {}\n", hex::encode(pair.seed()), hex::encode(pair.origin().0))
}

fn parse(text: &str) -> Result<Keypair, &'static str> {
    let (seed, public) = parse_lines(text, HEADER)?;
    let pair = Keypair::from_seed(&seed);
    if public == hex::encode(pair.origin().0) { Ok(pair) } else { Err(APART) }
}

const APART: &str = "the secret key and the public key in it don't belong together";

/// The secret bytes, and what is said of the public half.
fn parse_lines<'a>(text: &'a str, header: &str) -> Result<([u8; 32], &'a str), &'static str> {
    let mut lines = text.lines();
    if lines.next() != Some(header) {
        return Err("its first line is not that of a key file");
    }
    let mut seed = [0; 32];
    hex::decode_to_slice(lines.next().unwrap_or_default(), &mut seed).map_err(|_| "its second line is no key")?;
    let public = lines.next().and_then(|line| line.strip_prefix("public "));
    public.filter(|_| lines.next().is_none()).map(|public| (seed, public)).ok_or(APART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("not/there/yet");
        assert!(matches!(read(&inside), Err(IdentityError::Missing { .. })));
        let pair = kept(&inside).unwrap();
        assert_eq!(kept(&inside).unwrap().seed(), pair.seed());
        assert_ne!(kept(folder.path()).unwrap().seed(), pair.seed());
        assert_eq!(std::fs::metadata(inside.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&inside).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        for mode in [0o640, 0o604, 0o620, 0o666] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let words = kept(folder.path()).unwrap_err().to_string();
            assert!(words.contains("chmod 600") && words.contains(&format!("{mode:o}")), "{words}");
        }
    }

    #[test]
    fn a_damaged_file_is_reported_never_replaced_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let whole = text(&kept(folder.path()).unwrap());
        let path = folder.path().join(FILE);
        let secret = whole.lines().nth(1).unwrap();
        let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole.as_bytes()[..length].to_vec()).collect();
        // The last line break may be missing: nothing is lost with it.
        damaged.pop();
        for at in 0..whole.len() - 1 {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= 1;
            damaged.push(bytes);
        }
        for bytes in damaged {
            std::fs::write(&path, &bytes).unwrap();
            let error = kept(folder.path()).unwrap_err();
            assert!(matches!(error, IdentityError::Damaged { .. }), "{error}");
            assert!(!error.to_string().contains(secret));
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_no_file_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let made = std::process::Command::new("mkfifo").arg("-m").arg("600").arg(&path).status().unwrap();
        assert!(made.success());
        let no_file = || {
            let words = kept(folder.path()).unwrap_err().to_string();
            assert!(words.contains("no file") && !words.contains("chmod"), "{words}");
        };
        no_file();
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        no_file();
    }

    #[test]
    fn a_second_key_is_made_where_it_is_wanted_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(second(folder.path(), false).unwrap().is_none());
        let pair = second(folder.path(), true).unwrap().unwrap();
        assert_eq!(second(folder.path(), false).unwrap().unwrap().seed(), pair.seed());
        let path = folder.path().join(SECOND_FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let whole = std::fs::read_to_string(&path).unwrap();
        let secret = whole.lines().nth(1).unwrap();
        for at in (0..whole.len() - 1).step_by(3) {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            let error = second(folder.path(), true).unwrap_err();
            assert!(matches!(error, IdentityError::Damaged { .. }) && !error.to_string().contains(secret), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn what_a_killed_process_left_beside_it_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(format!("{FILE}.{}", std::process::id())), "half").unwrap();
        kept(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
