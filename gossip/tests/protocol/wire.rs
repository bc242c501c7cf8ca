//! The binary dialect: what is written is read again, and nothing makes the decoder panic.

use gossip::{
    Announced, Announcement, Bundle, BundleHash, BundleId, Content, Digest, Event, Exchange, Fingerprint, Grafted,
    Hello, InstanceId, Message, OriginId, Place, Probe, Profile, Pulse, Root, Rotation, Rotations, SecondKey,
    SecondSignature, Signature, Spot, Wanted, Way, Width, json, wire,
};
use proptest::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

fn event() -> impl Strategy<Value = Event> {
    (any::<u128>(), "[^\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]{1,64}").prop_map(|(id, node_id)| {
        let id = Uuid::from_u128(id);
        let json = serde_json::json!({ "event_id": id, "node_id": node_id, "beauty": 0.5 }).to_string();
        Event { id, node_id: node_id.into(), json: json.into() }
    })
}

fn origin() -> impl Strategy<Value = OriginId> {
    any::<[u8; 32]>().prop_map(OriginId)
}

fn bundle() -> impl Strategy<Value = Bundle> {
    (origin(), any::<u64>(), proptest::collection::vec(event(), 1..8)).prop_map(|(origin, seq, events)| Bundle {
        id: BundleId { origin, seq },
        events: events.into(),
        signature: Signature([seq as u8; 64]),
        second: (seq % 3 == 0).then(|| SecondSignature(Arc::new([seq as u8; SecondSignature::BYTES]))),
    })
}

fn id() -> impl Strategy<Value = BundleId> {
    let few = (0..3_u8).prop_map(|n| OriginId([n; 32]));
    (prop_oneof![origin(), few], any::<u64>()).prop_map(|(origin, seq)| BundleId { origin, seq })
}

