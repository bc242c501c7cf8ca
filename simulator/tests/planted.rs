//! The test of the tests: each planted fault is found.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use gossip::{Fault, Planted};
use simulator::chaos::{Trial, Violation};
use simulator::protocols::Ours;

/// Within so many seeds.
const SEEDS: u64 = 1_000;

/// The first trial that finds a fault, with its seed, and how: a promise that is broken with the fault, and holds without.
fn find(fault: Fault) -> Option<(Trial, u64, Violation)> {
    let (planted, sound) = (Ours::with_fault(Planted::fault(fault)), Ours::watched());
    let trials = (0..SEEDS).flat_map(|seed| Trial::ALL.map(|trial| (trial, seed)));
    trials.into_iter().find_map(|(trial, seed)| {
        let first = trial.run(seed, &planted).violations.into_iter().next()?;
        let told = !trial.run(seed, &sound).breaks(&[first.invariant]);
        told.then_some((trial, seed, first))
    })
}

fn is_found(fault: Fault) {
    match find(fault) {
        Some((trial, seed, told)) => println!("{fault:?}: {trial:?} {seed}: {told}"),
        None => panic!("{fault:?} is not found within {SEEDS} seeds"),
    }
}

/// A test for each fault, so that they run side by side; a fault without one does not compile.
macro_rules! faults {
    ($($test:ident: $fault:ident,)*) => {
        $(
            #[test]
            fn $test() {
                is_found(Fault::$fault);
            }
        )*

        const _: fn(Fault) = |fault| match fault {
            $(Fault::$fault => (),)*
        };
    };
}

faults! {
    an_event_that_counts_as_new_again_is_found: DedupeDropped,
    a_lost_wake_up_is_found: LostWakeUp,
    a_parent_swapped_with_itself_is_found: SwapWithItself,
    an_unchecked_add_is_found: UncheckedAdd,
    a_forgotten_prune_is_found: PruneForgotten,
    a_ttl_that_is_not_lowered_is_found: TtlNotLowered,
    a_stale_digest_is_found: StaleDigest,
    a_forgotten_end_of_a_connection_is_found: EndForgotten,
    a_graft_for_a_wrong_bundle_is_found: WrongGraft,
    a_second_connection_that_is_kept_is_found: SecondConnectionKept,
    a_range_that_is_off_by_one_is_found: RangeOffByOne,
    contents_that_are_not_compared_are_found: ContentsNotCompared,
    contents_that_the_own_store_was_not_asked_about_are_found: OwnStoreNotAsked,
}
