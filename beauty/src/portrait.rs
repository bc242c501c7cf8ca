//! The portrait of a mesh: a Clifford attractor whose shape follows from the digest and four numbers.
//!
//! The map is `x' = sin(a·y) + c·cos(a·x)`, `y' = sin(b·x) + d·cos(b·y)` (C. Pickover; P. Bourke, "Clifford Attractors"). A point
//! jumps along it and never leaves a rectangle; where it has been how often is the picture. Every so often it begins anew elsewhere:
//! some curves draw points in to a few places after thousands of jumps, and their picture would go out while it is drawn.
//!
//! **Equal to the point.** Two nodes with the same events draw the same picture, in any browser and on any server, although the
//! map is chaotic and would multiply a difference in the last bit of a sine. Sines come from a table that the `libm` crate makes,
//! the same code everywhere; all else is addition, multiplication and rounding down, which IEEE 754 does one way only.

use std::f64::consts::{FRAC_PI_2, TAU};
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What a portrait is drawn from. Whole numbers, so that JSON carries them without loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Likeness {
    /// The digest of all events, 64 hexadecimal digits.
    pub digest: String,
    /// The mean of all scores in micro-units; none of none.
    pub mean: Option<u32>,
    /// The chaos of all scores in micro-units.
    pub chaos: u32,
    /// How far the nodes' means lie apart: their chaos, in micro-units.
    pub spread: u32,
    /// By how much the last day's mean lies above that of the time before, in micro-units.
    pub trend: i32,
}

/// The four parameters of the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
}

/// Curves of well-known beauty, from which the digest chooses one.
const SITTERS: [Curve; 12] = [
    Curve { a: -1.4, b: 1.6, c: 1.0, d: 0.7 },
    Curve { a: 1.7, b: 1.7, c: 0.6, d: 1.2 },
    Curve { a: -1.7, b: 1.3, c: -0.1, d: -1.21 },
    Curve { a: -1.8, b: -2.0, c: -0.5, d: -0.9 },
    Curve { a: 1.5, b: -1.8, c: 1.6, d: 0.9 },
    Curve { a: -1.3, b: -1.3, c: -1.8, d: -1.9 },
    Curve { a: 1.1, b: -1.32, c: -1.03, d: 1.54 },
    Curve { a: 0.77, b: 1.99, c: -1.31, d: -1.45 },
    Curve { a: -1.24, b: -1.25, c: -1.81, d: -1.91 },
    Curve { a: 1.7, b: 0.7, c: 1.4, d: 2.0 },
    Curve { a: -1.7, b: 1.8, c: -1.9, d: -0.4 },
    Curve { a: -1.32, b: -1.65, c: 0.74, d: 1.81 },
];

/// How far the four numbers can move a parameter.
const BEND: f64 = 0.12;
/// How far a neighbour is, where a curve has collapsed.
const NEIGHBOUR: f64 = 0.05;
/// So many neighbours are tried.
const NEIGHBOURS: u32 = 24;
/// After so many jumps the point begins anew elsewhere: where it falls onto a few places in the end, however late, it has drawn a
/// curve before, and draws it as often as it begins.
const ORBIT: u32 = 1_024;
/// Of those, the first are thrown away, until the point has found the curve.
const SETTLING: u32 = 100;
/// So many points tell whether a curve has collapsed, on a grid of so many places a side: it must visit so many of them, and none of
/// them more often than so. A portrait begins with the same points: what is alive here is alive there.
const PROBE: u32 = 8 * ORBIT;
const GRID: usize = 64;
const ALIVE: usize = 500;
const CROWDED: u32 = PROBE / 16;

