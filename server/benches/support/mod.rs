//! Release processes on loopback, and a plain HTTP client.

#![allow(dead_code, reason = "each bench uses some of it")]

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::fs::File;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A connection for HTTP.
pub(crate) type Client = SendRequest<Full<Bytes>>;

/// A node in a process of its own.
pub(crate) struct Node {
    pub(crate) process: Child,
    pub(crate) http: String,
    pub(crate) peers: String,
    _data: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a node that is bootstrapped to these, on ports that the system chooses, with a data folder of its own. It is
/// target/release/beauty-mesh, or what the variable BEAUTY_MESH names: to compare two builds.
pub(crate) fn start(name: &str, peers: &[&Node]) -> Node {
    start_in(tempfile::tempdir().unwrap(), name, peers)
}

/// The same in a data folder that may hold something already.
pub(crate) fn start_in(data: TempDir, name: &str, peers: &[&Node]) -> Node {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let binary = std::env::var("BEAUTY_MESH").unwrap_or_else(|_| format!("{root}/target/release/beauty-mesh"));
    let peers: Vec<&str> = peers.iter().map(|node| node.peers.as_str()).collect();
    // Written and read through two openings: one that both shared would be rewound under the writer.
    let log = data.path().join("log");
    let process = Command::new(&binary)
        .current_dir(root)
        .args(["serve", "--enable", "1", "--node-id", name, "--http", "127.0.0.1:0", "--port", "0"])
        .args(["--peers", &peers.join(",")])
        .arg("--data-dir")
        .arg(data.path())
        .env("RUST_LOG", "info")
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("{binary}: {error}; `make build` builds it"));
    let mut node = Node { process, http: String::new(), peers: String::new(), _data: data };
    let start = Instant::now();
    loop {
        let text = std::fs::read_to_string(&log).unwrap();
        if let (Some(http), Some(peers)) = (after(&text, "http://", '/'), after(&text, "connect to ws://", ';')) {
            (node.http, node.peers) = (http, format!("ws://{peers}"));
            return node;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{name} does not start: {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What stands between these in the node's log.
fn after(text: &str, before: &str, end: char) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(end)?.0.to_owned())
}

/// Connects to a node.
pub(crate) async fn client(node: &Node) -> Client {
    let stream = TcpStream::connect(&node.http).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (client, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
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

/// Memory of a process in KiB, as the system counts it: `VmRSS`, what it holds, or `VmHWM`, the most that it has held.
pub(crate) fn memory_kib(process: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
