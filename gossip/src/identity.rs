//! Who a node is: an Ed25519 key (RFC 8032), what it signs, and how signatures are checked, one by one or many at once.
//!
//! **One rule for both.** A signature `(R, s)` of a key `A` over a message holds where
//!
//! - `A` and `R` are written the one canonical way and are not of small order, and `s` is below the group's order;
//! - `8·(s·B - h·A - R)` is the identity, with `h = SHA-512(R, A, message)`: the equation of RFC 8032, with the cofactor.
//!
//! With the cofactor, a sum of such equations with random factors holds if and only if each of them does, but for a chance of
//! 2^-125. Without it (`verify_strict` and `verify_batch` of ed25519-dalek) a key's owner can make signatures to which one
//! check says no and the other says yes one time in eight, and so split a mesh in which nodes batch as frames come
//! (Chalkias, Garillot, Nikolaenko, "Taming the Many EdDSAs", SSR 2020, §4). What this rule lets pass beyond `verify_strict` are signatures
//! that only the key's owner can make.
//!
//! Signing is ed25519-dalek's, and deterministic: the same log of inputs gives the same bytes.

use crate::{Bundle, OriginId, SecondKeypair, SecondSignature};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha512};
use std::fmt;
use std::sync::Arc;

/// What every message begins with: bytes signed for another purpose, or another version, never hold as a bundle.
const BUNDLE_DOMAIN: &[u8] = b"beauty-mesh/bundle/1";

/// A failed batch is halved until a part has so few signatures, which are then checked one by one. Measured: below this, a
/// batch gains little.
const SMALL: usize = 8;

/// A node's secret key. Never shown: [`fmt::Debug`] prints the public half.
#[derive(Clone)]
pub struct Keypair {
    first: SigningKey,
    second: Option<SecondKeypair>,
}

impl Keypair {
    /// The key of these 32 secret bytes, which must be drawn by the system's generator.
    pub fn from_seed(seed: &[u8; 32]) -> Keypair {
        Keypair { first: SigningKey::from_bytes(seed), second: None }
    }

    /// The same, with a second key by which bundles are signed as well.
    pub fn with_second(self, second: SecondKeypair) -> Keypair {
        Keypair { second: Some(second), ..self }
    }

    /// The second key, where there is one.
    pub fn second(&self) -> Option<&SecondKeypair> {
        self.second.as_ref()
    }

    /// The secret bytes, for the file that keeps them.
    pub fn seed(&self) -> &[u8; 32] {
        self.first.as_bytes()
    }

    /// The public half: whose bundles these are.
    pub fn origin(&self) -> OriginId {
        OriginId(self.first.verifying_key().to_bytes())
    }

    /// Signs a message as it is: the domain is the caller's.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.first.sign(message).to_bytes())
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({:?})", self.origin())
    }
}

/// 64 bytes that claim to be an Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// No signature: holds for no key and no message.
    pub const NONE: Signature = Signature([0; 64]);
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// Reads what stands where signatures do: one of 64 bytes, or that and a second one of [`SecondSignature::BYTES`] behind it.
pub fn split_signatures(bytes: &[u8]) -> Option<(Signature, Option<SecondSignature>)> {
    let (first, rest) = bytes.split_first_chunk::<64>()?;
    let second = match rest {
        [] => None,
        rest => Some(SecondSignature(Arc::new(rest.try_into().ok()?))),
    };
    Some((Signature(*first), second))
}

/// A public key that was decoded and found fit to check signatures with. Decoding costs about a tenth of a check, so whoever
/// hears from an origin often keeps it.
#[derive(Clone, Copy, Debug)]
pub struct PublicKey {
    bytes: [u8; 32],
    point: EdwardsPoint,
}

/// Why 32 bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// No point of the curve, or written in another than the canonical way.
    #[error("these 32 bytes are no Ed25519 public key")]
    NoKey,
    /// A point of small order: signatures of it hold for messages that nobody signed.
    #[error("this Ed25519 public key is weak: its signatures prove nothing")]
    Weak,
}

impl PublicKey {
    /// Decodes a key.
    ///
    /// # Errors
    /// A [`BadKey`]: such a key signs nothing that could hold.
    pub fn decode(origin: &OriginId) -> Result<PublicKey, BadKey> {
        let point = decompress(&origin.0).ok_or(BadKey::NoKey)?;
        if point.is_small_order() { Err(BadKey::Weak) } else { Ok(PublicKey { bytes: origin.0, point }) }
    }

    /// Checks one signature.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        Claim::read(self, message, signature).is_some_and(|claim| claim.holds())
    }
}

/// A signature to be checked, with the key and the message that it is said to be of.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Whose signature it is said to be.
    pub key: &'a PublicKey,
    /// What it is said to sign.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

