//! The page `/federated/map`: one widget a file, put together in [`page`].
//!
//! Each widget ends in `into_any()`: the type of the whole page, with every element in it, is more than the compiler will lay out.

mod agreement;
mod header;
mod off;
mod page;
mod peers;
mod raw;
mod tiles;

pub(crate) use page::MapPage;