fn contents() -> impl Strategy<Value = Vec<Content>> {
    let content = (id(), any::<[u8; 16]>()).prop_map(|(id, hash)| (id, BundleHash(hash)));
    proptest::collection::vec(content, 0..50)
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let sum = || (any::<u64>(), any::<u32>()).prop_map(|(hash, count)| Fingerprint { hash, count });
    let width = || prop_oneof![Just(Width::Hour), Just(Width::Ten), Just(Width::Second)];
    let slots = proptest::collection::vec((0..1_000_u64, sum()), 0..50);
    prop_oneof![
        (any::<u64>(), any::<u64>(), sum()).prop_map(|(from, until, sum)| Exchange::Root(Root { from, until, sum })),
        (width(), any::<u64>(), any::<u64>()).prop_map(|(width, from, until)| Exchange::GetSums { width, from, until }),
        (width(), 0..1_000_u64, any::<u64>(), slots).prop_map(|(width, from, until, slots)| {
            let (from, mut start) = (from * width.micros(), from);
            let slots = slots.into_iter().map(|(step, sum)| {
                start += step;
                (start * width.micros(), sum)
            });
            Exchange::Sums { width, from, until, slots: slots.collect() }
        }),
        (any::<u64>(), any::<u64>()).prop_map(|(from, until)| Exchange::GetIds { from, until }),
        (any::<u64>(), any::<u64>(), proptest::collection::vec(id(), 0..50))
            .prop_map(|(from, until, ids)| Exchange::Ids { from, until, ids }),
        (any::<u32>(), proptest::collection::vec(id(), 0..50)).prop_map(|(number, ids)| {
            let ids = ids.into_iter().map(Wanted::from).collect();
            Exchange::Want { number, ids }
        }),
        (any::<u32>(), contents()).prop_map(|(number, contents)| {
            let ids = contents.into_iter().map(Wanted::from).collect();
            Exchange::Want { number, ids }
        }),
        (any::<u64>(), any::<u64>(), sum()).prop_map(|(from, until, sum)| Exchange::GetContents { from, until, sum }),
        (any::<u64>(), any::<u64>(), contents()).prop_map(|(from, until, contents)| Exchange::Contents {
            from,
            until,
            contents
        }),
        (any::<u32>(), any::<u32>(), proptest::collection::vec(bundle(), 0..5))
            .prop_map(|(number, covered, bundles)| Exchange::Missed { number, covered, bundles }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let digest = || "[!-~]{1,128}".prop_map(|text| Digest(Arc::from(text)));
    let way = (0..=wire::MAX_TTL, any::<u8>(), proptest::option::of(origin())).prop_map(|(ttl, hops, like)| Way {
        ttl,
        hops,
        like,
    });
    let announced =
        (any::<u16>(), any::<i64>(), any::<u16>()).prop_map(|(name, step, age)| Announced { name, step, age });
    let announcement =
        (any::<u8>(), proptest::collection::vec(origin(), 0..9), proptest::collection::vec(announced, 0..50));
    let grafted = (origin(), proptest::collection::vec(any::<u64>(), 0..9));
    let hello = ("[a-z]{1,64}", "[a-z]{1,64}", any::<u128>(), any::<u16>(), proptest::option::of(digest()));
    prop_oneof![
        (way, bundle()).prop_map(|(way, bundle)| Message::Bundle { way, bundle }),
        exchange().prop_map(Message::Exchange),
        announcement.prop_map(|(number, names, bundles)| Message::IHave(Announcement { number, names, bundles })),
        proptest::collection::vec(grafted.prop_map(|(origin, wanted)| Grafted { origin, wanted }), 0..9)
            .prop_map(Message::Graft),
        proptest::collection::vec(origin(), 0..9).prop_map(Message::Prune),
        (origin(), any::<u64>(), any::<u8>()).prop_map(|(origin, seq, hops)| Message::Probe(Probe {
            origin,
            seq,
            hops
        })),
        digest().prop_map(Message::Digest),
        proptest::collection::vec(rotation(), 0..9).prop_map(Message::Rotations),
        proptest::collection::vec(profile(), 0..Profile::MAX_IN_FRAME).prop_map(Message::Profiles),
        proptest::collection::vec(origin(), 0..wire::MAX_WANTED_PROFILES).prop_map(Message::WantProfiles),
        proptest::collection::vec(origin(), 0..9).prop_map(Message::Forked),
        proptest::collection::vec(origin(), 0..4).prop_map(Message::Prove),
        bundle().prop_map(Message::Evidence),
        proptest::collection::vec(place(), 0..9).prop_map(Message::Places),
        (any::<u64>(), any::<u32>()).prop_map(|(clock, kbit)| Message::Pulse(Pulse { clock, kbit })),
        hello.prop_map(|(mesh, node_id, run, port, digest)| {
            let tls = run % 2 == 0;
            Message::Hello(Hello { mesh, node_id, instance: InstanceId(Uuid::from_u128(run)), port, digest, tls })
        }),
    ]
}

fn rotation() -> impl Strategy<Value = Rotation> {
    let signature = || any::<[u8; 32]>().prop_map(|half| Signature([half, half].concat().try_into().unwrap()));
    (origin(), origin(), any::<u64>(), signature(), signature()).prop_map(|(old, new, at, by_old, by_new)| Rotation {
        old,
        new,
        at,
        by_old,
        by_new,
    })
}

fn place() -> impl Strategy<Value = Place> {
    let spot =
        (-90.0..=90.0, -180.0..=180.0).prop_map(|(latitude, longitude)| Spot::near(latitude, longitude).unwrap());
    (origin(), any::<u64>(), proptest::option::of(spot), any::<u8>()).prop_map(|(origin, at, spot, byte)| Place {
        origin,
        at,
        spot,
        signature: Signature([byte; 64]),
    })
}

fn profile() -> impl Strategy<Value = Arc<Profile>> {
    (origin(), any::<u64>(), any::<u8>()).prop_map(|(origin, from, byte)| {
        let (key, second) = ([byte; SecondKey::BYTES], [byte; SecondSignature::BYTES]);
        let (key, second) = (SecondKey(Arc::new(key)), SecondSignature(Arc::new(second)));
        Arc::new(Profile { origin, from, key, first: Signature([byte; 64]), second })
    })
}

#[test]
fn as_many_profiles_as_a_frame_may_hold_fit_into_it_and_more_are_refused() {
    let (key, second) = ([255; SecondKey::BYTES], [255; SecondSignature::BYTES]);
    let (key, second) = (SecondKey(Arc::new(key)), SecondSignature(Arc::new(second)));
    let (origin, first) = (OriginId([255; 32]), Signature([255; 64]));
    let profile = Arc::new(Profile { origin, from: u64::MAX, key, first, second });
    let frame = |count| wire::encode(&Message::Profiles(vec![Arc::clone(&profile); count])).unwrap();
    let most = frame(Profile::MAX_IN_FRAME);
    assert!(most.len() <= json::MAX_FRAME && wire::decode(&most).is_ok());
    assert!(wire::decode(&frame(Profile::MAX_IN_FRAME + 1)).is_err());
    let asked = |count| wire::decode(&wire::encode(&Message::WantProfiles(vec![origin; count])).unwrap());
    assert!(asked(wire::MAX_WANTED_PROFILES).is_ok() && asked(wire::MAX_WANTED_PROFILES + 1).is_err());
}

#[test]
fn as_many_places_as_a_frame_may_hold_fit_into_it_and_more_are_refused() {
    let (origin, signature) = (OriginId([255; 32]), Signature([255; 64]));
    let place = Place { origin, at: u64::MAX, spot: Spot::near(-90.0, -180.0), signature };
    let frame = |count| wire::encode(&Message::Places(vec![place.clone(); count])).unwrap();
    let most = frame(Place::MAX_IN_FRAME);
    assert!(most.len() <= json::MAX_FRAME && wire::decode(&most).is_ok());
    assert!(wire::decode(&frame(Place::MAX_IN_FRAME + 1)).is_err());
}

#[test]
fn a_place_that_is_nowhere_on_earth_is_refused() {
    let (origin, signature) = (OriginId([1; 32]), Signature([2; 64]));
    let whole = wire::encode(&Message::Places(vec![Place { origin, at: 5, spot: Spot::near(90.0, 180.0), signature }]));
    let whole = whole.unwrap();
    assert!(wire::decode(&whole).is_ok());
    // Postcard writes 900 as the zigzag of a varint, 1800, in two bytes: here they are, and one tenth more.
    let at = whole.windows(2).position(|two| two == [0x88, 0x0e]).unwrap();
    let mut beyond = whole;
    beyond[at] += 2;
    assert!(wire::decode(&beyond).is_err());
}

#[test]
fn all_changes_of_keys_that_are_kept_fit_into_a_frame_and_more_are_refused() {
    let key = OriginId([255; 32]);
    let signature = Signature([255; 64]);
    let rotation = Rotation { old: key, new: key, at: u64::MAX, by_old: signature, by_new: signature };
    let frame = |count| wire::encode(&Message::Rotations(vec![rotation.clone(); count])).unwrap();
    assert!(frame(Rotations::MAX).len() <= json::MAX_FRAME && wire::decode(&frame(Rotations::MAX)).is_ok());
    assert!(wire::decode(&frame(Rotations::MAX + 1)).is_err());
}

#[test]
fn the_largest_bundle_fits_into_a_frame() {
    let id = BundleId { origin: OriginId([255; 32]), seq: u64::MAX };
    let event = |bytes: usize| Event { id: Uuid::nil(), node_id: "n".into(), json: "x".repeat(bytes).into() };
    let events: Vec<_> = (0..Bundle::MAX_EVENTS).map(|_| event(Bundle::MAX_BYTES / Bundle::MAX_EVENTS)).collect();
    let way = Way { ttl: wire::MAX_TTL, hops: u8::MAX, like: Some(id.origin) };
    let second = Some(SecondSignature(Arc::new([255; SecondSignature::BYTES])));
    let bundle = Bundle { id, events: events.into(), signature: Signature([255; 64]), second };
    let frame = wire::encode(&Message::Bundle { way, bundle }).unwrap();
    assert!(frame.len() <= json::MAX_FRAME, "{}", frame.len());
}

/// An event whose text has so many bytes, the shortest that is one at least.
fn event_of(bytes: usize) -> Event {
    let head = r#"{"event_id":"00000000000000000000000000000000","node_id":"n""#;
    let json = format!("{head}{}}}", " ".repeat(bytes.max(head.len() + 1) - head.len() - 1));
    json::decode_event_object(&json).unwrap()
}

/// What a store's answer holds at most: so many bundles, so many bytes of text.
#[test]
fn the_largest_answer_with_missed_bundles_fits_into_a_frame_and_is_taken() {
    for each in [60, 127, 128, 384, json::MAX_EVENT] {
        let events = Bundle::MAX_BYTES / event_of(each).json.len();
        let many = Exchange::MAX_WANTED.min(events);
        let bundle = |n: usize| {
            // As many events in each, the rest in the last; as far apart as numbers can be.
            let count = if n + 1 == many { events - events / many * (many - 1) } else { events / many };
            let id = BundleId { origin: OriginId([n as u8; 32]), seq: (u64::MAX / 2) * (n as u64 % 2) };
            Bundle { id, events: vec![event_of(each); count].into(), signature: Signature([255; 64]), second: None }
        };
        let bundles: Vec<Bundle> = (0..many).map(bundle).collect();
        let answer = Message::Exchange(Exchange::Missed { number: u32::MAX, covered: u32::MAX, bundles });
        let frame = wire::encode(&answer).unwrap();
        assert!(frame.len() <= json::MAX_FRAME, "{} bytes with events of {each}", frame.len());
        assert_eq!(wire::decode(&frame), Ok(answer));
    }
}

#[test]
fn a_bundle_that_not_every_frame_could_hold_is_refused() {
    let id = BundleId { origin: OriginId([255; 32]), seq: 1 };
    for (count, taken) in [(24, true), (25, false)] {
        let bundle =
            Bundle { id, events: vec![event_of(2_048); count].into(), signature: Signature([1; 64]), second: None };
        let way = Way { ttl: 9, hops: 1, like: None };
        let pushed = wire::encode(&Message::Bundle { way, bundle: bundle.clone() }).unwrap();
        let missed = Message::Exchange(Exchange::Missed { number: 1, covered: 1, bundles: vec![bundle] });
        for frame in [pushed, wire::encode(&missed).unwrap()] {
            assert_eq!(wire::decode(&frame).is_ok(), taken, "{count} events");
        }
    }
}

#[test]
fn the_largest_frames_of_control_fit_and_larger_ones_are_refused() {
    let origin = OriginId([255; 32]);
    let announced = Announced { name: u16::MAX, step: i64::MIN, age: u16::MAX };
    let largest = |more: usize| {
        let announcement =
            Announcement { number: 0, names: Vec::new(), bundles: vec![announced; wire::MAX_ANNOUNCED + more] };
        let names = Announcement {
            number: 0,
            names: vec![origin; wire::MAX_ANNOUNCED + more],
            bundles: vec![announced; 1_024],
        };
        let grafts = vec![Grafted { origin, wanted: Vec::new() }; wire::MAX_GRAFTED + more];
        let wanted = Grafted { origin, wanted: vec![u64::MAX; wire::MAX_GRAFTED - 1 + more] };
        [
            Message::IHave(announcement),
            Message::IHave(names),
            Message::Graft(grafts),
            Message::Graft(vec![wanted]),
            Message::Prune(vec![origin; wire::MAX_GRAFTED + more]),
        ]
    };
    for message in largest(0) {
        let frame = wire::encode(&message).unwrap();
        assert!(frame.len() <= json::MAX_FRAME, "{}", frame.len());
        assert_eq!(wire::decode(&frame), Ok(message));
    }
    for message in largest(1) {
        let error = wire::decode(&wire::encode(&message).unwrap()).unwrap_err().to_string();
        assert!(error.contains("in a frame"), "{error}");
    }
}

#[test]
fn other_versions_and_absurd_numbers_are_refused_in_words() {
    let origin = OriginId([1; 32]);
    let frame = wire::encode(&Message::Prune(vec![origin])).unwrap();
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
    fn a_bundle_by_itself_is_read_as_it_was_written_and_nothing_else_is(bundle in bundle(), cut in any::<prop::sample::Index>()) {
        let bytes = wire::encode_bundle(&bundle).unwrap();
        prop_assert_eq!(wire::decode_bundle(&bytes), Ok(bundle));
        prop_assert!(wire::decode_bundle(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(wire::decode_bundle(&[&bytes[..], &[0]].concat()).is_err());
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

#[test]
fn contents_and_cheats_of_a_frame_fit_into_it_and_more_are_refused() {
    let origin = |n: usize| {
        let mut bytes = [255; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        OriginId(bytes)
    };
    let content = |n: usize| {
        let seq = if n.is_multiple_of(2) { u64::MAX } else { 0 };
        (BundleId { origin: origin(n), seq }, BundleHash([255; 16]))
    };
    let contents = |many| {
        let contents = (0..many).map(content).collect();
        wire::encode(&Message::Exchange(Exchange::Contents { from: u64::MAX, until: u64::MAX, contents })).unwrap()
    };
    let forked = |many| wire::encode(&Message::Forked((0..many).map(origin).collect())).unwrap();
    let prove = |many| wire::encode(&Message::Prove((0..many).map(origin).collect())).unwrap();
    for (most, more) in
        [(contents(Exchange::MAX_CONTENTS), contents(513)), (forked(1_024), forked(1_025)), (prove(4), prove(5))]
    {
        assert!(most.len() <= json::MAX_FRAME && wire::decode(&most).is_ok());
        assert!(wire::decode(&more).is_err());
    }
}
