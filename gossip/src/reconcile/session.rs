//! One reconciliation, as who lacks something leads it: which slots differ, which ids are in them, which of those are not
//! here. It goes from hours to tens of seconds to seconds to ids, and the newest come first. Where slots differ and no id is
//! lacking, an origin has signed two contents under one number: then contents are compared.
//!
//! Invariants: each range is looked at once, and what a range leads to lies in it, so a session ends whatever the peer says; few
//! questions are open at a time, to the peer as to the store; all is bounded.

use super::door::{Door, page};
use super::exchange::Exchange;
use super::slots::{Slot, Slots, Width, slots_of};
use super::transfer::{Came, Transfer};
use crate::archive::Archive;
use crate::invariants::{self, at_most};
use crate::store::{Content, Wanted};
use crate::{Bundle, BundleId, Fault, Fingerprint, OriginId, PeerId, Planted, Time};
use std::ops::Range;
use std::time::Duration;

/// How long a peer, and our own store, may take for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
const STORE_PATIENCE: Duration = Duration::from_secs(10);
/// How many questions about what differs are open at most: round trips of two pages of ids each would not fill a line.
const MAX_ASKED: usize = 4;
/// A slot that holds no more than this is not split: its ids, 8 bytes each, cost less than another round trip. A guess.
const FEW: u32 = 512;
/// Two slots that differ are asked for together if no more than so much is between them that does not: an id costs 6 bytes, a
/// question of its own a round trip and 32 bytes for each origin in its answer.
const GAP: u32 = 64;
/// How many ids, or contents, of our own a range is compared with at most. What holds more is taken in parts.
const MAX_OWN: usize = 8_192;
/// So many pages of ids in a row without one that is lacking, and the peer is left alone for a while. A guess.
const MAX_FRUITLESS: u32 = 64;

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq)]
enum Todo {
    Sums(Width, Range<u64>),
    /// With the fingerprint that the peer has told of it, if it has.
    Ids(Range<u64>, Option<Fingerprint>),
    /// The peer has these numbers there, and so have we: with which contents is to be asked of our own store, and then of the peer.
    Own(Range<u64>, Numbers),
    /// With the fingerprint of what we have of the peer's numbers there.
    Contents(Range<u64>, Fingerprint),
}

/// What waits for our own store.
#[derive(Clone, Debug)]
enum Comparing {
    Seconds(Vec<Slot>),
    Ids(Numbers),
    Sum(Numbers),
    Contents(Vec<Content>),
}

/// The numbers that a peer has in a range, ascending; and its fingerprint of what it has there, if it has told one.
#[derive(Clone, Debug, PartialEq)]
struct Numbers {
    ids: Vec<BundleId>,
    sum: Option<Fingerprint>,
}

/// A question to our own store.
#[derive(Clone, Debug)]
struct Open {
    token: u64,
    range: Range<u64>,
    what: Comparing,
    since: Time,
}

/// The peer broke a rule, or keeps us waiting: the session is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Broken;

/// A reconciliation with one peer.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    peer: PeerId,
    began: Time,
    /// Whether slots of which the peer holds less are looked at too.
    thorough: bool,
    /// The times of bundles that may be kept.
    range: Range<u64>,
    /// The next is the last.
    todo: Vec<Todo>,
    asked: Vec<(Todo, Time)>,
    open: Vec<Open>,
    /// Whether it pays to split slots: not where all parts differ.
    splits: bool,
    fruitless: u32,
    transfer: Transfer,
    planted: Planted,
}

impl Session {
    pub(crate) fn new(now: Time, peer: PeerId, thorough: bool, range: Range<u64>, planted: Planted) -> Session {
        let hours = Todo::Sums(Width::Hour, Width::Hour.floor(range.start)..range.end);
        let (todo, transfer) = (vec![hours], Transfer::new());
        Session {
            peer,
            began: now,
            thorough,
            range,
            todo,
            asked: Vec::new(),
            open: Vec::new(),
            splits: true,
            fruitless: 0,
            transfer,
            planted,
        }
    }

