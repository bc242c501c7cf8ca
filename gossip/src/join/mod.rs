//! Joining: before anything else is spoken on a connection, both sides show who they are, and that they may be here.
//!
//! ```text
//! dialler                          listener
//!   │ ──── Hail ──────────────────▶ │  version, mesh, key, nonce, whether it knows a secret
//!   │ ◀───────────────────── Hail ─ │
//!   │ ──── Proof ─────────────────▶ │  a signature by that key, a tag by that secret
//!   │ ◀──────────────────── Proof ─ │  only for a dialler that has proven itself
//! ```
//!
//! Both proofs are over the same bytes: [`transcript`]. They name the mesh, who of the two is speaking, both keys, both
//! nonces, and the channel beneath. So a proof holds once, on this connection, in this direction, and for these two: what was
//! recorded, sent back, or carried over by somebody in between does not. The signature is Ed25519, the tag HMAC-SHA-256
//! (RFC 2104), compared in constant time.
//!
//! Who dials proves first: whoever reaches a port gets nothing by which a secret could be guessed. Who is dialled does, so a secret is
//! to be drawn, not made up.
//!
//! Frames are JSON in both dialects, so a script joins as a node does. Nothing is remembered of a side that was refused, and every
//! way to be refused has its own [`Refusal`].

mod frame;
mod refusal;

pub use refusal::Refusal;

use crate::{Direction, Keypair, OriginId, PublicKey, Rotation, Rotations, Signature};
use frame::{Changed, Frame, Hail, Hex, Proof};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The version of joining that this program speaks. A side of another version is refused.
pub const VERSION: u32 = 1;
/// How many bytes one side may send until it has joined, frames' headers included.
pub const MAX_BYTES: usize = 4 * 1_024;
/// The subprotocol of scripts that join: text frames with JSON, as without any, but after a handshake.
pub const SCRIPTS: &str = "beauty-mesh.json";

/// What the proofs of this version begin with: they hold as nothing else.
const DOMAIN: &[u8] = b"beauty-mesh/join/1";

/// A secret that all nodes of a mesh know. Never shown: [`fmt::Debug`] prints none of it.
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// The secret of these bytes.
    pub fn new(bytes: &[u8]) -> Secret {
        Secret(bytes.into())
    }

    /// HMAC-SHA-256 under this secret. `None` never: it takes keys of any length.
    fn mac(&self, transcript: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(transcript);
        Some(mac)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// On which terms a node joins others, and others join it.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The name of the mesh.
    pub mesh: String,
    /// The node's key.
    pub key: Keypair,
    /// What both sides must know, if anything.
    pub secret: Option<Secret>,
    /// Whose keys may join; `None`: anybody's. A key that has taken the place of one of these may, and that one may no more.
    /// Shared: each handshake has its terms, and a list may be long.
    pub allow: Option<Arc<BTreeSet<OriginId>>>,
    /// The changes of keys that are known when the handshake begins, this node's own included.
    pub rotations: Arc<Rotations>,
}

/// How many changes of a node's own key it tells when it joins: 1.6 KB of them. Whoever was away for longer needs a new list.
const MAX_CHANGED: usize = 4;

impl Terms {
    /// Whether anybody may join, a script that proves nothing included.
    pub fn is_open(&self) -> bool {
        self.secret.is_none() && self.allow.is_none()
    }

    /// Whether this key may join, as far as a list of keys says so, and after these changes of keys, which hold.
    pub fn allows(&self, key: &OriginId, changed: &[Rotation]) -> bool {
        let Some(allow) = &self.allow else { return true };
        let newest = |rotations: &Rotations| allow.iter().any(|listed| rotations.newest(*listed) == *key);
        if changed.is_empty() {
            return newest(&self.rotations);
        }
        let mut rotations = (*self.rotations).clone();
        changed.iter().for_each(|rotation| {
            rotations.learn_before(rotation.clone(), |origin| allow.contains(origin) || origin == key);
        });
        newest(&rotations)
    }
}

