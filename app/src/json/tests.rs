//! This JSON is `serde`'s JSON.

use super::*;
use crate::api::{Snapshot, StreamMessage};
use crate::samples::{delta, peer, snapshot};

/// A snapshot in which every shape is there, and names that need care.
fn full() -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.network.peers = vec![peer("beta"), peer("a\"b\\c\n\u{1}/ü𝄞")];
    snapshot.network.peers[0].rtt_ms = Some(0.1 + 0.2);
    snapshot.network.peers[0].in_sync = Some(false);
    snapshot.health.conflicts = vec![crate::api::Conflict {
        node_id: "x".to_owned(),
        public_key: "00".to_owned(),
        others: vec!["11".to_owned()],
    }];
    snapshot.network.cheats = vec![crate::api::Cheat {
        node_id: None,
        public_key: "00".to_owned(),
        seq: 1_795_358_943_747_000,
        hashes: vec!["11".to_owned(), "22".to_owned()],
        since: 7,
    }];
    snapshot.gossip.rejected = [("bad-signature".to_owned(), 3)].into_iter().collect();
    snapshot.health.clock_ahead_ms = Some(-1_500);
    snapshot.note();
    snapshot.health.now += 20_000;
    snapshot.note();
    snapshot.network.places = vec![crate::api::Place { node_id: "x".to_owned(), latitude: -33.9, longitude: 151.2 }];
    snapshot
}

#[test]
fn what_the_node_writes_is_read() {
    let snapshot = full();
    for text in [serde_json::to_string(&snapshot).unwrap(), serde_json::to_string_pretty(&snapshot).unwrap()] {
        assert_eq!(read(&text), Some(snapshot.clone()));
    }
    for message in [StreamMessage::Snapshot(Box::new(full())), StreamMessage::Delta(Box::new(delta()))] {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(StreamMessage::read(&text), Some(message));
    }
}

#[test]
fn what_is_written_is_what_the_node_would_have_written() {
    let snapshot = full();
    // But for whole numbers with a fraction of nothing.
    let theirs = serde_json::to_string(&snapshot).unwrap().replace("0.0,", "0,").replace("0.0]", "0]");
    assert_eq!(Carried(full()).to_string(), theirs);
    assert_eq!(serde_json::from_str::<Snapshot>(&write(&snapshot)).unwrap(), snapshot);
}

#[test]
fn for_a_person_numbers_stand_in_a_line_and_objects_under_each_other() {
    assert_eq!(write(&vec![1_u64, 2]), "[1, 2]");
    assert_eq!(write(&Vec::<u64>::new()), "[]");
    assert_eq!(write(&vec![vec![1_u64], vec![]]), "[\n  [1],\n  []\n]");
}

#[test]
fn a_field_that_may_be_missing_may_and_others_may_not() {
    let text = serde_json::to_string(&full()).unwrap();
    assert_eq!(read::<Snapshot>(&text.replace("\"clock_ahead_ms\":-1500,", "")).unwrap().health.clock_ahead_ms, None);
    assert_eq!(read::<Snapshot>(&text.replace("\"seq\":1,", "")), None);
}

#[test]
fn what_is_not_json_is_not_read() {
    for text in ["", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "nul", "1 2", "\"a", "\"\\", "[1}", "tru e"] {
        assert_eq!(Value::parse(text), None, "{text}");
    }
    assert_eq!(Value::parse(&"[".repeat(100_000)), None);
    for text in [r#""\x""#, r#""\u12""#, r#""\ud834""#, r#""\ud834\u0041""#, r#""\udc00""#] {
        assert_eq!(read::<String>(text), None, "{text}");
    }
    assert_eq!(StreamMessage::read(r#"{"type":"farewell"}"#), None);
}

#[test]
fn texts_are_read_as_they_were_meant() {
    assert_eq!(read::<String>(r#""\u0041\n\"\/\\ \ud834\udd1e""#).unwrap(), "A\n\"/\\ 𝄞");
}

#[test]
fn numbers_that_do_not_fit_are_not_read() {
    assert_eq!([read::<u64>("-1"), read::<u64>("1.5"), read::<u64>("18446744073709551616")], [None; 3]);
    assert_eq!(read::<Vec<Option<f64>>>(" [ 1 , null,0.5e0 ] "), Some(vec![Some(1.0), None, Some(0.5)]));
}
