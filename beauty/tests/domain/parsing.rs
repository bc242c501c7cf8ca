//! What comes in from outside: taken where it is right, refused in words where it is not, and never a panic.

use beauty::{EventId, Report, Source, Timestamp, Told};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{NOW, any_told, score};

const ID: &str = "0198c5a1-7d3e-7b42-9c1f-3a5e8d7b6c4f";

fn told_json() -> Value {
    json!({"event_id": ID, "node_id": "alpha", "timestamp": 1_767_225_600_000_u64, "beauty": 0.75, "source": "mood"})
}

#[test]
fn a_report_needs_beauty_and_may_have_a_time_and_a_source() {
    let least = Report { score: score(750_000), at: None, source: Source::default() };
    assert_eq!(Report::parse(&json!({"beauty": 0.75})), Ok(least.clone()));
    assert_eq!(Report::parse(&json!({"beauty": 0.75, "timestamp": null, "source": null})), Ok(least.clone()));
    let full = Report::parse(&json!({"beauty": 1, "timestamp": "1970-01-01T00:00:01Z", "source": "mood"})).unwrap();
    assert_eq!(full.at, Some(Timestamp::from_millis(1_000)));

    let id = EventId(Uuid::from_u128(1));
    assert_eq!(least.into_event(id, NOW).at, NOW);
    assert_eq!(full.into_event(id, NOW).at, Timestamp::from_millis(1_000));
}

#[test]
fn a_wrong_report_is_told_what_would_be_right() {
    let wrong = [
        (json!([]), "an event is a JSON object, and this is a list"),
        (json!("x"), "an event is a JSON object, and this is the string \"x\""),
        (json!({}), "\"beauty\" is missing"),
        (json!({"beauty": null}), "\"beauty\" is null: a number in [0, 1] is right"),
        (json!({"beauty": "0.5"}), "\"beauty\" is the string \"0.5\": a number in [0, 1] is right"),
        (json!({"beauty": 1.5}), "\"beauty\": 1.5 is not a score: scores lie in [0, 1]"),
        (json!({"beauty": -1}), "\"beauty\": -1.0 is not a score: scores lie in [0, 1]"),
        (
            json!({"beauty": 1, "time": 5}),
            "\"time\" is not a field of an event: \"beauty\", \"timestamp\" and \"source\" are allowed",
        ),
        (
            json!({"beauty": 1, "timestamp": 0.5}),
            "timestamp 0.5 is not whole: send whole milliseconds since 1970, without a fraction, or RFC 3339",
        ),
        (json!({"beauty": 1, "source": 7}), "\"source\" is the number 7: a string of up to 64 characters is right"),
        (
            json!({"beauty": 1, "source": "a\tb"}),
            "source \"a\\tb\" has control characters (line breaks, tabs, escapes, changes of direction): leave them out",
        ),
    ];
    for (value, text) in wrong {
        assert_eq!(Report::parse(&value).unwrap_err().to_string(), text, "{value}");
    }
}

#[test]
fn no_error_echoes_more_than_a_line_or_a_control_character() {
    let long = "\u{1b}[31m\u{0}".repeat(100_000);
    for value in [
        json!(long),
        json!({ long.clone(): 1 }),
        json!({"beauty": long}),
        json!({"beauty": 1, "timestamp": long}),
        json!({"beauty": 1, "source": long}),
    ] {
        let text = Report::parse(&value).unwrap_err().to_string();
        assert!(text.chars().count() < 200 && !text.chars().any(char::is_control), "{text}");
    }
    for field in ["event_id", "node_id", "timestamp", "beauty", "source"] {
        let mut value = told_json();
        value[field] = json!(long);
        let text = Told::parse(&value.to_string()).unwrap_err().to_string();
        assert!(text.chars().count() < 200 && !text.chars().any(char::is_control), "{text}");
    }
}

#[test]
fn a_told_event_may_lack_its_source_and_have_fields_of_a_later_dialect() {
    let mut value = told_json();
    value["signature"] = json!({"of": ["a", "later", "dialect"]});
    let told = Told::parse(&value.to_string()).unwrap();
    assert_eq!((told.origin.as_str(), told.event.source.as_str()), ("alpha", "mood"));
    assert_eq!(told.event.id.to_string(), ID);

    value.as_object_mut().unwrap().remove("source");
    assert_eq!(Told::parse(&value.to_string()).unwrap().event.source, Source::default());
}

#[test]
fn a_told_event_lacks_nothing_else() {
    for field in ["event_id", "node_id", "timestamp", "beauty"] {
        let mut value = told_json();
        value.as_object_mut().unwrap().remove(field);
        assert_eq!(Told::parse(&value.to_string()).unwrap_err().to_string(), format!("\"{field}\" is missing"));
        value[field] = json!([]);
        assert!(Told::parse(&value.to_string()).unwrap_err().to_string().contains("a list"), "{field}");
    }
    let mut value = told_json();
    value["event_id"] = json!("7");
    assert!(Told::parse(&value.to_string()).unwrap_err().to_string().contains("a UUID such as"));
    assert!(Told::parse("{").unwrap_err().to_string().starts_with("this is not JSON"));
}

#[test]
fn a_told_event_is_written_in_the_dialects_order() {
    let json = Told::parse(&told_json().to_string()).unwrap().to_json();
    let expected =
        format!(r#"{{"event_id":"{ID}","node_id":"alpha","timestamp":1767225600000,"beauty":0.75,"source":"mood"}}"#);
    assert_eq!(json, expected);
}

/// Nearly right objects: the known fields with any values.
fn any_object() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    let field = prop_oneof![
        4 => proptest::sample::select(vec!["beauty", "timestamp", "source", "event_id", "node_id"]).prop_map(str::to_owned),
        1 => ".*",
    ];
    prop::collection::btree_map(field, value, 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

proptest! {
    #[test]
    fn what_is_told_is_understood(told in any_told(u128::MAX, (0..253_402_300_799_999_u64).prop_map(Timestamp::from_millis))) {
        prop_assert_eq!(Told::parse(&told.to_json()), Ok(told));
    }

    #[test]
    fn any_text_is_parsed_or_refused_without_a_panic(text in "\\PC*") {
        let _ = Told::parse(&text);
        let _ = Report::parse(&json!(text));
        let _ = Timestamp::parse(&json!(text));
    }

    #[test]
    fn any_object_is_parsed_or_refused_without_a_panic(value in any_object()) {
        let _ = Report::parse(&value);
        let _ = Told::parse(&value.to_string());
    }

    #[test]
    fn a_told_event_cut_anywhere_is_refused_without_a_panic(told in any_told(9, Just(NOW)), cut in 0..100_usize) {
        let json = told.to_json();
        prop_assert!(Told::parse(&json[..cut.min(json.len() - 1)]).is_err());
    }
}
