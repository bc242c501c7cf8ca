//! How peers behave: a score for each, and bans.
//!
//! A score is 0 while a peer keeps to the rules, falls with each one that it breaks, and rises again with time. At
//! [`Score::LOWEST`] the peer is disconnected, and its host banned for a while. What is not a matter of rules costs nothing: an
//! event whose time is not acceptable here, or one without a signature where these are wanted.
//!
//! Beside that, links that bring nothing are found, for their places to be given to others: `doubt.rs`.
//!
//! Invariants: a peer that is gone has no score; a score is between the lowest and 0; what is remembered of bans is bounded.

mod bans;
mod doubt;
mod promises;

pub use bans::{Ban, Outlaw};

use crate::invariants::{Broken, at_most, must};
use crate::{Address, Bucket, BundleId, OriginId, PeerId, Time};
use bans::Bans;
use doubt::Doubts;
use promises::Promises;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a score is lowered by, in points. Guesses: a forger is gone within a frame or two, a script with a mistake after
/// twenty, and who sends more than budgets allow after seconds.
const FORGED: u32 = 10;
const GARBLED: u32 = 5;
const FLOODS: u32 = 40;
const TOO_MUCH: u32 = 1;
const SILENT: u32 = 4;
/// How many points come back each second. A guess.
const RECOVERY: u32 = 1;
/// Probes a second that one link may bring, and at once: the most that there are in a mesh, and those of 1,000 nodes which
/// start together.
const PROBES: Bucket = Bucket::new(200, 1_024);

/// How many hosts with a past are remembered, and how many of the bundles that a peer has asked for. Guesses.
const MAX_PAST: usize = 1_024;
const MAX_ASKED: usize = 2_048;

/// A score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(i32);

impl Score {
    /// Where it begins, and never above.
    pub const HIGHEST: i32 = 0;
    /// Where a peer is banned.
    pub const LOWEST: i32 = -100;

    /// From [`Score::LOWEST`] to [`Score::HIGHEST`].
    pub const fn points(self) -> i32 {
        self.0
    }
}

/// What is known of the conduct of peers.
#[derive(Clone, Debug)]
pub(crate) struct Conduct {
    /// Whether hosts of this machine are banned like others.
    bans_loopback: bool,
    peers: BTreeMap<PeerId, Record>,
    /// What hosts have on them whose connections have ended.
    past: BTreeMap<String, Points>,
    promises: Promises,
    doubts: Doubts,
    bans: Bans,
}

/// Bad points, at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Points {
    bad: u32,
    at: Time,
}

/// What one peer has done, and what it has spent.
#[derive(Clone, Debug)]
struct Record {
    host: String,
    points: Points,
    probes: Bucket,
    asked: Asked,
}

impl Points {
    fn now(self, now: Time) -> u32 {
        let back = now.since(self.at).as_secs().saturating_mul(RECOVERY.into());
        self.bad.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX))
    }

    fn add(&mut self, now: Time, points: u32) -> u32 {
        let bad = self.now(now).saturating_add(points).min(Score::LOWEST.unsigned_abs());
        *self = Points { bad, at: now };
        bad
    }
}

impl Conduct {
    pub(crate) fn new(bans_loopback: bool) -> Conduct {
        Conduct {
            bans_loopback,
            peers: BTreeMap::new(),
            past: BTreeMap::new(),
            promises: Promises::default(),
            doubts: Doubts::default(),
            bans: Bans::default(),
        }
    }

    /// A connection stands.
    pub(crate) fn on_up(&mut self, peer: PeerId, observed: &Address) {
        let host = bans::counted(observed.host());
        let points = self.past.remove(&host).unwrap_or_default();
        self.peers.insert(peer, Record { host, points, probes: PROBES, asked: Asked::default() });
    }

    /// It is gone. What its host has on it is not.
    pub(crate) fn on_down(&mut self, now: Time, peer: PeerId) {
        self.promises.forget(peer);
        self.doubts.forget(peer);
        let Some(Record { host, points, .. }) = self.peers.remove(&peer) else { return };
        if points.now(now) == 0 || self.is_spared(&host) {
            return;
        }
        if self.past.len() >= MAX_PAST {
            self.past.retain(|_, points| points.now(now) > 0);
        }
        if self.past.len() >= MAX_PAST
            && let Some(best) = self.past.iter().min_by_key(|(_, points)| points.now(now)).map(|(host, _)| host.clone())
        {
            self.past.remove(&best);
        }
        self.past.insert(host, points);
    }

    /// A connection is a link from now on.
    pub(crate) fn on_link(&mut self, peer: PeerId) {
        self.doubts.begin(peer);
    }

    /// A link is none any more.
    pub(crate) fn on_unlink(&mut self, peer: PeerId) {
        self.promises.forget(peer);
        self.doubts.forget(peer);
        if let Some(record) = self.peers.get_mut(&peer) {
            record.asked = Asked::default();
        }
    }

