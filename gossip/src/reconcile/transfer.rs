//! Bundles on their way to the node that lacks them, and how many are asked for at once.
//!
//! Each question is answered by one frame. How many are open follows from how fast they are answered, as in LEDBAT
//! (RFC 6817): one more while answers take hardly longer than the fastest, one less where they do; and where that has been
//! found it stays for a while. How large a frame is follows from that: small ones where few fill the line, or one alone would
//! stand in the way of others. So what is behind fills the line, and what happens now finds a queue of some milliseconds.
//!
//! Invariants: a bundle is asked for once at a time; one that was not asked for is not taken; all is bounded.

use super::door::Door;
use super::exchange::Exchange;
use crate::archive::Archive;
use crate::invariants::{Broken, at_most, must};
use crate::store::Wanted;
use crate::{Bundle, Hashed, PeerId, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Below so many ids in store, more are looked for.
const LOW: usize = 2_048;
/// How many questions are open at most, and at least before frames get smaller. Guesses.
const MAX_WINDOW: usize = 18;
const MIN_WINDOW: usize = MAX_WINDOW / 2;
/// How many bytes are asked for at once at least: so many at first, up to what a bundle may hold. A guess: 5 ms of 10 Mbit/s.
const MIN_FRAME: usize = Bundle::MAX_BYTES / 8;
/// How much longer than the fastest an answer may take before it is slow: the shortest of so many in a row, which jitter does
/// not lengthen. A frame of the greatest size takes 8 ms over two lines of 100 Mbit/s. The number is LEDBAT's.
const SLACK: Duration = Duration::from_millis(12);
const FILTER: usize = 4;
/// How long a window that was found to fill the line stays as it is. A guess.
const SETTLED: Duration = Duration::from_secs(4);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often in a row a peer may have none of what it said it had.
const MAX_STRIKES: u32 = 3;
/// What a bundle is taken to weigh before any has come, in bytes: so the first question is small.
const FIRST_GUESS: usize = 3_072;

/// What is wanted from one peer.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    wanted: BTreeSet<Wanted>,
    flights: BTreeMap<u32, Flight>,
    next: u32,
    window: usize,
    /// How many bytes are asked for at once.
    frame: usize,
    /// The window that filled the line, and until when no larger one is tried.
    ceiling: usize,
    settled: Time,
    /// When the window changed: what was sent before tells nothing of it. `None` while no answer has been slow.
    changed: Option<Time>,
    /// The shortest time to an answer that was at least half a frame.
    fastest: Option<Duration>,
    bytes_each: usize,
    /// The times of the last answers.
    recent: VecDeque<Duration>,
    strikes: u32,
    gained: u64,
}

#[derive(Clone, Debug)]
struct Flight {
    ids: Vec<Wanted>,
    sent: Time,
}

/// A bundle that was lacking and has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Came {
    pub(crate) bundle: Hashed,
    /// Whether another content of its number was here before.
    pub(crate) twin: bool,
}

impl Transfer {
    pub(crate) fn new() -> Transfer {
        Transfer {
            wanted: BTreeSet::new(),
            flights: BTreeMap::new(),
            next: 0,
            window: 2,
            frame: MIN_FRAME,
            ceiling: usize::MAX,
            settled: Time::ZERO,
            changed: None,
            fastest: None,
            bytes_each: FIRST_GUESS,
            recent: VecDeque::new(),
            strikes: 0,
            gained: 0,
        }
    }

    /// How many bundles have come.
    pub(crate) const fn gained(&self) -> u64 {
        self.gained
    }

    /// Whether more ids are to be looked for.
    pub(crate) fn is_low(&self) -> bool {
        self.wanted.len() < LOW
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.flights.is_empty()
    }

