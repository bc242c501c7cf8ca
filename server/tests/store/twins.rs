//! Two bundles of one number: both are kept, and the proof of it outlives them.

use crate::keeping::checkpoint;
use gossip::{
    Bundle, BundleHash, BundleId, Content, Event, Keypair, OriginId, Proof, Signature, Wanted, bundle_bytes, wire,
};
use server::store::{Batch, Checkpoint, SLOT, Store, StoredBundle, StoredProof};
use std::collections::BTreeSet;
use uuid::Uuid;

fn key() -> Keypair {
    Keypair::from_seed(&[3; 32])
}

/// What an origin says under this number the n-th time, signed.
fn told(seq: u64, n: u8) -> Bundle {
    let id = Uuid::from_u128(u128::from(seq) << 8 | u128::from(n));
    let json = format!(r#"{{"event_id":"{id}","node_id":"n","timestamp":1,"beauty":0.5}}"#);
    let events = vec![Event { id, node_id: "n".into(), json: json.into() }];
    let id = BundleId { origin: key().origin(), seq };
    let mut bundle = Bundle { id, events: events.into(), signature: Signature::NONE, second: None };
    bundle.signature = key().sign(&bundle_bytes("beauty", &bundle));
    bundle
}

fn stored(bundle: &Bundle) -> StoredBundle {
    StoredBundle { id: bundle.id, hash: None, events: 1, bytes: wire::encode_bundle(bundle).unwrap() }
}

fn keep(store: &Store, bundles: &[Bundle]) -> server::store::Kept {
    let bundles = bundles.iter().map(stored).collect();
    store.keep(Batch { bundles, ..Batch::default() }).unwrap().kept_blocking().unwrap()
}

fn prove(store: &Store, one: Bundle, other: Bundle, since: u64) {
    let proof = Proof::of(one, other).unwrap();
    let batch = Batch { proofs: vec![StoredProof { proof, since }], ..Batch::default() };
    store.keep(batch).unwrap().kept_blocking().unwrap();
}

fn content(bundle: &Bundle) -> Content {
    (bundle.id, bundle.hash())
}

fn contents(store: &Store) -> BTreeSet<Content> {
    store.contents(0..u64::MAX, usize::MAX).unwrap().into_iter().collect()
}

#[test]
fn all_contents_of_a_number_are_kept_whatever_came_first_and_stores_agree() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = [0, 1].map(|n| Store::open(folders[n].path()).unwrap());
    let all = [told(5, 0), told(5, 1), told(5, 2), told(6, 0), told(SLOT + 1, 0), told(SLOT + 1, 1)];
    keep(&one, &all);
    for bundle in all.iter().rev().chain(&all) {
        keep(&other, std::slice::from_ref(bundle));
    }
    for store in [&one, &other] {
        assert_eq!(contents(store), all.iter().map(content).collect());
        assert_eq!(store.ids(0..u64::MAX, 9).unwrap().len(), 3, "a number is told once");
        assert_eq!(store.totals().unwrap().bundles, 6);
        assert_eq!(store.check().unwrap().problems(), Vec::<String>::new());
        for bundle in &all {
            let found = store.bundles(&[Wanted::from(content(bundle))]).unwrap();
            assert_eq!(found.bundles, [stored(bundle)]);
        }
        let none = Wanted::from((all[0].id, BundleHash([7; 16])));
        assert!(store.bundles(&[none]).unwrap().bundles.is_empty());
        assert_eq!(store.newest((3, usize::MAX), |_| false).unwrap().bundles.len(), 3);
    }
    assert_eq!(one.slots(0..u64::MAX).unwrap(), other.slots(0..u64::MAX).unwrap());
    assert_eq!(one.totals().unwrap(), other.totals().unwrap());
    let first = |store: &Store| store.bundles(&[all[0].id]).unwrap().bundles;
    assert_eq!((first(&one), first(&other)), (vec![stored(&all[0])], vec![stored(&all[2])]));
    let few = one.contents(0..SLOT, 2).unwrap();
    assert!(few.len() == 2 && few.iter().all(|(id, _)| id.seq == 5));
}

#[test]
fn another_signature_makes_no_other_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    keep(&store, &[told(5, 0), told(5, 1)]);
    let again = [told(5, 0), told(5, 1)].map(|bundle| Bundle { signature: Signature([9; 64]), ..bundle });
    let kept = keep(&store, &again);
    assert_eq!((kept.new, kept.known, kept.differing), (0, 2, Vec::new()));
    assert_eq!(store.bundles(&[told(5, 0).id]).unwrap().bundles, [stored(&told(5, 0))], "the first one stays");
}

#[test]
fn twins_are_counted_anew_after_a_crash_and_go_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    keep(&store, &[told(5, 0), told(SLOT, 0)]);
    store.checkpoint(checkpoint()).unwrap().kept_blocking().unwrap();
    keep(&store, &[told(5, 1), told(6, 0), told(6, 1)]);
    prove(&store, told(5, 0), told(5, 1), 77);
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let start = store.start().unwrap();
    let fresh = [Wanted::from(content(&told(5, 1))), Wanted::from(told(6, 0).id), Wanted::from(content(&told(6, 1)))];
    assert_eq!(start.fresh, fresh);
    assert_eq!(store.bundles(&start.fresh).unwrap().bundles.len(), 3);
    let pruned = store.checkpoint(Checkpoint { retain_from: SLOT, ..checkpoint() }).unwrap().kept_blocking().unwrap();
    assert_eq!(pruned.horizon, Some(SLOT));
    assert_eq!(contents(&store), [content(&told(SLOT, 0))].into());
    assert_eq!((store.totals().unwrap().bundles, store.slots(0..u64::MAX).unwrap().len()), (1, 1));
    assert_eq!(store.check().unwrap().problems(), Vec::<String>::new());
    // The proof is longer kept than what it is of.
    let marks = store.start().unwrap().marks;
    assert_eq!((marks.len(), marks[0].id, marks[0].since), (1, told(5, 0).id, 77));
}

#[test]
fn the_first_proof_of_an_origin_stays_and_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    prove(&store, told(5, 0), told(5, 1), 1);
    prove(&store, told(6, 0), told(6, 1), 2);
    let proof = store.proof(&key().origin()).unwrap().unwrap();
    assert_eq!((proof.since, proof.proof.id()), (1, told(5, 0).id));
    assert!(proof.proof.holds("beauty") && !proof.proof.holds("ugly"));
    assert_eq!(store.proof(&OriginId([1; 32])).unwrap(), None);
    let mut all = Vec::new();
    store.proofs(|stored| all.push(stored)).unwrap();
    assert_eq!((all, store.check().unwrap().proofs), (vec![proof], 1));
}

#[test]
fn twins_and_marks_are_moved_along() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = [0, 1].map(|n| Store::open(folders[n].path()).unwrap());
    let all: Vec<Bundle> = (0..600).flat_map(|seq| (0..1 + (seq % 3) as u8).map(move |n| told(seq, n))).collect();
    keep(&one, &all);
    let mut lines = Vec::new();
    assert_eq!(one.export(&mut lines).unwrap().bundles, all.len() as u64);
    let moved = other.import(("beauty", &[]), lines.as_slice(), |_| Ok(())).unwrap();
    assert_eq!((moved.bundles, moved.passed_over), (all.len() as u64, 0));
    assert_eq!(contents(&other), contents(&one));
    assert_eq!(other.slots(0..u64::MAX).unwrap(), one.slots(0..u64::MAX).unwrap());
    assert!(other.proof(&key().origin()).unwrap().unwrap().proof.holds("beauty"));
}
