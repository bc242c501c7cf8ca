//! What can be chosen of the heatmap, and which nodes are shown where there are more than fit.

use super::export;
use super::model::{HeatmapModel, MOST_NODES};
use crate::browser;
use crate::choice::{Choice, Choices, Kind, Palette, hundredths};
use crate::number::fixed;
use crate::part::{IntoPart, flag, text};
use crate::place::{MAP, Place, use_place};
use crate::words::{Language, each, td_string};
use beauty::Resolution;
use leptos::prelude::*;

/// Shows the nodes below those that are shown, or above.
pub(crate) fn turn(choice: Memo<Choice>, model: Memo<HeatmapModel>, to: Place, below: bool) {
    let (all, first) = model.read_untracked().nodes;
    let last = all.saturating_sub(MOST_NODES);
    let above = if below { (first + MOST_NODES).min(last) } else { first.saturating_sub(MOST_NODES) };
    to.keep(choice, |choice| choice.above = above as u64);
}

/// Which of the nodes are shown, in words.
pub(crate) fn shown(model: &HeatmapModel, language: Language) -> String {
    let ((all, first), rows) = (model.nodes, model.rows.len());
    if all == 0 {
        return language.nodes(0);
    }
    let [from, to, all] = [first + 1, first + rows - 1, all].map(|number| language.count(number as u64));
    td_string!(language, heatmap.part, from, to, all)
}

/// The score below which cells are marked: any. A form, so that it works without JavaScript.
#[component]
fn LineField(
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// The reader's language.
    language: Language,
) -> impl IntoView {
    let place = use_place();
    let line = move || choice.with(|choice| choice.line);
    let shown = move || line().map(|line| fixed(f64::from(line) / 100.0, 2)).unwrap_or_default();
    let draw = move |text: String| {
        place.go(&choice.get_untracked().with(|choice| choice.line = hundredths(&text)));
    };
    let others = Choice { line: None, ..choice.get_untracked() }.said();
    let others = others.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <form class="choices" method="get" action=MAP on:submit=|event| event.prevent_default()>
            {others.collect_view()}
            <label>
                <span class="choices-label">{td_string!(language, controls.line)}</span>
                <input
                    type="number"
                    name="below"
                    min="0"
                    max="1"
                    step="0.01"
                    placeholder=td_string!(language, controls.no_line)
                    data-testid="line"
                    value=text(shown)
                    prop:value=shown
                    on:change:target=move |event| draw(event.target().value())
                />
            </label>
        </form>
    }
    .into_part()
}

/// The rows of choices above the canvas.
#[component]
pub(crate) fn Controls(
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// What is on the canvas.
    model: Memo<HeatmapModel>,
    /// The reader's language.
    language: Language,
) -> impl IntoView {
    let kinds = each!(language, kinds: average, chaos, distribution, change).to_vec();
    let resolutions = each!(language, resolutions: ten_seconds, minute, ten_minutes, hour, day).to_vec();
    let palettes = each!(language, palettes: cividis, viridis, mono).to_vec();
    let to = use_place();
    let find = move || choice.with(|choice| choice.find.clone());
    let many = move || model.with(|model| model.nodes.0 > MOST_NODES) || !find().is_empty();
    let save = move |name: &'static str, kind: &'static str, write: fn(&HeatmapModel) -> String| {
        move |_| browser::save(name, &browser::data_address(kind, &write(&model.read_untracked())))
    };
    let save_csv = save("beauty-mesh.csv", "text/csv", export::csv);
    let save_json = save("beauty-mesh.json", "application/json", export::json);
    let save_png = move |_| {
        if let Some(address) = browser::canvas_as_png("heatmap") {
            browser::save("beauty-mesh.png", &address);
        }
    };
    view! {
        <div class="controls">
            <Choices label=td_string!(language, controls.kind) options=kinds choice
                chosen=|choice| choice.kind as usize choose=|choice, which| choice.kind = Kind::ALL[which] />
            <Choices label=td_string!(language, controls.column) options=resolutions choice
                chosen=|choice| choice.resolution as usize choose=|choice, which| choice.resolution = Resolution::ALL[which] />
            <Choices label=td_string!(language, controls.colours) options=palettes choice
                chosen=|choice| choice.palette as usize choose=|choice, which| choice.palette = Palette::ALL[which] />
            <LineField choice language />
            <div class="choices" class:hidden=flag(move || !many())>
                <label>
                    <span class="choices-label">{td_string!(language, controls.filter)}</span>
                    <input
                        type="search"
                        data-testid="filter"
                        maxlength="64"
                        value=text(find)
                        prop:value=find
                        on:input:target=move |event| {
                            let find = event.target().value();
                            to.keep(choice, |choice| (choice.find, choice.above) = (find, 0));
                        }
                    />
                </label>
                <button type="button" aria-label=td_string!(language, heatmap.above) on:click=move |_| turn(choice, model, to, false)>"↑"</button>
                <span data-testid="part">{text(move || model.with(|model| shown(model, language)))}</span>
                <button type="button" aria-label=td_string!(language, heatmap.below) on:click=move |_| turn(choice, model, to, true)>"↓"</button>
            </div>
            <div class="choices" role="group" aria-label=td_string!(language, time.save)>
                <span class="choices-label" aria-hidden="true">{td_string!(language, time.save)}</span>
                <button type="button" on:click=save_png>"PNG"</button>
                <button type="button" on:click=save_csv>"CSV"</button>
                <button type="button" on:click=save_json>"JSON"</button>
            </div>
        </div>
    }
    .into_part()
}
