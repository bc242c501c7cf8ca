//! The widget: what can be chosen, the canvas, what is said of the cell that is pointed at, legend and table.

use super::controls::{Controls, Part};
use super::cursor::{Cursor, Place, Step};
use super::layout;
use super::legend::Legend;
use super::model::{Aspect, HeatmapModel, MOST_NODES, Said, folded};
use super::painter::Scene;
use super::spoken::Spoken;
use super::table::HeatmapTable;
use crate::api::Snapshot;
use crate::browser;
use crate::choice::Choice;
use crate::number::tenths;
use crate::part::IntoPart;
use crate::place::use_place;
use crate::words::{td_string, use_language};
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html;
use leptos::prelude::*;

/// The heatmap of a mesh.
#[component]
pub(crate) fn HeatmapView(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
) -> impl IntoView {
    let language = use_language();
    let part = Part { filter: RwSignal::new(String::new()), first: RwSignal::new(0) };
    let aspect = Memo::new(move |_| Aspect {
        kind: choice.with(|choice| choice.kind),
        filter: folded(part.filter.read().trim()),
        first: part.first.get(),
    });
    let model = Memo::new(move |_| {
        let snapshot = snapshot.read();
        HeatmapModel::new(&snapshot.heatmap, &aspect.read(), snapshot.health.now, language)
    });
    let (cursor, drag, size) = (RwSignal::new(None), RwSignal::new(None), RwSignal::new(None));
    let scene = Scene { canvas: NodeRef::new(), snapshot, model, choice, language, cursor, drag, size };
    let missing = move || {
        let HeatmapModel { columns, kept_from: [_, from], resolution_seconds, nodes_left_out, .. } = &*model.read();
        let mut said = String::new();
        if *nodes_left_out > 0 {
            said = td_string!(language, heatmap.left_out, nodes = language.nodes(*nodes_left_out as u64));
            said.push(' ');
        }
        if columns.first() < Some(from) {
            let moment = language.start(*from, *resolution_seconds);
            said.push_str(&td_string!(language, heatmap.kept_from, moment));
        }
        said
    };
    view! {
        <div class="heatmap">
            <Controls snapshot choice model part language />
            <Picture snapshot scene part />
            <Legend choice language />
            <p class="note">{missing}</p>
            <HeatmapTable model choice language />
        </div>
    }
    .into_part()
}

/// The canvas with its tooltip, by mouse, finger and keyboard.
#[component]
fn Picture(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What is painted.
    scene: Scene,
    /// Which nodes are shown.
    part: Part,
) -> impl IntoView {
    scene.keep_painted();
    let Scene { canvas, model, cursor, language, choice, .. } = scene;
    let spoken = Spoken::new();
    let rows = move || model.with(|model| model.rows.len());
    let to = use_place();
    let go = move |address: String| to.go(&address);
    // The node whose row is at a place; none at the mesh's, and where rows are scores.
    let node_at = move |place: Place| {
        let named = |model: &HeatmapModel| Some(model.rows.get(place.row)?.name.clone());
        model.with_untracked(|model| named(model).filter(|_| place.row > 0 && model.nodes.0 > 0))
    };
    let follow = move |node: Option<String>| {
        if choice.with_untracked(|choice| choice.node != node) {
            go(choice.with_untracked(|choice| choice.with(|choice| choice.node = node)));
        }
    };
    let down = move |event: PointerEvent| {
        point(scene, &event);
        scene.drag.set(under(scene, &event).map(|place| place.column));
    };
    // A span that was drawn is looked at; a cell that was clicked is pinned and its row followed, or both let go.
    let up = move |event: PointerEvent| {
        point(scene, &event);
        let from = scene.drag.try_update(Option::take).flatten();
        let Some((from, place)) = from.zip(under(scene, &event)) else { return };
        if from == place.column {
            return follow(if pin(scene, place) { node_at(place) } else { None });
        }
        let now = snapshot.with_untracked(|snapshot| snapshot.health.now);
        let span = model.with_untracked(|model| {
            let (first, last) = (from.min(place.column), from.max(place.column));
            let end = model.columns.get(last)? + model.resolution_seconds * 1_000;
            Some((*model.columns.get(first)?, end, model.columns.len()))
        });
        if let Some((from, to, columns)) = span {
            go(choice.with_untracked(|choice| choice.zoomed(from, to, columns, now)));
        }
    };
    let key = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            if let Some(place) = untrack(|| scene.place()) {
                event.prevent_default();
                let followed = choice.with_untracked(|choice| choice.node.clone());
                follow(node_at(place).filter(|node| followed.as_ref() != Some(node)));
            }
            return;
        }
        step(scene, part, spoken, &event);
    };
    view! {
        <div class="heatmap-picture">
            // It keeps the height: a policy that allows no style in the document's lines leaves attributes of SVG alone.
            <svg
                class="heatmap-strut"
                width="0"
                height=move || (layout::height(rows()) as u32).to_string()
                aria-hidden="true"
            ></svg>
            <canvas
                id="heatmap"
                node_ref=canvas
                class="heatmap-canvas"
                tabindex="0"
                role="application"
                aria-roledescription=td_string!(language, heatmap.role)
                aria-label=move || model.with(|model| model.summary(language))
                aria-describedby="heatmap-help"
                aria-details="heatmap-table"
                data-testid="heatmap-canvas"
                data-columns=move || model.with(|model| model.columns.len().to_string())
                data-rows=move || rows().to_string()
                on:pointerdown=down
                on:pointermove=move |event| point(scene, &event)
                on:pointerleave=move |event| leave(scene, &event)
                on:pointerup=up
                on:keydown=key
                on:blur=move |_| if !is_pinned(scene) { cursor.set(None) }
            ></canvas>
            <p id="heatmap-help" class="visually-hidden">{td_string!(language, heatmap.help)}</p>
            <p class="visually-hidden" aria-live="polite" data-testid="heatmap-spoken">{spoken.text}</p>
            <Tooltip scene />
        </div>
    }
    .into_part()
}

