//! Deltas, from the driver to whoever reads the stream.
//!
//! Each channel remembers which cells it told of late, so that a reader whose connection broke is told of those as they are now, and
//! goes on where it was. A number means something together with the run of the node that gave it: a node that has started again
//! counts anew.

use beauty::{Origin, Resolution, Timestamp};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// Deltas that wait for the slowest reader; one more, and it gets a snapshot instead.
const BACKLOG: usize = 64;
/// Deltas that are remembered for readers who come back: 25 s where they come as often as they can.
const REMEMBERED: usize = 512;
/// How many cells they may have together, 1 MB: whoever has missed more is better off with a snapshot, which has no more.
const REMEMBERED_CELLS: usize = 40_000;
/// How long deltas are written for readers who may come back: longer than the page's longest wait.
const PATIENCE: Duration = Duration::from_secs(45);

/// A message of the stream, written once for all readers.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) seq: u64,
    pub(crate) json: Arc<str>,
}

/// A cell of the map: whose, and when its column begins.
pub(crate) type Cell = (Origin, Timestamp);

/// What a reader has missed: the last number that was told, and the cells that have changed since the one that it has heard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) seq: u64,
    pub(crate) cells: BTreeSet<Cell>,
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
    deltas: VecDeque<(u64, Box<[Cell]>)>,
    cells: usize,
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
    pub(crate) fn missed(&self, resolution: Resolution, (run, heard): Mark) -> Option<Missed> {
        let recent = self.channel(resolution).recent();
        let last = self.seq();
        if run != self.run || heard > last {
            return None;
        }
        let first = recent.deltas.front().map_or(last + 1, |(seq, _)| *seq);
        let later = || recent.deltas.iter().filter(|(seq, _)| *seq > heard);
        let cells = || later().flat_map(|(_, cells)| cells.iter().cloned()).collect();
        // Not what is numbered already and yet to be told: that comes over the subscription.
        let seq = recent.deltas.back().map_or(heard, |(seq, _)| heard.max(*seq));
        (first <= heard + 1).then(|| Missed { seq, cells: cells() })
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

    /// Sends a delta of these cells to the readers of its resolution, if there are any, and remembers them if some may come back: else
    /// it is not even written.
    pub(super) fn publish(
        &self,
        resolution: Resolution,
        now: Instant,
        cells: Vec<Cell>,
        write: impl FnOnce(u64, Vec<Cell>) -> Arc<str>,
    ) {
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
        recent.remember(seq, &cells);
        // Fails only when nobody reads at this moment.
        let _ = channel.sender.send(Frame { seq, json: write(seq, cells) });
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
    fn remember(&mut self, seq: u64, cells: &[Cell]) {
        self.cells += cells.len();
        self.deltas.push_back((seq, cells.into()));
        while self.deltas.len() > REMEMBERED || self.cells > REMEMBERED_CELLS {
            let Some((_, oldest)) = self.deltas.pop_front() else { return };
            self.cells -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: u64 = 7;
    const MAP: Resolution = Resolution::TenSeconds;

    /// A delta of one cell.
    fn publish(hub: &Hub, now: Instant, name: &str) {
        hub.next();
        hub.publish(MAP, now, vec![cell(name)], |seq, _| seq.to_string().into());
    }

    fn cell(name: &str) -> Cell {
        (Origin::new(name).unwrap(), Timestamp::from_millis(10_000))
    }

    /// Up to which number, and whose cells.
    fn missed(hub: &Hub, heard: u64) -> Option<(u64, Vec<String>)> {
        let Missed { seq, cells } = hub.missed(MAP, (RUN, heard))?;
        Some((seq, cells.iter().map(|(origin, _)| origin.to_string()).collect()))
    }

    fn of(seq: u64, names: &[&str]) -> Option<(u64, Vec<String>)> {
        Some((seq, names.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_reader_who_comes_back_is_told_once_of_each_cell_that_has_changed() {
        let (hub, now) = (Hub::new(RUN), Instant::now());
        let reader = hub.subscribe(MAP);
        for name in ["a", "b", "a"] {
            publish(&hub, now, name);
        }
        drop(reader);
        publish(&hub, now, "c");
        publish(&hub, now, "c");
        assert_eq!(missed(&hub, 1), of(5, &["a", "b", "c"]));
        assert_eq!(missed(&hub, 3), of(5, &["c"]));
        assert_eq!(missed(&hub, 5), of(5, &[]));
    }

    #[test]
    fn what_is_numbered_and_not_told_yet_is_not_taken_for_told() {
        let (hub, now) = (Hub::new(RUN), Instant::now());
        let _reader = hub.subscribe(MAP);
        publish(&hub, now, "a");
        hub.next();
        assert_eq!(missed(&hub, 0), of(1, &["a"]));
        assert_eq!(missed(&hub, 1), of(1, &[]));
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
        assert_eq!(missed(&hub, 2), of(3, &["b"]));
        publish(&hub, now + PATIENCE + Duration::from_secs(1), "c");
        assert_eq!([missed(&hub, 2), missed(&hub, 3)], [None, None]);
        assert_eq!(missed(&hub, 4), of(4, &[]), "who has heard all misses nothing");
    }

    #[test]
    fn what_is_remembered_is_bounded_by_deltas_and_by_cells() {
        let (hub, now) = (Hub::new(RUN), Instant::now());
        let _reader = hub.subscribe(MAP);
        for _ in 0..2 * REMEMBERED {
            publish(&hub, now, "a");
        }
        assert_eq!(hub.channel(MAP).recent().deltas.len(), REMEMBERED);
        for _ in 0..5 {
            hub.next();
            hub.publish(MAP, now, vec![cell("a"); REMEMBERED_CELLS / 3], |seq, _| seq.to_string().into());
        }
        let recent = hub.channel(MAP).recent();
        assert_eq!(recent.deltas.len(), 3);
        assert_eq!(recent.cells, recent.deltas.iter().map(|(_, cells)| cells.len()).sum::<usize>());
    }
}
