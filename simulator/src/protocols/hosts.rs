//! Where nodes are, as addresses.

use crate::protocol::NodeId;
use gossip::Address;

/// Where all nodes listen.
pub(super) const PORT: u16 = 8091;

/// Who is at which address: each node has a host of its own, but for a crowd that shares a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The first node of the crowd; all after it are in it as well.
    pub crowd_from: u32,
    /// How many hosts it has.
    pub crowd_hosts: u32,
}

impl Default for Hosts {
    fn default() -> Hosts {
        Hosts { crowd_from: u32::MAX, crowd_hosts: 1 }
    }
}

impl Hosts {
    /// Where a node listens, and dials from.
    pub fn address(self, node: NodeId) -> Option<Address> {
        match node.0.checked_sub(self.crowd_from) {
            None => Address::new(&format!("n{}.sim", node.0), PORT).ok(),
            Some(place) => {
                let port = u16::try_from(1_024 + place / self.crowd_hosts).ok()?;
                // Each host in a network of its own.
                Address::new(&format!("10.{}.0.1", place % self.crowd_hosts), port).ok()
            }
        }
    }

    /// Who listens there.
    pub fn listener(self, address: &Address) -> Option<NodeId> {
        if let Some(node) = address.host().strip_prefix('n').and_then(|host| host.strip_suffix(".sim")) {
            return node.parse().ok().map(NodeId);
        }
        let host: u32 = address.host().strip_prefix("10.")?.strip_suffix(".0.1")?.parse().ok()?;
        let place = u32::from(address.port()).checked_sub(1_024)?.checked_mul(self.crowd_hosts)?.checked_add(host)?;
        place.checked_add(self.crowd_from).map(NodeId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_found_at_their_addresses() {
        let hosts = Hosts { crowd_from: 20, crowd_hosts: 16 };
        for node in (0..2_000).map(NodeId) {
            assert_eq!(hosts.listener(&hosts.address(node).unwrap()), Some(node));
        }
        assert_eq!(hosts.address(NodeId(20)).unwrap().host(), hosts.address(NodeId(36)).unwrap().host());
        assert_eq!(Hosts::default().listener(&"ws://elsewhere:1".parse().unwrap()), None);
    }
}
