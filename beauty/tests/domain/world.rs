//! A small world to test in: few nodes, few ids, so that duplicates and conflicts are common.

use beauty::{
    BeautyEvent, EventId, Heatmap, Inserted, Ledger, LedgerConfig, Origin, Resolution, Score, Source, Timestamp, Told,
};
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const HOUR: u64 = 3_600 * SECOND;
pub(crate) const DAY: u64 = 24 * HOUR;

/// 2026-01-01T00:30:07.250Z: on no resolution's edge.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_227_407_250);

pub(crate) fn score(micros: u32) -> Score {
    Score::from_micros(micros).unwrap_or(Score::MAX)
}

pub(crate) fn origin(name: &str) -> Origin {
    name.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// An event with a small id, told by a node.
pub(crate) fn told(id: u128, node: &str, at: Timestamp, micros: u32) -> Told {
    let event = BeautyEvent { id: EventId(Uuid::from_u128(id)), at, score: score(micros), source: Source::default() };
    Told { origin: origin(node), event }
}

pub(crate) fn ledger() -> Ledger {
    Ledger::new(LedgerConfig::default())
}

/// Inserts an event whose time must be admitted.
pub(crate) fn insert(ledger: &mut Ledger, told: &Told, now: Timestamp) -> Inserted {
    ledger.insert(&told.origin, &told.event, now).unwrap_or_else(|refusal| panic!("{refusal}"))
}

pub(crate) fn ledger_of<'a>(events: impl IntoIterator<Item = &'a Told>) -> Ledger {
    let mut ledger = ledger();
    for told in events {
        insert(&mut ledger, told, NOW);
    }
    ledger
}

/// The maps of all resolutions, as wide as they get.
pub(crate) fn maps(ledger: &Ledger, now: Timestamp) -> Vec<Heatmap> {
    Resolution::ALL.map(|resolution| ledger.heatmap(now, resolution, beauty::MAX_COLUMNS)).into()
}

/// Any score; the ends and the bins' edges more often.
pub(crate) fn any_score() -> impl Strategy<Value = Score> {
    prop_oneof![(0..=20_u32).prop_map(|bin| score(bin * 50_000)), (0..=1_000_000_u32).prop_map(score)]
}

/// A moment that is admitted at `now`: recent, late, at the retention's edge, or a little ahead.
pub(crate) fn any_admitted(now: Timestamp) -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        4 => (0..=60 * SECOND).prop_map(move |age| now.saturating_add(30 * SECOND).saturating_sub(age)),
        2 => (0..=2 * HOUR).prop_map(move |age| now.saturating_sub(age)),
        1 => (0..=7 * DAY).prop_map(move |age| now.saturating_sub(age)),
        1 => Just(now.saturating_sub(7 * DAY)),
    ]
}

/// An event of one of five nodes, with one of so many ids.
pub(crate) fn any_told(ids: u128, at: impl Strategy<Value = Timestamp>) -> impl Strategy<Value = Told> {
    (0..ids, 0..5, at, any_score(), prop_oneof![Just(""), Just("mood")]).prop_map(|(id, node, at, score, source)| {
        let source = Source::new(source).unwrap_or_default();
        let event = BeautyEvent { id: EventId(Uuid::from_u128(id)), at, score, source };
        Told { origin: origin(&format!("node-{node}")), event }
    })
}
