//! `GET /federated/stream`: a snapshot, then deltas; as server-sent events, or over a WebSocket on the same path.
//!
//! Subscribed before the snapshot is read, and what the snapshot contains is left out: no gap, nothing twice.
//! A reader that falls behind gets a snapshot again instead of a queue that grows. One that comes back and says what it has heard
//! gets what it has missed instead, in one delta, where that is still remembered.

use super::problem::HttpProblem;
use super::read::Window;
use super::web_socket::{Socket, Upgrade};
use super::{AppState, origin};
use crate::node::{Frame, Mark, Missed, Node, write};
use crate::places::{Place, Places};
use app::api::StreamMessage;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use beauty::Resolution;
use futures_util::{SinkExt, Stream, StreamExt, stream};
use gossip::Bucket;
use serde::Deserialize;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How many readers a node serves at once.
const MAX_READERS: usize = 1_024;
/// How many of them one address may be: sixty-four addresses fill all places, and not sixteen. A guess.
const PER_ADDRESS: usize = 16;
/// A reader over a WebSocket has nothing to say: what it sends is small or refused, and seldom. So many a second, and at once.
const MAX_SAID: usize = 1_024;
const SAID: Bucket = Bucket::new(4, 64);

/// The places for readers: for all, and for each address.
pub(super) struct Readers(Arc<Semaphore>, Arc<Places>);

impl Readers {
    /// `limit_loopback`: whether the limit for an address holds for this machine's own, too.
    pub(super) fn new(limit_loopback: bool) -> Readers {
        Readers(Arc::new(Semaphore::new(MAX_READERS)), Places::new(PER_ADDRESS, limit_loopback))
    }

    fn take(&self, from: SocketAddr) -> Result<(OwnedSemaphorePermit, Place), HttpProblem> {
        let full = |detail| HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, "full", "Too many readers", detail);
        let of_address = self.1.take(from.ip()).ok_or_else(|| {
            full(format!("your address has {PER_ADDRESS} readers already, and can have no more: close one of them"))
        })?;
        let place = Arc::clone(&self.0)
            .try_acquire_owned()
            .map_err(|_| full(format!("{MAX_READERS} readers are served already; try another node, or again later")))?;
        Ok((place, of_address))
    }
}

pub(super) async fn stream(
    State(state): State<AppState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<Upgrade, HttpProblem>,
) -> Result<Response, HttpProblem> {
    origin::same_site(&headers)?;
    let (resolution, buckets, since) = Asked::read(asked, &headers)?;
    let place = state.readers.take(from)?;
    let reader = Reader::new(&state, (resolution, buckets), since, place);
    match upgrade {
        Ok(upgrade) => {
            let (answer, socket) = upgrade.agree(web_socket_config());
            // Tracked, so that the end of the node waits for its close frame.
            state.tasks.spawn(async {
                if let Some(socket) = socket.await {
                    reader.run(socket).await;
                }
            });
            Ok(answer)
        }
        Err(problem) if headers.contains_key(header::SEC_WEBSOCKET_KEY) => Err(problem),
        Err(_) => {
            // Proxies that gather before they pass on would hold events back.
            let unbuffered = [("x-accel-buffering", HeaderValue::from_static("no"))];
            Ok((unbuffered, Sse::new(reader.into_events())).into_response())
        }
    }
}

/// What a reader says is small; what it is told goes out at once.
fn web_socket_config() -> WebSocketConfig {
    let config = WebSocketConfig::default().max_message_size(Some(MAX_SAID)).max_frame_size(Some(MAX_SAID));
    config.read_buffer_size(2 * MAX_SAID).write_buffer_size(0)
}

/// `?buckets=40&resolution=10s&since=1763820915999-42`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    buckets: Option<String>,
    resolution: Option<String>,
    since: Option<String>,
}

impl Asked {
    /// What was asked for, and what was heard before, of which run.
    fn read(
        asked: Result<Query<Asked>, QueryRejection>,
        headers: &HeaderMap,
    ) -> Result<(Resolution, usize, Option<Mark>), HttpProblem> {
        let unknown = |_| {
            HttpProblem::bad_query("the parameters are buckets, resolution and since, as in ?buckets=40&resolution=10s")
        };
        let Query(Asked { buckets, resolution, since }) = asked.map_err(unknown)?;
        let (resolution, buckets) = Window { buckets, resolution }.checked()?;
        let since = since.map(|since| heard(&since).ok_or_else(bad_since)).transpose()?;
        // A browser's own reader of events says so in a header, and of some other stream perhaps.
        let last = headers.get("last-event-id").and_then(|id| heard(id.to_str().ok()?));
        Ok((resolution, buckets, since.or(last)))
    }
}

