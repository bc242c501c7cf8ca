//! What the store promises, whatever happens to the process, the power and the disk.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod disk;
mod faults;
mod keeping;
mod kill;
mod moving;
mod open;
mod opener;
mod power;
mod rot;
mod twins;

use gossip::{BundleId, OriginId};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use server::store::{Batch, Store, StoreError, StoredBundle};
use std::cell::Cell;
use std::sync::Once;

/// How many times something is done: from the environment for a long run, else this many.
fn times(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

/// The bundle of this number: the same each time, with 60 to 900 bytes that are nobody else's.
fn bundle(seq: u64) -> StoredBundle {
    let mut rng = ChaCha8Rng::seed_from_u64(seq);
    let origin = OriginId([(seq % 7) as u8; 32]);
    let bytes = (0..rng.random_range(60..900)).map(|_| rng.random()).collect();
    StoredBundle { id: BundleId { origin, seq }, hash: None, events: (seq % 5 + 1) as u16, bytes }
}

fn batch(seqs: impl IntoIterator<Item = u64>) -> Batch {
    Batch { bundles: seqs.into_iter().map(bundle).collect(), ..Batch::default() }
}

/// Keeps bundles, and waits until they are on disk.
fn keep(store: &Store, seqs: impl IntoIterator<Item = u64>) -> Result<(), StoreError> {
    store.keep(batch(seqs))?.kept_blocking().map(|_| ())
}

/// Checks that each of these is in the store, whole.
fn assert_held(store: &Store, seqs: impl IntoIterator<Item = u64>) {
    let bundles: Vec<_> = seqs.into_iter().map(bundle).collect();
    let ids: Vec<_> = bundles.iter().map(|bundle| bundle.id).collect();
    let found = store.bundles(&ids).unwrap();
    assert_eq!(found.damaged, []);
    assert_eq!(found.bundles.len(), bundles.len(), "none is missing");
    assert!(found.bundles == bundles, "each is as it was given");
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does something with a store of which redb may panic, without its words on the screen: what becomes of the panic is what is
/// looked at, and a thousand backtraces take minutes.
fn quietly<T>(deed: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                usual(panic);
            }
        }));
    });
    QUIET.set(true);
    let outcome = deed();
    QUIET.set(false);
    outcome
}
