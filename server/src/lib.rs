//! The node of Beauty Mesh: the only room with I/O.
//!
//! | idea | file |
//! |---|---|
//! | settings | `config/` |
//! | the driver of `gossip::State`, and what others read | `node/` |
//! | WebSockets to peers | `transport/` |
//! | TLS on both ports and for dialling | `tls/` |
//! | what this host measures | `sources/` |
//! | what survives a crash | `store/`, `identity.rs`, `rotations.rs`, `profiles.rs`, `folder.rs`, `kept.rs` |
//! | what the binary does beside running a node | `tools.rs` |
//! | the API and the page | `http/` |
//! | how many connections one address may hold, and how many files the system gives | `places.rs`, `descriptors.rs` |
//!
//! Plumbing: rules about events live in `beauty`, rules of the protocol in `gossip`.

#![forbid(unsafe_code)]

mod clock;
pub mod config;
mod descriptors;
mod folder;
mod http;
pub mod identity;
mod ip;
mod kept;
mod name;
mod node;
mod places;
pub mod profiles;
pub mod rotations;
mod run;
mod sources;
pub mod store;
pub mod tls;
pub mod tools;
mod transport;

pub use run::{Ports, StartError, run};
pub use transport::Packing;
