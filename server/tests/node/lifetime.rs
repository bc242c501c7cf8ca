//! How a node starts and ends: as a process, with real signals.

use crate::support::{DEADLINE, TestNode};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;

/// Two free ports. They lie below those that systems give to outgoing connections, and each process of tests begins
/// elsewhere, so that nobody takes them before the node does.
fn free_ports() -> [u16; 2] {
    let first = 26_000 + (std::process::id() % 500) as u16 * 10;
    let mut free = (first..32_000).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    [free.next().unwrap(), free.next().unwrap()]
}

/// The binary, without the environment of whoever runs the tests.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beauty-mesh"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FEDERATED_") || name.starts_with("LEPTOS_"))
    {
        command.env_remove(name);
    }
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Starts the binary and waits for the line that says where its map is.
fn started(command: &mut Command) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("peers of this machine connect") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the node ended instead of starting");
    }
    (child, log)
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_node_within_two_seconds_with_open_sockets_and_streams() {
    for name in ["-TERM", "-INT"] {
        let ([http, peers], folder) = (free_ports(), tempfile::tempdir().unwrap());
        let words = [
            "serve",
            "--enable",
            "1",
            "--node-id",
            "a",
            "--http",
            &format!("127.0.0.1:{http}"),
            "--port",
            &peers.to_string(),
            "--source",
            "host",
            "--data-dir",
            folder.path().to_str().unwrap(),
        ];
        let (mut child, _log) = started(binary().args(words));
        let _peer = connect_async(format!("ws://127.0.0.1:{peers}")).await.unwrap();
        let _reader = connect_async(format!("ws://127.0.0.1:{http}/federated/stream")).await.unwrap();
        let _idle = TcpStream::connect(("127.0.0.1", http)).await.unwrap();
        let _half = TcpStream::connect(("127.0.0.1", peers)).await.unwrap();
        let mut events = TcpStream::connect(("127.0.0.1", http)).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut events, b"GET /federated/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        tokio::io::AsyncReadExt::read(&mut events, &mut [0; 1_024]).await.unwrap();
        let asked = Instant::now();
        signal(&child, name);
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        // Two seconds, and what a busy machine takes.
        let status = tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends").unwrap();
        assert!(status.success(), "{name}: {status} after {:?}", asked.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let given = ["serve", "--enable", "1", "--node-id", "a"];
    for (words, setting) in [
        (["--http", &address.to_string(), "--port", "0"], "LEPTOS_SITE_ADDR"),
        (["--http", "127.0.0.1:0", "--port", &address.port().to_string()], "FEDERATED_PORT"),
    ] {
        let output = binary().args(given).args(words).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(error.contains(&address.to_string()) && error.contains(setting), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_name_makes_one_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let words = ["--enable", "1", "--http", "127.0.0.1:0", "--port", "0", "--data-dir", data.to_str().unwrap()];
    let mut names = Vec::new();
    for _ in 0..2 {
        let node = TestNode::start_with(words).await;
        names.push(node.get("/federated/health").await.json()["node_id"].as_str().unwrap().to_owned());
        node.end().await;
    }
    assert!(names[0].starts_with("node-") && names[0] == names[1], "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_measured_and_its_calmness_reaches_the_map() {
    let start = Instant::now();
    let node = TestNode::start("alpha", &["--source", "host"]).await;
    let health = node.until("/federated/health", |health| health["events"].as_u64() >= Some(2)).await;
    assert!(start.elapsed() > Duration::from_secs(3), "every two seconds");
    let avg = health["beauty_avg"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&avg));
}

/// What a socket reads until the other side closes it.
async fn read_to_end(mut socket: TcpStream) -> String {
    let mut read = Vec::new();
    let all = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut read);
    let _ = tokio::time::timeout(DEADLINE, all).await.expect("closed");
    String::from_utf8(read).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_that_do_not_come_are_not_waited_for() {
    let node = TestNode::start("alpha", &[]).await;
    let open = async |text: &'static str| {
        let mut socket = TcpStream::connect(node.http).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, text.as_bytes()).await.unwrap();
        read_to_end(socket).await
    };
    let head = open("POST /federated/events HTTP/1.1\r\nHost: localhost\r\n");
    let body = open("POST /federated/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
    let (_, answer) = tokio::join!(head, body);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}
