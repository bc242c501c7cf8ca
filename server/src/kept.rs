//! A file of the data folder that is written anew as what it holds grows, however fast that is.

use crate::folder::replace_file;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The file. Cheap to share; written by whoever has time for the disk.
#[derive(Debug)]
pub(crate) struct KeptFile {
    /// `None`: nothing is kept.
    folder: Option<PathBuf>,
    name: &'static str,
    /// One writes at a time.
    writing: Mutex<()>,
    /// Whether what is known has not been taken to the disk, and somebody is about to.
    due: AtomicBool,
}

impl KeptFile {
    pub(crate) fn new(folder: Option<PathBuf>, name: &'static str) -> KeptFile {
        KeptFile { folder, name, writing: Mutex::default(), due: AtomicBool::default() }
    }

    /// What it is to hold has changed. `true`: it is to be [written](Self::write); else somebody who is about to write takes it along. So
    /// however many strangers send, two writes are under way at most.
    pub(crate) fn is_due(&self) -> bool {
        self.folder.is_some() && !self.due.swap(true, Ordering::AcqRel)
    }

    /// Writes what it is to hold by now.
    ///
    /// # Errors
    /// The system refuses: the file, and why.
    pub(crate) fn write(&self, text: impl FnOnce() -> String) -> Result<(), (PathBuf, io::Error)> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.due.store(false, Ordering::Release);
        replace_file(folder, self.name, &text(), 0o644).map_err(|why| (folder.join(self.name), why))
    }
}
