//! How the numbers went that no event tells: how many events were kept, how much gossip there was, how many peers.

use super::health::Health;
use beauty::MAX_COLUMNS;
use serde::{Deserialize, Serialize};

/// What some numbers of [`Health`] were at the end of each bucket, oldest first: as far back as the node has run, and no further than
/// the map is wide. `null` where nothing was noted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How wide a bucket is.
    pub resolution_seconds: u64,
    /// When the newest bucket began.
    pub newest: u64,
    /// Distinct events retained.
    pub events: Vec<Option<u64>>,
    /// Distinct events accepted.
    pub gossip_seen: Vec<Option<u64>>,
    /// Transmissions of events to peers.
    pub gossip_propagated: Vec<Option<u64>>,
    /// How many peers were connected.
    pub peers: Vec<Option<u64>>,
}

/// The numbers at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The moment, in milliseconds since the Unix epoch.
    pub now: u64,
    /// As in [`Health`].
    pub events: u64,
    /// As in [`Health`].
    pub gossip_seen: u64,
    /// As in [`Health`].
    pub gossip_propagated: u64,
    /// As in [`Health`].
    pub peers: u64,
}

impl From<&Health> for Numbers {
    fn from(health: &Health) -> Self {
        let Health { now, events, gossip_seen, gossip_propagated, peers, .. } = *health;
        Self { now, events, gossip_seen, gossip_propagated, peers: peers as u64 }
    }
}

impl History {
    /// Notes the numbers of a moment, and forgets all but so many buckets. Those of which nothing was noted stay empty; buckets of
    /// another width, and a clock that was set back, begin anew.
    pub fn note(&mut self, resolution_seconds: u64, columns: usize, numbers: Numbers) {
        let width = resolution_seconds.max(1) * 1_000;
        let newest = numbers.now - numbers.now % width;
        if self.resolution_seconds != resolution_seconds || newest < self.newest || self.peers.is_empty() {
            *self = Self { resolution_seconds, newest: newest.saturating_sub(width), ..Self::default() };
        }
        // No more than a map is wide is of use.
        let steps = ((newest - self.newest) / width).min(MAX_COLUMNS as u64) as usize;
        self.newest = newest;
        let Self { events, gossip_seen, gossip_propagated, peers, .. } = self;
        let noted = [numbers.events, numbers.gossip_seen, numbers.gossip_propagated, numbers.peers];
        for (series, number) in [events, gossip_seen, gossip_propagated, peers].into_iter().zip(noted) {
            series.resize(series.len() + steps, None);
            series.drain(..series.len().saturating_sub(columns.clamp(1, MAX_COLUMNS)));
            if let Some(newest) = series.last_mut() {
                *newest = Some(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_763_820_000_000;

    /// What was seen, after notes at these seconds, in two columns of 10 s.
    fn seen(notes: &[(u64, u64)]) -> Vec<Option<u64>> {
        let mut history = History::default();
        for (second, gossip_seen) in notes {
            let now = START + second * 1_000;
            let numbers = Numbers { now, events: 0, gossip_seen: *gossip_seen, gossip_propagated: 0, peers: 0 };
            history.note(10, 2, numbers);
            assert_eq!((history.newest, history.peers.len()), (now - now % 10_000, history.gossip_seen.len()));
        }
        history.gossip_seen
    }

    #[test]
    fn a_bucket_keeps_the_last_that_was_noted_in_it() {
        assert_eq!(seen(&[(0, 1), (3, 2), (12, 5)]), [Some(2), Some(5)]);
    }

    #[test]
    fn silence_leaves_a_hole_and_no_more_is_kept_than_the_map_shows() {
        assert_eq!(seen(&[(0, 1), (20, 5)]), [None, Some(5)]);
        assert_eq!(seen(&[(0, 1), (1_000_000, 5)]), [None, Some(5)]);
        assert_eq!(seen(&[(0, 1), (10, 2), (20, 3)]), [Some(2), Some(3)]);
    }

    #[test]
    fn a_clock_that_goes_back_begins_anew() {
        assert_eq!(seen(&[(100, 1), (0, 5)]), [Some(5)]);
    }
}