/// The cell under the pointer.
fn under(scene: Scene, event: &PointerEvent) -> Option<Place> {
    let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
    untrack(|| scene.layout()).and_then(|layout| layout.place_at(x, y))
}

/// Whether a cell stays pointed at, whatever the pointer does.
fn is_pinned(scene: Scene) -> bool {
    matches!(scene.cursor.get_untracked(), Some(Cursor::Pinned { .. }))
}

/// Pins a cell; false where it was pinned, and is let go.
fn pin(scene: Scene, place: Place) -> bool {
    let was = is_pinned(scene) && untrack(|| scene.place()) == Some(place);
    let start = scene.model.with_untracked(|model| model.columns.get(place.column).copied());
    let pinned = start.map(|start| Cursor::Pinned { row: place.row, start });
    scene.cursor.set(if was { Some(Cursor::Pointer(place)) } else { pinned });
    !was
}

/// The pointer is on a cell, or beside all of them. A pinned cell gives way to a span that is being drawn, and to nothing else.
fn point(scene: Scene, event: &PointerEvent) {
    let place = under(scene, event);
    let draws = scene.drag.get_untracked().zip(place).is_some_and(|(from, place)| from != place.column);
    if is_pinned(scene) && !draws {
        return;
    }
    let cursor = place.map(Cursor::Pointer);
    if scene.cursor.get_untracked() != cursor {
        scene.cursor.set(cursor);
    }
}

/// A mouse that has left points at nothing; a finger that was lifted still does.
fn leave(scene: Scene, event: &PointerEvent) {
    scene.drag.set(None);
    if event.pointer_type() != "touch" && !is_pinned(scene) {
        scene.cursor.set(None);
    }
}

/// Moves the cursor by keyboard, and has the cell read out.
fn step(scene: Scene, part: Part, spoken: Spoken, event: &KeyboardEvent) {
    let key = event.key();
    match key.as_str() {
        "Escape" => scene.cursor.set(None),
        "PageUp" | "PageDown" if scene.model.with_untracked(|model| model.nodes.0 > MOST_NODES) => {
            event.prevent_default();
            part.turn(scene.model, key == "PageDown");
        }
        _ => {}
    }
    let Some(step) = Step::of_key(&key) else { return };
    event.prevent_default();
    let before = untrack(|| scene.place());
    let place = scene.model.with_untracked(|model| {
        let (rows, columns) = (model.rows.len(), model.columns.len());
        let place = before.map_or(Place::start(columns), |place| place.stepped(step, rows, columns));
        let start = model.columns.get(place.column).copied();
        scene.cursor.set(start.map(|start| Cursor::Keyboard { row: place.row, start }));
        place
    });
    spoken.say(untrack(|| scene.say(place)).map(|said| said.sentence()).unwrap_or_default());
}

/// What is said of the cell under the cursor, beside that cell; hidden while there is none.
#[component]
fn Tooltip(
    /// What is painted.
    scene: Scene,
) -> impl IntoView {
    let said = Memo::new(move |_| scene.say(scene.place()?));
    let part = move |part: fn(&Said) -> &String| {
        move || said.with(|said| said.as_ref().map(|said| part(said).clone()).unwrap_or_default())
    };
    let tooltip = NodeRef::<html::Div>::new();
    // In an effect, since the document itself may hold no style.
    Effect::new(move |_| {
        let (Some(place), Some(layout), Some(tooltip)) = (scene.place(), scene.layout(), tooltip.get()) else { return };
        let cell = layout.cell(place);
        let middle = cell.x + cell.width / 2.0;
        // At the left edge it reaches to the right, at the right edge to the left: it never leaves the page.
        let back = tenths(100.0 * middle / layout.width);
        let placed = [
            ("left", format!("{}px", tenths(middle / layout.ratio))),
            ("top", format!("{}px", tenths((cell.y + cell.height) / layout.ratio))),
            ("transform", format!("translateX(-{back}%)")),
        ];
        for (property, value) in placed {
            browser::set_style(&tooltip, property, &value);
        }
    });
    view! {
        <div
            class="tooltip"
            class:hidden=move || said.with(Option::is_none)
            node_ref=tooltip
            data-testid="heatmap-tooltip"
        >
            <strong class="tooltip-name">{part(|said| &said.name)}</strong>
            <span>{part(|said| &said.span)}</span>
            <span class="tooltip-value">{part(|said| &said.value)}</span>
            <span>{part(|said| &said.count)}</span>
            <span>{part(|said| &said.standing)}</span>
        </div>
    }
    .into_part()
}
