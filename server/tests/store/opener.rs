//! A process that opens files which redb may panic over: once is caught, and again while it cleans up ends a process. So files are
//! opened in another one, whose end is looked at: with a sentence it is a report like any other.

use crate::quietly;
use server::store;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Set for the other process.
const OPENER: &str = "BEAUTY_MESH_OPENS_FILES";
/// What it says of a file begins with this word.
const SAID: &str = "opener: ";
/// So many it opens, and another one goes on: what redb says in its panics is kept meanwhile.
const FILES: usize = 5_000;
/// A file of a megabyte takes some milliseconds. An opener that says nothing for so long is lost in it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether this is the other process.
pub(crate) fn is_this() -> bool {
    std::env::var(OPENER).is_ok()
}

/// In the other process: says of each file that is asked for what became of it.
pub(crate) fn answer(mut open: impl FnMut(&str) -> &'static str) {
    // Below the hook that is looked at here: what redb says in its panics is not of interest.
    quietly(|| ());
    store::end_in_words();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        println!("{SAID}{}", open(&line));
    }
}

/// The other process.
pub(crate) struct Opener {
    /// The test that it plays.
    test: &'static str,
    child: Child,
    asked: ChildStdin,
    said: Receiver<String>,
    stderr: File,
    files: usize,
}

impl Opener {
    pub(crate) fn start(test: &'static str) -> Opener {
        let stderr = tempfile::tempfile().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(OPENER, "1")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let (asked, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (say, said) = channel();
        // Ends with the process that it reads from.
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let words = lines.filter_map(|line| Some(line.split_once(SAID)?.1.to_owned()));
            words.map(|word| say.send(word)).take_while(Result::is_ok).for_each(drop);
        });
        Opener { test, child, asked, said, stderr, files: 0 }
    }

    /// What became of a file. `None`: the process has ended over it, with words. Then another one goes on.
    pub(crate) fn ask(&mut self, file: &str) -> Option<String> {
        self.files += 1;
        // It fails where the process has ended, which is found below.
        let _ = writeln!(self.asked, "{file}");
        let word = match self.said.recv_timeout(PATIENCE) {
            Ok(word) => Some(word),
            Err(RecvTimeoutError::Disconnected) => {
                self.assert_ended_in_words(file);
                None
            }
            Err(RecvTimeoutError::Timeout) => {
                self.child.kill().unwrap();
                panic!("{PATIENCE:?} were not enough for the file {file}");
            }
        };
        if word.is_none() || self.files == FILES {
            *self = Opener::start(self.test);
        }
        word
    }

    fn assert_ended_in_words(&mut self, file: &str) {
        let status = self.child.wait().unwrap();
        let mut said = Vec::new();
        self.stderr.rewind().unwrap();
        self.stderr.read_to_end(&mut said).unwrap();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
        let told = last.contains("is damaged") && last.contains("beauty-mesh store check");
        let tail: Vec<&str> = said.lines().rev().take(20).collect();
        assert!(told && status.code() == Some(1), "{status} over the file {file}, last words first: {tail:#?}");
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        // Without a pipe to read from it ends; it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
