//! What is going to happen, in the order of its time; what happens at one moment, in the order in which it was planned.
//!
//! Nearly all of it happens soon: a frame takes milliseconds. So the next second is a wheel of slots of a millisecond, each
//! sorted when its turn comes; only what is later goes into a heap.

use gossip::Time;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How many slots the wheel has, and how long each is, in microseconds.
const SLOTS: u64 = 1_024;
const SLOT_MICROS: u64 = 1_024;

/// A queue of things that happen at moments.
///
/// Invariants: `current` is sorted, the earliest last, and holds all up to the slot `turn`; the wheel holds the slots after
/// it, `later` what is past the wheel.
#[derive(Debug)]
pub struct Queue<T> {
    turn: u64,
    current: Vec<Entry<T>>,
    wheel: Vec<Vec<Entry<T>>>,
    in_wheel: usize,
    later: BinaryHeap<Entry<T>>,
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
        let wheel = (0..SLOTS).map(|_| Vec::new()).collect();
        Queue { turn: 0, current: Vec::new(), wheel, in_wheel: 0, later: BinaryHeap::new(), planned: 0 }
    }
}

fn slot(at: Time) -> u64 {
    at.as_micros() / SLOT_MICROS
}

impl<T> Queue<T> {
    /// Plans that `what` happens at `at`.
    pub fn push(&mut self, at: Time, what: T) {
        self.planned += 1;
        let entry = Entry { at, number: self.planned, what };
        let slot = slot(at);
        if slot <= self.turn {
            let place = self.current.partition_point(|other| *other < entry);
            self.current.insert(place, entry);
        } else if slot < self.turn + SLOTS {
            self.wheel[(slot % SLOTS) as usize].push(entry);
            self.in_wheel += 1;
        } else {
            self.later.push(entry);
        }
    }

    /// The next thing, if it happens at `until` or before.
    pub fn pop_until(&mut self, until: Time) -> Option<(Time, T)> {
        while self.current.is_empty() {
            if !self.turn_to_next(slot(until)) {
                return None;
            }
        }
        let next = self.current.pop_if(|entry| entry.at <= until)?;
        Some((next.at, next.what))
    }

    /// How many things are planned.
    pub fn len(&self) -> usize {
        self.current.len() + self.in_wheel + self.later.len()
    }

    /// Whether nothing is planned.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next slot's turn, or that of the first one in which something happens if the wheel is empty; `false` if that is
    /// after `last`.
    fn turn_to_next(&mut self, last: u64) -> bool {
        let next = match self.in_wheel {
            0 => self.later.peek().map(|entry| slot(entry.at)),
            _ => Some(self.turn + 1),
        };
        let Some(next) = next.filter(|next| *next <= last) else { return false };
        self.turn = next;
        self.current.append(&mut self.wheel[(next % SLOTS) as usize]);
        self.in_wheel -= self.current.len();
        while let Some(entry) = self.later.peek()
            && slot(entry.at) < next + SLOTS
        {
            let Some(entry) = self.later.pop() else { break };
            match slot(entry.at) {
                slot if slot == next => self.current.push(entry),
                slot => {
                    self.wheel[(slot % SLOTS) as usize].push(entry);
                    self.in_wheel += 1;
                }
            }
        }
        self.current.sort_unstable();
        true
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
    use rand::RngExt;

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

    #[test]
    fn it_is_as_good_as_a_sorted_list_whatever_is_planned_meanwhile() {
        let mut rng = crate::random::fork(1, "queue", 0);
        let (mut queue, mut list, mut now) = (Queue::default(), Vec::new(), 0);
        for number in 0..20_000_u64 {
            // At once, soon, past the wheel, and at moments that are taken.
            let after = [0, rng.random_range(0..50_000), rng.random_range(0..20_000_000), 1_024];
            let at = now + after[rng.random_range(0..after.len())];
            queue.push(Time::from_micros(at), number);
            list.push((at, number));
            if rng.random_bool(0.4) {
                now += rng.random_range(0..100_000);
                list.sort_unstable();
                let due = list.iter().take_while(|(at, _)| *at <= now).count();
                for (at, number) in list.drain(..due) {
                    assert_eq!(queue.pop_until(Time::from_micros(now)), Some((Time::from_micros(at), number)));
                }
                assert!(queue.pop_until(Time::from_micros(now)).is_none());
            }
            assert_eq!(queue.len(), list.len());
        }
    }
}
