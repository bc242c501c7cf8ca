//! Addresses by whose they may be.
//!
//! Whoever has one host has 65,000 ports of it, and whoever has a network or a domain has its hosts. So where an address is
//! drawn, first a group is drawn and then one of its addresses; and where some must go, they go from the group that has most.
//! Groups are those of Bitcoin Core: the first 16 bits of IPv4, the first 32 of IPv6; of a name the last two labels. Where all
//! are in one group, as in a mesh on one network, nothing is different.

use crate::Address;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, RngExt};
use std::net::IpAddr;

/// Whose an address may be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    V4([u8; 2]),
    V6([u16; 2]),
    Domain(Box<str>),
}

impl Group {
    pub(super) fn of(address: &Address) -> Group {
        let host = address.host();
        match host.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) => {
                let [a, b, ..] = ip.octets();
                Group::V4([a, b])
            }
            Ok(IpAddr::V6(ip)) => {
                let [a, b, ..] = ip.segments();
                Group::V6([a, b])
            }
            Err(_) => {
                let dots = host.trim_end_matches('.').rmatch_indices('.').nth(1);
                Group::Domain(dots.and_then(|(dot, _)| host.get(dot + 1..)).unwrap_or(host).into())
            }
        }
    }
}

/// Addresses, those of a group side by side.
struct Groups<'a> {
    sorted: Vec<(&'a Group, &'a Address)>,
    /// Where each group begins, and how many of it are left.
    left: Vec<(usize, usize)>,
}

impl<'a> Groups<'a> {
    fn of(addresses: impl Iterator<Item = (&'a Group, &'a Address)>) -> Groups<'a> {
        let mut sorted: Vec<_> = addresses.collect();
        sorted.sort_by_key(|(group, _)| *group);
        let mut start = 0;
        let left = sorted.chunk_by(|(one, _), (other, _)| one == other).map(|members| {
            start += members.len();
            (start - members.len(), members.len())
        });
        Groups { left: left.collect(), sorted }
    }

    /// Any one of a group that has some left. It is not drawn again.
    fn take(&mut self, group: usize, rng: &mut impl Rng) -> Option<&'a Address> {
        let (start, left) = self.left.get_mut(group).filter(|(_, left)| *left > 0)?;
        let member = *start + rng.random_range(0..*left);
        *left -= 1;
        self.sorted.swap(member, *start + *left);
        self.sorted.get(*start + *left).map(|(_, address)| *address)
    }
}

/// One of them: of any group, and then of any in it.
pub(super) fn draw<'a>(
    addresses: impl Iterator<Item = (&'a Group, &'a Address)>,
    rng: &mut impl Rng,
) -> Option<&'a Address> {
    let groups = Groups::of(addresses);
    let (start, left) = *groups.left.iter().choose(rng)?;
    groups.sorted.get(start..start + left)?.choose(rng).map(|(_, address)| *address)
}

/// So many of them, each as [`draw`] would.
pub(super) fn draw_some<'a>(
    addresses: impl Iterator<Item = (&'a Group, &'a Address)>,
    amount: usize,
    rng: &mut impl Rng,
) -> Vec<&'a Address> {
    let mut groups = Groups::of(addresses);
    let mut drawn = Vec::new();
    while drawn.len() < amount && !groups.left.is_empty() {
        let group = rng.random_range(0..groups.left.len());
        match groups.take(group, rng) {
            Some(address) => drawn.push(address),
            None => drop(groups.left.swap_remove(group)),
        }
    }
    drawn
}

/// So many of them that must go: each from the group that has most left.
pub(super) fn crowded_out<'a>(
    addresses: impl Iterator<Item = (&'a Group, &'a Address)>,
    amount: usize,
    rng: &mut impl Rng,
) -> Vec<&'a Address> {
    let mut groups = Groups::of(addresses);
    let mut gone = Vec::new();
    while gone.len() < amount {
        let most = groups.left.iter().map(|(_, left)| *left).max().unwrap_or(0);
        let largest = groups.left.iter().enumerate().filter(|(_, (_, left))| *left == most).choose(rng);
        let Some(address) = largest.map(|(group, _)| group).and_then(|group| groups.take(group, rng)) else { break };
        gone.push(address);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn at(host: &str, port: u16) -> Address {
        Address::new(host, port).unwrap()
    }

    fn grouped(addresses: &[Address]) -> Vec<(Group, &Address)> {
        addresses.iter().map(|address| (Group::of(address), address)).collect()
    }

    fn refs<'a>(grouped: &'a [(Group, &'a Address)]) -> impl Iterator<Item = (&'a Group, &'a Address)> {
        grouped.iter().map(|(group, address)| (group, *address))
    }

    #[test]
    fn addresses_that_one_owner_may_have_are_one_group() {
        for [one, other] in [
            ["192.0.2.1", "192.0.200.7"],
            ["[2001:db8::1]", "[2001:db8:ffff::9]"],
            ["[::ffff:192.0.2.1]", "192.0.3.4"],
            ["a.evil.example", "b.c.evil.example"],
            ["evil.example", "x.evil.example"],
        ] {
            assert_eq!(Group::of(&at(one, 1)), Group::of(&at(other, 2)), "{one} {other}");
        }
        for [one, other] in [["192.0.2.1", "192.1.2.1"], ["[2001:db8::1]", "[2001:db9::1]"], ["a.example", "b.example"]]
        {
            assert_ne!(Group::of(&at(one, 1)), Group::of(&at(other, 1)), "{one} {other}");
        }
    }

    #[test]
    fn a_thousand_ports_of_one_host_are_drawn_as_often_as_one_of_another() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut all: Vec<Address> = (1..=1_000).map(|port| at("192.0.2.1", port)).collect();
        all.push(at("node.example", 8091));
        let grouped = grouped(&all);
        let drawn = (0..1_000).filter(|_| draw(refs(&grouped), &mut rng) == all.last()).count();
        assert!((400..600).contains(&drawn), "{drawn}");
        let some = draw_some(refs(&grouped), 10, &mut rng);
        assert_eq!((some.len(), some.contains(&&all[1_000])), (10, true));
        assert_eq!(draw_some(refs(&grouped), 5_000, &mut rng).len(), all.len());
        assert!(draw(std::iter::empty(), &mut rng).is_none());
    }

    #[test]
    fn who_must_go_goes_from_the_largest_group() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let crowd = (1..=100).map(|port| at("192.0.2.1", port));
        let others = (0..10).map(|n| at(&format!("node{n}.example"), 8091));
        let all: Vec<Address> = crowd.chain(others).collect();
        let grouped = grouped(&all);
        let gone = crowded_out(refs(&grouped), 99, &mut rng);
        assert!(gone.len() == 99 && gone.iter().all(|address| address.host() == "192.0.2.1"));
        assert_eq!(crowded_out(refs(&grouped), 1_000, &mut rng).len(), all.len());
    }
}
