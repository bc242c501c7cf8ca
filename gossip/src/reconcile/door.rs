//! How the parts of a reconciliation reach the outbox.

use super::exchange::Exchange;
use crate::{Ask, Message, Output, PeerId, Wanted};
use std::collections::VecDeque;

/// Sends messages, and asks the store under tokens of its own.
pub(crate) struct Door<'a> {
    pub(crate) outbox: &'a mut VecDeque<Output>,
    pub(crate) next_token: &'a mut u64,
}

impl Door<'_> {
    pub(crate) fn send(&mut self, to: PeerId, exchange: Exchange) {
        self.outbox.push_back(Output::Send { to: vec![to], message: Message::Exchange(exchange) });
    }

    pub(crate) fn ask_ids(&mut self, from: u64, until: u64, limit: usize) -> u64 {
        let token = self.token();
        self.outbox.push_back(Output::Ask(Ask::Ids { token, from, until, limit }));
        token
    }

    pub(crate) fn ask_contents(&mut self, from: u64, until: u64, limit: usize) -> u64 {
        let token = self.token();
        self.outbox.push_back(Output::Ask(Ask::Contents { token, from, until, limit }));
        token
    }

    pub(crate) fn ask_bundles(&mut self, ids: Vec<Wanted>, bytes: usize) -> u64 {
        let token = self.token();
        self.outbox.push_back(Output::Ask(Ask::Bundles { token, ids, bytes }));
        token
    }

    fn token(&mut self) -> u64 {
        *self.next_token = self.next_token.wrapping_add(1);
        *self.next_token
    }
}

/// What lies in a range as far as an answer of at most `limit` tells of it: that, and up to where it is whole. `time` is the time of
/// each; they ascend.
pub(crate) fn page<T>(mut all: Vec<T>, limit: usize, until: u64, time: impl Fn(&T) -> u64) -> (Vec<T>, u64) {
    all.truncate(limit);
    let Some(last) = all.last().map(&time).filter(|_| all.len() >= limit) else { return (all, until) };
    if all.first().is_some_and(|first| time(first) < last) {
        // There may be more of the last one's time.
        all.retain(|one| time(one) < last);
        return (all, last);
    }
    // More than a page at one microsecond is nothing that clocks do. What is here must do.
    (all, last.saturating_add(1).min(until))
}
