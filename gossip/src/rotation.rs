//! A new key for an old node: a statement that the old key signs and the new one countersigns, and which of them a node knows.
//!
//! A statement holds for one mesh. Of two about one old key the earlier counts, on every node: who has stolen a key that was
//! given up can't give it to somebody else afterwards, unless it says that it did so before. Statements are few, and each node keeps
//! the [`Rotations::MAX`] newest.

use crate::{Keypair, OriginId, PublicKey, Signature};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a statement begins with: it holds as nothing else.
const DOMAIN: &[u8] = b"beauty-mesh/rotation/1";

/// How many keys one node may have had, one after the other, for it to be followed.
const LONGEST: usize = 64;

/// "From now on I sign by that key", says the old key; "that is me", says the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The key that is given up.
    pub old: OriginId,
    /// The key that takes its place.
    pub new: OriginId,
    /// When, in microseconds since the epoch.
    pub at: u64,
    /// The old key's signature of [`Rotation::bytes`].
    pub by_old: Signature,
    /// The new key's signature of the same.
    pub by_new: Signature,
}

impl Rotation {
    /// States that `old` is given up for `new`.
    pub fn state(mesh: &str, old: &Keypair, new: &Keypair, at: u64) -> Rotation {
        let mut rotation =
            Rotation { old: old.origin(), new: new.origin(), at, by_old: Signature::NONE, by_new: Signature::NONE };
        let bytes = rotation.bytes(mesh);
        (rotation.by_old, rotation.by_new) = (old.sign(&bytes), new.sign(&bytes));
        rotation
    }

    /// What both keys sign; integers are little-endian.
    ///
    /// | bytes | what |
    /// |---|---|
    /// | 22 | `beauty-mesh/rotation/1` in ASCII |
    /// | 2, n | bytes in the mesh's name, and the name in UTF-8 |
    /// | 32, 32 | the old key, the new key |
    /// | 8 | when, in microseconds since the epoch |
    pub fn bytes(&self, mesh: &str) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        // A mesh's name has at most 64 characters: its length fits.
        bytes.extend_from_slice(&(mesh.len() as u16).to_le_bytes());
        bytes.extend_from_slice(mesh.as_bytes());
        bytes.extend_from_slice(&self.old.0);
        bytes.extend_from_slice(&self.new.0);
        bytes.extend_from_slice(&self.at.to_le_bytes());
        bytes
    }

    /// Whether both keys have signed it, for this mesh.
    pub fn holds(&self, mesh: &str) -> bool {
        let bytes = self.bytes(mesh);
        let signed = |key: &OriginId, signature| PublicKey::decode(key).is_ok_and(|key| key.verify(&bytes, signature));
        self.old != self.new && signed(&self.old, &self.by_old) && signed(&self.new, &self.by_new)
    }

    /// Which of two statements about one old key counts: the smaller.
    fn rank(&self) -> (u64, OriginId) {
        (self.at, self.new)
    }
}

/// The statements that a node knows. All of them hold.
#[derive(Clone, Debug, Default)]
pub struct Rotations {
    by_old: BTreeMap<OriginId, Rotation>,
}

impl Rotations {
    /// How many are kept: 25 kB of them.
    pub const MAX: usize = 128;

    /// Takes in a statement that holds. `false`: it is known, or another one about the old key counts, or it is older than all that are
    /// kept.
    pub fn learn(&mut self, rotation: Rotation) -> bool {
        self.learn_before(rotation, |_| false)
    }

    /// The same, where statements of origins that have been heard are kept before all others.
    pub fn learn_before(&mut self, rotation: Rotation, heard: impl Fn(&OriginId) -> bool) -> bool {
        if !self.would_learn(&rotation) {
            return false;
        }
        let old = rotation.old;
        self.by_old.insert(old, rotation);
        if self.by_old.len() > Rotations::MAX {
            let worth = |it: &&Rotation| (heard(&it.old) || heard(&it.new), it.rank());
            let oldest = self.by_old.values().min_by_key(worth).map(|rotation| rotation.old);
            oldest.and_then(|oldest| self.by_old.remove(&oldest));
        }
        self.by_old.contains_key(&old)
    }

    /// Whether a statement would be news.
    pub(crate) fn would_learn(&self, rotation: &Rotation) -> bool {
        self.by_old.get(&rotation.old).is_none_or(|known| known.rank() > rotation.rank())
    }

    /// The key that has taken the place of this one, after all that is known; itself, if none has.
    pub fn newest(&self, key: OriginId) -> OriginId {
        // A circle ends, too.
        (0..LONGEST).fold(key, |key, _| self.by_old.get(&key).map_or(key, |rotation| rotation.new))
    }

    /// This key and all that it has taken the place of, one after the other.
    pub fn line_of(&self, key: OriginId) -> BTreeSet<OriginId> {
        self.way_to(key, LONGEST).map(|rotation| rotation.old).chain([key]).collect()
    }

    /// The last changes, at most so many, that have brought this key into the place of others, oldest first.
    pub(crate) fn way_to(&self, key: OriginId, most: usize) -> impl Iterator<Item = &Rotation> {
        let mut way = Vec::new();
        let mut key = key;
        while let Some(last) = self.by_old.values().find(|rotation| rotation.new == key).filter(|_| way.len() < most) {
            way.push(last);
            key = last.old;
        }
        way.into_iter().rev()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rotation> {
        self.by_old.values()
    }
}

/// How a statement is written.
#[derive(Serialize, Deserialize)]
pub(crate) struct Packed<'a> {
    old: OriginId,
    new: OriginId,
    at: u64,
    #[serde(borrow)]
    by_old: &'a [u8],
    #[serde(borrow)]
    by_new: &'a [u8],
}

impl Packed<'_> {
    pub(crate) fn of(rotation: &Rotation) -> Packed<'_> {
        let Rotation { old, new, at, by_old, by_new } = rotation;
        Packed { old: *old, new: *new, at: *at, by_old: &by_old.0, by_new: &by_new.0 }
    }

    /// `None` where a signature has another length.
    pub(crate) fn unpack(self) -> Option<Rotation> {
        let (by_old, by_new) = (self.by_old.try_into().ok()?, self.by_new.try_into().ok()?);
        let (by_old, by_new) = (Signature(by_old), Signature(by_new));
        Some(Rotation { old: self.old, new: self.new, at: self.at, by_old, by_new })
    }
}
