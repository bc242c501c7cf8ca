//! Digests: equal where the sets are, different where they are not, and plain about their range.

use beauty::{BeautyEvent, Digest, Score, SetHash, Source, Timestamp, Told};
use proptest::prelude::*;

use crate::world::{DAY, HOUR, NOW, any_told, insert, ledger, ledger_of, origin, told};

/// Events that the digest covers: from the first full hour on.
fn any_covered() -> impl Strategy<Value = Vec<Told>> {
    let at = (0..6 * DAY).prop_map(|age| NOW.saturating_sub(age));
    prop::collection::vec(any_told(u128::MAX, at), 1..20)
}

proptest! {
    #[test]
    fn one_event_more_is_another_digest(events in any_covered()) {
        let without = ledger_of(&events[1..]);
        prop_assert_ne!(ledger_of(&events).digest(NOW), without.digest(NOW));
    }

    #[test]
    fn one_event_changed_is_another_digest(events in any_covered(), field in 0..5) {
        let mut changed = events.clone();
        let Told { origin: who, event } = &mut changed[0];
        match field {
            0 => *who = origin("somebody else"),
            1 => event.at = event.at.saturating_add(1),
            2 => event.score = if event.score == Score::MAX { Score::MIN } else { Score::MAX },
            3 => event.source = Source::new("something else").unwrap(),
            _ => event.id.0 = uuid::Uuid::from_u128(event.id.0.as_u128() ^ 1),
        }
        prop_assert_ne!(ledger_of(&events).digest(NOW), ledger_of(&changed).digest(NOW));
    }

    #[test]
    fn nodes_that_look_at_different_moments_of_one_hour_agree(events in any_covered(), one in 0..HOUR, other in 0..HOUR) {
        let hour = Timestamp::from_millis(NOW.as_millis() / HOUR * HOUR + HOUR);
        let ledger = ledger_of(&events);
        let (one, other) = (hour.saturating_add(one), hour.saturating_add(other));
        prop_assert_eq!(ledger.digest(one), ledger.digest(other));
        prop_assert_eq!(ledger.events(one), ledger.events(other));
    }
}

#[test]
fn a_node_that_forgot_the_first_hour_agrees_with_one_that_never_heard_of_it() {
    // At the end of the clock hour, what was admitted at its start may be past the retention. Its hour is not covered.
    let start = Timestamp::from_millis(NOW.as_millis() / HOUR * HOUR);
    let end = start.saturating_add(HOUR - 1);
    let old = told(1, "alpha", start.saturating_sub(7 * DAY), 500_000);
    let (mut early, mut late) = (ledger(), ledger());
    insert(&mut early, &old, start);
    assert!(late.insert(&old.origin, &old.event, end).is_err());
    for ledger in [&mut early, &mut late] {
        insert(ledger, &told(2, "alpha", start.saturating_sub(7 * DAY - HOUR), 500_000), start);
    }
    assert_eq!(early.digest(end), late.digest(end));
    assert_eq!((early.events(end), late.events(end)), (1, 1));
}

#[test]
fn a_digest_covers_events_ahead_and_whole_hours_of_the_past() {
    let ahead = told(1, "alpha", NOW.saturating_add(30_000), 500_000);
    let ledger = ledger_of([&ahead]);
    assert_eq!(ledger.events(NOW), 1);
    let digest = ledger.digest(NOW);
    assert_eq!(digest.from.to_string(), "2025-12-25T01:00:00Z");
    let mut hash = SetHash::default();
    hash.add(&ahead.event.content_hash(&ahead.origin));
    assert_eq!(digest, Digest { from: digest.from, hash });
    assert_eq!(digest.hex().len(), 64);
    assert_eq!(digest.to_string(), format!("{} over all events from 2025-12-25T01:00:00Z on", digest.hex()));
}

#[test]
fn events_slide_out_of_the_digest_by_whole_hours() {
    let ledger = ledger_of([&told(1, "alpha", NOW, 500_000)]);
    let gone = Timestamp::from_millis(NOW.as_millis() / HOUR * HOUR).saturating_add(7 * DAY);
    assert_eq!(ledger.events(gone.saturating_sub(1)), 1);
    assert_eq!(ledger.events(gone), 0);
    assert_eq!(ledger.digest(gone).hash, SetHash::default());
}

#[test]
fn names_that_run_together_are_told_apart() {
    let hash = |node: &str, source: &str| {
        let Told { origin, event } = told(1, node, NOW, 0);
        BeautyEvent { source: Source::new(source).unwrap(), ..event }.content_hash(&origin)
    };
    assert_ne!(hash("ab", "c"), hash("a", "bc"));
}

#[test]
fn the_content_hash_is_blake3_of_the_documented_bytes() {
    let Told { origin, event } = told(7, "alpha", Timestamp::from_millis(0x0102), 3);
    let event = BeautyEvent { source: Source::new("mood").unwrap(), ..event };
    let mut bytes = b"beauty/1".to_vec();
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    bytes.extend([2, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend([3, 0, 0, 0]);
    bytes.extend(b"\x05\x00alpha\x04\x00mood");
    assert_eq!(event.content_hash(&origin).0, *blake3::hash(&bytes).as_bytes());
}
