//! From a likeness to pixels: the same everywhere, see [`beauty::Curve`].

use crate::choice::Palette;
use beauty::{Curve, Density, Likeness, Shades, Sine};

/// The width and the height of the portrait, in pixels.
pub const PORTRAIT_SIDE: usize = 480;

/// So many points make a portrait: five to a pixel.
const POINTS: u32 = 1_200_000;

/// A portrait while it is drawn, and then painted.
#[derive(Debug)]
pub(crate) struct Sitting {
    sine: Sine,
    density: Density,
    left: u32,
    /// Once all points are there.
    shades: Option<Shades<[u8; 4]>>,
    painted: usize,
}

impl Sitting {
    /// The canvas is empty.
    pub(crate) fn new(likeness: &Likeness) -> Self {
        let sine = Sine::default();
        let density = Density::new(Curve::of(likeness, &sine), PORTRAIT_SIDE);
        Self { sine, density, left: POINTS, shades: None, painted: 0 }
    }

    /// Draws so many points more; true once all are there.
    pub(crate) fn go_on(&mut self, points: u32) -> bool {
        let points = points.min(self.left);
        self.density.go_on(points, &self.sine);
        self.left -= points;
        self.left == 0
    }

    /// Paints so many lines more: the first of them, and red, green, blue and opacity of each of their pixels. None are left once all
    /// are painted.
    pub(crate) fn paint(&mut self, lines: usize) -> (usize, Vec<u8>) {
        let colour = |bright: f64| {
            let [red, green, blue] = Palette::Cividis.colour(bright);
            [red, green, blue, 255]
        };
        let first = self.painted;
        self.painted = (first + lines).min(PORTRAIT_SIDE);
        let shades = self.shades.get_or_insert_with(|| self.density.shades());
        (first, shades.paint(&self.density, first..self.painted, colour).into_flattened())
    }
}

/// The pixels of a likeness: red, green, blue and opacity of each, [`PORTRAIT_SIDE`] to a line.
#[must_use]
pub fn portrait(likeness: &Likeness) -> Vec<u8> {
    let mut sitting = Sitting::new(likeness);
    sitting.go_on(POINTS);
    sitting.paint(PORTRAIT_SIDE).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(digest: &str) -> Likeness {
        Likeness { digest: digest.to_owned(), mean: Some(500_000), chaos: 100_000, spread: 50_000, trend: 0 }
    }

    #[test]
    fn a_portrait_fills_its_frame_with_light_and_with_dark() {
        for digest in 0..12 {
            let pixels = portrait(&likeness(&format!("{digest:064}")));
            let pixels = pixels.as_chunks::<4>().0;
            assert_eq!(pixels.len(), PORTRAIT_SIDE * PORTRAIT_SIDE);
            let ground = Palette::Cividis.colour(0.0);
            let lit = pixels.iter().filter(|pixel| pixel[..3] != ground).count() as f64 / pixels.len() as f64;
            assert!((0.05..0.95).contains(&lit), "{digest}: {lit}");
            assert!(pixels.iter().all(|pixel| pixel[3] == 255));
        }
    }

    #[test]
    fn a_portrait_drawn_bit_by_bit_is_the_same() {
        let likeness = likeness(&"0c".repeat(32));
        let mut sitting = Sitting::new(&likeness);
        while !sitting.go_on(70_001) {}
        let parts: Vec<(usize, Vec<u8>)> = (0..4).map(|_| sitting.paint(150)).collect();
        assert_eq!(parts.iter().map(|(first, _)| *first).collect::<Vec<_>>(), [0, 150, 300, 450]);
        assert!(parts.into_iter().flat_map(|(_, pixels)| pixels).eq(portrait(&likeness)), "the pixels differ");
        assert!(sitting.paint(150).1.is_empty(), "nothing is left");
    }
}