    /// A peer has broken a rule, so often; `reason` is the word that is counted. `true`: that was the last straw.
    pub(crate) fn charge(&mut self, now: Time, peer: PeerId, reason: &str, times: u32) -> bool {
        let points = cost(reason).saturating_mul(times);
        let Some(record) = self.peers.get_mut(&peer).filter(|_| points > 0) else { return false };
        record.points.add(now, points) >= Score::LOWEST.unsigned_abs()
    }

    /// A peer's score.
    pub(crate) fn score(&self, now: Time, peer: PeerId) -> Score {
        let bad = self.peers.get(&peer).map_or(0, |record| record.points.now(now));
        Score(-i32::try_from(bad).unwrap_or(i32::MAX))
    }

    /// Bans whoever claims this key on a peer's connection, or all of its host. `None`: there is nothing to know it again by.
    pub(crate) fn ban(&mut self, now: Time, peer: PeerId, key: Option<OriginId>, reason: &'static str) -> Option<Ban> {
        let host = self.peers.get(&peer)?.host.clone();
        let key = if self.is_spared(&host) { Some(key?) } else { None };
        Some(self.bans.ban(now, Outlaw { host, key }, reason))
    }

    /// Whether whoever is at this host is banned, or whoever claims this key there.
    pub(crate) fn is_banned(&self, now: Time, host: &str, key: Option<OriginId>) -> bool {
        self.bans.is_banned(now, &bans::counted(host), key)
    }

    /// The bans that run.
    pub(crate) fn bans(&self, now: Time) -> impl Iterator<Item = &Ban> {
        self.bans.running(now)
    }

    /// A peer is asked for a bundle that it has announced.
    pub(crate) fn asked(&mut self, now: Time, peer: PeerId, id: BundleId) {
        if self.peers.contains_key(&peer) {
            self.promises.asked(now, peer, id);
        }
    }

    /// A peer has sent a bundle.
    pub(crate) fn sent(&mut self, peer: PeerId, id: &BundleId) {
        self.promises.sent(peer, id);
    }

    /// A link has announced a bundle in time, or brought it hardly later than another one.
    pub(crate) fn on_worth(&mut self, peer: PeerId) {
        self.doubts.on_worth(peer);
    }

    /// A link has brought a new bundle, its own or somebody else's.
    pub(crate) fn on_brought(&mut self, from: PeerId, origin: OriginId, own: bool) {
        if !own {
            self.doubts.on_worth(from);
        }
        self.doubts.on_bundle(from, origin);
    }

    /// A link was asked for what it says it holds, and has answered or not.
    pub(crate) fn on_asked_what_it_holds(&mut self, peer: PeerId, answered: bool) {
        self.doubts.on_asked(peer, answered);
    }

    /// The links that are in doubt, if these are others than when this was asked last.
    pub(crate) fn take_doubted(&mut self) -> Option<BTreeSet<PeerId>> {
        self.doubts.take_changed()
    }

    /// Who has broken promises until now, and how many: to be charged as `"silent"`.
    pub(crate) fn broken_promises(&mut self, now: Time) -> Vec<(PeerId, u32)> {
        self.promises.broken(now)
    }

    /// Whether a peer may bring one more probe.
    pub(crate) fn may_probe(&mut self, now: Time, peer: PeerId) -> bool {
        self.peers.get_mut(&peer).is_none_or(|record| record.probes.take(now, 1))
    }

    /// Whether a peer asks for this bundle by a graft for the first time on this link: nobody has reason to ask twice.
    pub(crate) fn asks_first(&mut self, peer: PeerId, id: BundleId) -> bool {
        self.peers.get_mut(&peer).is_none_or(|record| record.asked.insert(id))
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        self.promises.next_wakeup()
    }

    /// Whether bans of this host hold only for a key: many nodes may be there.
    fn is_spared(&self, host: &str) -> bool {
        !self.bans_loopback && bans::is_loopback(host)
    }

    pub(crate) fn check(&self, is_peer: impl Fn(PeerId) -> bool, is_link: impl Fn(PeerId) -> bool) -> Broken {
        let gone = self.peers.keys().find(|peer| !is_peer(**peer));
        must(gone.is_none(), || format!("{gone:?} is gone, and has a score"))?;
        at_most("hosts with a past", self.past.len(), MAX_PAST)?;
        let asked = self.peers.values().map(|record| record.asked.order.len()).max();
        at_most("bundles that one peer has asked for", asked.unwrap_or(0), MAX_ASKED)?;
        self.promises.check(&is_link)?;
        self.doubts.check(is_link)?;
        self.bans.check()
    }
}

/// The last bundles that a peer has asked for by grafts.
#[derive(Clone, Debug, Default)]
struct Asked {
    known: BTreeSet<BundleId>,
    order: VecDeque<BundleId>,
}

