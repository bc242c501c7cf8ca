//! What all connections of one address may spend together, however many it holds and however often it comes back.
//!
//! Each connection has the same budgets for itself ([`super::pace`]), which begin anew with it.

use super::pace::{CHECKS, EVENTS, Load};
use crate::ip::counted;
use gossip::{Bucket, Time};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Addresses that are counted each for itself. Those beyond share one budget, until others have fallen silent. A guess.
const ADDRESSES: usize = 4_096;
/// Whoever has spent nothing for so long is forgotten where there is no room: what it owes is paid by then.
const RESTED: Duration = Duration::from_secs(60);

/// What connections to peers spend from together.
#[derive(Debug)]
pub(crate) struct Budgets {
    checks: Budget,
    events: Budget,
}

impl Budgets {
    /// `limit_loopback`: whether this machine's own addresses are counted, on which many nodes may run.
    pub(crate) fn new(limit_loopback: bool) -> Budgets {
        Budgets { checks: Budget::new(CHECKS, limit_loopback), events: Budget::new(EVENTS, limit_loopback) }
    }

    /// So much has come over a connection from there. How long it is to wait before the next.
    pub(super) fn spend(&self, now: Time, from: IpAddr, load: Load) -> Duration {
        self.checks.spend(now, from, load.checks()).max(self.events.spend(now, from, load.events()))
    }
}

/// A budget for each address.
#[derive(Debug)]
pub(super) struct Budget {
    /// What an address has that was never here.
    whole: Bucket,
    limit_loopback: bool,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// And when each was last spent from.
    of: BTreeMap<IpAddr, (Bucket, Time)>,
    others: Bucket,
}

impl Budget {
    pub(super) fn new(whole: Bucket, limit_loopback: bool) -> Budget {
        Budget { whole, limit_loopback, kept: Mutex::new(Kept { of: BTreeMap::new(), others: whole }) }
    }

    /// Spends so much, whether it is there or not. How long it takes until it would have been.
    pub(super) fn spend(&self, now: Time, from: IpAddr, units: u32) -> Duration {
        if units == 0 { Duration::ZERO } else { self.with(now, from, |bucket| bucket.spend(now, units)) }
    }

    /// Spends one if it is there.
    pub(super) fn take(&self, now: Time, from: IpAddr) -> bool {
        self.with(now, from, |bucket| if bucket.take(now, 1) { Duration::ZERO } else { Duration::MAX }).is_zero()
    }

    /// What comes of a deed with the bucket of an address: no wait where it has none.
    fn with(&self, now: Time, from: IpAddr, deed: impl FnOnce(&mut Bucket) -> Duration) -> Duration {
        if from.to_canonical().is_loopback() && !self.limit_loopback {
            return Duration::ZERO;
        }
        let address = counted(from);
        let Kept { of, others } = &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= ADDRESSES && !of.contains_key(&address) {
            of.retain(|_, (_, last)| now.since(*last) < RESTED);
        }
        if of.len() >= ADDRESSES && !of.contains_key(&address) {
            return deed(others);
        }
        let (bucket, last) = of.entry(address).or_insert((self.whole, now));
        *last = now;
        deed(bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(number: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + number).into())
    }

    #[test]
    fn an_address_has_one_budget_however_many_connections_it_holds() {
        let (checks, second) = (Budget::new(CHECKS, false), Time::ZERO + Duration::from_secs(1));
        assert_eq!(checks.spend(Time::ZERO, ip(1), 20_000), Duration::ZERO, "at once");
        assert_eq!(
            checks.spend(Time::ZERO, ip(1), 10_000),
            Duration::from_secs(1),
            "the next of its connections waits"
        );
        assert_eq!(checks.spend(Time::ZERO, ip(2), 20_000), Duration::ZERO, "another address does not");
        assert_eq!(checks.spend(second, ip(1), 10_000), Duration::from_secs(1), "nor does it help to come back");
        let here = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(checks.spend(Time::ZERO, here, u32::MAX), Duration::ZERO);
        assert!(Budget::new(CHECKS, true).spend(Time::ZERO, here, u32::MAX) > Duration::from_secs(1));
    }

    #[test]
    fn what_is_taken_must_be_there() {
        let arrivals = Budget::new(Bucket::new(4, 64), false);
        assert_eq!((0..1_000).filter(|_| arrivals.take(Time::ZERO, ip(1))).count(), 64);
        assert!(arrivals.take(Time::ZERO, ip(2)), "another address has its own");
        let second = Time::ZERO + Duration::from_secs(1);
        assert_eq!((0..1_000).filter(|_| arrivals.take(second, ip(1))).count(), 4);
        assert!((0..1_000).all(|_| arrivals.take(second, IpAddr::from([127, 0, 0, 1]))));
    }

    #[test]
    fn addresses_without_end_take_no_more_room_and_share_what_is_left() {
        let checks = Budget::new(CHECKS, false);
        let waits = (0..3 * ADDRESSES as u32).filter(|n| !checks.spend(Time::ZERO, ip(*n), 10).is_zero()).count();
        assert_eq!(checks.kept.lock().unwrap().of.len(), ADDRESSES);
        assert_eq!(waits, 2 * ADDRESSES - 2_000, "those beyond have one budget");
        assert_eq!(
            checks.spend(Time::ZERO + RESTED, ip(1_000_000), 20_000),
            Duration::ZERO,
            "who is silent is forgotten"
        );
        assert_eq!(checks.kept.lock().unwrap().of.len(), 1);
    }
}
