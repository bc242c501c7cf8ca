//! A node that the system gives no file descriptors any more: sockets are files.

use crate::process::{Process, ask, command, limited};
use serde_json::json;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How many files the node may have open, and how many connections are held to each of its ports. That of the page takes no more
/// than half of the files, so it is the one for peers that has none left.
const FILES: usize = 64;
const HELD: usize = 2 * FILES;

fn hold(to: SocketAddr) -> Vec<TcpStream> {
    (0..HELD).map(|_| TcpStream::connect(to).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_what_stands_goes_on_and_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Process::start(&mut limited(&format!("ulimit -n {FILES}"), "alpha", folder.path()));
    let peers = node.peers.strip_prefix("ws://").unwrap().parse().unwrap();
    let (log, mut client) = (node.log_in_the_background(), node.client().await);
    let health = ask(&mut client, "GET", "/federated/health", "").await.expect("an answer");
    assert_eq!(health.status, 200);
    let start = Instant::now();
    let mut held = vec![hold(node.http), hold(peers)];
    let said = |what: &str| log.lock().unwrap().matches(what).count();
    let mut acknowledged = 0;
    // What the node lets go of makes room, so that others are held until it has said so.
    while said("a peer could not be accepted") == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", log.lock().unwrap());
        let list = json!(vec![json!({ "beauty": 0.5 }); 10]).to_string();
        let answer = ask(&mut client, "POST", "/federated/events", list).await.expect("an answer");
        assert_eq!(answer.status, 202, "the store has its file");
        acknowledged += 10;
        if start.elapsed() > Duration::from_secs(5 * held.len() as u64 / 2) {
            held.extend([hold(node.http), hold(peers)]);
        }
    }
    assert!(said("panicked") == 0 && node.child.try_wait().unwrap().is_none(), "{}", log.lock().unwrap());
    // A line in ten seconds for each port, however often it was tried.
    let lines = said("could not be accepted");
    assert!(lines <= 2 + 2 * (start.elapsed().as_secs() as usize / 10), "{lines} in {:?}", start.elapsed());
    drop((held, client));
    node.until("/federated/health", |health| health["events"] == acknowledged).await;
    node.kill();
    let node = Process::start(&mut command("alpha", folder.path()));
    assert_eq!(node.get("/federated/health").await.json()["events"], acknowledged);
}