/// Checks many signatures at once: for each, in order, what [`PublicKey::verify`] says of it.
///
/// A batch of good ones costs about half of checking them one by one. One with bad ones is halved until they are found: at
/// worst, where all are bad, that costs about three times as much as one by one.
pub fn verify_batch(batch: &[Signed<'_>]) -> Vec<bool> {
    let mut verdicts = vec![false; batch.len()];
    let mut claims: Vec<(usize, Claim)> = Vec::with_capacity(batch.len());
    let read = batch.iter().enumerate();
    claims.extend(read.filter_map(|(at, it)| Some((at, Claim::read(it.key, it.message, it.signature)?))));
    settle(&claims, &mut verdicts);
    verdicts
}

/// The bytes that a bundle's origin signs: the domain, then the mesh's name, the origin, the number and the events' texts, each of a
/// fixed length or after its length. Integers are little-endian.
///
/// | bytes | what |
/// |---|---|
/// | 20 | `beauty-mesh/bundle/1` in ASCII |
/// | 2, n | bytes in the mesh's name, and the name in UTF-8 |
/// | 32 | the origin: its public key |
/// | 8 | the bundle's number |
/// | 2 | how many events |
/// | 4, n | for each, bytes in its text, and the text |
pub fn bundle_bytes(mesh: &str, bundle: &Bundle) -> Vec<u8> {
    let texts = bundle.bytes() + 4 * bundle.events.len();
    let mut bytes = Vec::with_capacity(BUNDLE_DOMAIN.len() + mesh.len() + texts + 44);
    bytes.extend_from_slice(BUNDLE_DOMAIN);
    // A mesh's name has at most 64 characters, a bundle 256 events of 2 KiB: each length fits.
    bytes.extend_from_slice(&(mesh.len() as u16).to_le_bytes());
    bytes.extend_from_slice(mesh.as_bytes());
    bytes.extend_from_slice(&bundle.id.origin.0);
    bytes.extend_from_slice(&bundle.id.seq.to_le_bytes());
    bytes.extend_from_slice(&(bundle.events.len() as u16).to_le_bytes());
    for event in bundle.events.iter() {
        bytes.extend_from_slice(&(event.json.len() as u32).to_le_bytes());
        bytes.extend_from_slice(event.json.as_bytes());
    }
    bytes
}

/// A signature that is well formed: `s·B = h·A + R` is what it claims.
struct Claim {
    key: EdwardsPoint,
    r: EdwardsPoint,
    s: Scalar,
    h: Scalar,
    /// SHA-512 of `R`, the key and the message, and `s`: all that the claim depends on.
    transcript: [u8; 96],
}

impl Claim {
    fn read(key: &PublicKey, message: &[u8], signature: &Signature) -> Option<Claim> {
        let (r_bytes, s_bytes) = signature.0.split_first_chunk::<32>()?;
        let s_bytes = s_bytes.first_chunk::<32>()?;
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s_bytes))?;
        let r = decompress(r_bytes).filter(|r| !r.is_small_order())?;
        let mut hash = Sha512::new();
        hash.update(r_bytes);
        hash.update(key.bytes);
        hash.update(message);
        let hash: [u8; 64] = hash.finalize().into();
        let mut transcript = [0; 96];
        transcript[..64].copy_from_slice(&hash);
        transcript[64..].copy_from_slice(s_bytes);
        Some(Claim { key: key.point, r, s, h: Scalar::from_bytes_mod_order_wide(&hash), transcript })
    }

    fn holds(&self) -> bool {
        let sum = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-self.h, &self.key, &self.s);
        (sum - self.r).mul_by_cofactor().is_identity()
    }
}

/// Enters the verdict of each claim that holds; `false` stands already for the others.
fn settle(claims: &[(usize, Claim)], verdicts: &mut [bool]) {
    if claims.len() <= SMALL {
        for (at, claim) in claims {
            verdicts[*at] = claim.holds();
        }
    } else if all_hold(claims) {
        for (at, _) in claims {
            verdicts[*at] = true;
        }
    } else {
        let (left, right) = claims.split_at(claims.len() / 2);
        settle(left, verdicts);
        settle(right, verdicts);
    }
}

/// Whether all claims hold: the sum of their equations, each times a factor that nobody can know before all claims are
/// made (Bernstein, Duif, Lange, Schwabe, Yang, "High-speed high-security signatures", §5).
fn all_hold(claims: &[(usize, Claim)]) -> bool {
    let mut transcript = blake3::Hasher::new_derive_key("beauty-mesh 2026 factors of an Ed25519 batch 1");
    for (_, claim) in claims {
        transcript.update(&claim.transcript);
    }
    let mut random = transcript.finalize_xof();
    let factors: Vec<Scalar> = claims
        .iter()
        .map(|_| {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            Scalar::from(u128::from_le_bytes(bytes))
        })
        .collect();
    let of_base: Scalar = claims.iter().zip(&factors).map(|((_, claim), factor)| claim.s * factor).sum();
    let of_keys = claims.iter().zip(&factors).map(|((_, claim), factor)| -(claim.h * factor));
    let sum = EdwardsPoint::vartime_multiscalar_mul(
        std::iter::once(of_base).chain(factors.iter().map(|factor| -factor)).chain(of_keys),
        std::iter::once(curve25519_dalek::constants::ED25519_BASEPOINT_POINT)
            .chain(claims.iter().map(|(_, claim)| claim.r))
            .chain(claims.iter().map(|(_, claim)| claim.key)),
    );
    sum.mul_by_cofactor().is_identity()
}

/// The point of these bytes, if they are the one way to write it. `-0` is another way to write the x of points of small
/// order only, which are refused after this.
fn decompress(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let low = bytes[0] >= 0xed && bytes[1..31].iter().all(|byte| *byte == 0xff) && bytes[31] & 0x7f == 0x7f;
    if low { None } else { CompressedEdwardsY(*bytes).decompress() }
}
