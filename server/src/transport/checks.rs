//! What checking signatures for one address may cost, however many connections it holds and however often it comes back.
//!
//! Each connection has the same budget for itself ([`super::pace`]), which begins anew with it.

use super::pace::CHECKS;
use crate::ip::counted;
use gossip::{Bucket, Time};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Addresses that are counted each for itself. Those beyond share one budget, until others have fallen silent. A guess.
const ADDRESSES: usize = 4_096;
/// Whoever has sent nothing for so long is forgotten where there is no room: what it owes is paid by then.
const RESTED: Duration = Duration::from_secs(60);

/// The budgets.
#[derive(Debug)]
pub(crate) struct Checks {
    /// Whether this machine's own addresses are counted: many nodes may run on one.
    limit_loopback: bool,
    budgets: Mutex<Budgets>,
}

#[derive(Debug)]
struct Budgets {
    /// And when each was last spent from.
    of: BTreeMap<IpAddr, (Bucket, Time)>,
    others: Bucket,
}

impl Checks {
    pub(crate) fn new(limit_loopback: bool) -> Checks {
        let budgets = Budgets { of: BTreeMap::new(), others: CHECKS };
        Checks { limit_loopback, budgets: Mutex::new(budgets) }
    }

    /// So many checks were made for a connection from there. How long it is to wait before the next.
    pub(super) fn spend(&self, now: Time, from: IpAddr, checks: u32) -> Duration {
        if checks == 0 || (from.to_canonical().is_loopback() && !self.limit_loopback) {
            return Duration::ZERO;
        }
        let address = counted(from);
        let Budgets { of, others } = &mut *self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= ADDRESSES && !of.contains_key(&address) {
            of.retain(|_, (_, last)| now.since(*last) < RESTED);
        }
        if of.len() >= ADDRESSES && !of.contains_key(&address) {
            return others.spend(now, checks);
        }
        let (bucket, last) = of.entry(address).or_insert((CHECKS, now));
        *last = now;
        bucket.spend(now, checks)
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
        let (checks, second) = (Checks::new(false), Time::ZERO + Duration::from_secs(1));
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
        assert!(Checks::new(true).spend(Time::ZERO, here, u32::MAX) > Duration::from_secs(1));
    }

    #[test]
    fn addresses_without_end_take_no_more_room_and_share_what_is_left() {
        let checks = Checks::new(false);
        let waits = (0..3 * ADDRESSES as u32).filter(|n| !checks.spend(Time::ZERO, ip(*n), 10).is_zero()).count();
        assert_eq!(checks.budgets.lock().unwrap().of.len(), ADDRESSES);
        assert_eq!(waits, 2 * ADDRESSES - 2_000, "those beyond have one budget");
        assert_eq!(
            checks.spend(Time::ZERO + RESTED, ip(1_000_000), 20_000),
            Duration::ZERO,
            "who is silent is forgotten"
        );
        assert_eq!(checks.budgets.lock().unwrap().of.len(), 1);
    }
}
