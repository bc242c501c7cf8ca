//! The driver's side of the store: what is to be kept, who waits until it is, and what is asked of it.
//!
//! **Nobody waits for the disk but who must.** What is to be kept goes out to peers first. This node's own bundles go to the
//! disk at once, together with all others that have come; those of peers wait for [`GATHER`], since peers have them too. A
//! poster is answered when the batch with the last of its events is on disk.
//!
//! **An answer knows of all that was kept before its question**: a question waits for the batches that were given to the store
//! before it. Reading is done on other threads, [`READERS`] at once.
//!
//! **Checkpoints stand in the queue.** One is made of a ledger that every bundle before it has gone into and none behind it:
//! the driver sends what it has gathered first.

use super::IngestError;
use crate::store::{Batch, Checkpoint, Kept, Store, StoreError, StoredBundle, StoredProof};
use beauty::{BeautyEvent, EventId, Inserted, Ledger, Origin, Timestamp, Unkept};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use gossip::{Answer, Ask, Bundle, BundleId, Hashed, Mark, OriginId, Proof, Wanted, wire};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

/// How long peers' bundles wait for others, if nothing of our own goes to the disk before. A guess: a tenth of the syncs
/// that a busy mesh would cost, and peers bring again what is lost in it.
const GATHER: Duration = Duration::from_millis(200);
/// So much goes to the disk at once.
const GATHER_BYTES: usize = 1_024 * 1_024;
/// Batches and bytes that the store may have before it, less than it takes: else nothing more is taken in for the moment.
const MAX_BATCHES: usize = 256;
const MAX_BYTES: usize = 8 * 1_024 * 1_024;
/// Questions that are looked up at once.
const READERS: usize = 4;
/// A checkpoint is made when so many events are part of no rollup, or after this time. Guesses: the first is what a start
/// counts again, in a tenth of a second.
const MAX_FRESH: usize = 10_000;
const CHECKPOINT: Duration = Duration::from_secs(30);
/// Also where nothing has come: old events are to go.
const IDLE_CHECKPOINT: Duration = Duration::from_secs(600);

/// Who posted events and waits until they are on disk.
pub(super) type Poster = oneshot::Sender<Result<Vec<EventId>, IngestError>>;

/// What has become of something.
pub(super) enum Done {
    /// A batch or a checkpoint is on disk, or the store has stopped.
    Kept(Result<Kept, StoreError>),
    /// The store answers the protocol; `None` where it could not be read.
    Answer(Option<Answer>),
}

/// The size cap takes nothing that is younger: what comes now must find its place.
const SPARED: Duration = Duration::from_secs(600);

/// What the store is to keep within.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// For how long events are kept.
    pub(crate) retention: Duration,
    /// How many bytes bundles may take.
    pub(crate) max_bytes: u64,
}

/// Keeps what the driver gives it.
pub(super) struct Keeper {
    store: Arc<Store>,
    own: OriginId,
    room: Room,
    gathered: Gathered,
    /// The number of the batch that is gathered, and how many are on disk: all with a lower number.
    next: u64,
    done: u64,
    writing: FuturesOrdered<BoxFuture<'static, Written>>,
    writing_bytes: usize,
    posts: Posts,
    asks: VecDeque<(u64, Question)>,
    reading: JoinSet<Option<Answer>>,
    unkept: Unkept,
    fresh: usize,
    last_checkpoint: Instant,
    stopped: bool,
}

/// What a checkpoint is made of.
pub(super) struct Part<'a> {
    pub(super) ledger: &'a Ledger,
    /// Keys of buckets that are no part of the ledger any more.
    pub(super) gone: Vec<Vec<u8>>,
    /// What is part of no rollup yet.
    pub(super) waiting: Vec<u8>,
}

/// What is to be looked up.
enum Question {
    /// For the protocol.
    Ask(Ask),
    /// The proof that an origin cheats, for somebody who waits for it.
    Proof(OriginId, oneshot::Sender<Option<StoredProof>>),
}

#[derive(Default)]
struct Gathered {
    bundles: Vec<StoredBundle>,
    proofs: Vec<StoredProof>,
    bytes: usize,
    own_seq: Option<u64>,
    /// Who is to be answered when this is on disk.
    posters: Vec<(Poster, Vec<EventId>)>,
    due: Option<Instant>,
}

struct Written {
    bytes: usize,
    posters: Vec<(Poster, Vec<EventId>)>,
    kept: Result<Kept, StoreError>,
}

