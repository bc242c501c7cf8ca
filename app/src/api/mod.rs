//! The JSON of the HTTP API, as the server writes it and the page reads it.
//!
//! Owns names and shapes, nothing else. Times are milliseconds since the Unix epoch, scores numbers in \[0, 1\],
//! and what is not known, or of an empty set, is `null`: empty is not zero.

mod answers;
mod cheats;
mod gossip;
mod health;
mod history;
mod network;
mod peer;
mod stream;

pub use answers::{Accepted, EntryError, Problem};
pub use cheats::{Cheat, CheatProof, SignedBundle};
pub use gossip::{Counts, GossipSummary};
pub use health::{Conflict, Health, MOST_CONFLICTS, Named};
pub use history::{History, Numbers};
pub use network::{Banned, MOST_VOUCHED, Network, Place, TurnedAway};
pub use peer::{Dialect, Direction, Peer, PeerState};
pub use stream::{Delta, Snapshot, StreamMessage};
