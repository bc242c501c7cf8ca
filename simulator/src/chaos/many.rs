//! Many seeds at once, on all cores.

use super::{Report, Trial};
use crate::protocol::Protocol;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

/// Plays the seeds on so many threads. Reports come in the order in which they are done; `protocol` makes the protocol
/// for each thread.
pub fn run_many(
    trial: Trial,
    seeds: RangeInclusive<u64>,
    jobs: usize,
    protocol: impl Fn() -> Box<dyn Protocol> + Sync,
    mut on_report: impl FnMut(Report),
) {
    let next = AtomicU64::new(*seeds.start());
    std::thread::scope(|scope| {
        let (sender, reports) = sync_channel(jobs);
        for _ in 0..jobs {
            let (sender, seeds, next, protocol) = (sender.clone(), &seeds, &next, &protocol);
            scope.spawn(move || {
                let protocol = protocol();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) || sender.send(trial.run(seed, &*protocol)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        reports.into_iter().for_each(&mut on_report);
    });
}
