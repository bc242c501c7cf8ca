//! A map from bundle ids, made for how bundles come: each origin's in the order of their numbers.
//!
//! One small tree of origins, and of each origin its numbers in order. A look-up compares a few keys of origins and then
//! numbers, mostly only the last one; a map of whole ids would compare keys of origins all the way down. What comes out of
//! order costs a move of what one origin has in it.
//!
//! Invariants: numbers of an origin rise; no origin is without one.

use crate::{BundleId, OriginId};
use std::collections::{BTreeMap, VecDeque};

/// So many numbers of an origin keep their room whatever leaves. A guess.
const ROOM: usize = 64;

/// What is known of bundles, by their ids.
#[derive(Clone, Debug)]
pub(crate) struct BundleMap<V> {
    origins: BTreeMap<OriginId, VecDeque<(u64, V)>>,
    len: usize,
}

impl<V> Default for BundleMap<V> {
    fn default() -> BundleMap<V> {
        BundleMap { origins: BTreeMap::new(), len: 0 }
    }
}

/// Where a number is, or where it would have to be.
fn find<V>(numbers: &VecDeque<(u64, V)>, seq: u64) -> Result<usize, usize> {
    match numbers.back() {
        Some((last, _)) if *last < seq => Err(numbers.len()),
        Some((last, _)) if *last == seq => Ok(numbers.len() - 1),
        _ => numbers.binary_search_by_key(&seq, |(seq, _)| *seq),
    }
}

impl<V> BundleMap<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: &BundleId) -> Option<&V> {
        let numbers = self.origins.get(&id.origin)?;
        numbers.get(find(numbers, id.seq).ok()?).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, id: &BundleId) -> Option<&mut V> {
        let numbers = self.origins.get_mut(&id.origin)?;
        let at = find(numbers, id.seq).ok()?;
        numbers.get_mut(at).map(|(_, value)| value)
    }

    pub(crate) fn contains(&self, id: &BundleId) -> bool {
        self.get(id).is_some()
    }

    /// Whether anything of an origin is in it.
    pub(crate) fn has(&self, origin: &OriginId) -> bool {
        self.origins.contains_key(origin)
    }

    /// Gives what was there before.
    pub(crate) fn insert(&mut self, id: BundleId, value: V) -> Option<V> {
        let numbers = self.origins.entry(id.origin).or_default();
        match find(numbers, id.seq) {
            Ok(at) => numbers.get_mut(at).map(|(_, there)| std::mem::replace(there, value)),
            Err(at) => {
                numbers.insert(at, (id.seq, value));
                self.len += 1;
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, id: &BundleId) -> Option<V> {
        let numbers = self.origins.get_mut(&id.origin)?;
        let (_, value) = numbers.remove(find(numbers, id.seq).ok()?)?;
        if numbers.is_empty() {
            self.origins.remove(&id.origin);
        } else if numbers.capacity() > ROOM && numbers.len() * 4 < numbers.capacity() {
            // A burst is no reason to hold on to its room.
            numbers.shrink_to(numbers.len() * 2);
        }
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::{Broken, must};
    use proptest::prelude::*;

    impl<V> BundleMap<V> {
        fn check(&self) -> Broken {
            let rise =
                |numbers: &VecDeque<(u64, V)>| numbers.iter().zip(numbers.iter().skip(1)).all(|(a, b)| a.0 < b.0);
            must(self.origins.values().all(rise), || "numbers of an origin don't rise".to_owned())?;
            must(self.origins.values().all(|numbers| !numbers.is_empty()), || "an origin without numbers".to_owned())?;
            let len: usize = self.origins.values().map(VecDeque::len).sum();
            must(len == self.len, || format!("{len} bundles, {} counted", self.len))
        }
    }

    proptest! {
        /// Whatever comes in whatever order: it tells what a plain map tells.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..3_u8, 0..4_u8, 0..24_u64, any::<u32>()), 0..300)) {
            let (mut map, mut plain) = (BundleMap::default(), BTreeMap::new());
            for (step, origin, seq, value) in steps {
                let id = BundleId { origin: OriginId([origin; 32]), seq };
                match step {
                    0 => prop_assert_eq!(map.insert(id, value), plain.insert(id, value)),
                    1 => prop_assert_eq!(map.remove(&id), plain.remove(&id)),
                    _ => {
                        if let Some(there) = map.get_mut(&id) {
                            *there = value;
                        }
                        plain.entry(id).and_modify(|there| *there = value);
                    }
                }
                prop_assert_eq!(map.len(), plain.len());
                prop_assert_eq!((map.get(&id), map.contains(&id)), (plain.get(&id), plain.contains_key(&id)));
                prop_assert_eq!(map.has(&id.origin), plain.keys().any(|known| known.origin == id.origin));
                prop_assert_eq!(map.check(), Ok(()));
            }
        }
    }
}
