//! What peers say of this node's clock.
//!
//! Each tells now and then what its own shows. With half of the round trip added that is what it shows now, as in NTP (RFC 5905,
//! section 8), which is good to half a round trip: enough to find a clock that is off by seconds. What most peers say counts:
//! their median, which a minority of wrong clocks or liars can't move past all others. Nothing is set by it: it is
//! shown to whoever can set the clock. But a clock that runs far ahead is not believed where that does harm that stays: what is
//! held does not grow old by it, nor does it number bundles, which no peer would keep.
//!
//! Invariant: one offset of each link is kept, and none of a connection that has ended.

use crate::invariants::{Broken, at_most};
use crate::message::Pulse;
use crate::{Message, Output, PeerId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often links are told what this node's clock shows, and how soon again at the earliest. Guesses: a clock that steps is
/// noticed within a minute.
const EVERY: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);
/// By how much a clock may be ahead of most peers' before bundles are numbered by theirs, in microseconds, and how many must say
/// so. Peers keep nothing that lies 60 s ahead of their clocks: a guess, half of that.
const TOO_FAR: i64 = 30_000_000;
const WITNESSES: usize = 2;

/// How far this node's clock is off, as its peers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// By how many microseconds this node's clock is ahead of its peers'. Below zero: behind.
    pub micros: i64,
    /// How many peers that is the median of, at least 1.
    pub peers: usize,
}

/// The clocks of this node and its links.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clocks {
    /// By how much ours is ahead of each, in microseconds.
    ahead: BTreeMap<PeerId, i64>,
    last: Time,
    next: Option<Time>,
}

impl Clocks {
    /// What the median of the links says.
    pub(crate) fn offset(&self) -> Option<ClockOffset> {
        let mut all: Vec<i64> = self.ahead.values().copied().collect();
        all.sort_unstable();
        let (low, high) = (all.get(all.len().checked_sub(1)? / 2)?, all.get(all.len() / 2)?);
        // Of an even number the one that accuses this node less.
        let micros = if low.unsigned_abs() < high.unsigned_abs() { *low } else { *high };
        Some(ClockOffset { micros, peers: all.len() })
    }

    /// By how many microseconds this node's clock is ahead of most peers', where that is too much to number bundles by it; else 0.
    pub(crate) fn too_far_ahead(&self) -> u64 {
        let too_far = |told: &ClockOffset| told.peers >= WITNESSES && told.micros > TOO_FAR;
        self.offset().filter(too_far).map_or(0, |told| told.micros.unsigned_abs())
    }

    /// A link stands.
    pub(crate) fn on_up(&mut self, now: Time, pulse: Pulse, peer: PeerId) -> Output {
        self.next.get_or_insert(now + EVERY);
        Output::Send { to: vec![peer], message: Message::Pulse(pulse) }
    }

    pub(crate) fn on_down(&mut self, peer: PeerId) {
        self.ahead.remove(&peer);
    }

    /// A link tells what its clock shows. `wall` is what ours does.
    pub(crate) fn on_pulse(&mut self, wall: u64, peer: PeerId, pulse: Pulse, rtt: Option<Duration>) {
        let one_way = rtt.unwrap_or_default().as_micros() / 2;
        let theirs = pulse.clock.saturating_add(u64::try_from(one_way).unwrap_or(u64::MAX));
        let ahead = i128::from(wall) - i128::from(theirs);
        let bounded = ahead.clamp(i64::MIN.into(), i64::MAX.into());
        self.ahead.insert(peer, i64::try_from(bounded).unwrap_or_default());
    }

    /// This node's clock was set ahead by so much.
    pub(crate) fn on_set(&mut self, now: Time, by: i64) {
        self.ahead.values_mut().for_each(|ahead| *ahead = ahead.saturating_add(by));
        self.hurry(now);
    }

    /// There is something to tell before its time.
    pub(crate) fn hurry(&mut self, now: Time) {
        let soon = now.max(self.last + PAUSE);
        self.next = self.next.map(|next| next.min(soon));
    }

    pub(crate) const fn next_wakeup(&self) -> Option<Time> {
        self.next
    }

    /// It is time: tells the links how we are, if there are any.
    pub(crate) fn tell(&mut self, now: Time, pulse: Pulse, to: Vec<PeerId>) -> Option<Output> {
        self.last = now;
        self.next = (!to.is_empty()).then(|| now + EVERY);
        self.next.map(|_| Output::Send { to, message: Message::Pulse(pulse) })
    }

    pub(crate) fn check(&self, links: usize) -> Broken {
        at_most("clocks of peers", self.ahead.len(), links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: u64 = 1_700_000_000_000_000;

    /// What a node is told whose peers' clocks show so much more than its own.
    fn told(others: &[i64]) -> Clocks {
        let mut clocks = Clocks::default();
        for (peer, more) in others.iter().enumerate() {
            let pulse = Pulse { clock: WALL.saturating_add_signed(*more), kbit: 0 };
            clocks.on_pulse(WALL, PeerId(peer as u64), pulse, None);
        }
        clocks
    }

    #[test]
    fn what_most_peers_say_counts_and_a_few_can_not_change_it() {
        assert_eq!(told(&[]).offset(), None);
        assert_eq!(told(&[-5]).offset(), Some(ClockOffset { micros: 5, peers: 1 }));
        assert_eq!(told(&[0, 1, i64::MAX, i64::MIN, 2]).offset(), Some(ClockOffset { micros: -1, peers: 5 }));
        assert_eq!(told(&[-7_000, 3]).offset().unwrap().micros, -3, "in doubt for this node");
        assert_eq!(told(&[-7_000, -7_000]).offset().unwrap().micros, 7_000);
    }

    #[test]
    fn a_way_there_takes_half_of_the_round_trip() {
        let mut clocks = Clocks::default();
        let rtt = Some(Duration::from_millis(100));
        clocks.on_pulse(WALL + 50_000, PeerId(1), Pulse { clock: WALL, kbit: 0 }, rtt);
        assert_eq!(clocks.offset().unwrap().micros, 0);
        for clock in [0, u64::MAX] {
            clocks.on_pulse(WALL, PeerId(1), Pulse { clock, kbit: 0 }, Some(Duration::MAX));
            assert!(clocks.offset().is_some());
        }
    }

    #[test]
    fn a_clock_that_is_set_is_told_at_once_and_what_was_heard_is_moved_with_it() {
        let (mut clocks, peer, pulse) = (told(&[-5]), PeerId(0), Pulse { clock: WALL, kbit: 0 });
        let begin = Time::ZERO + PAUSE;
        clocks.on_up(begin, pulse, peer);
        assert_eq!(clocks.next_wakeup(), Some(begin + EVERY));
        clocks.on_set(begin, -5);
        assert_eq!(clocks.offset(), Some(ClockOffset { micros: 0, peers: 1 }));
        assert_eq!(clocks.next_wakeup(), Some(begin));
        assert!(clocks.tell(begin, pulse, vec![peer]).is_some());
        clocks.on_set(begin, 5);
        assert_eq!(clocks.next_wakeup(), Some(begin + PAUSE), "however often it is set");
        clocks.on_down(peer);
        assert!(clocks.tell(begin + EVERY, pulse, Vec::new()).is_none());
        assert_eq!((clocks.next_wakeup(), clocks.offset()), (None, None), "nothing is left");
    }
}
