//! The driver: the one task that owns `gossip::State`.
//!
//! Commands in, `handle`, outputs out, sleep until the next wake-up. It waits for nobody: a peer whose queue is full is
//! dropped, and what a connection does in its own time happens in its own task.

mod events;
mod outputs;
mod telling;

use super::deferred::Deferred;
use super::gone::Gone;
use super::keeper::{Done, Keeper, Part};
use super::log::Gates;
use super::{Begin, Command, Failure, Heard, Shared, kept_names};
use crate::clock;
use crate::kept::KeptFile;
use crate::transport;
use beauty::{Origin, Resolution, Touched};
use gossip::{Hello, Input, Message, Output, PeerId, State, Time};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, error, info, warn};

/// Commands that are handled before deltas are looked at.
const BATCH: usize = 128;
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
            Command::Down { peer, why, parted } => {
                if !parted {
                    self.note_gone(peer);
                }
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
}
