//! A likeness is of the events, not of the moment.

use crate::world::{DAY, HOUR, NOW, ledger, ledger_of, told};

#[test]
fn an_empty_ledger_has_no_mean_and_no_unrest() {
    let likeness = ledger().likeness(NOW);
    assert_eq!((likeness.mean, likeness.chaos, likeness.spread, likeness.trend), (None, 0, 0, 0));
    assert_eq!(likeness.digest, "0".repeat(64));
}

#[test]
fn it_has_the_mean_the_chaos_the_spread_between_nodes_and_the_trend() {
    let events = [
        told(1, "alpha", NOW, 600_000),
        told(2, "alpha", NOW, 800_000),
        told(3, "beta", NOW.saturating_sub(2 * DAY), 100_000),
    ];
    let likeness = ledger_of(&events).likeness(NOW);
    assert_eq!(likeness.mean, Some(500_000));
    // Means of 0.7 and 0.1 deviate by 0.3 from their middle: 0.6 of the most.
    assert_eq!((likeness.spread, likeness.trend), (600_000, 600_000));
    assert!((580_000..600_000).contains(&likeness.chaos), "{}", likeness.chaos);
}

#[test]
fn nodes_that_are_asked_at_different_moments_of_an_hour_say_the_same() {
    let hour_start = NOW.saturating_sub(NOW.as_millis() % HOUR);
    let events: Vec<_> = (0..50)
        .map(|id| told(id, if id % 2 == 0 { "alpha" } else { "beta" }, hour_start, id as u32 * 20_000))
        .collect();
    let (forward, backward) = (ledger_of(&events), ledger_of(events.iter().rev()));
    let late = hour_start.saturating_add(HOUR - 1);
    assert_eq!(forward.likeness(hour_start), backward.likeness(late));
    assert_eq!(forward.likeness(NOW).digest, forward.digest(NOW).hex());
}
