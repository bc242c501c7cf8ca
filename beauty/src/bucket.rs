//! A bucket: what is known of all scores in one slot of time. In full for the mesh, lean for a node.

use crate::{ContentHash, Moments, Score, SetHash};

/// How many bins a histogram has. Each is 0.05 wide; the last one also holds 1.
pub const HISTOGRAM_BINS: usize = 20;

/// A bucket of the whole mesh: moments, a histogram, and the hash of the set of events.
///
/// All integers, so merging is exact, commutative and associative, and the empty bucket is its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    moments: Moments,
    histogram: [u64; HISTOGRAM_BINS],
    set: SetHash,
}

impl Bucket {
    /// Adds an event: its score, and the hash of its content.
    pub fn add(&mut self, score: Score, hash: &ContentHash) {
        self.moments.add(score);
        let bin = &mut self.histogram[bin(score)];
        *bin = bin.saturating_add(1);
        self.set.add(hash);
    }

    /// Takes out an event that was added before. All becomes what it was without it, but the extremes: see
    /// [`Moments::remove`].
    pub fn remove(&mut self, score: Score, hash: &ContentHash) {
        self.moments.remove(score);
        let bin = &mut self.histogram[bin(score)];
        *bin = bin.saturating_sub(1);
        self.set.remove(hash);
    }

    /// Adds all events of another bucket.
    pub fn merge(&mut self, other: &Bucket) {
        self.moments.merge(&other.moments);
        for (bin, more) in self.histogram.iter_mut().zip(other.histogram) {
            *bin = bin.saturating_add(more);
        }
        self.set.merge(&other.set);
    }

    /// The bucket as a store keeps it: moments, histogram and set hash, little-endian.
    pub(crate) fn to_bytes(self) -> [u8; Bucket::BYTES] {
        let mut bytes = [0; Bucket::BYTES];
        let (moments, rest) = bytes.split_at_mut(Moments::BYTES);
        moments.copy_from_slice(&self.moments.to_bytes());
        let (histogram, set) = rest.split_at_mut(8 * HISTOGRAM_BINS);
        for (place, bin) in histogram.chunks_exact_mut(8).zip(self.histogram) {
            place.copy_from_slice(&bin.to_le_bytes());
        }
        set.copy_from_slice(&self.set.to_bytes());
        bytes
    }

    /// The bucket that [`to_bytes`](Bucket::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Bucket> {
        let bytes: &[u8; Bucket::BYTES] = bytes.try_into().ok()?;
        let (moments, rest) = bytes.split_at(Moments::BYTES);
        let (bins, set) = rest.split_at(8 * HISTOGRAM_BINS);
        let mut histogram = [0; HISTOGRAM_BINS];
        for (bin, place) in histogram.iter_mut().zip(bins.as_chunks::<8>().0) {
            *bin = u64::from_le_bytes(*place);
        }
        Some(Bucket {
            moments: Moments::from_bytes(moments)?,
            histogram,
            set: SetHash::from_bytes(set.try_into().ok()?),
        })
    }

    const BYTES: usize = Moments::BYTES + 8 * HISTOGRAM_BINS + 32;

    /// Events by score: bin `i` holds the scores from `i/20` on, up to and without `(i+1)/20`.
    pub const fn histogram(&self) -> &[u64; HISTOGRAM_BINS] {
        &self.histogram
    }

    /// The hash of the set of events.
    pub const fn set_hash(&self) -> &SetHash {
        &self.set
    }
}

/// A bucket of one node: moments only, 48 bytes, because there are so many of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeanBucket {
    moments: Moments,
}

impl LeanBucket {
    /// Adds a score.
    pub fn add(&mut self, score: Score) {
        self.moments.add(score);
    }

    /// Takes out a score that was added before. The extremes stay: see [`Moments::remove`].
    pub fn remove(&mut self, score: Score) {
        self.moments.remove(score);
    }

    /// The bucket as a store keeps it.
    pub(crate) fn to_bytes(self) -> [u8; Moments::BYTES] {
        self.moments.to_bytes()
    }

    /// The bucket that [`to_bytes`](LeanBucket::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<LeanBucket> {
        Moments::from_bytes(bytes).map(|moments| LeanBucket { moments })
    }

    /// Adds all scores of another bucket.
    pub fn merge(&mut self, other: &LeanBucket) {
        self.moments.merge(&other.moments);
    }
}

macro_rules! moments_of {
    ($bucket:ident) => {
        impl $bucket {
            /// The exact sums.
            pub const fn moments(&self) -> &Moments {
                &self.moments
            }

            /// How many events.
            pub const fn count(&self) -> u64 {
                self.moments.count()
            }

            /// The average score in [0, 1]; none of none.
            pub fn avg(&self) -> Option<f64> {
                self.moments.avg()
            }

            /// Chaos in [0, 1]: see [`Moments::chaos`]; none of none.
            pub fn chaos(&self) -> Option<f64> {
                self.moments.chaos()
            }

            /// The least score; none of none.
            pub fn min(&self) -> Option<Score> {
                self.moments.min()
            }

            /// The greatest score; none of none.
            pub fn max(&self) -> Option<Score> {
                self.moments.max()
            }

            pub(crate) const fn moments_mut(&mut self) -> &mut Moments {
                &mut self.moments
            }
        }
    };
}

moments_of!(Bucket);
moments_of!(LeanBucket);

/// The histogram's bin for a score.
fn bin(score: Score) -> usize {
    let bin = score.micros() as usize * HISTOGRAM_BINS / Score::MAX.micros() as usize;
    bin.min(HISTOGRAM_BINS - 1)
}
