//! What is promised of a new key for an old node.

use gossip::{Keypair, OriginId, Rotation, Rotations, Signature};

fn key(number: u16) -> Keypair {
    let mut seed = [0; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    Keypair::from_seed(&seed)
}

fn rotation(old: u16, new: u16, at: u64) -> Rotation {
    Rotation::state("beauty", &key(old), &key(new), at)
}

#[test]
fn it_holds_where_both_keys_have_signed_it_for_this_mesh() {
    let good = rotation(1, 2, 5);
    assert!(good.holds("beauty") && !good.holds("ugly"));
    let other = rotation(3, 4, 5);
    for bad in [
        Rotation { old: key(3).origin(), ..good.clone() },
        Rotation { new: key(3).origin(), ..good.clone() },
        Rotation { at: 6, ..good.clone() },
        Rotation { by_old: good.by_new, ..good.clone() },
        Rotation { by_new: good.by_old, ..good.clone() },
        Rotation { by_new: Signature::NONE, ..good.clone() },
        Rotation { by_old: other.by_old, by_new: other.by_new, ..good.clone() },
        Rotation { old: OriginId([0; 32]), ..good.clone() },
        rotation(1, 1, 5),
    ] {
        assert!(!bad.holds("beauty"), "{bad:?}");
    }
}

#[test]
fn a_node_is_followed_from_key_to_key_in_whatever_order_it_is_told() {
    let told = [rotation(1, 2, 5), rotation(2, 3, 6), rotation(3, 4, 7)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut rotations = Rotations::default();
        assert!(order.iter().all(|at| rotations.learn(told[*at].clone())));
        assert!(!rotations.learn(told[0].clone()), "it is known");
        for old in 1..=4 {
            assert_eq!(rotations.newest(key(old).origin()), key(4).origin());
        }
        assert_eq!(rotations.newest(key(5).origin()), key(5).origin());
    }
}

#[test]
fn of_two_about_one_key_all_nodes_take_the_same_the_earlier() {
    let (first, second) = (rotation(1, 2, 5), rotation(1, 3, 6));
    for order in [[&first, &second], [&second, &first]] {
        let mut rotations = Rotations::default();
        for rotation in order {
            rotations.learn(rotation.clone());
        }
        assert_eq!(rotations.newest(key(1).origin()), key(2).origin());
    }
}

#[test]
fn a_circle_and_statements_without_end_do_no_harm() {
    let mut rotations = Rotations::default();
    for rotation in [rotation(1, 2, 5), rotation(2, 1, 6)] {
        assert!(rotations.learn(rotation));
    }
    rotations.newest(key(1).origin());
    for number in 0..2 * Rotations::MAX as u16 {
        rotations.learn(rotation(10 + 2 * number, 11 + 2 * number, 100 + u64::from(number)));
    }
    assert_eq!(rotations.iter().count(), Rotations::MAX);
    assert!(rotations.iter().all(|rotation| rotation.at >= 100 + Rotations::MAX as u64), "the newest stay");
    assert!(!rotations.learn(rotation(1, 2, 5)), "what is older than all of them is not told on for ever");
}
