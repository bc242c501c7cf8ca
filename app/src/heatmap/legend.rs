//! The legend: each scale in use with its numbers, and the signs for what has no colour.

use super::scale;
use crate::choice::{Choice, Kind};
use crate::number::fixed;
use crate::part::{IntoPart, flag, text};
use crate::words::{Language, each, td_string};
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
    language: Language,
) -> impl IntoView {
    let kind = Memo::new(move |_| choice.with(|choice| choice.kind));
    // The distribution stands below a row of averages.
    let beside = Memo::new(|_| Kind::Average);
    // Empty where nothing is marked.
    let below = move || {
        let line = choice.with(|choice| choice.line.filter(|_| choice.kind != Kind::Change));
        line.map(|line| language.fixed(f64::from(line) / 100.0, 2)).unwrap_or_default()
    };
    view! {
        <div class="legend" data-testid="legend">
            <span class="legend-scale" class:hidden=flag(move || kind.get() != Kind::Distribution)>
                {bar("scale-beside", beside, choice, language)}
            </span>
            <span class="legend-scale">{bar("scale", kind, choice, language)}</span>
            <span class="legend-sign">
                <span class="legend-hatch" aria-hidden="true"></span>
                {td_string!(language, heatmap.no_events)}
            </span>
            <span class="legend-sign">
                <span class="legend-open" aria-hidden="true"></span>
                {td_string!(language, heatmap.filling)}
            </span>
            <span class="legend-sign">
                <span class="legend-late" aria-hidden="true"></span>
                {td_string!(language, heatmap.late)}
            </span>
            // The style sheet writes the number.
            <span class="legend-sign legend-line" data-below=text(below)>
                <span class="legend-mark" aria-hidden="true"></span>
                {td_string!(language, controls.line)}
            </span>
        </div>
    }
    .into_part()
}

/// A scale from one end to the other, with its numbers beneath.
fn bar(id: &'static str, kind: Memo<Kind>, choice: Memo<Choice>, language: Language) -> impl IntoView {
    let at = move |step: u32, of: u32| {
        let (low, high) = scale::ends(kind.get());
        low + (high - low) * f64::from(step) / f64::from(of)
    };
    let stop = move |step: u32| {
        let offset = fixed(f64::from(step) / f64::from(STOPS), 4);
        let palette = move || choice.with(|choice| choice.palette);
        let colour = move || scale::css(scale::colour(kind.get(), palette(), at(step, STOPS)));
        view! { <stop offset=offset stop-color=text(colour) /> }
    };
    let number = move |step: u32| {
        let number = move || match (kind.get(), at(step, NUMBERS)) {
            (Kind::Average | Kind::Chaos, value) => {
                language.fixed(value, 2 * usize::from(!step.is_multiple_of(NUMBERS)))
            }
            (kind, value) => language.short(kind, value),
        };
        view! { <span>{text(number)}</span> }
    };
    view! {
        <span>{text(move || each!(language, scales: average, chaos, distribution, change)[kind.get() as usize].to_owned())}</span>
        <span class="legend-bar">
            <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <linearGradient id=id>{(0..=STOPS).map(stop).collect_view()}</linearGradient>
                <rect width="100" height="10" fill=format!("url(#{id})") />
            </svg>
            <span class="legend-numbers">{(0..=NUMBERS).map(number).collect_view()}</span>
        </span>
    }
}
