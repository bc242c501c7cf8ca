//! The driver: the one task that owns `gossip::State`.
//!
//! Commands in, `handle`, outputs out, sleep until the next wake-up. It waits for nobody: a peer whose queue is full is
//! dropped, and what a connection does in its own time happens in its own task.

use super::{Command, GossipView, IngestError, Shared};
use crate::clock;
use crate::transport::{self, Link};
use beauty::{BeautyEvent, EventId, Report, Resolution, Timestamp, Told, Touched};
use gossip::{Because, Event, Input, Message, Output, PeerId, State, Time, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

/// Commands that are handled before the views are written anew.
const BATCH: usize = 128;
/// The stream's readers get a delta at once when nothing came for so long, and no sooner than this after the one before.
const DELTA_PAUSE: Duration = Duration::from_millis(50);
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
    /// What has changed since the last delta.
    touched: [Touched; Resolution::ALL.len()],
    changed: bool,
    answers: Vec<Answer>,
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, state: State, context: transport::Context) -> Driver {
        let start = Instant::now();
        Driver {
            shared,
            state,
            context,
            links: BTreeMap::new(),
            start,
            last_delta: start,
            touched: Resolution::ALL.map(Touched::new),
            changed: false,
            answers: Vec::new(),
        }
    }

    /// Drives until the node ends.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>, shutdown: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        self.handle(Input::Tick, None);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                received = commands.recv_many(&mut batch, BATCH) => if received == 0 { return },
                () = tokio::time::sleep_until(self.next_wakeup()) => {}
            }
            for command in batch.drain(..) {
                self.on_command(command);
            }
            self.handle(Input::Tick, None);
            self.publish();
        }
    }

    fn next_wakeup(&self) -> Instant {
        let delta = self.last_delta + if self.changed { DELTA_PAUSE } else { HEARTBEAT };
        let state = self.state.next_wakeup().map(|time| self.start + Duration::from_micros(time.as_micros()));
        state.map_or(delta, |state| state.min(delta))
    }

    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Up { peer, direction, address, link } => {
                info!(%address, ?direction, "{peer} is connected");
                self.links.insert(peer, link);
                self.handle(Input::PeerUp { peer, direction, address }, None);
            }
            Command::Down { peer, why } => {
                if self.links.remove(&peer).is_some() {
                    info!("{peer} is gone: {why}");
                }
                self.handle(Input::PeerDown { peer }, None);
            }
            Command::DialFailed { address } => self.handle(Input::DialFailed { address }, None),
            Command::Frame { peer, message, told } => self.handle(Input::Message { peer, message }, told),
            Command::Refused { peer, reason, event } => self.handle(Input::Refused { peer, reason, event }, None),
            Command::Ingest { reports, answer } => {
                let outcome = self.ingest(reports);
                self.answers.push((answer, outcome));
            }
        }
        self.changed = true;
    }

    /// Takes in one fact and carries out what follows. `told` is what the event of a message tells.
    fn handle(&mut self, input: Input, told: Option<Told>) {
        self.state.handle(self.now(), input);
        let outputs: Vec<Output> = self.state.drain().collect();
        let mut told = told;
        for output in outputs {
            match output {
                Output::Send { to, message } => self.send(&to, &message),
                Output::Connect { address } => transport::dial(&self.context, address),
                Output::Disconnect { peer, because } => self.disconnect(peer, because),
                Output::Deliver { .. } => {
                    if let Some(told) = told.take() {
                        self.enter(&told, clock::wall());
                    }
                }
            }
        }
    }

    fn send(&mut self, to: &[PeerId], message: &Message) {
        let frame = Utf8Bytes::from(json::encode(message));
        for peer in to {
            let Some(link) = self.links.get(peer) else { continue };
            if link.send(frame.clone()).is_err() {
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
        self.handle(Input::Broadcast(Event { id: id.0, node_id, json: told.to_json().into() }), None);
        id
    }

    fn enter(&mut self, told: &Told, now: Timestamp) {
        let inserted = self.shared.ledger_mut().insert(&told.origin, &told.event, now);
        match inserted {
            Ok(inserted) => {
                for touched in &mut self.touched {
                    touched.note(&told.origin, &told.event, &inserted, now);
                }
            }
            // It was acceptable a moment ago, when it was verified or asked for.
            Err(refusal) => warn!(node_id = %told.origin, "an event came too late: {refusal}"),
        }
    }

    /// Writes what others read, answers who waits, and tells the stream.
    fn publish(&mut self) {
        let now = Instant::now();
        let pause = if self.changed { DELTA_PAUSE } else { HEARTBEAT };
        let delta_due = now >= self.last_delta + pause;
        if delta_due {
            let digest = self.shared.digest_text(clock::wall());
            self.handle(Input::Digest(gossip::Digest(digest)), None);
        }
        let peers = self.state.peers(self.now());
        let peers = peers.filter_map(|peer| Some((self.links.get(&peer.peer)?.stats.clone(), peer)));
        let peers = peers.map(|(stats, peer)| (peer, stats)).collect();
        self.shared.set_gossip(GossipView { counters: self.state.counters().clone(), peers });
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
