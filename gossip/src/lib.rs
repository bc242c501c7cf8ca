//! The protocol of Beauty Mesh as a pure state machine.
//!
//! A node's driver feeds every fact through one door and carries out what comes back:
//!
//! ```text
//! loop {
//!     input  = next frame, connection event, local event, or the wake-up that state.next_wakeup() names
//!     state.handle(now, input)
//!     for output in state.drain() { send, connect, disconnect, deliver }
//! }
//! ```
//!
//! - [`State`] is the door; it is total and never fails: what a bad peer sends becomes an [`Output::Disconnect`] or a counter.
//! - [`Time`] and the random generator are arguments, so a log of inputs replays exactly.
//! - Payloads are opaque: nothing here knows what an event means.
//!
//! | idea | file |
//! |---|---|
//! | what comes in, what goes out | `input.rs`, `output.rs` |
//! | what peers say to each other: the wire | `message.rs`, `json.rs`, `wire.rs` |
//! | who to be connected to: HyParView, near links, backoff, one connection for a pair | `membership/`, `backoff.rs` |
//! | an event's way to scripts: the seed protocol | `broadcast.rs`, `seen.rs` |
//! | an event's way among nodes: bundles, source-rooted trees | `bundle.rs`, `bundler.rs`, `trees/`, `archive.rs`, `bundle_map.rs` |
//! | what was lost all the same: two nodes end with the same bundles | `reconcile/` |
//! | who keeps what is older | `store.rs` |
//! | who holds the same set as we do | `agreement.rs` |
//! | what peers say of this node's clock; what it can send beside them | `clocks.rs`, `capacity.rs` |
//! | how peers behave: scores, promises, bans; budgets | `conduct/`, `bucket.rs` |
//! | keys, what is signed, how it is checked | `identity.rs` |
//! | two bundles under one number: the proof of it, and its way | `proof.rs`, `forks.rs` |
//! | a new key for an old node | `rotation.rs` |
//! | a second signature, and the origins that declare one | `second.rs`, `profile.rs` |
//! | where origins say that they are | `place.rs` |
//! | who may speak at all: proofs before anything else | `join/` |
//! | what always holds; faults that tests must find | `invariants.rs`, `planted.rs` |

#![forbid(unsafe_code)]

mod address;
mod agreement;
mod archive;
mod backoff;
mod broadcast;
mod bucket;
mod bundle;
mod bundle_map;
mod bundler;
mod capacity;
mod clocks;
mod conduct;
mod config;
mod forks;
mod identity;
mod input;
mod invariants;
pub mod join;
pub mod json;
mod membership;
mod message;
mod output;
mod peer;
mod place;
mod planted;
mod profile;
mod proof;
mod reconcile;
mod rotation;
mod second;
mod seen;
mod state;
mod store;
mod time;
mod trees;
pub mod wire;

pub use address::{Address, AddressError};
pub use broadcast::Counters;
pub use bucket::Bucket;
pub use bundle::{Bundle, BundleHash, BundleId, Hashed, OriginId};
pub use clocks::ClockOffset;
pub use conduct::{Ban, Outlaw, Score};
pub use config::{Config, ConfigError};
pub use identity::{BadKey, Keypair, PublicKey, Signature, Signed, bundle_bytes, split_signatures, verify_batch};
pub use input::{Dialect, Direction, Input};
pub use message::{
    Announced, Announcement, Digest, Event, Grafted, Hello, InstanceId, Message, Priority, Probe, Pulse,
};
pub use output::{Because, Output};
pub use peer::{PeerId, PeerView};
pub use place::{Place, Places, Spot};
pub use planted::{Fault, Planted};
pub use profile::{Profile, Profiles, Second};
pub use proof::{Mark, Proof};
pub use reconcile::{Exchange, Root, Width};
pub use rotation::{Rotation, Rotations};
pub use second::{SecondKey, SecondKeypair, SecondSignature, SecondVerifier};
pub use state::{Me, State};
pub use store::{Answer, Ask, Content, Fingerprint, Held, MemoryStore, Wanted};
pub use time::Time;
pub use trees::Way;
