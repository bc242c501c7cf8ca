//! How the parts of a reconciliation reach the outbox.

use super::exchange::Exchange;
use crate::{Ask, BundleId, Message, Output, PeerId};
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

    pub(crate) fn ask_bundles(&mut self, ids: Vec<BundleId>, bytes: usize) -> u64 {
        let token = self.token();
        self.outbox.push_back(Output::Ask(Ask::Bundles { token, ids, bytes }));
        token
    }

    fn token(&mut self) -> u64 {
        *self.next_token = self.next_token.wrapping_add(1);
        *self.next_token
    }
}

/// The ids of a range as far as an answer of at most `limit` tells of them: ids, and up to where they are whole.
pub(crate) fn page(mut ids: Vec<BundleId>, limit: usize, until: u64) -> (Vec<BundleId>, u64) {
    let Some(last) = ids.last().map(|id| id.seq).filter(|_| ids.len() >= limit) else { return (ids, until) };
    if ids.first().is_some_and(|first| first.seq < last) {
        // There may be more of the last one's time.
        ids.retain(|id| id.seq < last);
        return (ids, last);
    }
    // More than a page at one microsecond is nothing that clocks do. What is here must do.
    ids.truncate(limit);
    (ids, last.saturating_add(1).min(until))
}
