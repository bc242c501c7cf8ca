//! What can be chosen of the heatmap, and which nodes are shown where there are more than fit.

use super::export;
use super::model::{HeatmapModel, MOST_NODES};
use crate::api::Snapshot;
use crate::browser;
use crate::choice::{Choice, Choices, Kind, Palette, named, resolutions};
use crate::words::Words;
use leptos::prelude::*;

/// The scores, in hundredths, below which cells can be marked.
const LINES: [u8; 3] = [25, 50, 75];

/// Which of the nodes are shown.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// What their names contain.
    pub(crate) filter: RwSignal<String>,
    /// How many lie above the first.
    pub(crate) first: RwSignal<usize>,
}

impl Part {
    /// Shows the nodes below, or above.
    pub(crate) fn turn(self, model: Memo<HeatmapModel>, below: bool) {
        let (all, first) = model.with_untracked(|model| model.nodes);
        let last = all.saturating_sub(MOST_NODES);
        self.first.set(if below { (first + MOST_NODES).min(last) } else { first.saturating_sub(MOST_NODES) });
    }
}

/// The rows of choices above the canvas.
#[component]
pub(crate) fn Controls(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// What of it is on the canvas.
    model: Memo<HeatmapModel>,
    /// Which nodes are shown.
    part: Part,
    /// The reader's language.
    words: &'static Words,
) -> impl IntoView {
    let (kinds, palettes) = (named(Kind::ALL, words.kinds), named(Palette::ALL, words.palettes));
    let mut lines = vec![(None, words.no_line.to_owned())];
    lines.extend(LINES.map(|line| (Some(line), words.fixed(f64::from(line) / 100.0, 2))));
    let many = move || model.with(|model| model.nodes.0 > MOST_NODES) || !part.filter.read().is_empty();
    let shown = move || {
        let ((all, first), rows) = model.with(|model| (model.nodes, model.rows.len()));
        let [from, to, all] = [first + 1, first + rows - 1, all].map(|number| words.count(number as u64));
        (words.part)(&from, &to, &all)
    };
    let save_csv = move |_| {
        let text = model.with_untracked(export::csv);
        browser::save("beauty-mesh.csv", &browser::data_address("text/csv", &text));
    };
    let save_json = move |_| {
        // Numbers and strings only: there is no value here that JSON can't hold.
        let text = snapshot.with_untracked(|snapshot| serde_json::to_string(&snapshot.heatmap)).unwrap_or_default();
        browser::save("beauty-mesh.json", &browser::data_address("application/json", &text));
    };
    let save_png = move |_| {
        if let Some(address) = browser::canvas_as_png("heatmap") {
            browser::save("beauty-mesh.png", &address);
        }
    };
    view! {
        <div class="controls">
            <Choices label=words.kind options=kinds choice of=|choice| &mut choice.kind />
            <Choices label=words.column_width options=resolutions(words) choice of=|choice| &mut choice.resolution />
            <Choices label=words.colours options=palettes choice of=|choice| &mut choice.palette />
            <Choices label=words.line options=lines choice of=|choice| &mut choice.line />
            <div class="choices" class:hidden=move || !many()>
                <label>
                    <span class="choices-label">{words.filter}</span>
                    <input
                        type="search"
                        data-testid="filter"
                        prop:value=part.filter
                        on:input:target=move |event| {
                            part.first.set(0);
                            part.filter.set(event.target().value());
                        }
                    />
                </label>
                <button type="button" aria-label=words.above on:click=move |_| part.turn(model, false)>"↑"</button>
                <span data-testid="part">{shown}</span>
                <button type="button" aria-label=words.below on:click=move |_| part.turn(model, true)>"↓"</button>
            </div>
            <div class="choices" role="group" aria-label=words.save>
                <span class="choices-label" aria-hidden="true">{words.save}</span>
                <button type="button" on:click=save_png>"PNG"</button>
                <button type="button" on:click=save_csv>"CSV"</button>
                <button type="button" on:click=save_json>"JSON"</button>
            </div>
        </div>
    }
    .into_any()
}
