//! What hostile peers and clients can do to a node that runs, and what they can't.
//!
//! Small here; `scripts/soak.sh` sets `ATTACK=full`. Each test prints a line with what it has seen. Hostile peers have
//! addresses of their own on the loopback network, so that limits for an address and bans hold for them as for strangers.

mod comings;
mod crowd;
mod flood;
mod frames;
mod half_open;
mod markup;
mod statements;

use crate::process::Process;
use crate::support::open_terms;
use futures_util::{SinkExt, StreamExt};
use gossip::join::{Channel, Joining};
use gossip::{Direction, Hello, InstanceId, Keypair, Message, wire};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

/// The small number, or the full one.
fn either<T>(small: T, full: T) -> T {
    if std::env::var("ATTACK").is_ok_and(|size| size == "full") { full } else { small }
}

/// A stranger's address of the loopback network.
fn stranger(number: usize) -> IpAddr {
    let [.., c, d] = (number as u32 + 1).to_be_bytes();
    Ipv4Addr::new(127, 1, c, d).into()
}

/// A connection from an address.
async fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// Where a node listens for peers.
fn peers(node: &Process) -> SocketAddr {
    node.peers.strip_prefix("ws://").unwrap().parse().unwrap()
}

/// A WebSocket from an address: one that has joined as the node with this key, or a script's.
async fn web_socket(from: IpAddr, to: SocketAddr, node: Option<&Keypair>) -> Result<WebSocketStream<TcpStream>, Error> {
    let stream = connect(from, to).await?;
    let mut request = format!("ws://{to}").into_client_request()?;
    let Some(key) = node else { return Ok(client_async(request, stream).await?.0) };
    request.headers_mut().insert("sec-websocket-protocol", wire::SUBPROTOCOL.parse().unwrap());
    let mut socket = client_async(request, stream).await?.0;
    let terms = Arc::new(open_terms(key));
    let (mut joining, mut say) = Joining::begin(terms, Direction::Outbound, Channel::Plain, rand::random());
    loop {
        if let Some(text) = say.take() {
            socket.send(Frame::text(text)).await?;
        }
        // A node that has had enough may close it at any moment.
        let Some(Frame::Text(text)) = socket.next().await.transpose()? else { return Err(Error::ConnectionClosed) };
        let step = joining.on_frame(&text).expect("the node's words hold");
        say = step.say;
        if step.joined.is_some() {
            if let Some(text) = say {
                socket.send(Frame::text(text)).await?;
            }
            return Ok(socket);
        }
    }
}

/// The key of a hostile peer.
fn key(number: usize) -> Keypair {
    Keypair::from_seed(&[number as u8 + 1; 32])
}

/// Who a hostile peer says that it is.
fn hello() -> Message {
    Message::Hello(Hello {
        mesh: "beauty".to_owned(),
        node_id: "hostile".to_owned(),
        instance: InstanceId(Uuid::new_v4()),
        port: 0,
        digest: None,
        tls: false,
    })
}

/// Waits until the other side has closed a connection. How long that took.
async fn closed(mut stream: TcpStream, since: Instant) -> Duration {
    while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {}
    since.elapsed()
}

/// How much memory a process has, in KiB.
fn memory_kib(node: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The share below which so many of a hundred are.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// Two honest nodes that know each other, and what the first one logs. The first is the one that is attacked.
struct Honest {
    alpha: Process,
    beta: Process,
    log: Arc<Mutex<String>>,
    _folders: [tempfile::TempDir; 2],
}

impl Honest {
    async fn start(words: &[&str]) -> Honest {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut alpha = Process::start(crate::process::command("alpha", folders[0].path()).args(words));
        let log = alpha.log_in_the_background();
        let peers = alpha.peers.clone();
        let mut beta =
            Process::start(crate::process::command("beta", folders[1].path()).args(words).args(["--peers", &peers]));
        beta.log_in_the_background();
        alpha.until("/federated/health", |health| health["peers"] == 1).await;
        Honest { alpha, beta, log, _folders: folders }
    }

    /// How many events each of the two holds.
    async fn events(&self) -> [u64; 2] {
        let events = |health: Value| health["events"].as_u64().unwrap();
        let alpha = self.alpha.get("/federated/health").await.json();
        [events(alpha), events(self.beta.get("/federated/health").await.json())]
    }

    /// Posts to the second node for a while, so many events a second in lists of ten. How many, and how many of them the first
    /// node had when the last was posted.
    async fn deliver(&self, lasts: Duration, per_second: u64) -> (u64, u64) {
        let (before, _) = (self.events().await, ());
        let mut client = self.beta.client().await;
        let mut beat = tokio::time::interval(Duration::from_secs(10) / per_second as u32);
        let (start, mut posted) = (Instant::now(), 0);
        while start.elapsed() < lasts {
            beat.tick().await;
            let list = serde_json::to_vec(&vec![serde_json::json!({ "beauty": 0.5 }); 10]).unwrap();
            let answer = crate::process::ask(&mut client, "POST", "/federated/events", list).await;
            assert_eq!(answer.expect("an answer").status, 202);
            posted += 10;
        }
        (posted, self.events().await[0] - before[0])
    }

    /// Waits until both hold the same.
    async fn agree(&self) {
        let wanted = self.events().await[1];
        self.alpha.until("/federated/health", |health| health["events"].as_u64() >= Some(wanted)).await;
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}
