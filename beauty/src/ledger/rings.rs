//! One ring for each resolution, and how far back each reaches.

use crate::heatmap::MAX_COLUMNS;
use crate::{LedgerConfig, Resolution, Ring, Timestamp};

/// One ring for each resolution. An event goes into all of them at once, so there is no roll-up to run, to miss, or to repeat.
#[derive(Clone, Debug)]
pub(crate) struct Rings<B> {
    rings: [Ring<B>; Resolution::ALL.len()],
}

impl<B: Default> Rings<B> {
    pub(crate) fn new(slots: impl Fn(Resolution) -> usize) -> Rings<B> {
        Rings { rings: Resolution::ALL.map(|resolution| Ring::new(resolution, slots(resolution))) }
    }

    pub(crate) const fn get(&self, resolution: Resolution) -> &Ring<B> {
        &self.rings[resolution as usize]
    }

    pub(crate) const fn get_mut(&mut self, resolution: Resolution) -> &mut Ring<B> {
        &mut self.rings[resolution as usize]
    }

    /// Changes the bucket of every resolution whose horizon holds the moment.
    pub(crate) fn update(&mut self, at: Timestamp, change: impl Fn(&mut B)) {
        for ring in &mut self.rings {
            ring.update(at, &change);
        }
    }

    /// Changes the buckets that still hold the moment, and makes none.
    pub(crate) fn update_held(&mut self, at: Timestamp, change: impl Fn(&mut B)) {
        for ring in &mut self.rings {
            if let Some(bucket) = ring.get_mut(at) {
                change(bucket);
            }
        }
    }

    pub(crate) fn bytes_when_full(slots: impl Fn(Resolution) -> usize) -> usize {
        Resolution::ALL.into_iter().map(|resolution| Ring::<B>::bytes_when_full(slots(resolution))).sum()
    }
}

impl LedgerConfig {
    /// How many slots a node's ring has: what a map shows, and what may lie ahead of it.
    pub(crate) fn node_slots(&self, resolution: Resolution) -> usize {
        MAX_COLUMNS + self.slots_ahead(resolution)
    }

    /// How many columns the mesh's ring is sure to hold up to any moment.
    pub(crate) fn mesh_columns(&self, resolution: Resolution) -> usize {
        // And the hour in which the retention's edge lies.
        let hours = self.retention_millis().div_ceil(Resolution::Hour.millis()) as usize + 1;
        resolution.kept_columns(hours)
    }

    /// How many slots the mesh's ring has.
    pub(crate) fn mesh_slots(&self, resolution: Resolution) -> usize {
        self.mesh_columns(resolution) + self.slots_ahead(resolution)
    }

    /// How many slots ahead of the one that holds `now` an admitted event may lie.
    fn slots_ahead(&self, resolution: Resolution) -> usize {
        // At most 12: the tolerance is bounded by two minutes.
        resolution.slots_ahead(self.future_millis()) as usize
    }
}
