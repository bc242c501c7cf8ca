//! A line of how a number went, small enough to stand beside it.

use crate::number::tenths;
use crate::part::text;
use leptos::prelude::*;

/// The size of the drawing, as its `viewBox` has it; it is stretched to whatever room there is.
const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 24.0;
/// Room for the line's own width.
const PADDING: f64 = 2.0;

/// The line as SVG: broken where nothing is known.
pub(crate) fn spark(values: Memo<Vec<Option<f64>>>, least_range: f64) -> impl IntoView {
    view! {
        <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
            <path d=text(move || path(&values.read(), least_range)) vector-effect="non-scaling-stroke" />
        </svg>
    }
}

/// The outline of the line, from the least value at the bottom to the greatest on top. A range below the least range is drawn
/// in the middle of one of that size, so that noise doesn't look like news.
fn path(values: &[Option<f64>], least_range: f64) -> String {
    let known = || values.iter().flatten().copied();
    let (Some(low), Some(high)) = (known().reduce(f64::min), known().reduce(f64::max)) else { return String::new() };
    let (range, middle) = ((high - low).max(least_range).max(f64::MIN_POSITIVE), f64::midpoint(low, high));
    let step = WIDTH / values.len().saturating_sub(1).max(1) as f64;
    let mut path = String::new();
    let mut drawing = false;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else {
            drawing = false;
            continue;
        };
        let y = HEIGHT / 2.0 - (value - middle) / range * (HEIGHT - 2.0 * PADDING);
        path.push(if drawing { 'L' } else { 'M' });
        path.push_str(&tenths(place as f64 * step));
        path.push(' ');
        path.push_str(&tenths(y));
        drawing = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_is_on_top_and_a_hole_breaks_the_line() {
        assert_eq!(
            path(&[Some(0.0), Some(1.0), None, Some(0.0), Some(1.0)], 0.0),
            "M0.0 22.0L25.0 2.0M75.0 22.0L100.0 2.0"
        );
    }

    #[test]
    fn what_hardly_moves_is_drawn_as_a_line_in_the_middle() {
        assert_eq!(path(&[Some(7.0), Some(7.0)], 1.0), "M0.0 12.0L100.0 12.0");
        assert_eq!(path(&[Some(7.0), Some(7.0)], 0.0), "M0.0 12.0L100.0 12.0");
    }

    #[test]
    fn nothing_is_no_line() {
        assert_eq!(path(&[None, None], 1.0), "");
        assert_eq!(path(&[], 1.0), "");
    }
}
