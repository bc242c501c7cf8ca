//! What peers say to each other.

use crate::{Address, Bundle, Exchange, OriginId, Place, Profile, Rotation, Way};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// A message between two peers: the wire spec. `json.rs` and `wire.rs` say how each is written.
///
/// ```text
/// dialler                      node                       script            node
///   │ ──── Hello ───────────▶ │  its first frame           │ ── Event ──▶ │   no handshake:
///   │ ◀─────────── Hello ──── │  the answer                │              │   a script may speak at once,
///   │ ◀──── Peers ──────────▶ │  both, after a hello       │ ◀── Event ── │   and hears what the node forwards
///   │ ──── Neighbor ────────▶ │  to become a link          │              │
///   │ ◀─── NeighborReply ──── │  and it is one, or not     │              │
///   │ ◀──── Digest, Pulse ──▶ │  on a new link             │              │
///   │ ◀──── Bundle ─────────▶ │  down its origin's tree    │              │
///   │ ◀──── IHave ──────────▶ │  along all other links     │              │
///   │ ◀──── Graft, Prune ───▶ │  as trees grow             │              │
///   │ ◀──── Digest ─────────▶ │  while it changes          │              │
///   │ ◀──── Exchange ───────▶ │  if the digests differ     │              │
///   │ ◀──── ForwardJoin ────▶ │  a newcomer's walk         │              │
///   │ ◀──── Disconnect ─────▶ │  a link no more            │              │
///   │ ◀──── Forked ─────────▶ │  there is proof of a cheat │              │
///   │ ◀──── Prove, Evidence ▶ │  to have it too            │              │
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
    /// [`Message::Peers`] follows, and where digests differ each asks for what it lacks.
    Hello(Hello),
    /// Where other nodes can be dialled: HyParView's shuffle. Both ways after a hello, and along a random link from time to
    /// time. No answer.
    Peers(Vec<Address>),
    /// Asks to become a link, over which payload travels. Answered by [`Message::NeighborReply`].
    Neighbor(Priority),
    /// The answer. Who is refused closes the connection, and tries one of those that it was told of after the hello.
    NeighborReply {
        /// Whether the connection is a link from now on, on both sides.
        accepted: bool,
        /// Who lost its link to make room: it has a place now.
        dropped: Option<Address>,
    },
    /// Somebody has joined: sent on along links at random. Whoever has room, or is the last, dials the newcomer.
    ForwardJoin {
        /// Where it can be dialled.
        newcomer: Address,
        /// How many hops the walk may still make.
        ttl: u8,
    },
    /// The connection is no link any more. The receiver closes it, so that all that it has sent before arrives.
    Disconnect {
        /// Who has lost a link as well, and has a place for the receiver.
        instead: Option<Address>,
    },
    /// A bundle on its way down its origin's tree. Between nodes only, as all that follows; but one with a single event is
    /// what scripts hear of it as well, and what a script says that signs its events.
    Bundle {
        /// How it travels.
        way: Way,
        /// The bundle.
        bundle: Bundle,
    },
    /// These bundles are here. Who lacks one asks for it by a graft.
    IHave(Announcement),
    /// Push these origins' bundles to me from now on; and the ones with these numbers now. From a peer that pushed to us
    /// until now it says that it has lost its own way.
    Graft(Vec<Grafted>),
    /// Announce these origins' bundles to me, but don't push them.
    Prune(Vec<OriginId>),
    /// An origin is this way, though it has nothing to say. Goes on along all links, once; who hears of it grafts the peer
    /// that was first.
    Probe(Probe),
    /// The digest of the set that the speaker holds. While it changes, at most once in a while. No answer.
    Digest(Digest),
    /// A part of a reconciliation: what one of the two lacks comes to it.
    Exchange(Exchange),
    /// How a node is: on a new link, every 30 s, and when it has changed. No answer.
    Pulse(Pulse),
    /// Nodes that have changed their keys, [`Rotations::MAX`](crate::Rotations::MAX) at most: all that are known on a new link, and
    /// along all links what is new. No answer. Whoever hands it to the protocol has checked that each holds.
    Rotations(Vec<Rotation>),
    /// What origins declare of themselves, [`Profile::MAX_IN_FRAME`] at most: all that are known on a new link, along all links what is
    /// new, and what was asked for. No answer. Whoever hands it to the protocol has checked that each holds.
    Profiles(Vec<Arc<Profile>>),
    /// Bundles of these origins came with a second signature, and what they declare is not known here: it is to be sent.
    WantProfiles(Vec<OriginId>),
    /// These origins have signed two bundles under one number, and the speaker has the proof: all that are known on a new link, and
    /// along all links what is new. Who lacks one asks for it by [`Message::Prove`].
    Forked(Vec<OriginId>),
    /// Send me the proofs against these origins, 4 at most. Answered by two [`Message::Evidence`] for each, once on a link.
    Prove(Vec<OriginId>),
    /// One of the two bundles of a proof; the other comes before or after it. It is no part of a tree, and goes into no store of
    /// bundles. Whoever hands it to the protocol has checked its signature.
    Evidence(Bundle),
    /// Where origins say that they are, [`Place::MAX_IN_FRAME`] at most: all that are known on a new link, and along all links what is
    /// new. No answer. Whoever hands it to the protocol has checked that each holds.
    Places(Vec<Place>),
}

impl Message {
    /// The bundles in it: what a node checks before it hands the message to the protocol.
    pub fn bundles(&self) -> &[Bundle] {
        match self {
            Message::Bundle { bundle, .. } | Message::Evidence(bundle) => std::slice::from_ref(bundle),
            Message::Exchange(Exchange::Missed { bundles, .. }) => bundles,
            _ => &[],
        }
    }
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

/// Bundles that are here. On each connection an origin is named in full once; that gives it the next number, from 0 to 4,095
/// and from 0 again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// How many announcements came before it on this connection, modulo 256. One out of turn is not read: what its names and
    /// steps stand for depends on those before.
    pub number: u8,
    /// Origins that are named for the first time, in the order in which they are announced below.
    pub names: Vec<OriginId>,
    /// What is here, in the order in which it came.
    pub bundles: Vec<Announced>,
}

/// A bundle that is here, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// 0: the origin is the next of the new names; else its number plus 1.
    pub name: u16,
    /// By how much the bundle's number is greater than that of this origin's last one on this connection, at first than 0.
    pub step: i64,
    /// Since it came, in tenths of a millisecond: the receiver knows by it when a payload on this link would have come.
    pub age: u16,
}

/// Where an origin is, without a payload: a tree for it grows, which other origins may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Whose it is.
    pub origin: OriginId,
    /// Grows with each probe of the origin: its clock in microseconds.
    pub seq: u64,
    /// How many hops it has made when it arrives.
    pub hops: u8,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// What its wall clock shows, in microseconds since the epoch.
    pub clock: u64,
    /// What it can send, in kilobits a second; 0 where it has not measured it.
    pub kbit: u32,
}

/// One origin in a graft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grafted {
    /// Whose bundles to push.
    pub origin: OriginId,
    /// Which ones to send now.
    pub wanted: Vec<u64>,
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
    /// Whether it listens with TLS: it is dialled by `wss://` then.
    #[serde(default)]
    pub tls: bool,
}

/// How much a node needs a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// It has no link at all: others are told of it by [`Message::ForwardJoin`], and room is made for it.
    Join,
    /// It has hardly a link, or comes back from a partition: room is made for it.
    High,
    /// It is near: room is made for it if what it replaces is farther away.
    Near,
    /// It would like one more.
    Low,
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
