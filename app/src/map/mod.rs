//! The page `/federated/map`: one widget a file, put together in [`page`]; and a smaller one to embed.
//!
//! Each widget ends in `into_any()`: the type of the whole page, with every element in it, is more than the compiler will lay out.

mod agreement;
mod doubtful;
mod embed;
mod foot;
mod graph;
mod header;
mod heading;
mod off;
mod page;
mod peers;
mod raw;
mod roster;
mod spark;
mod tiles;
mod time;
mod trends;
mod world;

pub(crate) use embed::EmbedPage;
pub(crate) use heading::heading_of_now;
pub(crate) use page::MapPage;
#[cfg(test)]
pub(crate) use roster::Column;
pub(crate) use roster::{Order, silent_since};
