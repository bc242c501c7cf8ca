//! The bearer token for ingest.

use std::fmt;

/// A token, kept as a keyed hash of itself: two hashes compare in one time whatever was given, its length included.
#[derive(Clone)]
pub(crate) struct Token {
    key: [u8; 32],
    hash: blake3::Hash,
}

impl Token {
    /// Keeps a token. The key is drawn anew, so that hashes can't be prepared.
    pub(crate) fn new(token: &str, key: [u8; 32]) -> Token {
        Token { key, hash: blake3::keyed_hash(&key, token.as_bytes()) }
    }

    /// Whether this is the token. `blake3::Hash` compares in constant time.
    pub(super) fn is(&self, given: &str) -> bool {
        blake3::keyed_hash(&self.key, given.as_bytes()) == self.hash
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