    /// When the peer has had long enough.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.flights.values().map(|flight| flight.sent + PATIENCE).min()
    }

    pub(crate) fn want(&mut self, ids: impl IntoIterator<Item = Wanted>) {
        let open: BTreeSet<Wanted> = self.flights.values().flat_map(|flight| flight.ids.iter().copied()).collect();
        self.wanted.extend(ids.into_iter().filter(|id| !open.contains(id)));
    }

    /// Asks for as much as the window lets through. `more`: ids are still being looked for, so a small question can wait.
    pub(crate) fn send(&mut self, now: Time, peer: PeerId, more: bool, door: &mut Door<'_>) {
        while self.flights.len() < self.window && !self.wanted.is_empty() {
            let many = (self.frame / self.bytes_each.max(1)).clamp(1, Exchange::MAX_WANTED);
            if more && !self.flights.is_empty() && self.wanted.len() < many {
                return;
            }
            // By origin first: an origin is written once a frame. Numbers and contents are asked for apart.
            let exact = self.wanted.first().is_some_and(|first| first.hash.is_some());
            let alike = |wanted: &Wanted| wanted.hash.is_some() == exact;
            let next = || self.wanted.first().is_some_and(alike).then(|| self.wanted.pop_first()).flatten();
            let ids: Vec<Wanted> = std::iter::from_fn(next).take(many).collect();
            self.next = self.next.wrapping_add(1);
            door.send(peer, Exchange::Want { number: self.next, ids: ids.clone() });
            self.flights.insert(self.next, Flight { ids, sent: now });
        }
    }

    /// Bundles have come: those that were asked for and are still lacking. `None`: this peer is no good.
    pub(crate) fn on_missed(
        &mut self,
        now: Time,
        number: u32,
        covered: u32,
        bundles: Vec<Bundle>,
        archive: &Archive,
    ) -> Option<Vec<Came>> {
        let Some(flight) = self.flights.remove(&number) else { return Some(Vec::new()) };
        let covered = usize::try_from(covered).unwrap_or(usize::MAX).min(flight.ids.len());
        let (about, rest) = flight.ids.split_at(covered);
        let is_here = |wanted: &Wanted| match wanted.hash {
            Some(hash) => archive.holds_content(&wanted.id, &hash),
            None => archive.holds(&wanted.id),
        };
        self.wanted.extend(rest.iter().filter(|wanted| !is_here(wanted)));
        let mut asked: BTreeSet<Wanted> = about.iter().copied().collect();
        let bytes: usize = bundles.iter().map(Bundle::bytes).sum();
        let count = bundles.len();
        // Each once, and only what was asked for.
        let mine: Vec<Came> = bundles.into_iter().filter_map(|bundle| take(&mut asked, bundle)).collect();
        self.strikes = if mine.is_empty() { self.strikes + 1 } else { 0 };
        if covered == 0 || self.strikes >= MAX_STRIKES {
            return None;
        }
        self.measure(now, flight.sent, bytes, count);
        let lacks = |came: &Came| !archive.holds_content(&came.bundle.id, &came.bundle.hash());
        let lacking: Vec<Came> = mine.into_iter().filter(lacks).collect();
        self.gained += lacking.len() as u64;
        Some(lacking)
    }

    /// A bundle is asked for once at a time, and few questions are open.
    pub(crate) fn check(&self) -> Broken {
        at_most("open questions for bundles", self.flights.len(), MAX_WINDOW)?;
        let mut open = BTreeSet::new();
        let twice = self.flights.values().flat_map(|flight| &flight.ids).find(|id| !open.insert(**id));
        let again = self.wanted.iter().find(|id| open.contains(id));
        must(twice.or(again).is_none(), || format!("{:?} is asked for twice at a time", twice.or(again)))
    }

    fn measure(&mut self, now: Time, sent: Time, bytes: usize, count: usize) {
        let took = now.since(sent);
        if count > 0 {
            self.bytes_each = bytes.div_ceil(count).max(1);
        }
        if bytes < self.frame / 2 && self.bytes_each * Exchange::MAX_WANTED > self.frame {
            // Not a full frame: it says nothing of the line.
            return;
        }
        let fastest = self.fastest.map_or(took, |fastest| fastest.min(took));
        self.fastest = Some(fastest);
        self.recent.push_back(took);
        if self.recent.len() > FILTER {
            self.recent.pop_front();
        }
        if self.changed.is_some_and(|changed| sent < changed) {
            return;
        }
        let took = self.recent.iter().copied().min().unwrap_or(took);
        let slow = took > fastest + SLACK;
        if slow {
            let less = if took > fastest * 2 { self.window / 2 } else { self.window - 1 };
            self.window = less.max(1);
            (self.ceiling, self.settled) = (self.window, now + SETTLED);
        } else if self.flights.len() + 1 >= self.window && (self.window < self.ceiling || self.settled <= now) {
            self.window += 1;
        }
        self.fit_frame();
        // One more with each answer until the first slow one; from then on one more or less with each round trip.
        if slow || self.changed.is_some() {
            self.changed = Some(now);
        }
    }

    /// As many bytes in flight as before, in larger frames where there are many, and in smaller ones where there are few.
    fn fit_frame(&mut self) {
        if self.window > MAX_WINDOW {
            let grows = self.frame < Bundle::MAX_BYTES;
            (self.window, self.ceiling) =
                if grows { (MIN_WINDOW, self.ceiling.div_ceil(2)) } else { (MAX_WINDOW, MAX_WINDOW) };
            self.frame = (self.frame * 2).min(Bundle::MAX_BYTES);
        } else if self.changed.is_some() && self.window < MIN_WINDOW && self.frame > MIN_FRAME {
            (self.window, self.ceiling) = (self.window * 2, self.ceiling.saturating_mul(2));
            self.frame /= 2;
        }
    }
}

