//! One connection: a task that reads, a task that writes.
//!
//! The reader decodes, verifies and hands on all that has come together; the writer empties the queue, pings, and says goodbye. Neither waits for
//! the other, so a peer that doesn't read stops nobody from hearing it, and hurts only its own queue.

use super::checks::Checks;
use super::gate::LogGate;
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
    pub(crate) checks: Arc<Checks>,
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
    let (log, pace) = (LogGate::default(), Pace::default());
    let mut reader = Reader { context: &context, peer, from, dialect, label, stats, log, pace };
    let why = tokio::select! {
        why = reader.run(stream, &probe, &ping) => why,
        why = ended_by_node(&end) => why,
    };
    end.ask(&why);
    // Fails only when the node itself has ended.
    let _ = context.commands.send(Command::Down { peer, why }).await;
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
    log: LogGate,
    pace: Pace,
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
        let (load, checked) = if work.is_large() {
            // Milliseconds: meanwhile others are served. Fails only when the node ends.
            tokio::task::spawn_blocking(|| work.check()).await.unwrap_or_default()
        } else {
            work.check()
        };
        for Checked { holds, refused } in checked {
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
        let of_host = self.from.map_or(Duration::ZERO, |from| self.context.checks.spend(now, from, load.checks()));
        let pause = pause.max(of_host.min(pace::LONGEST));
        if is_abuse {
            let why = "frames of control came faster than a node has need of";
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
        if let Some(withheld) = self.log.pass(Instant::now().into_std()) {
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
mod tests {
    use super::super::lanes::Lane;
    use super::super::uplink;
    use super::*;
    use crate::config::Unsigned;
    use crate::node::{Names, Shared};
    use crate::profiles::ProfileFile;
    use crate::rotations::RotationFile;
    use crate::tls::Tls;
    use beauty::{Ledger, LedgerConfig, Origin};
    use futures_util::stream;
    use gossip::join::Terms;
    use gossip::{Bundle, BundleId, Config, Event, Exchange, InstanceId, Keypair, Me, Signature, State, wire};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    fn state() -> State {
        let (instance, key) = (InstanceId(uuid::Uuid::nil()), Keypair::from_seed(&[1; 32]));
        let me =
            Me { node_id: "me".to_owned(), instance, origin: key.origin(), key: Some(key), port: 0, epoch_micros: 0 };
        State::new(Config::default(), me, ChaCha8Rng::from_seed([0; 32]))
    }

    fn context() -> (Context, mpsc::Receiver<Command>) {
        let (name, ledger) = (Origin::new("me").unwrap(), Ledger::new(LedgerConfig::default()));
        let shared = Arc::new(Shared::new(
            name,
            OriginId([1; 32]),
            (ledger, Names::default()),
            (state(), RotationFile::new(None, &[]), ProfileFile::new(None, OriginId([0; 32]), &[])),
        ));
        let (commands, received) = mpsc::channel(64);
        let key = Keypair::from_seed(&[1; 32]);
        let terms = Terms { mesh: "beauty".to_owned(), key, secret: None, allow: None, rotations: Arc::default() };
        let entry = Entry {
            tls: Arc::new(Tls::load(None, None).unwrap()),
            terms,
            rotations: Arc::new(RotationFile::new(None, &[])),
            turned_away: Arc::default(),
        };
        let context = Context {
            commands,
            node: Arc::clone(&shared),
            verifier: Verifier::new(shared, Unsigned::Accept, "beauty"),
            packing: Arc::default(),
            uplink: Arc::default(),
            checks: Arc::new(Checks::new(false)),
            entry: Arc::new(entry),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            next_peer: Arc::default(),
        };
        (context, received)
    }

    fn reader(context: &Context) -> Reader<'_> {
        let (peer, stats, label) = (PeerId(1), Arc::new(LinkStats::new()), String::new());
        let (log, pace) = (LogGate::default(), Pace::default());
        Reader { context, peer, from: None, dialect: Dialect::Json, label, stats, log, pace }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_falls_silent_is_given_up_and_sooner_where_there_is_doubt() {
        let (context, _received) = context();
        let mut reader = reader(&context);
        let (start, probe, ping) = (Instant::now(), Notify::new(), Notify::new());
        assert_eq!(reader.run(stream::pending(), &probe, &ping).await, "nothing was heard for 45 s");
        assert_eq!(start.elapsed(), limits::SILENCE);
        let start = Instant::now();
        probe.notify_one();
        assert_eq!(reader.run(stream::pending(), &probe, &ping).await, "nothing was heard for 5 s after a ping");
        assert_eq!(start.elapsed(), limits::DOUBT);
        ping.notified().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_answers_a_probe_stays() {
        let (context, _received) = context();
        let mut reader = reader(&context);
        let (start, probe, ping) = (Instant::now(), Notify::new(), Notify::new());
        let answer = stream::once(async {
            ping.notified().await;
            tokio::time::sleep(limits::DOUBT / 2).await;
            Ok(Message::Pong(Bytes::new()))
        });
        probe.notify_one();
        let why = reader.run(Box::pin(answer.chain(stream::pending())), &probe, &ping).await;
        assert_eq!(why, "nothing was heard for 45 s");
        assert_eq!(start.elapsed(), limits::DOUBT / 2 + limits::SILENCE);
    }

    fn writer(context: &Context, stats: &Arc<LinkStats>) -> (Arc<End>, lanes::Lanes, Writer) {
        let ((lanes, queue), end) = (lanes::lanes(), Arc::new(End::below(&context.shutdown)));
        let (commands, ping) = (context.commands.clone(), Arc::new(Notify::new()));
        let writer = Writer { queue, end: Arc::clone(&end), stats: Arc::clone(stats), ping, uplink: None, commands };
        (end, lanes, writer)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_talks_and_answers_no_ping_is_given_up_at_the_third() {
        let (context, _received) = context();
        let mut reader = reader(&context);
        let stats = Arc::clone(&reader.stats);
        let (end, _lanes, writer) = writer(&context, &stats);
        let (start, probe, ping) = (Instant::now(), Notify::new(), Notify::new());
        let talk = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok(Message::Pong(Bytes::from_static(b"not a number"))), ()))
        });
        let talk = reader.run(Box::pin(talk), &probe, &ping);
        let sink = futures_util::sink::drain::<Message>().sink_map_err(|never| match never {});
        tokio::select! {
            why = talk => panic!("{why}"),
            ended = timeout(4 * limits::SILENCE, writer.run(sink)) => assert!(ended.is_ok(), "it stays for ever"),
        }
        assert_eq!(end.because(), Some("three pings in a row had no answer"));
        assert_eq!(start.elapsed(), limits::SILENCE, "two missed, and what the third may take");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_answers_one_of_three_pings_stays() {
        let (context, _received) = context();
        let stats = Arc::new(LinkStats::new());
        let (end, _lanes, writer) = writer(&context, &stats);
        let answers = Arc::clone(&stats);
        let sink = futures_util::sink::unfold(0, move |count, frame| {
            if let (Message::Ping(number), 2) = (&frame, count % 3) {
                answers.on_pong(number, Instant::now().into_std());
            }
            std::future::ready(Ok::<_, Error>(count + 1))
        });
        let hour = timeout(Duration::from_secs(3_600), writer.run(Box::pin(sink))).await;
        assert!(hour.is_err(), "{:?}", end.because());
    }

    #[tokio::test]
    async fn what_is_small_on_the_line_and_much_to_check_leaves_the_thread_to_others() {
        let (context, _received) = context();
        let mut reader = Reader { dialect: Dialect::V2, ..reader(&context) };
        let mut is_done_at_once = |bundles: usize| {
            let id = BundleId { origin: Keypair::from_seed(&[1; 32]).origin(), seq: 1 };
            let event = Event { id: uuid::Uuid::nil(), node_id: "n".into(), json: "{}".into() };
            let bundle = Bundle { id, events: vec![event].into(), signature: Signature([7; 64]), second: None };
            let missed = Exchange::Missed { number: 1, covered: 1, bundles: vec![bundle; bundles] };
            let frame = context.packing.pack(wire::encode(&gossip::Message::Exchange(missed)).unwrap());
            assert!(frame.len() <= limits::LARGE, "{} bytes", frame.len());
            reader.on_data(vec![Data::Binary(frame.into())]).now_or_never().is_some()
        };
        assert!(is_done_at_once(1), "a thread of its own would cost more");
        assert!(!is_done_at_once(400), "400 copies are packed into one");
    }

    /// Two real connections. Their readers take so much each time, so often: 3.2 MB a second in all.
    #[tokio::test]
    async fn an_uplink_that_is_too_slow_is_measured() {
        const AT_ONCE: usize = 16 * 1_024;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (context, mut received) = context();
        let mut queues = Vec::new();
        for _ in 0..2 {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut reader, _) = listener.accept().await.unwrap();
            uplink::show_waiting(&stream);
            let socket =
                WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits::web_socket_config())).await;
            let ((lanes, queue), end) = (lanes::lanes(), Arc::new(End::below(&context.shutdown)));
            let (stats, ping) = (Arc::new(LinkStats::new()), Arc::new(Notify::new()));
            let (uplink, commands) = (Some(Arc::clone(&context.uplink)), context.commands.clone());
            let writer = Writer { queue, end, stats, ping, uplink, commands };
            context.tasks.spawn(writer.run(socket.split().0));
            context.tasks.spawn(async move {
                let (mut buffer, mut turns) = (vec![0; AT_ONCE], tokio::time::interval(Duration::from_millis(10)));
                while reader.read_exact(&mut buffer).await.is_ok() {
                    turns.tick().await;
                }
            });
            queues.push(lanes);
        }
        let filling = async {
            loop {
                for queue in &queues {
                    queue.push(Lane::Relayed, Message::binary(vec![7; 4 * 1_024]));
                }
                tokio::task::yield_now().await;
            }
        };
        let measured = async {
            loop {
                if let Some(Command::Drained { bytes, took }) = received.recv().await {
                    return bytes as f64 / took.as_secs_f64();
                }
            }
        };
        let measured = tokio::select! { measured = measured => measured, () = filling => unreachable!() };
        context.shutdown.cancel();
        assert!(
            (100e3..30e6).contains(&measured),
            "{measured} bytes a second: loopback carries a hundred times as many"
        );
    }
}
