//! Many readers, and more connections than the system has files for.

use super::{Honest, connect, peers, stranger, web_socket};
use crate::process::{Process, limited};
use crate::support::{DEADLINE, client_on};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::time::timeout;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How many readers one address may be.
const READERS: usize = 16;

type Reader = (SendRequest<Full<Bytes>>, Response<Incoming>);

async fn reads(from: IpAddr, to: SocketAddr) -> Reader {
    let mut client = client_on(connect(from, to).await.unwrap()).await;
    let request = Request::get("/federated/stream").header("host", to.to_string()).body(Full::default()).unwrap();
    let answer = timeout(DEADLINE, client.send_request(request)).await.expect("an answer").unwrap();
    (client, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_takes_none_of_the_places_of_other_readers() {
    let honest = Honest::start(&["--limit-loopback", "1"]).await;
    let (mut readers, to) = (Vec::new(), honest.alpha.http);
    for _ in 0..READERS {
        readers.push(reads(stranger(1), to).await);
    }
    assert!(readers.iter().all(|(_, answer)| answer.status() == 200));
    let (_, more) = reads(stranger(1), to).await;
    assert_eq!(more.status(), 503, "one more than an address may be");
    assert_eq!(reads(stranger(2), to).await.1.status(), 200, "another address has its own");
    drop(readers);
    let start = Instant::now();
    while reads(stranger(1), to).await.1.status() != 200 {
        assert!(start.elapsed() < DEADLINE, "its places are free again");
    }
}

/// The soft and the hard limit for the files of a process.
fn limits(node: &Process) -> [u64; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", node.child.id())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap_or(u64::MAX));
    [(); 2].map(|()| numbers.next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_as_many_files_as_it_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let node = Process::start(&mut limited("ulimit -Sn 100; ulimit -Hn 300", "alpha", folder.path()));
    assert_eq!(limits(&node), [300, 300]);
    assert!(node.said.contains("150 connections at once instead of 4096"), "{}", node.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_port_leaves_files_for_peers() {
    const FILES: usize = 128;
    let folder = tempfile::tempdir().unwrap();
    let mut node = Process::start(&mut limited(&format!("ulimit -n {FILES}"), "alpha", folder.path()));
    let log = node.log_in_the_background();
    let mut held = Vec::new();
    for _ in 0..2 * FILES {
        held.push(TcpStream::connect(node.http).await.unwrap());
    }
    let open = || std::fs::read_dir(format!("/proc/{}/fd", node.child.id())).unwrap().count();
    let start = Instant::now();
    while open() < FILES / 2 {
        assert!(start.elapsed() < DEADLINE, "{} files are open", open());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mut come = Vec::new();
    for _ in 0..8 {
        let socket = timeout(DEADLINE, web_socket(HERE, peers(&node), None)).await;
        come.push(socket.expect("a peer is heard").expect("and comes in"));
    }
    let log = log.lock().unwrap();
    assert!(!log.contains("could not be accepted"), "{log}");
}
