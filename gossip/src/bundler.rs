//! From events to bundles: a quiet origin's event goes out at once, a busy origin gathers.

use crate::{Bundle, BundleId, Event, Keypair, Me, OriginId, Signature, Time, bundle_bytes};
use std::time::Duration;

/// A busy origin gathers until so long after its last bundle, and the shorter the more it has gathered: with so many, half as
/// long. A bundle costs each node a check, whoever has posted an event waits for its bundle: both grow as the root of the
/// rate. A guess.
const GATHER: Duration = Duration::from_millis(50);
const HALVED_AT: u32 = 8;

/// What this node has to tell.
#[derive(Clone, Debug)]
pub(crate) struct Bundler {
    origin: OriginId,
    /// Signs them, in the mesh of this name. Without one they are not signed.
    key: Option<Keypair>,
    mesh: String,
    /// The wall clock at the driver's start, in microseconds since the epoch.
    epoch_micros: u64,
    /// By how much it is too far ahead of most peers' to number bundles by it.
    ahead: u64,
    last_seq: u64,
    last_bundle: Option<Time>,
    gathered: Vec<Event>,
    bytes: usize,
    /// The latest that the clock has shown while these were gathered: their bundle has no lower number, whatever has become of
    /// the clock meanwhile.
    latest: u64,
}

impl Bundler {
    pub(crate) fn new(me: &Me, mesh: &str) -> Bundler {
        Bundler {
            origin: me.origin,
            key: me.key.clone(),
            mesh: mesh.to_owned(),
            epoch_micros: me.epoch_micros,
            ahead: 0,
            last_seq: 0,
            last_bundle: None,
            gathered: Vec::new(),
            bytes: 0,
            latest: 0,
        }
    }

    /// What bundles are numbered by: the wall clock, less what it is too far ahead.
    pub(crate) fn clock(&self, now: Time) -> u64 {
        self.epoch_micros.saturating_add(now.as_micros()).saturating_sub(self.ahead)
    }

    /// Whether an event that comes now would go out at once, alone and signed.
    pub(crate) fn is_quiet(&self, now: Time) -> bool {
        self.key.is_some() && self.gathered.is_empty() && self.last_bundle.is_none_or(|last| last + GATHER <= now)
    }

    /// The wall clock was set.
    pub(crate) fn on_clock(&mut self, epoch_micros: u64) {
        self.epoch_micros = epoch_micros;
    }

    /// Most peers tell that the wall clock is too far ahead by so much, or, with 0, that it is not.
    pub(crate) fn on_too_far_ahead(&mut self, by: u64) {
        self.ahead = by;
    }

    /// A number that was used already: before the start, or by a bundle that was sent and not kept.
    pub(crate) fn skip(&mut self, seq: u64) {
        self.last_seq = self.last_seq.max(seq);
    }

    /// Takes in an event. A bundle comes back when it has no room left; else [`tick`](Self::tick) brings it.
    pub(crate) fn add(&mut self, now: Time, event: Event) -> Option<Bundle> {
        let full = self.bytes + event.json.len() > Bundle::MAX_BYTES || self.gathered.len() == Bundle::MAX_EVENTS;
        let bundle = if full { self.close(now) } else { None };
        self.bytes += event.json.len();
        self.gathered.push(event);
        self.latest = self.latest.max(self.clock(now));
        bundle
    }

    /// The bundle that is due, if one is.
    pub(crate) fn tick(&mut self, now: Time) -> Option<Bundle> {
        if self.next_wakeup()? <= now { self.close(now) } else { None }
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        let full = self.gathered.len() == Bundle::MAX_EVENTS;
        // A bundle has 256 events at most.
        let patience = GATHER * HALVED_AT / (HALVED_AT + self.gathered.len() as u32);
        let due = self.last_bundle.filter(|_| !full).map_or(Time::ZERO, |last| last + patience);
        (!self.gathered.is_empty()).then_some(due)
    }

