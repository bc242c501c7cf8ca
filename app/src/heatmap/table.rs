//! The heatmap as a table: for readers without JavaScript, or who do not see the canvas.

use super::cursor::Place;
use super::model::{HeatmapModel, Row};
use crate::choice::Choice;
use crate::fold::Fold;
use crate::part::{IntoPart, flag, text};
use crate::words::{Language, NOTHING, td_string};
use leptos::prelude::*;

/// The table, folded away: a row for each bucket, the newest on top, a column for each row of the canvas. It is written when it is
/// opened, since hardly anybody does, and it would be most of the page; without JavaScript, by a link.
#[component]
pub(crate) fn HeatmapTable(
    /// What to show.
    model: Memo<HeatmapModel>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// The reader's language.
    language: Language,
) -> impl IntoView {
    let open = RwSignal::new(choice.with_untracked(|choice| choice.table));
    // While nobody looks, it stays as it was: empty at first.
    let shown = Memo::new(
        move |before: Option<&HeatmapModel>| {
            if open.get() { model.get() } else { before.cloned().unwrap_or_default() }
        },
    );
    let is_empty = move || shown.with(|model| model.rows.is_empty());
    let headings = move || shown.with(|model| model.rows.iter().map(heading).collect_view());
    let whole = move || choice.with(|choice| choice.with(|choice| choice.table = true));
    view! {
        <Fold summary=td_string!(language, heatmap.as_table) test_id="heatmap-table" open=open>
            <p class:hidden=flag(move || !is_empty())>
                <a href=text(whole)>{td_string!(language, heatmap.show_table)}</a>
            </p>
            <div class="scroll" role="region" aria-label=td_string!(language, heatmap.as_table) tabindex="0" class:hidden=flag(is_empty)>
                <table class="numbers">
                    <thead>
                        <tr>
                            <th scope="col">{td_string!(language, heatmap.from)}</th>
                            <th scope="col">{td_string!(language, heatmap.events)}</th>
                            {headings}
                        </tr>
                    </thead>
                    <tbody>{move || shown.with(|model| lines(model, language))}</tbody>
                </table>
            </div>
        </Fold>
    }
    .into_part()
}

fn heading(row: &Row) -> impl IntoView + use<> {
    view! { <th scope="col">{row.name.clone()}</th> }
}

fn lines(model: &HeatmapModel, language: Language) -> impl IntoView + use<> {
    let line = |(column, start): (usize, &u64)| {
        let count = model.counts.get(column).map_or_else(|| NOTHING.to_owned(), |count| language.count(*count));
        let value = |(index, row): (usize, &Row)| {
            let cell = row.cells.get(column);
            let value = cell.and_then(|cell| cell.value).map(|value| language.short(row.kind, value));
            let late = cell.filter(|cell| cell.late).map(|_| td_string!(language, heatmap.late));
            match (value, late) {
                (Some(value), Some(late)) => format!("{value}, {late}"),
                (Some(value), None) => value,
                (None, Some(late)) => late.to_owned(),
                (None, None) if model.is_kept(Place { row: index, column }) => NOTHING.to_owned(),
                (None, None) => String::new(),
            }
        };
        view! {
            <tr>
                <th scope="row">{model.zone.start(*start, model.resolution_seconds, language)}</th>
                <td>{count}</td>
                {model.rows.iter().enumerate().map(value).map(|value| view! { <td>{value}</td> }).collect_view()}
            </tr>
        }
    };
    model.columns.iter().enumerate().rev().map(line).collect_view()
}
