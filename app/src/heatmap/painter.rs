//! When to paint: as soon as something has changed, and at most once for each frame of the screen.

use super::canvas::Surface;
use super::cursor::{Cursor, Place};
use super::layout::Layout;
use super::model::{HeatmapModel, Said, standing};
use super::paint::{Band, Look, paint};
use crate::api::Snapshot;
use crate::browser::{Listener, SizeWatch, dark_screen, hold, pixel_ratio, type_size};
use crate::choice::{Choice, Pin};
use crate::words::Language;
use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlCanvasElement;

/// How wide the canvas is, and how many device pixels there are to each pixel of that: CSS pixels where type has its usual size of 16 of
/// them, and as much more where it is larger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    /// Such pixels.
    pub(crate) width: f64,
    /// Device pixels to each.
    pub(crate) ratio: f64,
}

impl Size {
    fn of(canvas: &HtmlCanvasElement) -> Self {
        let scale = type_size(canvas) / 16.0;
        Self { width: f64::from(canvas.client_width()) / scale, ratio: pixel_ratio() * scale }
    }

    /// The geometry of the model at this size.
    pub(crate) fn layout(&self, model: &HeatmapModel) -> Layout {
        Layout::new(self.width, self.ratio, model.rows.len(), model.columns.len())
    }
}

/// What the picture is painted from. All handles, so that it can be moved into every effect.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    /// Where to paint.
    pub(crate) canvas: NodeRef<html::Canvas>,
    /// What the page shows.
    pub(crate) snapshot: ReadSignal<Snapshot>,
    /// What to paint of it.
    pub(crate) model: Memo<HeatmapModel>,
    /// What the reader has chosen.
    pub(crate) choice: Memo<Choice>,
    /// The reader's language.
    pub(crate) language: Language,
    /// What points at the cell to frame.
    pub(crate) cursor: RwSignal<Option<Cursor>>,
    /// Where the column begins from which the reader draws a span.
    pub(crate) drag: RwSignal<Option<u64>>,
    /// The canvas's size, once it is known.
    pub(crate) size: RwSignal<Option<Size>>,
}

impl Scene {
    /// Measures and paints from hydration on, for as long as the calling component lives.
    pub(crate) fn keep_painted(self) {
        Effect::new(move |_| {
            if let Some(canvas) = self.canvas.get() {
                self.watch(&canvas);
            }
        });
    }

    /// The geometry of this moment; none before the first measure.
    pub(crate) fn layout(&self) -> Option<Layout> {
        let size = self.size.get()?;
        Some(self.model.with(|model| size.layout(model)))
    }

    /// The cell that is pointed at in this moment, or else the one that is pinned.
    pub(crate) fn place(&self) -> Option<Place> {
        let Some(cursor) = self.cursor.get() else { return self.pinned() };
        // What is shown may have become another since it was pointed at.
        self.model.with(|model| match cursor {
            Cursor::Pointer(place) => Some(place).filter(|place| model.has(*place)),
            Cursor::Keyboard(pin, node) => model.pinned(pin, node.as_deref()),
        })
    }

    /// The same, for whoever does not follow it.
    pub(crate) fn here(&self) -> Option<Place> {
        untrack(|| self.place())
    }

    /// The column from which a span is being drawn, where it is on the map.
    pub(crate) fn drawn_from(&self) -> Option<usize> {
        let pin = Pin { start: self.drag.get_untracked()?, row: 0 };
        self.model.read_untracked().pinned(pin, None).map(|place| place.column)
    }

    /// What a cell is known by.
    pub(crate) fn known_by(&self, place: Option<Place>) -> Option<(Pin, Option<String>)> {
        self.model.read_untracked().known_by(place?)
    }

    /// A span begins at a cell.
    pub(crate) fn draw_from(&self, place: Option<Place>) {
        self.drag.set(self.known_by(place).map(|(pin, _)| pin.start));
    }

