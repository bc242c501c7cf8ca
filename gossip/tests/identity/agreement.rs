//! One by one and in batches, the same is said of every signature; and what it is beside ed25519-dalek's `verify_strict`.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as BASE, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{SigningKey, VerifyingKey};
use gossip::{Keypair, OriginId, PublicKey, Signature, Signed, verify_batch};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha512};

/// How many inputs: `SIGNATURES=100000` for the full run.
fn inputs() -> usize {
    std::env::var("SIGNATURES").ok().map_or(4_000, |count| count.parse().unwrap())
}

/// A signature as it comes in: key, message, signature.
#[derive(Clone)]
struct Case {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
    /// Whether its owner put in a part of small order.
    torsion: bool,
}

fn point(rng: &mut ChaCha8Rng) -> EdwardsPoint {
    EIGHT_TORSION[rng.random_range(1..8)]
}

/// A signature by somebody who knows the secret scalar and adds points of small order as they please.
fn forged(rng: &mut ChaCha8Rng, message: Vec<u8>, to_key: EdwardsPoint, to_r: EdwardsPoint) -> Case {
    let secret = SigningKey::from_bytes(&rng.random()).to_scalar();
    let nonce = Scalar::from_bytes_mod_order(rng.random());
    let key = (BASE * secret + to_key).compress().to_bytes();
    let r = (BASE * nonce + to_r).compress().to_bytes();
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(&message);
    let s = nonce + Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(&s.to_bytes());
    Case { key, message, signature, torsion: true }
}

fn case(rng: &mut ChaCha8Rng) -> Case {
    let message: Vec<u8> = (0..rng.random_range(0..100)).map(|_| rng.random()).collect();
    let pair = Keypair::from_seed(&rng.random());
    let signature = pair.sign(&message).0;
    let mut case = Case { key: pair.origin().0, message, signature, torsion: false };
    let identity = EIGHT_TORSION[0];
    match rng.random_range(0..16) {
        0 => case.key[rng.random_range(0..32)] ^= 1 << rng.random_range(0..8),
        1 => case.signature[rng.random_range(0..64)] ^= 1 << rng.random_range(0..8),
        2 => case.message.push(0),
        3 => add_order(&mut case.signature),
        4 => case.key = point(rng).compress().to_bytes(),
        5 => case.signature[..32].copy_from_slice(&point(rng).compress().to_bytes()),
        6 => {
            let to_r = point(rng);
            return forged(rng, case.message, identity, to_r);
        }
        7 => {
            let to_key = point(rng);
            return forged(rng, case.message, to_key, identity);
        }
        8 => {
            let (to_key, to_r) = (point(rng), point(rng));
            return forged(rng, case.message, to_key, to_r);
        }
        9 => case.signature = rng.random(),
        10 => case.key = rng.random(),
        // Another way to write a point whose y is below 19: none such comes by chance.
        11 => {
            case.key = [0xff; 32];
            case.key[0] = rng.random_range(0xed..=0xff);
            case.key[31] = if rng.random() { 0x7f } else { 0xff };
        }
        // Most are good, as most are in a batch of a real mesh.
        _ => {}
    }
    case
}

/// The same signature with the group's order added to s, where it still fits.
fn add_order(signature: &mut [u8; 64]) {
    let order = (-Scalar::ONE).to_bytes();
    let mut carry = 1_u16;
    for (byte, more) in signature[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(more);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
}

fn strict(case: &Case) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(&case.signature);
    VerifyingKey::from_bytes(&case.key).is_ok_and(|key| key.verify_strict(&case.message, &signature).is_ok())
}

#[test]
fn one_by_one_and_in_batches_of_any_size_the_same_is_said() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut left, mut good, mut beyond) = (inputs(), 0, 0);
    while left > 0 {
        let size = rng.random_range(1..=150).min(left);
        left -= size;
        let cases: Vec<Case> = (0..size).map(|_| case(&mut rng)).collect();
        let keys: Vec<_> = cases.iter().map(|case| PublicKey::decode(&OriginId(case.key)).ok()).collect();
        let signatures: Vec<_> = cases.iter().map(|case| Signature(case.signature)).collect();
        let (mut signed, mut single) = (Vec::new(), Vec::new());
        for ((case, key), signature) in cases.iter().zip(&keys).zip(&signatures) {
            let strict = strict(case);
            let ours = key.as_ref().is_some_and(|key| key.verify(&case.message, signature));
            assert!(ours || !strict, "what verify_strict takes, the rule takes");
            assert!(strict || !ours || case.torsion, "beyond it are only signatures that the key's owner made so");
            (good, beyond) = (good + usize::from(ours), beyond + usize::from(ours && !strict));
            if let Some(key) = key {
                signed.push(Signed { key, message: &case.message, signature });
                single.push(ours);
            }
        }
        assert_eq!(verify_batch(&signed), single);
    }
    println!("{} inputs: {good} hold, {beyond} of them not by verify_strict", inputs());
    assert!(good > 0 && beyond > 0);
}

#[test]
fn parts_of_small_order_that_cancel_out_in_a_sum_are_judged_as_each_by_itself() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for order in 1..8 {
        let pair: Vec<Case> = [EIGHT_TORSION[order], EIGHT_TORSION[8 - order]]
            .into_iter()
            .map(|to_r| forged(&mut rng, b"pay".to_vec(), EIGHT_TORSION[0], to_r))
            .collect();
        let keys: Vec<_> = pair.iter().map(|case| PublicKey::decode(&OriginId(case.key)).unwrap()).collect();
        let signatures: Vec<_> = pair.iter().map(|case| Signature(case.signature)).collect();
        let batch: Vec<Signed<'_>> = (0..64)
            .map(|n| Signed { key: &keys[n % 2], message: &pair[n % 2].message, signature: &signatures[n % 2] })
            .collect();
        assert_eq!(verify_batch(&batch), vec![true; 64]);
        assert!(pair.iter().all(|case| !strict(case)), "ed25519-dalek's strict check refuses these");
    }
}

#[test]
fn a_single_bad_signature_is_found_wherever_it_is() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let pair = Keypair::from_seed(&rng.random());
    let key = PublicKey::decode(&pair.origin()).unwrap();
    let messages: Vec<[u8; 8]> = (0..100_u64).map(u64::to_le_bytes).collect();
    let good: Vec<Signature> = messages.iter().map(|message| pair.sign(message)).collect();
    for bad in 0..messages.len() {
        let mut signatures = good.clone();
        signatures[bad].0[40] ^= 1;
        let signed: Vec<_> = messages
            .iter()
            .zip(&signatures)
            .map(|(message, signature)| Signed { key: &key, message, signature })
            .collect();
        let refused: Vec<usize> =
            verify_batch(&signed).iter().enumerate().filter(|(_, holds)| !**holds).map(|(at, _)| at).collect();
        assert_eq!(refused, [bad]);
    }
    assert!(verify_batch(&[]).is_empty());
}
