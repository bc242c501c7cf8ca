//! The proof that an origin cheats: two bundles that it has signed under one number.
//!
//! Two contents of one number are what nodes that heard different ones first would differ over. Both are kept, so that all nodes
//! end with the same set; and together they show to anybody that the origin has said two things at once, or that two nodes have
//! its key.

use crate::{Bundle, BundleHash, BundleId, PublicKey, bundle_bytes};

/// Two bundles of one number with different contents, ordered by their hashes. Signatures are the caller's to check, as those of
/// all bundles are: [`Proof::holds`] does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    bundles: [Bundle; 2],
}

/// What is remembered of a proof: which bundles, and when this node learned of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who has signed them, and under which number.
    pub id: BundleId,
    /// Their contents, the smaller hash first.
    pub hashes: [BundleHash; 2],
    /// When this node learned of it, by its own clock, in microseconds since the epoch.
    pub since: u64,
}

impl Proof {
    /// Of how many origins a proof is kept. The first ones stay, so that nobody can have a mark forgotten by making others. A guess:
    /// more than a mesh has members, and 400 MB where all of them sign bundles of the greatest size.
    pub const MAX: usize = 4_096;

    /// The proof that two bundles are. `None` where they are of different numbers, or say the same.
    pub fn of(one: Bundle, other: Bundle) -> Option<Proof> {
        let (first, second) = (one.hash(), other.hash());
        let bundles = if first < second { [one, other] } else { [other, one] };
        (bundles[0].id == bundles[1].id && first != second).then_some(Proof { bundles })
    }

    /// The two bundles.
    pub const fn bundles(&self) -> &[Bundle; 2] {
        &self.bundles
    }

    /// Who has signed them, and under which number.
    pub const fn id(&self) -> BundleId {
        self.bundles[0].id
    }

    /// What is remembered of it by who learned of it at this moment.
    pub fn mark(&self, since: u64) -> Mark {
        Mark { id: self.id(), hashes: [self.bundles[0].hash(), self.bundles[1].hash()], since }
    }

    /// Whether both bundles are signed by their origin, for this mesh.
    pub fn holds(&self, mesh: &str) -> bool {
        let key = PublicKey::decode(&self.id().origin);
        let signed = |bundle: &Bundle| key.is_ok_and(|key| key.verify(&bundle_bytes(mesh, bundle), &bundle.signature));
        self.bundles.iter().all(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Keypair, Signature};
    use uuid::Uuid;

    fn bundle(seq: u64, text: &str) -> Bundle {
        let key = Keypair::from_seed(&[5; 32]);
        let event = Event { id: Uuid::nil(), node_id: "n".into(), json: text.into() };
        let id = BundleId { origin: key.origin(), seq };
        let mut bundle = Bundle { id, events: vec![event].into(), signature: Signature::NONE, second: None };
        bundle.signature = key.sign(&bundle_bytes("mesh", &bundle));
        bundle
    }

    #[test]
    fn two_contents_of_one_number_are_a_proof_and_nothing_else_is() {
        let proof = Proof::of(bundle(1, "a"), bundle(1, "b")).unwrap();
        assert_eq!(Proof::of(bundle(1, "b"), bundle(1, "a")), Some(proof.clone()), "whichever came first");
        assert!(proof.holds("mesh") && !proof.holds("other"));
        assert_eq!(Proof::of(bundle(1, "a"), bundle(2, "b")), None);
        let again = Bundle { signature: Signature([7; 64]), ..bundle(1, "a") };
        assert_eq!(Proof::of(bundle(1, "a"), again), None, "another signature is no other content");
        let forged = Bundle { signature: Signature([7; 64]), ..bundle(1, "b") };
        assert!(!Proof::of(bundle(1, "a"), forged).unwrap().holds("mesh"));
    }
}
