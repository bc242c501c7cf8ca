//! Handshakes under way: a bounded number, of which the oldest gives way to the newest.
//!
//! An honest handshake takes milliseconds. Whoever opens connections and says nothing fills all places in no time, and
//! then turns away whoever comes; but not who comes last, if the one that has had its place longest loses it.

use super::limits;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The places.
#[derive(Debug, Default)]
pub(super) struct Handshakes(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    taken: BTreeMap<u64, CancellationToken>,
    next: u64,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    handshakes: Arc<Handshakes>,
    number: u64,
    over: CancellationToken,
}

impl Handshakes {
    /// A place for a handshake that begins now.
    pub(super) fn begin(self: &Arc<Self>) -> Turn {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.taken.len() >= limits::HANDSHAKES
            && let Some((_, oldest)) = places.taken.pop_first()
        {
            oldest.cancel();
        }
        let (number, over) = (places.next, CancellationToken::new());
        places.next += 1;
        places.taken.insert(number, over.clone());
        Turn { handshakes: Arc::clone(self), number, over }
    }
}

impl Turn {
    /// Carries out a handshake. `None`: its place was needed.
    pub(super) async fn take<T>(self, handshake: impl Future<Output = T>) -> Option<T> {
        self.over.run_until_cancelled(handshake).await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.handshakes.0.lock().unwrap_or_else(PoisonError::into_inner).taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn the_oldest_gives_way_and_who_comes_last_is_served() {
        let handshakes = Arc::new(Handshakes::default());
        let mut silent: Vec<_> =
            (0..limits::HANDSHAKES).map(|_| tokio::spawn(handshakes.begin().take(pending::<()>()))).collect();
        tokio::task::yield_now().await;
        for _ in 0..10 {
            assert_eq!(handshakes.begin().take(ready(7)).await, Some(7), "a quick one has its place");
            let oldest = silent.remove(0);
            assert_eq!(oldest.await.unwrap(), None, "the one that waited longest has lost it");
            silent.push(tokio::spawn(handshakes.begin().take(pending::<()>())));
            tokio::task::yield_now().await;
        }
        assert_eq!(handshakes.0.lock().unwrap().taken.len(), limits::HANDSHAKES);
        silent.iter().for_each(tokio::task::JoinHandle::abort);
        for task in silent {
            assert!(task.await.is_err());
        }
        assert!(handshakes.0.lock().unwrap().taken.is_empty(), "nothing is left");
    }
}