/// What carries the connection, as both of its ends see it. Where somebody stands in between, they see two different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// TCP: nothing tells one from another.
    Plain,
    /// TLS 1.3, by 32 bytes that only its two ends can know: `tls-exporter` (RFC 9266). Among nodes.
    Exporter([u8; 32]),
    /// TLS, by the SHA-256 of the listener's certificate: `tls-server-end-point` (RFC 5929). For scripts, whose languages seldom
    /// have the other.
    Certificate([u8; 32]),
}

/// One side of a handshake. What it is told and says are texts; whoever carries them bounds their length and the time.
#[derive(Debug)]
pub struct Joining {
    terms: Arc<Terms>,
    direction: Direction,
    channel: Channel,
    nonce: [u8; 32],
    claimed: Option<OriginId>,
    stage: Stage,
}

/// What comes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to say now.
    pub say: Option<String>,
    /// The other side's key, proven: it has joined. Nothing more is to be told to the handshake.
    pub joined: Option<OriginId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waits for a hail.
    Begun,
    /// Waits for the proof of who hailed.
    Hailed { key: OriginId, nonce: [u8; 32] },
    /// It has come to an end.
    Ended,
}

impl Joining {
    /// Begins, with 32 bytes of the system's generator that are never used again. Gives what the dialler says first; a listener
    /// waits.
    pub fn begin(
        terms: Arc<Terms>,
        direction: Direction,
        channel: Channel,
        nonce: [u8; 32],
    ) -> (Joining, Option<String>) {
        let joining = Joining { terms, direction, channel, nonce, claimed: None, stage: Stage::Begun };
        let first = (direction == Direction::Outbound).then(|| joining.hail());
        (joining, first)
    }

    /// Takes in a text of the other side.
    ///
    /// # Errors
    /// Why the other side may not join. The handshake has ended then.
    pub fn on_frame(&mut self, text: &str) -> Result<Step, Refusal> {
        let frame = frame::decode(text);
        match (std::mem::replace(&mut self.stage, Stage::Ended), frame?) {
            (Stage::Begun, Frame::Hail(hail)) => self.on_hail(hail),
            (Stage::Hailed { key, nonce }, Frame::Proof(proof)) => self.on_proof(key, nonce, &proof),
            (Stage::Begun | Stage::Hailed { .. } | Stage::Ended, _) => Err(Refusal::Shape),
        }
    }

    /// The key that the other side names. It is proven only where a [`Step`] says so.
    pub fn claimed(&self) -> Option<OriginId> {
        self.claimed
    }

    fn hail(&self) -> String {
        frame::encode(&Frame::Hail(Hail {
            version: VERSION,
            mesh: self.terms.mesh.clone(),
            key: self.terms.key.origin(),
            nonce: Hex(self.nonce),
            secret: self.terms.secret.is_some(),
            changed: self.terms.rotations.way_to(self.terms.key.origin(), MAX_CHANGED).map(Changed::of).collect(),
        }))
    }

    fn on_hail(&mut self, hail: Hail) -> Result<Step, Refusal> {
        let (key, nonce) = (hail.key, hail.nonce.0);
        self.claimed = Some(key);
        if hail.version != VERSION {
            return Err(Refusal::Version);
        }
        if hail.mesh != self.terms.mesh {
            return Err(Refusal::OtherMesh);
        }
        if nonce == self.nonce {
            return Err(Refusal::Reflected);
        }
        if hail.secret != self.terms.secret.is_some() {
            return Err(Refusal::OneSecret);
        }
        if hail.changed.len() > MAX_CHANGED {
            return Err(Refusal::Shape);
        }
        if self.terms.allow.is_some() {
            let changed: Vec<Rotation> = hail.changed.iter().map(Changed::rotation).collect();
            // A list that it is on without them, or is not on with them, needs no signature to be looked at.
            let holds = || changed.iter().all(|rotation| rotation.holds(&self.terms.mesh));
            let allowed = self.terms.allows(&key, &[]) || (self.terms.allows(&key, &changed) && holds());
            if !allowed {
                return Err(Refusal::NotAllowed);
            }
        }
        self.stage = Stage::Hailed { key, nonce };
        let say = match self.direction {
            Direction::Inbound => self.hail(),
            Direction::Outbound => self.prove(&key, &nonce),
        };
        Ok(Step { say: Some(say), joined: None })
    }

