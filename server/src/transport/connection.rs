//! One connection: a task that reads, a task that writes.
//!
//! The reader decodes, verifies and hands on; the writer empties the queue, pings, and says goodbye. Neither waits for
//! the other, so a peer that doesn't read stops nobody from hearing it, and hurts only its own queue.

use super::gate::LogGate;
use super::limits;
use super::link::{Closing, Link, LinkStats};
use crate::node::{Command, Refusal, Verified, Verifier};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use gossip::{Address, Dialect, Direction, PeerId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// What every connection shares.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) verifier: Verifier,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
    pub(crate) next_peer: Arc<AtomicU64>,
}

/// Runs a connection that stands, until it ends.
pub(super) async fn run(
    context: Context,
    socket: WebSocketStream<TcpStream>,
    direction: Direction,
    address: Address,
    dialect: Dialect,
) {
    let peer = PeerId(context.next_peer.fetch_add(1, Ordering::Relaxed));
    let (frames, queue) = mpsc::channel(limits::QUEUE);
    let (closing, stats) = (Arc::new(Closing::default()), Arc::new(LinkStats::new()));
    let link = Link { frames, dialect, closing: Arc::clone(&closing), stats: Arc::clone(&stats) };
    let label = address.to_string();
    if context.commands.send(Command::Up { peer, direction, address, link }).await.is_err() {
        return;
    }
    let (sink, stream) = socket.split();
    let ended = CancellationToken::new();
    let _end_writer = ended.clone().drop_guard();
    let writer = Writer { queue, closing: Arc::clone(&closing), stats: Arc::clone(&stats), ended };
    context.tasks.spawn(writer.run(sink, context.shutdown.clone()));
    let mut reader = Reader { context: &context, peer, dialect, label, stats, log: LogGate::default() };
    let why = tokio::select! {
        why = reader.run(stream) => why,
        () = context.shutdown.cancelled() => "this node ends".to_owned(),
        () = closed_by_node(&closing) => "closed by this node".to_owned(),
    };
    // Fails only when the node itself has ended.
    let _ = context.commands.send(Command::Down { peer, why }).await;
}

/// The node asked for the end, and the writer has had its time for a farewell.
async fn closed_by_node(closing: &Closing) {
    closing.asked.cancelled().await;
    tokio::time::sleep(limits::FAREWELL).await;
}

struct Reader<'a> {
    context: &'a Context,
    peer: PeerId,
    dialect: Dialect,
    label: String,
    stats: Arc<LinkStats>,
    log: LogGate,
}

impl Reader<'_> {
    /// Reads until the connection ends, and says why it did.
    async fn run(&mut self, mut stream: impl Stream<Item = Result<Message, Error>> + Unpin) -> String {
        loop {
            match timeout(limits::SILENCE, stream.next()).await {
                Err(_) => return format!("nothing was heard for {} s", limits::SILENCE.as_secs()),
                Ok(None) => return "the peer hung up".to_owned(),
                Ok(Some(Err(error))) => return self.on_error(&error).await,
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let reason = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                    return format!("the peer closed: {:?}", excerpt(&reason));
                }
                Ok(Some(Ok(Message::Pong(payload)))) => self.on_pong(&payload).await,
                Ok(Some(Ok(Message::Ping(_) | Message::Frame(_)))) => self.stats.on_alive(),
                Ok(Some(Ok(Message::Binary(bytes)))) => self.on_binary(&bytes).await,
                Ok(Some(Ok(Message::Text(text)))) => {
                    self.stats.on_received();
                    self.on_verified(self.context.verifier.text(&text)).await;
                }
            }
        }
    }

    async fn on_pong(&self, payload: &[u8]) {
        if let Some(rtt) = self.stats.on_pong(payload, Instant::now()) {
            // Fails only when the node has ended: then this task ends as well.
            let _ = self.context.commands.send(Command::Rtt { peer: self.peer, rtt }).await;
        }
    }

    async fn on_binary(&mut self, bytes: &[u8]) {
        self.stats.on_received();
        match self.dialect {
            Dialect::V2 => self.on_verified(self.context.verifier.binary(bytes)).await,
            Dialect::Json => {
                let why =
                    "a binary frame, but the subprotocol beauty-mesh.v2 was not agreed on; JSON goes in text frames";
                self.refuse("binary", false, why).await;
            }
        }
    }

    async fn on_verified(&mut self, verified: Result<Verified, Refusal>) {
        match verified {
            Ok(Verified { message, told }) => {
                let frame = Command::Frame { peer: self.peer, message, told };
                // Fails only when the node has ended: then this task ends as well.
                let _ = self.context.commands.send(frame).await;
            }
            Err(refusal) => self.refuse(refusal.reason, refusal.event, &refusal.why).await,
        }
    }

    async fn on_error(&mut self, error: &Error) -> String {
        if let Error::Capacity(why) = error {
            self.refuse("too_large", false, &why.to_string()).await;
        }
        format!("the connection broke: {error}")
    }

    async fn refuse(&mut self, reason: &'static str, event: bool, why: &str) {
        if let Some(withheld) = self.log.pass(Instant::now()) {
            warn!(peer = %self.label, reason, withheld, "refused a frame: {why}");
        }
        let _ = self.context.commands.send(Command::Refused { peer: self.peer, reason, event }).await;
    }
}

