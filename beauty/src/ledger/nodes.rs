//! The nodes that have been heard from: each with its own rings, and a bound on how many.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::rings::Rings;
use crate::ledger::rollups::keys_of;
use crate::{LeanBucket, LedgerConfig, Origin, Timestamp};

/// What is known of one node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The name, sharing its text with the key of the tree.
    name: Origin,
    pub(crate) rings: Rings<LeanBucket>,
    /// The time of the newest event heard from it, whether or not that event won.
    pub(crate) newest: Timestamp,
    /// Tells these rings from those that the node had before it gave way and came back.
    pub(crate) serial: u64,
}

impl Node {
    /// What a node takes beside its rings: its name (64 bytes, and the counts of an `Arc`), and its places in the two trees,
    /// which may be half empty.
    pub(crate) const BYTES_BESIDE_RINGS: usize = {
        let name = 64 + 16 + 16;
        let beside = 2 * size_of::<Origin>() + size_of::<Timestamp>() + size_of::<u64>();
        name + 2 * (beside + size_of::<(Timestamp, Origin)>())
    };
}

/// All nodes, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nodes {
    by_name: BTreeMap<Origin, Node>,
    /// Every node once, at a time not after its newest event. Put right only when somebody has to give way, so that an event
    /// of a known node costs nothing here.
    by_age: BTreeSet<(Timestamp, Origin)>,
    next_serial: u64,
    /// The keys of the buckets of those that have given way, for whoever keeps buckets.
    pub(crate) gone: Vec<Vec<u8>>,
}

/// So many keys of buckets are remembered that are to go: 6 MB. What is beyond stays kept until it is past, or until the next start
/// finds that it is too much. A guess: what the most that comes between two checkpoints can make.
const MAX_GONE: usize = 65_536;

impl Nodes {
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(crate) fn get(&self, origin: &Origin) -> Option<&Node> {
        self.by_name.get(origin)
    }

    /// The node, if its rings are the ones of that serial.
    pub(crate) fn get_same(&mut self, origin: &Origin, serial: u64) -> Option<&mut Node> {
        self.by_name.get_mut(origin).filter(|node| node.serial == serial)
    }

    /// All nodes in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Origin, &Node)> {
        self.by_name.iter()
    }

    /// Hears from a node, makes its row where it has none, and lets `change` at its rings. Returns the name as the row holds
    /// it, so that it can be shared, and the serial of the rings.
    ///
    /// Past `max_nodes`, the node whose newest event is the oldest gives way, of equals the first by name. That may be the
    /// newcomer: then its events count for the mesh only.
    pub(crate) fn hear(
        &mut self,
        origin: &Origin,
        at: Timestamp,
        config: &LedgerConfig,
        change: impl FnOnce(&mut Rings<LeanBucket>),
    ) -> (Origin, u64) {
        if let Some(node) = self.by_name.get_mut(origin) {
            node.newest = node.newest.max(at);
            change(&mut node.rings);
            return (node.name.clone(), node.serial);
        }
        let mut rings = Rings::new(|resolution| config.node_slots(resolution));
        change(&mut rings);
        let (name, serial) = (origin.clone(), self.next_serial);
        self.next_serial = serial.wrapping_add(1);
        self.by_name.insert(name.clone(), Node { name: name.clone(), rings, newest: at, serial });
        self.by_age.insert((at, name.clone()));
        while self.by_name.len() > config.max_nodes {
            self.oldest_gives_way();
        }
        (name, serial)
    }

    fn oldest_gives_way(&mut self) {
        while let Some((at, origin)) = self.by_age.pop_first() {
            match self.by_name.get(&origin) {
                Some(node) if node.newest > at => self.by_age.insert((node.newest, origin)),
                _ => {
                    if let Some(node) = self.by_name.remove(&origin) {
                        let left = MAX_GONE.saturating_sub(self.gone.len());
                        self.gone.extend(keys_of(&origin, &node.rings).take(left));
                    }
                    return;
                }
            };
        }
    }
}
