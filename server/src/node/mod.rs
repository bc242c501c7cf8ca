//! The node: what a driver, an API and a source share.
//!
//! One task, the [`driver`](driver::Driver), drives `gossip::State` and is the only writer of it and of the ledger. All
//! others read them under their locks, for moments and never across an await, and talk to the driver through a bounded
//! queue.

mod deferred;
mod driver;
mod failure;
mod gone;
mod hub;
mod keeper;
mod kept_names;
mod log;
mod names;
mod past;
mod restore;
mod times;
mod turned_away;
mod verify;
mod view;

pub(crate) use driver::Driver;
pub(crate) use failure::Failure;
pub(crate) use hub::{Frame, Hub, Mark, Missed};
pub(crate) use keeper::Room;
pub(crate) use log::LINES_OF_REFUSALS;
pub(crate) use names::Names;
pub(crate) use restore::{Begin, RestoreError, Restored, restore};
pub(crate) use times::COUNTED;
pub(crate) use turned_away::{Attempt, TurnedAway};
pub(crate) use verify::{Checked, Heard, Refusal, Verifier, acceptable};
pub(crate) use view::{MAP_BUCKETS, MAP_RESOLUTION, write};

use crate::profiles::ProfileFile;
use crate::rotations::RotationFile;
use crate::store::StoredProof;
use crate::transport::Link;
use beauty::{EventId, Ledger, Report, TimeRefusal};
use gossip::{Address, Direction, Message, OriginId, PeerId, State, Time};
use past::Past;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How many commands wait for the driver, before whoever sends one waits.
pub(crate) const COMMANDS: usize = 1_024;

/// What the driver is told.
pub(crate) enum Command {
    /// A connection stands.
    Up { peer: PeerId, direction: Direction, address: Address, link: Link },
    /// A connection has ended.
    Down {
        peer: PeerId,
        why: String,
        /// Whether one of the two nodes wanted it so, and both go on.
        parted: bool,
    },
    /// A dial came to nothing.
    DialFailed { address: Address },
    /// A frame came and holds. Its events come with what they tell.
    Frame { peer: PeerId, message: Message, heard: Vec<Heard> },
    /// The round trip of a connection was measured.
    Rtt { peer: PeerId, rtt: Duration },
    /// What had waited in the queues of connections to nodes has left.
    Drained { bytes: u64, took: Duration },
    /// A frame came and was refused.
    Refused { peer: PeerId, reason: &'static str, event: bool },
    /// A bundle of this origin came with a second signature, and what the origin declares is not known.
    Undeclared { peer: PeerId, origin: OriginId },
    /// Somebody wants the proof that an origin cheats.
    Prove { origin: OriginId, answer: oneshot::Sender<Option<StoredProof>> },
    /// Events of this node's own.
    Ingest { reports: Vec<Report>, answer: keeper::Poster },
}

/// Why events were not taken in: none of them was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum IngestError {
    /// They may not be on disk. Peers may have them all the same.
    #[error("{0}")]
    NotKept(Failure),
    /// The times of these entries are not acceptable.
    #[error("{} of the events have a time that is not acceptable", .0.len())]
    Times(Vec<(usize, TimeRefusal)>),
    /// The node is ending.
    #[error("the node is ending; send the events to another node, or again when it is back")]
    Ending,
}

/// A handle on the node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
}

/// What the driver writes and others read.
pub(crate) struct Shared {
    /// The name of the mesh, for readers.
    mesh: String,
    pub(crate) node_id: beauty::Origin,
    /// By which others know this node, whatever its name.
    pub(crate) public_key: OriginId,
    pub(crate) started: Instant,
    pub(crate) hub: Hub,
    ledger: RwLock<Ledger>,
    /// Grows with every change of the ledger.
    version: AtomicU64,
    protocol: Mutex<Protocol>,
    names: Mutex<Names>,
    /// How the numbers went.
    past: Mutex<Past>,
    /// Whose link broke.
    gone: Mutex<Vec<app::api::Peer>>,
    /// What is kept of changed keys.
    pub(crate) rotations: Arc<RotationFile>,
    /// What is kept of origins that sign twice.
    pub(crate) profiles: Arc<ProfileFile>,
    /// Who could not join.
    pub(crate) turned_away: Arc<TurnedAway>,
    /// Why nothing is kept any more.
    failure: OnceLock<Failure>,
}

