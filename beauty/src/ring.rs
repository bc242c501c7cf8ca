//! Buckets by time: a ring of slots of one resolution, in which the new overwrites the old.

use std::array;

use crate::{Resolution, Timestamp};

/// How many slots are allocated together: few enough that a node that speaks rarely costs little.
const CHUNK: usize = 8;

/// A fixed number of slots of one resolution.
///
/// Slot number `n` lives at `n` modulo the number of slots, and the place remembers which number it holds. A newer number
/// overwrites an older one; a write to an older number is ignored. So, as long as nothing is written further than `ahead` slots
/// beyond a moment, the `slots - ahead` slots up to that moment hold the same whatever the order of writes.
#[derive(Clone, Debug)]
pub struct Ring<B> {
    resolution: Resolution,
    slots: usize,
    chunks: Box<[Option<Box<Chunk<B>>>]>,
}

/// Neighbouring slots.
#[derive(Clone, Debug)]
struct Chunk<B> {
    /// The number of the slot that each place holds, plus 1; 0 where it never held any.
    held: [u64; CHUNK],
    buckets: [B; CHUNK],
}

impl<B: Default> Ring<B> {
    /// A ring of so many slots, at least one. Slots are allocated when they are first written.
    pub fn new(resolution: Resolution, slots: usize) -> Ring<B> {
        let slots = slots.max(1);
        let chunks = (0..slots.div_ceil(CHUNK)).map(|_| None).collect();
        Ring { resolution, slots, chunks }
    }

    /// How wide a slot is.
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// How many slots there are.
    pub const fn slots(&self) -> usize {
        self.slots
    }

    /// The bucket of the slot that holds a moment, if that slot was written and not overwritten since. O(1).
    pub fn get(&self, at: Timestamp) -> Option<&B> {
        self.by_number(self.resolution.slot(at))
    }

    /// As [`get`](Ring::get), to change it.
    pub fn get_mut(&mut self, at: Timestamp) -> Option<&mut B> {
        let number = self.resolution.slot(at);
        let (chunk, place) = self.place(number);
        let chunk = self.chunks[chunk].as_deref_mut()?;
        (chunk.held[place] == number + 1).then(|| &mut chunk.buckets[place])
    }

    /// Changes the bucket of the slot that holds a moment, making it anew where there is none. False, and nothing is changed,
    /// where a newer slot has taken the place. O(1).
    pub fn update(&mut self, at: Timestamp, change: impl FnOnce(&mut B)) -> bool {
        let number = self.resolution.slot(at);
        let (chunk, place) = self.place(number);
        let chunk = self.chunks[chunk].get_or_insert_with(Chunk::vacant);
        // A slot is at least a second wide, so numbers end far below `u64::MAX`, and adding 1 can't overflow.
        let held = number + 1;
        if chunk.held[place] > held {
            return false;
        }
        if chunk.held[place] < held {
            chunk.held[place] = held;
            chunk.buckets[place] = B::default();
        }
        change(&mut chunk.buckets[place]);
        true
    }

    /// The last `columns` slots up to the one that holds `now`, oldest first, each with its start. Never before the epoch.
    pub fn window(&self, now: Timestamp, columns: usize) -> impl Iterator<Item = (Timestamp, Option<&B>)> {
        let end = self.resolution.slot(now) + 1;
        let first = end.saturating_sub(columns as u64);
        (first..end).map(|number| (self.resolution.start(number), self.by_number(number)))
    }

    /// The starts of all slots that it holds, in no order.
    pub(crate) fn starts(&self) -> impl Iterator<Item = Timestamp> {
        let held = self.chunks.iter().flatten().flat_map(|chunk| chunk.held);
        held.filter(|held| *held > 0).map(|held| self.resolution.start(held - 1))
    }

    /// All buckets from the slot that holds `from` on, oldest first, as far as the ring reaches.
    pub fn since(&self, from: Timestamp) -> impl Iterator<Item = &B> {
        let first = self.resolution.slot(from);
        (first..first.saturating_add(self.slots as u64)).filter_map(|number| self.by_number(number))
    }

    /// The most memory that a ring of so many slots takes, in bytes, the allocator's own share guessed at 16 bytes a block.
    pub(crate) const fn bytes_when_full(slots: usize) -> usize {
        const BLOCK: usize = 16;
        let chunk = BLOCK + size_of::<Chunk<B>>() + size_of::<Option<Box<Chunk<B>>>>();
        size_of::<Ring<B>>() + BLOCK + slots.div_ceil(CHUNK) * chunk
    }

    fn by_number(&self, number: u64) -> Option<&B> {
        let (chunk, place) = self.place(number);
        let chunk = self.chunks[chunk].as_deref()?;
        (chunk.held[place] == number + 1).then(|| &chunk.buckets[place])
    }

    /// Where a slot lives: which chunk, and which place in it. The remainder is below `slots`, which is a `usize`.
    fn place(&self, number: u64) -> (usize, usize) {
        let index = (number % self.slots as u64) as usize;
        (index / CHUNK, index % CHUNK)
    }
}

impl<B: Default> Chunk<B> {
    fn vacant() -> Box<Chunk<B>> {
        Box::new(Chunk { held: [0; CHUNK], buckets: array::from_fn(|_| B::default()) })
    }
}