    fn on_proof(&self, key: OriginId, nonce: [u8; 32], proof: &Proof) -> Result<Step, Refusal> {
        if proof.answers.0 != self.nonce {
            // What answers the other side's own nonce is what was said from here.
            return Err(if proof.answers.0 == nonce { Refusal::Reflected } else { Refusal::Replayed });
        }
        let transcript = self.transcript(other(self.direction), &key, &nonce);
        let signature = Signature(proof.signature.0);
        if !PublicKey::decode(&key).is_ok_and(|key| key.verify(&transcript, &signature)) {
            return Err(Refusal::Unproven);
        }
        if let Some(secret) = &self.terms.secret {
            let tag = proof.tag.ok_or(Refusal::OneSecret)?;
            let mac = secret.mac(&transcript).ok_or(Refusal::WrongSecret)?;
            mac.verify_slice(&tag.0).map_err(|_| Refusal::WrongSecret)?;
        }
        let say = (self.direction == Direction::Inbound).then(|| self.prove(&key, &nonce));
        Ok(Step { say, joined: Some(key) })
    }

    /// This side's proof for the side of this key and nonce.
    fn prove(&self, key: &OriginId, nonce: &[u8; 32]) -> String {
        let transcript = self.transcript(self.direction, key, nonce);
        let mac = self.terms.secret.as_ref().and_then(|secret| secret.mac(&transcript));
        frame::encode(&Frame::Proof(Proof {
            answers: Hex(*nonce),
            signature: Hex(self.terms.key.sign(&transcript).0),
            tag: mac.map(|mac| Hex(mac.finalize().into_bytes().into())),
        }))
    }

    /// What `speaker` proves, who stands on the side that this direction leads to us from: [`Direction::Outbound`] is ourselves
    /// where we have dialled.
    fn transcript(&self, speaker: Direction, key: &OriginId, nonce: &[u8; 32]) -> Vec<u8> {
        let (ours, theirs) = ((&self.terms.key.origin(), &self.nonce), (key, nonce));
        let (dialler, listener) = match self.direction {
            Direction::Outbound => (ours, theirs),
            Direction::Inbound => (theirs, ours),
        };
        transcript(&self.terms.mesh, speaker, [dialler, listener], &self.channel)
    }
}

fn other(direction: Direction) -> Direction {
    match direction {
        Direction::Inbound => Direction::Outbound,
        Direction::Outbound => Direction::Inbound,
    }
}

/// The bytes that a proof is over: each of a fixed length or after its length. Integers are little-endian. `speaker` is
/// [`Direction::Outbound`] for the dialler.
///
/// | bytes | what |
/// |---|---|
/// | 18 | `beauty-mesh/join/1` in ASCII |
/// | 2, n | bytes in the mesh's name, and the name in UTF-8 |
/// | 1 | who is speaking: 0 the dialler, 1 the listener |
/// | 32, 32 | the dialler's key, the listener's |
/// | 32, 32 | the dialler's nonce, the listener's |
/// | 1, 32 | the channel: 0 and zeros, 1 and what TLS exports, 2 and the hash of the listener's certificate |
fn transcript(
    mesh: &str,
    speaker: Direction,
    [dialler, listener]: [(&OriginId, &[u8; 32]); 2],
    channel: &Channel,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(DOMAIN.len() + mesh.len() + 164);
    bytes.extend_from_slice(DOMAIN);
    // A mesh's name has at most 64 characters: its length fits.
    bytes.extend_from_slice(&(mesh.len() as u16).to_le_bytes());
    bytes.extend_from_slice(mesh.as_bytes());
    bytes.push(u8::from(speaker == Direction::Inbound));
    for part in [&dialler.0.0, &listener.0.0, dialler.1, listener.1] {
        bytes.extend_from_slice(part);
    }
    let (kind, binding) = match channel {
        Channel::Plain => (0, &[0; 32]),
        Channel::Exporter(binding) => (1, binding),
        Channel::Certificate(hash) => (2, hash),
    };
    bytes.push(kind);
    bytes.extend_from_slice(binding);
    bytes
}
