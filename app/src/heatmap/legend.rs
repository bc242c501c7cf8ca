//! The legend: each scale in use with its numbers, and the signs for what has no colour.

use super::scale;
use crate::choice::{Choice, Kind, Palette};
use crate::words::Words;
use leptos::prelude::*;

/// So many colours are enough for a gradient that cannot be told from the scale itself.
const STOPS: u32 = 16;
/// So many numbers stand under a scale.
const NUMBERS: u32 = 4;

/// What the colours mean.
#[component]
pub(crate) fn Legend(
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// The reader's language.
    words: &'static Words,
) -> impl IntoView {
    let scales = move || {
        let Choice { kind, palette, .. } = choice.get();
        let beside = (kind == Kind::Distribution).then_some(Kind::Average);
        beside.into_iter().chain([kind]).map(|kind| bar(kind, palette, words)).collect_view()
    };
    view! {
        <div class="legend" data-testid="legend">
            {scales}
            <span class="legend-sign">
                <span class="legend-hatch" aria-hidden="true"></span>
                {words.no_events}
            </span>
            <span class="legend-sign">
                <span class="legend-open" aria-hidden="true"></span>
                {words.filling}
            </span>
        </div>
    }
    .into_any()
}

/// A scale from one end to the other, with its numbers beneath.
fn bar(kind: Kind, palette: Palette, words: &'static Words) -> impl IntoView + use<> {
    let (low, high) = scale::ends(kind);
    let at = move |step: u32, of: u32| low + (high - low) * f64::from(step) / f64::from(of);
    let stop = move |step: u32| {
        let offset = (f64::from(step) / f64::from(STOPS)).to_string();
        view! { <stop offset=offset stop-color=scale::css(scale::colour(kind, palette, at(step, STOPS))) /> }
    };
    let number = move |step: u32| {
        let value = at(step, NUMBERS);
        let text = match kind {
            Kind::Average | Kind::Chaos => words.fixed(value, 2 * usize::from(!step.is_multiple_of(NUMBERS))),
            Kind::Distribution | Kind::Change => words.short(kind, value),
        };
        view! { <span>{text}</span> }
    };
    let id = format!("scale-{}", kind.name());
    let fill = format!("url(#{id})");
    view! {
        <span class="legend-scale">
            <span>{words.scales[kind as usize]}</span>
            <span class="legend-bar">
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                    <linearGradient id=id>{(0..=STOPS).map(stop).collect_view()}</linearGradient>
                    <rect width="100" height="10" fill=fill />
                </svg>
                <span class="legend-numbers">{(0..=NUMBERS).map(number).collect_view()}</span>
            </span>
        </span>
    }
}
