//! The protocols that are measured.

mod besieger;
mod disk;
mod hostile;
mod hosts;
mod iroh;
mod ours;
mod pings;
mod two_faced;
mod watch;

pub use besieger::Siege;
pub use hostile::{Deed, Hostile};
pub use hosts::Hosts;
pub use iroh::Iroh;
pub use ours::Ours;
pub use two_faced::{CHEAT, TwoFaced};

use crate::protocol::Protocol;

/// All of them, ours first. The last is like the first but on a network that limits what nodes can send.
///
/// The bound is none of them: it is computed over the overlay of whichever runs.
pub fn all() -> Vec<Box<dyn Protocol>> {
    vec![
        Box::new(Ours::trees()),
        Box::new(Ours::random_links()),
        Box::new(Ours::plumtree()),
        Box::new(Ours::seed()),
        Box::new(Iroh::default()),
        Box::new(Ours::fixed()),
    ]
}
