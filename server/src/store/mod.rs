//! The store: what survives a crash of the node.
//!
//! **What is acknowledged is on disk.** [`Store::keep`] puts a batch into a bounded queue; its [`Receipt`] is answered after the
//! sync that holds the batch has returned. One thread writes, and takes all that waits into one transaction. Reads go on
//! beside it.
//!
//! **What is damaged is never served, and never silently emptied.** Each record has a checksum of its own that each read looks at.
//!
//! **What rollups hold is not replayed.** Buckets are kept by [`Store::checkpoint`]; a start reads them, and only the
//! bundles that came after the last checkpoint beside them. Pruning takes old bundles, oldest first, and never a rollup that
//! can still be asked for.
//!
//! On redb, with two-phase commit. Nothing here knows what an event means.
//!
//! | idea | file |
//! |---|---|
//! | what is given, what is answered | `batch.rs`, `read.rs`, `error.rs` |
//! | what becomes of a panic of redb | `guard.rs` |
//! | tables, records, slots | `tables.rs`, `record.rs`, `slot.rs` |
//! | the thread that writes | `writer.rs` |
//! | a store of an earlier version | `migrate.rs` |
//! | whether all is whole | `check.rs` |
//! | bundles as text | `ndjson.rs` |

mod batch;
mod check;
mod error;
mod guard;
mod migrate;
mod ndjson;
mod read;
mod record;
mod slot;
mod tables;
mod writer;

pub use batch::{Batch, Checkpoint, Kept, Receipt, Rollup, StoredBundle, StoredProof};
pub use check::Report;
pub use error::StoreError;
pub use guard::end_in_words;
pub use ndjson::{MoveError, Moved};
pub use read::{Found, Start};
pub use slot::{SLOT, Slot};
pub use tables::Totals;

use error::Fault;
use guard::guarded;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend};
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tables::{BUNDLES, FORMAT, FRESH, META, ROLLUPS, Tables, meta};
use writer::{Flow, Job, Work, Writer};

/// The store's file in the data folder.
pub const FILE: &str = "events.redb";

/// Batches that wait for the disk at most, and their bytes. Guesses: a second of a busy node's.
const QUEUE: usize = 1_024;
const QUEUE_BYTES: usize = 16 * 1_024 * 1_024;

/// Pages that redb keeps in memory. A guess: far more than one commit touches, far less than a node may take.
const CACHE: usize = 32 * 1_024 * 1_024;

