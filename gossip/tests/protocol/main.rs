//! What the protocol promises, tested through its door.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod broadcast;
mod clocks;
mod clones;
mod codec;
mod forks;
mod membership;
mod overlay;
mod reconcile;
mod rotations;
mod statements;
mod strangers;
mod trees;
mod wire;
mod world;
