//! Short names for origins, on one link.
//!
//! An origin has 32 bytes, and is announced again and again. Its first announcement on a link names it in full and gives it
//! the next number; later ones say the number, and by how much the bundle's own number has grown. A link keeps its frames
//! in order and loses none, so both sides count alike; whatever comes out of turn all the same is not read, since all that
//! follows would be read wrongly. Where all numbers are given away, the oldest is given anew.
//!
//! Invariants: what one side writes, the other reads back; what a liar writes names at worst something that isn't there.

use crate::message::{Announced, Announcement};
use crate::wire::MAX_ANNOUNCED;
use crate::{BundleId, OriginId};
use std::collections::BTreeMap;

/// How many origins have a number on a link, in each direction: 160 kB where all are given away. A guess.
const MAX_NAMES: usize = 4_096;

/// The names that this node has given.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    numbers: BTreeMap<OriginId, usize>,
    /// How they are read at the other end.
    names: Names,
}

/// The names that the peer has given.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Each with the number of the bundle that was announced last.
    list: Vec<(OriginId, u64)>,
    next: usize,
    /// How many announcements there were, modulo 256.
    announcements: u8,
}

impl Given {
    /// Writes an announcement of bundles, each with its age, in as many frames as it takes.
    pub(super) fn write(&mut self, bundles: &[(BundleId, u16)]) -> Vec<Announcement> {
        bundles.chunks(MAX_ANNOUNCED).map(|chunk| self.write_one(chunk)).collect()
    }

    fn write_one(&mut self, bundles: &[(BundleId, u16)]) -> Announcement {
        let number = self.names.turn();
        let mut announcement = Announcement { number, names: Vec::new(), bundles: Vec::with_capacity(bundles.len()) };
        for (id, age) in bundles {
            let known = self.numbers.get(&id.origin).copied();
            let number = known.unwrap_or_else(|| {
                announcement.names.push(id.origin);
                let (number, before) = self.names.add(id.origin);
                before.map(|before| self.numbers.remove(&before));
                self.numbers.insert(id.origin, number);
                number
            });
            let Some((_, last)) = self.names.list.get_mut(number) else { continue };
            let step = id.seq.wrapping_sub(*last).cast_signed();
            *last = id.seq;
            // 0 stands for the next of the new names.
            let name = if known.is_some() { number as u16 + 1 } else { 0 };
            announcement.bundles.push(Announced { name, step, age: *age });
        }
        announcement
    }
}

impl Names {
    /// Reads an announcement. What names nothing is left out, and all of it where it comes out of turn.
    pub(super) fn read(&mut self, announcement: Announcement) -> Vec<(BundleId, u16)> {
        if announcement.number != self.announcements {
            return Vec::new();
        }
        self.turn();
        let mut new = announcement.names.into_iter();
        let mut read = Vec::with_capacity(announcement.bundles.len());
        for Announced { name, step, age } in announcement.bundles {
            let number = match name {
                0 => new.next().map(|origin| self.add(origin).0),
                known => Some(usize::from(known) - 1),
            };
            if let Some((origin, last)) = number.and_then(|number| self.list.get_mut(number)) {
                *last = last.wrapping_add(step.cast_unsigned());
                read.push((BundleId { origin: *origin, seq: *last }, age));
            }
        }
        read
    }

    /// The number of this announcement; the next has the next.
    fn turn(&mut self) -> u8 {
        let number = self.announcements;
        self.announcements = number.wrapping_add(1);
        number
    }

    /// Gives the next number to an origin. Which one had it before?
    fn add(&mut self, origin: OriginId) -> (usize, Option<OriginId>) {
        let number = self.next;
        self.next = (self.next + 1) % MAX_NAMES;
        match self.list.get_mut(number) {
            Some(name) => (number, Some(std::mem::replace(name, (origin, 0)).0)),
            None => {
                self.list.push((origin, 0));
                (number, None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(origin: u16, seq: u64) -> BundleId {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&origin.to_le_bytes());
        BundleId { origin: OriginId(bytes), seq }
    }

    #[test]
    fn an_origin_is_named_in_full_once() {
        let (mut given, mut names) = (Given::default(), Names::default());
        let first = given.write(&[(id(7, 1_000), 1), (id(7, 1_001), 2)]);
        assert_eq!(first[0].names, [id(7, 0).origin]);
        assert_eq!(names.read(first[0].clone()), [(id(7, 1_000), 1), (id(7, 1_001), 2)]);
        let second = given.write(&[(id(7, 1_005), 3)]);
        assert!(second[0].names.is_empty());
        assert_eq!(second[0].bundles, [Announced { name: 1, step: 4, age: 3 }]);
        assert_eq!(names.read(second[0].clone()), [(id(7, 1_005), 3)]);
    }

    #[test]
    fn more_origins_than_numbers_are_still_told_apart() {
        let (mut given, mut names) = (Given::default(), Names::default());
        for round in 0..3 {
            let bundles: Vec<_> = (0..5_000).map(|origin| (id(origin, round), 0)).collect();
            let read: Vec<_> = given.write(&bundles).into_iter().flat_map(|frame| names.read(frame)).collect();
            assert_eq!(read, bundles);
        }
        assert_eq!((names.list.len(), given.numbers.len(), given.names.list.len()), (MAX_NAMES, MAX_NAMES, MAX_NAMES));
    }

    #[test]
    fn what_a_liar_names_is_bounded_and_what_names_nothing_is_left_out() {
        let mut names = Names::default();
        let lie = Announced { name: u16::MAX, step: i64::MIN, age: 0 };
        assert!(names.read(Announcement { number: 0, names: Vec::new(), bundles: vec![lie; 10] }).is_empty());
        let nameless = Announced { name: 0, step: -1, age: 0 };
        assert!(names.read(Announcement { number: 1, names: Vec::new(), bundles: vec![nameless; 10] }).is_empty());
    }

    #[test]
    fn an_announcement_that_comes_twice_is_read_once() {
        let (mut given, mut names) = (Given::default(), Names::default());
        for seq in [5, 10, 15] {
            let frame = given.write(&[(id(7, seq), 0)]).remove(0);
            assert_eq!(names.read(frame.clone()), [(id(7, seq), 0)]);
            assert_eq!(names.read(frame), [], "its step would count twice, and name what is nowhere");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bundles in proptest::collection::vec((0..20_u16, any::<u64>(), any::<u16>()), 0..200)) {
            let (mut given, mut names) = (Given::default(), Names::default());
            for some in bundles.chunks(7) {
                let some: Vec<_> = some.iter().map(|(origin, seq, age)| (id(*origin, *seq), *age)).collect();
                let read: Vec<_> = given.write(&some).into_iter().flat_map(|frame| names.read(frame)).collect();
                prop_assert_eq!(read, some);
            }
        }
    }
}
