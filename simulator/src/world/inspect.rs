//! What can be seen of the world from outside.

use super::World;
use crate::connections::opposite;
use crate::protocol::{ConnId, NodeId, SimNode};
use std::collections::{BTreeMap, BTreeSet};

impl World<'_> {
    /// A node whose state breaks an invariant, and how.
    pub fn unsound_node(&self) -> Option<(NodeId, String)> {
        self.first_fault(|node, now| node.check(now))
    }

    /// A node that does not know that its peers hold what it holds, and in what words.
    pub fn restless_node(&self) -> Option<(NodeId, String)> {
        self.first_fault(|node, now| node.check_rest(now))
    }

    /// A node that runs.
    pub fn node(&self, node: NodeId) -> Option<&dyn SimNode> {
        self.slots.get(node.index())?.node.as_deref()
    }

    /// The nodes at the other ends of a node's links, and whether it has dialled them itself.
    pub fn links(&self, node: NodeId) -> Vec<(NodeId, bool)> {
        let Some(slot) = self.slots.get(node.index()) else { return Vec::new() };
        let neighbours = slot.node.as_ref().map(|node| node.neighbours()).unwrap_or_default();
        // The dialler's end of a connection is the even one.
        let dialled = |peer: NodeId| {
            let ends = slot.ends.iter().filter(|end| end.0.is_multiple_of(2));
            ends.into_iter().any(|end| self.connections.node(opposite(*end)) == Some(peer))
        };
        neighbours.into_iter().map(|peer| (peer, dialled(peer))).collect()
    }

    /// Pairs of nodes with more than one connection between them, of those that stand, and which these are.
    pub fn twice_connected(&self) -> BTreeMap<(NodeId, NodeId), BTreeSet<ConnId>> {
        let mut pairs = BTreeMap::<_, BTreeSet<ConnId>>::new();
        let ends = self.slots.iter().flat_map(|slot| &slot.ends).copied();
        // A connection is counted at its dialler's end.
        let standing = ends
            .filter(|end| end.0.is_multiple_of(2))
            .filter(|end| self.connections.reaches(*end) && self.connections.reaches(opposite(*end)));
        for end in standing {
            let ends = [end, opposite(end)].map(|end| self.connections.node(end));
            if let [Some(a), Some(b)] = ends {
                pairs.entry((a.min(b), a.max(b))).or_default().insert(end);
            }
        }
        pairs.retain(|_, connections| connections.len() > 1);
        pairs
    }

    fn first_fault(
        &self,
        check: impl Fn(&dyn SimNode, gossip::Time) -> Result<(), String>,
    ) -> Option<(NodeId, String)> {
        let mut nodes = self.slots.iter().zip(0..).filter_map(|(slot, id)| Some((NodeId(id), slot.node.as_deref()?)));
        nodes.find_map(|(id, node)| Some((id, check(node, self.now).err()?)))
    }
}
