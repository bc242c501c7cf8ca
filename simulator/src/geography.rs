//! How far apart nodes are: the time that a frame takes at least.
//!
//! It follows from the seed and the two places alone. So every protocol finds the same distances, whoever connects to
//! whom, and no table of pairs is kept.

use crate::protocol::NodeId;
use crate::random::{fork, mix};
use crate::scenario::{Links, Regions};
use rand::RngExt;
use std::time::Duration;

/// Distances between nodes.
#[derive(Clone, Debug)]
pub struct Geography {
    seed: u64,
    /// The least and the greatest latency of a pair within a region, in microseconds.
    local: (u64, u64),
    /// Where regions are, in microseconds of travel. Empty: one region.
    centres: Vec<(f64, f64)>,
}

impl Geography {
    /// The distances of the world of `seed`.
    pub fn new(seed: u64, links: &Links) -> Geography {
        let [low, high] = links.latency_ms.map(|ms| ms * 1_000);
        let centres = links.regions.as_ref().map(|regions| centres(seed, regions, high)).unwrap_or_default();
        Geography { seed, local: (low, high), centres }
    }

    /// The region of a node, from 0.
    pub fn region(&self, node: NodeId) -> usize {
        let key = mix(self.seed ^ mix(u64::from(node.0)));
        (key % self.centres.len().max(1) as u64) as usize
    }

    /// One way from `a` to `b`: the same both ways, and the same at any time.
    pub fn latency(&self, a: NodeId, b: NodeId) -> Duration {
        let (low, high) = (a.min(b), a.max(b));
        let key = mix(self.seed ^ mix(u64::from(low.0) << 32 | u64::from(high.0)));
        let local = self.local.0 + key % (self.local.1 - self.local.0 + 1);
        Duration::from_micros(local + self.travel(a, b))
    }

    /// From region to region, in microseconds.
    fn travel(&self, a: NodeId, b: NodeId) -> u64 {
        let centre = |node| self.centres.get(self.region(node)).copied().unwrap_or_default();
        distance(centre(a), centre(b)) as u64
    }
}

/// Random places in a square, stretched until the two farthest nodes are `max_ms` apart.
fn centres(seed: u64, regions: &Regions, local: u64) -> Vec<(f64, f64)> {
    let mut rng = fork(seed, "regions", 0);
    let places: Vec<(f64, f64)> = (0..regions.count).map(|_| (rng.random::<f64>(), rng.random::<f64>())).collect();
    let pairs = places.iter().flat_map(|a| places.iter().map(|b| distance(*a, *b)));
    let widest = pairs.fold(f64::MIN_POSITIVE, f64::max);
    let stretch = (regions.max_ms * 1_000).saturating_sub(local) as f64 / widest;
    places.iter().map(|(x, y)| (x * stretch, y * stretch)).collect()
}

/// A square root is rounded alike everywhere; `hypot` is not.
fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (x, y) = (a.0 - b.0, a.1 - b.1);
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_fill_their_range_and_are_the_same_both_ways() {
        let geography = Geography::new(1, &Links::between(10, 50));
        let nodes = || (0..60).map(NodeId);
        let all: Vec<u64> = nodes()
            .flat_map(|a| nodes().map(move |b| (a, b)))
            .map(|(a, b)| {
                assert_eq!(geography.latency(a, b), geography.latency(b, a));
                geography.latency(a, b).as_micros() as u64
            })
            .collect();
        let (low, high) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!((10_000..11_000).contains(low) && (49_000..=50_000).contains(high), "{low} {high}");
        let mean = all.iter().sum::<u64>() / all.len() as u64;
        assert!((29_000..31_000).contains(&mean), "{mean}");
    }

    #[test]
    fn regions_are_near_within_and_as_far_apart_as_asked() {
        let links = Links { regions: Some(Regions { count: 12, max_ms: 150 }), ..Links::between(1, 5) };
        let geography = Geography::new(3, &links);
        let nodes: Vec<NodeId> = (0..300).map(NodeId).collect();
        let mut farthest = 0;
        for (a, b) in nodes.iter().flat_map(|a| nodes.iter().map(move |b| (*a, *b))) {
            let latency = geography.latency(a, b).as_micros();
            assert!(geography.region(a) != geography.region(b) || latency <= 5_000);
            farthest = farthest.max(latency);
        }
        assert!((140_000..=150_000).contains(&farthest), "{farthest}");
        assert_eq!(nodes.iter().map(|node| geography.region(*node)).max(), Some(11));
    }
}
