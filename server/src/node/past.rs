//! How this node's numbers went, for pages that are opened later: as much as a map is wide, at each resolution.

use app::api::{History, Numbers};
use beauty::{MAX_COLUMNS, Resolution};

/// The numbers at the end of each bucket: [`MAX_COLUMNS`] buckets of each width at most, 20 kB in all.
#[derive(Debug, Default)]
pub(super) struct Past([History; Resolution::ALL.len()]);

impl Past {
    /// Notes the numbers of this moment.
    pub(super) fn note(&mut self, numbers: Numbers) {
        for (history, resolution) in self.0.iter_mut().zip(Resolution::ALL) {
            history.note(resolution.seconds(), MAX_COLUMNS, numbers);
        }
    }

    /// How they went in buckets of a width.
    pub(super) fn history(&self, resolution: Resolution) -> History {
        let wanted = self.0.iter().find(|history| history.resolution_seconds == resolution.seconds());
        wanted.cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_kept_at_each_resolution_and_no_more_than_a_map_is_wide() {
        let (mut past, begin) = (Past::default(), 1_763_769_600_000);
        assert_eq!(past.history(Resolution::Minute), History::default());
        // Every 2 s, as the heartbeat of the stream.
        for tick in 0..43_200 {
            let now = begin + tick * 2_000;
            past.note(Numbers { now, events: tick, gossip_seen: tick, gossip_propagated: 2 * tick, peers: 3 });
        }
        let lengths = Resolution::ALL.map(|resolution| past.history(resolution).events.len());
        assert_eq!(lengths, [60, 60, 60, 24, 1]);
        let minutes = past.history(Resolution::Minute);
        assert_eq!(minutes.newest, begin + 86_340_000);
        // The last of each minute.
        assert_eq!(minutes.events[58..], [Some(43_169), Some(43_199)]);
        assert_eq!((minutes.gossip_propagated[59], minutes.peers[59]), (Some(86_398), Some(3)));
    }
}
