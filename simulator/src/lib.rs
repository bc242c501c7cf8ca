//! Gossip protocols side by side on one simulated network, in virtual time.
//!
//! A world runs one protocol. Worlds of one seed have the same nodes, contacts, senders and distances whatever the
//! protocol, so that figures can be compared. Everything follows from the seed: two runs of one seed are equal to the
//! byte.
//!
//! | idea | file |
//! |---|---|
//! | the door that a protocol stands behind | `protocol.rs` |
//! | the protocols: ours, iroh-gossip | `protocols/` |
//! | the world: one clock, what happens when; faults | `world/`, `queue.rs` |
//! | connections: order within, loss with them | `connections.rs` |
//! | link policies, in one place; distances | `network.rs`, `geography.rs` |
//! | overlays, the bound | `overlay.rs` |
//! | what was sent before the world began | `past.rs` |
//! | what is counted; what it comes to | `ledger.rs`, `bits.rs`, `summary.rs`, `stats.rs`, `table.rs`, `plot.rs` |
//! | scenarios as data; playing them | `scenario/`, `scenarios/*.toml`, `runner.rs` |
//! | faults without a plan, and what must hold nevertheless | `chaos/` |
//! | hostile nodes, and what they do to the others | `protocols/hostile.rs`, `hostility.rs` |
//! | who says two things under one number, and how it comes out | `protocols/two_faced.rs`, `forks.rs` |
//! | chance, by purpose | `random.rs` |

#![forbid(unsafe_code)]

pub mod bits;
pub mod chaos;
pub mod connections;
pub mod forks;
pub mod geography;
pub mod hostility;
pub mod ledger;
pub mod network;
pub mod overlay;
pub mod past;
pub mod plot;
pub mod protocol;
pub mod protocols;
pub mod queue;
pub mod random;
pub mod runner;
pub mod scenario;
pub mod stats;
pub mod summary;
pub mod table;
pub mod world;
