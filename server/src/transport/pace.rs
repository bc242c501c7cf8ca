//! How fast one peer may be: what is beyond its budgets waits, and with it all that the peer sends behind it.
//!
//! Waiting costs nothing: what has not been read stays in the system's buffers, and then in the peer's. An honest peer that
//! brings a day's events is slowed down, and no more. One that goes on and on with frames which are no events or which nobody
//! asked for is told from it by how long it has had to wait for these alone.

use gossip::{Bucket, Exchange, Message, Time};
use std::time::Duration;

/// Bytes a second, and at once: twice what a line of 100 Mbit/s carries. All these are guesses.
const BYTES: Bucket = Bucket::new(24 << 20, 32 << 20);
/// Events: what a page of readings from a few hundred hosts each second comes to, a hundred times.
pub(super) const EVENTS: Bucket = Bucket::new(100_000, 200_000);
/// Signatures: a quarter of a core.
pub(super) const CHECKS: Bucket = Bucket::new(10_000, 20_000);
/// A second signature costs as much to check as so many first ones. A guess; `cargo bench -p gossip --bench identity` measures it.
const SECOND: u32 = 4;
/// Frames of reconciliation: each costs a look into the store.
const SYNC: Bucket = Bucket::new(4_000, 8_000);
/// All other frames, and events that are refused: a few for each second of each origin that is heard, at most. Twice as many, and whoever asks without end on a busy
/// machine is not found out within five seconds.
const CONTROL: Bucket = Bucket::new(1_000, 2_000);
/// The longest wait at once; what is still owed then is waited for behind the next frame.
pub(super) const LONGEST: Duration = Duration::from_secs(1);
/// The same for what all connections of an address owe: each adds to it meanwhile, and a second would let eight of them spend more
/// than time pays back. Far shorter than the silence for which a peer is given up.
pub(super) const LONGEST_OF_HOST: Duration = Duration::from_secs(10);

/// How long it takes to be found out: who has made this node wait so long for frames that are no events has broken a rule, and three times
/// of it are a ban. With the burst before them that is four and a half seconds for whoever sends twice what it may.
const PATIENCE: Duration = Duration::from_millis(750);

/// What has been spent on one connection.
#[derive(Debug)]
pub(super) struct Pace {
    bytes: Bucket,
    events: Bucket,
    checks: Bucket,
    sync: Bucket,
    control: Bucket,
    /// How long was waited for frames that are no events, since it was last told.
    waited: Duration,
}

/// How long to wait before the next frame is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) pause: Duration,
    /// Whether that was so often that it is no accident.
    pub(super) is_abuse: bool,
}

/// What came together: counted before it is handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    bytes: u32,
    events: u32,
    checks: u32,
    sync: u32,
    control: u32,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { bytes: BYTES, events: EVENTS, checks: CHECKS, sync: SYNC, control: CONTROL, waited: Duration::ZERO }
    }
}

impl Load {
    pub(super) fn of_bytes(bytes: usize) -> Load {
        Load { bytes: u32::try_from(bytes).unwrap_or(u32::MAX), ..Load::default() }
    }

    /// How many checks of signatures it takes.
    pub(super) const fn checks(&self) -> u32 {
        self.checks
    }

    /// And how many events have come.
    pub(super) const fn events(&self) -> u32 {
        self.events
    }

    /// Events were refused: each is worth as little as a frame of control, and counts as one.
    pub(super) fn refuse(&mut self, events: usize) {
        self.control = self.control.saturating_add(u32::try_from(events).unwrap_or(u32::MAX));
    }

    /// A frame has been read. `None`: it can't be. `was_asked` says, and then counts, whether bundles were asked for.
    pub(super) fn add(&mut self, message: Option<&Message>, was_asked: impl Fn() -> bool) {
        let bundles = message.map_or(&[][..], Message::bundles);
        let second = bundles.iter().filter(|bundle| bundle.second.is_some()).count() as u32;
        self.checks += bundles.len() as u32 + SECOND * second;
        self.events += bundles.iter().map(|bundle| bundle.events.len() as u32).sum::<u32>();
        match message {
            Some(Message::Event { .. }) => self.events += 1,
            Some(Message::Bundle { .. }) => {}
            // An answer was asked for, or it is none.
            Some(Message::Exchange(Exchange::Missed { .. })) if was_asked() => {}
            Some(Message::Exchange(_)) => self.sync += 1,
            // Each has two signatures, and a frame has many of them.
            Some(Message::Rotations(rotations)) => {
                self.control += 1;
                self.checks += 2 * rotations.len() as u32;
            }
            // Two signatures, and a key that is decoded for them.
            Some(Message::Profiles(profiles)) => {
                self.control += 1;
                self.checks += (1 + 2 * SECOND) * profiles.len() as u32;
            }
            Some(Message::Places(places)) => {
                self.control += 1;
                self.checks += places.len() as u32;
            }
            _ => self.control += 1,
        }
    }
}

