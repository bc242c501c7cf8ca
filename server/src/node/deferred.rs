//! Events whose time has not come here yet.
//!
//! A bundle is taken in whole, and once. Where one of its events lies too far ahead of this node's clock, it waits until
//! the ledger admits it. That is so where the clock was set back since the bundle was kept.

use beauty::{Timestamp, Told};
use std::collections::BTreeMap;

/// How many events wait at most: more than come between two checkpoints, and a start counts no others. Beyond, those furthest ahead
/// give way. 4 MB.
const MAX: usize = 16_384;

/// Events that wait, by the moment at which they become acceptable.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    waiting: BTreeMap<(Timestamp, u64), Told>,
    count: u64,
}

impl Deferred {
    /// Keeps an event until this moment. Gives back the one that had to give way, if one had to.
    pub(super) fn keep(&mut self, until: Timestamp, told: Told) -> Option<Told> {
        self.count += 1;
        self.waiting.insert((until, self.count), told);
        if self.waiting.len() > MAX { self.waiting.pop_last().map(|(_, told)| told) } else { None }
    }

    /// All that wait, a line each, to be read again after a restart.
    pub(super) fn lines(&self) -> Vec<u8> {
        let lines: Vec<String> = self.waiting.values().map(Told::to_json).collect();
        lines.join("\n").into_bytes()
    }

    /// An event whose moment has come.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Told> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(at: u64) -> Told {
        let id = uuid::Uuid::new_v4();
        Told::parse(&format!(r#"{{"event_id":"{id}","node_id":"n","timestamp":{at},"beauty":0.5}}"#)).unwrap()
    }

    #[test]
    fn events_come_back_when_their_time_has_come_and_the_furthest_ahead_give_way() {
        let mut deferred = Deferred::default();
        for at in (1..=MAX as u64).rev() {
            assert!(deferred.keep(Timestamp::from_millis(at), told(at)).is_none());
        }
        let far = deferred.keep(Timestamp::from_millis(u64::MAX), told(0));
        assert_eq!(far.unwrap().event.at, Timestamp::from_millis(0));
        assert!(deferred.pop(Timestamp::from_millis(0)).is_none());
        for at in 1..=MAX as u64 {
            assert_eq!(deferred.pop(Timestamp::from_millis(at)).unwrap().event.at, Timestamp::from_millis(at));
        }
        assert!(deferred.pop(Timestamp::from_millis(u64::MAX)).is_none());
    }
}
