//! A disk in memory that writes down all that happens to it, fails when it is told to, and shows what it would hold after a
//! power failure at any moment.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use redb::StorageBackend;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// What a disk writes at once, or not at all.
const SECTOR: usize = 512;

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(usize, Vec<u8>),
    SetLen(usize),
    Sync,
    /// These were acknowledged: they must be on any disk that the power fails on from here on.
    Acknowledged(Vec<u64>),
}

/// What a disk can be told to fail at: the so-many-th of these from now on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    Write(usize),
    SetLen(usize),
    Sync(usize),
}

#[derive(Debug, Default)]
struct Inner {
    bytes: Vec<u8>,
    log: Vec<Step>,
    failure: Option<(Failure, io::ErrorKind)>,
    failed: bool,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Inner>>);

impl Disk {
    pub(crate) fn holding(bytes: Vec<u8>) -> Disk {
        Disk(Arc::new(Mutex::new(Inner { bytes, ..Inner::default() })))
    }

    pub(crate) fn acknowledge(&self, seqs: impl IntoIterator<Item = u64>) {
        self.inner().log.push(Step::Acknowledged(seqs.into_iter().collect()));
    }

    pub(crate) fn fail_at(&self, failure: Failure, kind: io::ErrorKind) {
        self.inner().failure = Some((failure, kind));
    }

    pub(crate) fn failed(&self) -> bool {
        self.inner().failed
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.inner().bytes.clone()
    }

    pub(crate) fn log(&self) -> Vec<Step> {
        self.inner().log.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Inner {
    fn next(&mut self, this: fn(&mut Failure) -> Option<&mut usize>) -> io::Result<()> {
        let Some((failure, kind)) = &mut self.failure else { return Ok(()) };
        let Some(left) = this(failure) else { return Ok(()) };
        *left = left.wrapping_sub(1);
        if *left == 0 {
            self.failed = true;
            return Err((*kind).into());
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (inner, offset) = (self.inner(), offset as usize);
        let there = offset.checked_add(out.len()).and_then(|end| inner.bytes.get(offset..end));
        out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.inner();
        inner.next(|failure| if let Failure::SetLen(left) = failure { Some(left) } else { None })?;
        let step = Step::SetLen(len as usize);
        apply(&mut inner.bytes, &step);
        inner.log.push(step);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.inner();
        inner.next(|failure| if let Failure::Sync(left) = failure { Some(left) } else { None })?;
        inner.log.push(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        inner.next(|failure| if let Failure::Write(left) = failure { Some(left) } else { None })?;
        let step = Step::Write(offset as usize, data.to_vec());
        apply(&mut inner.bytes, &step);
        inner.log.push(step);
        Ok(())
    }
}

fn apply(bytes: &mut Vec<u8>, step: &Step) {
    match step {
        Step::SetLen(len) => bytes.resize(*len, 0),
        Step::Write(offset, data) => {
            if bytes.len() < offset + data.len() {
                bytes.resize(offset + data.len(), 0);
            }
            bytes[*offset..offset + data.len()].copy_from_slice(data);
        }
        Step::Sync | Step::Acknowledged(_) => {}
    }
}

/// Goes through a disk's log, and shows what the disk may hold if the power fails there.
pub(crate) struct Failures<'a> {
    log: &'a [Step],
    /// How far.
    pub(crate) at: usize,
    /// What is on the disk for sure: all up to the last sync.
    synced: Vec<u8>,
    /// Where that sync was.
    since: usize,
    /// What was acknowledged up to here.
    pub(crate) acknowledged: Vec<u64>,
}

impl<'a> Failures<'a> {
    pub(crate) fn new(before: Vec<u8>, log: &'a [Step]) -> Failures<'a> {
        Failures { log, at: 0, synced: before, since: 0, acknowledged: Vec::new() }
    }

    /// One step on. False at the end.
    pub(crate) fn step(&mut self) -> bool {
        let Some(step) = self.log.get(self.at) else { return false };
        self.at += 1;
        match step {
            Step::Sync => {
                for step in &self.log[self.since..self.at] {
                    apply(&mut self.synced, step);
                }
                self.since = self.at;
            }
            Step::Acknowledged(seqs) => self.acknowledged.extend(seqs),
            Step::Write(..) | Step::SetLen(_) => {}
        }
        true
    }

    /// What the disk may hold here: what is synced, and of what is not any part, torn anywhere between two sectors.
    pub(crate) fn image(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        // From nearly nothing to nearly everything: the corners are where the faults are.
        let share = [0.0, 0.1, 0.5, 0.9, 1.0][rng.random_range(0..5)];
        for step in &self.log[self.since..self.at] {
            match step {
                Step::Write(offset, data) => {
                    let mut from = 0;
                    while from < data.len() {
                        let to = ((offset + from) / SECTOR * SECTOR + SECTOR - offset).min(data.len());
                        if rng.random_bool(share) {
                            apply(&mut bytes, &Step::Write(offset + from, data[from..to].to_vec()));
                        }
                        from = to;
                    }
                }
                other if rng.random_bool(share) => apply(&mut bytes, other),
                _ => {}
            }
        }
        bytes
    }
}
