//! How many connections one address may hold at a port of this node.

use crate::ip::counted;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections that each address holds, those in their handshake included.
#[derive(Debug)]
pub(crate) struct Places {
    /// How many each may hold.
    most: usize,
    /// Whether this machine's own addresses are counted: many nodes may run on one.
    limit_loopback: bool,
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// A place that is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
}

impl Places {
    pub(crate) fn new(most: usize, limit_loopback: bool) -> Arc<Places> {
        Arc::new(Places { most, limit_loopback, taken: Mutex::default() })
    }

    /// A place for a connection from there, if it has any left.
    pub(crate) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let from = from.to_canonical();
        let free = from.is_loopback() && !self.limit_loopback;
        let address = (!free).then(|| counted(from));
        if let Some(address) = address {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = taken.entry(address).or_default();
            if *taken >= self.most {
                return None;
            }
            *taken += 1;
        }
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut places = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = places.get_mut(&address) {
            *taken -= 1;
            if *taken == 0 {
                places.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 8;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_places_and_each_is_free_again_afterwards() {
        let places = Places::new(MOST, false);
        let all: Vec<_> = (0..MOST).map(|_| places.take(ip("192.0.2.7")).unwrap()).collect();
        assert!(places.take(ip("192.0.2.7")).is_none());
        assert!(places.take(ip("::ffff:192.0.2.7")).is_none(), "the same one in other words");
        assert!(places.take(ip("192.0.2.8")).is_some());
        drop(all);
        assert!(places.take(ip("192.0.2.7")).is_some());
        assert!(places.taken.lock().unwrap().is_empty(), "nothing is left");
    }

    #[test]
    fn a_host_does_not_get_more_by_the_addresses_of_its_network() {
        let places = Places::new(MOST, false);
        let taken: Vec<_> = (0..100).filter_map(|n| places.take(ip(&format!("2001:db8::{n:x}")))).collect();
        assert_eq!(taken.len(), MOST);
    }

    #[test]
    fn this_machine_is_counted_only_where_the_setting_says_so() {
        let (free, counted) = (Places::new(MOST, false), Places::new(MOST, true));
        let take =
            |places: &Arc<Places>| (0..100).filter_map(|_| places.take(ip("127.0.0.1"))).collect::<Vec<_>>().len();
        assert_eq!((take(&free), take(&counted)), (100, MOST));
    }
}