impl Pace {
    /// Spends what has come.
    pub(super) fn spend(&mut self, now: Time, load: Load) -> Wait {
        let fair = [
            self.bytes.spend(now, load.bytes),
            self.events.spend(now, load.events),
            self.checks.spend(now, load.checks),
        ];
        let unfair = self.sync.spend(now, load.sync).max(self.control.spend(now, load.control)).min(LONGEST);
        let pause = fair.into_iter().fold(unfair, Duration::max).min(LONGEST);
        self.waited += unfair;
        let is_abuse = self.waited >= PATIENCE;
        if is_abuse {
            self.waited = Duration::ZERO;
        }
        Wait { pause, is_abuse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip::{Bundle, BundleId, Event, OriginId, Signature, Way};

    fn at(millis: u64) -> Time {
        Time::from_micros(millis * 1_000)
    }

    fn load(message: &Message) -> Load {
        let mut load = Load::default();
        load.add(Some(message), || true);
        load
    }

    fn bundle(events: usize) -> Message {
        let event = Event { id: uuid::Uuid::nil(), node_id: "n".into(), json: "{}".into() };
        let id = BundleId { origin: OriginId([1; 32]), seq: 1 };
        let bundle = Bundle { id, events: vec![event; events].into(), signature: Signature::NONE, second: None };
        Message::Bundle { way: Way { ttl: 9, hops: 1, like: None }, bundle }
    }

    #[test]
    fn a_days_events_are_slowed_down_and_are_no_abuse() {
        let (mut pace, mut now, full) = (Pace::default(), 0, load(&bundle(256)));
        for _ in 0..10_000 {
            let wait = pace.spend(at(now), full);
            assert!(!wait.is_abuse);
            now += wait.pause.as_millis() as u64;
        }
        // 2,560,000 events, of which 200,000 come at once.
        assert!((22_000..26_000).contains(&now), "{now} ms");
    }

    #[test]
    fn signatures_have_a_budget_of_their_own() {
        let (mut pace, mut now, one) = (Pace::default(), 0, load(&bundle(1)));
        for _ in 0..30_000 {
            now += pace.spend(at(now), one).pause.as_millis() as u64;
        }
        assert!((900..1_200).contains(&now), "{now} ms for 10,000 beyond the burst");
    }

    #[test]
    fn who_goes_on_with_frames_that_nobody_needs_is_found_out_within_seconds() {
        let (mut pace, mut now, graft) = (Pace::default(), 0, load(&Message::Graft(Vec::new())));
        let mut found = Vec::new();
        for _ in 0..20_000 {
            // It sends as fast as it is read, and 10,000 frames a second at most.
            let wait = pace.spend(Time::from_micros(now), graft);
            now += (wait.pause.as_micros() as u64).max(100);
            if wait.is_abuse {
                found.push(now / 1_000_000);
            }
        }
        assert!(found.len() >= 3 && found[2] <= 3, "{found:?} s");
        let (mut pace, honest) = (Pace::default(), load(&Message::Prune(Vec::new())));
        assert!((0..60_000_u64).all(|n| pace.spend(at(n), honest) == Wait { pause: Duration::ZERO, is_abuse: false }));
    }

    #[test]
    fn events_that_are_refused_without_end_are_found_out_as_frames_that_nobody_needs() {
        let refused = |pace: &mut Pace, now| {
            let mut load = Load::of_bytes(100);
            load.refuse(1);
            pace.spend(now, load)
        };
        let (mut pace, mut now, mut found) = (Pace::default(), 0, 0);
        for _ in 0..20_000 {
            let wait = refused(&mut pace, Time::from_micros(now));
            now += (wait.pause.as_micros() as u64).max(10);
            found += u32::from(wait.is_abuse);
        }
        assert!(found >= 3, "{found}");
        let mut pace = Pace::default();
        assert!(
            (0..60_000_u64).all(|n| refused(&mut pace, at(n)).pause.is_zero()),
            "a script's thousand a second is none"
        );
    }

    #[test]
    fn one_frame_of_any_size_is_waited_for_a_second_at_most() {
        let mut load = Load::of_bytes(usize::MAX);
        load.add(None, || true);
        assert_eq!(Pace::default().spend(Time::ZERO, load).pause, LONGEST);
    }

    #[test]
    fn changes_of_keys_cost_the_checks_of_their_signatures() {
        let pair = |number| gossip::Keypair::from_seed(&[number; 32]);
        let rotations = vec![gossip::Rotation::state("m", &pair(1), &pair(2), 1); 128];
        let mut load = Load::of_bytes(1);
        load.add(Some(&Message::Rotations(rotations)), || true);
        assert_eq!((load.checks, load.control), (256, 1));
    }

    #[test]
    fn an_answer_that_nobody_has_asked_for_is_a_frame_as_any_other() {
        let answer = Message::Exchange(Exchange::Missed { number: 1, covered: 0, bundles: Vec::new() });
        let of = |was_asked: bool| {
            let mut load = Load::default();
            load.add(Some(&answer), || was_asked);
            load.sync
        };
        assert_eq!((of(true), of(false)), (0, 1));
    }
}
