//! What a frame must pass before the protocol hears of it. Runs in the task of each connection.

use super::Shared;
use crate::clock;
use crate::config::Unsigned;
use beauty::Told;
use gossip::json::DecodeError;
use gossip::{Event, Message, json, wire};
use std::sync::Arc;

/// Decodes frames, and checks that their events are ones that this node would show.
#[derive(Clone)]
pub(crate) struct Verifier {
    shared: Arc<Shared>,
    unsigned: Unsigned,
}

/// A frame that holds.
pub(crate) struct Verified {
    pub(crate) message: Message,
    /// The text of each of its events, and what it tells.
    pub(crate) told: Vec<(Arc<str>, Told)>,
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

    /// Reads a text frame.
    pub(crate) fn text(&self, text: &str) -> Result<Verified, Refusal> {
        self.message(json::decode(text))
    }

    /// Reads a binary frame.
    pub(crate) fn binary(&self, bytes: &[u8]) -> Result<Verified, Refusal> {
        self.message(wire::decode(bytes))
    }

    fn message(&self, decoded: Result<Message, DecodeError>) -> Result<Verified, Refusal> {
        let message =
            decoded.map_err(|error| Refusal { reason: error.reason(), event: false, why: error.to_string() })?;
        let told = match &message {
            Message::Event { event, .. } => {
                let told = self.event(event)?;
                // A script's event is refused for its time before it is seen: it may come again when clocks allow.
                let times = self.shared.ledger().admits(told.event.at, clock::wall());
                times.map_err(|refusal| Refusal::event(refusal.reason(), refusal.to_string()))?;
                vec![(Arc::clone(&event.json), told)]
            }
            // A bundle goes on whatever our clock says: its events are entered when their time is acceptable here.
            _ => {
                let events = message.bundles().iter().flat_map(|bundle| bundle.events.iter());
                let told = events.map(|event| Ok((Arc::clone(&event.json), self.event(event)?)));
                told.collect::<Result<_, _>>()?
            }
        };
        Ok(Verified { message, told })
    }

    fn event(&self, event: &Event) -> Result<Told, Refusal> {
        if self.unsigned == Unsigned::Reject {
            let why = "the event has no signature, and FEDERATED_UNSIGNED is reject";
            return Err(Refusal::event("unsigned", why.to_owned()));
        }
        Told::parse(&event.json).map_err(|error| Refusal::event("bad_event", error.to_string()))
    }
}

impl Refusal {
    fn event(reason: &'static str, why: String) -> Refusal {
        Refusal { reason, event: true, why }
    }
}
