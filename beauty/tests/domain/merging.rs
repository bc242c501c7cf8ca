//! Buckets and set hashes: exact sums, so the order of adding and merging can't be seen.

use std::fmt::Debug;

use beauty::{Bucket, ContentHash, HISTOGRAM_BINS, LeanBucket, Moments, Score, SetHash};
use proptest::prelude::*;

use crate::world::{any_score, score};

type Event = (Score, ContentHash);

fn any_hash() -> impl Strategy<Value = ContentHash> {
    // Limbs of all ones make carries travel.
    prop_oneof![any::<[u8; 32]>(), Just([0xff; 32])].prop_map(ContentHash)
}

fn any_events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((any_score(), any_hash()), 0..30)
}

fn bucket(events: &[Event]) -> Bucket {
    let mut bucket = Bucket::default();
    for (score, hash) in events {
        bucket.add(*score, hash);
    }
    bucket
}

fn merged(mut one: Bucket, other: &Bucket) -> Bucket {
    one.merge(other);
    one
}

/// All that removing puts back exactly: everything but the extremes.
fn sums(bucket: &Bucket) -> impl PartialEq + Debug + use<> {
    let moments = bucket.moments();
    (moments.count(), moments.sum_micros(), moments.sum_squares(), *bucket.histogram(), *bucket.set_hash())
}

proptest! {
    #[test]
    fn merging_is_exact(one in any_events(), other in any_events()) {
        prop_assert_eq!(merged(bucket(&one), &bucket(&other)), bucket(&[one, other].concat()));
    }

    #[test]
    fn merging_is_commutative_and_associative_and_the_empty_bucket_is_its_identity(
        a in any_events(), b in any_events(), c in any_events(),
    ) {
        let (a, b, c) = (bucket(&a), bucket(&b), bucket(&c));
        prop_assert_eq!(merged(a, &b), merged(b, &a));
        prop_assert_eq!(merged(merged(a, &b), &c), merged(a, &merged(b, &c)));
        prop_assert_eq!(merged(a, &Bucket::default()), a);
        prop_assert_eq!(merged(Bucket::default(), &a), a);
    }

    #[test]
    fn adding_and_then_removing_leaves_no_trace_in_the_sums(events in any_events(), score in any_score(), hash in any_hash()) {
        let before = bucket(&events);
        let mut after = before;
        after.add(score, &hash);
        after.remove(score, &hash);
        prop_assert_eq!(sums(&after), sums(&before));
        if events.is_empty() {
            prop_assert_eq!(after, Bucket::default());
        }
    }

    #[test]
    fn lean_and_full_buckets_agree(events in any_events()) {
        let mut lean = LeanBucket::default();
        events.iter().for_each(|(score, _)| lean.add(*score));
        prop_assert_eq!(*lean.moments(), *bucket(&events).moments());
    }

    #[test]
    fn a_bucket_says_what_the_textbook_says(events in any_events()) {
        let bucket = bucket(&events);
        let scores: Vec<f64> = events.iter().map(|(score, _)| score.as_f64()).collect();
        let n = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / n;
        let deviation = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / n).sqrt();
        match (bucket.avg(), bucket.chaos()) {
            (Some(avg), Some(chaos)) => {
                prop_assert!((avg - mean).abs() < 1e-9 && (chaos - deviation / 0.5).abs() < 1e-6);
                prop_assert!((0.0..=1.0).contains(&avg) && (0.0..=1.0).contains(&chaos));
            }
            other => prop_assert_eq!(other, (None, None)),
        }
        prop_assert_eq!(bucket.min(), events.iter().map(|(score, _)| *score).min());
        prop_assert_eq!(bucket.max(), events.iter().map(|(score, _)| *score).max());
        prop_assert_eq!(bucket.histogram().iter().sum::<u64>(), bucket.count());
    }

    #[test]
    fn a_set_hash_is_a_sum_modulo_2_to_the_256(hashes in prop::collection::vec(any_hash(), 0..10)) {
        let mut set = SetHash::default();
        let mut bytes = [0_u16; 32];
        for hash in &hashes {
            set.add(hash);
            let mut carry = 0;
            for (sum, byte) in bytes.iter_mut().zip(hash.0) {
                let more = *sum + u16::from(byte) + carry;
                (*sum, carry) = (more & 0xff, more >> 8);
            }
        }
        prop_assert_eq!(set.to_bytes().map(u16::from), bytes);
        prop_assert_eq!(SetHash::from_bytes(&set.to_bytes()), set);
        hashes.iter().for_each(|hash| set.remove(hash));
        prop_assert_eq!(set, SetHash::default());
    }
}

#[test]
fn empty_is_not_zero() {
    let empty = Bucket::default();
    assert_eq!((empty.avg(), empty.chaos(), empty.min(), empty.max()), (None, None, None, None));
}

#[test]
fn the_most_chaos_is_half_the_scores_at_either_end() {
    let mut moments = Moments::default();
    moments.add(Score::MIN);
    assert_eq!(moments.chaos(), Some(0.0));
    moments.add(Score::MAX);
    assert_eq!((moments.avg(), moments.chaos()), (Some(0.5), Some(1.0)));
}

#[test]
fn bins_hold_their_lower_edge_and_the_last_one_holds_1() {
    for (micros, bin) in [(0, 0), (49_999, 0), (50_000, 1), (949_999, 18), (950_000, 19), (1_000_000, 19)] {
        let bucket = bucket(&[(score(micros), ContentHash([0; 32]))]);
        assert_eq!(bucket.histogram().iter().position(|count| *count == 1), Some(bin), "{micros}");
    }
    assert_eq!(Bucket::default().histogram().len(), HISTOGRAM_BINS);
}

#[test]
fn a_lean_bucket_is_small() {
    assert!(size_of::<LeanBucket>() <= 48);
}

#[test]
fn sums_stand_still_at_their_ends_without_a_panic() {
    let mut moments = Moments::default();
    moments.add(Score::MAX);
    for _ in 0..200 {
        let twice = moments;
        moments.merge(&twice);
    }
    assert_eq!((moments.count(), moments.sum_micros(), moments.sum_squares()), (u64::MAX, u64::MAX, u128::MAX));
    assert!((0.0..=1.0).contains(&moments.avg().unwrap()) && (0.0..=1.0).contains(&moments.chaos().unwrap()));
}
