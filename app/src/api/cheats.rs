//! Who has signed two different bundles under one number, and the proof.

use serde::{Deserialize, Serialize};

/// An origin that has signed two different bundles under one number: it cheats, or two nodes have its key. `GET
/// /federated/cheats/{public_key}` is the [proof](CheatProof).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cheat {
    /// The name that the key signs in; `null` where this node has heard none.
    pub node_id: Option<String>,
    /// The key, in hex.
    pub public_key: String,
    /// The number of both bundles: microseconds since the Unix epoch.
    pub seq: u64,
    /// The hashes of their contents, in hex, the smaller one first.
    pub hashes: Vec<String>,
    /// Since when this node has the proof.
    pub since: u64,
}

/// `GET /federated/cheats/{public_key}`: the proof, for anybody to check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheatProof {
    /// The name of the mesh that both were signed for.
    pub mesh: String,
    /// The key that has signed both, in hex.
    pub public_key: String,
    /// The number of both.
    pub seq: u64,
    /// Since when this node has the proof.
    pub since: u64,
    /// The two.
    pub bundles: Vec<SignedBundle>,
}

/// A bundle as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBundle {
    /// The hash of its content, in hex.
    pub hash: String,
    /// The bytes that were signed, in hex.
    pub signed: String,
    /// The Ed25519 signature of these bytes, in hex.
    pub signature: String,
}
