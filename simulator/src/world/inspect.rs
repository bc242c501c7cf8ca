//! What can be seen of the world from outside.

use super::World;
use crate::connections::opposite;
use crate::protocol::NodeId;
use std::collections::BTreeSet;

impl World<'_> {
    /// A node whose state breaks an invariant, and how.
    pub fn unsound_node(&self) -> Option<(NodeId, String)> {
        self.first_fault(|node, now| node.check(now))
    }

    /// A node that does not know that its peers hold what it holds, and in what words.
    pub fn restless_node(&self) -> Option<(NodeId, String)> {
        self.first_fault(|node, now| node.check_rest(now))
    }

    /// Two nodes with more than one connection between them, of those that stand.
    pub fn twice_connected(&self) -> Option<(NodeId, NodeId)> {
        let mut pairs = BTreeSet::new();
        let ends = self.slots.iter().flat_map(|slot| &slot.ends).copied();
        // A connection is counted at its dialler's end.
        let standing = ends
            .filter(|end| end.0.is_multiple_of(2))
            .filter(|end| self.connections.reaches(*end) && self.connections.reaches(opposite(*end)));
        let mut all = standing.filter_map(|end| {
            let (a, b) = (self.connections.node(end)?, self.connections.node(opposite(end))?);
            Some((a.min(b), a.max(b)))
        });
        all.find(|pair| !pairs.insert(*pair))
    }

    fn first_fault(
        &self,
        check: impl Fn(&dyn crate::protocol::SimNode, gossip::Time) -> Result<(), String>,
    ) -> Option<(NodeId, String)> {
        let mut nodes = self.slots.iter().zip(0..).filter_map(|(slot, id)| Some((NodeId(id), slot.node.as_deref()?)));
        nodes.find_map(|(id, node)| Some((id, check(node, self.now).err()?)))
    }
}
