//! Pause, and back through what is kept: the moment that the whole page shows.

use crate::api::Snapshot;
use crate::choice::Choice;
use crate::heatmap::kept_columns;
use crate::part::{IntoPart, text};
use crate::place::use_place;
use crate::words::{ReadersZone, td_string, use_language};
use beauty::Resolution;
use leptos::prelude::*;

/// How many buckets one step goes, by link.
const STEP: u64 = 10;

/// The row of controls.
#[component]
pub(crate) fn TimeControls(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// The zone that times are told in.
    zone: ReadersZone,
) -> impl IntoView {
    let language = use_language();
    let now = move || snapshot.read().health.now;
    let at = move || choice.with(|choice| choice.at).filter(|at| *at <= now());
    let shown = move || at().unwrap_or_else(now);
    let moved = move |back: i64| {
        let (at, newest) = (shown(), now());
        choice.with(|choice| choice.with(|choice| choice.at = moved(at, newest, back, choice.resolution)))
    };
    let paused = move || at().is_some();
    let toggled = move || {
        let at = (!paused()).then(now);
        choice.with(|choice| choice.with(|choice| choice.at = at))
    };
    let back = move || {
        let resolution = choice.with(|choice| choice.resolution);
        now().saturating_sub(shown()) / resolution.millis()
    };
    // As far back as the oldest column that is kept.
    let reach = move || {
        let snapshot = snapshot.read();
        kept_columns(&snapshot.heatmap, snapshot.health.now) - 1
    };
    let place = use_place();
    let scrub = move |back: u64| {
        let newest = now();
        let choice = choice.get_untracked();
        let at = (back > 0).then(|| newest.saturating_sub(back * choice.resolution.millis()));
        place.go(&choice.with(|choice| choice.at = at));
    };
    view! {
        <nav class="time choices" aria-label=td_string!(language, time.title)>
            <a href=text(move || moved(STEP as i64)) data-testid="earlier">"← " {td_string!(language, time.earlier)}</a>
            <label>
                <span class="visually-hidden">{td_string!(language, time.moment)}</span>
                <input
                    type="range"
                    data-testid="scrub"
                    min=text(move || format!("-{}", reach()))
                    max="0"
                    value=text(move || format!("-{}", back()))
                    prop:value=text(move || format!("-{}", back()))
                    aria-valuetext=text(move || zone.get().moment(shown(), language))
                    on:change:target=move |event| {
                        scrub(event.target().value().parse::<i64>().unwrap_or_default().unsigned_abs());
                    }
                />
            </label>
            <a href=text(move || moved(-(STEP as i64))) data-testid="later">{td_string!(language, time.later)} " →"</a>
            <a class="pause" href=text(toggled) data-testid="pause">
                {text(move || if paused() { td_string!(language, time.resume) } else { td_string!(language, time.pause) }.to_owned())}
            </a>
        </nav>
    }
    .into_part()
}

/// The moment so many buckets earlier; what would lie ahead of the newest is live again.
fn moved(at: u64, newest: u64, back: i64, resolution: Resolution) -> Option<u64> {
    let by = back.unsigned_abs() * resolution.millis();
    let moved = if back < 0 { at.saturating_add(by) } else { at.saturating_sub(by) };
    (moved < newest).then_some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_back_without_end_and_forward_up_to_now() {
        let step = |at, back| moved(at, 1_000_000, back, Resolution::TenSeconds);
        assert_eq!(step(1_000_000, 10), Some(900_000));
        assert_eq!(step(50_000, 10), Some(0));
        assert_eq!(step(850_000, -10), Some(950_000));
        assert_eq!(step(900_000, -10), None);
    }
}
