//! One connection: a task that reads, a task that writes.
//!
//! The reader decodes, verifies and hands on all that has come together; the writer empties the queue, pings, and says goodbye. Neither waits for
//! the other, so a peer that doesn't read stops nobody from hearing it, and hurts only its own queue.

use super::budgets::Budgets;
use super::gate::SharedGate;
use super::guard::Abuse;
use super::joining::{Entry, Socket};
use super::lanes::{self, Queue};
use super::limits;
use super::link::{End, Link, LinkStats};
use super::pace::{self, Load, Pace, Wait};
use super::packing::Packing;
use super::uplink::Uplink;
use super::work::{Data, Work};
use crate::node::{Checked, Command, Refusal, Shared, Verifier};
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use gossip::{Address, Dialect, Direction, OriginId, PeerId};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, timeout};
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
    pub(crate) node: Arc<Shared>,
    pub(crate) verifier: Verifier,
    pub(crate) packing: Arc<Packing>,
    pub(crate) uplink: Arc<Uplink>,
    pub(crate) budgets: Arc<Budgets>,
    /// For lines about frames that were refused.
    pub(crate) refusals: Arc<SharedGate>,
    pub(crate) entry: Arc<Entry>,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
    pub(crate) next_peer: Arc<AtomicU64>,
}

/// Who is at the other end of a connection that stands.
pub(super) struct Met {
    pub(super) direction: Direction,
    /// Where we dialled, or where the peer dialled from.
    pub(super) address: Address,
    /// The host that has dialled; `None` where we did.
    pub(super) from: Option<IpAddr>,
    pub(super) dialect: Dialect,
    /// The key that the peer has proven to hold; `None` where nobody asked for a proof.
    pub(super) key: Option<OriginId>,
}

/// Runs a connection that stands, until it ends.
pub(super) async fn run(context: Context, socket: Socket, met: Met) {
    let Met { direction, address, from, dialect, key } = met;
    let peer = PeerId(context.next_peer.fetch_add(1, Ordering::Relaxed));
    let (lanes, queue) = lanes::lanes();
    let (end, stats) = (Arc::new(End::below(&context.shutdown)), Arc::new(LinkStats::new()));
    let (probe, ping) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (end_of_link, probe_of_link) = (Arc::clone(&end), Arc::clone(&probe));
    let link = Link { lanes, dialect, key, end: end_of_link, probe: probe_of_link, stats: Arc::clone(&stats) };
    let label = address.to_string();
    if context.commands.send(Command::Up { peer, direction, address, link }).await.is_err() {
        return;
    }
    let (sink, stream) = socket.split();
    let uplink = (dialect == Dialect::V2).then(|| Arc::clone(&context.uplink));
    let (commands, stats_too) = (context.commands.clone(), Arc::clone(&stats));
    let writer = Writer { queue, end: Arc::clone(&end), stats: stats_too, ping: Arc::clone(&ping), uplink, commands };
    context.tasks.spawn(writer.run(sink));
    let pace = Pace::default();
    let mut reader = Reader { context: &context, peer, from, dialect, label, stats, pace, parted: false };
    let why = tokio::select! {
        why = reader.run(stream, &probe, &ping) => {
            end.ask(&why);
            why
        }
        why = ended_by_node(&end) => why,
    };
    let parted = reader.parted;
    // Fails only when the node itself has ended.
    let _ = context.commands.send(Command::Down { peer, why, parted }).await;
}

/// The end was asked for, and the writer has had its time for a farewell.
async fn ended_by_node(end: &End) -> String {
    end.asked().await;
    let Some(because) = end.because() else { return "this node ends".to_owned() };
    tokio::time::sleep(limits::FAREWELL).await;
    format!("closed by this node: {because}")
}

struct Reader<'a> {
    context: &'a Context,
    peer: PeerId,
    from: Option<IpAddr>,
    dialect: Dialect,
    label: String,
    stats: Arc<LinkStats>,
    pace: Pace,
    /// Whether the peer has closed the connection since it wants it no more: not since it ends.
    parted: bool,
}

