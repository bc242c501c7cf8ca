//! Who could not join lately, or would not have this node, and why: for the log, and for whoever looks at the network.

use crate::clock;
use gossip::{Direction, OriginId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// For how long it is told, in milliseconds. Who comes back meanwhile is counted and not logged again. A guess.
const SHOWN: u64 = 600_000;
/// How many are told of those that dialled, and of those that were dialled: a hostile network is no reason to forget the second.
const MAX: usize = 64;

/// Connections that came to nothing before they were peers. Bounded, and so is what they write into the log.
#[derive(Debug, Default)]
pub(crate) struct TurnedAway {
    /// By who dialled, where, and why.
    entries: Mutex<BTreeMap<(bool, String, &'static str), Entry>>,
}

/// Which connection.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Who dialled.
    pub(crate) direction: Direction,
    /// The address that was dialled, or the host that dialled.
    pub(crate) address: String,
    /// Whether it was the peer that refused.
    pub(crate) by_peer: bool,
    /// The key that the peer named.
    pub(crate) key: Option<OriginId>,
    /// Why: a stable word, and a sentence.
    pub(crate) reason: &'static str,
    pub(crate) why: String,
}

/// What is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) attempt: Attempt,
    /// How often, and when last, in milliseconds since the epoch.
    pub(crate) times: u64,
    pub(crate) last: u64,
}

impl TurnedAway {
    /// Notes it. `true`: the log should say so.
    pub(crate) fn note(&self, attempt: Attempt) -> bool {
        let (now, mut entries) = (clock::wall().as_millis(), self.entries());
        entries.retain(|_, entry| now.saturating_sub(entry.last) < SHOWN);
        let inbound = attempt.direction == Direction::Inbound;
        let key = (inbound, attempt.address.clone(), attempt.reason);
        if let Some(entry) = entries.get_mut(&key) {
            (entry.times, entry.last, entry.attempt.key) = (entry.times + 1, now, attempt.key);
            return false;
        }
        let room = entries.keys().filter(|(other, ..)| *other == inbound).count() < MAX;
        if room {
            entries.insert(key, Entry { attempt, times: 1, last: now });
        }
        room
    }

    /// This address was dialled, and the node there has joined.
    pub(crate) fn joined(&self, address: &str) {
        self.entries().retain(|(inbound, dialled, _), _| *inbound || dialled != address);
    }

    /// Those of the last ten minutes.
    pub(crate) fn list(&self) -> Vec<Entry> {
        let now = clock::wall().as_millis();
        self.entries().values().filter(|entry| now.saturating_sub(entry.last) < SHOWN).cloned().collect()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<(bool, String, &'static str), Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(direction: Direction, address: &str, reason: &'static str) -> Attempt {
        Attempt { direction, address: address.to_owned(), by_peer: false, key: None, reason, why: String::new() }
    }

    #[test]
    fn each_reason_is_told_and_logged_once_and_then_counted() {
        let (away, inbound) = (TurnedAway::default(), Direction::Inbound);
        assert!(away.note(attempt(inbound, "192.0.2.7", "wrong_secret")));
        assert!(!away.note(attempt(inbound, "192.0.2.7", "wrong_secret")));
        assert!(away.note(attempt(inbound, "192.0.2.7", "not_allowed")));
        let told: Vec<_> = away.list().iter().map(|entry| (entry.attempt.reason, entry.times)).collect();
        assert_eq!(told, [("not_allowed", 1), ("wrong_secret", 2)]);
    }

    #[test]
    fn who_joins_after_all_is_told_of_no_more() {
        let away = TurnedAway::default();
        for address in ["ws://a:1", "ws://b:1"] {
            away.note(attempt(Direction::Outbound, address, "wrong_secret"));
        }
        away.joined("ws://a:1");
        assert_eq!(away.list().len(), 1);
        assert!(away.note(attempt(Direction::Outbound, "ws://a:1", "wrong_secret")), "it is news again");
    }

    #[test]
    fn strangers_without_end_fill_neither_memory_nor_log_nor_the_places_of_those_that_were_dialled() {
        let away = TurnedAway::default();
        let logged = (0..10_000).filter(|n| away.note(attempt(Direction::Inbound, &n.to_string(), "late")));
        assert_eq!(logged.count(), MAX);
        assert!(away.note(attempt(Direction::Outbound, "ws://a:1", "late")));
        assert_eq!(away.list().len(), MAX + 1);
    }
}
