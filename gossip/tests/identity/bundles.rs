//! What a bundle's signature covers.

use gossip::{Bundle, BundleId, Event, Keypair, PublicKey, Signature, bundle_bytes};
use uuid::Uuid;

fn bundle(seq: u64, texts: &[&str]) -> Bundle {
    let event = |text: &&str| Event { id: Uuid::from_u128(1), node_id: "n".into(), json: (*text).into() };
    let origin = Keypair::from_seed(&[7; 32]).origin();
    Bundle {
        id: BundleId { origin, seq },
        events: texts.iter().map(event).collect(),
        signature: Signature::NONE,
        second: None,
    }
}

#[test]
fn no_two_bundles_and_no_two_meshes_share_what_is_signed() {
    let mut other_origin = bundle(1, &["ab", "c"]);
    other_origin.id.origin.0[0] ^= 1;
    let all = [
        bundle_bytes("m", &bundle(1, &["ab", "c"])),
        bundle_bytes("m", &bundle(2, &["ab", "c"])),
        bundle_bytes("m", &bundle(1, &["a", "bc"])),
        bundle_bytes("m", &bundle(1, &["abc"])),
        bundle_bytes("m", &bundle(1, &["c", "ab"])),
        bundle_bytes("mm", &bundle(1, &["ab", "c"])),
        bundle_bytes("", &bundle(1, &["ab", "c"])),
        bundle_bytes("m", &other_origin),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(one.starts_with(b"beauty-mesh/bundle/1"));
        assert!(all[at + 1..].iter().all(|other| other != one));
    }
}

#[test]
fn the_bytes_are_those_that_the_protocol_names() {
    let bundle = bundle(0x0102, &["hi"]);
    let mut right = b"beauty-mesh/bundle/1\x04\x00mesh".to_vec();
    right.extend_from_slice(&bundle.id.origin.0);
    right.extend_from_slice(b"\x02\x01\0\0\0\0\0\0\x01\x00\x02\x00\x00\x00hi");
    assert_eq!(bundle_bytes("mesh", &bundle), right);
}

#[test]
fn a_key_signs_the_same_bytes_the_same_way_and_never_shows_itself() {
    let pair = Keypair::from_seed(&[9; 32]);
    let (message, key) = (b"message", PublicKey::decode(&pair.origin()).unwrap());
    assert_eq!(pair.sign(message), pair.sign(message));
    assert!(key.verify(message, &pair.sign(message)));
    assert!(!key.verify(b"another", &pair.sign(message)));
    assert!(!format!("{pair:?}").contains("09"), "{pair:?}");
    assert_eq!(Keypair::from_seed(pair.seed()).origin(), pair.origin());
}