/// The state machine and the connections that it speaks through.
pub(crate) struct Protocol {
    pub(crate) state: State,
    pub(crate) links: BTreeMap<PeerId, Link>,
}

impl Shared {
    pub(crate) fn new(
        node_id: beauty::Origin,
        public_key: OriginId,
        (ledger, names): (Ledger, Names),
        (state, rotations, profiles): (State, RotationFile, ProfileFile),
    ) -> Shared {
        Shared {
            mesh: String::new(),
            node_id,
            public_key,
            started: Instant::now(),
            hub: Hub::new(crate::clock::wall().as_millis()),
            ledger: RwLock::new(ledger),
            version: AtomicU64::new(0),
            protocol: Mutex::new(Protocol { state, links: BTreeMap::new() }),
            names: Mutex::new(names),
            past: Mutex::default(),
            gone: Mutex::default(),
            rotations: Arc::new(rotations),
            profiles: Arc::new(profiles),
            turned_away: Arc::default(),
            failure: OnceLock::new(),
        }
    }

    /// The same, of a mesh of this name.
    pub(crate) fn of_mesh(self, mesh: String) -> Shared {
        Shared { mesh, ..self }
    }

    /// The ledger, to read. A panic of another reader leaves it whole, so poison is no reason to stop.
    pub(crate) fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger_mut(&self) -> RwLockWriteGuard<'_, Ledger> {
        let ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: who reads the new number reads the ledger only after what it stands for.
        self.version.fetch_add(1, Ordering::Release);
        ledger
    }

    /// A number that changes whenever the ledger does. Read it before the ledger to know how old a copy may be.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The protocol: the driver drives it, others look. Never held together with the ledger.
    pub(crate) fn protocol(&self) -> MutexGuard<'_, Protocol> {
        self.protocol.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who signs in which name. Never held together with another lock.
    pub(crate) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the numbers went. Never held together with another lock.
    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose link broke. Never held together with another lock.
    fn gone(&self) -> MutexGuard<'_, Vec<app::api::Peer>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing is acknowledged any more, if it is so.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// From now on nothing is acknowledged. The first reason counts.
    fn fail(&self, why: &Failure) {
        self.failure.get_or_init(|| why.clone());
    }

    /// Whether connections from there are turned away: its host is banned.
    pub(crate) fn turns_away(&self, from: IpAddr) -> bool {
        self.protocol().state.turns_away(self.time(), &from.to_canonical().to_string())
    }

    /// The moment, as the protocol counts.
    pub(crate) fn time(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }
}

impl Node {
    pub(crate) fn new(shared: Arc<Shared>, commands: mpsc::Sender<Command>) -> Node {
        Node { shared, commands }
    }

    /// The proof that an origin cheats, if there is one. `None` as well where it can't be read.
    pub(crate) async fn proof(&self, origin: OriginId) -> Option<StoredProof> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::Prove { origin, answer }).await.ok()?;
        answered.await.ok()?
    }

    /// Takes in events of this node: all of them, or none. Returns when they are on disk; they are on the map and on their way
    /// to peers before.
    ///
    /// # Errors
    /// Which events have a time that is not acceptable, that the disk fails, or that the node is ending.
    pub(crate) async fn ingest_local_beauty(&self, reports: Vec<Report>) -> Result<Vec<EventId>, IngestError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Ingest { reports, answer }).await;
        sent.map_err(|_| IngestError::Ending)?;
        answered.await.map_err(|_| IngestError::Ending)?
    }
}
