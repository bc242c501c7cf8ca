//! Arithmetic of the measurement. Each function is tested against values computed by hand.

/// Relative message redundancy (Leitão et al., SRDS 2007): payload transmissions over the number of nodes that got the
/// broadcast without its sender, minus 1. 0 is a tree; `None` if nobody got it.
pub fn rmr(transmissions: u64, reached: u64) -> Option<f64> {
    (reached > 1).then(|| transmissions as f64 / (reached - 1) as f64 - 1.0)
}

/// The smallest value that at least `percent` % of all are not greater than (nearest rank). `sorted` ascends.
pub fn percentile(sorted: &[u64], percent: u64) -> Option<u64> {
    let rank = (sorted.len() as u64 * percent.min(100)).div_ceil(100).max(1);
    sorted.get(rank as usize - 1).copied()
}

/// The mean.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.into_iter().fold((0_u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// The greatest.
pub fn max(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    values.into_iter().reduce(f64::max)
}

/// From which value on every `window` of them in a row have a mean below `bound`. `None`: the last of these don't, or there
/// are fewer than that.
pub fn settled_from(values: &[f64], window: usize, bound: f64) -> Option<usize> {
    let below = |values: &[f64]| mean(values.iter().copied()).is_some_and(|mean| mean < bound);
    let windows = values.windows(window.max(1));
    let last = windows.len();
    let settled = windows.rev().take_while(|values| below(values)).count();
    (settled > 0).then(|| last - settled)
}

/// A figure over several seeds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// Median and range of the values that there are.
pub fn spread(values: impl IntoIterator<Item = Option<f64>>) -> Option<Spread> {
    let mut values: Vec<f64> = values.into_iter().flatten().collect();
    values.sort_by(f64::total_cmp);
    let (min, max) = (*values.first()?, *values.last()?);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    Some(Spread { median: (low + high) / 2.0, min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_settled_where_no_later_window_is_above_the_bound() {
        let values = [0.9, 0.0, 0.6, 0.0, 0.1, 0.0, 0.2];
        assert_eq!(settled_from(&values, 2, 0.2), Some(3));
        assert_eq!(settled_from(&values, 1, 0.7), Some(1));
        assert_eq!(settled_from(&values, 2, 1.0), Some(0));
        assert_eq!(settled_from(&values, 2, 0.1), None, "the last two are not below");
        assert_eq!(settled_from(&values, 8, 1.0), None, "there are not so many");
    }

    #[test]
    fn a_tree_has_no_redundancy_and_each_needless_copy_adds_to_it() {
        // Five nodes: four transmissions reach the other four.
        assert_eq!(rmr(4, 5), Some(0.0));
        assert_eq!(rmr(6, 5), Some(0.5));
        // Two were lost on the way.
        assert_eq!(rmr(4, 3), Some(1.0));
        assert_eq!((rmr(3, 1), rmr(0, 0)), (None, None));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!([0, 1, 50, 99, 100].map(|p| percentile(&hundred, p)), [1, 1, 50, 99, 100].map(Some));
        let three = [10, 20, 30];
        assert_eq!([33, 34, 50, 66, 67, 99].map(|p| percentile(&three, p)), [10, 20, 20, 20, 30, 30].map(Some));
        assert_eq!((percentile(&[7], 50), percentile(&[], 50)), (Some(7), None));
    }

    #[test]
    fn means_medians_and_ranges() {
        assert_eq!((mean([1.0, 2.0, 6.0]), mean([])), (Some(3.0), None));
        assert_eq!((max([1.0, 6.0, 2.0]), max([])), (Some(6.0), None));
        let of = |values: &[f64]| spread(values.iter().copied().map(Some)).unwrap();
        assert_eq!(of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(of(&[4.0, 1.0, 2.0, 9.0]), Spread { median: 3.0, min: 1.0, max: 9.0 });
        assert_eq!(spread([None, Some(5.0)]), Some(Spread { median: 5.0, min: 5.0, max: 5.0 }));
        assert_eq!(spread([None, None]), None);
    }
}