/// `RUN-SEQ`, as it is the id of each event.
fn heard(text: &str) -> Option<Mark> {
    let (run, seq) = text.split_once('-')?;
    Some((run.parse().ok()?, seq.parse().ok()?))
}

fn bad_since() -> HttpProblem {
    HttpProblem::bad_query("since must be the id of the last event that was heard, as in since=1763820915999-42")
}

/// One reader: its subscription, and how far it has read.
struct Reader {
    node: Node,
    resolution: Resolution,
    buckets: usize,
    deltas: broadcast::Receiver<Frame>,
    /// The delta of what it has missed, which it is told first: so it knows at once that the stream is alive.
    missed: Option<Frame>,
    /// The last number told; `None` before the snapshot, and again after falling behind.
    told: Option<u64>,
    shutdown: CancellationToken,
    _place: (OwnedSemaphorePermit, Place),
}

impl Reader {
    fn new(
        state: &AppState,
        (resolution, buckets): (Resolution, usize),
        since: Option<Mark>,
        place: (OwnedSemaphorePermit, Place),
    ) -> Reader {
        let shared = &state.node.shared;
        let deltas = shared.hub.subscribe(resolution);
        let missed = since.and_then(|since| shared.hub.missed(resolution, since));
        let missed = missed.map(|Missed { seq, cells }| Frame { seq, json: shared.delta(resolution, seq, cells) });
        Reader {
            deltas,
            node: state.node.clone(),
            resolution,
            buckets,
            missed,
            told: None,
            shutdown: state.shutdown.clone(),
            _place: place,
        }
    }

    /// The next message: its name, its number and its text. `None` when the node ends.
    async fn next(&mut self) -> Option<(&'static str, Frame)> {
        if let Some(frame) = self.missed.take() {
            self.told = Some(frame.seq);
            return Some(("delta", frame));
        }
        let Some(told) = self.told else { return Some(("snapshot", self.snapshot())) };
        loop {
            let received = tokio::select! {
                () = self.shutdown.cancelled() => return None,
                received = self.deltas.recv() => received,
            };
            match received {
                Ok(frame) if frame.seq <= told => {}
                Ok(frame) => {
                    self.told = Some(frame.seq);
                    return Some(("delta", frame));
                }
                Err(RecvError::Lagged(_)) => return Some(("snapshot", self.snapshot())),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn snapshot(&mut self) -> Frame {
        let snapshot = self.node.shared.snapshot(self.resolution, self.buckets);
        let seq = snapshot.seq;
        self.told = Some(seq);
        Frame { seq, json: write(&StreamMessage::Snapshot(Box::new(snapshot))) }
    }

    fn into_events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut reader| async move {
            let (name, frame) = reader.next().await?;
            let id = format!("{}-{}", reader.node.shared.hub.run(), frame.seq);
            Some((Ok(Event::default().event(name).id(id).data(&*frame.json)), reader))
        })
    }

    async fn run(mut self, mut socket: Socket) {
        let mut heard = SAID;
        loop {
            let message = tokio::select! {
                next = self.next() => match next {
                    Some((_, frame)) => Message::Text(Utf8Bytes::from(&*frame.json)),
                    None => {
                        let frame = CloseFrame { code: CloseCode::Away, reason: "this node ends".into() };
                        // Whether the reader hears it makes no difference: the node ends.
                        let _ = socket.send(Message::Close(Some(frame))).await;
                        return;
                    }
                },
                said = socket.next() => match said {
                    Some(Ok(_)) if heard.take(self.node.shared.time(), 1) => continue,
                    Some(Ok(_)) => {
                        let reason = "a reader has nothing to say, and says too much".into();
                        // Whether it hears that makes no difference: the connection ends.
                        let _ = socket.send(Message::Close(Some(CloseFrame { code: CloseCode::Policy, reason }))).await;
                        return;
                    }
                    Some(Err(error)) => return debug!("a reader's connection ended: {error}"),
                    None => return,
                },
            };
            // Fails also where the reader takes nothing for too long: `serve.rs` has the deadline for all answers.
            if socket.send(message).await.is_err() {
                return;
            }
        }
    }
}