    /// The bundle of all that is gathered.
    pub(crate) fn close(&mut self, now: Time) -> Option<Bundle> {
        if self.gathered.is_empty() {
            return None;
        }
        self.last_bundle = Some(now);
        let time = self.clock(now).max(std::mem::take(&mut self.latest));
        self.last_seq = self.last_seq.saturating_add(1).max(time);
        self.bytes = 0;
        let events = std::mem::take(&mut self.gathered).into();
        let id = BundleId { origin: self.origin, seq: self.last_seq };
        let mut bundle = Bundle { id, events, signature: Signature::NONE, second: None };
        if let Some(key) = &self.key {
            let bytes = bundle_bytes(&self.mesh, &bundle);
            bundle.signature = key.sign(&bytes);
            bundle.second = key.second().and_then(|second| second.sign(&bytes));
        }
        Some(bundle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InstanceId, PublicKey};
    use uuid::Uuid;

    fn event(number: u128, bytes: usize) -> Event {
        Event { id: Uuid::from_u128(number), node_id: "me".into(), json: "x".repeat(bytes).into() }
    }

    fn bundler(epoch_micros: u64) -> Bundler {
        let (instance, key) = (InstanceId(Uuid::from_u128(1)), Keypair::from_seed(&[1; 32]));
        let (node_id, origin) = ("me".to_owned(), key.origin());
        Bundler::new(&Me { node_id, instance, origin, key: Some(key), port: 0, epoch_micros }, "mesh")
    }

    fn at(millis: u64) -> Time {
        Time::from_micros(millis * 1_000)
    }

    #[test]
    fn a_quiet_origin_waits_for_nothing_and_a_busy_one_the_shorter_the_busier_it_is() {
        let mut bundler = bundler(0);
        assert_eq!(bundler.add(at(1_000), event(1, 100)), None);
        assert_eq!(bundler.tick(at(1_000)).unwrap().events.len(), 1, "at once");
        for n in 0..8 {
            assert_eq!(bundler.add(at(1_001 + n), event(u128::from(n), 100)), None);
            assert_eq!(bundler.tick(at(1_001 + n)), None);
        }
        assert_eq!(bundler.next_wakeup(), Some(at(1_025)));
        assert_eq!(bundler.tick(at(1_025)).unwrap().events.len(), 8);
        assert_eq!(bundler.next_wakeup(), None);
        bundler.add(at(1_026), event(100, 100));
        let one = bundler.next_wakeup().unwrap();
        assert!(one > at(1_065) && one < at(1_075), "one alone waits nearly as long as any may");
    }

    #[test]
    fn a_bundle_is_closed_when_it_is_full_in_number_or_in_bytes() {
        let mut bundler = bundler(0);
        bundler.add(at(0), event(0, 1));
        bundler.tick(at(0));
        for n in 0..256 {
            assert_eq!(bundler.add(at(1), event(n, 100)), None);
        }
        assert_eq!(bundler.tick(at(1)).unwrap().events.len(), 256, "a full one does not wait");
        let closed: Vec<_> = (0..100).filter_map(|n| bundler.add(at(2), event(n, 2_000))).collect();
        assert!(!closed.is_empty() && closed.iter().all(|bundle| bundle.bytes() <= Bundle::MAX_BYTES));
    }

    #[test]
    fn numbers_grow_strictly_also_when_the_clock_steps_back_or_stands() {
        let mut bundler = bundler(5_000_000);
        let mut last = 0;
        for millis in [1_000, 2_000, 2_000, 500, 3_000] {
            bundler.add(at(millis), event(1, 1));
            let bundle = bundler.close(at(millis)).unwrap();
            assert!(bundle.id.seq > last && bundle.id.seq >= 5_000_000);
            last = bundle.id.seq;
        }
    }

    #[test]
    fn no_number_is_below_what_the_clock_showed_when_an_event_came() {
        let mut bundler = bundler(500_000_000);
        bundler.add(at(0), event(1, 1));
        bundler.close(at(0));
        bundler.add(at(10), event(2, 1));
        bundler.on_too_far_ahead(400_000_000);
        assert_eq!(bundler.close(at(20)).unwrap().id.seq, 500_010_000);
    }

    #[test]
    fn a_bundle_is_signed_by_its_origin_for_its_mesh() {
        let mut bundler = bundler(0);
        assert!(bundler.is_quiet(at(1)));
        bundler.add(at(1), event(1, 10));
        assert!(!bundler.is_quiet(at(1)));
        let bundle = bundler.close(at(1)).unwrap();
        let key = PublicKey::decode(&bundle.id.origin).unwrap();
        assert!(key.verify(&bundle_bytes("mesh", &bundle), &bundle.signature));
        assert!(!key.verify(&bundle_bytes("other", &bundle), &bundle.signature));
        assert!(!key.verify(&bundle_bytes("mesh", &bundle), &Signature::NONE));
    }
}