/// Posts of which an event is in no bundle yet.
#[derive(Default)]
struct Posts {
    last: u64,
    open: BTreeMap<u64, Post>,
    events: HashMap<Uuid, u64>,
}

struct Post {
    poster: Poster,
    ids: Vec<EventId>,
    /// How many of its events are in no bundle yet.
    left: usize,
}

impl Posts {
    fn expect(&mut self, poster: Poster, ids: Vec<EventId>) {
        self.last += 1;
        self.events.extend(ids.iter().map(|id| (id.0, self.last)));
        self.open.insert(self.last, Post { poster, left: ids.len(), ids });
    }

    /// An event is in a bundle. Gives the post whose last one it was.
    fn bundled(&mut self, event: &Uuid) -> Option<Post> {
        let number = self.events.remove(event)?;
        let post = self.open.get_mut(&number)?;
        post.left -= 1;
        if post.left == 0 { self.open.remove(&number) } else { None }
    }
}

impl Keeper {
    /// `fresh`: how many events the store holds that are part of no rollup, with the buckets that they have changed.
    pub(super) fn new(store: Store, own: OriginId, room: Room, (unkept, fresh): (Unkept, usize)) -> Keeper {
        Keeper {
            store: Arc::new(store),
            own,
            room,
            gathered: Gathered::default(),
            next: 0,
            done: 0,
            writing: FuturesOrdered::new(),
            writing_bytes: 0,
            posts: Posts::default(),
            asks: VecDeque::new(),
            reading: JoinSet::new(),
            unkept,
            fresh,
            last_checkpoint: Instant::now(),
            stopped: false,
        }
    }

    /// Whether more may be taken in.
    pub(super) fn has_room(&self) -> bool {
        self.writing.len() < MAX_BATCHES && self.writing_bytes + self.gathered.bytes < MAX_BYTES
    }

    /// Answers a poster when all of its events, which are bundled from now on, are on disk.
    pub(super) fn expect(&mut self, poster: Poster, ids: Vec<EventId>) {
        self.posts.expect(poster, ids);
    }

    /// Takes in a bundle of this node or of a peer.
    pub(super) fn keep(&mut self, now: Instant, bundle: &Hashed) {
        let own = bundle.id.origin == self.own;
        // Scripts hear of an event before it is bundled. What one of them signs as its own tells nothing of ours.
        let events = bundle.events.iter().filter(|_| own);
        let posters = events.filter_map(|event| self.posts.bundled(&event.id));
        self.gathered.posters.extend(posters.map(|post| (post.poster, post.ids)));
        // It was encoded for peers already: `None` only where memory ends.
        let Some(bytes) = wire::encode_bundle(bundle) else { return };
        self.gathered.bytes += bytes.len();
        self.fresh += bundle.events.len();
        if own {
            self.gathered.own_seq = Some(bundle.id.seq);
        }
        let due = if own { now } else { now + GATHER };
        self.gathered.due = Some(self.gathered.due.map_or(due, |earlier| earlier.min(due)));
        // A bundle has 256 events at most.
        let (id, hash) = (bundle.id, Some(bundle.hash()));
        self.gathered.bundles.push(StoredBundle { id, hash, events: bundle.events.len() as u16, bytes });
    }