    pub(crate) const fn peer(&self) -> PeerId {
        self.peer
    }

    pub(crate) const fn began(&self) -> Time {
        self.began
    }

    pub(crate) const fn gained(&self) -> u64 {
        self.transfer.gained()
    }

    /// Whether a question to our own store is this session's, and open.
    pub(crate) fn has_asked(&self, token: u64) -> bool {
        self.open.iter().any(|open| open.token == token)
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_over(&self) -> bool {
        !self.looks() && self.transfer.is_idle()
    }

    /// When somebody has had long enough.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let open = self.open.iter().map(|open| open.since + STORE_PATIENCE).min();
        [open, self.peers_deadline()].into_iter().flatten().min()
    }

    /// When the peer has.
    pub(crate) fn peers_deadline(&self) -> Option<Time> {
        let asked = self.asked.iter().map(|(_, since)| *since + PATIENCE).min();
        [asked, self.transfer.deadline()].into_iter().flatten().min()
    }

    /// Asks for what can be asked for now.
    pub(crate) fn go_on(&mut self, now: Time, door: &mut Door<'_>) {
        while self.asked.len() + self.open.len() < MAX_ASKED
            && self.transfer.is_low()
            && let Some(todo) = self.todo.pop()
        {
            self.ask(now, todo, door);
        }
        let more = self.looks();
        self.transfer.send(now, self.peer, more, door);
    }

    fn ask(&mut self, now: Time, todo: Todo, door: &mut Door<'_>) {
        let question = match &todo {
            Todo::Sums(width, range) => Exchange::GetSums { width: *width, from: range.start, until: range.end },
            Todo::Ids(range, _) => Exchange::GetIds { from: range.start, until: range.end },
            Todo::Contents(range, sum) => Exchange::GetContents { from: range.start, until: range.end, sum: *sum },
            Todo::Own(range, theirs) => return self.ask_own(now, range.clone(), Comparing::Sum(theirs.clone()), door),
        };
        door.send(self.peer, question);
        self.asked.push((todo, now));
    }

    /// Asks our own store for contents.
    fn ask_own(&mut self, now: Time, range: Range<u64>, what: Comparing, door: &mut Door<'_>) {
        let token = door.ask_contents(range.start, range.end, MAX_OWN);
        self.open.push(Open { token, range, what, since: now });
    }

    /// Whether ranges are still being looked at.
    fn looks(&self) -> bool {
        !self.todo.is_empty() || !self.asked.is_empty() || !self.open.is_empty()
    }

    /// Fingerprints have come.
    pub(crate) fn on_sums(
        &mut self,
        now: Time,
        slots: &Slots,
        told: (Width, Range<u64>),
        theirs: Vec<Slot>,
        door: &mut Door<'_>,
    ) -> Result<(), Broken> {
        let (width, told) = told;
        let Some(range) = self.answered(|todo| match todo {
            Todo::Sums(asked, range) if *asked == width && range.start == told.start => Some(range.clone()),
            _ => None,
        }) else {
            return Ok(());
        };
        if told.end == told.start {
            self.todo.push(Todo::Ids(range, None));
            return Ok(());
        }
        check_slots(width, &told, &range, &theirs)?;
        if told.end < range.end {
            self.todo.push(Todo::Sums(width, told.end..range.end));
        }
        let held = slots.list(width, told.clone()).is_some();
        match width {
            _ if held => self.compare(width, &theirs, |start| slots.at(width, start)),
            Width::Second => self.ask_own(now, told, Comparing::Seconds(theirs), door),
            Width::Hour | Width::Ten => self.todo.push(Todo::Ids(told, None)),
        }
        Ok(())
    }

