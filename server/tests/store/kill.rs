//! The process is killed in the midst of its work (SIGKILL), again and again, on one folder.

use crate::{assert_held, batch, times};
use server::store::Store;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set for the process that is to be killed: its folder.
const FOLDER: &str = "BEAUTY_MESH_KILLED_IN";

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return ingest_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let (kills, mut slowest) = (times("KILLS", 50), Duration::ZERO);
    let mut acknowledged: Vec<u64> = Vec::new();
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::nothing_acknowledged_is_lost_when_the_process_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seqs = |line: String| line.strip_prefix("kept ").map(|seq| seq.parse::<u64>().unwrap());
        // Killed after so many acknowledgements; those that are still in the pipe count too.
        let (mut heard, enough) = (0, 1 + kill * 7 % 40);
        while heard < enough {
            let line = lines.next().expect("the process works until it is killed");
            if let Some(first) = seqs(line) {
                acknowledged.push(first);
                heard += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(lines.filter_map(seqs));
        let start = Instant::now();
        let store = Store::open(folder.path()).unwrap();
        slowest = slowest.max(start.elapsed());
        // All of the last process, and of the ones before as many as are quickly looked at.
        let recent = acknowledged.iter().rev().take(200).copied();
        assert_held(&store, recent.flat_map(|first| first..first + BATCH));
        assert_eq!(store.check().unwrap().problems(), Vec::<String>::new());
    }
    let store = Store::open(folder.path()).unwrap();
    assert_held(&store, acknowledged.iter().flat_map(|first| *first..*first + BATCH));
    println!("{kills} kills, {} acknowledged batches: 0 lost; slowest open {slowest:?}", acknowledged.len());
    // A figure of a quiet machine: `make soak`.
    assert!(slowest < Duration::from_secs(1) || std::env::var_os("KILLS").is_none(), "{slowest:?}");
}

const BATCH: u64 = 5;

/// Keeps batches, several waiting at once, and says which are kept.
fn ingest_for_ever(folder: &Path) {
    let store = Store::open(folder).unwrap();
    let mut next = store.newest((1, 1), |_| false).unwrap().bundles.first().map_or(0, |last| last.id.seq + 1);
    let (mut out, mut waiting) = (std::io::stdout(), std::collections::VecDeque::new());
    loop {
        waiting.push_back((next, store.keep(batch(next..next + BATCH)).unwrap()));
        next += BATCH;
        if waiting.len() == 4 {
            let (first, receipt) = waiting.pop_front().unwrap();
            receipt.kept_blocking().unwrap();
            // A pipe that nobody reads any more: the other process has ended.
            if writeln!(out, "kept {first}").is_err() {
                return;
            }
        }
    }
}