impl Curve {
    /// The curve of a likeness. One that has collapsed to a few points gives way to a neighbour, the same for everybody.
    pub fn of(likeness: &Likeness, sine: &Sine) -> Curve {
        let sitter = SITTERS[seed(&likeness.digest) % SITTERS.len()];
        let share = |micros: f64| micros / 1_000_000.0;
        let bent = Curve {
            a: sitter.a + BEND * (2.0 * share(likeness.mean.map_or(500_000.0, f64::from)) - 1.0),
            b: sitter.b + BEND * share(f64::from(likeness.chaos)),
            c: sitter.c + BEND * share(f64::from(likeness.spread)),
            d: sitter.d + BEND * share(f64::from(likeness.trend)),
        };
        (0..NEIGHBOURS).map(|step| bent.neighbour(step)).find(|curve| curve.is_alive(sine)).unwrap_or(sitter)
    }

    /// The curve itself, then curves ever further from it, on both sides in turn.
    fn neighbour(self, step: u32) -> Curve {
        let away = NEIGHBOUR * f64::from(step.div_ceil(2)) * if step.is_multiple_of(2) { 1.0 } else { -1.0 };
        Curve { a: self.a + away, b: self.b + away, ..self }
    }

    fn is_alive(self, sine: &Sine) -> bool {
        let mut density = Density::new(self, GRID);
        density.go_on(PROBE, sine);
        let counts = || density.counts.iter().filter(|count| **count > 0);
        counts().count() >= ALIVE && counts().all(|count| *count <= CROWDED)
    }

    fn next(self, (x, y): (f64, f64), sine: &Sine) -> (f64, f64) {
        let Curve { a, b, c, d } = self;
        (sine.sin(a * y) + c * sine.cos(a * x), sine.sin(b * x) + d * sine.cos(b * y))
    }
}

/// Where an orbit begins: near the middle, and each at a place of its own, by steps of the golden ratio.
fn beginning(orbit: u32) -> (f64, f64) {
    let golden = 0.1 + 0.618_033_988_749_894_9 * f64::from(orbit);
    (golden - golden.floor(), 0.1)
}

/// A number from the first digits of a digest.
fn seed(digest: &str) -> usize {
    digest.bytes().take(16).fold(0, |seed: usize, digit| (seed * 31 + usize::from(digit)) % 1_000_003)
}

/// Sines by a table of one turn, straight between its places: the greatest error is 3e-7.
#[derive(Clone, Debug)]
pub struct Sine(Vec<f64>);

/// Places in the table: a power of two.
const PLACES: usize = 4_096;

impl Default for Sine {
    fn default() -> Sine {
        Sine((0..=PLACES).map(|place| libm::sin(TAU * place as f64 / PLACES as f64)).collect())
    }
}

impl Sine {
    /// The sine of an angle of at most some thousand turns, in radians.
    fn sin(&self, angle: f64) -> f64 {
        let at = angle * (PLACES as f64 / TAU);
        let below = at.floor();
        // Whole by the line above, and small: the cast keeps the value, and the mask brings it into the turn.
        let place = below as i64 as usize & (PLACES - 1);
        let (low, high) = (self.0[place], self.0[place + 1]);
        low + (at - below) * (high - low)
    }

    fn cos(&self, angle: f64) -> f64 {
        self.sin(angle + FRAC_PI_2)
    }
}

/// How often the point was where: a square of counts, line by line, filled bit by bit.
#[derive(Clone, Debug)]
pub struct Density {
    curve: Curve,
    point: (f64, f64),
    jumps: u32,
    side: usize,
    counts: Vec<u32>,
}

impl Density {
    /// An empty square of so many places a side, at least one.
    pub fn new(curve: Curve, side: usize) -> Density {
        let side = side.max(1);
        Density { curve, point: (0.0, 0.0), jumps: 0, side, counts: vec![0; side * side] }
    }

