//! Where the mesh is heading, and how it feels.

use crate::Heatmap;

/// The fewest columns with events from which a trend is told.
const FEWEST: usize = 3;

/// How much the average must change across the map to be a trend (a guess: one bin of the histogram).
const STEADY: f64 = 0.05;

/// From which chaos on the mesh is lively, and from which turbulent (guesses: scores spread evenly over a third of the range
/// have a chaos of 0.19, over the whole range 0.58).
const LIVELY: f64 = 0.2;
const TURBULENT: f64 = 0.5;

/// Which way the average goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Up across the map, by at least 0.05 where nothing else is said.
    Rising,
    /// Down by as much.
    Falling,
    /// Neither.
    Steady,
}

/// How far scores lie apart within a column: the median of the columns' chaos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Below 0.2.
    Calm,
    /// From 0.2 on.
    Lively,
    /// From 0.5 on.
    Turbulent,
}

/// The trend of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// How much the average changes from one column to the next.
    pub slope: f64,
    /// Which way it goes.
    pub direction: Direction,
    /// How it feels.
    pub mood: Mood,
}

impl Trend {
    /// The trend of a map's columns; none with fewer than 3 that have events.
    ///
    /// The slope is Theil and Sen's: the median of the slopes between all pairs of columns (P. K. Sen, "Estimates of the
    /// Regression Coefficient Based on Kendall's Tau", JASA 63, 1968). Up to 29 % of the columns may be wild without moving it
    /// far, so one bad minute is no trend.
    pub fn of(map: &Heatmap) -> Option<Trend> {
        let averages: Vec<Option<f64>> = map.buckets.iter().map(|bucket| bucket.avg).collect();
        let slope = slope(&averages)?;
        let chaos = median(map.buckets.iter().filter_map(|bucket| bucket.chaos).collect())?;
        Some(Trend { slope, direction: direction(slope, averages.len(), STEADY), mood: mood(chaos) })
    }
}

impl Direction {
    /// Which way a series goes, by the slope of [`Trend::of`], where a change across the series by less than `steady` is none.
    /// None where fewer than 3 of its values are known.
    pub fn of(values: &[Option<f64>], steady: f64) -> Option<Direction> {
        Some(direction(slope(values)?, values.len(), steady))
    }
}

/// Theil and Sen's slope, from one value to the next.
fn slope(values: &[Option<f64>]) -> Option<f64> {
    let points: Vec<(f64, f64)> =
        values.iter().enumerate().filter_map(|(place, value)| Some((place as f64, (*value)?))).collect();
    if points.len() < FEWEST {
        return None;
    }
    let slopes = points.iter().enumerate().flat_map(|(place, (x, y))| {
        points[place + 1..].iter().map(move |(later_x, later_y)| (later_y - y) / (later_x - x))
    });
    median(slopes.collect())
}

fn direction(slope: f64, values: usize, steady: f64) -> Direction {
    let change = slope * values.saturating_sub(1) as f64;
    if change >= steady {
        Direction::Rising
    } else if change <= -steady {
        Direction::Falling
    } else {
        Direction::Steady
    }
}

fn mood(chaos: f64) -> Mood {
    if chaos >= TURBULENT {
        Mood::Turbulent
    } else if chaos >= LIVELY {
        Mood::Lively
    } else {
        Mood::Calm
    }
}

/// The middle value, or the mean of the two in the middle; none of none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = if values.len() % 2 == 1 { upper } else { *values.get(values.len() / 2 - 1)? };
    Some((lower + upper) / 2.0)
}
