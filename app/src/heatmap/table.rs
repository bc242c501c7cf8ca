//! The heatmap as a table: for readers without JavaScript, or who do not see the canvas.

use super::model::{HeatmapModel, Row};
use crate::fold::Fold;
use crate::format;
use leptos::prelude::*;

/// The table, folded away: a row for each bucket, the newest on top, a column for each row of the canvas.
#[component]
pub(crate) fn HeatmapTable(
    /// What to show.
    model: Memo<HeatmapModel>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    // While nobody looks, it stays as it was.
    let shown = Memo::new(move |before: Option<&HeatmapModel>| match before {
        Some(before) if !open.get() => before.clone(),
        _ => model.get(),
    });
    view! {
        <Fold summary="The same as a table" test_id="heatmap-table" open=open>
            <div class="scroll" role="region" aria-label="Heatmap as a table" tabindex="0">
                <table class="numbers">
                    <thead>
                        <tr>
                            <th scope="col">"From (UTC)"</th>
                            <th scope="col">"events"</th>
                            {move || shown.with(|model| model.rows.iter().map(heading).collect_view())}
                        </tr>
                    </thead>
                    <tbody>{move || shown.with(lines)}</tbody>
                </table>
            </div>
        </Fold>
    }
    .into_any()
}

fn heading(row: &Row) -> impl IntoView + use<> {
    view! { <th scope="col">{row.name.clone()}</th> }
}

fn lines(model: &HeatmapModel) -> impl IntoView + use<> {
    let line = |(column, start): (usize, &u64)| {
        let cells = |row: &Row| row.cells.get(column).copied();
        let count = model.rows.first().and_then(cells).and_then(|cell| cell.count);
        let values = model.rows.iter().map(cells).map(|cell| format::score_or_nothing(cell.and_then(|cell| cell.avg)));
        view! {
            <tr>
                <th scope="row">{format::time(*start)}</th>
                <td>{count.map_or_else(|| format::NOTHING.to_owned(), format::count)}</td>
                {values.map(|value| view! { <td>{value}</td> }).collect_view()}
            </tr>
        }
    };
    model.columns.iter().enumerate().rev().map(line).collect_view()
}