impl Asked {
    /// `false` if it was there.
    fn insert(&mut self, id: BundleId) -> bool {
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > MAX_ASKED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

/// How many points a rule is worth, by the word that its breaking is counted under.
fn cost(reason: &str) -> u32 {
    match reason {
        "bad_signature" => FORGED,
        "too_large" | "fragments" | "too_many_controls" | "too_fast" => FLOODS,
        "silent" => SILENT,
        "too_many_probes" => TOO_MUCH,
        // No rule is broken: clocks and policies differ, and not everybody has heard yet who signs twice.
        "unsigned" | "from_the_future" | "older_than_retention" | "undeclared" | "signed_once" => 0,
        _ => GARBLED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PEER: PeerId = PeerId(1);

    fn at(host: &str) -> Address {
        Address::new(host, 8091).unwrap()
    }

    fn later(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_score_falls_with_broken_rules_and_rises_with_time() {
        let mut conduct = Conduct::new(false);
        conduct.on_up(PEER, &at("192.0.2.7"));
        assert!(!conduct.charge(Time::ZERO, PEER, "bad_signature", 3));
        assert!(!conduct.charge(Time::ZERO, PEER, "unsigned", 1_000), "that breaks no rule");
        let score = |conduct: &Conduct, now| conduct.score(now, PEER).points();
        assert_eq!((score(&conduct, later(0)), score(&conduct, later(10))), (-30, -20));
        assert_eq!(score(&conduct, later(3_600)), Score::HIGHEST);
        assert!(conduct.charge(later(10), PEER, "not_json", 16));
        assert_eq!(score(&conduct, later(10)), Score::LOWEST);
        assert!(!conduct.charge(later(10), PeerId(2), "bad_signature", 1_000), "who is gone has no score");
    }

    #[test]
    fn who_comes_back_has_the_past_of_its_host() {
        let mut conduct = Conduct::new(false);
        for n in 0..9 {
            conduct.on_up(PeerId(n), &at("192.0.2.7"));
            assert!(!conduct.charge(Time::ZERO, PeerId(n), "bad_signature", 1));
            conduct.on_down(Time::ZERO, PeerId(n));
        }
        conduct.on_up(PeerId(10), &at("192.0.2.8"));
        assert_eq!(conduct.score(Time::ZERO, PeerId(10)).points(), 0, "another host has its own");
        conduct.on_up(PeerId(9), &at("192.0.2.7"));
        assert!(conduct.charge(Time::ZERO, PeerId(9), "bad_signature", 1));
        let ban = conduct.ban(Time::ZERO, PeerId(9), Some(OriginId([1; 32])), "bad_signature").unwrap();
        assert_eq!((ban.who.host.as_str(), ban.who.key, ban.times), ("192.0.2.7", None, 1));
        assert!(conduct.is_banned(Time::ZERO, "::ffff:192.0.2.7", None));
    }

    #[test]
    fn on_one_machine_a_key_is_banned_and_nothing_where_there_is_none() {
        let (mut conduct, key) = (Conduct::new(false), OriginId([1; 32]));
        conduct.on_up(PEER, &at("127.0.0.1"));
        assert_eq!(conduct.ban(Time::ZERO, PEER, None, "not_json"), None);
        assert!(conduct.ban(Time::ZERO, PEER, Some(key), "not_json").is_some());
        let banned = |conduct: &Conduct, key| conduct.is_banned(Time::ZERO, "127.0.0.1", key);
        assert_eq!((banned(&conduct, Some(key)), banned(&conduct, None)), (true, false));
        let mut strict = Conduct::new(true);
        strict.on_up(PEER, &at("127.0.0.2"));
        strict.ban(Time::ZERO, PEER, Some(key), "not_json");
        assert!(strict.is_banned(Time::ZERO, "127.0.0.2", None) && !strict.is_banned(Time::ZERO, "127.0.0.1", None));
    }

    #[test]
    fn a_bundle_is_asked_for_once_on_a_link_and_what_is_remembered_is_bounded() {
        let mut conduct = Conduct::new(false);
        conduct.on_up(PEER, &at("192.0.2.7"));
        let id = |seq| BundleId { origin: OriginId([1; 32]), seq };
        assert!(conduct.asks_first(PEER, id(0)) && !conduct.asks_first(PEER, id(0)));
        assert!((1..=10_000).all(|seq| conduct.asks_first(PEER, id(seq))));
        for n in 0..3_000_u32 {
            let [_, _, c, d] = n.to_be_bytes();
            conduct.on_up(PeerId(2), &at(&format!("10.0.{c}.{d}")));
            conduct.charge(Time::ZERO, PeerId(2), "bad_signature", 1);
            conduct.on_down(Time::ZERO, PeerId(2));
        }
        assert_eq!(conduct.check(|_| true, |_| true), Ok(()));
    }
}
