//! Peers that come and go without end, and events that are refused without end.

use super::{Honest, either, peers, stranger, web_socket};
use crate::process::{Process, command};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use uuid::Uuid;

/// Longer than it takes to be found out, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(75);

/// An event that nobody has signed.
fn unsigned() -> Frame {
    let event = json!({ "event_id": Uuid::new_v4(), "node_id": "loud", "timestamp": 1, "beauty": 0.5 });
    Frame::text(json!({ "type": "gossip", "subtype": "beauty_event", "ttl": 10, "event": event }).to_string())
}

/// Connects, says something that is refused, and goes. `false`: it did not come in.
async fn comes_and_goes(from: IpAddr, to: SocketAddr) -> bool {
    let Ok(mut socket) = web_socket(from, to, None).await else { return false };
    // Until the node has heard of the end.
    let _ = socket.send(unsigned()).await;
    let _ = socket.close(None).await;
    while let Some(Ok(_)) = socket.next().await {}
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_few_lines_however_often_somebody_comes_and_goes() {
    let (folder, times) = (tempfile::tempdir().unwrap(), either(200, 2_000));
    let mut node = Process::start(&mut command("alpha", folder.path()));
    let (log, to, start) = (node.log_in_the_background(), peers(&node), Instant::now());
    for _ in 0..times {
        assert!(comes_and_goes(IpAddr::from([127, 0, 0, 1]), to).await, "this machine's own are not counted");
    }
    node.until("/federated/gossip/summary", |summary| summary["rejected"]["unsigned"] == times).await;
    node.until("/federated/health", |health| health["peers"] == 0).await;
    let log = log.lock().unwrap().clone();
    let later = start.elapsed().as_secs() as usize / 10 + 1;
    for (what, at_once) in [("is connected", 32), ("is gone", 32), ("refused a frame", 8)] {
        let lines = log.matches(what).count();
        assert!((1..=at_once + later).contains(&lines), "{lines} of {times} times: {what}");
    }
    println!("comings: {times} connections, each with an event that is refused: {} lines", log.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_too_often_is_not_let_in_and_others_are() {
    let honest = Honest::start(&["--limit-loopback", "1"]).await;
    let (to, mut came) = (peers(&honest.alpha), 0);
    // Each waits for the end of the one before it: never are there more at once than an address may hold.
    while came < 2_000 && comes_and_goes(stranger(1), to).await {
        came += 1;
    }
    assert!((60..2_000).contains(&came), "{came}");
    assert!(comes_and_goes(stranger(2), to).await, "another address is let in");
    let start = Instant::now();
    while !comes_and_goes(stranger(1), to).await {
        assert!(start.elapsed() < PATIENCE, "it may come again after a while");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_events_that_are_refused_without_end_is_banned() {
    let honest = Honest::start(&["--limit-loopback", "1"]).await;
    let socket = web_socket(stranger(1), peers(&honest.alpha), None).await.unwrap();
    let ((mut sink, mut stream), event) = (socket.split(), unsigned());
    let sends = async {
        loop {
            for _ in 0..64 {
                if sink.feed(event.clone()).await.is_err() {
                    return;
                }
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    };
    let hears = async { while let Some(Ok(_)) = stream.next().await {} };
    timeout(PATIENCE, async { tokio::join!(sends, hears) }).await.expect("it is cut off");
    let (network, _) = honest.alpha.until("/federated/network", |it| it["banned"].as_array().unwrap().len() == 1).await;
    assert_eq!(network["banned"][0]["reason"], "too_fast", "{network:#}");
    assert!(web_socket(stranger(1), peers(&honest.alpha), None).await.is_err(), "and not let in again");
}
