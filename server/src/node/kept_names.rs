//! The file that keeps who was the first to sign in which name: what the store holds of it is pruned, and read at a start in part.
//!
//! One line a name, under a line that says what it is: the key in hexadecimal, whether it is its own or vouched for, and the name. It
//! is written with each checkpoint: of what comes after, a start reads all bundles again, in their order. The file is replaced whole or
//! not at all.

use super::Names;
use beauty::Origin;
use gossip::OriginId;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

/// The file in the data folder.
pub(super) const FILE: &str = "names";

const HEADER: &str = "beauty-mesh names, 1";

/// Why what is known of names can't be read.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
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
        "{path} is damaged in line {line}. Put it back from a copy; or move it away: names then belong to the first keys that are \
         heard from now on, or are among the newest events on disk"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1 on.
        line: usize,
    },
}

/// What is known in this folder: each name, its first key, and whether that one only vouches for it.
///
/// # Errors
/// The file can't be read, or is damaged. No file is no error.
pub(super) fn read(folder: &Path) -> Result<Vec<(Origin, OriginId, bool)>, NamesError> {
    let path = folder.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(NamesError::Io { path, why }),
    };
    let damaged = |line| NamesError::Damaged { path: path.clone(), line };
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, line)| line != HEADER) {
        return Err(damaged(1));
    }
    lines.map(|(at, line)| parse(line).ok_or_else(|| damaged(at + 1))).collect()
}

pub(super) fn text(names: &Names) -> String {
    let mut text = format!("{HEADER}\n");
    for (name, named) in names.iter() {
        let how = if named.vouched { "vouched" } else { "own" };
        // A text takes whatever is written.
        let _ = writeln!(text, "{} {how} {name}", hex::encode(named.key.0));
    }
    text
}

fn parse(line: &str) -> Option<(Origin, OriginId, bool)> {
    // A name may have spaces in it.
    let (key, rest) = line.split_once(' ')?;
    let (how, name) = rest.split_once(' ')?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(key, &mut bytes).ok()?;
    let vouched = match how {
        "own" => false,
        "vouched" => true,
        _ => return None,
    };
    Some((Origin::new(name).ok()?, OriginId(bytes), vouched))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_known_and_a_damaged_file_is_reported() {
        let (folder, mut names) = (tempfile::tempdir().unwrap(), Names::default());
        let [one, other] = [OriginId([1; 32]), OriginId([2; 32])];
        let name = |text: &str| Origin::new(text).unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        names.claim(one, &name("a node with spaces"));
        names.claim(one, &name("script"));
        names.claim(other, &name("beta"));
        let path = folder.path().join(FILE);
        std::fs::write(&path, text(&names)).unwrap();
        let kept = read(folder.path()).unwrap();
        assert_eq!(
            kept,
            [(name("a node with spaces"), one, false), (name("beta"), other, false), (name("script"), one, true)]
        );
        let mut again = Names::default();
        again.recall(kept);
        assert_eq!(again.claim(other, &name("script")), None, "several may vouch for one");
        assert_eq!(again.claim(other, &name("a node with spaces")), Some(one));
        assert_eq!(text(&again), text(&names));
        std::fs::write(&path, text(&names).replace(" own ", " stolen ")).unwrap();
        let words = read(folder.path()).unwrap_err().to_string();
        assert!(words.contains("line 2") && words.contains("move it away"), "{words}");
    }
}
