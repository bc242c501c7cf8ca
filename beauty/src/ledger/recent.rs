//! The table of recent ids: what tells an event that comes again from a new one.

use std::collections::HashMap;
use std::mem;

use crate::{ContentHash, EventId, Moments, Origin, Resolution, Score, Timestamp};

/// The last events that came in, each with what is needed to take it out of the buckets again.
///
/// **By arrival, in two generations.** The young one takes events in; when it holds half the table's capacity it becomes the
/// old one, and the old one is forgotten whole. So at least the last half of the capacity is always remembered, and no id has
/// to be looked up to be forgotten: that look-up, at a place long out of the processor's cache, was the dearest step of an
/// insertion.
///
/// By arrival, and not by the event's own time: an event comes again soon after it *came*, by another path of the gossip, not
/// soon after it *was*. Reconciliation brings week-old events through many peers at once; to forget by time would forget
/// exactly those, and would let a flood of future-dated events push out all others.
///
/// **Hashed with a secret.** Ids come from outside, so they may be chosen to collide. The map's default hasher is SipHash, with
/// keys drawn at random: nobody can choose ids for it. No order of that map is ever seen.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    young: Generation,
    old: Generation,
    /// How many events a generation holds.
    half: usize,
}

/// Events that came one after the other.
#[derive(Clone, Debug, Default)]
struct Generation {
    /// Where in `entries` an id is. Apart from them, to keep what is searched small.
    places: HashMap<EventId, u32>,
    entries: Vec<Entry>,
}

/// What is remembered of an event.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: EventId,
    pub(crate) hash: ContentHash,
    pub(crate) at: Timestamp,
    pub(crate) score: Score,
    /// Shared with the node's row, so it costs no copy of the name.
    pub(crate) origin: Origin,
    /// Which rings of the node the event was counted in: a node that gave way and came back has new ones.
    pub(crate) serial: u64,
}

/// The events of one slot that the table holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recount {
    /// Those of all nodes.
    pub(crate) mesh: Moments,
    /// Those of the node that was asked for.
    pub(crate) node: Moments,
}

impl Recent {
    /// A table of at most so many events, and at least 2.
    pub(crate) fn new(capacity: usize) -> Recent {
        Recent { young: Generation::default(), old: Generation::default(), half: (capacity / 2).max(1) }
    }

    pub(crate) fn get(&self, id: &EventId) -> Option<&Entry> {
        self.young.get(id).or_else(|| self.old.get(id))
    }

    /// Remembers an event whose id the table doesn't hold.
    pub(crate) fn insert(&mut self, entry: Entry) {
        if self.young.entries.len() >= self.half {
            mem::swap(&mut self.young, &mut self.old);
            // Keeps its memory for the generation to come.
            self.young.places.clear();
            self.young.entries.clear();
        }
        // Half of the capacity is at most 2^23, so places fit 32 bits.
        self.young.places.insert(entry.id, self.young.entries.len() as u32);
        self.young.entries.push(entry);
    }

    /// Puts the winner of a conflict where the loser was. The id stays as old as it is.
    pub(crate) fn replace(&mut self, winner: Entry) {
        for generation in [&mut self.young, &mut self.old] {
            if let Some(place) = generation.places.get(&winner.id) {
                generation.entries[*place as usize] = winner;
                return;
            }
        }
    }

    /// Counts anew, from the events that the table holds, the slots of a moment: for each resolution, finest first, those of the
    /// whole mesh and those of one node. One pass over the whole table, so it is for
    /// conflicts only.
    pub(crate) fn recount(&self, at: Timestamp, serial: u64) -> [Recount; Resolution::ALL.len()] {
        let mut counts = Resolution::ALL.map(|resolution| {
            let start = resolution.floor(at);
            (start..start.saturating_add(resolution.millis()), Recount::default())
        });
        for entry in self.old.entries.iter().chain(&self.young.entries) {
            // Slots are nested, so the first that is left ends the search.
            for (_, count) in counts.iter_mut().rev().take_while(|(slot, _)| slot.contains(&entry.at)) {
                count.mesh.add(entry.score);
                if entry.serial == serial {
                    count.node.add(entry.score);
                }
            }
        }
        counts.map(|(_, count)| count)
    }

    /// The most memory that a full table takes, in bytes. Of each generation: the entries, whose vector grows by doubling, and
    /// the map, a power of two of places, at most 7/8 full, each with a byte of its own.
    pub(crate) fn bytes_when_full(capacity: usize) -> usize {
        let half = (capacity / 2).max(1);
        let places = (half * 8 / 7 + 1).next_power_of_two();
        2 * (half.next_power_of_two() * size_of::<Entry>() + places * (size_of::<(EventId, u32)>() + 1))
    }
}

impl Generation {
    fn get(&self, id: &EventId) -> Option<&Entry> {
        self.places.get(id).map(|place| &self.entries[*place as usize])
    }
}
