//! A set of small numbers: one bit for each.

use crate::protocol::BroadcastId;

/// A set of broadcasts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: u64,
}

impl Bits {
    /// The first so many broadcasts.
    pub fn first(many: u32) -> Bits {
        let mut words = vec![u64::MAX; many as usize / 64];
        words.extend((!many.is_multiple_of(64)).then(|| (1 << (many % 64)) - 1));
        Bits { words, len: many.into() }
    }

    /// Takes a broadcast in. `false` if it was in.
    pub fn insert(&mut self, id: BroadcastId) -> bool {
        let (word, bit) = (id.0 as usize / 64, 1 << (id.0 % 64));
        self.words.resize(self.words.len().max(word + 1), 0);
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += u64::from(new);
        new
    }

    /// Whether a broadcast is in.
    pub fn has(&self, id: BroadcastId) -> bool {
        self.words.get(id.0 as usize / 64).is_some_and(|word| word & 1 << (id.0 % 64) != 0)
    }

    /// How many are in.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether none is in.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use std::collections::BTreeSet;

    #[test]
    fn it_is_a_set() {
        let mut rng = crate::random::fork(1, "bits", 0);
        for many in [0, 1, 63, 64, 65, 200] {
            let (mut bits, mut set) = (Bits::first(many), (0..many).collect::<BTreeSet<_>>());
            for _ in 0..300 {
                let number = rng.random_range(0..400);
                assert_eq!(bits.insert(BroadcastId(number)), set.insert(number));
            }
            assert!((0..500).all(|number| bits.has(BroadcastId(number)) == set.contains(&number)));
            assert_eq!((bits.len(), bits.is_empty()), (set.len() as u64, false));
        }
        assert!(Bits::first(0).is_empty());
    }
}
