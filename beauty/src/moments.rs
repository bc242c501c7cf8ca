//! The exact sums from which averages and chaos are computed. The formulas live here and nowhere else.

use crate::Score;

/// Micro-units in a score of 1.
const MICROS: u128 = Score::MAX.micros() as u128;

/// Count, sum, sum of squares and extremes of a set of scores, in integers.
///
/// **Exact.** Merging is integer addition: commutative, associative, with the empty set as identity. The two numbers shown,
/// [`avg`](Moments::avg) and [`chaos`](Moments::chaos), come from these integers by conversions, one division, and for chaos
/// one square root, each of which IEEE 754 rounds the same way on every machine. So two nodes agree to the byte.
///
/// **Bounded.** Up to 2^64 / 10^6 = 1.8·10^13 scores everything fits: the sum fits 64 bits, and both terms of the variance are
/// at most the square of `count · 10^6`, which fits 128. At a million events a second that is 213 days of one bucket. Past it
/// the sums stand still at their ends, without a panic; saturating addition is still commutative and associative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// Sum of squares, in squared micro-units.
    sum_squares: u128,
    count: u64,
    /// Micro-units.
    sum: u64,
    /// Least and greatest score; with no scores, [`Score::MAX`] and [`Score::MIN`], the identities of `min` and `max`.
    min: Score,
    max: Score,
}

impl Default for Moments {
    fn default() -> Moments {
        Moments { sum_squares: 0, count: 0, sum: 0, min: Score::MAX, max: Score::MIN }
    }
}

impl Moments {
    /// Adds a score.
    pub fn add(&mut self, score: Score) {
        self.merge(&Moments {
            sum_squares: square(score),
            count: 1,
            sum: u64::from(score.micros()),
            min: score,
            max: score,
        });
    }

    /// Takes out a score that was added before. The sums become what they were without it. The extremes stay: sums don't know
    /// the second least. Where the score was an extreme, the owner of the scores says what it is now; see [`Ledger`].
    ///
    /// [`Ledger`]: crate::Ledger
    pub fn remove(&mut self, score: Score) {
        self.sum_squares = self.sum_squares.saturating_sub(square(score));
        self.count = self.count.saturating_sub(1);
        self.sum = self.sum.saturating_sub(u64::from(score.micros()));
        if self.count == 0 {
            *self = Moments::default();
        }
    }

    /// Adds all scores of another set.
    pub fn merge(&mut self, other: &Moments) {
        self.sum_squares = self.sum_squares.saturating_add(other.sum_squares);
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many scores.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all scores, in micro-units.
    pub const fn sum_micros(&self) -> u64 {
        self.sum
    }

    /// The sum of the squares of all scores, in squared micro-units.
    pub const fn sum_squares(&self) -> u128 {
        self.sum_squares
    }

    /// The least score; none of none.
    pub fn min(&self) -> Option<Score> {
        (self.count > 0).then_some(self.min)
    }

    /// The greatest score; none of none.
    pub fn max(&self) -> Option<Score> {
        (self.count > 0).then_some(self.max)
    }

    /// The average score in [0, 1]; none of none.
    pub fn avg(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum as f64 / self.scale()).min(1.0))
    }

    /// Chaos in [0, 1]: the standard deviation divided by 0.5, which is the most that scores in [0, 1] can deviate; none of
    /// none. With `n` scores `x`, the standard deviation is `√(n·Σx² - (Σx)²) / n`, and what stands under the root is exact.
    pub fn chaos(&self) -> Option<f64> {
        let mean_square = u128::from(self.count).saturating_mul(self.sum_squares);
        let squared_mean = u128::from(self.sum) * u128::from(self.sum);
        let deviation = nearest(mean_square.saturating_sub(squared_mean)).sqrt();
        // Doubling is exact in binary, so this is still one square root and one division.
        (self.count > 0).then(|| (2.0 * deviation / self.scale()).min(1.0))
    }

    /// Count times micro-units: what a sum is divided by to give an average in [0, 1].
    fn scale(&self) -> f64 {
        nearest(u128::from(self.count) * MICROS)
    }

    /// How many bytes they take in a store.
    pub(crate) const BYTES: usize = 40;

    /// The sums as a store keeps them, little-endian: sum of squares, count, sum, least and greatest score.
    pub(crate) fn to_bytes(self) -> [u8; Moments::BYTES] {
        let mut bytes = [0; Moments::BYTES];
        bytes[..16].copy_from_slice(&self.sum_squares.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.count.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.sum.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.min.micros().to_le_bytes());
        bytes[36..].copy_from_slice(&self.max.micros().to_le_bytes());
        bytes
    }

    /// The sums that [`to_bytes`](Moments::to_bytes) wrote; none where a score is out of bounds.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Option<Moments> {
        fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
            let (first, rest) = bytes.split_first_chunk::<N>()?;
            *bytes = rest;
            Some(*first)
        }
        let score = |bytes| Score::from_micros(u32::from_le_bytes(bytes)).ok();
        let moments = Moments {
            sum_squares: u128::from_le_bytes(take(&mut bytes)?),
            count: u64::from_le_bytes(take(&mut bytes)?),
            sum: u64::from_le_bytes(take(&mut bytes)?),
            min: score(take(&mut bytes)?)?,
            max: score(take(&mut bytes)?)?,
        };
        bytes.is_empty().then_some(moments)
    }

    /// True where taking out this score may have left an extreme that no score has any more.
    pub(crate) fn is_extreme(&self, score: Score) -> bool {
        self.count > 0 && (score == self.min || score == self.max)
    }

    /// Takes over the extremes of a set that was counted anew, if it is this whole set. If not, the old ones stay.
    pub(crate) fn adopt_extremes(&mut self, recount: &Moments) {
        if recount.count == self.count {
            (self.min, self.max) = (recount.min, recount.max);
        }
    }
}

/// The nearest number with a fraction. Most are small, and processors know how to turn those; a map has thousands.
fn nearest(whole: u128) -> f64 {
    u64::try_from(whole).map_or(whole as f64, |small| small as f64)
}

/// The square of a score, in squared micro-units: at most 10^12.
fn square(score: Score) -> u128 {
    u128::from(u64::from(score.micros()).pow(2))
}
