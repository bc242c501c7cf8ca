//! What becomes of a panic of redb: on a file that was altered behind its back it may panic, and that is damage to report, not a
//! reason for the node to fall without a word.
//!
//! One panic is caught. A second one, while the first still unwinds (a lock that the first has poisoned, in a destructor), can't be
//! caught by anything in the process, which ends. The panic hook hears of it before that: it says what the caller would have said,
//! and ends the process as any other error does. Nothing is served or written in between, and the file stays as it is.

use super::error::{Fault, StoreError};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

/// What is said of a file over which redb has panicked.
const CONTRADICTION: &str = "its pages contradict each other";

/// Something that is being done with redb on this thread.
struct Deed {
    path: PathBuf,
    panicked: bool,
}

thread_local! {
    static DEED: RefCell<Option<Deed>> = const { RefCell::new(None) };
}

/// Does something with redb on the file at `path`. A deed may be part of another one.
pub(super) fn guarded<T>(path: &Path, deed: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let outer = DEED.replace(Some(Deed { path: path.to_owned(), panicked: false }));
    // Whatever a panic leaves half done is redb's, and redb refuses to go on with it.
    let outcome = panic::catch_unwind(AssertUnwindSafe(deed));
    DEED.set(outer);
    outcome.unwrap_or_else(|_| Err(Fault::Damaged(CONTRADICTION.to_owned())))
}

/// From here on a process that can't go on, because redb panics while it unwinds, ends with status 1 and a sentence on the standard
/// error about what is damaged and what to do. For the binary: it is called once, at the start.
pub fn end_in_words() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        usual(panic);
        // A panic while the deed is looked at is none of redb's.
        let doomed = DEED.try_with(|deed| {
            let mut deed = deed.try_borrow_mut().ok()?;
            let deed = deed.as_mut()?;
            // The second of one deed can only come from cleaning up after the first.
            std::mem::replace(&mut deed.panicked, true).then(|| deed.path.clone())
        });
        if let Ok(Some(path)) = doomed {
            eprintln!("beauty-mesh: {}", StoreError::Damaged { path, what: CONTRADICTION.to_owned() });
            std::process::exit(1);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Set for the process that has to end.
    const DOOMED: &str = "BEAUTY_MESH_PANICS_TWICE";

    struct PanicsToo;

    impl Drop for PanicsToo {
        fn drop(&mut self) {
            panic!("and cleaning up");
        }
    }

    #[test]
    fn a_panic_is_damage_and_one_more_while_it_unwinds_ends_the_process_with_words() {
        if std::env::var(DOOMED).is_ok() {
            end_in_words();
            let once = guarded(Path::new("once.redb"), || -> Result<(), Fault> { panic!("reading") });
            assert!(matches!(once, Err(Fault::Damaged(_))));
            let _ = panic::catch_unwind(|| panic!("of something else: nobody's business here"));
            let _ = guarded(Path::new("twice.redb"), || -> Result<(), Fault> {
                assert!(guarded(Path::new("within.redb"), || -> Result<(), Fault> { panic!("a part of it") }).is_err());
                let _too = PanicsToo;
                panic!("writing")
            });
            return;
        }
        let this = "store::guard::tests::a_panic_is_damage_and_one_more_while_it_unwinds_ends_the_process_with_words";
        let mut doomed = Command::new(std::env::current_exe().unwrap());
        let ended = doomed.args(["--exact", this, "--nocapture"]).env(DOOMED, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("beauty-mesh: twice.redb is damaged") && last.contains("store check"), "{said}");
    }
}
