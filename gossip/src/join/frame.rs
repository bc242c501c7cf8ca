//! The frames of joining: JSON, the same in both dialects.

use super::Refusal;
use crate::{OriginId, Rotation, Signature};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// What the two sides say.
pub(super) enum Frame {
    Hail(Hail),
    Proof(Proof),
}

/// Who is there, and what it wants to hear proven.
#[derive(Serialize, Deserialize)]
pub(super) struct Hail {
    pub(super) version: u32,
    pub(super) mesh: String,
    pub(super) key: OriginId,
    pub(super) nonce: Hex<32>,
    /// Whether it knows a secret, and wants to be shown that the other side does.
    #[serde(default)]
    pub(super) secret: bool,
    /// How the key came into the place of others, oldest first: whoever has one of these on its list lets this one join.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) changed: Vec<Changed>,
}

/// A change of keys, as [`Rotation`].
#[derive(Serialize, Deserialize)]
pub(super) struct Changed {
    old: OriginId,
    new: OriginId,
    at: u64,
    by_old: Hex<64>,
    by_new: Hex<64>,
}

impl Changed {
    pub(super) fn of(rotation: &Rotation) -> Changed {
        let Rotation { old, new, at, by_old, by_new } = rotation;
        Changed { old: *old, new: *new, at: *at, by_old: Hex(by_old.0), by_new: Hex(by_new.0) }
    }

    pub(super) fn rotation(&self) -> Rotation {
        let Changed { old, new, at, by_old, by_new } = self;
        Rotation { old: *old, new: *new, at: *at, by_old: Signature(by_old.0), by_new: Signature(by_new.0) }
    }
}

/// That it is so.
#[derive(Serialize, Deserialize)]
pub(super) struct Proof {
    /// The nonce that this answers: what was recorded elsewhere is known by it.
    pub(super) answers: Hex<32>,
    pub(super) signature: Hex<64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<Hex<32>>,
}

/// Bytes, in hexadecimal.
#[derive(Clone, Copy)]
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hex<N>, D::Error> {
        let (text, mut bytes) = (Cow::<str>::deserialize(deserializer)?, [0; N]);
        hex::decode_to_slice(&*text, &mut bytes).map_err(D::Error::custom)?;
        Ok(Hex(bytes))
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subtype: Cow<'a, str>,
}

#[derive(Serialize)]
struct Typed<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    subtype: &'static str,
    #[serde(flatten)]
    frame: &'a T,
}

pub(super) fn decode(text: &str) -> Result<Frame, Refusal> {
    let head: Head<'_> = serde_json::from_str(text).map_err(|_| Refusal::Shape)?;
    match (&*head.kind, &*head.subtype) {
        ("mesh", "hail") => serde_json::from_str(text).map(Frame::Hail).map_err(|_| Refusal::Shape),
        ("mesh", "proof") => serde_json::from_str(text).map(Frame::Proof).map_err(|_| Refusal::Shape),
        _ => Err(Refusal::NotJoining),
    }
}

pub(super) fn encode(frame: &Frame) -> String {
    fn written(subtype: &'static str, frame: &impl Serialize) -> String {
        // Strings, a number and a switch: there is no value here that JSON can't hold.
        serde_json::to_string(&Typed { kind: "mesh", subtype, frame }).unwrap_or_default()
    }
    match frame {
        Frame::Hail(hail) => written("hail", hail),
        Frame::Proof(proof) => written("proof", proof),
    }
}
