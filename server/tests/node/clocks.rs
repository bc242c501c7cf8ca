//! What becomes of times that lie ahead, and of a node whose clock does.

use crate::forged::{bundle, link, micros, peer, pushed, say};
use crate::support::{DEADLINE, Socket, TestNode};
use futures_util::StreamExt;
use gossip::{Bundle, Digest, Event, Keypair, Message, Pulse, bundle_bytes, wire};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::Message as Frame;

const HOUR: u64 = 3_600_000_000;

/// A bundle so far ahead, with an event so much further.
fn ahead(pair: &Keypair, bundle_micros: u64, event_millis: u64) -> Bundle {
    let mut bundle = bundle(pair, "beauty", "ahead");
    bundle.id.seq += bundle_micros;
    let mut told: Value = serde_json::from_str(&bundle.events[0].json).unwrap();
    told["timestamp"] = json!(bundle.id.seq / 1_000 + event_millis);
    bundle.events = Arc::new([Event { json: told.to_string().into(), ..bundle.events[0].clone() }]);
    bundle.signature = pair.sign(&bundle_bytes("beauty", &bundle));
    bundle
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_counts_at_once_however_far_ahead_and_no_event_outruns_its_bundle() {
    let node = TestNode::start("alpha", &[]).await;
    let pair = Keypair::from_seed(&[21; 32]);
    let mut peer = peer(&node, &pair).await;
    say(&mut peer, pushed(ahead(&pair, 0, 60_100))).await;
    say(&mut peer, pushed(ahead(&pair, 55_000_000, 60_000))).await;
    say(&mut peer, pushed(ahead(&pair, 0, 60_000))).await;
    node.until("/federated/health", |health| health["events"] == 2).await;
    let summary = node.get("/federated/gossip/summary").await.json();
    assert_eq!(summary["rejected"], json!({ "bad_event": 1 }));
    node.end().await;
}

/// The next bundle that comes along a link.
async fn heard(peer: &mut Socket) -> Bundle {
    let bundle = async {
        loop {
            let Some(Ok(Frame::Binary(frame))) = peer.next().await else { continue };
            if let Ok(Message::Bundle { bundle, .. }) = wire::decode(&frame) {
                return bundle;
            }
        }
    };
    tokio::time::timeout(DEADLINE, bundle).await.unwrap()
}

/// A node with two links that tell that its clock is so far ahead.
async fn ahead_of_two(by: u64) -> (TestNode, Vec<Socket>) {
    let node = TestNode::start("alpha", &[]).await;
    let mut peers = Vec::new();
    for seed in [22, 23] {
        let pair = Keypair::from_seed(&[seed; 32]);
        let mut peer = peer(&node, &pair).await;
        link(&mut peer, &format!("peer-{seed}")).await;
        say(&mut peer, Message::Pulse(Pulse { clock: micros() - by, kbit: 0 })).await;
        // Once this is told of the peer, the pulse before it has been heard.
        say(&mut peer, Message::Digest(Digest("0+0+7".into()))).await;
        peers.push(peer);
    }
    let both = |peers: &Value| peers.as_array().unwrap().iter().filter(|peer| peer["events"] == 7).count() == 2;
    node.until("/federated/network", |network| both(&network["peers"])).await;
    let ahead = node.get("/federated/health").await.json()["clock_ahead_ms"].as_u64();
    assert!(ahead > Some(by / 2_000), "{ahead:?}");
    (node, peers)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_would_count_is_not_acknowledged() {
    let (node, _peers) = ahead_of_two(24 * 30 * HOUR).await;
    node.post(r#"{"beauty": 0.5}"#).await.problem(422);
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_an_hour_ahead_of_its_peers_dates_and_numbers_events_by_theirs() {
    let (node, mut peers) = ahead_of_two(HOUR).await;
    let posted = node.post(r#"{"beauty": 0.5}"#).await;
    assert_eq!(posted.status, 202, "{:?}", posted.body);
    let bundle = heard(&mut peers[0]).await;
    let told: Value = serde_json::from_str(&bundle.events[0].json).unwrap();
    let (theirs, at) = (micros() - HOUR, told["timestamp"].as_u64().unwrap());
    assert!(bundle.id.seq.abs_diff(theirs) < 30_000_000, "numbered {}", bundle.id.seq);
    assert!((at * 1_000).abs_diff(theirs) < 30_000_000, "dated {at}");
    // What the wrong clock shows lies in the future of all others.
    let late = node.post(json!({ "beauty": 0.5, "timestamp": micros() / 1_000 }).to_string()).await;
    assert!(late.problem(422).contains("in the future"), "{:?}", late.body);
    node.end().await;
}
