//! Bundles as text, there and back.

use gossip::{Bundle, BundleId, Event, Keypair, Signature, bundle_bytes, wire};
use server::store::{Batch, MoveError, Moved, Store, StoredBundle};
use std::io::Cursor;
use uuid::Uuid;

fn told(origin: u8, seq: u64) -> StoredBundle {
    let id = Uuid::from_u128(u128::from(seq) << 8 | u128::from(origin));
    let json =
        format!("{{\"event_id\":\"{id}\",\n \"node_id\":\"né \\\"{origin}\\\"\", \"beauty\":0.5,\"timestamp\":1}}");
    let event = Event { id, node_id: format!("né \"{origin}\"").into(), json: json.into() };
    let key = Keypair::from_seed(&[origin; 32]);
    let id = BundleId { origin: key.origin(), seq };
    let mut bundle = Bundle { id, events: vec![event; 2].into(), signature: Signature::NONE, second: None };
    bundle.signature = key.sign(&bundle_bytes("beauty", &bundle));
    StoredBundle { id: bundle.id, hash: None, events: 2, bytes: wire::encode_bundle(&bundle).unwrap() }
}

#[test]
fn what_was_exported_and_imported_is_the_same_to_the_byte() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [from, to] = [0, 1].map(|n| Store::open(folders[n].path()).unwrap());
    // Many of one number, and many of one origin.
    let bundles: Vec<_> =
        (0..300).map(|n| told((n % 256) as u8, 5 + n / 256)).chain((0..700).map(|n| told(1, 100 + n))).collect();
    for bundles in bundles.chunks(100) {
        let batch = Batch { bundles: bundles.to_vec(), ..Batch::default() };
        from.keep(batch).unwrap().kept_blocking().unwrap();
    }
    let mut text = Vec::new();
    assert_eq!(from.export(&mut text).unwrap(), Moved { bundles: 1_000, ..Moved::default() });
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 1_000, "a line each");
    assert_eq!(to.import(("beauty", &[]), Cursor::new(&text), |_| Ok(())).unwrap().bundles, 1_000);
    assert_eq!(
        to.import(("beauty", &[]), Cursor::new(&text), |_| Ok(())).unwrap(),
        Moved { passed_over: 1_000, ..Moved::default() }
    );
    let ids: Vec<_> = bundles.iter().map(|bundle| bundle.id).collect();
    assert_eq!(to.bundles(&ids).unwrap().bundles, bundles);
    let mut again = Vec::new();
    to.export(&mut again).unwrap();
    assert!(again == text);
}

#[test]
fn a_line_that_is_no_bundle_is_named_and_those_before_it_are_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.keep(Batch { bundles: vec![told(1, 1)], ..Batch::default() }).unwrap().kept_blocking().unwrap();
    let mut whole = Vec::new();
    store.export(&mut whole).unwrap();
    let other = tempfile::tempdir().unwrap();
    let other = Store::open(other.path()).unwrap();
    let wrong = [&b"{}"[..], b"\xff\xfe", b"{\"origin\":\"00\",\"seq\":1,\"events\":[]}", &vec![b'['; 600_000]];
    for wrong in wrong {
        let text = [&whole[..], b"\n", wrong, b"\n", &whole[..]].concat();
        let error = other.import(("beauty", &[]), Cursor::new(text), |_| Ok(())).unwrap_err();
        assert!(matches!(error, MoveError::Line { number: 3, .. }), "{error}");
        assert_eq!(other.totals().unwrap().bundles, 1);
    }
    // Signed for another mesh, or changed on the way.
    let changed = String::from_utf8(whole.clone()).unwrap().replace("0.5", "0.6");
    for (mesh, text) in [("other", &*whole), ("beauty", changed.as_bytes())] {
        let error = other.import((mesh, &[]), Cursor::new(text), |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("not signed"), "{error}");
    }
}
