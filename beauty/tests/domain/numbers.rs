//! Scores, moments, resolutions, names.

use beauty::{NameError, Origin, Resolution, Score, ScoreError, Source, Timestamp, TimestampError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{NOW, any_score};

#[test]
fn a_score_is_rounded_to_the_nearest_millionth() {
    for (value, micros) in
        [(0.0, 0), (-0.0, 0), (1.0, 1_000_000), (0.123_456_4, 123_456), (0.123_456_6, 123_457), (4e-7, 0)]
    {
        assert_eq!(Score::try_from(value).unwrap().micros(), micros, "{value}");
    }
}

#[test]
fn what_is_no_score_is_refused_in_words() {
    assert_eq!(
        Score::try_from(f64::NAN).unwrap_err().to_string(),
        "a score can't be NaN: send a number in [0, 1], or nothing where nothing was measured"
    );
    for (value, name) in [(f64::INFINITY, "+infinity"), (f64::NEG_INFINITY, "-infinity")] {
        assert!(Score::try_from(value).unwrap_err().to_string().contains(name));
    }
    assert_eq!(Score::try_from(1.5).unwrap_err().to_string(), "1.5 is not a score: scores lie in [0, 1]");
    assert_eq!(Score::from_micros(1_000_001), Err(ScoreError::TooManyMicros { micros: 1_000_001 }));
}

proptest! {
    #[test]
    fn every_finite_number_outside_0_to_1_is_refused_and_named(value in prop_oneof![
        any::<f64>().prop_filter("outside", |value| value.is_finite() && !(0.0..=1.0).contains(value)),
        -1e-300..-1e-308,
        1.000_000_000_000_001..1.1,
    ]) {
        let error = Score::try_from(value).unwrap_err();
        prop_assert_eq!(error, ScoreError::OutOfRange { value });
        let named = format!("{value:?} is not a score: scores lie in [0, 1]");
        prop_assert_eq!(error.to_string(), named);
    }

    #[test]
    fn a_score_survives_json(score in any_score()) {
        let text = serde_json::to_string(&score).unwrap();
        prop_assert!((0.0..=1.0).contains(&serde_json::from_str::<f64>(&text).unwrap()));
        prop_assert_eq!(serde_json::from_str::<Score>(&text).unwrap(), score);
    }

    #[test]
    fn a_moment_survives_its_own_words(millis in 0..253_402_200_000_000_u64) {
        let at = Timestamp::from_millis(millis);
        prop_assert_eq!(Timestamp::parse(&json!(at.to_string())), Ok(at));
        prop_assert_eq!(Timestamp::parse(&json!(millis)), Ok(at));
    }

    #[test]
    fn a_slot_starts_at_or_before_its_moments_and_coarser_ones_earlier(millis in any::<u64>()) {
        let at = Timestamp::from_millis(millis);
        let mut last = at;
        for resolution in Resolution::ALL {
            let start = resolution.floor(at);
            prop_assert!(start <= last && at.saturating_since(start) < resolution.millis());
            prop_assert_eq!(resolution.floor(start), start);
            last = start;
        }
    }
}

#[test]
fn whole_numbers_are_scores_in_json_too() {
    assert_eq!(
        serde_json::from_str::<Vec<Score>>("[0, 1, 0.5]").unwrap(),
        [0, 1_000_000, 500_000].map(|micros| { Score::from_micros(micros).unwrap() })
    );
    for wrong in ["2", "-0.1", "\"0.5\"", "null", "true"] {
        assert!(serde_json::from_str::<Score>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_moment_is_whole_milliseconds_or_rfc_3339() {
    for right in [
        json!(1_767_225_600_250_u64),
        json!(1_767_225_600_250.0),
        json!("2026-01-01T00:00:00.250Z"),
        json!("2026-01-01T05:30:00.250+05:30"),
        json!("2025-12-31T16:00:00.250999-08:00"),
    ] {
        assert_eq!(Timestamp::parse(&right), Ok(Timestamp::from_millis(1_767_225_600_250)), "{right}");
    }
}

#[test]
fn what_is_no_moment_is_refused_in_words() {
    let refused = |value: Value| Timestamp::parse(&value).unwrap_err();
    for negative in [json!(-1), json!(-1.5), json!(i64::MIN), json!("1969-12-31T23:59:59.999999Z")] {
        assert!(matches!(refused(negative.clone()), TimestampError::Negative { .. }), "{negative}");
    }
    for large in [json!(253_402_300_800_000_u64), json!(u64::MAX), json!(1e300)] {
        assert!(matches!(refused(large.clone()), TimestampError::TooLarge { .. }), "{large}");
    }
    assert!(matches!(refused(json!(0.5)), TimestampError::Fractional { .. }));
    for text in ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "1767225600250"] {
        assert!(matches!(refused(json!(text)), TimestampError::NotRfc3339 { .. }), "{text}");
    }
    for other in [json!(null), json!(true), json!([1]), json!({})] {
        assert!(matches!(refused(other.clone()), TimestampError::WrongType { .. }), "{other}");
    }
    assert_eq!(
        refused(json!(-5)).to_string(),
        "timestamp -5 lies before 1970-01-01T00:00:00Z: send milliseconds since then, 0 or more, or RFC 3339"
    );
}

#[test]
fn moments_stop_at_the_ends_of_time() {
    let end = Timestamp::from_millis(u64::MAX);
    assert_eq!(end.saturating_add(1), end);
    assert_eq!(Timestamp::default().saturating_sub(1), Timestamp::default());
    assert_eq!(end.to_string(), "18446744073709551615 ms");
    assert_eq!(NOW.to_string(), "2026-01-01T00:30:07.25Z");
}

#[test]
fn resolutions_go_by_their_names_and_know_their_neighbours() {
    for (name, resolution) in ["10s", "1m", "10m", "1h", "1d"].into_iter().zip(Resolution::ALL) {
        assert_eq!(name.parse(), Ok(resolution));
        assert_eq!(resolution.to_string(), name);
        assert_eq!(Resolution::from_seconds(resolution.seconds()), Some(resolution));
        assert_eq!(resolution.finer().and_then(Resolution::coarser).unwrap_or(resolution), resolution);
    }
    assert_eq!(Resolution::TenSeconds.finer(), None);
    assert_eq!(Resolution::Day.coarser(), None);
    assert_eq!(
        "5s".parse::<Resolution>().unwrap_err().to_string(),
        "\"5s\" is not a resolution: 10s, 1m, 10m, 1h and 1d are allowed"
    );
}

#[test]
fn names_are_short_and_printable() {
    for right in ["a", "node-1.example.org", "ein Knoten", "ö".repeat(64).as_str()] {
        assert_eq!(right.parse::<Origin>().unwrap().as_str(), right);
    }
    let wrong = |name: &str| name.parse::<Origin>().unwrap_err();
    assert_eq!(wrong(""), NameError::Empty);
    assert!(matches!(wrong(&"a".repeat(65)), NameError::TooLong { .. }));
    assert!(matches!(wrong("a\nb"), NameError::Control { .. }));
    for hidden in ['\u{200b}', '\u{200e}', '\u{61c}', '\u{ad}', '\u{fe0f}', '\u{3164}', '\u{feff}', '\u{e0041}'] {
        assert!(matches!(wrong(&format!("alpha{hidden}")), NameError::Invisible { .. }), "{hidden:?}");
    }
    assert!(matches!(wrong(" a"), NameError::Padded { .. }));
    assert!(!wrong("a\u{1b}[2J").to_string().contains('\u{1b}'));
    assert_eq!(Source::new("").unwrap(), Source::default());
    assert!(Source::new(" padded is fine ").is_ok());
    assert!(Source::new(&"a".repeat(65)).is_err());
    assert!(serde_json::from_str::<Origin>("\"\"").is_err());
}