    /// Ids have come.
    pub(crate) fn on_ids(
        &mut self,
        now: Time,
        told: Range<u64>,
        theirs: Vec<BundleId>,
        door: &mut Door<'_>,
    ) -> Result<(), Broken> {
        let Some((range, sum)) = self.answered(|todo| match todo {
            Todo::Ids(range, sum) if range.start == told.start => Some((range.clone(), *sum)),
            _ => None,
        }) else {
            return Ok(());
        };
        let ascend = theirs.is_sorted_by(|a, b| order(a) < order(b));
        if told.end <= told.start || told.end > range.end || !ascend || !theirs.iter().all(|id| told.contains(&id.seq))
        {
            return Err(Broken);
        }
        if told.end < range.end {
            self.todo.push(Todo::Ids(told.end..range.end, None));
        }
        if theirs.is_empty() {
            self.on_fruitless()?;
        } else {
            let token = door.ask_ids(told.start, told.end, MAX_OWN);
            let theirs = Numbers { ids: theirs, sum: sum.filter(|_| told.end == range.end) };
            self.open.push(Open { token, range: told, what: Comparing::Ids(theirs), since: now });
        }
        Ok(())
    }

    /// Our own store has told ids.
    pub(crate) fn on_own(&mut self, token: u64, ids: Vec<BundleId>, archive: &Archive) -> Result<(), Broken> {
        let Some(Open { range, what: Comparing::Ids(theirs), .. }) = self.own_answered(token) else { return Ok(()) };
        let (ids, until) = page(ids, MAX_OWN, range.end, |id| id.seq);
        let Numbers { ids: mut theirs, sum } = theirs;
        if until < range.end {
            self.todo.push(Todo::Ids(until..range.end, None));
        }
        let ours = |id: &BundleId| ids.binary_search_by_key(&order(id), order).is_ok();
        theirs.retain(|id| id.seq < until);
        if theirs.iter().all(ours) && !self.planted.is(Fault::ContentsNotCompared) {
            // No number is lacking, and yet something differs.
            let theirs = Numbers { ids: theirs, sum: sum.filter(|_| until == range.end) };
            self.todo.push(Todo::Own(range.start..until, theirs));
            return Ok(());
        }
        let lacking = |id: &BundleId| self.range.contains(&id.seq) && !archive.holds(id) && !ours(id);
        let lacking = theirs.into_iter().filter(lacking).map(Wanted::from).collect();
        self.want(lacking)
    }

    /// Our own store has told contents.
    pub(crate) fn on_own_contents(
        &mut self,
        token: u64,
        contents: Vec<Content>,
        archive: &Archive,
    ) -> Result<(), Broken> {
        let Some(Open { range, what, .. }) = self.own_answered(token) else { return Ok(()) };
        let (ours, until) = page(contents, MAX_OWN, range.end, |(id, _)| id.seq);
        match what {
            Comparing::Seconds(theirs) if until == range.end => {
                let ours = slots_of(Width::Second, &ours);
                self.compare(Width::Second, &theirs, |start| ours.get(&start).copied().unwrap_or_default());
            }
            Comparing::Seconds(_) | Comparing::Ids(_) => self.todo.push(Todo::Ids(range, None)),
            Comparing::Sum(theirs) => return self.on_own_sum(range, until, &ours, theirs),
            Comparing::Contents(theirs) => {
                if until < range.end {
                    self.todo.push(Todo::Contents(until..range.end, Fingerprint::default()));
                }
                let ours = if self.planted.is(Fault::OwnStoreNotAsked) { &[][..] } else { &ours[..] };
                return self.want(self.lacking(until, theirs, ours, archive));
            }
        }
        Ok(())
    }

