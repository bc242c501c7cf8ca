//! Fuzz target: a file of any content is opened, or reported as damaged with words; no process ends by it without them.
//!
//! redb may panic over such a file, and again while it cleans up, and that ends a process. So files are opened in another one, whose
//! end is looked at: with a sentence it is a report like any other.

use crate::disk::Disk;
use crate::{bundle, keep, quietly};
use server::store::{self, Store};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Set for the process that opens files.
const OPENER: &str = "BEAUTY_MESH_OPENS_FILES";
/// What it says of a file begins with this word.
const SAID: &str = "opener: ";
/// So many it opens, and another one goes on: what redb says in its panics is kept meanwhile.
const FILES: usize = 5_000;
/// A file of a hundred kilobytes takes a few milliseconds. An opener that says nothing for so long is lost in it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of the files.
#[derive(Debug, Default)]
struct Outcomes {
    opened: usize,
    refused: usize,
    /// Told by a process that had to end.
    last_words: usize,
}

#[test]
fn no_file_is_too_strange_to_be_opened_or_reported() {
    if std::env::var(OPENER).is_ok() {
        return open_what_comes();
    }
    let state = Mutex::new((Opener::start(), Outcomes::default()));
    bolero::check!().with_test_time(Duration::from_secs(1)).with_max_len(64).for_each(|edits: &[u8]| {
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (opener, outcomes) = &mut *state;
        match opener.open(edits) {
            Some(true) => outcomes.opened += 1,
            Some(false) => outcomes.refused += 1,
            None => {
                opener.assert_ended_in_words(edits);
                outcomes.last_words += 1;
            }
        }
        if opener.files == FILES || opener.ended {
            *opener = Opener::start();
        }
    });
    let (_, outcomes) = state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{outcomes:?}");
    assert!(outcomes.opened > 0 && outcomes.refused > 0, "{outcomes:?}");
}

/// The other process.
struct Opener {
    child: Child,
    edits: ChildStdin,
    said: Receiver<String>,
    stderr: File,
    files: usize,
    ended: bool,
}

impl Opener {
    fn start() -> Opener {
        let stderr = tempfile::tempfile().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "open::no_file_is_too_strange_to_be_opened_or_reported", "--nocapture"])
            .env(OPENER, "1")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let (edits, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (say, said) = channel();
        // Ends with the process that it reads from.
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let words = lines.filter_map(|line| Some(line.split_once(SAID)?.1.to_owned()));
            words.map(|word| say.send(word)).take_while(Result::is_ok).for_each(drop);
        });
        Opener { child, edits, said, stderr, files: 0, ended: false }
    }

    /// Whether the file opened. `None`: the process has ended over it.
    fn open(&mut self, edits: &[u8]) -> Option<bool> {
        self.files += 1;
        // It fails where the process has ended, which is found below.
        let _ = writeln!(self.edits, "{}", hex::encode(edits));
        match self.said.recv_timeout(PATIENCE) {
            Ok(word) => Some(word == "opened"),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                self.ended = true;
                None
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                self.child.kill().unwrap();
                panic!("{PATIENCE:?} were not enough for the file with the edits {edits:?}");
            }
        }
    }

    fn assert_ended_in_words(&mut self, edits: &[u8]) {
        let status = self.child.wait().unwrap();
        let mut said = Vec::new();
        self.stderr.rewind().unwrap();
        self.stderr.read_to_end(&mut said).unwrap();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
        let told = last.contains("is damaged") && last.contains("beauty-mesh store check");
        let tail: Vec<&str> = said.lines().rev().take(20).collect();
        assert!(told && status.code() == Some(1), "{status} over the edits {edits:?}, last words first: {tail:#?}");
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        // Without a pipe to read from it ends; it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The opener: reads edits, makes the file, looks at everything in it, and says what it saw.
fn open_what_comes() {
    let disk = Disk::default();
    let store = Store::on(disk.clone()).unwrap();
    keep(&store, 0..50).unwrap();
    drop(store);
    let whole = disk.bytes();
    let ids: Vec<_> = (0..50).map(|seq| bundle(seq).id).collect();
    // Below the hook that is looked at here: what redb says in its panics is not of interest.
    quietly(|| ());
    quietly(|| ());
    store::end_in_words();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let bytes = altered(&whole, &hex::decode(line).unwrap());
        let opened = quietly(|| {
            let Ok(store) = Store::on(Disk::holding(bytes)) else { return false };
            let served = store.bundles(&ids).into_iter().flat_map(|found| found.bundles);
            assert!(served.into_iter().all(|it| it == bundle(it.id.seq)), "what is served is what was given");
            drop((store.start(), store.check()));
            // It goes on as a node would: it writes, too.
            let _ = keep(&store, 50..60);
            true
        });
        println!("{SAID}{}", if opened { "opened" } else { "refused" });
    }
}

/// The file with bytes changed, cut off, or put behind it.
fn altered(whole: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for edit in edits.chunks_exact(4) {
        let [kind, low, high, byte] = [edit[0], edit[1], edit[2], edit[3]];
        // Often in the header, which tells where all else is.
        let range = if kind % 2 == 0 { bytes.len().min(512) } else { bytes.len() };
        let at = usize::from(u16::from_le_bytes([low, high])) * range.max(1) / 65_536;
        match kind / 2 % 3 {
            0 if at < bytes.len() => bytes[at] = byte,
            1 => bytes.truncate(at.max(1)),
            _ => bytes.extend(std::iter::repeat_n(byte, at)),
        }
    }
    bytes
}
