//! What an origin declares of itself: that from a number on its bundles have a second signature, and by which key.
//!
//! It is signed by both keys, holds for one mesh, and can't be taken back: the first one that a node hears of an origin stays. Whoever
//! could forge the first signature alone can neither leave the second one out, nor declare another key, where the profile is known.
//! An origin that wants to go without gives up its key for a new one.

use crate::{Bundle, Keypair, OriginId, PublicKey, SecondKey, SecondSignature, Signature};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a profile begins with: it holds as nothing else.
const DOMAIN: &[u8] = b"beauty-mesh/profile/1";

/// "From this number on I sign by this key as well."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub origin: OriginId,
    /// The first number whose bundle has two signatures.
    pub from: u64,
    /// The second key.
    pub key: SecondKey,
    /// The origin's signature of [`Profile::bytes`].
    pub first: Signature,
    /// The second key's signature of the same.
    pub second: SecondSignature,
}

impl Profile {
    /// How many one frame holds at most: 54 kB.
    pub const MAX_IN_FRAME: usize = 10;

    /// Declares it. `None` where the pair has no second key, or as [`SecondKeypair::sign`](crate::SecondKeypair::sign).
    pub fn declare(mesh: &str, pair: &Keypair, from: u64) -> Option<Profile> {
        let (origin, key) = (pair.origin(), pair.second()?.public());
        let bytes = bytes(mesh, &origin, from, &key);
        Some(Profile { origin, from, key, first: pair.sign(&bytes), second: pair.second()?.sign(&bytes)? })
    }

    /// What both keys sign; integers are little-endian.
    ///
    /// | bytes | what |
    /// |---|---|
    /// | 21 | `beauty-mesh/profile/1` in ASCII |
    /// | 2, n | bytes in the mesh's name, and the name in UTF-8 |
    /// | 32 | the origin: its first key |
    /// | 8 | the number from which on there are two signatures |
    /// | 1952 | the second key |
    pub fn bytes(&self, mesh: &str) -> Vec<u8> {
        bytes(mesh, &self.origin, self.from, &self.key)
    }

    /// Whether both keys have signed it, for this mesh.
    pub fn holds(&self, mesh: &str) -> bool {
        let bytes = self.bytes(mesh);
        // The cheap one first.
        PublicKey::decode(&self.origin).is_ok_and(|key| key.verify(&bytes, &self.first))
            && self.key.decode().verify(&bytes, &self.second)
    }
}

fn bytes(mesh: &str, origin: &OriginId, from: u64, key: &SecondKey) -> Vec<u8> {
    let mut bytes = DOMAIN.to_vec();
    // A mesh's name has at most 64 characters: its length fits.
    bytes.extend_from_slice(&(mesh.len() as u16).to_le_bytes());
    bytes.extend_from_slice(mesh.as_bytes());
    bytes.extend_from_slice(&origin.0);
    bytes.extend_from_slice(&from.to_le_bytes());
    bytes.extend_from_slice(&*key.0);
    bytes
}

/// What a bundle's second signature must be, after all that is known of its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Second {
    /// There is none, and none is due.
    NotDue,
    /// It must hold for this key.
    By(SecondKey),
    /// It is missing: the origin has declared that each bundle from this number on has one.
    Missing,
    /// It is there, and nobody here knows its key.
    Unknown,
}

/// The profiles that a node knows. All of them hold.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    by_origin: BTreeMap<OriginId, Known>,
    /// Counts what happens, to tell which was of use last.
    clock: u64,
}

#[derive(Clone, Debug)]
struct Known {
    profile: Arc<Profile>,
    /// When a bundle was last checked by it; 0: never.
    used: u64,
    /// When it came.
    came: u64,
}

impl Profiles {
    /// How many are kept: 5.5 MB of them.
    pub const MAX: usize = 1_024;

    /// Takes in a profile that holds. `false`: one of this origin is known, and stays. Where there are too many, the one that was of
    /// no use for longest is forgotten; those of which no bundle ever came go first, and this one's own never.
    pub fn learn(&mut self, profile: Arc<Profile>, own: &OriginId) -> bool {
        if self.by_origin.contains_key(&profile.origin) {
            return false;
        }
        self.clock += 1;
        let known = Known { used: 0, came: self.clock, profile };
        self.by_origin.insert(known.profile.origin, known);
        if self.by_origin.len() > Profiles::MAX {
            let others = self.by_origin.iter().filter(|(origin, _)| *origin != own);
            let idle = others.min_by_key(|(_, known)| (known.used, known.came)).map(|(origin, _)| *origin);
            idle.and_then(|idle| self.by_origin.remove(&idle));
        }
        true
    }

    /// What this bundle's second signature must be.
    pub fn demand(&mut self, bundle: &Bundle) -> Second {
        match (self.by_origin.get_mut(&bundle.id.origin), &bundle.second) {
            (Some(known), None) if bundle.id.seq >= known.profile.from => Second::Missing,
            (_, None) => Second::NotDue,
            (None, Some(_)) => Second::Unknown,
            (Some(known), Some(_)) => {
                self.clock += 1;
                known.used = self.clock;
                Second::By(known.profile.key.clone())
            }
        }
    }

    /// The profile of an origin.
    pub fn get(&self, origin: &OriginId) -> Option<&Arc<Profile>> {
        self.by_origin.get(origin).map(|known| &known.profile)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.by_origin.values().map(|known| &known.profile)
    }
}

/// How a profile is written.
#[derive(Serialize, Deserialize)]
pub(crate) struct Packed<'a> {
    origin: OriginId,
    from: u64,
    #[serde(borrow)]
    key: &'a [u8],
    #[serde(borrow)]
    first: &'a [u8],
    #[serde(borrow)]
    second: &'a [u8],
}

impl Packed<'_> {
    pub(crate) fn of(profile: &Profile) -> Packed<'_> {
        let Profile { origin, from, key, first, second } = profile;
        Packed { origin: *origin, from: *from, key: &*key.0, first: &first.0, second: &*second.0 }
    }

    /// `None` where a key or a signature has another length.
    pub(crate) fn unpack(self) -> Option<Arc<Profile>> {
        let key = SecondKey(Arc::new(self.key.try_into().ok()?));
        let (first, second) = (Signature(self.first.try_into().ok()?), self.second.try_into().ok()?);
        let second = SecondSignature(Arc::new(second));
        Some(Arc::new(Profile { origin: self.origin, from: self.from, key, first, second }))
    }
}
