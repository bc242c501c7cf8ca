//! The colour scale: cividis, which reads the same to colour-blind and other eyes, over scores from 0 to 1.

use colorous::CIVIDIS;

/// The colour of a score: red, green, blue.
pub(crate) fn colour(score: f64) -> [u8; 3] {
    CIVIDIS.eval_continuous(score.clamp(0.0, 1.0)).as_array()
}

/// A colour as CSS and the canvas write it.
pub(crate) fn css([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness([red, green, blue]: [u8; 3]) -> f64 {
        0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)
    }

    #[test]
    fn a_higher_score_is_always_lighter() {
        let steps: Vec<f64> = (0..=20).map(|step| lightness(colour(f64::from(step) / 20.0))).collect();
        assert!(steps.is_sorted(), "{steps:?}");
    }

    #[test]
    fn colours_are_written_as_css_has_them() {
        assert_eq!(css([0, 32, 255]), "#0020ff");
    }

    #[test]
    fn what_is_out_of_range_takes_the_colour_of_the_end() {
        assert_eq!(colour(-1.0), colour(0.0));
        assert_eq!(colour(7.0), colour(1.0));
    }
}
