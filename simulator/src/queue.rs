//! What is going to happen, in the order of its time; what happens at one moment, in the order in which it was planned.

use gossip::Time;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A queue of things that happen at moments. A binary heap: a million entries cost twenty comparisons each.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    planned: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Time,
    number: u64,
    what: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { heap: BinaryHeap::new(), planned: 0 }
    }
}

impl<T> Queue<T> {
    /// Plans that `what` happens at `at`.
    pub fn push(&mut self, at: Time, what: T) {
        self.planned += 1;
        self.heap.push(Entry { at, number: self.planned, what });
    }

    /// The next thing, if it happens at `until` or before.
    pub fn pop_until(&mut self, until: Time) -> Option<(Time, T)> {
        if self.heap.peek()?.at > until {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }

    /// How many things are planned.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is planned.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<T> Ord for Entry<T> {
    /// The heap gives its greatest entry first: the earliest is the greatest.
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_earlier_comes_first_and_what_was_planned_first_at_one_moment() {
        let mut queue = Queue::default();
        for (at, what) in [(3, 'd'), (1, 'a'), (2, 'b'), (2, 'c'), (9, 'z')] {
            queue.push(Time::from_micros(at), what);
        }
        let order: String =
            std::iter::from_fn(|| queue.pop_until(Time::from_micros(3))).map(|(_, what)| what).collect();
        assert_eq!((order.as_str(), queue.len()), ("abcd", 1));
    }
}
