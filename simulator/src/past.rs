//! What was sent before the world began: it is on the disks of those who were there.
//!
//! A node that was away for a day lacks more than a process can send, deliver and count one by one at every node. What that
//! day has left behind is all that matters to the node that comes back: so it is given, to the byte, and only the way
//! back is played.

use crate::protocol::{BroadcastId, NodeId, Payload};
use crate::scenario::{self, Scenario};

/// The broadcasts of the time before the world began. Their ids are the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    events: u32,
    events_per_bundle: u32,
    origins: u32,
    /// Between two broadcasts, in microseconds.
    every: u64,
    payload_bytes: usize,
    lacks: Vec<NodeId>,
}

impl Past {
    /// That of a scenario, if it has one.
    pub fn of(scenario: &Scenario) -> Option<Past> {
        let scenario::Past { hours, events_per_s, events_per_bundle, origins, lacks } = scenario.past.as_ref()?;
        Some(Past {
            events: hours * 3_600 * events_per_s,
            events_per_bundle: *events_per_bundle,
            origins: *origins,
            every: 1_000_000 / u64::from(*events_per_s),
            payload_bytes: scenario.traffic.payload_bytes,
            lacks: lacks.iter().copied().map(NodeId).collect(),
        })
    }

    /// How many there were.
    pub fn events(&self) -> u32 {
        self.events
    }

    /// The bytes of each.
    pub fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    /// Whether a node was away. It does not run when the world begins.
    pub fn lacks(&self, node: NodeId) -> bool {
        self.lacks.contains(&node)
    }

    /// What was sent, bundle by bundle: the wall clock when each was closed, in microseconds and below zero, and what is in
    /// it, all of one origin.
    pub fn bundles(&self) -> impl Iterator<Item = (i64, Vec<Payload>)> {
        let (events, each) = (self.events, self.events_per_bundle);
        (0..events.div_ceil(each)).map(move |bundle| {
            let ids = bundle * each..((bundle + 1) * each).min(events);
            let origin = NodeId(bundle % self.origins);
            let payload = |id| Payload::new(BroadcastId(id), origin, self.sent(id), self.payload_bytes);
            (self.sent(ids.end - 1), ids.map(payload).collect())
        })
    }

    /// When a broadcast was sent.
    fn sent(&self, id: u32) -> i64 {
        -(u64::from(self.events - id) * self.every).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_was_sent_once_in_order_and_before_the_world_began() {
        let text = "name = 'a'\nabout = 'b'\nnodes = 9\n[traffic]\nsenders = 1\nrounds = 1\nevery_ms = 1\n[links]\nlatency_ms = [1, 1]\n\
                    [past]\nhours = 1\nevents_per_s = 10\nevents_per_bundle = 7\norigins = 3\nlacks = [4]";
        let past = Past::of(&Scenario::parse(text).unwrap()).unwrap();
        let bundles: Vec<_> = past.bundles().collect();
        let ids = bundles.iter().flat_map(|(_, events)| events.iter().map(|event| event.id.0));
        assert!(ids.eq(0..36_000) && past.events() == 36_000);
        assert!(bundles.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!((bundles[0].0, bundles.last().unwrap().0), (-3_600_000_000 + 600_000, -100_000));
        assert!(bundles.iter().all(|(_, events)| events.iter().all(|event| event.origin == events[0].origin)));
        assert!(past.lacks(NodeId(4)) && !past.lacks(NodeId(3)));
    }
}
