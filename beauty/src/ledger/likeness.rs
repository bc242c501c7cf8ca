//! What a portrait of the mesh is drawn from.

use crate::ledger::Ledger;
use crate::{LeanBucket, Likeness, MAX_COLUMNS, Moments, Resolution, Score, Timestamp};

/// What lies further back than this is what the trend is told against.
const DAY_HOURS: u64 = 24;

impl Ledger {
    /// The likeness of everything that the digest covers. Counted in whole hours, as the digest is, so that nodes with the same
    /// events give the same, whenever in an hour they are asked. O(hours + nodes × columns of the hour's ring).
    pub fn likeness(&self, now: Timestamp) -> Likeness {
        let digest = self.digest(now);
        let mesh = self.mesh.get(Resolution::Hour);
        let of = |from: Timestamp| {
            mesh.since(from).fold(Moments::default(), |mut sum, bucket| {
                sum.merge(bucket.moments());
                sum
            })
        };
        let today = Resolution::Hour.floor(now).saturating_sub((DAY_HOURS - 1) * Resolution::Hour.millis());
        let (all, recent) = (of(digest.from), of(today.max(digest.from)));
        // A node's ring is shorter than the mesh's.
        let held = Resolution::Hour.floor(now).saturating_sub((MAX_COLUMNS as u64 - 1) * Resolution::Hour.millis());
        let mut means = Moments::default();
        for (_, node) in self.nodes.iter() {
            let mut sum = LeanBucket::default();
            node.rings.get(Resolution::Hour).since(held.max(digest.from)).for_each(|bucket| sum.merge(bucket));
            if let Some(mean) = mean(sum.moments()).and_then(|mean| Score::from_micros(mean).ok()) {
                means.add(mean);
            }
        }
        Likeness {
            digest: digest.hex(),
            mean: mean(&all),
            chaos: micros(all.chaos()),
            spread: micros(means.chaos()),
            trend: trend(&all, &recent),
        }
    }
}

/// The mean in micro-units; none of none.
fn mean(moments: &Moments) -> Option<u32> {
    u32::try_from(moments.sum_micros().checked_div(moments.count())?).ok()
}

/// A share of a whole in micro-units; none is 0.
fn micros(share: Option<f64>) -> u32 {
    (share.unwrap_or_default() * f64::from(Score::MAX.micros())) as u32
}

/// By how much the last day's mean lies above that of the time before, in micro-units; 0 where there is only one of them.
fn trend(all: &Moments, recent: &Moments) -> i32 {
    let older = all.sum_micros().saturating_sub(recent.sum_micros());
    let count = all.count().saturating_sub(recent.count());
    let older = older.checked_div(count).and_then(|mean| i32::try_from(mean).ok());
    let recent = mean(recent).and_then(|mean| i32::try_from(mean).ok());
    older.zip(recent).map_or(0, |(older, recent)| recent - older)
}
