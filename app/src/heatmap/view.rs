//! The widget: what can be chosen, the canvas, what is said of the cell that is pointed at, legend and table.

use super::controls::{Controls, shown, turn};
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
use crate::map::silent_since;
use crate::number::{fixed, tenths};
use crate::part::{IntoPart, flag, text};
use crate::place::{self, use_place};
use crate::words::{ReadersZone, td_string, use_language};
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;

/// Longer than a key takes to repeat.
const REPEATS: Duration = Duration::from_millis(200);

/// The heatmap of a mesh.
#[component]
pub(crate) fn HeatmapView(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// The zone that times are told in.
    zone: ReadersZone,
) -> impl IntoView {
    let language = use_language();
    let aspect = Memo::new(move |_| {
        choice.with(|choice| Aspect {
            kind: choice.kind,
            filter: folded(choice.find.trim()),
            first: choice.above as usize,
        })
    });
    let model = Memo::new(move |_| {
        let snapshot = snapshot.read();
        let mut model = HeatmapModel::new(&snapshot.heatmap, &aspect.read(), snapshot.health.now, language);
        model.zone = zone.get();
        model.mark_late(|node| silent_since(&snapshot, node));
        model
    });
    let (cursor, drag, size) = (RwSignal::new(None), RwSignal::new(None), RwSignal::new(None));
    let scene = Scene { canvas: NodeRef::new(), snapshot, model, choice, language, cursor, drag, size };
    let missing = move || {
        let HeatmapModel { columns, kept_from: [_, from], resolution_seconds, nodes_left_out, zone, .. } =
            &*model.read();
        let mut said = String::new();
        if *nodes_left_out > 0 {
            said = td_string!(language, heatmap.left_out, nodes = language.nodes(*nodes_left_out as u64));
            said.push(' ');
        }
        if columns.first() < Some(from) {
            let moment = zone.start(*from, *resolution_seconds, language);
            said.push_str(&td_string!(language, heatmap.kept_from, moment));
        }
        said
    };
    view! {
        <div class="heatmap">
            <Controls choice model language />
            <Picture snapshot scene />
            <Legend choice language />
            <p class="note">{text(missing)}</p>
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
) -> impl IntoView {
    scene.keep_painted();
    let Scene { canvas, model, language, choice, .. } = scene;
    let spoken = Spoken::new(REPEATS);
    let rows = move || model.with(|model| model.rows.len());
    let to = use_place();
    let go = move |address: String| to.go(&address);
    let follow = move |node: Option<String>| {
        let before = choice.get_untracked();
        if before.node != node {
            go(before.with(|choice| (choice.node, choice.pin) = (node, None)));
        }
    };
    let down = move |event: PointerEvent| {
        point(scene, &event);
        scene.draw_from(under(scene, &event));
    };
    // A cell that was clicked is pinned and its row followed, or both let go.
    let pin = move |place: Place| {
        let was = untrack(|| scene.pinned()) == Some(place);
        scene.cursor.set(was.then_some(Cursor::Pointer(place)));
        let known = scene.known_by((!was).then_some(place));
        let (pin, node) = known.map_or((None, None), |(pin, node)| (Some(pin), node));
        to.keep(choice, |choice| (choice.node, choice.pin) = (node, pin));
    };
    // A span that was drawn is looked at.
    let look_at = move |from: usize, place: Place| {
        scene.drag.set(None);
        let (model, now) = (model.read_untracked(), snapshot.read_untracked().health.now);
        let start = |column: usize| model.columns.get(column).copied();
        let Some((first, last)) = start(from.min(place.column)).zip(start(from.max(place.column))) else { return };
        let end = last + model.resolution_seconds * 1_000;
        let address = choice.get_untracked().zoomed(first, end, model.columns.len(), now);
        drop(model);
        go(address);
    };
    let up = move |event: PointerEvent| {
        point(scene, &event);
        match scene.drawn_from().zip(under(scene, &event)) {
            Some((from, place)) if from != place.column => look_at(from, place),
            drawn => {
                scene.drag.set(None);
                if let Some((_, place)) = drawn {
                    pin(place);
                }
            }
        }
    };
    let key = move |event: KeyboardEvent| {
        let key = event.key();
        let pins = key == "p" && !(event.ctrl_key() || event.alt_key() || event.meta_key());
        let Some(place) = scene.here().filter(|_| pins || key == "Enter") else {
            return step(scene, to, spoken, &event);
        };
        event.prevent_default();
        match scene.drawn_from() {
            _ if pins => pin(place),
            Some(from) => look_at(from, place),
            None => {
                let followed = choice.get_untracked().node;
                let node = scene.known_by(Some(place)).and_then(|(_, node)| node);
                follow(node.filter(|node| followed.as_ref() != Some(node)));
            }
        }
    };
    view! {
        <div class="heatmap-picture">
            // It keeps the height: a policy that allows no style in the document's lines leaves attributes of SVG alone.
            <svg
                class="heatmap-strut"
                width="0"
                height=text(move || format!("{}rem", fixed(layout::height(rows()) / 16.0, 3)))
                aria-hidden="true"
            ></svg>
            <canvas
                id="heatmap"
                node_ref=canvas
                class="heatmap-canvas"
                tabindex="0"
                role="application"
                aria-roledescription=td_string!(language, heatmap.role)
                aria-label=text(move || model.with(|model| model.summary(language)))
                aria-describedby="heatmap-help"
                aria-details="heatmap-table"
                data-testid="heatmap-canvas"
                data-columns=text(move || model.with(|model| model.columns.len().to_string()))
                data-rows=text(move || rows().to_string())
                on:pointerdown=down
                on:pointermove=move |event| point(scene, &event)
                on:pointerleave=move |event| leave(scene, &event)
                on:pointerup=up
                on:keydown=key
                on:blur=move |_| let_go(scene)
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
    let [x, y] = [event.offset_x(), event.offset_y()].map(|css| f64::from(css) * browser::pixel_ratio());
    untrack(|| scene.layout()).and_then(|layout| layout.place_at(x, y))
}

/// Lets go of the cell that is pinned.
fn unpin(scene: Scene, to: place::Place) {
    if scene.choice.get_untracked().pin.is_some() {
        to.keep(scene.choice, |choice| choice.pin = None);
    }
}

/// The pointer is on a cell, or beside all of them. A pinned cell gives way to a span that is being drawn, and to nothing else.
fn point(scene: Scene, event: &PointerEvent) {
    let place = under(scene, event);
    let draws = scene.drawn_from().zip(place).is_some_and(|(from, place)| from != place.column);
    if !draws && untrack(|| scene.pinned()).is_some() {
        return;
    }
    let cursor = place.map(Cursor::Pointer);
    if scene.cursor.get_untracked() != cursor {
        scene.cursor.set(cursor);
    }
}

/// Nothing is pointed at, and no span drawn.
fn let_go(scene: Scene) {
    scene.drag.set(None);
    scene.cursor.set(None);
}

/// A mouse that has left points at nothing; a finger that was lifted still does.
fn leave(scene: Scene, event: &PointerEvent) {
    scene.drag.set(None);
    if event.pointer_type() != "touch" {
        scene.cursor.set(None);
    }
}

/// Moves the cursor by keyboard, draws a span, or turns to other nodes, and has read out what is there.
fn step(scene: Scene, to: place::Place, spoken: Spoken, event: &KeyboardEvent) {
    let key = event.key();
    let step = Step::of_key(&key);
    let turns = matches!(key.as_str(), "PageUp" | "PageDown") && scene.model.read_untracked().nodes.0 > MOST_NODES;
    if key == "Escape" {
        let_go(scene);
        unpin(scene, to);
        return spoken.say(String::new());
    }
    if step.is_none() && !turns {
        return;
    }
    event.prevent_default();
    let columns = scene.model.read_untracked().columns.len();
    let before = scene.here().unwrap_or(Place::start(columns));
    let place = step.map_or(before, |step| before.stepped(step, scene.model.read_untracked().rows.len(), columns));
    if !event.shift_key() {
        scene.drag.set(None);
    } else if scene.drag.get_untracked().is_none() {
        scene.draw_from(Some(before));
    }
    let mut said = String::new();
    if turns {
        turn(scene.choice, scene.model, to, key == "PageDown");
        said = shown(&scene.model.read_untracked(), scene.language) + ". ";
    }
    // Of other nodes it is the one in the same row.
    scene.cursor.set(scene.known_by(Some(place)).map(|(pin, node)| Cursor::Keyboard(pin, node)));
    unpin(scene, to);
    said.push_str(&untrack(|| scene.say(place)).map(|said| said.sentence()).unwrap_or_default());
    spoken.say(said);
}

/// What is said of the cell under the cursor, beside that cell; hidden while there is none.
#[component]
fn Tooltip(
    /// What is painted.
    scene: Scene,
) -> impl IntoView {
    let said = Memo::new(move |_| scene.say(scene.place()?));
    let part = move |part: fn(&Said) -> &String| {
        text(move || said.with(|said| said.as_ref().map(|said| part(said).clone()).unwrap_or_default()))
    };
    let tooltip = NodeRef::<html::Div>::new();
    // In an effect, since the document itself may hold no style.
    Effect::new(move |_| {
        let (Some(place), Some(layout), Some(tooltip)) = (scene.place(), scene.layout(), tooltip.get()) else { return };
        let cell = layout.cell(place);
        let (middle, ratio) = (cell.x + cell.width / 2.0, browser::pixel_ratio());
        // At the left edge it reaches to the right, at the right edge to the left: it never leaves the page.
        let back = tenths(100.0 * middle / layout.width);
        let placed = [
            ("left", format!("{}px", tenths(middle / ratio))),
            ("top", format!("{}px", tenths((cell.y + cell.height) / ratio))),
            ("transform", format!("translateX(-{back}%)")),
        ];
        for (property, value) in placed {
            browser::set_style(&tooltip, property, &value);
        }
    });
    view! {
        <div
            class="tooltip"
            // Until it is known where its cell is, it would stand elsewhere.
            class:hidden=flag(move || said.with(Option::is_none) || scene.size.get().is_none())
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