    /// Lets the point jump so many times more.
    pub fn go_on(&mut self, points: u32, sine: &Sine) {
        // The point never leaves 1 + |c| to either side, and 1 + |d| up and down.
        let (width, height) = (1.0 + self.curve.c.abs(), 1.0 + self.curve.d.abs());
        let side = self.side as f64;
        for _ in 0..points {
            let jump = self.jumps % ORBIT;
            if jump == 0 {
                self.point = beginning(self.jumps / ORBIT);
            }
            self.point = self.curve.next(self.point, sine);
            self.jumps = self.jumps.wrapping_add(1);
            if jump < SETTLING {
                continue;
            }
            let (x, y) = self.point;
            // The cast rounds down, and what lies on the far edge is brought in.
            let column = ((x / width + 1.0) / 2.0 * side) as usize;
            let line = ((y / height + 1.0) / 2.0 * side) as usize;
            let place = line.min(self.side - 1) * self.side + column.min(self.side - 1);
            self.counts[place] = self.counts[place].saturating_add(1);
        }
    }

    /// How bright each place is, from 0 to 1, line by line: the logarithm of its count over that of the greatest.
    pub fn brightness(&self) -> Vec<f64> {
        self.paint(|bright| bright)
    }

    /// What each place looks like, line by line, by how bright it is.
    pub fn paint<T: Copy>(&self, colour: impl Fn(f64) -> T) -> Vec<T> {
        self.shades().paint(self, 0..self.side, colour)
    }

    /// What paints the square as it is now, a few lines at a time.
    pub fn shades<T: Copy>(&self) -> Shades<T> {
        let greatest = self.counts.iter().copied().max().unwrap_or_default();
        Shades { whole: libm::log(1.0 + f64::from(greatest)).max(1.0), known: vec![None; greatest as usize + 1] }
    }
}

/// What counts look like, each asked for once: places are many, counts few.
#[derive(Clone, Debug)]
pub struct Shades<T> {
    /// The logarithm of the greatest count.
    whole: f64,
    known: Vec<Option<T>>,
}

impl<T: Copy> Shades<T> {
    /// What each place of these lines looks like, by how bright it is. Of the square that the shades are of; lines that it does not
    /// have are left out.
    pub fn paint(&mut self, density: &Density, lines: Range<usize>, colour: impl Fn(f64) -> T) -> Vec<T> {
        let shade = |known: &mut Option<T>, count: u32| {
            *known.get_or_insert_with(|| colour(libm::log(1.0 + f64::from(count)) / self.whole))
        };
        let places = density.counts.iter().skip(lines.start * density.side).take(lines.len() * density.side);
        places.filter_map(|count| Some(shade(self.known.get_mut(*count as usize)?, *count))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(digest: &str, numbers: [u32; 3], trend: i32) -> Likeness {
        let [mean, chaos, spread] = numbers;
        Likeness { digest: digest.to_owned(), mean: Some(mean), chaos, spread, trend }
    }

    #[test]
    fn the_table_is_as_good_as_the_function() {
        let sine = Sine::default();
        for step in -10_000..10_000 {
            let angle = f64::from(step) * 0.000_7;
            assert!((sine.sin(angle) - libm::sin(angle)).abs() < 3e-7, "{angle}");
            assert!((sine.cos(angle) - libm::cos(angle)).abs() < 3e-7, "{angle}");
        }
    }

    #[test]
    fn every_sitter_is_alive_however_it_is_bent() {
        let sine = Sine::default();
        for digest in 0..60_u32 {
            for (numbers, trend) in
                [([0, 0, 0], 0), ([1_000_000; 3], 1_000_000), ([500_000, 200_000, 900_000], -1_000_000)]
            {
                let curve = Curve::of(&likeness(&format!("{digest:064}"), numbers, trend), &sine);
                assert!(curve.is_alive(&sine), "{digest} {numbers:?} {curve:?}");
            }
        }
        assert!(SITTERS.into_iter().all(|sitter| sitter.is_alive(&sine)));
    }

    /// 25 of 1,000 went out once: their points fell onto 7 or 8 places, after more jumps than the probe had.
    #[test]
    fn no_portrait_goes_out_however_long_it_is_drawn() {
        let sine = Sine::default();
        let alive = |likeness: &Likeness| {
            let mut density = Density::new(Curve::of(likeness, &sine), GRID);
            density.go_on(PROBE, &sine);
            let lit = |density: &Density| density.counts.iter().filter(|count| **count > 0).count();
            let probed = lit(&density);
            // What all others add, late ones too, is a curve as well.
            density.counts.fill(0);
            density.go_on(40_000, &sine);
            let (later, greatest) = (lit(&density), density.counts.iter().copied().max().unwrap_or_default());
            assert!(
                probed >= ALIVE && later >= ALIVE / 2 && greatest < 40_000 / 3,
                "{probed} places, then {later}, {greatest} points in one: {likeness:?}"
            );
        };
        let found = "8e493d4b620247c2d19e6b25e0aa2092a1314785d527e07ac2e0f2c40779f447";
        alive(&likeness(found, [480_725, 601_263, 0], 0));
        // Numbers without a pattern (xorshift).
        let mut state: u64 = 42;
        let mut up_to = |most: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % (most + 1)) as u32
        };
        for _ in 0..2_000 {
            let digest = format!("{:08x}{:056x}", up_to(0xffff_ffff), up_to(0xffff_ffff));
            let numbers = [(); 3].map(|()| up_to(1_000_000));
            alive(&likeness(&digest, numbers, up_to(2_000_000) as i32 - 1_000_000));
        }
    }

