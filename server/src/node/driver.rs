//! The driver: the one task that owns `gossip::State`.
//!
//! Commands in, `handle`, outputs out, sleep until the next wake-up. It waits for nobody: a peer whose queue is full is
//! dropped, and what a connection does in its own time happens in its own task.

use super::deferred::Deferred;
use super::gone::Gone;
use super::keeper::{Done, Keeper, Part, Poster};
use super::log::Gates;
use super::{Begin, Command, Failure, Heard, IngestError, Shared, kept_names};
use crate::clock;
use crate::kept::KeptFile;
use crate::transport::{self, Lane, Link, Packing, Queued};
use beauty::{BeautyEvent, EventId, Origin, Report, Resolution, TimeRefusal, Timestamp, Told, Touched};
use gossip::{
    Ban, Because, ClockOffset, Dialect, Event, Exchange, Hello, Input, Mark, Message, OriginId, Output, PeerId,
    Profile, Proof, Rotation, State, Time, json, wire,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// Commands that are handled before deltas are looked at.
const BATCH: usize = 128;
/// The stream's readers get a delta at once when nothing came for so long, and no sooner than this after the one before.
const DELTA_PAUSE: Duration = Duration::from_millis(50);
/// Without readers what has changed is summed up after this. It is how often peers may be told the digest, and nobody else needs
/// it then.
const UNREAD_PAUSE: Duration = Duration::from_millis(500);
/// By how much the wall clock may drift from what the protocol was told, in microseconds.
const CLOCK_DRIFT: u64 = 100_000;
/// From when on a clock is said to be off, in microseconds.
const CLOCK_OFF: u64 = 5_000_000;
/// With nothing to tell, a delta still comes: silence means a dead stream, and columns slide without events.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How long a node that can't go on says so, before it ends.
const LINGER: Duration = Duration::from_secs(5);

/// The driver of a node.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    context: transport::Context,
    last_delta: Instant,
    last_digest: Instant,
    /// What the wall clock showed at the protocol's beginning, in microseconds, as the protocol was told it last.
    epoch: u64,
    /// Whether the log says that this node's clock is off, and that another node has its key.
    clock_is_off: bool,
    has_clone: bool,
    /// However much strangers do, the log is not full of it.
    log: Gates,
    /// Who is linked no more.
    gone: Gone,
    /// What has changed since the last delta.
    touched: [Touched; Resolution::ALL.len()],
    /// Whether there is something to tell soon: of events, or of who is connected. The rest waits for the heartbeat, or
    /// each frame of control would put off the next event's delta.
    changed: bool,
    /// Whether a queue is more than half full: its connection is to have its turn.
    crowded: bool,
    deferred: Deferred,
    keeper: Keeper,
    names: Arc<KeptFile>,
    /// Why nothing is kept any more, and when the node ends for it.
    failed: Option<(Failure, Instant)>,
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

/// What the wall clock showed when the protocol's time began, in microseconds since the Unix epoch.
fn epoch(shared: &Shared) -> u64 {
    clock::wall().as_millis().saturating_mul(1_000).saturating_sub(shared.time().as_micros())
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, context: transport::Context, begin: Begin) -> Driver {
        let Begin { keeper, held, waiting, rotations, profiles, names } = begin;
        let mut driver = Driver {
            epoch: epoch(&shared),
            shared,
            last_delta: Instant::now(),
            last_digest: Instant::now(),
            clock_is_off: false,
            has_clone: false,
            log: Gates::default(),
            gone: Gone::default(),
            touched: Resolution::ALL.map(Touched::new),
            changed: false,
            crowded: false,
            deferred: Deferred::default(),
            keeper,
            names: Arc::new(names),
            failed: None,
            _end_transport: context.shutdown.clone().drop_guard(),
            context,
        };
        for told in waiting {
            // Refused is only what has grown old in the meantime, or had to give way then.
            driver.admit(told);
        }
        driver.handle(Input::Rotations(rotations));
        driver.handle(Input::Profiles(profiles));
        driver.handle(Input::Held(held));
        driver.tell_digest();
        driver
    }

    /// Drives until the node ends. All that was taken in is on disk then.
    ///
    /// # Errors
    /// The disk has failed.
    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        shutdown: CancellationToken,
    ) -> Result<(), Failure> {
        // In reverse: the next command is the last one.
        let mut batch = Vec::with_capacity(BATCH);
        self.handle(Input::Tick);
        while self.failed.as_ref().is_none_or(|(_, end)| Instant::now() < *end) {
            self.keeper.go_on(Instant::now());
            // Where the disk is behind, nothing is taken in that it would have to keep.
            let (wakeup, has_room) = (self.next_wakeup(), self.keeper.has_room());
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                done = self.keeper.next() => self.on_done(done),
                received = commands.recv_many(&mut batch, BATCH), if has_room && batch.is_empty() => {
                    if received == 0 {
                        break;
                    }
                    batch.reverse();
                }
                () = tokio::time::sleep_until(wakeup) => {}
            }
            if batch.is_empty() || !self.keeper.has_room() {
                self.handle(Input::Tick);
            }
            while self.keeper.has_room()
                && let Some(command) = batch.pop()
            {
                self.on_command(command);
                if std::mem::take(&mut self.crowded) {
                    tokio::task::yield_now().await;
                }
            }
            self.enter_deferred();
            if self.keeper.wants_checkpoint(Instant::now()) {
                self.checkpoint();
            }
            self.publish();
        }
        match self.failed {
            Some((error, _)) => Err(error),
            None => self.end().await,
        }
    }

    /// What is still gathered goes out before the connections end, and to disk.
    async fn end(mut self) -> Result<(), Failure> {
        // Where the disk is behind, it makes room first.
        while !self.keeper.has_room() {
            self.keeper.go_on(Instant::now());
            let done = self.keeper.next().await;
            self.on_done(done);
            if let Some((error, _)) = self.failed {
                return Err(error);
            }
        }
        self.checkpoint();
        Ok(self.keeper.end().await?)
    }

    fn next_wakeup(&self) -> Instant {
        let delta = self.last_delta + self.pause();
        let state = self.shared.protocol().state.next_wakeup();
        let state = state.map(|time| Instant::from_std(self.shared.started) + Duration::from_micros(time.as_micros()));
        let failed = self.failed.as_ref().map(|(_, end)| *end);
        [state, failed, Some(self.keeper.next_wakeup())].into_iter().flatten().fold(delta, Instant::min)
    }

    /// How long after the last delta the next one is due.
    fn pause(&self) -> Duration {
        match self.changed {
            false => HEARTBEAT,
            true if self.shared.hub.is_read() => DELTA_PAUSE,
            true => UNREAD_PAUSE,
        }
    }

    /// The store has done something.
    fn on_done(&mut self, done: Done) {
        match done {
            Done::Answer(answer) => answer.into_iter().for_each(|answer| self.handle(Input::Answer(answer))),
            Done::Kept(Ok(kept)) => {
                kept.horizon.into_iter().for_each(|before| self.handle(Input::Dropped { before }));
            }
            Done::Kept(Err(error)) => self.fail(error.into()),
        }
    }

    /// Says why it ends, for a while; the first reason counts.
    fn fail(&mut self, why: Failure) {
        if self.failed.is_none() {
            error!("{why}");
            self.shared.fail(&why);
            self.failed = Some((why, Instant::now() + LINGER));
        }
    }

    /// Makes all that has come part of the rollups on disk.
    fn checkpoint(&mut self) {
        // What is gathered is in the ledger already: it goes into a bundle, and to the store, before the rollups do.
        let outputs = self.drive(State::flush);
        self.carry_out(outputs, Vec::new());
        let known = self.shared.protocol().state.known_addresses().map(ToString::to_string).collect();
        self.keeper.flush(Some(known));
        self.keep_names();
        let now = self.shared.time();
        let horizon = self.shared.protocol().state.retain_from(now);
        let some_gone = self.shared.ledger().has_gone();
        let gone = if some_gone { self.shared.ledger_mut().take_gone() } else { Vec::new() };
        let ledger = self.shared.ledger();
        let part = Part { ledger: &ledger, gone, waiting: self.deferred.lines() };
        self.keeper.checkpoint(Instant::now(), (clock::wall(), horizon), part);
    }

    /// Keeps who signs in which name, if that has changed.
    fn keep_names(&self) {
        if !self.shared.names().take_changed() || !self.names.is_due() {
            return;
        }
        let (file, shared) = (Arc::clone(&self.names), Arc::clone(&self.shared));
        self.context.tasks.spawn_blocking(move || {
            if let Err((path, why)) = file.write(|| kept_names::text(&shared.names())) {
                warn!("{}: {why}: after a restart, names may belong to other keys than now", path.display());
            }
        });
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Up { peer, direction, address, link } => {
                let (dialect, key) = (link.dialect, link.key);
                match self.log.connected.pass(Instant::now().into_std()) {
                    Some(withheld) => info!(%address, ?direction, ?dialect, withheld, "{peer} is connected"),
                    None => debug!(%address, ?direction, ?dialect, "{peer} is connected"),
                }
                self.shared.protocol().links.insert(peer, link);
                self.changed = true;
                self.handle(Input::PeerUp { peer, direction, address, dialect, key });
            }
            Command::Down { peer, why } => {
                if self.shared.protocol().links.remove(&peer).is_some() {
                    match self.log.gone.pass(Instant::now().into_std()) {
                        Some(withheld) => info!(withheld, "{peer} is gone: {why}"),
                        None => debug!("{peer} is gone: {why}"),
                    }
                }
                self.changed = true;
                self.handle(Input::PeerDown { peer });
            }
            Command::DialFailed { address } => self.handle(Input::DialFailed { address }),
            Command::Drained { bytes, took } => self.handle(Input::Drained { bytes, took }),
            Command::Rtt { peer, rtt } => self.handle(Input::Rtt { peer, rtt }),
            Command::Frame { peer, message, heard } => {
                if let Message::Hello(hello) = &message {
                    self.introduce(peer, hello);
                    // What the peer lacks is judged by what we hold now, not by what we held a moment ago.
                    self.tell_digest();
                }
                self.handle_telling(Input::Message { peer, message }, heard);
            }
            Command::Refused { peer, reason, event } => self.handle(Input::Refused { peer, reason, event }),
            Command::Undeclared { peer, origin } => self.handle(Input::Undeclared { peer, origin }),
            Command::Prove { origin, answer } => self.keeper.look_up(origin, answer),
            Command::Ingest { reports, answer } => self.ingest(reports, answer),
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
    fn introduce(&self, peer: PeerId, hello: &Hello) {
        let proven = self.shared.protocol().links.get(&peer).and_then(|link| link.key);
        if let (Some(key), Ok(name)) = (proven, Origin::new(&hello.node_id)) {
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
        let mut heard = heard.into_iter();
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
                Output::Keep(bundle) => self.keeper.keep(Instant::now(), &bundle),
                Output::Ask(ask) => self.keeper.ask(ask),
                Output::Banned(ban) => self.tell_ban(&ban),
                Output::Rotated(rotation) => self.follow(&rotation),
                Output::Declared(profile) => self.note(&profile),
                Output::Forked { proof, mark } => self.mark(*proof, &mark),
            }
        }
    }

    fn tell_ban(&mut self, Ban { who, until, times, reason }: &Ban) {
        let Some(withheld) = self.log.banned.pass(Instant::now().into_std()) else { return };
        let key = who.key.map(|key| hex::encode(key.0));
        let seconds = until.since(self.shared.time()).as_secs();
        warn!(host = %who.host, key, reason, times, withheld, "banned for {seconds} s: it has broken too many rules");
    }

    /// An origin has signed two bundles under one number: the proof is kept, and told of once.
    fn mark(&mut self, proof: Proof, mark: &Mark) {
        if let Some(withheld) = self.log.cheats.pass(Instant::now().into_std()) {
            let (key, seq) = (hex::encode(mark.id.origin.0), mark.id.seq);
            let [one, other] = mark.hashes.map(|hash| hex::encode(hash.0));
            warn!(
                key,
                seq,
                one,
                other,
                withheld,
                "an origin has signed two different bundles under one number: it cheats, or two nodes have its key. Both \
                 count; /federated/cheats/{key} has the proof"
            );
        }
        self.changed = true;
        self.keeper.prove(Instant::now(), proof, mark);
    }

    /// A node has changed its key: its name stays with it, and that it is so is kept.
    fn follow(&mut self, rotation: &Rotation) {
        let [old, new] = [rotation.old, rotation.new].map(|key| hex::encode(key.0));
        if let Some(withheld) = self.log.rotations.pass(Instant::now().into_std()) {
            info!(withheld, "a node has changed its key: {new} has taken the place of {old}");
        }
        let known = self.shared.protocol().state.rotations().clone();
        self.shared.names().rotate(known.clone());
        self.changed = true;
        let file = Arc::clone(&self.shared.rotations);
        if file.set(known) {
            self.context.tasks.spawn_blocking(move || file.write());
        }
    }

    /// An origin has declared that it signs twice: that is kept.
    fn note(&mut self, profile: &Arc<Profile>) {
        // What this node has declared itself it knew from its start on: this is of a folder that its key came from.
        if profile.origin == self.shared.public_key {
            self.fail(Failure::SecondKey { key: hex::encode(profile.origin.0) });
        }
        if let Some(withheld) = self.log.profiles.pass(Instant::now().into_std()) {
            info!(withheld, "{} signs its events with a second key from now on", hex::encode(profile.origin.0));
        }
        let file = Arc::clone(&self.shared.profiles);
        file.accept(profile);
        if file.is_due() {
            self.context.tasks.spawn_blocking(move || file.write());
        }
    }

    fn send(&mut self, to: &[PeerId], message: &Message) {
        let lane = Lane::of(message, self.shared.public_key);
        let mut frames = Frames { message, packing: &self.context.packing, json: None, v2: None };
        let links = &mut self.shared.protocol().links;
        for peer in to {
            let Some(link) = links.get(peer) else { continue };
            let Some(frame) = frames.of(link.dialect) else { continue };
            if matches!(message, Message::Exchange(Exchange::Want { .. })) {
                link.stats.on_asked();
            }
            match link.send(lane, frame) {
                Queued::Waits | Queued::Gone => {}
                Queued::Crowded => self.crowded = true,
                Queued::Full => {
                    self.crowded = true;
                    // A node finds what it lacks; a script would not know of it. Of profiles it asks for those that it needs.
                    let may_lack = match message {
                        Message::Profiles(_) | Message::Places(_) => true,
                        Message::Bundle { .. } | Message::Exchange(_) => link.leave_out().is_some(),
                        _ => false,
                    };
                    if link.dialect == Dialect::V2 && may_lack {
                        debug!("a frame finds no room in the queue of {peer}, and is left out");
                        continue;
                    }
                    if let Some(withheld) = self.log.slow.pass(Instant::now().into_std()) {
                        warn!(withheld, "{peer} reads too slowly: its queue is full, and it is dropped");
                    }
                    link.close("this peer reads too slowly");
                    links.remove(peer);
                    // Handled after what is being carried out now: the connection's own end comes as a command.
                }
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
            match self.log.disconnected.pass(Instant::now().into_std()) {
                Some(withheld) => info!(withheld, "{peer} is disconnected: {because}"),
                None => debug!("{peer} is disconnected: {because}"),
            }
            link.close(&because.to_string());
        }
    }

    /// Events of this node: all of them, or none. Who posted them is answered when they are on disk.
    fn ingest(&mut self, reports: Vec<Report>, poster: Poster) {
        // Its own time as well: where peers that lie have moved it beyond the retention, nobody would count what is acknowledged.
        let own = self.shared.own_clock();
        let times = reports.iter().map(|report| report.at.unwrap_or(own)).enumerate();
        let refused: Vec<_> = times.filter_map(|(index, at)| Some((index, self.shared.admits(at).err()?))).collect();
        let failed = self.failed.as_ref().map(|(error, _)| IngestError::NotKept(error.clone()));
        let refused = (!refused.is_empty()).then_some(IngestError::Times(refused));
        if let Some(error) = failed.or(refused) {
            // Who asked may have given up waiting.
            let _ = poster.send(Err(error));
            return;
        }
        let events = reports.into_iter().map(|report| report.into_event(EventId(Uuid::now_v7()), own));
        let events: Vec<BeautyEvent> = events.collect();
        self.keeper.expect(poster, events.iter().map(|event| event.id).collect());
        events.into_iter().for_each(|event| self.report(event));
    }

    fn report(&mut self, event: BeautyEvent) {
        let told = Told { origin: self.shared.node_id.clone(), event };
        self.enter(&told, clock::wall());
        let node_id = Arc::from(told.origin.as_str());
        self.handle(Input::Broadcast(Event { id: told.event.id.0, node_id, json: told.to_json().into() }));
    }

    /// A peer's event: entered, kept until its time comes, or refused.
    fn deliver(&mut self, from: PeerId, Heard { told, key, .. }: Heard) {
        self.claim(key.unwrap_or(self.shared.public_key), &told.origin);
        if let Some(refusal) = self.admit(told) {
            self.handle(Input::Refused { peer: from, reason: refusal.reason(), event: false });
        }
    }

    /// Enters an event, or keeps it until its time comes. Gives why neither was done, or another had to give way.
    fn admit(&mut self, told: Told) -> Option<TimeRefusal> {
        let now = clock::wall();
        let admitted = self.shared.ledger().admits(told.event.at, now);
        match admitted {
            Ok(()) => {
                self.enter(&told, now);
                None
            }
            Err(refusal @ TimeRefusal::TooFarAhead { by, allowed }) => {
                let until = now.saturating_add(by.saturating_sub(allowed));
                self.deferred.keep(until, told).map(|_| refusal)
            }
            Err(refusal @ TimeRefusal::TooOld { .. }) => Some(refusal),
        }
    }

    /// An event was signed by this key, in this name. What has no signature this node vouches for.
    fn claim(&mut self, key: OriginId, name: &Origin) {
        let holder = self.shared.names().claim(key, name);
        if let Some(holder) = holder
            && let Some(withheld) = self.log.conflicts.pass(Instant::now().into_std())
        {
            let (key, holder) = (hex::encode(key.0), hex::encode(holder.0));
            warn!(
                withheld,
                "two keys sign in the name of {name}: {holder} was first and keeps it, {key} is shown as a conflict"
            );
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
                self.keeper.note(&told.origin, &told.event, &inserted);
                for touched in &mut self.touched {
                    touched.note(&told.origin, &told.event, &inserted, now);
                }
            }
            // It was acceptable a moment ago, when it was verified or asked for.
            Err(refusal) => {
                if let Some(withheld) = self.log.late.pass(Instant::now().into_std()) {
                    warn!(node_id = %told.origin, withheld, "an event came too late: {refusal}");
                }
            }
        }
    }

    fn tell_digest(&mut self) {
        let digest = self.shared.digest_text(clock::wall());
        self.handle(Input::Digest(gossip::Digest(digest)));
    }

    /// Tells the protocol of a wall clock that was set, or has drifted; and the log of one that peers say is off.
    fn tell_clock(&mut self) {
        let epoch = epoch(&self.shared);
        if epoch.abs_diff(self.epoch) > CLOCK_DRIFT {
            self.epoch = epoch;
            self.handle(Input::Clock { micros: epoch.saturating_add(self.shared.time().as_micros()) });
        }
        let offset = self.shared.protocol().state.clock_offset();
        let off = offset.filter(|offset| offset.micros.unsigned_abs() > CLOCK_OFF);
        if let Some(ClockOffset { micros, peers }) = off.filter(|_| !self.clock_is_off) {
            let (seconds, way) = (micros.unsigned_abs() / 1_000_000, if micros > 0 { "ahead of" } else { "behind" });
            warn!(
                "this machine's clock is {seconds} s {way} its peers' ({peers} of them): set it, or its events come late"
            );
        }
        self.clock_is_off = off.is_some();
    }

    /// Tells the log of another node with this node's key.
    fn tell_clone(&mut self) {
        let has_clone = self.shared.protocol().state.has_clone(self.shared.time());
        if has_clone && !self.has_clone {
            error!(
                "another node runs with this node's key: one data folder is a copy of the other. Both speak in one name, and \
                 peers will take them for a cheat: end one of them, and move its identity.key away to give it a new key"
            );
        }
        self.has_clone = has_clone;
    }

    /// Sums up what has changed when it is time: for peers, and for the stream's readers.
    fn publish(&mut self) {
        let now = Instant::now();
        let is_due = now >= self.last_delta + self.pause();
        // What a peer says of its own may be what we held for a moment only.
        if is_due || (self.changed && now >= self.last_digest + DELTA_PAUSE) {
            self.last_digest = now;
            self.tell_digest();
        }
        if is_due {
            self.tell_clock();
            self.tell_clone();
            self.last_delta = now;
            self.changed = false;
            self.shared.note_numbers();
            self.shared.note_links(&mut self.gone);
            self.shared.hub.next();
            for touched in &mut self.touched {
                let (resolution, cells) = (touched.resolution(), touched.take(clock::wall()));
                self.shared.publish_delta(resolution, cells);
            }
        }
    }
}
