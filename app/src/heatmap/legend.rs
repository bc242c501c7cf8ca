//! The legend: the colour scale with its ends, and the sign for no events.

use super::scale;
use leptos::prelude::*;

/// So many colours are enough for a gradient that cannot be told from the scale itself.
const STOPS: u32 = 16;

/// What the colours mean.
#[component]
pub(crate) fn Legend() -> impl IntoView {
    let stops: Vec<_> = (0..=STOPS)
        .map(|stop| f64::from(stop) / f64::from(STOPS))
        .map(|at| view! { <stop offset=at.to_string() stop-color=scale::css(scale::colour(at)) /> })
        .collect();
    view! {
        <div class="legend">
            <span class="legend-scale">
                <span>"Beauty 0"</span>
                <svg class="legend-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                    <linearGradient id="cividis">{stops}</linearGradient>
                    <rect width="100" height="10" fill="url(#cividis)" />
                </svg>
                <span>"1"</span>
            </span>
            <span class="legend-none">
                <span class="legend-hatch" aria-hidden="true"></span>
                "no events"
            </span>
        </div>
    }
    .into_any()
}
