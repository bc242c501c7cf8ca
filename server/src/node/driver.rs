//! The driver: the one task that owns `gossip::State`.
//!
//! Commands in, `handle`, outputs out, sleep until the next wake-up. It waits for nobody: a peer whose queue is full is
//! dropped, and what a connection does in its own time happens in its own task.

use super::deferred::Deferred;
use super::{Command, GossipView, IngestError, Shared};
use crate::clock;
use crate::transport::{self, Link};
use beauty::{BeautyEvent, EventId, Report, Resolution, TimeRefusal, Timestamp, Told, Touched};
use gossip::{Because, Dialect, Event, Input, MemoryStore, Message, Output, PeerId, State, Time, json, wire};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};
use uuid::Uuid;

/// Commands that are handled before the views are written anew.
const BATCH: usize = 128;
/// The stream's readers get a delta at once when nothing came for so long, and no sooner than this after the one before.
const DELTA_PAUSE: Duration = Duration::from_millis(50);
/// How old counters and peers may be when they are read.
const VIEW_PAUSE: Duration = Duration::from_millis(5);
/// Bundles that are held in memory for peers that lack them, in bytes: the oldest go first. A guess, ten hours at two
/// events a second.
const STORE_BYTES: usize = 32 * 1_024 * 1_024;
/// With nothing to tell, a delta still comes: silence means a dead stream, and columns slide without events.
const HEARTBEAT: Duration = Duration::from_secs(2);

type Answer = (oneshot::Sender<Result<Vec<EventId>, IngestError>>, Result<Vec<EventId>, IngestError>);

/// The driver of a node.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    state: State,
    context: transport::Context,
    links: BTreeMap<PeerId, Link>,
    start: Instant,
    last_delta: Instant,
    last_view: Instant,
    view_stale: bool,
    /// What has changed since the last delta.
    touched: [Touched; Resolution::ALL.len()],
    /// Whether there is something to tell soon: of events, or of who is connected. The rest waits for the heartbeat, or
    /// each frame of control would put off the next event's delta.
    changed: bool,
    answers: Vec<Answer>,
    deferred: Deferred,
    store: MemoryStore,
    /// Connections end when the driver does, and not before.
    _end_transport: DropGuard,
}

/// A message as each dialect writes it: once, however many it is for.
struct Frames<'a> {
    message: &'a Message,
    json: Option<Option<Frame>>,
    v2: Option<Option<Frame>>,
}

