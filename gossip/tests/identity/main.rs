//! What is promised of keys and signatures.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod agreement;
mod bundles;
mod joining;
mod rotations;
mod second;
mod vectors;

use gossip::{OriginId, PublicKey, Signature};

/// What the rule says of a signature, a key that is none included.
fn holds(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    PublicKey::decode(&OriginId(*key)).is_ok_and(|key| key.verify(message, &Signature(*signature)))
}
