//! What is signed, by whom, and what becomes of the rest.

use crate::support::{DEADLINE, Socket, TestNode, join, offer, open_terms};
use futures_util::{SinkExt, StreamExt};
use gossip::{
    Bundle, BundleId, Direction, Event, Hello, InstanceId, Keypair, Message, Priority, Signature, Way, bundle_bytes,
    json, wire,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_tungstenite::tungstenite::Message as Frame;
use uuid::Uuid;

pub(crate) fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

/// A bundle of one event in this name, signed for this mesh. No two have one number.
pub(crate) fn bundle(pair: &Keypair, mesh: &str, name: &str) -> Bundle {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let (id, now) = (Uuid::new_v4(), micros() + 10 * MADE.fetch_add(1, Ordering::Relaxed));
    let json = format!(r#"{{"event_id":"{id}","node_id":"{name}","timestamp":{},"beauty":0.5}}"#, now / 1_000);
    let event = Event { id, node_id: name.into(), json: json.into() };
    let id = BundleId { origin: pair.origin(), seq: now };
    let mut bundle = Bundle { id, events: vec![event].into(), signature: Signature::NONE, second: None };
    bundle.signature = pair.sign(&bundle_bytes(mesh, &bundle));
    bundle
}

pub(crate) fn pushed(bundle: Bundle) -> Message {
    Message::Bundle { way: Way { ttl: 9, hops: 1, like: None }, bundle }
}

/// A peer of this key that speaks the binary dialect.
pub(crate) async fn peer(node: &TestNode, pair: &Keypair) -> Socket {
    let mut socket = offer(&node.address(), wire::SUBPROTOCOL).await;
    join(&mut socket, &open_terms(pair), Direction::Outbound).await.unwrap();
    socket
}

pub(crate) async fn say(peer: &mut Socket, message: Message) {
    peer.send(Frame::binary(wire::encode(&message).unwrap())).await.unwrap();
}

/// Makes a link of a connection.
pub(crate) async fn link(peer: &mut Socket, name: &str) {
    let hello = Hello {
        mesh: "beauty".to_owned(),
        node_id: name.to_owned(),
        instance: InstanceId(Uuid::new_v4()),
        port: 1,
        digest: None,
        tls: false,
    };
    say(peer, Message::Hello(hello)).await;
    say(peer, Message::Neighbor(Priority::Join)).await;
}

/// What is forged in every way but by the key itself.
fn forged(pair: &Keypair, other: &Keypair) -> Vec<Bundle> {
    let unsigned = Bundle { signature: Signature::NONE, ..bundle(pair, "beauty", "honest") };
    let another_mesh = bundle(pair, "ugly", "honest");
    let mut in_anothers_name = bundle(other, "beauty", "honest");
    in_anothers_name.id.origin = pair.origin();
    let mut changed = bundle(pair, "beauty", "honest");
    changed.events = bundle(pair, "beauty", "honest").events;
    let mut renumbered = bundle(pair, "beauty", "honest");
    renumbered.id.seq += 1;
    let mut no_key = bundle(pair, "beauty", "honest");
    no_key.id.origin.0 = [0; 32];
    vec![unsigned, another_mesh, in_anothers_name, changed, renumbered, no_key]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_by_its_origin_for_this_mesh_is_refused_and_the_rest_is_shown() {
    let node = TestNode::start("alpha", &[]).await;
    let (pair, other) = (Keypair::from_seed(&[1; 32]), Keypair::from_seed(&[2; 32]));
    let mut peer = peer(&node, &pair).await;
    let forged = forged(&pair, &other);
    let (bad, mut good) = (forged.len(), 0);
    for bundle in forged {
        // The same id again with the right signature: what was refused is not remembered.
        let mut mended = bundle.clone();
        mended.signature = pair.sign(&bundle_bytes("beauty", &mended));
        say(&mut peer, pushed(bundle)).await;
        if mended.id.origin == pair.origin() {
            good += 1;
            say(&mut peer, pushed(mended)).await;
        }
    }
    let health = node.until("/federated/health", |health| health["events"] == good).await;
    assert_eq!(health["public_key"].as_str().unwrap().len(), 64);
    node.until("/federated/gossip/summary", |summary| summary["rejected"] == json!({ "bad_signature": bad })).await;
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_forges_is_marked_and_names_its_key() {
    let node = TestNode::start("alpha", &[]).await;
    let pair = Keypair::from_seed(&[3; 32]);
    let mut peer = peer(&node, &pair).await;
    link(&mut peer, "forger").await;
    for bundle in forged(&pair, &Keypair::from_seed(&[4; 32])) {
        say(&mut peer, pushed(bundle)).await;
    }
    let network = node.until("/federated/network", |network| network["peers"][0]["refused"] == 6).await;
    assert_eq!(network["peers"][0]["public_key"], hex::encode(pair.origin().0));
    assert_eq!(node.get("/federated/health").await.json()["events"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_comes_by_reconciliation_only_what_is_forged_is_left_out() {
    let alpha = TestNode::start("alpha", &[]).await;
    // It has, says the root, what alpha lacks; and answers as a store would, but for one bundle.
    let pair = Keypair::from_seed(&[5; 32]);
    let mut peer = peer(&alpha, &pair).await;
    let hello = Hello {
        mesh: "beauty".to_owned(),
        node_id: "store".to_owned(),
        instance: InstanceId(Uuid::new_v4()),
        port: 1,
        digest: Some(gossip::Digest("of more".into())),
        tls: false,
    };
    say(&mut peer, Message::Hello(hello)).await;
    say(&mut peer, Message::Neighbor(Priority::Join)).await;
    let mut bundles: Vec<Bundle> = (0..20).map(|_| bundle(&pair, "beauty", "honest")).collect();
    for (n, bundle) in bundles.iter_mut().enumerate() {
        bundle.id.seq += n as u64;
        bundle.signature = pair.sign(&bundle_bytes("beauty", bundle));
    }
    bundles[7].signature.0[1] ^= 1;
    answer_as_a_store(&mut peer, &bundles).await;
    let health = alpha.until("/federated/health", |health| health["events"] == 19).await;
    assert_eq!(health["conflicts"], json!([]));
    assert_eq!(alpha.get("/federated/gossip/summary").await.json()["rejected"], json!({ "bad_signature": 1 }));
}

/// Answers questions until all bundles were asked for.
async fn answer_as_a_store(peer: &mut Socket, bundles: &[Bundle]) {
    use gossip::{Exchange, Fingerprint, Width};
    let asked = async {
        loop {
            let Some(Ok(frame)) = peer.next().await else { panic!("the node hung up") };
            let Frame::Binary(bytes) = frame else { continue };
            let Ok(Message::Exchange(exchange)) = wire::decode(&bytes) else { continue };
            let answer = match exchange {
                Exchange::GetSums { width, from, until } => {
                    let start = bundles[0].id.seq / Width::Hour.micros() * Width::Hour.micros();
                    let sum: Fingerprint = bundles.iter().map(|bundle| Fingerprint::of(&bundle.hash())).collect();
                    Exchange::Sums { width, from, until, slots: vec![(start, sum)] }
                }
                Exchange::GetIds { from, until } => {
                    Exchange::Ids { from, until, ids: bundles.iter().map(|bundle| bundle.id).collect() }
                }
                Exchange::Want { number, ids } => {
                    let wanted = bundles.iter().filter(|bundle| ids.iter().any(|wanted| wanted.is(bundle)));
                    let wanted: Vec<Bundle> = wanted.cloned().collect();
                    let (covered, last) = (ids.len() as u32, wanted.contains(&bundles[19]));
                    say(peer, Message::Exchange(Exchange::Missed { number, covered, bundles: wanted })).await;
                    if last {
                        return;
                    }
                    continue;
                }
                _ => continue,
            };
            say(peer, Message::Exchange(answer)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.expect("the node asks for what it lacks");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_belongs_to_the_first_key_and_a_second_one_is_shown_as_a_conflict() {
    let node = TestNode::start("alpha", &[]).await;
    let (first, second) = (Keypair::from_seed(&[6; 32]), Keypair::from_seed(&[7; 32]));
    let mut peer = peer(&node, &first).await;
    for (pair, name) in [(&first, "beta"), (&second, "beta"), (&second, "alpha")] {
        say(&mut peer, pushed(bundle(pair, "beauty", name))).await;
    }
    let health = node.until("/federated/health", |health| health["events"] == 3).await;
    let [own, first, second] =
        [health["public_key"].clone(), json!(hex::encode(first.origin().0)), json!(hex::encode(second.origin().0))];
    let conflict = |name: &str, key: &Value| json!({ "node_id": name, "public_key": key, "others": [second] });
    assert_eq!(health["conflicts"], json!([conflict("alpha", &own), conflict("beta", &first)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_stays_with_its_first_key_after_a_restart_however_much_another_has_said_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["--data-dir", folder.path().to_str().unwrap()];
    let (first, second) = (Keypair::from_seed(&[16; 32]), Keypair::from_seed(&[17; 32]));
    let right = json!({
        "node_id": "beta",
        "public_key": hex::encode(first.origin().0),
        "vouched_by": null,
        "others": [hex::encode(second.origin().0)],
    });
    let is_right = |named: &Value| named.as_array().unwrap().contains(&right);
    let node = TestNode::start("alpha", &words).await;
    let mut peer = peer(&node, &second).await;
    say(&mut peer, pushed(bundle(&first, "beauty", "beta"))).await;
    let all = 5_000;
    for _ in 0..all {
        say(&mut peer, pushed(bundle(&second, "beauty", "beta"))).await;
    }
    node.until("/federated/health", |health| health["events"] == 1 + all).await;
    node.until("/federated/nodes", is_right).await;
    node.end().await;
    let node = TestNode::start("alpha", &words).await;
    let named = node.get("/federated/nodes").await.json();
    assert!(is_right(&named), "{named:#}");
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_in_an_unsigned_event_vouches_for_it() {
    let nodes = TestNode::mesh(&["alpha", "beta"]).await;
    assert_eq!(nodes[0].post(r#"{"beauty": 0.5}"#).await.status, 202);
    let mut script = nodes[0].script().await;
    let event = json!({ "type": "gossip", "subtype": "beauty_event", "event": {
        "event_id": Uuid::new_v4(), "node_id": "script", "timestamp": micros() / 1_000, "beauty": 0.5,
    }});
    script.send(Frame::text(event.to_string())).await.unwrap();
    let alpha = nodes[0].get("/federated/health").await.json()["public_key"].clone();
    let named = nodes[1].until("/federated/nodes", |named| named.as_array().unwrap().len() == 3).await;
    let right = json!({ "node_id": "script", "public_key": null, "vouched_by": alpha, "others": [] });
    assert_eq!(named[2], right);
    assert_eq!((&named[0]["node_id"], &named[0]["public_key"]), (&json!("alpha"), &alpha));
    for node in &nodes {
        assert_eq!(node.get("/federated/network").await.json()["vouched"], json!(["script"]));
    }
}

/// The ten lines of docs/protocol.md, with whatever Python has the package that they need.
#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_python_that_the_protocol_shows_sign_an_event() {
    let docs = include_str!("../../../docs/protocol.md");
    let code = docs.split("```python\n").find(|block| block.contains("signed = b")).unwrap();
    let code = code.split("```").next().unwrap().trim_end();
    assert_eq!(code.lines().count(), 10);
    let python = |code: &str| std::process::Command::new("python3").args(["-c", code]).output();
    if !python("import cryptography").is_ok_and(|done| done.status.success()) {
        return eprintln!("python3 with the package cryptography is not here: the lines were not run");
    }
    let done = python(&format!("{code}\nprint(frame)")).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let node = TestNode::start("alpha", &[]).await;
    let frame = String::from_utf8(done.stdout).unwrap();
    node.script().await.send(Frame::text(frame.trim())).await.unwrap();
    let named = node.until("/federated/nodes", |named| named.as_array().unwrap().len() == 2).await;
    assert_eq!(named[1]["node_id"], "my-script");
    assert!(named[1]["public_key"].is_string() && named[1]["vouched_by"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_a_script_signs_itself_needs_nobody_to_vouch_for_it() {
    let alpha = TestNode::start("alpha", &[]).await;
    let beta = TestNode::start("beta", &["--peers", &alpha.address()]).await;
    beta.until("/federated/health", |health| health["peers"] == 1).await;
    let (mut speaker, mut listener, pair) = (alpha.script().await, beta.script().await, Keypair::from_seed(&[8; 32]));
    beta.until("/federated/health", |health| health["peers"] == 2).await;
    let signed = bundle(&pair, "beauty", "script");
    let mut late = bundle(&pair, "beauty", "script");
    late.id.seq += 3_600_000_000;
    late.signature = pair.sign(&bundle_bytes("beauty", &late));
    let forged = Bundle { signature: Signature([9; 64]), ..bundle(&pair, "beauty", "script") };
    for bundle in [&late, &forged, &signed] {
        speaker.send(Frame::text(json::encode(&pushed(bundle.clone())).unwrap())).await.unwrap();
    }
    let named = beta.until("/federated/nodes", |named| named.as_array().unwrap().len() == 2).await;
    assert_eq!(named[1]["public_key"], hex::encode(pair.origin().0));
    let rejected = alpha.get("/federated/gossip/summary").await.json()["rejected"].clone();
    assert_eq!(rejected, json!({ "bad_signature": 1, "from_the_future": 1 }));
    let heard = async {
        loop {
            if let Some(Ok(Frame::Text(text))) = listener.next().await {
                return json::decode(&text).unwrap();
            }
        }
    };
    let Message::Bundle { bundle, .. } = tokio::time::timeout(DEADLINE, heard).await.unwrap() else {
        panic!("a bundle")
    };
    assert_eq!(bundle, signed, "who hears it elsewhere can check it");
}