    #[test]
    fn a_curve_that_has_collapsed_is_told_and_its_neighbours_lie_on_both_sides() {
        let sine = Sine::default();
        let point = Curve { a: 0.1, b: 0.1, c: 0.0, d: 0.0 };
        assert!(!point.is_alive(&sine));
        assert_eq!(point.neighbour(0), point);
        assert!(point.neighbour(1).a < point.a && point.neighbour(2).a > point.a);
    }

    #[test]
    fn it_makes_no_difference_in_how_many_parts_it_is_drawn() {
        let sine = Sine::default();
        let curve = Curve::of(&likeness(&"ab".repeat(32), [500_000, 100_000, 0], 0), &sine);
        let (mut whole, mut parts) = (Density::new(curve, 100), Density::new(curve, 100));
        whole.go_on(10_000, &sine);
        (0..10).for_each(|_| parts.go_on(1_000, &sine));
        assert_eq!(whole.counts, parts.counts);
        let orbits = 10_000_u32.div_ceil(ORBIT);
        assert_eq!(whole.counts.iter().sum::<u32>(), 10_000 - orbits * SETTLING);
        let brightness = whole.brightness();
        assert!(brightness.iter().all(|bright| (0.0..=1.0).contains(bright)) && brightness.contains(&1.0));
    }

    #[test]
    fn it_makes_no_difference_in_how_many_parts_it_is_painted() {
        let sine = Sine::default();
        let mut density = Density::new(Curve::of(&likeness(&"ab".repeat(32), [500_000, 100_000, 0], 0), &sine), 50);
        density.go_on(5_000, &sine);
        let mut shades = density.shades();
        let parts = [0..7, 7..49, 49..60].map(|lines| shades.paint(&density, lines, |bright| bright));
        assert_eq!(parts.concat(), density.brightness());
    }

    #[test]
    fn another_digest_and_another_number_give_another_picture() {
        let sine = Sine::default();
        let draw = |likeness: &Likeness| {
            let mut density = Density::new(Curve::of(likeness, &sine), 50);
            density.go_on(5_000, &sine);
            density.counts
        };
        let first = likeness(&"0a".repeat(32), [500_000, 100_000, 50_000], 0);
        for other in [
            Likeness { digest: "0b".repeat(32), ..first.clone() },
            Likeness { mean: Some(400_000), ..first.clone() },
            Likeness { chaos: 0, ..first.clone() },
            Likeness { spread: 0, ..first.clone() },
            Likeness { trend: 100_000, ..first.clone() },
        ] {
            assert_ne!(draw(&first), draw(&other), "{other:?}");
        }
    }
}
