//! The driver: the one task that owns `gossip::State`.
//!
//! Commands in, `handle`, outputs out, sleep until the next wake-up. It waits for nobody: a peer whose queue is full is
//! dropped, and what a connection does in its own time happens in its own task.

use super::deferred::Deferred;
use super::{Command, Heard, IngestError, Shared};
use crate::clock;
use crate::transport::{self, Link, Packing};
use beauty::{BeautyEvent, EventId, Origin, Report, Resolution, TimeRefusal, Timestamp, Told, Touched};
use gossip::{
    Because, Dialect, Event, Hello, Input, MemoryStore, Message, OriginId, Output, PeerId, State, Time, json, wire,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};
use uuid::Uuid;

/// Commands that are handled before deltas are looked at.
const BATCH: usize = 128;
/// The stream's readers get a delta at once when nothing came for so long, and no sooner than this after the one before.
const DELTA_PAUSE: Duration = Duration::from_millis(50);
/// Bundles that are held in memory for peers that lack them, in bytes: the oldest go first. A guess, ten hours at two
/// events a second.
const STORE_BYTES: usize = 32 * 1_024 * 1_024;
/// Without readers nobody is woken for a delta's sake: what has changed is summed up when something else happens, or
/// after this. It is how often peers are told the digest, and nobody else needs it then.
const UNREAD_PAUSE: Duration = Duration::from_millis(500);
/// With nothing to tell, a delta still comes: silence means a dead stream, and columns slide without events.
const HEARTBEAT: Duration = Duration::from_secs(2);

type Answer = (oneshot::Sender<Result<Vec<EventId>, IngestError>>, Result<Vec<EventId>, IngestError>);

/// The driver of a node.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    context: transport::Context,
    last_delta: Instant,
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
    packing: &'a Packing,
    json: Option<Option<Frame>>,
    v2: Option<Option<Frame>>,
}

