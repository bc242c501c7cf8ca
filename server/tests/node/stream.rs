//! `GET /federated/stream`: a snapshot, then deltas, both ways.

use crate::support::{DEADLINE, TestNode, client};
use app::api::{Snapshot, StreamMessage};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Server-sent events, read as a browser does.
struct Events {
    body: Incoming,
    read: String,
}

impl Events {
    async fn open(node: &TestNode) -> Events {
        let mut client = client(node.http).await;
        let request =
            Request::get("/federated/stream").header("host", "localhost").header("accept-encoding", "gzip, br");
        let response = client.send_request(request.body(Full::new(Bytes::new())).unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().get("content-encoding").is_none(), "compression would hold events back");
        Events { body: response.into_body(), read: String::new() }
    }

    /// The next event: its name, its number, its data. `None` at the end.
    async fn next(&mut self) -> Option<(String, u64, Value)> {
        while !self.read.contains("\n\n") {
            let frame = timeout(DEADLINE, self.body.frame()).await.expect("something comes all the time")?;
            self.read.push_str(std::str::from_utf8(&frame.ok()?.into_data().unwrap()).unwrap());
        }
        let (event, rest) = self.read.split_once("\n\n").map(|(event, rest)| (event.to_owned(), rest.to_owned()))?;
        self.read = rest;
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        // The run of the node, then the number.
        let (_, seq) = field("id:").split_once('-').map(|(run, seq)| (run.to_owned(), seq.to_owned())).unwrap();
        Some((field("event:"), seq.parse().unwrap(), serde_json::from_str(&field("data:")).unwrap()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_its_deltas_give_what_the_api_gives() {
    let node = TestNode::start("alpha", &[]).await;
    node.post(r#"{"beauty": 0.5}"#).await;
    let mut events = Events::open(&node).await;
    let (name, id, data) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &data["type"]), ("snapshot", &Value::from("snapshot")));
    let StreamMessage::Snapshot(mut model) = serde_json::from_value(data).unwrap() else { panic!("no snapshot") };
    assert_eq!(model.seq, id);
    for n in 0..20_u32 {
        node.post(format!(r#"{{"beauty": {}, "source": "s"}}"#, f64::from(n) / 20.0)).await;
        let mut seq = model.seq;
        while model.health.events < u64::from(n) + 2 {
            let (name, id, data) = events.next().await.unwrap();
            assert_eq!(name, "delta");
            assert_eq!(id, seq + 1, "no gap");
            seq = id;
            model.apply(serde_json::from_value(data).unwrap());
        }
    }
    let now: Snapshot = {
        let (_, _, data) = Events::open(&node).await.next().await.unwrap();
        let StreamMessage::Snapshot(now) = serde_json::from_value(data).unwrap() else { panic!("no snapshot") };
        *now
    };
    // Both end with the same column, unless a column began just between the two.
    if now.heatmap.buckets.last().map(|b| b.start) == model.heatmap.buckets.last().map(|b| b.start) {
        assert_eq!(model.heatmap, now.heatmap);
    }
    assert_eq!(model.health.digest, now.health.digest);
    // Of the numbers that no event tells, whoever comes later hears as much as who was there.
    for history in [&model.history, &now.history] {
        assert_eq!((history.resolution_seconds, history.events.last()), (10, Some(&Some(21))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_websocket_the_same_messages_come() {
    let node = TestNode::start("alpha", &[]).await;
    let (mut socket, _) = connect_async(format!("ws://{}/federated/stream?resolution=1m", node.http)).await.unwrap();
    let mut next = async || {
        let frame = timeout(DEADLINE, socket.next()).await.unwrap().unwrap().unwrap();
        serde_json::from_str::<StreamMessage>(frame.to_text().unwrap()).unwrap()
    };
    let StreamMessage::Snapshot(snapshot) = next().await else { panic!("a snapshot comes first") };
    assert_eq!(snapshot.heatmap.resolution_seconds, 60);
    node.post(r#"{"beauty": 0.5}"#).await;
    loop {
        let StreamMessage::Delta(delta) = next().await else { panic!("then deltas") };
        if delta.health.events == 1 {
            assert_eq!(delta.heatmap.buckets.last().unwrap().count, 1);
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_events_is_not_silent() {
    let node = TestNode::start("alpha", &[]).await;
    let mut events = Events::open(&node).await;
    for _ in 0..3 {
        events.next().await.expect("something comes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_says_too_much_or_does_not_read_hurts_only_itself() {
    let node = TestNode::start("alpha", &[]).await;
    let url = format!("ws://{}/federated/stream", node.http);
    let (mut talker, _) = connect_async(&url).await.unwrap();
    talker.send(Message::text("x".repeat(100_000))).await.unwrap();
    let end = async { while talker.next().await.is_some_and(|frame| frame.is_ok_and(|frame| !frame.is_close())) {} };
    timeout(DEADLINE, end).await.expect("its connection ends");
    let (_deaf, _) = connect_async(&url).await.unwrap();
    let (mut reader, _) = connect_async(&url).await.unwrap();
    for _ in 0..200 {
        node.post(r#"{"beauty": 0.5}"#).await;
    }
    let told = async {
        while let Some(Ok(frame)) = reader.next().await {
            if frame.to_text().unwrap().contains(r#""events":200,"#) {
                return;
            }
        }
        panic!("the stream ended");
    };
    timeout(DEADLINE, told).await.expect("who reads is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_of_the_stream_are_problems() {
    let node = TestNode::start("alpha", &[]).await;
    node.get("/federated/stream?resolution=fortnight").await.problem(400);
    node.request("GET", "/federated/stream", &[("sec-websocket-key", "x")], "").await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_gets_no_stream() {
    let node = TestNode::start("alpha", &[]).await;
    for (origin, open) in [("https://evil.example".to_owned(), false), (format!("http://{}", node.http), true)] {
        let mut request = format!("ws://{}/federated/stream", node.http).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        assert_eq!(connect_async(request).await.is_ok(), open, "{origin}");
    }
}
