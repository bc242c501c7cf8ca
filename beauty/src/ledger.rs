//! The ledger: everything a node knows of the mesh's beauty, by time and by node, without the events themselves.

mod config;
mod likeness;
mod nodes;
mod recent;
mod refusal;
mod rings;
mod rollups;
mod view;

pub use config::{ConfigError, LedgerConfig};
pub use refusal::TimeRefusal;
pub use rollups::{RollupError, Unkept};

use crate::ledger::nodes::Nodes;
use crate::ledger::recent::{Entry, Recent};
use crate::ledger::rings::Rings;
use crate::{BeautyEvent, Bucket, ContentHash, EventId, LeanBucket, Origin, Resolution, Timestamp};

/// Buckets by time for the whole mesh and, leaner, for each node, at all five resolutions; and the ids of recent events.
///
/// **Convergence.** Two ledgers that were given the same events show the same map and the same digest, whatever the order of
/// the events and however often each came. An event is known by its id. Where two with one id differ, the one with the smaller
/// content hash stays and the other is taken out again.
///
/// **Where that ends.** Only recent ids are remembered. The caller, whose store remembers all, must not bring an event again
/// whose id is no longer [recent](Ledger::is_recent): it would count twice. Past `max_nodes`, which nodes have rows depends on
/// who was heard when; the mesh's own buckets and the digest do not.
///
/// Memory grows with resolutions and nodes, never with events: see [`LedgerConfig::memory_bound`].
#[derive(Clone, Debug)]
pub struct Ledger {
    config: LedgerConfig,
    mesh: Rings<Bucket>,
    nodes: Nodes,
    recent: Recent,
}

/// What became of an event that was given to a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is new, and counted.
    New,
    /// The same event is counted already. Nothing changed.
    Duplicate,
    /// Another event with this id was counted; this one has the smaller hash and stands in its place now. The cells of both
    /// changed.
    Replaced {
        /// Who reported the event that was taken out.
        origin: Origin,
        /// When that event was.
        at: Timestamp,
    },
    /// Another event with this id is counted and has the smaller hash. Nothing shown changed.
    Outranked,
}

impl Ledger {
    /// An empty ledger. Values of the configuration that are out of bounds are brought to the nearest bound; whoever wants to
    /// tell the user asks [`LedgerConfig::validate`] first.
    pub fn new(config: LedgerConfig) -> Ledger {
        let config = config.within_bounds();
        Ledger {
            mesh: Rings::new(|resolution| config.mesh_slots(resolution)),
            nodes: Nodes::default(),
            recent: Recent::new(config.recent_ids),
            config,
        }
    }

    /// The configuration, every value within its bounds.
    pub const fn config(&self) -> &LedgerConfig {
        &self.config
    }

    /// Says whether an event of this time may come in now. Both bounds themselves are allowed.
    ///
    /// # Errors
    /// A [`TimeRefusal`]. It is not final: time goes on, and clocks are put right.
    pub fn admits(&self, at: Timestamp, now: Timestamp) -> Result<(), TimeRefusal> {
        TimeRefusal::check(at, now, &self.config)
    }

    /// True where the id is among the recent ones, so that an event which comes again is known. Where it is not, the caller
    /// asks its store before it inserts.
    pub fn is_recent(&self, id: &EventId) -> bool {
        self.recent.get(id).is_some()
    }

    /// Takes an event in, at every resolution whose horizon holds it.
    ///
    /// Where it replaces another whose score was the least or greatest of a bucket, that bucket's extremes are counted anew
    /// from the recent events. If those are no longer all of the bucket's events, the old extremes stay, which are then too
    /// wide; all else is exact always.
    ///
    /// # Errors
    /// A [`TimeRefusal`] where [`admits`](Ledger::admits) refuses. Nothing has changed then, and the id is not remembered.
    pub fn insert(&mut self, origin: &Origin, event: &BeautyEvent, now: Timestamp) -> Result<Inserted, TimeRefusal> {
        self.admits(event.at, now)?;
        let hash = event.content_hash(origin);
        let Some(known) = self.recent.get(&event.id) else {
            let entry = self.count(origin, event, hash);
            self.recent.insert(entry);
            return Ok(Inserted::New);
        };
        if known.hash == hash {
            return Ok(Inserted::Duplicate);
        }
        if known.hash < hash {
            // The node has spoken all the same: with the events in another order, it would have been heard.
            self.nodes.hear(origin, event.at, &self.config, |_| ());
            return Ok(Inserted::Outranked);
        }
        let loser = known.clone();
        self.uncount(&loser);
        let winner = self.count(origin, event, hash);
        self.recent.replace(winner);
        self.restore_extremes(&loser);
        Ok(Inserted::Replaced { origin: loser.origin, at: loser.at })
    }

    /// How many nodes have rows of their own.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// When the newest event of a node was; `None` where it has no row of its own.
    pub fn newest(&self, origin: &Origin) -> Option<Timestamp> {
        Some(self.nodes.get(origin)?.newest)
    }

    /// The names of the nodes that have rows of their own, in order.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.nodes.iter().map(|(origin, _)| origin)
    }

    /// Adds an event to all buckets, and says what to remember of it.
    fn count(&mut self, origin: &Origin, event: &BeautyEvent, hash: ContentHash) -> Entry {
        let BeautyEvent { id, at, score, .. } = *event;
        self.mesh.update(at, |bucket| bucket.add(score, &hash));
        let (origin, serial) = self.nodes.hear(origin, at, &self.config, |rings| {
            rings.update(at, |bucket| bucket.add(score));
        });
        Entry { id, hash, at, score, origin, serial }
    }

    /// Takes an event out of all buckets that still hold its time. A slot that is held now was never refused a write, so the
    /// event is in it.
    fn uncount(&mut self, entry: &Entry) {
        self.mesh.update_held(entry.at, |bucket| bucket.remove(entry.score, &entry.hash));
        if let Some(node) = self.nodes.get_same(&entry.origin, entry.serial) {
            node.rings.update_held(entry.at, |bucket| bucket.remove(entry.score));
        }
    }

    /// Puts the extremes of the buckets right that an event was taken out of, where they may be that event's.
    fn restore_extremes(&mut self, gone: &Entry) {
        let Ledger { mesh, nodes, recent, .. } = self;
        let mut node = nodes.get_same(&gone.origin, gone.serial);
        let in_doubt = Resolution::ALL.into_iter().any(|resolution| {
            let of_mesh = mesh.get(resolution).get(gone.at).map(Bucket::moments);
            let of_node =
                node.as_ref().and_then(|node| node.rings.get(resolution).get(gone.at)).map(LeanBucket::moments);
            [of_mesh, of_node].into_iter().flatten().any(|moments| moments.is_extreme(gone.score))
        });
        if !in_doubt {
            return;
        }
        for (resolution, recount) in Resolution::ALL.into_iter().zip(recent.recount(gone.at, gone.serial)) {
            if let Some(bucket) = mesh.get_mut(resolution).get_mut(gone.at) {
                bucket.moments_mut().adopt_extremes(&recount.mesh);
            }
            if let Some(bucket) = node.as_mut().and_then(|node| node.rings.get_mut(resolution).get_mut(gone.at)) {
                bucket.moments_mut().adopt_extremes(&recount.node);
            }
        }
    }
}
