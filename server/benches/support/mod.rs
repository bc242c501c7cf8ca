//! Release processes on loopback, and a plain HTTP client.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A connection for HTTP.
pub(crate) type Client = SendRequest<Full<Bytes>>;

/// A node in a process of its own.
pub(crate) struct Node {
    pub(crate) process: Child,
    pub(crate) http: String,
    pub(crate) peers: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nothing listens on, handed out once. It lies below those that systems give to outgoing connections: one
/// of the other nodes' could take it before the node that it is for does.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(21_000);
    std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .take_while(|port| *port < 32_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port from 21000 to 31999 is free")
}

/// Starts a node that is bootstrapped to these.
pub(crate) fn start(name: &str, peers: &[&Node]) -> Node {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let (http, port) = (format!("127.0.0.1:{}", free_port()), free_port());
    let peers: Vec<&str> = peers.iter().map(|node| node.peers.as_str()).collect();
    let process = Command::new(format!("{root}/target/release/beauty-mesh"))
        .current_dir(root)
        .args(["serve", "--enable", "1", "--node-id", name, "--http", &http, "--port", &port.to_string()])
        .args(["--peers", &peers.join(",")])
        .stderr(Stdio::null())
        .spawn()
        .expect("target/release/beauty-mesh runs: `make build` builds it");
    Node { process, http, peers: format!("ws://127.0.0.1:{port}") }
}

/// Connects to a node that may not listen yet.
pub(crate) async fn client(node: &Node) -> Client {
    let start = Instant::now();
    loop {
        if let Ok(stream) = TcpStream::connect(&node.http).await {
            stream.set_nodelay(true).unwrap();
            let (client, connection) = handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            return client;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "the node at {} does not answer", node.http);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One request, and its body, which must be a good one.
pub(crate) async fn ask(client: &mut Client, method: &str, path: &str, body: impl Into<Bytes>) -> Bytes {
    client.ready().await.unwrap();
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let response = client.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
    assert!(response.status().is_success(), "{method} {path}: {}", response.status());
    response.into_body().collect().await.unwrap().to_bytes()
}

/// The node's health.
pub(crate) async fn health(client: &mut Client) -> Value {
    serde_json::from_slice(&ask(client, "GET", "/federated/health", "").await).unwrap()
}

/// Waits until the node's health is as wanted.
pub(crate) async fn until(client: &mut Client, wanted: impl Fn(&Value) -> bool) {
    let start = Instant::now();
    loop {
        let health = health(client).await;
        if wanted(&health) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the node is still at {health:#}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
