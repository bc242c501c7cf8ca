//! The second signature: ML-DSA-65 (FIPS 204), which holds where a quantum computer can forge Ed25519's.
//!
//! It signs the same bytes as the first, with an empty context. Both must hold. Signing is deterministic, as that of the first: the
//! same log of inputs gives the same bytes.

use ml_dsa::signature::Keypair as _;
use ml_dsa::{B32, EncodedSignature, EncodedVerifyingKey, MlDsa65, SigningKey, VerifyingKey};
use std::fmt;
use std::sync::Arc;

/// A node's second secret key. Never shown: [`fmt::Debug`] prints the beginning of the public half.
#[derive(Clone)]
pub struct SecondKeypair(Arc<SigningKey<MlDsa65>>);

impl SecondKeypair {
    /// The key of these 32 secret bytes, which must be drawn by the system's generator: ξ of FIPS 204, Algorithm 1.
    pub fn from_seed(seed: &[u8; 32]) -> SecondKeypair {
        SecondKeypair(Arc::new(SigningKey::from_seed(&B32::from(*seed))))
    }

    /// The secret bytes, for the file that keeps them.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_seed().into()
    }

    /// The public half.
    pub fn public(&self) -> SecondKey {
        SecondKey(Arc::new(self.0.verifying_key().encode().into()))
    }

    /// Signs a message as it is: the domain is the caller's. `None` where no signature was found in the attempts that the standard
    /// asks for at least: a chance below 2^-128 (FIPS 204, Appendix C).
    pub fn sign(&self, message: &[u8]) -> Option<SecondSignature> {
        let signature = self.0.expanded_key().sign_deterministic(message, &[]).ok()?;
        Some(SecondSignature(Arc::new(signature.encode().into())))
    }
}

impl fmt::Debug for SecondKeypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecondKeypair({:?})", self.public())
    }
}

/// A public key of ML-DSA-65, as FIPS 204 writes it: any bytes of this length are one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecondKey(pub Arc<[u8; SecondKey::BYTES]>);

impl SecondKey {
    /// How long a key is.
    pub const BYTES: usize = 1_952;

    /// Makes it fit to check signatures with: that takes about as long as a check, and 40 kB.
    pub fn decode(&self) -> SecondVerifier {
        SecondVerifier(Arc::new(VerifyingKey::decode(&EncodedVerifyingKey::<MlDsa65>::from(*self.0))))
    }
}

impl fmt::Debug for SecondKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecondKey({:02x}{:02x}{:02x}{:02x}…)", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// A public key that was decoded.
#[derive(Clone)]
pub struct SecondVerifier(Arc<VerifyingKey<MlDsa65>>);

impl SecondVerifier {
    /// Checks one signature.
    pub fn verify(&self, message: &[u8], signature: &SecondSignature) -> bool {
        // Written another way than the canonical one, it is none: so a signature can't be turned into another.
        let signature = ml_dsa::Signature::decode(&EncodedSignature::<MlDsa65>::from(*signature.0));
        signature.is_some_and(|signature| self.0.verify_with_context(message, &[], &signature))
    }
}

impl fmt::Debug for SecondVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecondVerifier(…)")
    }
}

/// Bytes that claim to be an ML-DSA-65 signature.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondSignature(pub Arc<[u8; SecondSignature::BYTES]>);

impl SecondSignature {
    /// How long a signature is.
    pub const BYTES: usize = 3_309;
}

impl fmt::Debug for SecondSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecondSignature({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}
