//! What strangers may send: absurd numbers, damaged frames, inputs in any order. Nothing of it makes a node panic, or grow
//! without bound.
//!
//! The fuzz targets are `bolero` tests: by themselves they take a second each; `BOLERO_RANDOM_TEST_TIME_MS` says how long
//! else, and a failure prints the input, made as small as it can be.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod decoders;
mod inputs;
mod integers;
mod joining;
mod node;
mod samples;
