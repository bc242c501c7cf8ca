//! What a frame must pass before the protocol hears of it. Runs in the task of each connection.

use super::Shared;
use crate::clock;
use crate::config::Unsigned;
use beauty::Told;
use gossip::{Message, json};
use std::sync::Arc;

/// Decodes frames, and checks that their events are ones that this node would show.
#[derive(Clone)]
pub(crate) struct Verifier {
    shared: Arc<Shared>,
    unsigned: Unsigned,
}

/// A frame that was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// A stable word for counters.
    pub(crate) reason: &'static str,
    /// Whether it was an event.
    pub(crate) event: bool,
    /// A sentence for whoever wrote the peer.
    pub(crate) why: String,
}

impl Verifier {
    pub(crate) fn new(shared: Arc<Shared>, unsigned: Unsigned) -> Verifier {
        Verifier { shared, unsigned }
    }

    /// Reads a text frame. An event comes with what it tells.
    pub(crate) fn verify(&self, text: &str) -> Result<(Message, Option<Told>), Refusal> {
        let message = json::decode(text).map_err(|error| Refusal {
            reason: error.reason(),
            event: false,
            why: error.to_string(),
        })?;
        let Message::Event { event, .. } = &message else { return Ok((message, None)) };
        let refuse = |reason, why: String| Refusal { reason, event: true, why };
        if self.unsigned == Unsigned::Reject {
            return Err(refuse("unsigned", "the event has no signature, and FEDERATED_UNSIGNED is reject".to_owned()));
        }
        let told = Told::parse(&event.json).map_err(|error| refuse("bad_event", error.to_string()))?;
        let times = self.shared.ledger().admits(told.event.at, clock::wall());
        times.map_err(|refusal| refuse(refusal.reason(), refusal.to_string()))?;
        Ok((message, Some(told)))
    }
}
