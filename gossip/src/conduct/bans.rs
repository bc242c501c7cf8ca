//! Who is not spoken with for a while, and for how long.
//!
//! A host is banned, not a name or a key that it claims: whoever may claim a key could have its owner banned. Where hosts
//! can't be told apart, as on one machine, a key is banned as that host claims it. The first ban is short, and each that
//! follows within a day four times as long.
//!
//! Invariants: the table is bounded; a ban ends.

use crate::invariants::{Broken, at_most};
use crate::{OriginId, Time};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many are remembered. Those that are over longest go first.
const MAX: usize = 1_024;
/// The first ban, by how much longer each next one is, and the longest. Guesses.
const FIRST: Duration = Duration::from_secs(60);
const LONGER: u32 = 4;
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// For how long after its end a ban makes the next one longer. A guess.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// Somebody who is banned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outlaw {
    /// The host: an address, of IPv6 the network of 64 bits, or a name.
    pub host: String,
    /// Whoever claims this key there; `None`: whoever is there.
    pub key: Option<OriginId>,
}

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Whom it is about.
    pub who: Outlaw,
    /// When it ends.
    pub until: Time,
    /// How many it is, with those before it.
    pub times: u32,
    /// A word for what was the last straw.
    pub reason: &'static str,
}

/// All bans, and those that are over and not forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Bans {
    bans: BTreeMap<Outlaw, Ban>,
}

impl Bans {
    /// Bans somebody. A ban that runs already is not made longer.
    pub(super) fn ban(&mut self, now: Time, who: Outlaw, reason: &'static str) -> Ban {
        let before = self.bans.get(&who).filter(|ban| now < ban.until + REMEMBERED);
        if let Some(running) = before.filter(|ban| now < ban.until) {
            return running.clone();
        }
        let times = before.map_or(0, |ban| ban.times).saturating_add(1);
        let length = FIRST.saturating_mul(LONGER.saturating_pow(times - 1)).min(LONGEST);
        let ban = Ban { who: who.clone(), until: now + length, times, reason };
        self.bans.insert(who, ban.clone());
        if self.bans.len() > MAX
            && let Some(first) = self.bans.values().min_by_key(|ban| ban.until).map(|ban| ban.who.clone())
        {
            self.bans.remove(&first);
        }
        ban
    }

    /// Whether whoever is at this host is banned, or whoever claims this key there.
    pub(super) fn is_banned(&self, now: Time, host: &str, key: Option<OriginId>) -> bool {
        let runs = |key| self.bans.get(&Outlaw { host: host.to_owned(), key }).is_some_and(|ban| now < ban.until);
        !self.bans.is_empty() && (runs(None) || (key.is_some() && runs(key)))
    }

    /// Those that run.
    pub(super) fn running(&self, now: Time) -> impl Iterator<Item = &Ban> {
        self.bans.values().filter(move |ban| now < ban.until)
    }

    pub(super) fn check(&self) -> Broken {
        at_most("bans", self.bans.len(), MAX)
    }
}

/// A host as bans count it: of IPv6 the network of 64 bits, which any one host may fill.
pub(super) fn counted(host: &str) -> String {
    match ip(host) {
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        Some(IpAddr::V4(address)) => address.to_string(),
        None => host.to_owned(),
    }
}

/// Whether a host is this machine, where many nodes may be.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || ip(host).is_some_and(|ip| ip.is_loopback())
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Outlaw {
        Outlaw { host: counted(name), key: None }
    }

    #[test]
    fn a_ban_ends_and_the_next_one_is_longer() {
        let (mut bans, mut now, mut lengths) = (Bans::default(), Time::ZERO, Vec::new());
        for _ in 0..8 {
            let ban = bans.ban(now, host("192.0.2.7"), "forged");
            assert_eq!(bans.ban(now, host("192.0.2.7"), "forged"), ban, "one that runs is not made longer");
            lengths.push(ban.until.since(now).as_secs());
            assert!(bans.is_banned(now, "192.0.2.7", None) && !bans.is_banned(ban.until, "192.0.2.7", None));
            assert_eq!((bans.running(now).count(), bans.running(ban.until).count()), (1, 0));
            now = ban.until;
        }
        assert_eq!(lengths, [60, 240, 960, 3_840, 15_360, 61_440, 86_400, 86_400]);
        assert_eq!(bans.ban(now + REMEMBERED, host("192.0.2.7"), "forged").times, 1, "it is forgotten in the end");
    }

    #[test]
    fn a_host_has_one_spelling_and_a_key_is_banned_where_it_was_claimed() {
        assert_eq!(counted("[2001:db8::1]"), counted("2001:db8::ffff"));
        assert_eq!(counted("::ffff:192.0.2.7"), "192.0.2.7");
        assert!(is_loopback("[::1]") && is_loopback("127.9.9.9") && is_loopback("localhost") && !is_loopback("a.b"));
        let (mut bans, key) = (Bans::default(), OriginId([1; 32]));
        bans.ban(Time::ZERO, Outlaw { key: Some(key), ..host("127.0.0.1") }, "forged");
        let banned = |host, key| bans.is_banned(Time::ZERO, host, key);
        assert!(banned("127.0.0.1", Some(key)));
        assert!(!banned("127.0.0.1", None) && !banned("127.0.0.1", Some(OriginId([2; 32]))));
        assert!(!banned("192.0.2.1", Some(key)), "elsewhere it is somebody else who claims it, or its owner");
    }

    #[test]
    fn hosts_without_end_fill_no_memory() {
        let mut bans = Bans::default();
        for n in 0..10 * MAX {
            bans.ban(Time::from_micros(n as u64), host(&format!("h{n}.example")), "forged");
        }
        assert_eq!((bans.bans.len(), bans.check()), (MAX, Ok(())));
        assert!(bans.is_banned(Time::ZERO, &format!("h{}.example", 10 * MAX - 1), None), "the newest stay");
    }
}
