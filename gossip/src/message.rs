//! What peers say to each other.

use crate::{Address, Bundle, BundleId, OriginId, Way};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// A message between two peers: the wire spec. `json.rs` and `wire.rs` say how each is written.
///
/// ```text
/// dialler                      node                       script            node
///   │ ──── Hello ───────────▶ │  its first frame           │ ── Event ──▶ │   no handshake:
///   │ ◀─────────── Hello ──── │  the answer                │              │   a script may speak at once,
///   │ ◀──── Peers, Digest ──▶ │  both, after a hello       │ ◀── Event ── │   and hears what the node forwards
///   │ ◀──── Missed ─────────▶ │  if the digests differ     │              │
///   │ ◀──── Bundle ─────────▶ │  down its origin's tree    │              │
///   │ ◀──── IHave ──────────▶ │  along all other links     │              │
///   │ ◀──── Graft, Prune ───▶ │  as trees grow             │              │
///   │ ◀──── Digest ─────────▶ │  while it changes          │              │
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// An event on its way. From a script, or to one, at any time; a new one is delivered, and forwarded while its `ttl`
    /// lasts. Nodes tell each other of it in a [`Message::Bundle`].
    Event {
        /// How many hops it may still make, 0 to [`json::MAX_TTL`](crate::json::MAX_TTL).
        ttl: u8,
        /// The event.
        event: Event,
    },
    /// Who is speaking. Once on a connection: the first frame of a node that dials, and the answer to it.
    /// [`Message::Peers`] and what the other missed follow.
    Hello(Hello),
    /// Where other nodes can be dialled. After a hello, and to a random peer from time to time. No answer.
    Peers(Vec<Address>),
    /// A bundle on its way down its origin's tree. Between nodes only, as all that follows.
    Bundle {
        /// How it travels.
        way: Way,
        /// The bundle.
        bundle: Bundle,
    },
    /// A bundle that the peer may have missed: not part of any tree, so that one it has is no reason to prune.
    Missed(Bundle),
    /// These bundles are here. Who lacks one asks for it by a graft.
    IHave(Vec<Announced>),
    /// Push this origin's bundles to me from now on; and the one with this number now, if it names one.
    Graft {
        /// Whose.
        origin: OriginId,
        /// Which one to send now.
        want: Option<u64>,
    },
    /// Announce this origin's bundles to me, but don't push them.
    Prune {
        /// Whose.
        origin: OriginId,
    },
    /// The digest of the set that the speaker holds. While it changes, at most once in a while. No answer.
    Digest(Digest),
}

/// An event as gossip sees it: an id, a name, and a text that it does not look into.
///
/// The text travels unchanged, so every node holds the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What the event is known by.
    pub id: Uuid,
    /// The name of the node where it happened, as it claims.
    pub node_id: Arc<str>,
    /// The whole event object, as JSON text.
    pub json: Arc<str>,
}

impl Event {
    /// What tells this event from all others: a hash over its id and its whole text (BLAKE3, 128 bits of it).
    ///
    /// Two texts under one id are two things to gossip; which of them counts is the application's to say, and it can
    /// only say the same everywhere if both come everywhere.
    pub(crate) fn fingerprint(&self) -> u128 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.id.as_bytes()).update(self.json.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        u128::from_le_bytes(first)
    }
}

/// A bundle that is here, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Which.
    pub id: BundleId,
    /// Since it came, in microseconds: the receiver knows by it when a payload on this link would have come.
    pub age: u32,
}

/// Who is speaking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The mesh that the node belongs to.
    pub mesh: String,
    /// The node's name: a claim, 1 to 64 characters.
    pub node_id: String,
    /// The run of the node: drawn anew at each start, so that a node knows itself and finds two connections to one peer.
    pub instance: InstanceId,
    /// The port at which it listens, 0 if it does not.
    pub port: u16,
    /// The digest of what it holds, if it holds anything.
    pub digest: Option<Digest>,
}

/// One run of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub Uuid);

/// The digest of a set, opaque here: equal texts, equal sets. At most [`Digest::MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub Arc<str>);

impl Digest {
    /// The longest digest that is believed, in bytes.
    pub const MAX: usize = 128;
}