/// An open store. Dropped, it writes what is in its queue and closes the file.
pub struct Store {
    /// `None` only while it is being dropped.
    database: Option<Arc<Database>>,
    path: PathBuf,
    flow: Arc<Flow>,
    /// `None` only while it is being dropped.
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).field("flow", &self.flow).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in this folder; makes both where there is none.
    ///
    /// # Errors
    /// Another process has it, it is damaged, it is of another version, or the system refuses. Nothing is changed then.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        let path = folder.join(FILE);
        let failed = |why: std::io::Error| StoreError::Io { path: path.clone(), why: why.to_string() };
        std::fs::create_dir_all(folder).map_err(failed)?;
        if !path.exists() {
            make(folder, &path)?;
        }
        Store::with(&path, |builder| builder.open(&path))
    }

    /// Opens a store that is there already, for tools. `thoroughly` looks at the checksum of every page first, which reads the
    /// whole file.
    ///
    /// # Errors
    /// As [`Store::open`]; and [`StoreError::Missing`].
    pub fn existing(folder: &Path, thoroughly: bool) -> Result<Store, StoreError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(StoreError::Missing { path });
        }
        Store::with(&path, |builder| builder.set_check_integrity_on_open(thoroughly).open(&path))
    }

    /// Gives the space that nothing uses back to the disk. Returns the file's size before and after.
    ///
    /// # Errors
    /// As [`Store::existing`].
    pub fn compact(folder: &Path) -> Result<(u64, u64), StoreError> {
        // Opened and closed once, so that a store which is none, or is damaged, is told as everywhere.
        drop(Store::existing(folder, true)?);
        let path = folder.join(FILE);
        let size = || std::fs::metadata(&path).map_or(0, |file| file.len());
        let before = size();
        let compacted = guarded(&path, || {
            let mut database = Database::builder().set_cache_size(CACHE).open(&path)?;
            while database.compact()? {}
            Ok(())
        });
        compacted.map_err(|fault| fault.at(&path))?;
        Ok((before, size()))
    }

    /// Opens a store on storage of another kind, for tests of what storage can do to it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn on(backend: impl StorageBackend) -> Result<Store, StoreError> {
        Store::with(Path::new("(storage)"), |builder| builder.create_with_backend(backend))
    }

    fn with(
        path: &Path,
        create: impl FnOnce(&mut redb::Builder) -> Result<Database, redb::DatabaseError>,
    ) -> Result<Store, StoreError> {
        let open = || -> Result<Writer, Fault> {
            let mut builder = Database::builder();
            builder.set_cache_size(CACHE);
            let database = create(&mut builder)?;
            prepare(&database)?;
            if format(&database)? == Some(1) {
                migrate::from_format_1(&database)?;
            }
            let read = database.begin_read()?;
            let totals = read::totals(&read)?;
            let horizon = read::number(&read.open_table(META)?, "horizon")?.unwrap_or(0);
            let arrivals = read.open_table(FRESH)?.last()?.map_or(0, |(arrival, _)| arrival.value());
            drop(read);
            let (database, path) = (Arc::new(database), path.to_owned());
            Ok(Writer { database, path, flow: Arc::default(), totals, horizon, arrivals })
        };
        let writer = guarded(path, open).map_err(|fault| fault.at(path))?;
        let found = guarded(path, || format(&writer.database)).map_err(|fault| fault.at(path))?;
        if let Some(found) = found.filter(|found| *found != FORMAT) {
            return Err(StoreError::Format { path: path.to_owned(), found, known: FORMAT });
        }
        let (database, flow) = (Arc::clone(&writer.database), Arc::clone(&writer.flow));
        let (jobs, received) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || writer.run(&received));
        let thread = thread.map_err(|why| StoreError::Io { path: path.to_owned(), why: why.to_string() })?;
        Ok(Store { database: Some(database), path: path.to_owned(), flow, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Puts a batch into the queue. Wait for the receipt before anything of it is acknowledged.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or [`StoreError::Stopped`]. Nothing of the batch is kept then.
    pub fn keep(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let bytes = batch.bytes();
        self.enqueue(Work::Keep(batch), bytes)
    }

    /// Puts a checkpoint into the queue.
    ///
    /// # Errors
    /// As [`Store::keep`].
    pub fn checkpoint(&self, checkpoint: Checkpoint) -> Result<Receipt, StoreError> {
        let bytes = checkpoint.bytes();
        self.enqueue(Work::Checkpoint(Box::new(checkpoint)), bytes)
    }

    /// Makes sure that this is a store of the mesh of this name: the bundles in it are signed for one. What holds nothing yet belongs to
    /// whoever asks first.
    ///
    /// # Errors
    /// [`StoreError::Mesh`]; or the file can't be read or written.
    pub fn belongs_to(&self, mesh: &str) -> Result<(), StoreError> {
        let database = self.database.as_ref().ok_or_else(batch::ended)?;
        let found = self.read(|transaction| {
            let found = meta(&transaction.open_table(META)?, "mesh")?;
            let holds =
                !transaction.open_table(BUNDLES)?.is_empty()? || !transaction.open_table(ROLLUPS)?.is_empty()?;
            Ok(found.map(|found| (String::from_utf8_lossy(&found).into_owned(), holds)))
        })?;
        match found {
            Some((found, _)) if found == mesh => Ok(()),
            Some((found, true)) => Err(StoreError::Mesh { path: self.path.clone(), found, asked: mesh.to_owned() }),
            Some((_, false)) | None => {
                let write = || {
                    let transaction = begin(database)?;
                    Tables::open(&transaction)?.set_meta("mesh", mesh.as_bytes())?;
                    Ok(transaction.commit()?)
                };
                guarded(&self.path, write).map_err(|fault| fault.at(&self.path))
            }
        }
    }

    /// Why nothing more is acknowledged, if it is so.
    pub fn stopped(&self) -> Option<StoreError> {
        self.flow.stopped.get().map(|why| StoreError::Stopped { why: Arc::clone(why) })
    }

    fn enqueue(&self, work: Work, bytes: usize) -> Result<Receipt, StoreError> {
        if let Some(stopped) = self.stopped() {
            return Err(stopped);
        }
        // One batch fits always, however large: else it could never be kept.
        if self.flow.waiting.fetch_add(bytes, Ordering::AcqRel) > QUEUE_BYTES {
            self.flow.waiting.fetch_sub(bytes, Ordering::AcqRel);
            return Err(StoreError::Busy);
        }
        let (answer, answered) = tokio::sync::oneshot::channel();
        let sent = self.jobs.as_ref().map(|jobs| jobs.try_send(Job { work, bytes, answer }));
        match sent {
            Some(Ok(())) => Ok(Receipt(answered)),
            refused => {
                self.flow.waiting.fetch_sub(bytes, Ordering::AcqRel);
                let full = matches!(refused, Some(Err(TrySendError::Full(_))));
                Err(if full { StoreError::Busy } else { batch::ended() })
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It panics nowhere: what redb does is guarded.
            let _ = thread.join();
        }
        // Closing writes as well, and may find damage that nobody has read yet: the next start tells of it.
        let database = self.database.take();
        let _ = guarded(&self.path, || {
            drop(database);
            Ok(())
        });
    }
}

/// Makes an empty store, whole or not at all: a file of which the power took a part while redb first wrote it can't be opened.
/// It is made under another name and then linked to its own, which fails where another process was faster.
fn make(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let beside = folder.join(format!("{FILE}.{}", std::process::id()));
    let made = guarded(path, || {
        // What a process that was killed has left under this name is in nobody's use.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(redb::Error::Io(error).into()),
            _ => {}
        }
        let database = Database::builder().set_cache_size(CACHE).create(&beside)?;
        prepare(&database)?;
        drop(database);
        Ok(())
    });
    let linked = || {
        std::fs::File::open(&beside)?.sync_all()?;
        match std::fs::hard_link(&beside, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    };
    let linked = made.and_then(|()| linked().map_err(|error| redb::Error::Io(error).into()));
    // Whatever became of it: under this name it is of no use any more.
    let _ = std::fs::remove_file(&beside);
    let synced = || std::fs::File::open(folder)?.sync_all();
    linked.and_then(|()| synced().map_err(|error| redb::Error::Io(error).into())).map_err(|fault| fault.at(path))
}

/// Makes the tables in a file that has none.
fn prepare(database: &Database) -> Result<(), Fault> {
    if database.begin_read()?.list_tables()?.next().is_some() {
        return Ok(());
    }
    let transaction = begin(database)?;
    Tables::open(&transaction)?.set_meta("format", &FORMAT.to_le_bytes())?;
    transaction.commit()?;
    Ok(())
}

/// Begins to write. Both settings: the file opens at once after a crash, and what is hostile in it can't be taken for a whole commit.
fn begin(database: &Database) -> Result<redb::WriteTransaction, Fault> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// The format that the file says it has.
fn format(database: &Database) -> Result<Option<u32>, Fault> {
    let table = database.begin_read()?.open_table(META)?;
    let format = meta(&table, "format")?;
    format.map(|bytes| record::take("meta", &mut bytes.as_slice()).map(u32::from_le_bytes)).transpose()
}
