//! Twenty and fifty nodes, each telling five events a second for twenty seconds: release processes on loopback.
//!
//! Delays are what a listener at every fifth node hears: a script that is connected to it, as anybody's could be. The delay is
//! from the moment at which the event is posted until that script has it, its way through the script's node included. A listener
//! at each node would be a fifth of the frames that are measured. How many were delivered is what each node says it has.
//! Processor time is that of all node processes in the publishing window, over all deliveries. Redundancy is what
//! `/federated/gossip/summary` says: the mean of all nodes, and the most that one of them says.
//!
//! `cargo bench -p server --bench load -- 50` measures 50 nodes only.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a bench says that it can't measure")]

mod support;

use futures_util::StreamExt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Client, Node, ask, client, health, memory_kib, start, until};
use tokio_tungstenite::connect_async;

const RATE: f64 = 5.0;
const SECONDS: u64 = 20;
/// How many earlier nodes each node is bootstrapped to.
const BOOTSTRAP: usize = 3;
/// Of so many nodes one has a listener.
const LISTENED: usize = 5;

/// What the listener at a node has heard, and when.
type Heard = (usize, Arc<Mutex<Vec<(u128, Instant)>>>);

fn main() {
    // One thread, and so as little as can be of what the nodes have to share with those who measure them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "nodes  delivered     p50 ms  p99 ms  last ms  redundancy, most  cpu/delivery us  memory/node MB  equal after s"
    );
    let mut sizes: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![20, 50];
    }
    for nodes in sizes {
        runtime.block_on(measure(nodes));
    }
}

async fn measure(count: usize) {
    let mut nodes: Vec<Node> = Vec::new();
    for n in 0..count {
        let peers: Vec<&Node> = nodes.iter().rev().take(BOOTSTRAP).collect();
        nodes.push(start(&format!("node{n:02}"), &peers));
    }
    let (mut clients, mut heard): (Vec<Client>, Vec<Heard>) = (Vec::new(), Vec::new());
    for (n, node) in nodes.iter().enumerate() {
        let mut client = client(node).await;
        until(&mut client, |health| health["peers"].as_u64() >= Some(BOOTSTRAP as u64)).await;
        clients.push(client);
        if n % LISTENED == 0 {
            heard.push((n, listen(node).await));
        }
    }
    let before = processor_micros(&nodes);
    let start = Instant::now();
    let posting = clients.into_iter().enumerate().map(|(n, client)| tokio::spawn(post(n, count, client, start)));
    let mut posted: HashMap<u128, (usize, Instant)> = HashMap::new();
    let mut clients = Vec::new();
    for outcome in futures_util::future::join_all(posting).await {
        let (client, events) = outcome.unwrap();
        posted.extend(events);
        clients.push(client);
    }
    let used = processor_micros(&nodes) - before;
    let equal = equal_after(&mut clients).await;
    report(&nodes, &mut clients, &posted, &heard, (used, equal)).await;
}

/// Posts at its rate, spread so that nodes don't post at the same moment.
async fn post(n: usize, nodes: usize, mut client: Client, start: Instant) -> (Client, Vec<(u128, (usize, Instant))>) {
    let gap = Duration::from_secs_f64(1.0 / RATE);
    let mut events = Vec::new();
    for k in 0..(SECONDS as f64 * RATE) as u32 {
        let at = start + gap * k + gap.mul_f64(n as f64 / nodes as f64);
        tokio::time::sleep_until(at.into()).await;
        let posted = Instant::now();
        let answer = ask(&mut client, "POST", "/federated/events", r#"{"beauty": 0.5, "source": "load"}"#).await;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let id: uuid::Uuid = answer["event_ids"][0].as_str().unwrap().parse().unwrap();
        events.push((id.as_u128(), (n, posted)));
    }
    (client, events)
}

/// A script that hears what its node tells scripts: here, of all events.
async fn listen(node: &Node) -> Arc<Mutex<Vec<(u128, Instant)>>> {
    let (mut socket, _) = connect_async(&node.peers).await.unwrap();
    let heard = Arc::<Mutex<Vec<_>>>::default();
    let list = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Some(Ok(frame)) = socket.next().await {
            let now = Instant::now();
            let Ok(text) = frame.to_text() else { continue };
            // Cheaper than reading all of it: the listener shares the machine with what it measures.
            let Some((_, rest)) = text.split_once("\"event_id\":\"") else { continue };
            let Ok(id) = rest[..36].parse::<uuid::Uuid>() else { continue };
            list.lock().unwrap().push((id.as_u128(), now));
        }
    });
    heard
}

/// How long it takes until all nodes have one digest.
async fn equal_after(clients: &mut [Client]) -> Duration {
    let start = Instant::now();
    loop {
        let mut digests = Vec::new();
        for client in &mut *clients {
            digests.push(health(client).await["digest"].clone());
        }
        if digests.iter().all(|digest| digest == &digests[0]) {
            return start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the digests stay different");
    }
}

async fn report(
    nodes: &[Node],
    clients: &mut [Client],
    posted: &HashMap<u128, (usize, Instant)>,
    heard: &[Heard],
    (used, equal): (u64, Duration),
) {
    let mut delays: Vec<Duration> = Vec::new();
    for (n, heard) in heard {
        let heard = heard.lock().unwrap();
        let others = heard.iter().filter_map(|(id, at)| Some((posted.get(id)?, at))).filter(|((by, _), _)| by != n);
        delays.extend(others.map(|((_, sent), at)| at.duration_since(*sent)));
    }
    delays.sort();
    let mut redundancy: Vec<f64> = Vec::new();
    let mut delivered = 0;
    for (n, client) in clients.iter_mut().enumerate() {
        let own = posted.values().filter(|(by, _)| *by == n).count() as u64;
        delivered += health(client).await["events"].as_u64().unwrap() - own;
        let summary = ask(client, "GET", "/federated/gossip/summary", "").await;
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        redundancy.push(summary["redundancy"].as_f64().unwrap());
    }
    let wanted = posted.len() * (nodes.len() - 1);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    let memory: u64 = nodes.iter().map(|node| memory_kib(node.process.id(), "VmRSS")).sum();
    println!(
        "{:5}  {:6} {:5.1}%  {:7.2} {:7.2}  {:7.2}  {:10.3}, {:4.2}  {:15.1}  {:14.1}  {:13.2}",
        nodes.len(),
        delivered,
        delivered as f64 / wanted as f64 * 100.0,
        at(0.5),
        at(0.99),
        at(1.0),
        redundancy.iter().sum::<f64>() / redundancy.len() as f64,
        redundancy.iter().fold(0.0, |most: f64, one| most.max(*one)),
        used as f64 / wanted as f64,
        memory as f64 / 1_024.0 / nodes.len() as f64,
        equal.as_secs_f64(),
    );
}

/// Processor time that the nodes have used, in microseconds: user and system (proc(5), fields 14 and 15 of stat).
fn processor_micros(nodes: &[Node]) -> u64 {
    let ticks = |node: &Node| -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    // The kernel counts in hundredths of a second, whatever its own clock.
    nodes.iter().map(ticks).sum::<u64>() * 10_000
}