struct Writer {
    queue: mpsc::Receiver<Message>,
    closing: Arc<Closing>,
    stats: Arc<LinkStats>,
    /// The reader has ended.
    ended: CancellationToken,
}

impl Writer {
    async fn run(mut self, mut sink: impl Sink<Message, Error = Error> + Unpin, shutdown: CancellationToken) {
        let mut pings = tokio::time::interval(limits::PING);
        let mut number: u64 = 0;
        loop {
            let sent = tokio::select! {
                biased;
                // Ends that leave time for a farewell come before those that leave none.
                () = shutdown.cancelled() => return self.farewell(sink, CloseCode::Away, "this node ends").await,
                () = self.closing.asked.cancelled() => {
                    let because = self.closing.because.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    return self.farewell(sink, CloseCode::Policy, &because).await;
                }
                () = self.ended.cancelled() => return,
                _ = pings.tick() => {
                    number += 1;
                    self.stats.on_ping(number, Instant::now());
                    let ping = Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes()));
                    timeout(limits::WRITE, sink.send(ping)).await
                }
                Some(frame) = self.queue.recv() => timeout(limits::WRITE, self.write(&mut sink, frame)).await,
            };
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return debug!("a write failed: {error}"),
                Err(_) => {
                    // The reader may hear this peer for as long as it likes: the connection must be ended from here.
                    "it takes no bytes"
                        .clone_into(&mut self.closing.because.lock().unwrap_or_else(PoisonError::into_inner));
                    return self.closing.asked.cancel();
                }
            }
        }
    }

    /// One frame, and all that wait behind it, before one flush.
    async fn write(
        &mut self,
        sink: &mut (impl Sink<Message, Error = Error> + Unpin),
        frame: Message,
    ) -> Result<(), Error> {
        let mut next = Some(frame);
        while let Some(frame) = next {
            let bytes = frame.len();
            sink.feed(frame).await?;
            self.stats.on_sent(bytes);
            next = self.queue.try_recv().ok();
        }
        sink.flush().await
    }

    /// What is queued, a reason, the end; or just the end, if that takes too long.
    async fn farewell(mut self, mut sink: impl Sink<Message, Error = Error> + Unpin, code: CloseCode, because: &str) {
        let goodbye = async {
            if let Ok(frame) = self.queue.try_recv() {
                self.write(&mut sink, frame).await?;
            }
            sink.send(Message::Close(Some(CloseFrame { code, reason: because.to_owned().into() }))).await
        };
        // Whether the peer heard it makes no difference: the connection ends.
        let _ = timeout(limits::FAREWELL, goodbye).await;
    }
}

/// What is logged of a peer's words.
fn excerpt(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Unsigned;
    use crate::node::Shared;
    use beauty::{Ledger, LedgerConfig, Origin};
    use futures_util::stream;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_falls_silent_is_given_up() {
        let shared = Arc::new(Shared::new(Origin::new("me").unwrap(), Ledger::new(LedgerConfig::default())));
        let (commands, _received) = mpsc::channel(1);
        let context = Context {
            commands,
            verifier: Verifier::new(shared, Unsigned::Accept),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            next_peer: Arc::default(),
        };
        let (peer, stats) = (PeerId(1), Arc::new(LinkStats::new()));
        let mut reader = Reader {
            context: &context,
            peer,
            dialect: Dialect::Json,
            label: String::new(),
            stats,
            log: LogGate::default(),
        };
        let start = tokio::time::Instant::now();
        assert_eq!(reader.run(stream::pending()).await, "nothing was heard for 35 s");
        assert_eq!(start.elapsed(), limits::SILENCE);
    }
}
