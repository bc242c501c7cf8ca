//! The widget: the canvas, what is said of the cell that is pointed at, legend and table.

use super::cursor::{Cursor, Place, Step};
use super::layout;
use super::legend::Legend;
use super::model::{HeatmapModel, Words};
use super::painter::Scene;
use super::table::HeatmapTable;
use crate::api::Snapshot;
use crate::format;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;

const HELP: &str = "Arrow keys move from cell to cell, Home and End along a row, Escape leaves. \
                    The same numbers are in the table below.";

/// The heatmap of a mesh.
#[component]
pub(crate) fn HeatmapView(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
) -> impl IntoView {
    let model = Memo::new(move |_| HeatmapModel::new(&snapshot.read().heatmap));
    let scene = Scene { canvas: NodeRef::new(), model, cursor: RwSignal::new(None), size: RwSignal::new(None) };
    let left_out = move || {
        let left_out = model.with(|model| model.nodes_left_out) as u64;
        (left_out > 0)
            .then(|| format!("{} more than the map has rows for.", format::counted(left_out, "node", "nodes")))
    };
    view! {
        <div class="heatmap">
            <Picture scene />
            <Legend />
            <p class="note">{left_out}</p>
            <HeatmapTable model />
        </div>
    }
    .into_any()
}

/// The canvas with its tooltip, by mouse, finger and keyboard.
#[component]
fn Picture(
    /// What is painted.
    scene: Scene,
) -> impl IntoView {
    scene.keep_painted();
    let Scene { canvas, model, cursor, .. } = scene;
    let spoken = RwSignal::new(String::new());
    let rows = move || model.with(|model| model.rows.len());
    view! {
        <div class="heatmap-picture">
            <canvas
                node_ref=canvas
                class="heatmap-canvas"
                style:height=move || format!("{}px", layout::height(rows()))
                tabindex="0"
                role="application"
                aria-roledescription="heatmap"
                aria-label=move || model.with(HeatmapModel::summary)
                aria-describedby="heatmap-help"
                data-testid="heatmap-canvas"
                data-columns=move || model.with(|model| model.columns.len())
                data-rows=rows
                on:pointerdown=move |event| point(scene, &event)
                on:pointermove=move |event| point(scene, &event)
                on:pointerleave=move |event| leave(scene, &event)
                on:keydown=move |event| step(scene, spoken, &event)
                on:blur=move |_| cursor.set(None)
            ></canvas>
            <p id="heatmap-help" class="visually-hidden">{HELP}</p>
            <p class="visually-hidden" aria-live="polite" data-testid="heatmap-spoken">{spoken}</p>
            {move || tooltip(scene)}
        </div>
    }
    .into_any()
}

/// The pointer is on a cell, or beside all of them.
fn point(scene: Scene, event: &PointerEvent) {
    let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
    let place = untrack(|| scene.layout()).and_then(|layout| layout.place_at(x, y));
    let cursor = place.map(Cursor::Pointer);
    if scene.cursor.get_untracked() != cursor {
        scene.cursor.set(cursor);
    }
}

/// A mouse that has left points at nothing; a finger that was lifted still does.
fn leave(scene: Scene, event: &PointerEvent) {
    if event.pointer_type() != "touch" {
        scene.cursor.set(None);
    }
}

/// Moves the cursor by keyboard, and has the cell read out.
fn step(scene: Scene, spoken: RwSignal<String>, event: &KeyboardEvent) {
    if event.key() == "Escape" {
        scene.cursor.set(None);
        return;
    }
    let Some(step) = Step::of_key(&event.key()) else { return };
    event.prevent_default();
    let before = untrack(|| scene.place());
    scene.model.with_untracked(|model| {
        let (rows, columns) = (model.rows.len(), model.columns.len());
        let place = before.map_or(Place::start(columns), |place| place.stepped(step, rows, columns));
        let start = model.columns.get(place.column).copied();
        scene.cursor.set(start.map(|start| Cursor::Keyboard { row: place.row, start }));
        spoken.set(model.words(place).map(|words| words.sentence()).unwrap_or_default());
    });
}

/// What is said of the cell under the cursor, beside that cell; nothing on the server, where there is no cursor.
fn tooltip(scene: Scene) -> Option<impl IntoView> {
    let place = scene.place()?;
    let Words { name, span, value, count } = scene.model.with(|model| model.words(place))?;
    let layout = scene.layout()?;
    let cell = layout.cell(place);
    let middle = cell.x + cell.width / 2.0;
    let (left, top) = (middle / layout.ratio, (cell.y + cell.height) / layout.ratio);
    // At the left edge it reaches to the right, at the right edge to the left: it never leaves the page.
    let back = 100.0 * middle / layout.width;
    Some(view! {
        <div
            class="tooltip"
            data-testid="heatmap-tooltip"
            style:left=format!("{left}px")
            style:top=format!("{top}px")
            style:transform=format!("translateX(-{back}%)")
        >
            <strong class="tooltip-name">{name}</strong>
            <span>{span}</span>
            <span class="tooltip-value">{value}</span>
            <span>{count}</span>
        </div>
    })
}
