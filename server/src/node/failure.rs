//! Why a node acknowledges nothing more, and ends.

use crate::store::StoreError;

/// What no node goes on after.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This node's key has declared a second one, which is elsewhere.
    #[error(
        "peers know that the key of this node, {key}, signs twice, and its second key is not here: no node takes its events. Put \
         identity.second.key and profiles into the data folder, from the one that identity.key came from; or give the node a new key \
         with `beauty-mesh identity rotate`"
    )]
    SecondKey {
        /// The public key, in hexadecimal.
        key: String,
    },
}

impl Failure {
    /// The word for it in `status`.
    pub(crate) const fn status(&self) -> &'static str {
        match self {
            Failure::Store(_) => "disk-failed",
            Failure::SecondKey { .. } => "second-key-missing",
        }
    }
}
