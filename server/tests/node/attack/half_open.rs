//! Connections that are opened and never finished: a byte now and then.

use super::{Honest, connect, either, peers, percentile, stranger, web_socket};
use crate::process::ask;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{interval, timeout};

/// Within what such a connection is to be closed, and an honest one is to be served meanwhile. Beside other tests either may take longer.
const CLOSED: Duration = Duration::from_secs(10);
const SERVED: Duration = Duration::from_millis(100);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Opens a connection and sends it a byte at first and each ten seconds. How long until the node has closed it.
async fn trickle(from: IpAddr, to: SocketAddr, begin: &[u8]) -> Duration {
    let Ok(mut stream) = connect(from, to).await else { return Duration::ZERO };
    let start = Instant::now();
    if stream.write_all(begin).await.is_err() {
        return start.elapsed();
    }
    let (mut read, mut write) = stream.into_split();
    let mut beat = interval(Duration::from_secs(10));
    let sends = async {
        loop {
            beat.tick().await;
            if write.write_all(b"x").await.is_err() {
                return;
            }
        }
    };
    let hears = async { while read.read(&mut [0; 256]).await.is_ok_and(|read| read > 0) {} };
    tokio::select! {
        () = hears => {}
        () = sends => {}
    }
    start.elapsed()
}

/// How long honest connections take meanwhile: the 99th of a hundred, to the port for peers and to that of HTTP.
async fn honest_connects(honest: &Honest, lasts: Duration) -> [Duration; 2] {
    let (start, mut times) = (Instant::now(), [Vec::new(), Vec::new()]);
    while start.elapsed() < lasts {
        let before = Instant::now();
        let socket = web_socket(HERE, peers(&honest.alpha), None).await.expect("an honest peer comes in");
        times[0].push(before.elapsed());
        drop(socket);
        let before = Instant::now();
        let answer = ask(&mut honest.alpha.client().await, "GET", "/healthz", "").await;
        assert_eq!(answer.expect("an answer").status, 200);
        times[1].push(before.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.map(|mut times| percentile(&mut times, 99))
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_are_closed_and_honest_ones_come_through() {
    let honest = Honest::start(&[]).await;
    let (each, p2p, http) = (either(300, 1_000), peers(&honest.alpha), honest.alpha.http);
    let kinds: [(SocketAddr, &[u8]); 4] = [
        (p2p, b"GET / HTTP/1.1\r\n"),
        (p2p, b"G"),
        (http, b"GET / HTTP/1.1\r\nHost: x\r\n"),
        (http, b"POST /federated/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n["),
    ];
    let sockets: Vec<_> = (0..2 * each)
        .map(|number| {
            let (to, begin) = kinds[number % kinds.len()];
            let from = stranger(number % 250);
            tokio::spawn(timeout(3 * CLOSED, trickle(from, to, begin)))
        })
        .collect();
    let [peers_p99, http_p99] = honest_connects(&honest, Duration::from_secs(10)).await;
    let mut slowest = Duration::ZERO;
    for socket in sockets {
        slowest = slowest.max(socket.await.unwrap().expect("the node closes it"));
    }
    println!(
        "half open: {each} sockets at each port, the last was closed after {:.1} s; p99 of an honest connection \
         {:.1} ms (peers), {:.1} ms (HTTP)",
        slowest.as_secs_f64(),
        1e3 * peers_p99.as_secs_f64(),
        1e3 * http_p99.as_secs_f64(),
    );
    assert!(slowest <= either(2 * CLOSED, CLOSED), "{slowest:?}");
    let served = either(20 * SERVED, SERVED);
    assert!(peers_p99 <= served && http_p99 <= served, "{peers_p99:?}, {http_p99:?}");
}

/// What the port of HTTP holds for all, and for one address; and for how long, while the head of a request has not come.
const FOR_ALL: usize = 4_096;
const FOR_ONE: usize = 64;
const HEAD: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn one_address_takes_none_of_the_places_of_others_at_the_http_port() {
    let honest = Honest::start(&["--limit-loopback", "1"]).await;
    let (all, http) = (either(5 * FOR_ONE, FOR_ALL + 904), honest.alpha.http);
    // From one stranger, each with a head that does not end: those beyond its places are closed, the others wait for their time.
    let mut sockets = tokio::task::JoinSet::new();
    for _ in 0..all {
        sockets.spawn(trickle(stranger(1), http, b"GET / HTTP/1.1\r\nHost: x\r\n"));
    }
    for _ in FOR_ONE..all {
        let held = sockets.join_next().await.expect("it is closed").unwrap();
        assert!(held < HEAD, "one beyond its places was held for {held:?}");
    }
    assert!(sockets.try_join_next().is_none(), "those within its places wait");
    for from in [HERE, stranger(2)] {
        let stream = connect(from, http).await.unwrap();
        let answer = ask(&mut crate::support::client_on(stream).await, "GET", "/healthz", "").await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    let mut again = 0;
    while sockets.join_next().await.is_some() {
        again += 1;
    }
    assert_eq!(again, FOR_ONE);
    let stream = connect(stranger(1), http).await.unwrap();
    let answer = ask(&mut crate::support::client_on(stream).await, "GET", "/healthz", "").await;
    assert_eq!(answer.expect("its places are free again").status, 200);
    println!(
        "half open: of {all} sockets of one address at the HTTP port, {FOR_ONE} were held; others were served meanwhile"
    );
}
