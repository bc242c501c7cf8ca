//! How the page keeps itself fresh: by the stream, and by fetching where that fails.
//!
//! [`connection`] decides, [`driver`] obeys, [`stream`] and [`poll`] speak with the node.

pub(crate) mod connection;
mod driver;
mod poll;
mod stream;

pub(crate) use driver::{Freshness, SKEW, keep_fresh};
pub(crate) use poll::likeness as fetch_likeness;
