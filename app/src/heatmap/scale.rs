//! The colour of a value, by what it is a value of and by the palette that the reader has chosen.

use crate::choice::{Kind, Palette};
use colorous::{CIVIDIS, GREYS, Gradient, PURPLE_ORANGE, VIRIDIS};

/// A change of the mean by so much has the last colour of its scale: a quarter of all that scores can differ by.
pub(crate) const CHANGE_END: f64 = 0.25;

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

impl Palette {
    /// The colour at a place from 0, the darkest, to 1, the lightest.
    pub(crate) fn colour(self, at: f64) -> Colour {
        let at = at.clamp(0.0, 1.0);
        match self {
            Self::Cividis => of(CIVIDIS, at),
            Self::Viridis => of(VIRIDIS, at),
            Self::Mono => of(GREYS, 1.0 - at),
        }
    }
}

/// The colour of a value of this kind. What is out of range takes the colour of the end.
pub(crate) fn colour(kind: Kind, palette: Palette, value: f64) -> Colour {
    match (kind, palette) {
        (Kind::Average | Kind::Chaos, _) => palette.colour(value),
        // Shares are mostly small: the root sets them apart.
        (Kind::Distribution, _) => palette.colour(value.max(0.0).sqrt()),
        (Kind::Change, Palette::Mono) => palette.colour(diverging(value)),
        (Kind::Change, _) => of(PURPLE_ORANGE, 1.0 - diverging(value)),
    }
}

/// The colour of a node by its newest mean; none is transparent.
pub(crate) fn node_colour(palette: Palette, mean: Option<f64>) -> String {
    mean.map_or_else(|| "transparent".to_owned(), |mean| css(palette.colour(mean)))
}

/// The values at the two ends of a kind's scale.
pub(crate) const fn ends(kind: Kind) -> (f64, f64) {
    match kind {
        Kind::Average | Kind::Chaos | Kind::Distribution => (0.0, 1.0),
        Kind::Change => (-CHANGE_END, CHANGE_END),
    }
}

fn diverging(value: f64) -> f64 {
    (value / CHANGE_END).clamp(-1.0, 1.0) / 2.0 + 0.5
}

fn of(gradient: Gradient, at: f64) -> Colour {
    gradient.eval_continuous(at).as_array()
}

/// A colour as CSS and the canvas write it.
pub(crate) fn css([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness([red, green, blue]: Colour) -> f64 {
        0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)
    }

    #[test]
    fn a_higher_score_is_always_lighter_in_every_palette() {
        for palette in Palette::ALL {
            for kind in [Kind::Average, Kind::Chaos, Kind::Distribution] {
                let steps = (0..=20).map(|step| lightness(colour(kind, palette, f64::from(step) / 20.0)));
                let steps: Vec<f64> = steps.collect();
                assert!(steps.is_sorted(), "{palette:?} {steps:?}");
            }
        }
    }

    #[test]
    fn a_change_is_lightest_where_there_is_none_and_its_two_sides_differ_in_hue() {
        let at = |value| colour(Kind::Change, Palette::Cividis, value);
        assert!(lightness(at(0.0)) > lightness(at(0.1)) && lightness(at(0.0)) > lightness(at(-0.1)));
        let ([worse_red, _, worse_blue], [better_red, _, better_blue]) = (at(-CHANGE_END), at(CHANGE_END));
        assert!(worse_red > worse_blue && better_blue > better_red);
    }

    #[test]
    fn colours_are_written_as_css_has_them() {
        assert_eq!(css([0, 32, 255]), "#0020ff");
    }

    #[test]
    fn what_is_out_of_range_takes_the_colour_of_the_end() {
        for (kind, palette) in Kind::ALL.into_iter().zip([Palette::Cividis, Palette::Viridis, Palette::Mono]) {
            let (low, high) = ends(kind);
            assert_eq!(colour(kind, palette, low - 7.0), colour(kind, palette, low));
            assert_eq!(colour(kind, palette, high + 7.0), colour(kind, palette, high));
        }
    }
}
