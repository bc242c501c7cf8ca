//! What the binary says of a store that no node runs on, and with which status it ends.

use crate::forged::bundle;
use crate::lifetime::binary;
use gossip::{Bundle, BundleId, Event, Keypair, OriginId, bundle_bytes};
use serde_json::{Value, json};
use server::store::{Batch, Checkpoint, FILE, SLOT, Store, StoredBundle};
use std::path::Path;

/// What a tool says, and its status.
fn store(deed: &str, folder: &Path) -> (String, Option<i32>) {
    let output = binary().args(["store", deed, "--data-dir"]).arg(folder).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.code())
}

/// A store of so many bundles, each of 2,000 bytes of this kind.
fn made(folder: &Path, bundles: u64, byte: u8) -> Store {
    let store = Store::open(folder).unwrap();
    let bundle = |n| {
        let id = BundleId { origin: OriginId([1; 32]), seq: n * SLOT };
        StoredBundle { id, hash: None, events: 1, bytes: vec![byte; 2_000] }
    };
    let batch = Batch { bundles: (0..bundles).map(bundle).collect(), ..Batch::default() };
    store.keep(batch).unwrap().kept_blocking().unwrap();
    store
}

#[test]
fn check_says_that_a_store_is_whole_and_what_is_damaged_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let byte = 0xa5;
    drop(made(folder.path(), 20, byte));
    let (said, status) = store("check", folder.path());
    assert!(said.contains("20 events in 20 bundles") && said.contains("all of it is whole"), "{said}");
    assert_eq!(status, Some(0));
    let path = folder.path().join(FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let record = bytes.windows(1_000).position(|part| part.iter().all(|it| *it == byte)).unwrap();
    bytes[record + 500] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (said, status) = store("check", folder.path());
    assert!(said.contains("damaged") && said.contains(FILE), "{said}");
    assert_eq!(status, Some(1));
    let (said, status) = store("check", &folder.path().join("elsewhere"));
    assert!(said.contains("is not there") && status == Some(1), "{said}");
}

/// A line as `export` writes it, of a bundle that holds for the mesh `beauty`.
fn line(bundle: &Bundle) -> String {
    let events: Vec<_> = bundle.events.iter().map(|event| event.json.to_string()).collect();
    let (origin, signature) = (hex::encode(bundle.id.origin.0), hex::encode(bundle.signature.0));
    json!({ "origin": origin, "seq": bundle.id.seq, "signature": signature, "events": events }).to_string()
}

#[test]
fn import_takes_what_peers_would_take_and_names_the_line_that_they_would_not() {
    let pair = Keypair::from_seed(&[31; 32]);
    let signed = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = bundle(&pair, "beauty", "alpha");
        change(&mut bundle);
        bundle.signature = pair.sign(&bundle_bytes("beauty", &bundle));
        line(&bundle)
    };
    let with = |key: &'static str, value: Value| {
        signed(&move |bundle| {
            let mut told: Value = serde_json::from_str(&bundle.events[0].json).unwrap();
            told[key] = value.clone();
            bundle.events = [Event { json: told.to_string().into(), ..bundle.events[0].clone() }].into();
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let import = |text: &str| {
        let lines = folder.path().join("lines");
        std::fs::write(&lines, text).unwrap();
        let lines = std::fs::File::open(lines).unwrap();
        let output = binary().args(["store", "import", "--data-dir"]).arg(folder.path()).stdin(lines).output().unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let good = signed(&|_| ());
    for (bad, why) in [
        (with("beauty", json!(7)), "[0, 1]"),
        (with("timestamp", json!(4_102_444_800_000_u64)), "ahead of the number"),
        (signed(&|bundle| bundle.id.seq += 120_000_000), "ahead of this machine's clock"),
        (signed(&|bundle| bundle.id.seq = u64::MAX), "ahead of this machine's clock"),
    ] {
        let (taken, said) = import(&format!("{good}\n{bad}\n"));
        assert!(!taken && said.contains("line 2") && said.contains(why), "{said}");
    }
    let (taken, said) = import(&good);
    assert!(taken && said.contains("1 were there"), "{said}");
}

#[test]
fn compact_gives_back_what_is_gone_and_leaves_the_rest_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store_of_all = made(folder.path(), 2_000, 7);
    let all_but_ten = Checkpoint {
        rollups: Vec::new(),
        gone: Vec::new(),
        past: Vec::new(),
        waiting: Vec::new(),
        retain_from: 1_990 * SLOT,
        max_bytes: u64::MAX,
        spare_from: u64::MAX,
    };
    let kept = store_of_all.checkpoint(all_but_ten).unwrap().kept_blocking().unwrap();
    assert_eq!(kept.pruned, 1_990);
    drop(store_of_all);
    let size = || std::fs::metadata(folder.path().join(FILE)).unwrap().len();
    let before = size();
    let (said, status) = store("compact", folder.path());
    assert_eq!(status, Some(0), "{said}");
    let now = size();
    assert!(
        said.contains(&format!("{FILE}: ")) && said.contains(&format!(" bytes before, {now} now")),
        "{now}: {said}"
    );
    assert!(now < before / 2, "{before}: {said}");
    let (said, status) = store("check", folder.path());
    assert!(said.contains("10 bundles") && said.contains("all of it is whole") && status == Some(0), "{said}");
}
