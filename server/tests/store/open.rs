//! Fuzz target: a file of any content is opened, or refused with words; nobody's process ends by it.

use crate::disk::Disk;
use crate::{bundle, keep, quietly};
use server::store::Store;
use std::time::Duration;

#[test]
fn no_file_is_too_strange_to_be_opened_or_refused() {
    let disk = Disk::default();
    let store = Store::on(disk.clone()).unwrap();
    keep(&store, 0..50).unwrap();
    drop(store);
    let whole = disk.bytes();
    let ids: Vec<_> = (0..50).map(|seq| bundle(seq).id).collect();
    bolero::check!().with_test_time(Duration::from_secs(1)).with_max_len(64).for_each(|edits: &[u8]| {
        let mut bytes = whole.clone();
        for edit in edits.chunks_exact(4) {
            let [kind, low, high, byte] = [edit[0], edit[1], edit[2], edit[3]];
            // Often in the header, which tells where all else is.
            let range = if kind % 2 == 0 { bytes.len().min(512) } else { bytes.len() };
            let at = usize::from(u16::from_le_bytes([low, high])) * range.max(1) / 65_536;
            match kind / 2 % 3 {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.extend(std::iter::repeat_n(byte, at)),
            }
        }
        quietly(|| {
            let Ok(store) = Store::on(Disk::holding(bytes)) else { return };
            let served = store.bundles(&ids).into_iter().flat_map(|found| found.bundles);
            assert!(served.into_iter().all(|it| it == bundle(it.id.seq)), "what is served is what was given");
            drop((store.start(), store.check()));
        });
    });
}