/// A bundle, if it was asked for: by its number, or by its content.
fn take(asked: &mut BTreeSet<Wanted>, bundle: Bundle) -> Option<Came> {
    if asked.remove(&Wanted::from(bundle.id)) {
        return Some(Came { bundle: bundle.into(), twin: false });
    }
    let bundle = Hashed::from(bundle);
    asked.remove(&Wanted::from(bundle.content())).then_some(Came { bundle, twin: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BundleId, Event, Message, OriginId, Output};
    use std::collections::VecDeque;
    use uuid::Uuid;

    fn bundle(id: BundleId, bytes: usize) -> Bundle {
        let event = Event { id: Uuid::from_u128(id.seq.into()), node_id: "n".into(), json: "x".repeat(bytes).into() };
        Bundle { id, events: vec![event].into(), signature: crate::Signature::NONE, second: None }
    }

    fn ids(range: std::ops::Range<u64>) -> impl Iterator<Item = Wanted> {
        range.map(|seq| Wanted::from(BundleId { origin: OriginId([1; 32]), seq }))
    }

    /// Asks a peer for bundles of 1,000 bytes, which it sends one frame after another over a line.
    struct Line {
        now: Time,
        transfer: Transfer,
        outbox: VecDeque<Output>,
        next_token: u64,
        /// Answers on their way, and when the line is free.
        coming: VecDeque<(Time, u32, Vec<Wanted>)>,
        free: Time,
    }

    impl Line {
        fn new() -> Line {
            let (transfer, outbox, coming) = (Transfer::new(), VecDeque::new(), VecDeque::new());
            Line { now: Time::ZERO, transfer, outbox, next_token: 0, coming, free: Time::ZERO }
        }

        /// One answer comes over a line with this delay for a round trip, and for a frame of the greatest size.
        fn step(&mut self, round_trip: Duration, frame: Duration) {
            let mut door = Door { outbox: &mut self.outbox, next_token: &mut self.next_token };
            self.transfer.send(self.now, PeerId(1), false, &mut door);
            for output in self.outbox.drain(..) {
                if let Output::Send { message: Message::Exchange(Exchange::Want { number, ids }), .. } = output {
                    let share = ids.len() * 1_000 * 1_000 / Bundle::MAX_BYTES;
                    self.free = self.free.max(self.now) + frame * share as u32 / 1_000;
                    self.coming.push_back((self.free + round_trip, number, ids));
                }
            }
            let Some((at, number, ids)) = self.coming.pop_front() else { return };
            self.now = at;
            let bundles: Vec<Bundle> = ids.iter().map(|wanted| bundle(wanted.id, 1_000)).collect();
            let came = self.transfer.on_missed(at, number, ids.len() as u32, bundles, &Archive::default());
            assert_eq!(came.unwrap().len(), ids.len());
        }
    }

    #[test]
    fn a_line_is_filled_and_the_queue_before_it_stays_short() {
        let mut line = Line::new();
        line.transfer.want(ids(0..40_000));
        let (round_trip, frame) = (Duration::from_millis(50), Duration::from_millis(4));
        for _ in 0..200 {
            line.step(round_trip, frame);
        }
        let (began, before) = (line.now, line.transfer.gained());
        for _ in 0..200 {
            line.step(round_trip, frame);
            let queue = line.free.since(line.now);
            assert!(queue <= SLACK + 3 * frame + round_trip, "{queue:?}");
        }
        let frames = (line.transfer.gained() - before) as f64 / 49.0;
        let took = line.now.since(began).as_secs_f64();
        assert!(took < frames * 0.004 * 1.1, "{frames} frames of 4 ms in {took} s");
    }

    #[test]
    fn a_line_that_gets_slow_is_given_less() {
        let mut line = Line::new();
        line.transfer.want(ids(0..20_000));
        for _ in 0..200 {
            line.step(Duration::from_millis(50), Duration::from_millis(2));
        }
        assert!(line.transfer.window + 2 >= MAX_WINDOW && line.transfer.frame == Bundle::MAX_BYTES);
        // 4 Mbit/s: a frame of the greatest size takes 100 ms.
        for _ in 0..200 {
            line.step(Duration::from_millis(50), Duration::from_millis(100));
        }
        let queue = line.free.since(line.now);
        assert!(line.transfer.frame == MIN_FRAME && queue < Duration::from_millis(80), "{queue:?}");
    }

    #[test]
    fn what_was_not_asked_for_or_comes_twice_is_not_taken() {
        let mut line = Line::new();
        line.transfer.want(ids(1..3));
        let mut door = Door { outbox: &mut line.outbox, next_token: &mut line.next_token };
        line.transfer.send(Time::ZERO, PeerId(1), false, &mut door);
        let sent = [1, 1, 2, 9].map(|seq| bundle(BundleId { origin: OriginId([1; 32]), seq }, 10)).to_vec();
        let came = line.transfer.on_missed(Time::ZERO, 1, 2, sent.clone(), &Archive::default()).unwrap();
        assert_eq!(came.iter().map(|came| came.bundle.id.seq).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(line.transfer.on_missed(Time::ZERO, 1, 2, sent, &Archive::default()), Some(Vec::new()));
        assert!(line.transfer.is_idle());
    }

    #[test]
    fn what_did_not_fit_into_the_answer_is_asked_for_again_and_what_is_not_there_is_not() {
        let mut line = Line::new();
        line.transfer.want(ids(0..4));
        let mut door = Door { outbox: &mut line.outbox, next_token: &mut line.next_token };
        line.transfer.send(Time::ZERO, PeerId(1), false, &mut door);
        // The first question was about two: of one it is told that it is not there, of the other nothing.
        assert_eq!(line.transfer.on_missed(Time::ZERO, 1, 1, Vec::new(), &Archive::default()), Some(Vec::new()));
        assert_eq!(line.transfer.wanted, ids(1..2).collect());
    }

    #[test]
    fn a_content_that_was_asked_for_is_told_from_another_of_its_number() {
        let mut line = Line::new();
        let id = BundleId { origin: OriginId([1; 32]), seq: 1 };
        let [one, other] = [10, 11].map(|bytes| bundle(id, bytes));
        line.transfer.want([Wanted::from((id, other.hash()))]);
        line.transfer.want(ids(2..3));
        let mut door = Door { outbox: &mut line.outbox, next_token: &mut line.next_token };
        line.transfer.send(Time::ZERO, PeerId(1), false, &mut door);
        assert_eq!(line.outbox.len(), 2, "numbers and contents are asked for apart");
        let mut archive = Archive::default();
        archive.remember(Time::ZERO, one.clone().into());
        let came = line.transfer.on_missed(Time::ZERO, 1, 1, vec![one, other.clone(), other.clone()], &archive);
        assert_eq!(came.unwrap(), [Came { bundle: other.into(), twin: true }]);
    }
}
