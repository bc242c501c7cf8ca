//! What the page itself has seen of the numbers that nobody keeps: how much gossip there was, how many peers, and how many events.

use crate::api::Snapshot;
use beauty::MAX_COLUMNS;
use std::collections::VecDeque;

/// Gossip seen, gossip propagated, peers, events kept.
type Numbers = [u64; 4];

/// The numbers at the end of each bucket since the page was opened, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    resolution_seconds: u64,
    newest: u64,
    samples: VecDeque<Option<Numbers>>,
}

impl History {
    /// Notes what a snapshot says. Buckets of which nothing was heard stay empty; buckets of another width begin anew.
    pub(crate) fn note(&mut self, snapshot: &Snapshot) {
        let (health, resolution_seconds) = (&snapshot.health, snapshot.heatmap.resolution_seconds.max(1));
        let slot = health.now / 1_000 / resolution_seconds;
        if self.resolution_seconds != resolution_seconds || slot < self.newest {
            *self = Self { resolution_seconds, newest: slot, samples: VecDeque::from([None]) };
        }
        // No more than a map is wide is of use.
        let steps = (slot - self.newest).min(MAX_COLUMNS as u64);
        self.samples.extend((0..steps).map(|_| None));
        self.newest = slot;
        let columns = snapshot.heatmap.buckets.len().max(1);
        let gone = self.samples.len().saturating_sub(columns);
        self.samples.drain(..gone);
        if let Some(newest) = self.samples.back_mut() {
            *newest = Some([health.gossip_seen, health.gossip_propagated, health.peers as u64, health.events]);
        }
    }

    /// One of the numbers, oldest first.
    pub(crate) fn series(&self, which: usize) -> Vec<Option<f64>> {
        let number = |numbers: &Option<Numbers>| Some((*numbers)?.get(which).copied()? as f64);
        self.samples.iter().map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn seen(notes: &[(u64, u64)]) -> Vec<Option<f64>> {
        let mut history = History::default();
        for (second, seen) in notes {
            let mut snapshot = samples::snapshot();
            (snapshot.health.now, snapshot.health.gossip_seen) = (samples::START + second * 1_000, *seen);
            history.note(&snapshot);
        }
        history.series(0)
    }

    #[test]
    fn a_bucket_keeps_the_last_that_was_heard_in_it() {
        assert_eq!(seen(&[(0, 1), (3, 2), (12, 5)]), [Some(2.0), Some(5.0)]);
    }

    #[test]
    fn silence_leaves_a_hole_and_no_more_is_kept_than_the_map_shows() {
        // The sample has two columns.
        assert_eq!(seen(&[(0, 1), (20, 5)]), [None, Some(5.0)]);
        assert_eq!(seen(&[(0, 1), (1_000_000, 5)]), [None, Some(5.0)]);
    }

    #[test]
    fn a_clock_that_goes_back_begins_anew() {
        assert_eq!(seen(&[(100, 1), (0, 5)]), [Some(5.0)]);
    }
}
