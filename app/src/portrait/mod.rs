//! The portrait of the mesh: what `beauty` computes, in colours, on the page and in a file.
//!
//! [`picture`] turns a likeness into pixels, the same on the server and in the browser; [`view`] shows them.

mod picture;
mod view;

pub use picture::{PORTRAIT_SIDE, portrait};
pub(crate) use view::Portrait;
