//! Lists in order.
//!
//! The trees and the sort of the standard library are made for long lists, and each kind of them takes two thousandths of the program
//! that readers download. The page's lists have some hundred entries, and need none of it.

use std::cmp::Ordering;

/// Puts an item behind all that come before it, or are equal.
pub(crate) fn insert<T>(list: &mut Vec<T>, item: T, compare: impl Fn(&T, &T) -> Ordering) {
    let place = list.partition_point(|other| compare(other, &item) != Ordering::Greater);
    list.insert(place, item);
}

/// The entry of a key in a list of entries by key, which is made where it is missing.
pub(crate) fn entry<K: Ord, V>(list: &mut Vec<(K, V)>, key: K, make: impl FnOnce() -> V) -> &mut V {
    let place = list.partition_point(|(other, _)| *other < key);
    if list.get(place).is_none_or(|(other, _)| *other != key) {
        list.insert(place, (key, make()));
    }
    &mut list[place].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_stay_in_the_order_in_which_they_came() {
        let mut list = Vec::new();
        for item in ["b1", "a1", "b2", "a2", "c1"] {
            insert(&mut list, item, |one, other| one[..1].cmp(&other[..1]));
        }
        assert_eq!(list, ["a1", "a2", "b1", "b2", "c1"]);
    }

    #[test]
    fn a_key_has_one_entry_in_its_place() {
        let mut list = Vec::new();
        for key in [2, 1, 2, 3, 1] {
            *entry(&mut list, key, || 0) += 1;
        }
        assert_eq!(list, [(1, 2), (2, 2), (3, 1)]);
    }
}
