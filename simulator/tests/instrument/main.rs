//! The instrument, measured itself: with a protocol that is simple enough to know beforehand what must come out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod bound;
mod faults;
mod flood;
mod links;
mod past;
mod protocols;
mod scenarios;
mod steps;
