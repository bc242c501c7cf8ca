//! The disk says no: once something could not be written, nothing more is acknowledged; what was before is kept.

use crate::disk::{Disk, Failure, Failures};
use crate::{assert_held, keep, times};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use server::store::{Store, StoreError};
use std::io::ErrorKind;

#[test]
fn after_a_failed_write_or_sync_nothing_is_acknowledged_any_more_and_a_new_start_finds_the_rest() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut failed = 0;
    for _ in 0..times("DISK_FAILURES", 150) {
        let disk = Disk::default();
        let store = Store::on(disk.clone()).unwrap();
        keep(&store, 0..50).unwrap();
        disk.acknowledge(0..50);
        let after = rng.random_range(1..60);
        let (failure, kind) = match rng.random_range(0..4) {
            0 => (Failure::Sync(after / 2 + 1), ErrorKind::Other),
            1 => (Failure::Write(after), ErrorKind::Other),
            2 => (Failure::Write(after), ErrorKind::StorageFull),
            _ => (Failure::SetLen(after / 20 + 1), ErrorKind::StorageFull),
        };
        disk.fail_at(failure, kind);
        let mut stopped = false;
        for seq in (50..400).step_by(5) {
            match keep(&store, seq..seq + 5) {
                Ok(()) => {
                    assert!(!stopped, "acknowledged after a failure");
                    disk.acknowledge(seq..seq + 5);
                }
                Err(error) => {
                    assert!(matches!(error, StoreError::Stopped { .. }), "{error}");
                    assert!(disk.failed() && store.stopped().is_some());
                    stopped = true;
                }
            }
        }
        failed += usize::from(stopped);
        drop(store);
        // Whatever of the unsynced writes the disk has kept: what was acknowledged is there.
        let log = disk.log();
        let mut failures = Failures::new(Vec::new(), &log);
        while failures.step() {}
        let store = Store::on(Disk::holding(failures.image(&mut rng))).unwrap();
        assert_held(&store, failures.acknowledged.iter().copied());
        keep(&store, 1_000..1_010).unwrap();
    }
    assert!(failed > 20, "only {failed} runs met their failure");
}

#[test]
fn a_disk_that_fails_at_once_gives_a_sentence_and_no_panic() {
    for failure in [Failure::Write(1), Failure::SetLen(1), Failure::Sync(1)] {
        let disk = Disk::default();
        disk.fail_at(failure, ErrorKind::PermissionDenied);
        let words = Store::on(disk).unwrap_err().to_string();
        assert!(words.contains("FEDERATED_DATA_DIR"), "{words}");
    }
}
