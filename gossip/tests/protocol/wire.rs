//! The binary dialect: what is written is read again, and nothing makes the decoder panic.

use gossip::{Announced, Bundle, BundleId, Digest, Event, Hello, InstanceId, Message, OriginId, Way, json, wire};
use proptest::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

fn event() -> impl Strategy<Value = Event> {
    (any::<u128>(), "[^\\p{C}]{1,64}").prop_map(|(id, node_id)| {
        let id = Uuid::from_u128(id);
        let json = serde_json::json!({ "event_id": id, "node_id": node_id, "beauty": 0.5 }).to_string();
        Event { id, node_id: node_id.into(), json: json.into() }
    })
}

fn origin() -> impl Strategy<Value = OriginId> {
    any::<[u8; 32]>().prop_map(OriginId)
}

fn bundle() -> impl Strategy<Value = Bundle> {
    (origin(), any::<u64>(), proptest::collection::vec(event(), 1..8))
        .prop_map(|(origin, seq, events)| Bundle { id: BundleId { origin, seq }, events: events.into() })
}

fn message() -> impl Strategy<Value = Message> {
    let digest = || "[!-~]{1,128}".prop_map(|text| Digest(Arc::from(text)));
    let way = (0..=json::MAX_TTL, proptest::option::of(origin())).prop_map(|(ttl, like)| Way { ttl, like });
    let hello = ("[a-z]{1,64}", "[a-z]{1,64}", any::<u128>(), any::<u16>(), proptest::option::of(digest()));
    prop_oneof![
        (way, bundle()).prop_map(|(way, bundle)| Message::Bundle { way, bundle }),
        bundle().prop_map(Message::Missed),
        proptest::collection::vec((origin(), any::<u64>(), any::<u32>()), 0..50).prop_map(|list| {
            let announced = |(origin, seq, age)| Announced { id: BundleId { origin, seq }, age };
            Message::IHave(list.into_iter().map(announced).collect())
        }),
        (origin(), any::<Option<u64>>()).prop_map(|(origin, want)| Message::Graft { origin, want }),
        origin().prop_map(|origin| Message::Prune { origin }),
        digest().prop_map(Message::Digest),
        hello.prop_map(|(mesh, node_id, run, port, digest)| {
            Message::Hello(Hello { mesh, node_id, instance: InstanceId(Uuid::from_u128(run)), port, digest })
        }),
    ]
}

#[test]
fn the_largest_bundle_fits_into_a_frame() {
    let id = BundleId { origin: OriginId([255; 32]), seq: u64::MAX };
    let event = |bytes: usize| Event { id: Uuid::nil(), node_id: "n".into(), json: "x".repeat(bytes).into() };
    let events: Vec<_> = (0..Bundle::MAX_EVENTS).map(|_| event(Bundle::MAX_BYTES / Bundle::MAX_EVENTS)).collect();
    let way = Way { ttl: json::MAX_TTL, like: Some(id.origin) };
    let frame = wire::encode(&Message::Bundle { way, bundle: Bundle { id, events: events.into() } }).unwrap();
    assert!(frame.len() <= json::MAX_FRAME, "{}", frame.len());
}

#[test]
fn other_versions_and_absurd_numbers_are_refused_in_words() {
    let origin = OriginId([1; 32]);
    let frame = wire::encode(&Message::Prune { origin }).unwrap();
    let other_version: Vec<u8> = [3].into_iter().chain(frame[1..].iter().copied()).collect();
    let longer: Vec<u8> = frame.iter().copied().chain([0]).collect();
    for (frame, words) in [
        (&[][..], "begins with its version"),
        (&other_version, "begins with its version"),
        (&longer, "bytes behind"),
        (&frame[..10], "wrong shape"),
        (&[2, 99], "wrong shape"),
        (&[2, 5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], "wrong shape"),
        (&vec![2; json::MAX_FRAME + 1], "65537 bytes"),
    ] {
        let error = wire::decode(frame).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(wire::encode(&Message::Event { ttl: 1, event: crate::world::event(1, "n") }), None);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(message in message()) {
        prop_assert_eq!(wire::decode(&wire::encode(&message).unwrap()), Ok(message));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = wire::decode(&bytes);
        let _ = wire::decode(&[&[2], &bytes[..]].concat());
    }

    #[test]
    fn no_damaged_frame_makes_the_decoder_panic(message in message(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut frame = wire::encode(&message).unwrap();
        let at = at.index(frame.len());
        frame[at] = byte;
        let _ = wire::decode(&frame);
    }
}
