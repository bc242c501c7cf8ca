//! The protocols that are measured.

mod disk;
mod iroh;
mod ours;
mod pings;
mod watch;

pub use iroh::Iroh;
pub use ours::Ours;

use crate::protocol::Protocol;

/// All of them, ours first.
///
/// The bound is none of them: it is computed over the overlay of whichever runs.
pub fn all() -> Vec<Box<dyn Protocol>> {
    vec![
        Box::new(Ours::trees()),
        Box::new(Ours::random_links()),
        Box::new(Ours::plumtree()),
        Box::new(Ours::seed()),
        Box::new(Iroh::default()),
    ]
}
