//! Chance, by purpose: each use draws from a generator of its own, so that one use more changes no other.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator for one purpose in the world of `seed`. `number` tells apart those who share a purpose, as nodes do.
pub fn fork(seed: u64, purpose: &str, number: u64) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&number.to_le_bytes()).update(purpose.as_bytes());
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// Spreads a number over all of `u64` (the finalizer of SplitMix64, Steele et al., OOPSLA 2014): a hash for small keys.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn each_purpose_has_numbers_of_its_own_and_the_same_ones_each_time() {
        let draw = |seed, purpose, number| fork(seed, purpose, number).random::<u64>();
        assert_eq!(draw(1, "links", 0), draw(1, "links", 0));
        let others = [draw(1, "links", 0), draw(2, "links", 0), draw(1, "nodes", 0), draw(1, "links", 1)];
        assert_eq!(others.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
