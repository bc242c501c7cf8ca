//! Which cells changed since the last delta.

use std::collections::{BTreeMap, BTreeSet};

use crate::{BeautyEvent, Inserted, MAX_COLUMNS, Origin, Resolution, Timestamp};

/// The cells of a map that events have changed and that no delta has told of yet.
///
/// An event may lie a little ahead of `now`, in a column that is not shown yet. Its cell is kept back until the column is shown:
/// otherwise no delta would ever tell of it.
///
/// Holds cells of the last [`MAX_COLUMNS`] columns only, so it is bounded by the columns and nodes of the map, as long as
/// [`take`](Touched::take) is called now and then.
#[derive(Clone, Debug)]
pub struct Touched {
    resolution: Resolution,
    cells: BTreeMap<Timestamp, BTreeSet<Origin>>,
}

impl Touched {
    /// No cells, for maps of this resolution.
    pub const fn new(resolution: Resolution) -> Touched {
        Touched { resolution, cells: BTreeMap::new() }
    }

    /// For maps of which resolution the cells are.
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// Notes what became of an event: its own cell where it was counted, and that of the event that it replaced.
    pub fn note(&mut self, origin: &Origin, event: &BeautyEvent, inserted: &Inserted, now: Timestamp) {
        match inserted {
            Inserted::New => self.touch(origin, event.at, now),
            Inserted::Replaced { origin: loser, at } => {
                self.touch(origin, event.at, now);
                self.touch(loser, *at, now);
            }
            Inserted::Duplicate | Inserted::Outranked => {}
        }
    }

    /// Takes the cells that a delta at this moment can tell of. Those ahead of it stay, those that no map shows any more go.
    pub fn take(&mut self, now: Timestamp) -> Vec<(Origin, Timestamp)> {
        let first_ahead = self.resolution.floor(now).saturating_add(self.resolution.millis());
        let ahead = self.cells.split_off(&first_ahead);
        let shown = std::mem::replace(&mut self.cells, ahead);
        let oldest = self.oldest(now);
        shown
            .into_iter()
            .filter(|(start, _)| *start >= oldest)
            .flat_map(|(start, origins)| origins.into_iter().map(move |origin| (origin, start)))
            .collect()
    }

    /// True where there is nothing to tell, now or later.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn touch(&mut self, origin: &Origin, at: Timestamp, now: Timestamp) {
        let start = self.resolution.floor(at);
        if start >= self.oldest(now) {
            self.cells.entry(start).or_default().insert(origin.clone());
        }
    }

    /// The start of the oldest column of the widest map.
    fn oldest(&self, now: Timestamp) -> Timestamp {
        self.resolution.floor(now).saturating_sub(self.resolution.millis() * (MAX_COLUMNS as u64 - 1))
    }
}
