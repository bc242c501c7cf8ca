//! The readable dialect: what is read, what is refused, and in which words.

use gossip::json::{self, DecodeError};
use gossip::{
    Bundle, BundleId, Digest, Event, Hello, InstanceId, Keypair, Message, OriginId, PublicKey, Signature, Way,
    bundle_bytes,
};
use proptest::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

const EVENT: &str = r#"{"event_id":"018f4f0e-7a5b-7c1d-9e2f-0a1b2c3d4e5f","node_id":"s","timestamp":1,"beauty":0.9}"#;

fn event_frame(ttl: &str) -> String {
    format!(r#"{{"type":"gossip","subtype":"beauty_event",{ttl}"event":{EVENT}}}"#)
}

#[test]
fn an_event_keeps_its_text_as_it_was_sent() {
    let Ok(Message::Event { ttl: 7, event }) = json::decode(&event_frame(r#""ttl":7,"#)) else {
        panic!("not an event")
    };
    assert_eq!((&*event.json, &*event.node_id), (EVENT, "s"));
    let again = json::decode(&json::encode(&Message::Event { ttl: 7, event: event.clone() }).unwrap());
    assert_eq!(again, Ok(Message::Event { ttl: 7, event }));
}

#[test]
fn an_event_that_its_script_signed_is_a_bundle_of_one() {
    let pair = Keypair::from_seed(&[5; 32]);
    let (origin, seq) = (pair.origin(), 1_795_358_943_747_000);
    // As a script does it, byte by byte.
    let mut signed = b"beauty-mesh/bundle/1\x06\x00beauty".to_vec();
    signed.extend_from_slice(&origin.0);
    signed.extend_from_slice(&u64::to_le_bytes(seq));
    signed.extend_from_slice(&[1, 0]);
    signed.extend_from_slice(&(EVENT.len() as u32).to_le_bytes());
    signed.extend_from_slice(EVENT.as_bytes());
    let (key, signature) = (hex::encode(origin.0), hex::encode(pair.sign(&signed).0));
    let seal = |key: &str, signature: &str| format!(r#""origin":"{key}","seq":{seq},"signature":"{signature}","#);
    let frame = event_frame(&format!("\"ttl\":7,{}", seal(&key, &signature)));
    let Ok(Message::Bundle { way, bundle }) = json::decode(&frame) else { panic!("no bundle") };
    assert_eq!(way, Way { ttl: 7, hops: 1, like: None });
    assert_eq!((bundle.id, &*bundle.events[0].json), (BundleId { origin, seq }, EVENT));
    assert!(PublicKey::decode(&origin).unwrap().verify(&bundle_bytes("beauty", &bundle), &bundle.signature));
    let again = json::encode(&Message::Bundle { way, bundle: bundle.clone() }).unwrap();
    assert_eq!(json::decode(&again), Ok(Message::Bundle { way, bundle }));
    let wrong = [
        seal(&key[1..], &signature),
        seal(&key, &signature[2..]),
        seal(&key, "not hex"),
        format!("\"origin\":\"{key}\","),
        format!("\"signature\":\"{signature}\","),
        format!("\"origin\":\"{key}\",\"signature\":\"{signature}\","),
        seal(&key, &signature).replace(&seq.to_string(), "-1"),
    ];
    for wrong in wrong {
        assert_eq!(json::decode(&event_frame(&wrong)).unwrap_err().reason(), "wrong_shape", "{wrong}");
    }
}

#[test]
fn a_ttl_that_is_missing_is_ten_and_an_absurd_one_is_refused() {
    assert!(matches!(json::decode(&event_frame("")), Ok(Message::Event { ttl: 10, .. })));
    for ttl in ["-1", "1.5", "65", "256", "18446744073709551616", "1e300", "\"10\"", "[]", "true"] {
        let error = json::decode(&event_frame(&format!("\"ttl\":{ttl},"))).unwrap_err();
        assert_eq!(error.reason(), "absurd_ttl", "{ttl}");
        assert!(error.to_string().contains("a whole number from 0 to 64"), "{error}");
    }
}

#[test]
fn what_is_no_frame_is_refused_with_its_reason() {
    let long_name = format!(
        r#"{{"type":"gossip","subtype":"beauty_event","event":{}}}"#,
        EVENT.replace("\"s\"", &format!("{:?}", "n".repeat(65)))
    );
    let long_event = format!(
        r#"{{"type":"gossip","subtype":"beauty_event","event":{}}}"#,
        EVENT.replace("\"s\"", &format!("\"s\",\"x\":{:?}", "x".repeat(2_048)))
    );
    let many = format!(r#"{{"type":"mesh","subtype":"peers","addresses":[{}]}}"#, vec!["\"ws://a:1\""; 33].join(","));
    for (frame, reason) in [
        ("", "not_json"),
        ("hello", "not_json"),
        ("{", "not_json"),
        (&"[".repeat(60_000), "wrong_shape"),
        ("[]", "wrong_shape"),
        ("7", "wrong_shape"),
        ("{}", "wrong_shape"),
        (r#"{"type":"gossip","subtype":"other"}"#, "wrong_shape"),
        (r#"{"type":"gossip","subtype":"beauty_event"}"#, "wrong_shape"),
        (r#"{"type":"gossip","subtype":"beauty_event","event":{"event_id":"7","node_id":"s"}}"#, "wrong_shape"),
        (r#"{"type":"mesh","subtype":"hello"}"#, "wrong_shape"),
        (r#"{"type":"mesh","subtype":"digest","digest":""}"#, "wrong_shape"),
        (&long_name, "wrong_shape"),
        (&long_event, "wrong_shape"),
        (&many, "wrong_shape"),
        (&" ".repeat(json::MAX_FRAME + 1), "too_large"),
    ] {
        let error = json::decode(frame).unwrap_err();
        let shown: String = frame.chars().take(80).collect();
        assert_eq!(error.reason(), reason, "{shown}: {error}");
        assert!(!error.to_string().chars().any(char::is_control));
    }
}

#[test]
fn addresses_that_are_none_are_left_out() {
    let frame = r#"{"type":"mesh","subtype":"peers","addresses":["ws://a:1","wss://b:2","nonsense"]}"#;
    let addresses = ["ws://a:1", "wss://b:2"].map(|address| address.parse().unwrap());
    assert_eq!(json::decode(frame), Ok(Message::Peers(addresses.to_vec())));
}

fn name() -> impl Strategy<Value = String> {
    "[^\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]{1,64}"
}

fn message() -> impl Strategy<Value = Message> {
    let digest = || "[!-~]{1,128}".prop_map(|text| Digest(Arc::from(text)));
    let event = || {
        (any::<u128>(), name(), 0..=json::MAX_TTL).prop_map(|(id, node_id, ttl)| {
            let id = Uuid::from_u128(id);
            let json = serde_json::json!({ "event_id": id, "node_id": node_id, "beauty": 0.5 }).to_string();
            (ttl, Event { id, node_id: node_id.into(), json: json.into() })
        })
    };
    let signed = (event(), any::<[u8; 32]>(), any::<u64>(), 1..=255_u8);
    let signed = signed.prop_map(|((ttl, event), origin, seq, byte)| {
        let id = BundleId { origin: OriginId(origin), seq };
        let bundle = Bundle { id, events: vec![event].into(), signature: Signature([byte; 64]), second: None };
        Message::Bundle { way: Way { ttl, hops: 1, like: None }, bundle }
    });
    let hello = (name(), name(), any::<u128>(), any::<u16>(), proptest::option::of(digest()));
    prop_oneof![
        event().prop_map(|(ttl, event)| Message::Event { ttl, event }),
        signed,
        hello.prop_map(|(mesh, node_id, run, port, digest)| {
            let tls = run % 2 == 0;
            Message::Hello(Hello { mesh, node_id, instance: InstanceId(Uuid::from_u128(run)), port, digest, tls })
        }),
        proptest::collection::vec((1_u16.., "[a-z0-9]{1,20}"), 0..=json::MAX_ADDRESSES).prop_map(|list| {
            Message::Peers(list.iter().map(|(port, host)| gossip::Address::new(host, *port).unwrap()).collect())
        }),
        digest().prop_map(Message::Digest),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(message in message()) {
        prop_assert_eq!(json::decode(&json::encode(&message).unwrap()), Ok(message));
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in any::<String>()) {
        let _: Result<Message, DecodeError> = json::decode(&text);
    }

    #[test]
    fn no_damaged_frame_makes_the_decoder_panic(message in message(), at in any::<prop::sample::Index>(), c in any::<char>()) {
        let mut chars: Vec<char> = json::encode(&message).unwrap().chars().collect();
        let at = at.index(chars.len());
        chars[at] = c;
        let _: Result<Message, DecodeError> = json::decode(&chars.into_iter().collect::<String>());
    }
}
