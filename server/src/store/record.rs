//! What a record looks like in the file: a checksum over its table, its key and its bytes, then the bytes.
//!
//! redb's own checksums are looked at after a crash and by a check, not at each read. This one is, so a record that the disk
//! has changed, or that stands under another's key, is never served.

use super::error::Fault;
use gossip::{BundleHash, BundleId, Content, OriginId, wire};

/// Bytes of the checksum: half of a BLAKE3 hash. Chance misses a difference once in 2^128.
const SUM: usize = 16;

/// What the checksums are keyed with: no secret, but bytes from elsewhere that happen to be hashed don't pass.
const KEY: &[u8; 32] = b"beauty-mesh store record, 2026/1";

/// The bytes of a record.
pub(super) fn seal(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(SUM + value.len());
    record.extend_from_slice(&sum(table, key, value));
    record.extend_from_slice(value);
    record
}

/// What a record holds.
pub(super) fn unseal<'a>(table: &str, key: &[u8], record: &'a [u8]) -> Result<&'a [u8], Fault> {
    match record.split_first_chunk::<SUM>() {
        Some((found, value)) if *found == sum(table, key, value) => Ok(value),
        _ => Err(Fault::Damaged(format!("a record of {table} does not match its checksum"))),
    }
}

fn sum(table: &str, key: &[u8], value: &[u8]) -> [u8; SUM] {
    let mut hasher = blake3::Hasher::new_keyed(KEY);
    // Tables' names have at most 16 bytes and keys at most 300: both lengths fit, so no two records share what is hashed.
    hasher.update(&[table.len() as u8]).update(table.as_bytes());
    hasher.update(&(key.len() as u16).to_le_bytes()).update(key).update(value);
    let mut sum = [0; SUM];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..SUM]);
    sum
}

/// The key of a bundle: first its number, which is its time, so that the table is its own index by time.
pub(super) fn key_of(id: &BundleId) -> [u8; 40] {
    let mut key = [0; 40];
    key[..8].copy_from_slice(&id.seq.to_be_bytes());
    key[8..].copy_from_slice(&id.origin.0);
    key
}

pub(super) fn id_of(key: &[u8; 40]) -> BundleId {
    let (mut seq, mut origin) = ([0; 8], [0; 32]);
    seq.copy_from_slice(&key[..8]);
    origin.copy_from_slice(&key[8..]);
    BundleId { origin: OriginId(origin), seq: u64::from_be_bytes(seq) }
}

/// The key of a bundle under whose number another content came first.
pub(super) fn twin_key((id, hash): &Content) -> [u8; 56] {
    let mut key = [0; 56];
    key[..40].copy_from_slice(&key_of(id));
    key[40..].copy_from_slice(&hash.0);
    key
}

pub(super) fn content_of(key: &[u8; 56]) -> Content {
    let (mut id, mut hash) = ([0; 40], [0; 16]);
    id.copy_from_slice(&key[..40]);
    hash.copy_from_slice(&key[40..]);
    (id_of(&id), BundleHash(hash))
}

/// The hash of the content of a bundle that is kept. What is no bundle is known by its bytes.
pub(super) fn hash_of(bytes: &[u8]) -> BundleHash {
    wire::hash_of(bytes).unwrap_or_else(|_| {
        let mut first = [0; 16];
        first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        BundleHash(first)
    })
}

/// The hash of the content that a record of `bundles`, or of `twins`, holds. `None` where it is damaged.
pub(super) fn hash_in(table: &str, key: &[u8], record: &[u8]) -> Option<BundleHash> {
    let (_, bytes) = unseal(table, key, record).ok()?.split_first_chunk::<2>()?;
    Some(hash_of(bytes))
}

/// Reads a number off the front of a record.
pub(super) fn take<const N: usize>(table: &str, bytes: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (first, rest) =
        bytes.split_first_chunk::<N>().ok_or_else(|| Fault::Damaged(format!("a record of {table} is too short")))?;
    *bytes = rest;
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_only_where_table_key_and_every_bit_are_the_ones_it_was_written_with() {
        let record = seal("bundles", b"key", b"value");
        assert_eq!(unseal("bundles", b"key", &record).unwrap(), b"value");
        assert!(unseal("slots", b"key", &record).is_err() && unseal("bundles", b"kez", &record).is_err());
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal("bundles", b"key", &flipped).is_err());
        }
        assert!((0..record.len()).all(|length| unseal("bundles", b"key", &record[..length]).is_err()));
    }

    #[test]
    fn keys_stand_in_the_order_of_time_and_give_their_ids_back() {
        let id = |seq, origin| BundleId { origin: OriginId([origin; 32]), seq };
        let ids = [id(1, 9), id(2, 0), id(255, 3), id(256, 1), id(u64::MAX, 0)];
        assert!(ids.windows(2).all(|pair| key_of(&pair[0]) < key_of(&pair[1])));
        assert!(ids.iter().all(|id| id_of(&key_of(id)) == *id));
    }

    #[test]
    fn twins_stand_behind_each_other_and_give_their_contents_back() {
        let content = |seq, origin, hash| (BundleId { origin: OriginId([origin; 32]), seq }, BundleHash([hash; 16]));
        let contents = [content(1, 9, 9), content(2, 0, 1), content(2, 0, 2), content(2, 1, 0), content(256, 0, 0)];
        assert!(contents.windows(2).all(|pair| twin_key(&pair[0]) < twin_key(&pair[1])));
        assert!(contents.iter().all(|content| content_of(&twin_key(content)) == *content));
    }
}
