//! Peers that are no nodes: ten-line scripts, broken ones, hostile ones.

use crate::support::{DEADLINE, TestNode};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use uuid::Uuid;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn event(node_id: &str, beauty: f64) -> Value {
    json!({ "type": "gossip", "subtype": "beauty_event", "ttl": 10, "event": {
        "event_id": Uuid::new_v4(), "node_id": node_id, "timestamp": now(), "beauty": beauty, "source": "test",
    }})
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_sends_events_and_receives_them_without_a_handshake() {
    let nodes = TestNode::mesh(&["alpha", "beta"]).await;
    let mut script = nodes[0].script().await;
    script.send(text(&event("script", 0.9))).await.unwrap();
    let health = nodes[1].until("/federated/health", |health| health["events"] == 1).await;
    assert_eq!((&health["beauty_avg"], &health["nodes"]), (&json!(0.9), &json!(3)));
    nodes[1].post(r#"{"beauty": 0.25, "source": "mood"}"#).await;
    let heard = loop {
        let heard = tokio::time::timeout(DEADLINE, script.next()).await.unwrap().unwrap().unwrap();
        // Pings that measure the way may come before it.
        if !heard.is_ping() {
            break heard;
        }
    };
    let heard: Value = serde_json::from_str(heard.to_text().unwrap()).unwrap();
    assert_eq!(
        (&heard["type"], &heard["subtype"], &heard["ttl"]),
        (&json!("gossip"), &json!("beauty_event"), &json!(9))
    );
    assert_eq!((&heard["event"]["node_id"], &heard["event"]["beauty"]), (&json!("beta"), &json!(0.25)));
    let nameless = |peer: &Value| peer["node_id"].is_null() && peer["state"] == "connected";
    nodes[0].until("/federated/network", |network| network["peers"].as_array().unwrap().iter().any(nameless)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_connection_breaks_has_gone_and_who_parts_has_not() {
    let alpha = TestNode::start("alpha", &[]).await;
    for (name, code) in [("parting", CloseCode::Policy), ("ending", CloseCode::Away)] {
        let mut script = alpha.script().await;
        let hello = json!({ "type": "mesh", "subtype": "hello", "mesh": "beauty", "node_id": name, "instance": Uuid::new_v4(), "port": 0 });
        script.send(text(&hello)).await.unwrap();
        let link = json!({ "type": "mesh", "subtype": "neighbor", "priority": "join" });
        script.send(text(&link)).await.unwrap();
        let is_there = |network: &Value| network["peers"][0]["node_id"] == name;
        alpha.until("/federated/network", is_there).await;
        script.close(Some(CloseFrame { code, reason: "".into() })).await.unwrap();
        alpha.until("/federated/network", |network| network["peers"].as_array().unwrap().is_empty()).await;
    }
    let network = alpha.until("/federated/network", |network| network["gone"] != json!([])).await;
    let gone: Vec<_> = network["gone"].as_array().unwrap().iter().map(|peer| &peer["node_id"]).collect();
    assert_eq!(gone, [&json!("ending")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_sent_twice_is_one_event() {
    let node = TestNode::start("alpha", &["--unsigned", "accept"]).await;
    let (mut one, mut two, event) = (node.script().await, node.script().await, event("script", 0.5));
    for script in [&mut one, &mut two] {
        script.send(text(&event)).await.unwrap();
        script.send(text(&event)).await.unwrap();
    }
    let summary = node.until("/federated/gossip/summary", |summary| summary["total"] == 4).await;
    assert_eq!((&summary["seen"], &summary["duplicates"], &summary["redundancy"]), (&json!(1), &json!(3), &json!(3.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_scripts_with_two_events_of_one_id_leave_all_nodes_with_the_same_one() {
    let nodes = TestNode::mesh(&["alpha", "beta", "gamma"]).await;
    let one = event("script", 0.1);
    let mut two = one.clone();
    two["event"]["beauty"] = json!(0.9);
    let (mut a, mut b) = (nodes[0].script().await, nodes[2].script().await);
    a.send(text(&one)).await.unwrap();
    b.send(text(&two)).await.unwrap();
    for node in &nodes {
        node.until("/federated/gossip/summary", |summary| summary["seen"] == 2).await;
    }
    agree(&nodes, 1).await;
}

/// Waits until all have so many events, and show the same.
async fn agree(nodes: &[TestNode], events: u64) {
    let start = std::time::Instant::now();
    loop {
        let mut shown = BTreeSet::new();
        for node in nodes {
            let health = node.get("/federated/health").await.json();
            shown.insert(json!([health["digest"], health["beauty_avg"], health["events"]]).to_string());
        }
        if shown.len() == 1 && shown.first().is_some_and(|shown| shown.ends_with(&format!(",{events}]"))) {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn also_where_both_come_in_one_bundle() {
    let nodes = TestNode::mesh(&["alpha", "beta", "gamma"]).await;
    let (mut a, mut b) = (nodes[0].script().await, nodes[2].script().await);
    for _ in 0..5 {
        let one = event("script", 0.1);
        let mut two = one.clone();
        two["event"]["beauty"] = json!(0.9);
        // A first event makes the node busy: what follows is gathered.
        for frame in [&event("script", 0.5), &one, &two] {
            a.send(text(frame)).await.unwrap();
        }
        b.send(text(&one)).await.unwrap();
    }
    for node in &nodes {
        node.until("/federated/gossip/summary", |summary| summary["seen"] == 15).await;
    }
    agree(&nodes, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_a_browser_is_no_peer() {
    let node = TestNode::start("alpha", &[]).await;
    let mut request = node.address().into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    let refused = connect_async(request).await.unwrap_err().to_string();
    assert!(refused.contains("403"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_are_refused_with_a_reason_and_the_node_goes_on() {
    let node = TestNode::start("alpha", &["--unsigned", "accept"]).await;
    let mut script = node.script().await;
    let broken = |field: &str, value: Value| {
        let mut broken = event("script", 0.5);
        broken["event"][field] = value;
        text(&broken)
    };
    let mut absurd_ttl = event("script", 0.5);
    absurd_ttl["ttl"] = json!(1_000_000);
    for frame in [
        Message::text("hello"),
        Message::text("{}"),
        Message::binary(vec![1, 2, 3]),
        text(&absurd_ttl),
        broken("beauty", json!(1.5)),
        broken("node_id", json!("n".repeat(65))),
        broken("timestamp", json!(now() + 3_600_000)),
        broken("timestamp", json!(0)),
        broken("timestamp", json!(u64::MAX)),
    ] {
        script.send(frame).await.unwrap();
    }
    script.send(text(&event("script", 0.5))).await.unwrap();
    node.until("/federated/health", |health| health["events"] == 1).await;
    let rejected = json!({
        "not_json": 1, "wrong_shape": 2, "binary": 1, "absurd_ttl": 1, "bad_event": 2, "from_the_future": 1,
        "older_than_retention": 1
    });
    node.until("/federated/gossip/summary", |summary| summary["rejected"] == rejected).await;
    // A frame that is too large can't be skipped: its connection ends, the node does not.
    script.send(Message::text("x".repeat(70_000))).await.unwrap();
    let end = async {
        while let Some(Ok(frame)) = script.next().await {
            if frame.is_close() {
                break;
            }
        }
    };
    tokio::time::timeout(DEADLINE, end).await.expect("the connection ends");
    node.until("/federated/gossip/summary", |summary| summary["rejected"]["too_large"] == 1).await;
    assert_eq!(node.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_events_are_refused_unless_the_policy_says_otherwise() {
    let node = TestNode::start("alpha", &[]).await;
    let mut script = node.script().await;
    script.send(text(&event("script", 0.5))).await.unwrap();
    node.until("/federated/gossip/summary", |summary| summary["rejected"]["unsigned"] == 1).await;
    assert_eq!(node.get("/federated/health").await.json()["events"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_do_not_read_hurt_nobody() {
    let nodes = TestNode::mesh(&["alpha", "beta"]).await;
    // With two of them every event goes to all three peers: what reaches the deaf must not hold up the third.
    let deaf = [nodes[0].script().await, nodes[0].script().await];
    nodes[0].until("/federated/health", |health| health["peers"] == 3).await;
    let events: Vec<_> = (0..500).map(|_| json!({ "beauty": 0.5, "source": "s".repeat(60) })).collect();
    let body = serde_json::to_vec(&events).unwrap();
    // Until their queues and the system's buffers are full, and they are dropped; that takes some 20 MB.
    let mut round = 0;
    while nodes[0].get("/federated/health").await.json()["peers"] == 3 {
        round += 1;
        assert!(round < 400, "the deaf are still peers after {} events", 500 * round);
        assert_eq!(nodes[0].post(body.clone()).await.status, 202);
        // The one that reads has all of them before the next batch: nobody waits for those that don't.
        nodes[1].until("/federated/health", |health| health["events"] == 500 * round).await;
    }
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_never_finishes_its_handshake_is_closed() {
    let node = TestNode::start("alpha", &[]).await;
    let mut socket = tokio::net::TcpStream::connect(node.peers.unwrap()).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let closed = async { while tokio::io::AsyncReadExt::read(&mut socket, &mut [0; 64]).await.is_ok_and(|n| n > 0) {} };
    tokio::time::timeout(DEADLINE, closed).await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_of_one_address_leave_room_for_others() {
    let node = TestNode::start("alpha", &["--limit-loopback", "1"]).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(tokio::net::TcpStream::connect(node.peers.unwrap()).await.unwrap());
    }
    // The ninth and all that follow are closed at once, long before their handshake is overdue.
    for socket in &mut silent[8..] {
        let closed = async { while tokio::io::AsyncReadExt::read(socket, &mut [0; 64]).await.is_ok_and(|n| n > 0) {} };
        tokio::time::timeout(DEADLINE, closed).await.expect("closed");
    }
    // That they stand says that no handshake was overdue yet.
    for socket in &silent[..8] {
        let read = socket.try_read(&mut [0; 64]).map_err(|error| error.kind());
        assert_eq!(read, Err(std::io::ErrorKind::WouldBlock), "the first eight stand");
    }
    drop(silent);
    let start = std::time::Instant::now();
    while connect_async(node.address()).await.is_err() {
        assert!(start.elapsed() < DEADLINE, "the places of sockets that are gone are free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