impl Frames<'_> {
    /// `None` where the dialect has no words for the message.
    fn of(&mut self, dialect: Dialect) -> Option<Frame> {
        let message = self.message;
        match dialect {
            Dialect::Json => self.json.get_or_insert_with(|| json::encode(message).map(Frame::text)).clone(),
            Dialect::V2 => self.v2.get_or_insert_with(|| wire::encode(message).map(Frame::binary)).clone(),
        }
    }
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, state: State, context: transport::Context) -> Driver {
        let start = Instant::now();
        Driver {
            shared,
            state,
            links: BTreeMap::new(),
            start,
            last_delta: start,
            last_view: start,
            view_stale: true,
            touched: Resolution::ALL.map(Touched::new),
            changed: false,
            answers: Vec::new(),
            deferred: Deferred::default(),
            store: MemoryStore::new(STORE_BYTES),
            _end_transport: context.shutdown.clone().drop_guard(),
            context,
        }
    }

    /// Drives until the node ends.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>, shutdown: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        self.handle(Input::Tick);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                received = commands.recv_many(&mut batch, BATCH) => if received == 0 { break },
                () = tokio::time::sleep_until(self.next_wakeup()) => {}
            }
            for command in batch.drain(..) {
                self.on_command(command);
            }
            self.handle(Input::Tick);
            self.enter_deferred();
            self.publish();
        }
        // What was acknowledged and is still gathered goes out before the connections end.
        self.state.flush(self.now());
        self.carry_out(Vec::new());
    }

    fn next_wakeup(&self) -> Instant {
        let delta = self.last_delta + if self.changed { DELTA_PAUSE } else { HEARTBEAT };
        let state = self.state.next_wakeup().map(|time| self.start + Duration::from_micros(time.as_micros()));
        let view = self.view_stale.then(|| self.last_view + VIEW_PAUSE);
        [state, view].into_iter().flatten().fold(delta, Instant::min)
    }

    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    fn on_command(&mut self, command: Command) {
        self.view_stale = true;
        match command {
            Command::Up { peer, direction, address, link } => {
                let dialect = link.dialect;
                info!(%address, ?direction, ?dialect, "{peer} is connected");
                self.links.insert(peer, link);
                self.changed = true;
                self.handle(Input::PeerUp { peer, direction, address, dialect });
            }
            Command::Down { peer, why } => {
                if self.links.remove(&peer).is_some() {
                    info!("{peer} is gone: {why}");
                }
                self.changed = true;
                self.handle(Input::PeerDown { peer });
            }
            Command::DialFailed { address } => self.handle(Input::DialFailed { address }),
            Command::Rtt { peer, rtt } => self.handle(Input::Rtt { peer, rtt }),
            Command::Frame { peer, message, told } => {
                if let Message::Hello(_) = message {
                    // What the peer lacks is judged by what we hold now, not by what we held a moment ago.
                    self.tell_digest();
                }
                self.handle_telling(Input::Message { peer, message }, told);
            }
            Command::Refused { peer, reason, event } => self.handle(Input::Refused { peer, reason, event }),
            Command::Ingest { reports, answer } => {
                let outcome = self.ingest(reports);
                self.answers.push((answer, outcome));
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.handle_telling(input, Vec::new());
    }

    /// Takes in one fact and carries out what follows. `told` is what the events of a message tell, by their texts.
    fn handle_telling(&mut self, input: Input, told: Vec<(Arc<str>, Told)>) {
        self.state.handle(self.now(), input);
        self.carry_out(told);
    }

    fn carry_out(&mut self, told: Vec<(Arc<str>, Told)>) {
        let outputs: Vec<Output> = self.state.drain().collect();
        let (mut told, mut inputs) = (told.into_iter(), Vec::new());
        for output in outputs {
            match output {
                Output::Send { to, message } => self.send(&to, &message),
                Output::Connect { address } => transport::dial(&self.context, address),
                Output::Disconnect { peer, because } => self.disconnect(peer, because),
                Output::Deliver { from, event } => {
                    // Events are delivered in the order in which they came; those that were known are passed over.
                    if let Some((_, told)) = told.find(|(text, _)| *text == event.json) {
                        self.deliver(from, told);
                    }
                }
                Output::Keep(bundle) => inputs.extend(self.store.keep(bundle).map(|before| Input::Dropped { before })),
                Output::Ask(ask) => inputs.push(Input::Answer(self.store.answer(&ask))),
            }
        }
        inputs.into_iter().for_each(|input| self.handle(input));
    }

    fn send(&mut self, to: &[PeerId], message: &Message) {
        let mut frames = Frames { message, json: None, v2: None };
        for peer in to {
            let Some(link) = self.links.get(peer) else { continue };
            let Some(frame) = frames.of(link.dialect) else { continue };
            if link.send(frame).is_err() {
                warn!("{peer} reads too slowly: its queue is full, and it is dropped");
                link.close("this peer reads too slowly");
                self.links.remove(peer);
                // Handled after what is being carried out now: the connection's own end comes as a command.
            }
        }
    }

    fn disconnect(&mut self, peer: PeerId, because: Because) {
        if let Some(link) = self.links.remove(&peer) {
            info!("{peer} is disconnected: {because}");
            link.close(&because.to_string());
        }
    }

    /// Events of this node: all of them, or none.
    fn ingest(&mut self, reports: Vec<Report>) -> Result<Vec<EventId>, IngestError> {
        let now = clock::wall();
        let refused: Vec<_> = {
            let ledger = self.shared.ledger();
            let times = reports.iter().enumerate().filter_map(|(index, report)| Some((index, report.at?)));
            times.filter_map(|(index, at)| Some((index, ledger.admits(at, now).err()?))).collect()
        };
        if !refused.is_empty() {
            return Err(IngestError::Times(refused));
        }
        let events =
            reports.into_iter().map(|report| self.report(report.into_event(EventId(Uuid::now_v7()), now), now));
        Ok(events.collect())
    }

    fn report(&mut self, event: BeautyEvent, now: Timestamp) -> EventId {
        let told = Told { origin: self.shared.node_id.clone(), event };
        self.enter(&told, now);
        let id = told.event.id;
        let node_id = Arc::from(told.origin.as_str());
        self.handle(Input::Broadcast(Event { id: id.0, node_id, json: told.to_json().into() }));
        id
    }

    /// A peer's event: entered, kept until its time comes, or refused.
    fn deliver(&mut self, from: PeerId, told: Told) {
        let now = clock::wall();
        let admitted = self.shared.ledger().admits(told.event.at, now);
        match admitted {
            Ok(()) => self.enter(&told, now),
            Err(refusal @ TimeRefusal::TooFarAhead { by, allowed }) => {
                let until = now.saturating_add(by.saturating_sub(allowed));
                if self.deferred.keep(until, told).is_some() {
                    self.handle(Input::Refused { peer: from, reason: refusal.reason(), event: false });
                }
            }
            Err(refusal @ TimeRefusal::TooOld { .. }) => {
                self.handle(Input::Refused { peer: from, reason: refusal.reason(), event: false });
            }
        }
    }

    fn enter_deferred(&mut self) {
        let now = clock::wall();
        while let Some(told) = self.deferred.pop(now) {
            self.enter(&told, now);
        }
    }

    fn enter(&mut self, told: &Told, now: Timestamp) {
        let inserted = self.shared.ledger_mut().insert(&told.origin, &told.event, now);
        match inserted {
            Ok(inserted) => {
                self.changed = true;
                for touched in &mut self.touched {
                    touched.note(&told.origin, &told.event, &inserted, now);
                }
            }
            // It was acceptable a moment ago, when it was verified or asked for.
            Err(refusal) => warn!(node_id = %told.origin, "an event came too late: {refusal}"),
        }
    }

    fn tell_digest(&mut self) {
        let digest = self.shared.digest_text(clock::wall());
        self.handle(Input::Digest(gossip::Digest(digest)));
    }

    /// Writes what gossip shows of itself: at once where somebody waits for it, else in a moment.
    fn write_view(&mut self, now: Instant, delta_due: bool) {
        let wanted = delta_due || !self.answers.is_empty() || (self.view_stale && now >= self.last_view + VIEW_PAUSE);
        if !wanted {
            return;
        }
        (self.view_stale, self.last_view) = (false, now);
        let peers = self.state.peers(self.now());
        let peers = peers.filter_map(|peer| Some((Arc::clone(&self.links.get(&peer.peer)?.stats), peer)));
        let peers = peers.map(|(stats, peer)| (peer, stats)).collect();
        self.shared.set_gossip(GossipView { counters: self.state.counters().clone(), peers });
    }

    /// Writes what others read, answers who waits, and tells the stream: when somebody waits or it is time.
    fn publish(&mut self) {
        let now = Instant::now();
        let pause = if self.changed { DELTA_PAUSE } else { HEARTBEAT };
        let delta_due = now >= self.last_delta + pause;
        if delta_due {
            self.tell_digest();
        }
        self.write_view(now, delta_due);
        for (answer, outcome) in self.answers.drain(..) {
            // Who asked may have given up waiting.
            let _ = answer.send(outcome);
        }
        if delta_due {
            self.last_delta = now;
            self.changed = false;
            self.shared.hub.next();
            for touched in &mut self.touched {
                let (resolution, cells) = (touched.resolution(), touched.take(clock::wall()));
                self.shared.publish_delta(resolution, cells);
            }
        }
    }
}
