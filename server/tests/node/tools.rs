//! What the binary says of a store that no node runs on, and with which status it ends.

use crate::lifetime::binary;
use gossip::{BundleId, OriginId};
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
