//! Real nodes on real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod attack;
mod clocks;
mod config;
mod crash;
mod descriptors;
mod events;
mod forged;
mod forks;
mod guards;
mod joining;
mod lifetime;
mod mesh;
mod process;
mod read;
mod rotation;
mod scripts;
mod second;
mod stream;
mod support;
mod sync;
mod tls;
mod tools;
