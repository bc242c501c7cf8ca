//! Same events, same map: whatever was late, doubled, reordered, or in conflict.

use std::collections::BTreeMap;
use std::fmt::Debug;

use beauty::{Inserted, Ledger, Resolution, Told};
use proptest::prelude::*;

use crate::world::{NOW, any_admitted, any_told, insert, ledger_of, maps, told};

/// Everything that a ledger shows.
fn face(ledger: &Ledger) -> impl PartialEq + Debug + use<> {
    let totals = Resolution::ALL.map(|resolution| ledger.totals(NOW, resolution, usize::MAX));
    (maps(ledger, NOW), totals, ledger.digest(NOW), ledger.events(NOW))
}

/// Events with few ids: some come twice, some are in conflict.
fn any_events() -> impl Strategy<Value = Vec<Told>> {
    prop::collection::vec(any_told(25, any_admitted(NOW)), 0..60)
}

fn doubled(events: Vec<Told>) -> impl Strategy<Value = (Vec<Told>, Vec<Told>)> {
    let twice = [events.clone(), events.clone()].concat();
    (Just(events), Just(twice).prop_shuffle())
}

/// Of each id, the event with the smallest hash.
fn winners(events: &[Told]) -> Vec<Told> {
    let mut by_id: BTreeMap<_, &Told> = BTreeMap::new();
    let rank = |told: &Told| told.event.content_hash(&told.origin);
    for told in events {
        by_id
            .entry(told.event.id)
            .and_modify(|best| {
                if rank(told) < rank(best) {
                    *best = told
                }
            })
            .or_insert(told);
    }
    by_id.into_values().cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_and_any_number_of_times_gives_the_same_ledger((events, shuffled) in any_events().prop_flat_map(doubled)) {
        let (one, other) = (ledger_of(&events), ledger_of(&shuffled));
        prop_assert_eq!(face(&one), face(&other));
        prop_assert_eq!(one.origins().collect::<Vec<_>>(), other.origins().collect::<Vec<_>>());
    }

    #[test]
    fn a_ledger_shows_what_one_shows_that_only_saw_the_winners(events in any_events()) {
        prop_assert_eq!(face(&ledger_of(&events)), face(&ledger_of(&winners(&events))));
    }
}

#[test]
fn of_two_events_with_one_id_the_smaller_hash_stays_on_every_node() {
    let (one, other) = (told(1, "alpha", NOW, 100_000), told(1, "beta", NOW.saturating_sub(90_000), 900_000));
    let hash = |told: &Told| told.event.content_hash(&told.origin);
    let (winner, loser) = if hash(&one) < hash(&other) { (one, other) } else { (other, one) };

    let mut ledger = ledger_of([&loser]);
    let replaced = Inserted::Replaced { origin: loser.origin.clone(), at: loser.event.at };
    assert_eq!(insert(&mut ledger, &winner, NOW), replaced);
    assert_eq!(insert(&mut ledger, &winner, NOW), Inserted::Duplicate);
    assert_eq!(insert(&mut ledger, &loser, NOW), Inserted::Outranked);

    let map = ledger.heatmap(NOW, Resolution::TenSeconds, 40);
    assert_eq!(map.nodes.iter().map(|row| row.node_id.as_str()).collect::<Vec<_>>(), [winner.origin.as_str()]);
    assert_eq!(ledger.events(NOW), 1);
    assert_eq!(ledger.nodes(), 2, "both have been heard");
}
