//! One frame of each kind, in both dialects: what damage starts from.

use gossip::{
    Announced, Announcement, Bundle, BundleId, Digest, Event, Exchange, Fingerprint, Grafted, Hello, InstanceId,
    Keypair, Message, OriginId, Place, Priority, Probe, Profile, Pulse, Root, Rotation, SecondKeypair, SecondSignature,
    Signature, Spot, Way, Width, json, wire,
};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) fn event(number: u128) -> Event {
    let id = Uuid::from_u128(number);
    let json = format!(r#"{{"event_id":"{id}","node_id":"n{number}","timestamp":1700000000000,"beauty":0.5}}"#);
    Event { id, node_id: format!("n{number}").into(), json: json.into() }
}

pub(crate) fn origin(number: u8) -> OriginId {
    OriginId([number; 32])
}

pub(crate) fn bundle(from: u8, seq: u64) -> Bundle {
    let number = u128::from(from) << 64 | u128::from(seq);
    let id = BundleId { origin: origin(from), seq };
    Bundle { id, events: vec![event(number), event(number + 1)].into(), signature: Signature([7; 64]), second: None }
}

/// The same, with a second signature, and one event, so that scripts hear of it.
fn twice(from: u8, seq: u64) -> Bundle {
    let second = Some(SecondSignature(Arc::new([8; SecondSignature::BYTES])));
    let whole = bundle(from, seq);
    Bundle { events: whole.events[..1].into(), second, ..whole }
}

fn key(number: u8) -> Keypair {
    Keypair::from_seed(&[number; 32]).with_second(SecondKeypair::from_seed(&[number; 32]))
}

pub(crate) fn hello(instance: u128) -> Hello {
    Hello {
        mesh: "beauty".to_owned(),
        node_id: format!("n{instance}"),
        instance: InstanceId(Uuid::from_u128(instance)),
        port: 8091,
        digest: Some(Digest(Arc::from("abc"))),
        tls: true,
    }
}

/// A message of each kind.
pub(crate) fn messages() -> Vec<Message> {
    let twin = Bundle { events: vec![event(8), event(9)].into(), ..bundle(1, 6) };
    let sum = Fingerprint { hash: 7, count: 1 };
    let announced = |name, step| Announced { name, step, age: 200 };
    vec![
        Message::Event { ttl: 7, event: event(7) },
        Message::Hello(hello(9)),
        Message::Peers(vec!["ws://192.0.2.7:8091".parse().unwrap(), "ws://node.example:1".parse().unwrap()]),
        Message::Neighbor(Priority::Near),
        Message::NeighborReply { accepted: true, dropped: Some("ws://192.0.2.8:8091".parse().unwrap()) },
        Message::ForwardJoin { newcomer: "ws://192.0.2.9:8091".parse().unwrap(), ttl: 5 },
        Message::Disconnect { instead: Some("ws://node.example:2".parse().unwrap()) },
        Message::Digest(Digest(Arc::from("abc"))),
        Message::Bundle { way: Way { ttl: 9, hops: 1, like: Some(origin(2)) }, bundle: bundle(1, 5) },
        Message::Exchange(Exchange::Missed { number: 1, covered: 1, bundles: vec![bundle(1, 6)] }),
        Message::Exchange(Exchange::Root(Root { from: 0, until: 1_700_000_000_000_000, sum })),
        Message::Exchange(Exchange::Sums {
            width: Width::Ten,
            from: 0,
            until: 30_000_000,
            slots: vec![(10_000_000, sum)],
        }),
        Message::Exchange(Exchange::GetSums { width: Width::Hour, from: 0, until: 3_600_000_000 }),
        Message::Exchange(Exchange::GetIds { from: 0, until: 10_000_000 }),
        Message::Exchange(Exchange::Ids { from: 0, until: 10, ids: vec![bundle(1, 6).id] }),
        Message::Exchange(Exchange::Want { number: 1, ids: vec![bundle(1, 6).id.into()] }),
        Message::Exchange(Exchange::Want { number: 1, ids: vec![(bundle(1, 6).id, bundle(1, 6).hash()).into()] }),
        Message::Exchange(Exchange::GetContents { from: 0, until: 10, sum }),
        Message::Exchange(Exchange::Contents { from: 0, until: 10, contents: vec![(bundle(1, 6).id, twin.hash())] }),
        Message::Bundle { way: Way { ttl: 9, hops: 1, like: None }, bundle: twin.clone() },
        Message::Forked(vec![origin(1), origin(2)]),
        Message::Prove(vec![origin(1)]),
        Message::Evidence(bundle(1, 6)),
        Message::Evidence(twin),
        Message::IHave(Announcement {
            number: 0,
            names: vec![origin(1)],
            bundles: vec![announced(0, 7), announced(1, 1)],
        }),
        Message::Graft(vec![Grafted { origin: origin(1), wanted: vec![5] }]),
        Message::Prune(vec![origin(1)]),
        Message::Probe(Probe { origin: origin(3), seq: 5, hops: 1 }),
        Message::Pulse(Pulse { clock: 1_700_000_000_000_000, kbit: 20_000 }),
        Message::Rotations(vec![
            Rotation::state("beauty", &key(1), &key(2), 5),
            Rotation::state("beauty", &key(2), &key(3), 6),
        ]),
        Message::Bundle { way: Way { ttl: 9, hops: 1, like: None }, bundle: twice(1, 7) },
        Message::Profiles(vec![Arc::new(Profile::declare("beauty", &key(1), 5).unwrap())]),
        Message::WantProfiles(vec![origin(1), origin(2)]),
        Message::Places(vec![Place::state("beauty", &key(1), 5, Spot::near(52.5, 13.4))]),
    ]
}

pub(crate) fn texts() -> Vec<String> {
    messages().iter().filter_map(json::encode).collect()
}

pub(crate) fn frames() -> Vec<Vec<u8>> {
    messages().iter().filter_map(wire::encode).collect()
}