    /// Takes in the proof that an origin cheats.
    pub(super) fn prove(&mut self, now: Instant, proof: Proof, mark: &Mark) {
        self.gathered.bytes += proof.bundles().iter().map(Bundle::bytes).sum::<usize>();
        self.gathered.proofs.push(StoredProof { proof, since: mark.since });
        let due = now + GATHER;
        self.gathered.due = Some(self.gathered.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Notes what became of an event in the ledger.
    pub(super) fn note(&mut self, origin: &Origin, event: &BeautyEvent, inserted: &Inserted) {
        self.unkept.note(origin, event, inserted);
    }

    /// Takes in a question of the protocol.
    pub(super) fn ask(&mut self, ask: Ask) {
        self.question(Question::Ask(ask));
    }

    /// Looks up the proof that an origin cheats, for somebody who waits for it.
    pub(super) fn look_up(&mut self, origin: OriginId, answer: oneshot::Sender<Option<StoredProof>>) {
        self.question(Question::Proof(origin, answer));
    }

    fn question(&mut self, question: Question) {
        let nothing = self.gathered.bundles.is_empty() && self.gathered.proofs.is_empty();
        let after = if nothing { self.next } else { self.next + 1 };
        self.asks.push_back((after, question));
    }

    /// When there is something to do, if nothing happens before.
    pub(super) fn next_wakeup(&self) -> Instant {
        let checkpoint = self.has_room().then(|| self.last_checkpoint + self.pause());
        let due = self.gathered.due.filter(|_| self.may_write());
        // Where there is no room, what the store has done comes next.
        [checkpoint, due].into_iter().flatten().min().unwrap_or_else(|| Instant::now() + IDLE_CHECKPOINT)
    }

    /// Whether the store has room for more. What it is given then it takes: one batch of [`GATHER_BYTES`] and a little, or
    /// a checkpoint and what is gathered before it, are less than what is left of its queue.
    fn may_write(&self) -> bool {
        self.writing.len() < MAX_BATCHES && self.writing_bytes < MAX_BYTES
    }

    /// How long after the last checkpoint the next one is due.
    fn pause(&self) -> Duration {
        match (self.stopped, self.is_idle()) {
            // None is made any more.
            (true, _) => Duration::from_secs(24 * 3_600),
            (false, true) => IDLE_CHECKPOINT,
            (false, false) => CHECKPOINT,
        }
    }

    /// Gives the store what is due, and looks up what can be.
    pub(super) fn go_on(&mut self, now: Instant) {
        let waited_for = self.asks.back().is_some_and(|(after, _)| *after > self.next);
        let due = self.gathered.due.is_some_and(|due| due <= now);
        if self.may_write() && (due || waited_for || self.gathered.bytes >= GATHER_BYTES) {
            self.flush(None);
        }
        while self.reading.len() < READERS && self.asks.front().is_some_and(|(after, _)| *after <= self.done) {
            let Some((_, question)) = self.asks.pop_front() else { break };
            let store = Arc::clone(&self.store);
            self.reading.spawn_blocking(move || match question {
                Question::Ask(ask) => answer(&store, &ask),
                Question::Proof(origin, answer) => {
                    // Who asked may have given up waiting.
                    let _ = answer.send(read(store.proof(&origin)).flatten());
                    None
                }
            });
        }
    }

    /// Gives the store all that is gathered, and the addresses to dial after a restart.
    pub(super) fn flush(&mut self, peers: Option<Vec<String>>) {
        let Gathered { bundles, proofs, own_seq, posters, .. } = std::mem::take(&mut self.gathered);
        if bundles.is_empty() && proofs.is_empty() && peers.is_none() {
            return;
        }
        let batch = Batch { bundles, own_seq, peers, proofs };
        let bytes = batch.bytes();
        let receipt = self.store.keep(batch);
        self.next += 1;
        self.writing_bytes += bytes;
        self.writing.push_back(Box::pin(async move {
            let kept = match receipt {
                Ok(receipt) => receipt.kept().await,
                Err(error) => Err(error),
            };
            Written { bytes, posters, kept }
        }));
    }

    /// Whether a checkpoint is due.
    pub(super) fn wants_checkpoint(&self, now: Instant) -> bool {
        let due = self.fresh >= MAX_FRESH || now >= self.last_checkpoint + self.pause();
        due && !self.stopped && self.has_room()
    }

    fn is_idle(&self) -> bool {
        self.fresh == 0 && self.unkept.is_empty()
    }

    /// Makes all that was kept part of the rollups, and makes room. Nothing goes for its age that is younger than `horizon`, in
    /// microseconds since the epoch: the wall clock alone may be wrong.
    pub(super) fn checkpoint(&mut self, now: Instant, (wall, horizon): (Timestamp, u64), part: Part<'_>) {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let before = |age: Duration| wall.as_millis().saturating_mul(1_000).saturating_sub(micros(age));
        // The time that there is reason to believe.
        let time = Timestamp::from_millis(horizon.saturating_add(micros(self.room.retention)) / 1_000).min(wall);
        let checkpoint = Checkpoint {
            rollups: part.ledger.rollups(&self.unkept),
            gone: part.gone,
            past: part.ledger.past_rollups(time),
            waiting: part.waiting,
            retain_from: before(self.room.retention).min(horizon),
            max_bytes: self.room.max_bytes,
            spare_from: before(SPARED),
        };
        let bytes = checkpoint.bytes();
        self.writing_bytes += bytes;
        let receipt = self.store.checkpoint(checkpoint);
        (self.unkept, self.fresh, self.last_checkpoint) = (Unkept::default(), 0, now);
        self.next += 1;
        self.writing.push_back(Box::pin(async move {
            let kept = match receipt {
                Ok(receipt) => receipt.kept().await,
                Err(error) => Err(error),
            };
            Written { bytes, posters: Vec::new(), kept }
        }));
    }

    /// Waits until something is done. May be dropped at any time.
    pub(super) async fn next(&mut self) -> Done {
        tokio::select! {
            biased;
            Some(written) = self.writing.next() => Done::Kept(self.on_written(written)),
            // A reader that has panicked is one that could not read.
            Some(answer) = self.reading.join_next() => Done::Answer(answer.ok().flatten()),
            else => std::future::pending().await,
        }
    }

    fn on_written(&mut self, Written { bytes, posters, kept }: Written) -> Result<Kept, StoreError> {
        self.done += 1;
        self.writing_bytes -= bytes;
        for (poster, ids) in posters {
            let outcome = kept.as_ref().map(|_| ids).map_err(|error| IngestError::NotKept(error.clone().into()));
            // Who asked may have given up waiting.
            let _ = poster.send(outcome);
        }
        if let Err(error) = &kept {
            self.stop(error);
        }
        kept
    }

    /// Nothing more will be kept: who waits is told.
    fn stop(&mut self, error: &StoreError) {
        self.stopped = true;
        for (_, Post { poster, .. }) in std::mem::take(&mut self.posts).open {
            let _ = poster.send(Err(IngestError::NotKept(error.clone().into())));
        }
    }

    /// Waits until all that was given to the store is on disk, and closes it.
    pub(super) async fn end(mut self) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        while let Some(written) = self.writing.next().await {
            if let (Err(error), true) = (self.on_written(written), outcome.is_ok()) {
                outcome = Err(error);
            }
        }
        while self.reading.join_next().await.is_some() {}
        // Closing joins a thread and writes a little. Where the node is cut off, the next start tells of what is left.
        let _ = tokio::task::spawn_blocking(move || drop(self.store)).await;
        outcome
    }
}

/// Looks up what the protocol asks for. `None` where the file can't be read: no answer does no harm, and a wrong one would.
fn answer(store: &Store, ask: &Ask) -> Option<Answer> {
    match ask {
        Ask::Ids { token, from, until, limit } => {
            let ids = read(store.ids(*from..*until, *limit))?;
            Some(Answer::Ids { token: *token, ids })
        }
        Ask::Contents { token, from, until, limit } => {
            let contents = read(store.contents(*from..*until, *limit))?;
            Some(Answer::Contents { token: *token, contents })
        }
        Ask::Proof { token, origin } => {
            let stored = read(store.proof(origin))?;
            Some(Answer::Proof { token: *token, proof: stored.map(|stored| Box::new(stored.proof)) })
        }
        Ask::Bundles { token, ids, bytes } => {
            let found = read(store.bundles(ids))?;
            found.damaged.iter().for_each(tell_damaged);
            // In the order of the question, but for those that are not here.
            let mut found = found.bundles.into_iter().peekable();
            let (mut covered, mut size, mut bundles) = (0, 0, Vec::new());
            for wanted in ids {
                if let Some(stored) = found.next_if(|stored| is_it(wanted, stored)) {
                    match wire::decode_bundle(&stored.bytes) {
                        Ok(bundle) => {
                            size += bundle.weight();
                            if size > *bytes && !bundles.is_empty() {
                                break;
                            }
                            bundles.push(bundle);
                        }
                        Err(_) => tell_damaged(&wanted.id),
                    }
                }
                covered += 1;
            }
            Some(Answer::Bundles { token: *token, covered, bundles })
        }
    }
}

/// Whether it is this bundle that is wanted.
fn is_it(wanted: &Wanted, stored: &StoredBundle) -> bool {
    stored.id == wanted.id && wanted.hash.is_none_or(|hash| wire::hash_of(&stored.bytes) == Ok(hash))
}

fn read<T>(outcome: Result<T, StoreError>) -> Option<T> {
    outcome.inspect_err(|error| warn!("a peer's question could not be looked up: {error}")).ok()
}

fn tell_damaged(id: &BundleId) {
    warn!(
        "the bundle {} of {:?} is damaged on disk and is not served; `beauty-mesh store check` says more",
        id.seq, id.origin
    );
}

#[cfg(test)]
mod tests;
