//! What has been seen: a set that forgets its oldest members.

use std::collections::{BTreeSet, VecDeque};

/// A set of fingerprints, bounded: the first in are the first forgotten.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    capacity: usize,
    known: BTreeSet<u128>,
    order: VecDeque<u128>,
}

impl Seen {
    pub(crate) fn len(&self) -> usize {
        self.order.len().max(self.known.len())
    }

    pub(crate) fn new(capacity: usize) -> Seen {
        Seen { capacity, known: BTreeSet::new(), order: VecDeque::new() }
    }

    /// Remembers a fingerprint. `false` if it was known.
    pub(crate) fn insert(&mut self, fingerprint: u128) -> bool {
        if !self.known.insert(fingerprint) {
            return false;
        }
        self.order.push_back(fingerprint);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_no_more_than_that() {
        let mut seen = Seen::new(3);
        assert!((0..5).all(|n| seen.insert(n)));
        assert!((2..5).all(|n| !seen.insert(n)));
        assert!(seen.insert(0));
        assert_eq!((seen.known.len(), seen.order.len()), (3, 3));
    }
}