    /// The cell that is pinned, where it is on the map.
    pub(crate) fn pinned(&self) -> Option<Place> {
        let (pin, node) = self.choice.with(|choice| Some((choice.pin?, choice.node.clone())))?;
        self.model.with(|model| model.pinned(pin, node.as_deref()))
    }

    /// What is said of a cell; none where there is none.
    pub(crate) fn say(&self, place: Place) -> Option<Said> {
        let (mut said, has_nodes) =
            self.model.with(|model| Some((model.say(place, self.language)?, model.nodes.0 > 0)))?;
        let node = (place.row > 0 && has_nodes).then_some(said.name.as_str());
        said.standing = self.snapshot.with(|snapshot| standing(snapshot, node, self.language));
        Some(said)
    }

    /// Runs in an effect, whose end is the end of everything asked for here.
    fn watch(self, canvas: &HtmlCanvasElement) {
        let frame = Frame::new(self, Surface::new(canvas));
        let measured = canvas.clone();
        let measure = move || {
            let size = Size::of(&measured);
            if self.size.get_untracked() != Some(size) {
                self.size.set(Some(size));
            }
        };
        hold(SizeWatch::new(canvas, measure.clone()));
        // A window that moves to another screen changes the pixel ratio, not the width.
        hold(Listener::new(window(), "resize", move |_| measure()));
        hold(dark_screen().map(|screen| Listener::new(screen, "change", move |_| frame.request_in_new_colours())));
        // Printed is what is on the canvas once this has been heard: no frame of the screen comes between.
        for (event, paper) in [("beforeprint", true), ("afterprint", false)] {
            hold(Listener::new(window(), event, move |_| frame.paint_for_paper(paper)));
        }
        Effect::new(move |_| {
            self.model.track();
            self.choice.track();
            self.cursor.track();
            self.drag.track();
            self.size.track();
            frame.request();
        });
    }

    /// The picture of this moment, and its geometry; none before the first measure.
    fn picture(self) -> Option<(Layout, Vec<Band>)> {
        let size = self.size.try_get_untracked().flatten()?;
        let choice = self.choice.try_get_untracked()?;
        self.model.try_with_untracked(|model| {
            let layout = size.layout(model);
            let line = choice.line.map(|line| f64::from(line) / 100.0);
            let (cursor, drag) = (self.here(), self.drawn_from());
            let look = Look { palette: choice.palette, line, cursor, drag };
            (layout, paint(model, &layout, &look, self.language))
        })
    }
}

/// The next frame of the screen, asked for at most once at a time.
#[derive(Clone, Copy)]
struct Frame {
    scene: Scene,
    surface: StoredValue<Option<Surface>, LocalStorage>,
    asked: StoredValue<Option<AnimationFrameRequestHandle>>,
}

impl Frame {
    /// To be called in an effect, whose end calls off the frame.
    fn new(scene: Scene, surface: Option<Surface>) -> Self {
        let asked = StoredValue::new(None::<AnimationFrameRequestHandle>);
        on_cleanup(move || {
            if let Some(frame) = asked.try_get_value().flatten() {
                frame.cancel();
            }
        });
        Self { scene, surface: StoredValue::new_local(surface), asked }
    }

    fn request(self) {
        if self.asked.try_get_value() != Some(None) {
            return;
        }
        let frame = request_animation_frame_with_handle(move || {
            self.asked.try_set_value(None);
            self.paint();
        });
        self.asked.set_value(frame.ok());
    }

    fn paint(self) {
        if let Some((layout, picture)) = self.scene.picture() {
            self.with_surface(|surface| surface.show(&layout, picture));
        }
    }

    fn request_in_new_colours(self) {
        self.with_surface(Surface::forget_theme);
        self.request();
    }

    fn paint_for_paper(self, paper: bool) {
        self.with_surface(|surface| surface.lie_on_paper(paper));
        self.paint();
    }

    /// The surface, while the component lives and where the browser has one.
    fn with_surface(self, act: impl FnOnce(&mut Surface)) {
        self.surface.try_update_value(|surface| surface.as_mut().map(act));
    }
}