impl Reader<'_> {
    /// Reads until the connection ends, and says why it did. A `probe` has the peer pinged, and leaves it little time.
    async fn run(
        &mut self,
        mut stream: impl Stream<Item = Result<Message, Error>> + Unpin,
        probe: &Notify,
        ping: &Notify,
    ) -> String {
        let mut heard = Instant::now();
        let mut doubted = None;
        // Set anew only when it runs out: not for each frame.
        let mut silence = pin!(tokio::time::sleep(limits::SILENCE));
        loop {
            tokio::select! {
                biased;
                next = stream.next() => {
                    let Some(frame) = next else { return "the peer hung up".to_owned() };
                    heard = Instant::now();
                    if let Some(why) = self.on_frames(frame, &mut stream).await {
                        return why;
                    }
                }
                () = probe.notified() => {
                    ping.notify_one();
                    doubted = Some(Instant::now());
                    silence.as_mut().reset(Instant::now() + limits::DOUBT);
                }
                () = &mut silence => {
                    if doubted.take().is_some_and(|doubted| heard <= doubted) {
                        return format!("nothing was heard for {} s after a ping", limits::DOUBT.as_secs());
                    }
                    if heard.elapsed() >= limits::SILENCE {
                        return format!("nothing was heard for {} s", limits::SILENCE.as_secs());
                    }
                    silence.as_mut().reset(heard + limits::SILENCE);
                }
            }
        }
    }

    /// A frame has come, and maybe others behind it: data is checked together. Why the connection ends, if it does.
    async fn on_frames(
        &mut self,
        frame: Result<Message, Error>,
        stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
    ) -> Option<String> {
        let (mut next, mut data) = (Some(frame), Vec::new());
        while let Some(frame) = next.take() {
            match frame {
                Ok(Message::Text(text)) => data.push(Data::Text(text)),
                Ok(Message::Binary(frame)) => data.push(Data::Binary(frame)),
                other => {
                    self.on_data(std::mem::take(&mut data)).await;
                    if let Some(why) = self.on_control(other).await {
                        return Some(why);
                    }
                }
            }
            if data.len() < limits::TOGETHER {
                // What has not come yet is waited for by whoever called, who hears of the end of the stream as well.
                next = stream.next().now_or_never().flatten();
            }
        }
        self.on_data(data).await;
        None
    }

    /// What a frame without data leads to: why the connection ends, if it does.
    async fn on_control(&mut self, frame: Result<Message, Error>) -> Option<String> {
        match frame {
            Err(error) => return Some(self.on_error(&error).await),
            Ok(Message::Close(frame)) => {
                self.parted = frame.as_ref().is_some_and(|frame| frame.code == CloseCode::Policy);
                let reason = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                return Some(format!("the peer closed: {:?}", excerpt(&reason)));
            }
            Ok(Message::Pong(payload)) => self.on_pong(&payload).await,
            Ok(_) => self.stats.on_alive(),
        }
        None
    }

    /// Checks what has come together, and hands on what holds.
    async fn on_data(&mut self, data: Vec<Data>) {
        data.iter().for_each(|_| self.stats.on_received());
        let work = Work::begin(&self.context.verifier, &self.context.packing, &self.stats, self.dialect, data);
        let (mut load, checked) = if work.is_large() {
            // Milliseconds: meanwhile others are served. Fails only when the node ends.
            tokio::task::spawn_blocking(|| work.check()).await.unwrap_or_default()
        } else {
            work.check()
        };
        for Checked { holds, refused } in checked {
            load.refuse(refused.iter().filter(|refusal| refusal.event).count());
            for refusal in refused {
                self.refuse(refusal).await;
            }
            if let Some((message, heard)) = holds {
                let frame = Command::Frame { peer: self.peer, message, heard };
                // Fails only when the node has ended: then this task ends as well.
                let _ = self.context.commands.send(frame).await;
            }
        }
        self.keep_pace(load).await;
    }

    /// Waits, where the peer was faster than it may be.
    async fn keep_pace(&mut self, load: Load) {
        let now = self.context.node.time();
        let Wait { pause, is_abuse } = self.pace.spend(now, load);
        let of_host = self.from.map_or(Duration::ZERO, |from| self.context.budgets.spend(now, from, load));
        let pause = pause.max(of_host.min(pace::LONGEST_OF_HOST));
        if is_abuse {
            let why = "frames of control, or events that are refused, came faster than a node has need of";
            self.refuse(Refusal::frame("too_fast", why.to_owned())).await;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    async fn on_pong(&self, payload: &[u8]) {
        if let Some(rtt) = self.stats.on_pong(payload, Instant::now().into_std()) {
            // Fails only when the node has ended: then this task ends as well.
            let _ = self.context.commands.send(Command::Rtt { peer: self.peer, rtt }).await;
        }
    }

    async fn on_error(&mut self, error: &Error) -> String {
        if let Error::Capacity(why) = error {
            self.refuse(Refusal::frame("too_large", why.to_string())).await;
        }
        if let Error::Io(error) = error
            && let Some(abuse) = Abuse::of(error)
        {
            self.refuse(Refusal::frame(abuse.reason(), abuse.to_string())).await;
        }
        format!("the connection broke: {error}")
    }

    async fn refuse(&mut self, Refusal { reason, event, why, undeclared }: Refusal) {
        self.stats.on_refused();
        if let Some(withheld) = self.context.refusals.pass(Instant::now().into_std()) {
            warn!(peer = %self.label, reason, withheld, "refused a frame: {why}");
        }
        let peer = self.peer;
        let _ = self.context.commands.send(Command::Refused { peer, reason, event }).await;
        if let Some(origin) = undeclared {
            let _ = self.context.commands.send(Command::Undeclared { peer, origin }).await;
        }
    }
}

struct Writer {
    queue: Queue,
    end: Arc<End>,
    stats: Arc<LinkStats>,
    /// Asks for a ping out of turn.
    ping: Arc<Notify>,
    /// What connections to nodes share; `None` for a script's.
    uplink: Option<Arc<Uplink>>,
    commands: mpsc::Sender<Command>,
}

impl Writer {
    async fn run(mut self, mut sink: impl Sink<Message, Error = Error> + Unpin) {
        let (end, uplink) = (Arc::clone(&self.end), self.uplink.clone());
        let _member = uplink.as_ref().map(|uplink| uplink.join());
        let (mut asked, mut pings, mut number) = (pin!(end.asked()), tokio::time::interval(limits::PING), 0);
        // A node that stood still for a while finds its peers' answers before it asks again.
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut due, mut last) = (0, pin!(tokio::time::sleep(limits::PING)));
        loop {
            let sent = tokio::select! {
                biased;
                () = &mut asked => return self.farewell(sink).await,
                _ = pings.tick() => {
                    due += 1;
                    if self.stats.take_answered() {
                        due = 1;
                    }
                    last.as_mut().reset(Instant::now() + limits::DOUBT);
                    timeout(limits::WRITE, self.ping(&mut sink, &mut number)).await
                }
                () = &mut last, if due > limits::MISSES => {
                    if !self.stats.take_answered() {
                        // However much it sends: whoever reads answers.
                        self.end.ask("three pings in a row had no answer");
                    }
                    due = 0;
                    continue;
                }
                () = self.ping.notified() => timeout(limits::WRITE, self.ping(&mut sink, &mut number)).await,
                Some(frame) = self.queue.recv() => timeout(limits::WRITE, self.write(&mut sink, frame)).await,
            };
            match sent {
                Ok(Ok(())) => {}
                // The reader hears of it as well, and ends.
                Ok(Err(error)) => return debug!("a write failed: {error}"),
                // The reader may hear this peer for as long as it likes: the connection must be ended from here.
                Err(_) => return self.end.ask("it takes no bytes"),
            }
        }
    }

    async fn ping(
        &self,
        sink: &mut (impl Sink<Message, Error = Error> + Unpin),
        number: &mut u64,
    ) -> Result<(), Error> {
        *number += 1;
        self.stats.on_ping(*number, Instant::now().into_std());
        sink.send(Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes()))).await
    }

    /// One frame, and what waits behind it up to [`limits::AT_ONCE`], before one flush: where more comes all the time, the time
    /// that a write may take is for so much. What has to wait is measured.
    async fn write(
        &mut self,
        sink: &mut (impl Sink<Message, Error = Error> + Unpin),
        frame: Message,
    ) -> Result<(), Error> {
        let Some(uplink) = self.uplink.clone() else { return self.write_all(sink, frame).await.map(|_| ()) };
        let (waiting, sent) = {
            let mut write = pin!(self.write_all(sink, frame));
            match write.as_mut().now_or_never() {
                Some(sent) => (None, sent?),
                None => (Some(uplink.wait()), write.await?),
            }
        };
        let drained = uplink.on_sent(sent);
        drop(waiting);
        if let Some((bytes, took)) = drained {
            // One measurement more or less makes no difference.
            let _ = self.commands.try_send(Command::Drained { bytes, took });
        }
        Ok(())
    }

    /// How many bytes it were.
    async fn write_all(
        &mut self,
        sink: &mut (impl Sink<Message, Error = Error> + Unpin),
        frame: Message,
    ) -> Result<usize, Error> {
        let (mut next, mut sent) = (Some(frame), 0);
        while let Some(frame) = next {
            let bytes = frame.len();
            sink.feed(frame).await?;
            self.stats.on_sent();
            sent += bytes;
            next = if sent < limits::AT_ONCE { self.queue.try_recv() } else { None };
        }
        sink.flush().await?;
        Ok(sent)
    }

    /// What is queued, a reason, the end; or just the end, if that takes too long.
    async fn farewell(mut self, mut sink: impl Sink<Message, Error = Error> + Unpin) {
        let end = Arc::clone(&self.end);
        let (code, because) = match end.because() {
            Some(because) => (CloseCode::Policy, because),
            None => (CloseCode::Away, "this node ends"),
        };
        let goodbye = async {
            if let Some(frame) = self.queue.try_recv() {
                self.write(&mut sink, frame).await?;
            }
            sink.send(Message::Close(Some(CloseFrame { code, reason: excerpt(because).into() }))).await
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
mod tests;
