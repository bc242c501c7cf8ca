//! The node of Beauty Mesh: the only room with I/O.
//!
//! | idea | file |
//! |---|---|
//! | settings | `config/` |
//! | the driver of `gossip::State`, and what others read | `node/` |
//! | WebSockets to peers | `transport/` |
//! | what this host measures | `sources/` |
//! | the API and the page | `http/` |
//!
//! Plumbing: rules about events live in `beauty`, rules of the protocol in `gossip`.

#![forbid(unsafe_code)]

mod clock;
pub mod config;
mod http;
mod name;
mod node;
mod run;
mod sources;
mod transport;

pub use run::{Ports, StartError, run};
pub use transport::Packing;
