//! What nodes gossip among themselves: a few events of one origin, under one number.

use crate::{Content, Event, SecondSignature, Signature};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Who made a bundle: an Ed25519 public key. In JSON it is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OriginId(pub [u8; 32]);

/// In the order of its bytes. Keys are looked up with every frame, and nearly all differ in the first eight bytes: these are compared
/// as one number, without a call.
impl Ord for OriginId {
    fn cmp(&self, other: &OriginId) -> Ordering {
        let head = |id: &OriginId| id.0.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        head(self).cmp(&head(other)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for OriginId {
    fn partial_cmp(&self, other: &OriginId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for OriginId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&hex::encode(self.0))
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for OriginId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OriginId, D::Error> {
        if deserializer.is_human_readable() {
            let text = Cow::<'de, str>::deserialize(deserializer)?;
            let mut bytes = [0; 32];
            hex::decode_to_slice(&*text, &mut bytes)
                .map_err(|_| D::Error::custom("a key has 64 hexadecimal digits"))?;
            Ok(OriginId(bytes))
        } else {
            <[u8; 32]>::deserialize(deserializer).map(OriginId)
        }
    }
}

impl fmt::Debug for OriginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OriginId({:02x}{:02x}{:02x}{:02x}…)", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// What a bundle is known by. It never covers the signature's bytes: a signature written another way makes no new bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BundleId {
    /// Who made it.
    pub origin: OriginId,
    /// Grows strictly with each bundle of the origin: the greater of the last one plus 1 and the clock in microseconds,
    /// so that an origin which lost its disk, but not its key, does not repeat itself.
    pub seq: u64,
}

/// What tells one content of a bundle from another: 128 bits of a BLAKE3 hash over the origin, the number and the events' texts. It
/// never covers the signature's bytes either. An origin that signs two contents under one number makes two bundles, and both are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BundleHash(pub [u8; 16]);

impl BundleHash {
    /// What every hashed message begins with.
    const CONTEXT: &'static str = "beauty-mesh 2026 content of a bundle 1";

    /// The hash of what a bundle says: in this order the origin, the number (8 bytes), how many events (2), and for each how many
    /// bytes its text has (4), and the text. Integers are little-endian.
    pub fn of<'a>(id: &BundleId, texts: impl ExactSizeIterator<Item = &'a str>) -> BundleHash {
        let mut hasher = blake3::Hasher::new_derive_key(BundleHash::CONTEXT);
        // A bundle has 256 events of 2 KiB at most: each length fits.
        hasher.update(&id.origin.0).update(&id.seq.to_le_bytes()).update(&(texts.len() as u16).to_le_bytes());
        for text in texts {
            hasher.update(&(text.len() as u32).to_le_bytes()).update(text.as_bytes());
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        BundleHash(first)
    }
}

impl fmt::Debug for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleHash({:02x}{:02x}{:02x}{:02x}…)", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// A bundle: 1 to [`Bundle::MAX_EVENTS`] events, in the order in which they were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What it is known by.
    pub id: BundleId,
    /// What it tells.
    pub events: Arc<[Event]>,
    /// Its origin's signature of [`bundle_bytes`](crate::bundle_bytes). Whoever hands a bundle to the protocol has checked it.
    pub signature: Signature,
    /// Its origin's second signature of the same bytes, where it has one.
    pub second: Option<SecondSignature>,
}

/// A bundle with the hash of what it says, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    bundle: Bundle,
    hash: BundleHash,
}

impl Hashed {
    /// The bundle.
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// What tells it from other bundles of its number: [`Bundle::hash`].
    pub const fn hash(&self) -> BundleHash {
        self.hash
    }

    /// Its number and its content.
    pub const fn content(&self) -> Content {
        (self.bundle.id, self.hash)
    }
}

impl From<Bundle> for Hashed {
    fn from(bundle: Bundle) -> Hashed {
        Hashed { hash: bundle.hash(), bundle }
    }
}

impl From<Hashed> for Bundle {
    fn from(hashed: Hashed) -> Bundle {
        hashed.bundle
    }
}

impl Deref for Hashed {
    type Target = Bundle;

    fn deref(&self) -> &Bundle {
        &self.bundle
    }
}

impl Bundle {
    /// How many events a bundle holds at most.
    pub const MAX_EVENTS: usize = 256;
    /// How many bytes of text its events hold at most: with their heads, they stay below a frame of 64 KiB.
    pub const MAX_BYTES: usize = 48 * 1_024;

    /// What tells it from other bundles of its number.
    pub fn hash(&self) -> BundleHash {
        BundleHash::of(&self.id, self.events.iter().map(|event| &*event.json))
    }

    /// The bytes of text that its events hold.
    pub fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.json.len()).sum()
    }

    /// The bytes of text and of a second signature: what it weighs in a frame or in memory.
    pub fn weight(&self) -> usize {
        self.bytes() + self.second.as_ref().map_or(0, |_| SecondSignature::BYTES)
    }

    /// Both signatures, one behind the other, or the one that there is.
    pub fn signatures(&self) -> Cow<'_, [u8]> {
        match &self.second {
            None => Cow::Borrowed(&self.signature.0),
            Some(second) => Cow::Owned([&self.signature.0[..], &second.0[..]].concat()),
        }
    }
}
