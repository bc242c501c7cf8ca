//! Deltas, from the driver to whoever reads the stream.
//!
//! Each channel remembers what it told of late, so that a reader whose connection broke goes on where it was. A number means
//! something together with the run of the node that gave it: a node that has started again counts anew.

use beauty::Resolution;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// Deltas that wait for the slowest reader; one more, and it gets a snapshot instead.
const BACKLOG: usize = 64;
/// Deltas that are remembered for readers who come back: 25 s where they come as often as they can.
const REMEMBERED: usize = 512;
/// How long they may be together, in bytes.
const REMEMBERED_BYTES: usize = 4 * 1_024 * 1_024;
/// How long deltas are written for readers who may come back: longer than the page's longest wait.
const PATIENCE: Duration = Duration::from_secs(45);

/// A message of the stream, written once for all readers.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) seq: u64,
    pub(crate) json: Arc<str>,
}

/// The last number that was heard, behind the run of the node that it is of.
pub(crate) type Mark = (u64, u64);

/// One channel for each resolution.
pub(crate) struct Hub {
    run: u64,
    seq: AtomicU64,
    channels: [Channel; Resolution::ALL.len()],
}

struct Channel {
    sender: broadcast::Sender<Frame>,
    recent: Mutex<Recent>,
}

/// What was told of late, without gaps.
#[derive(Default)]
struct Recent {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// When somebody was last there to hear.
    heard: Option<Instant>,
}

impl Hub {
    /// The hub of a run of the node, which the number tells from its other runs; 0 is none.
    pub(crate) fn new(run: u64) -> Hub {
        let channel = |_| Channel { sender: broadcast::Sender::new(BACKLOG), recent: Mutex::default() };
        Hub { run, seq: AtomicU64::new(0), channels: Resolution::ALL.map(channel) }
    }

    /// Which run of the node the numbers are of.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// The deltas of a resolution, from now on. Subscribe first, read the snapshot then: nothing falls between.
    pub(crate) fn subscribe(&self, resolution: Resolution) -> broadcast::Receiver<Frame> {
        self.channel(resolution).sender.subscribe()
    }

    /// What a reader has missed who has heard all up to a number of a run; none where that is not known any more.
    /// Subscribe first: what is told meanwhile is in both.
    pub(crate) fn missed(&self, resolution: Resolution, (run, heard): Mark) -> Option<Vec<Frame>> {
        let recent = self.channel(resolution).recent();
        let seq = self.seq();
        if run != self.run || heard > seq {
            return None;
        }
        let first = recent.frames.front().map_or(seq + 1, |frame| frame.seq);
        (first <= heard + 1).then(|| recent.frames.iter().filter(|frame| frame.seq > heard).cloned().collect())
    }

    /// The number of the last delta. What it says was in the ledger before it was numbered.
    pub(crate) fn seq(&self) -> u64 {
        self.seq.load(Ordering::Acquire)
    }

    /// Begins the next delta. The ledger holds already what it will say.
    pub(super) fn next(&self) {
        self.seq.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether anybody reads the stream.
    pub(super) fn is_read(&self) -> bool {
        self.channels.iter().any(|channel| channel.sender.receiver_count() > 0)
    }

    /// Sends a delta to the readers of its resolution, if there are any, and remembers it if some may come back: else it is not
    /// even written.
    pub(super) fn publish(&self, resolution: Resolution, now: Instant, write: impl FnOnce(u64) -> Arc<str>) {
        let channel = self.channel(resolution);
        let mut recent = channel.recent();
        if channel.sender.receiver_count() > 0 {
            recent.heard = Some(now);
        }
        if recent.heard.is_none_or(|heard| now.duration_since(heard) > PATIENCE) {
            *recent = Recent::default();
            return;
        }
        let seq = self.seq();
        let frame = Frame { seq, json: write(seq) };
        recent.remember(frame.clone());
        // Fails only when nobody reads at this moment.
        let _ = channel.sender.send(frame);
    }

    fn channel(&self, resolution: Resolution) -> &Channel {
        &self.channels[resolution as usize]
    }
}

impl Channel {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn remember(&mut self, frame: Frame) {
        self.bytes += frame.json.len();
        self.frames.push_back(frame);
        while self.frames.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some(oldest) = self.frames.pop_front() else { return };
            self.bytes -= oldest.json.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: u64 = 7;
    const MAP: Resolution = Resolution::TenSeconds;

    fn publish(hub: &Hub, now: Instant, text: &str) {
        hub.next();
        hub.publish(MAP, now, |seq| format!("{text}{seq}").into());
    }

    fn missed(hub: &Hub, heard: u64) -> Option<Vec<u64>> {
        hub.missed(MAP, (RUN, heard)).map(|frames| frames.iter().map(|frame| frame.seq).collect())
    }

    #[test]
    fn a_reader_who_comes_back_hears_what_it_has_missed_and_nothing_twice() {
        let (hub, now) = (Hub::new(RUN), Instant::now());
        let reader = hub.subscribe(MAP);
        publish(&hub, now, "a");
        publish(&hub, now, "b");
        drop(reader);
        publish(&hub, now, "c");
        assert_eq!(missed(&hub, 1), Some(vec![2, 3]));
        assert_eq!(missed(&hub, 3), Some(vec![]));
    }

    #[test]
    fn numbers_of_another_run_or_of_none_mean_nothing() {
        let (hub, now) = (Hub::new(RUN), Instant::now());
        let _reader = hub.subscribe(MAP);
        publish(&hub, now, "a");
        assert!(hub.missed(MAP, (RUN + 1, 1)).is_none());
        assert_eq!(missed(&hub, 2), None);
    }

    #[test]
    fn what_was_told_while_nobody_could_come_back_is_not_there() {
        let (hub, now) = (Hub::new(RUN), Instant::now());
        publish(&hub, now, "nobody has ever read");
        assert_eq!(missed(&hub, 0), None);
        drop(hub.subscribe(MAP));
        let reader = hub.subscribe(MAP);
        publish(&hub, now, "a");
        drop(reader);
        publish(&hub, now + PATIENCE, "b");
        assert_eq!(missed(&hub, 2), Some(vec![3]));
        publish(&hub, now + PATIENCE + Duration::from_secs(1), "c");
        assert_eq!([missed(&hub, 2), missed(&hub, 3)], [None, None]);
        assert_eq!(missed(&hub, 4), Some(vec![]), "who has heard all misses nothing");
    }

    #[test]
    fn what_is_remembered_is_bounded_by_number_and_by_size() {
        let (hub, now) = (Hub::new(RUN), Instant::now());
        let _reader = hub.subscribe(MAP);
        for _ in 0..2 * REMEMBERED {
            publish(&hub, now, "");
        }
        assert_eq!(hub.channel(MAP).recent().frames.len(), REMEMBERED);
        let large = "x".repeat(REMEMBERED_BYTES / 3);
        for _ in 0..5 {
            publish(&hub, now, &large);
        }
        let recent = hub.channel(MAP).recent();
        assert_eq!(recent.frames.len(), 2);
        assert_eq!(recent.bytes, recent.frames.iter().map(|frame| frame.json.len()).sum::<usize>());
    }
}
