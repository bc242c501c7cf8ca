//! Frames that are allowed one by one, and harm by their number; and peers that take nothing.

use super::{Honest, closed, connect, either, key, memory_kib, peers, stranger, web_socket};
use crate::support::DEADLINE;
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// By how much the node's memory may grow.
const GROWTH_KIB: u64 = 100 * 1_024;
/// Two pings that nobody answers, and what a slow machine takes.
const PATIENCE: Duration = Duration::from_secs(75);

/// A frame with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// A WebSocket by hand, behind its upgrade: a peer's, or with the path of the stream a reader's.
async fn upgraded(number: usize, to: SocketAddr, path: &str) -> TcpStream {
    let mut stream = connect(stranger(number), to).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Sends a first frame, then another one without end. How long until the node has closed the connection.
async fn without_end(number: usize, (to, path): (SocketAddr, &str), [first, again]: [Vec<u8>; 2]) -> Duration {
    let (mut read, mut write) = upgraded(number, to, path).await.into_split();
    let start = Instant::now();
    let sends = async {
        if write.write_all(&first).await.is_err() {
            return;
        }
        while write.write_all(&again.repeat(64)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let hears = async { while read.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {} };
    tokio::join!(sends, hears);
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_and_pings_without_end_are_cut_off_at_once() {
    let honest = Honest::start(&["--limit-loopback", "1"]).await;
    let (each, to, before) = (either(10, 100), peers(&honest.alpha), memory_kib(&honest.alpha));
    let storms = [
        (frame(0x01, b"x"), frame(0x00, b"x")),
        (frame(0x02, b""), frame(0x00, b"")),
        (frame(0x89, b"ping"), frame(0x89, b"ping")),
        (frame(0x8a, b""), frame(0x8a, b"")),
    ];
    let kinds = storms.len();
    let tasks: Vec<_> = (0..each * kinds)
        .map(|number| {
            let (first, again) = storms[number % kinds].clone();
            tokio::spawn(timeout(PATIENCE, without_end(number, (to, "/"), [first, again])))
        })
        .collect();
    let (posted, _) = honest.deliver(Duration::from_secs(2), 100).await;
    let mut slowest = Duration::ZERO;
    for task in tasks {
        slowest = slowest.max(task.await.unwrap().expect("the node closes it"));
    }
    honest.agree().await;
    let grown = memory_kib(&honest.alpha).saturating_sub(before);
    println!(
        "frames: {} storms of fragments and pings, the last was closed after {:.1} s; {posted} of {posted} honest \
         events came; memory grew by {grown} KiB",
        each * kinds,
        slowest.as_secs_f64(),
    );
    assert!(grown <= GROWTH_KIB, "{grown} KiB");
    let rejected = honest.alpha.get("/federated/gossip/summary").await.json()["rejected"].clone();
    assert_eq!(rejected["fragments"], 2 * each as u64, "{rejected}");
    assert_eq!(rejected["too_many_controls"], 2 * each as u64, "{rejected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_without_end_are_cut_off_at_the_pages_port_too() {
    let honest = Honest::start(&[]).await;
    let to = honest.alpha.http;
    let storms = [(frame(0x01, b""), frame(0x00, b"")), (frame(0x02, b"x"), frame(0x00, b"x"))];
    let tasks = (0..either(4, 40)).map(|number| {
        let (first, again) = storms[number % storms.len()].clone();
        tokio::spawn(timeout(PATIENCE, without_end(number, (to, "/federated/stream"), [first, again])))
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap().expect("the node closes it");
    }
    honest.deliver(Duration::from_secs(1), 100).await;
    honest.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_stream_that_only_talks_is_closed() {
    let honest = Honest::start(&[]).await;
    let (mut socket, _) = connect_async(format!("ws://{}/federated/stream", honest.alpha.http)).await.unwrap();
    let talks = async {
        loop {
            if socket.send(Message::Ping("x".into())).await.is_err() {
                return None;
            }
            while let Some(Some(Ok(frame))) = socket.next().now_or_never() {
                if let Message::Close(frame) = frame {
                    return frame;
                }
            }
        }
    };
    let said = timeout(PATIENCE, talks).await.expect("the node closes it");
    assert!(said.is_none_or(|frame| frame.reason.contains("nothing to say")));
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_never_read_are_given_up_and_cost_little() {
    let honest = Honest::start(&[]).await;
    let (deaf, to, before) = (either(60, 200), peers(&honest.alpha), memory_kib(&honest.alpha));
    let start = Instant::now();
    let mut sockets = Vec::new();
    for number in 0..deaf {
        // Half of them are scripts, half say that they are nodes.
        sockets.push(
            web_socket(stranger(number), to, (number % 2 == 0).then(|| key(number)).as_ref())
                .await
                .unwrap()
                .into_inner(),
        );
    }
    let (mut posted, mut grown) = (0, 0);
    // They don't read, and see the end of their connections all the same.
    let mut open: Vec<_> = sockets.iter().collect();
    while !open.is_empty() && start.elapsed() < PATIENCE {
        posted += honest.deliver(Duration::from_secs(1), 1_000).await.0;
        grown = grown.max(memory_kib(&honest.alpha).saturating_sub(before));
        open.retain(|socket| !is_closed(socket));
    }
    let took = start.elapsed();
    assert!(open.is_empty(), "{} of {deaf} are still open after {took:?}", open.len());
    honest.agree().await;
    println!(
        "deaf: {deaf} peers that never read, the last was given up after {:.0} s; {posted} of {posted} honest events \
         came; memory grew by {grown} KiB at most",
        took.as_secs_f64(),
    );
    assert!(grown <= GROWTH_KIB, "{grown} KiB");
}

/// Whether the other side has closed a connection, without reading what it has sent before.
fn is_closed(socket: &TcpStream) -> bool {
    let fd = std::os::fd::AsRawFd::as_raw_fd(socket);
    let inode = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
    let inode = inode.to_string_lossy().trim_matches(|c: char| !c.is_ascii_digit()).to_owned();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // The state is the fourth field: 01 is established.
    let line = table.lines().find(|line| line.split_whitespace().nth(9) == Some(&*inode));
    line.is_none_or(|line| line.split_whitespace().nth(3) != Some("01"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_large_is_refused_before_it_has_come() {
    let honest = Honest::start(&[]).await;
    let (before, mut sockets) = (memory_kib(&honest.alpha), Vec::new());
    for number in 0..either(40, 200) {
        let mut socket = upgraded(number, peers(&honest.alpha), "/").await;
        // It says that 16 MiB follow, and sends none of them.
        socket.write_all(&[&[0x82, 0xff][..], &(16_u64 << 20).to_be_bytes(), &[0; 4]].concat()).await.unwrap();
        sockets.push(socket);
    }
    for socket in sockets {
        timeout(DEADLINE, closed(socket, Instant::now())).await.expect("the node closes it");
    }
    let grown = memory_kib(&honest.alpha).saturating_sub(before);
    assert!(grown <= GROWTH_KIB / 4, "{grown} KiB");
}
