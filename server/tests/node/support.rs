//! Nodes on ports that the system chose, and a plain HTTP client.

use futures_util::{SinkExt, StreamExt};
use gossip::join::{Channel, Joining, Step, Terms};
use gossip::{Direction, Keypair, OriginId};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use server::config::ServeArgs;
use server::{Ports, StartError, run};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a slow machine, shorter than a person's patience.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A WebSocket to a node.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A WebSocket that offers this subprotocol, and on which nothing was said yet.
pub(crate) async fn offer(address: &str, subprotocol: &str) -> Socket {
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().unwrap());
    connect_async(request).await.unwrap().0
}

/// The same on a stream that stands.
pub(crate) async fn offer_on<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    address: &str,
    subprotocol: &str,
) -> WebSocketStream<S> {
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().unwrap());
    client_async(request, stream).await.unwrap().0
}

/// The terms of a mesh without a secret.
pub(crate) fn open_terms(key: &Keypair) -> Terms {
    Terms { mesh: "beauty".to_owned(), key: key.clone(), secret: None, allow: None, rotations: Arc::default() }
}

/// Joins on a connection where nothing was said yet. Gives the other side's key, or by which number the connection was closed.
pub(crate) async fn join<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    terms: &Terms,
    direction: Direction,
) -> Result<OriginId, u16> {
    join_over(socket, terms, direction, Channel::Plain).await
}

/// The same over another channel than plain TCP.
pub(crate) async fn join_over<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    terms: &Terms,
    direction: Direction,
    channel: Channel,
) -> Result<OriginId, u16> {
    let terms = Arc::new(terms.clone());
    let (mut joining, mut say) = Joining::begin(terms, direction, channel, rand::random());
    loop {
        if let Some(text) = say.take() {
            socket.send(Message::text(text)).await.unwrap();
        }
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let Step { say: next, joined } = joining.on_frame(&text).expect("the node's words hold");
                if let Some(text) = next {
                    socket.send(Message::text(text)).await.unwrap();
                }
                if let Some(key) = joined {
                    return Ok(key);
                }
            }
            Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
            Some(Ok(_)) => {}
            other => panic!("the node is gone: {other:?}"),
        }
    }
}

/// A node in this process.
pub(crate) struct TestNode {
    pub(crate) http: SocketAddr,
    pub(crate) peers: Option<SocketAddr>,
    shutdown: CancellationToken,
    /// What it keeps is in here, where no data folder was named.
    _folder: TempDir,
    running: JoinHandle<Result<(), StartError>>,
}

impl TestNode {
    /// A node of this name, with more words for its command line.
    pub(crate) async fn start(name: &str, words: &[&str]) -> TestNode {
        let given = ["--enable", "1", "--node-id", name, "--http", "127.0.0.1:0", "--port", "0"];
        TestNode::start_with(given.iter().chain(words).copied()).await
    }

    pub(crate) async fn start_with<'a>(words: impl IntoIterator<Item = &'a str>) -> TestNode {
        let folder = tempfile::tempdir().unwrap();
        let mut args = ServeArgs::from_words(words).unwrap();
        args.data_dir.get_or_insert_with(|| folder.path().to_owned());
        let (shutdown, (ready, started)) = (CancellationToken::new(), oneshot::channel());
        let running = tokio::spawn(run(args, ready, shutdown.clone()));
        let Ports { http, peers } = started.await.expect("the node starts");
        TestNode { http, peers, shutdown, _folder: folder, running }
    }

    /// Nodes of these names, each bootstrapped to all before it.
    pub(crate) async fn mesh(names: &[&str]) -> Vec<TestNode> {
        let mut nodes: Vec<TestNode> = Vec::new();
        for name in names {
            let peers: Vec<String> = nodes.iter().map(TestNode::address).collect();
            nodes.push(TestNode::start(name, &["--unsigned", "accept", "--peers", &peers.join(",")]).await);
        }
        for node in &nodes {
            node.until("/federated/health", |health| health["peers"] == names.len() - 1).await;
        }
        nodes
    }

    /// Where it listens for peers.
    pub(crate) fn address(&self) -> String {
        format!("ws://{}", self.peers.expect("federation is on"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, body: impl Into<Bytes>) -> Answer {
        self.request("POST", "/federated/events", &[], body).await
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut client = client(self.http).await;
        let mut request = Request::builder().method(method).uri(path).header("host", self.http.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = client.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        Answer::of(response).await
    }

    /// Asks again and again until the answer is as wanted, and gives it.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let answer = self.get(path).await.json();
            if wanted(&answer) {
                return answer;
            }
            assert!(start.elapsed() < DEADLINE, "{path} is still {answer:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A plain WebSocket to its port for peers, as a script would open it.
    pub(crate) async fn script(&self) -> Socket {
        connect_async(self.address()).await.unwrap().0
    }

    /// Ends the node, and checks that it does.
    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        tokio::time::timeout(DEADLINE, self.running).await.expect("a node ends").unwrap().unwrap();
    }
}

/// A connection for HTTP.
pub(crate) async fn client(to: SocketAddr) -> SendRequest<Full<Bytes>> {
    client_on(TcpStream::connect(to).await.unwrap()).await
}

/// The same, on this connection.
pub(crate) async fn client_on(stream: TcpStream) -> SendRequest<Full<Bytes>> {
    let (client, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    async fn of(response: Response<Incoming>) -> Answer {
        Answer::read(response).await.expect("a whole answer")
    }

    /// `None` where the connection breaks before it is whole.
    pub(crate) async fn read(response: Response<Incoming>) -> Option<Answer> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: parts.status, headers: parts.headers, body })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// An RFC 9457 problem of this status: its words.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].is_string() && problem["title"].is_string());
        problem["detail"].as_str().unwrap().to_owned()
    }
}
