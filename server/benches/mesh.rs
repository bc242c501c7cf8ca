//! How fast the node answers and takes events in, and how fast an event crosses the mesh: release processes on loopback.
//!
//! Needs `target/release/beauty-mesh`, as `make bench` builds it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a bench says that it can't measure")]

mod support;

use app::api::StreamMessage;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use serde_json::json;
use std::time::{Duration, Instant};
use support::{Client, Node, ask, client, start, until};
use tokio::runtime::Runtime;
use tokio_tungstenite::connect_async;

/// Clients that ask at the same time, each on its own connection.
const CLIENTS: u64 = 8;
/// Nodes whose rows the map shows while it is asked for.
const ROWS: usize = 3;

/// Three nodes, all connected, each with an event in the map.
async fn mesh() -> (Vec<Node>, Vec<Client>) {
    let (mut nodes, mut clients): (Vec<Node>, Vec<Client>) = (Vec::new(), Vec::new());
    for name in ["alpha", "beta", "gamma"] {
        let node = start(name, &nodes.iter().collect::<Vec<_>>());
        clients.push(client(&node).await);
        nodes.push(node);
    }
    for client in &mut clients {
        until(client, |health| health["peers"] == 2).await;
        ask(client, "POST", "/federated/events", r#"{"beauty": 0.5}"#).await;
    }
    for client in &mut clients {
        until(client, |health| health["events"] == ROWS).await;
    }
    (nodes, clients)
}

fn heatmap_requests(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (nodes, _clients) = runtime.block_on(mesh());
    let mut clients = runtime.block_on(connected(&nodes[0], CLIENTS));
    let mut group = criterion.benchmark_group("http");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(8));
    group.bench_function("GET /federated/heatmap, 40 buckets, 3 nodes, 8 clients", |bencher| {
        bencher.iter_custom(|requests| {
            runtime.block_on(asked(&mut clients, requests, ("GET", "/federated/heatmap?buckets=40&resolution=10s", "")))
        });
    });
    group.finish();
}

/// How many events a second a node answers for: each is on its disk then. Of a client that sends lists over a connection that it
/// keeps, and of many that send one event at a time.
fn ingest(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let node = start("alpha", &[]);
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (events, clients) in [(100, 1), (100, 16), (1, 1), (1, 64)] {
        let list = vec![json!({ "beauty": 0.5, "source": "bench" }); events as usize];
        let body = if events == 1 { list[0].to_string() } else { json!(list).to_string() };
        let mut connections = runtime.block_on(connected(&node, clients));
        group.throughput(Throughput::Elements(events));
        group.bench_function(format!("POST {events} at once, {clients} clients"), |bencher| {
            bencher.iter_custom(|requests| {
                runtime.block_on(asked(&mut connections, requests, ("POST", "/federated/events", &body)))
            });
        });
    }
    group.finish();
}

async fn connected(node: &Node, clients: u64) -> Vec<Client> {
    let mut connected = Vec::new();
    for _ in 0..clients {
        connected.push(client(node).await);
    }
    connected
}

/// How long so many requests take, spread over these clients, each of which waits for its answer before it asks again.
async fn asked(clients: &mut [Client], requests: u64, (method, path, body): (&str, &str, &str)) -> Duration {
    let (each, all) = (requests.div_ceil(clients.len() as u64), clients.len() as u64);
    let start = Instant::now();
    let asking = clients.iter_mut().map(|client| async move {
        for _ in 0..each {
            ask(client, method, path, body.to_owned()).await;
        }
    });
    futures_util::future::join_all(asking).await;
    // As many as were asked for, out of those that were done.
    start.elapsed().mul_f64(requests as f64 / (each * all) as f64)
}

/// From the first byte of the request to alpha until gamma's stream tells of the event; and beside it until the answer says that
/// alpha has it on disk.
fn post_to_stream(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (nodes, mut clients) = runtime.block_on(mesh());
    let (mut stream, _) = runtime.block_on(connect_async(format!("ws://{}/federated/stream", nodes[2].http))).unwrap();
    let mut events = ROWS as u64;
    let (mut delays, mut kept): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    let mut group = criterion.benchmark_group("mesh");
    group.sample_size(30).measurement_time(Duration::from_secs(10));
    group.bench_function("event posted to alpha until on gamma's stream", |bencher| {
        bencher.iter_custom(|count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                // A quiet origin: what gathers deltas has come to rest.
                runtime.block_on(async { tokio::time::sleep(Duration::from_millis(60)).await });
                let start = Instant::now();
                events += 1;
                let post = async {
                    ask(&mut clients[0], "POST", "/federated/events", json!({ "beauty": 0.5 }).to_string()).await;
                    start.elapsed()
                };
                let told = async {
                    while let Some(Ok(frame)) = stream.next().await {
                        let Ok(message) = serde_json::from_str(frame.to_text().unwrap()) else { continue };
                        let told = match message {
                            StreamMessage::Snapshot(snapshot) => snapshot.health.events,
                            StreamMessage::Delta(delta) => delta.health.events,
                        };
                        if told >= events {
                            return start.elapsed();
                        }
                    }
                    panic!("the stream ended");
                };
                let (answered, told) = runtime.block_on(async { tokio::join!(post, told) });
                delays.push(told);
                kept.push(answered);
                total += told;
            }
            total
        });
    });
    group.finish();
    for (what, mut times) in [("on gamma's stream", delays), ("on alpha's disk", kept)] {
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!("{} events {what}: median {:?}, p99 {:?}, longest {:?}", times.len(), at(0.5), at(0.99), at(1.0));
    }
}

criterion_group!(benches, heatmap_requests, post_to_stream, ingest);
criterion_main!(benches);