    /// Our own store has told what it has of a peer's numbers, as far as `until`.
    fn on_own_sum(
        &mut self,
        range: Range<u64>,
        until: u64,
        ours: &[Content],
        Numbers { ids: mut theirs, sum }: Numbers,
    ) -> Result<(), Broken> {
        let rest = theirs.split_off(theirs.partition_point(|id| id.seq < until));
        if until < range.end {
            self.todo.push(Todo::Own(until..range.end, Numbers { ids: rest, sum: None }));
        }
        let is_theirs = |id: &BundleId| theirs.binary_search_by_key(&order(id), order).is_ok();
        let ours = ours.iter().filter(|(id, _)| is_theirs(id)).map(|(_, hash)| Fingerprint::of(hash)).collect();
        // Where we have what the peer has, and more, nobody has cheated.
        if sum == Some(ours) && until == range.end {
            return self.on_fruitless();
        }
        self.todo.push(Todo::Contents(range.start..until, ours));
        Ok(())
    }

    /// What a peer has, up to `until`, and we have not: by its number where that is lacking.
    fn lacking(&self, until: u64, theirs: Vec<Content>, ours: &[Content], archive: &Archive) -> Vec<Wanted> {
        let has = |id: &BundleId| ours.binary_search_by_key(&order(id), |(id, _)| order(id)).is_ok();
        let whole = |(id, hash): &Content| (order(id), *hash);
        let lacks = |content: &Content| {
            let (id, hash) = content;
            let here = ours.binary_search_by_key(&whole(content), whole).is_ok() || archive.holds_content(id, hash);
            id.seq < until && self.range.contains(&id.seq) && !here
        };
        let wanted = |(id, hash)| if has(&id) { Wanted::from((id, hash)) } else { Wanted::from(id) };
        theirs.into_iter().filter(lacks).map(wanted).collect()
    }

    /// Contents have come, of numbers that we have. What of them is lacking our own store is asked again: what has come meanwhile
    /// was not lacking long.
    pub(crate) fn on_contents(
        &mut self,
        now: Time,
        told: Range<u64>,
        theirs: Vec<Content>,
        door: &mut Door<'_>,
    ) -> Result<(), Broken> {
        let Some(range) = self.answered(|todo| match todo {
            Todo::Contents(range, _) if range.start == told.start => Some(range.clone()),
            _ => None,
        }) else {
            return Ok(());
        };
        let ascend = theirs.is_sorted_by(|(a, one), (b, other)| (order(a), one) < (order(b), other));
        let inside = theirs.iter().all(|(id, _)| told.contains(&id.seq));
        if told.end <= told.start || told.end > range.end || !ascend || !inside {
            return Err(Broken);
        }
        if told.end < range.end {
            self.todo.push(Todo::Contents(told.end..range.end, Fingerprint::default()));
        }
        if theirs.is_empty() {
            return self.on_fruitless();
        }
        self.ask_own(now, told, Comparing::Contents(theirs), door);
        Ok(())
    }

    fn own_answered(&mut self, token: u64) -> Option<Open> {
        let place = self.open.iter().position(|open| open.token == token)?;
        Some(self.open.swap_remove(place))
    }

    /// Notes what a range has come to.
    fn want(&mut self, lacking: Vec<Wanted>) -> Result<(), Broken> {
        if lacking.is_empty() {
            self.on_fruitless()?;
        } else {
            self.fruitless = 0;
        }
        self.transfer.want(lacking);
        Ok(())
    }

    fn on_fruitless(&mut self) -> Result<(), Broken> {
        self.fruitless += 1;
        if self.fruitless > MAX_FRUITLESS { Err(Broken) } else { Ok(()) }
    }

    /// Bundles have come: those that were lacking.
    pub(crate) fn on_missed(
        &mut self,
        now: Time,
        number: u32,
        covered: u32,
        bundles: Vec<Bundle>,
        archive: &Archive,
    ) -> Result<Vec<Came>, Broken> {
        self.transfer.on_missed(now, number, covered, bundles, archive).ok_or(Broken)
    }

    /// Few questions are open at a time.
    pub(crate) fn check(&self) -> invariants::Broken {
        at_most("questions about what differs", self.asked.len() + self.open.len(), MAX_ASKED)?;
        self.transfer.check()
    }

