//! Fuzz target: a file of any content is opened, or reported as damaged with words; no process ends by it without them.
//!
//! redb may panic over such a file, and again while it cleans up, and that ends a process. So files are opened in another one, whose
//! end is looked at: with a sentence it is a report like any other.

use crate::disk::Disk;
use crate::opener::{self, Opener};
use crate::{bundle, keep, quietly};
use server::store::Store;
use std::sync::Mutex;
use std::time::Duration;

/// This test.
const THIS: &str = "open::no_file_is_too_strange_to_be_opened_or_reported";

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
    if opener::is_this() {
        return open_what_comes();
    }
    let state = Mutex::new((Opener::start(THIS), Outcomes::default()));
    bolero::check!().with_test_time(Duration::from_secs(1)).with_max_len(64).for_each(|edits: &[u8]| {
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (opener, outcomes) = &mut *state;
        match opener.ask(&hex::encode(edits)).as_deref() {
            Some("opened") => outcomes.opened += 1,
            Some(_) => outcomes.refused += 1,
            None => outcomes.last_words += 1,
        }
    });
    let (_, outcomes) = state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{outcomes:?}");
    assert!(outcomes.opened > 0 && outcomes.refused > 0, "{outcomes:?}");
}

/// The opener: reads edits, makes the file, looks at everything in it, and says what it saw.
fn open_what_comes() {
    let disk = Disk::default();
    let store = Store::on(disk.clone()).unwrap();
    keep(&store, 0..50).unwrap();
    drop(store);
    let whole = disk.bytes();
    let ids: Vec<_> = (0..50).map(|seq| bundle(seq).id).collect();
    opener::answer(|edits| {
        let bytes = altered(&whole, &hex::decode(edits).unwrap());
        let opened = quietly(|| {
            let Ok(store) = Store::on(Disk::holding(bytes)) else { return false };
            let served = store.bundles(&ids).into_iter().flat_map(|found| found.bundles);
            assert!(served.into_iter().all(|it| it == bundle(it.id.seq)), "what is served is what was given");
            drop((store.start(), store.check()));
            // It goes on as a node would: it writes, too.
            let _ = keep(&store, 50..60);
            true
        });
        if opened { "opened" } else { "refused" }
    });
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