impl Frames<'_> {
    /// `None` where the dialect has no words for the message.
    fn of(&mut self, dialect: Dialect) -> Option<Frame> {
        let (message, packing) = (self.message, self.packing);
        // Texts shrink. Announcements are hashes: they don't, and trying costs more than all else that is done for them.
        let texts = !message.bundles().is_empty();
        let pack = |frame| if texts { packing.pack(frame) } else { frame };
        let v2 = || wire::encode(message).map(|frame| Frame::binary(pack(frame)));
        match dialect {
            Dialect::Json => self.json.get_or_insert_with(|| json::encode(message).map(Frame::text)).clone(),
            Dialect::V2 => self.v2.get_or_insert_with(v2).clone(),
        }
    }
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, context: transport::Context) -> Driver {
        Driver {
            shared,
            last_delta: Instant::now(),
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
            if batch.is_empty() {
                self.handle(Input::Tick);
            }
            for command in batch.drain(..) {
                self.on_command(command);
            }
            self.enter_deferred();
            self.publish();
        }
        // What was acknowledged and is still gathered goes out before the connections end.
        let outputs = self.drive(State::flush);
        self.carry_out(outputs, Vec::new());
    }

    fn next_wakeup(&self) -> Instant {
        let pause = match (self.changed, self.shared.hub.is_read()) {
            (true, true) => DELTA_PAUSE,
            (true, false) => UNREAD_PAUSE,
            (false, _) => HEARTBEAT,
        };
        let delta = self.last_delta + pause;
        let state = self.shared.protocol().state.next_wakeup();
        let state = state.map(|time| Instant::from_std(self.shared.started) + Duration::from_micros(time.as_micros()));
        state.map_or(delta, |state| state.min(delta))
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Up { peer, direction, address, link } => {
                let dialect = link.dialect;
                info!(%address, ?direction, ?dialect, "{peer} is connected");
                self.shared.protocol().links.insert(peer, link);
                self.changed = true;
                self.handle(Input::PeerUp { peer, direction, address, dialect });
            }
            Command::Down { peer, why } => {
                if self.shared.protocol().links.remove(&peer).is_some() {
                    info!("{peer} is gone: {why}");
                }
                self.changed = true;
                self.handle(Input::PeerDown { peer });
            }
            Command::DialFailed { address } => self.handle(Input::DialFailed { address }),
            Command::Rtt { peer, rtt } => self.handle(Input::Rtt { peer, rtt }),
            Command::Frame { peer, message, heard } => {
                if let Message::Hello(hello) = &message {
                    self.introduce(hello);
                    // What the peer lacks is judged by what we hold now, not by what we held a moment ago.
                    self.tell_digest();
                }
                self.handle_telling(Input::Message { peer, message }, heard);
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

    /// Takes in one fact and carries out what follows. `heard` is what the events of a message tell.
    fn handle_telling(&mut self, input: Input, heard: Vec<Heard>) {
        let outputs = self.drive(|state, now| state.handle(now, input));
        self.carry_out(outputs, heard);
    }

    /// A peer says who it is.
    fn introduce(&self, hello: &Hello) {
        if let (Some(key), Ok(name)) = (hello.public_key, Origin::new(&hello.node_id)) {
            self.shared.names().introduce(key, &name);
        }
    }

    /// One step of the protocol, and what it wants done.
    fn drive(&self, step: impl FnOnce(&mut State, Time)) -> Vec<Output> {
        let now = self.shared.time();
        let mut protocol = self.shared.protocol();
        step(&mut protocol.state, now);
        protocol.state.drain().collect()
    }

    fn carry_out(&mut self, outputs: Vec<Output>, heard: Vec<Heard>) {
        let (mut heard, mut inputs) = (heard.into_iter(), Vec::new());
        for output in outputs {
            match output {
                Output::Send { to, message } => self.send(&to, &message),
                Output::Connect { address } => transport::dial(&self.context, address),
                Output::Disconnect { peer, because } => self.disconnect(peer, because),
                Output::Deliver { from, event } => {
                    // Events are delivered in the order in which they came; those that were known are passed over.
                    if let Some(heard) = heard.find(|heard| heard.text == event.json) {
                        self.deliver(from, heard);
                    }
                }
                Output::Keep(bundle) => inputs.extend(self.store.keep(bundle).map(|before| Input::Dropped { before })),
                Output::Ask(ask) => inputs.push(Input::Answer(self.store.answer(&ask))),
            }
        }
        inputs.into_iter().for_each(|input| self.handle(input));
    }

    fn send(&mut self, to: &[PeerId], message: &Message) {
        let mut frames = Frames { message, packing: &self.context.packing, json: None, v2: None };
        let links = &mut self.shared.protocol().links;
        for peer in to {
            let Some(link) = links.get(peer) else { continue };
            let Some(frame) = frames.of(link.dialect) else { continue };
            if link.send(frame).is_err() {
                warn!("{peer} reads too slowly: its queue is full, and it is dropped");
                link.close("this peer reads too slowly");
                links.remove(peer);
                // Handled after what is being carried out now: the connection's own end comes as a command.
            }
        }
    }

    fn disconnect(&mut self, peer: PeerId, because: Because) {
        let mut protocol = self.shared.protocol();
        if because == Because::SecondConnection {
            // A node that connects anew may have lost the connection that we hold on to: one that is dead is to be found
            // now, not after half a minute, or the node is turned away until then.
            protocol.links.values().for_each(Link::probe);
        }
        if let Some(link) = protocol.links.remove(&peer) {
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
    fn deliver(&mut self, from: PeerId, Heard { told, key, .. }: Heard) {
        let now = clock::wall();
        self.claim(key.unwrap_or(self.shared.public_key), &told.origin);
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

    /// An event was signed by this key, in this name. What has no signature this node vouches for.
    fn claim(&self, key: OriginId, name: &Origin) {
        if let Some(holder) = self.shared.names().claim(key, name) {
            let (key, holder) = (hex::encode(key.0), hex::encode(holder.0));
            warn!("two keys sign in the name of {name}: {holder} was first and keeps it, {key} is shown as a conflict");
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

    /// Answers who waits, and sums up what has changed when it is time: for peers, and for the stream's readers.
    fn publish(&mut self) {
        for (answer, outcome) in self.answers.drain(..) {
            // Who asked may have given up waiting.
            let _ = answer.send(outcome);
        }
        let now = Instant::now();
        let pause = if self.changed { DELTA_PAUSE } else { HEARTBEAT };
        if now >= self.last_delta + pause {
            self.tell_digest();
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