    /// What was asked for, if this is the answer to an open question.
    fn answered<T>(&mut self, answers: impl Fn(&Todo) -> Option<T>) -> Option<T> {
        let place = self.asked.iter().position(|(todo, _)| answers(todo).is_some())?;
        answers(&self.asked.swap_remove(place).0)
    }

    /// Plans what is to be looked at in the slots that differ: neighbours together, as far as an answer holds them.
    fn compare(&mut self, width: Width, theirs: &[Slot], ours: impl Fn(u64) -> Fingerprint) {
        // What the last of the plan holds, if there is one, and what has come since that does not differ.
        let (mut last, mut gap, mut differ) = (None::<Fingerprint>, Fingerprint::default(), 0);
        let forgotten = usize::from(self.planted.is(Fault::RangeOffByOne));
        for (start, theirs) in theirs.iter().take(theirs.len().saturating_sub(forgotten)) {
            let (ours, whole) = (ours(*start), *start..start.saturating_add(width.micros()));
            let slot = whole.start.max(self.range.start)..whole.end.min(self.range.end);
            let less = theirs.count < ours.count && !self.thorough;
            if *theirs == ours || less || slot.is_empty() {
                gap = gap.and(*theirs);
                continue;
            }
            let told = (slot == whole).then_some(*theirs);
            let todo = match width {
                _ if theirs.count <= FEW || ours.count == 0 => Todo::Ids(slot, told),
                Width::Ten if !self.splits => Todo::Ids(slot, told),
                Width::Hour => Todo::Sums(Width::Ten, Width::Ten.floor(slot.start)..Width::Ten.ceil(slot.end)),
                Width::Ten => Todo::Sums(Width::Second, Width::Second.floor(slot.start)..Width::Second.ceil(slot.end)),
                Width::Second => Todo::Ids(slot, told),
            };
            let sum = last.filter(|_| gap.count <= GAP).map(|held| held.and(gap).and(*theirs));
            let joined = sum.filter(|sum| join(self.todo.last_mut(), &todo, *sum));
            if joined.is_none() {
                self.todo.push(todo);
            }
            (last, gap, differ) = (Some(joined.unwrap_or(*theirs)), Fingerprint::default(), differ + 1);
        }
        self.splits &= width != Width::Second || differ * 2 <= theirs.len();
    }
}

/// How bundles are ordered on the wire and in stores: by time, then by origin.
const fn order(id: &BundleId) -> (u64, OriginId) {
    (id.seq, id.origin)
}

/// Puts a range that follows another to it, where one answer can hold both.
fn join(last: Option<&mut Todo>, next: &Todo, held: Fingerprint) -> bool {
    match (last, next) {
        (Some(Todo::Ids(last, told)), Todo::Ids(next, more)) if held.count as usize <= Exchange::MAX_IDS => {
            last.end = next.end;
            *told = told.and(*more).map(|_| held);
        }
        (Some(Todo::Sums(Width::Ten, last)), Todo::Sums(Width::Ten, next))
            if next.end - last.start <= Exchange::MAX_SUMS as u64 * Width::Ten.micros() =>
        {
            last.end = next.end;
        }
        _ => return false,
    }
    true
}

/// Slots that a peer tells begin where slots begin, in what was asked for, one after another; and an answer that is not
/// all is a full one.
fn check_slots(width: Width, told: &Range<u64>, asked: &Range<u64>, slots: &[Slot]) -> Result<(), Broken> {
    let ascend = slots.is_sorted_by(|(a, _), (b, _)| a < b);
    let inside = |(start, _): &Slot| told.contains(start) && width.floor(*start) == *start;
    let whole = told.end == asked.end || (told.end < asked.end && slots.len() >= Exchange::MAX_SUMS);
    if ascend && whole && told.start < told.end && slots.iter().all(inside) { Ok(()) } else { Err(Broken) }
}
