//! WebSockets to peers: one listener, one dial at a time for an address, a handshake by which one joins, two tasks a connection.
//!
//! Knows how to carry frames and when a connection is dead. Knows nothing of what events are for: whom to dial, what to
//! send and whom to drop is `gossip`'s to say.

mod budgets;
mod connection;
mod dialler;
mod gate;
mod guard;
mod handshakes;
mod joining;
mod lanes;
mod limits;
mod link;
mod listener;
mod pace;
mod packing;
mod stream;
mod uplink;
mod work;

pub(crate) use budgets::Budgets;
pub(crate) use connection::Context;
pub(crate) use dialler::dial;
pub(crate) use gate::{LogGate, SharedGate};
pub(crate) use guard::Guard;
pub(crate) use joining::Entry;
pub(crate) use lanes::{Lane, Queued};
pub(crate) use link::{Link, LinkStats};
pub(crate) use listener::listen;
pub use packing::Packing;
