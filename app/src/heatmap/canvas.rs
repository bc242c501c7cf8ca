//! Carries out the painter's draw calls on a canvas element. No decision is made here but one: what looks as it did is left alone.

use super::layout::{Area, Layout};
use super::paint::{Align, Band, Draw, Ink};
use crate::browser::{self, Bitmap};
use crate::number::tenths;
use leptos::prelude::window;
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement};

/// The attribute by which the style sheet knows a canvas that is being printed.
const PAPER: &str = "data-paper";

/// A canvas, what one paints on it with, and what is on it.
pub(crate) struct Surface {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    /// The same picture beside the page, where it is painted: whoever tells a font to a canvas of the page waits until the browser has
    /// worked out how all of the page looks.
    desk: Bitmap,
    /// A line of pixels beside the page, which is stretched to a row of cells.
    line: Bitmap,
    /// What the style sheet says of the canvas; asked once, since to ask it costs more than to paint.
    theme: Option<Theme>,
    shown: Vec<Band>,
}

impl Surface {
    /// An empty canvas; none where the browser has nothing to paint with.
    pub(crate) fn new(canvas: &HtmlCanvasElement) -> Option<Self> {
        let context = browser::context(canvas)?;
        let [desk, line] = [Bitmap::new(1, 1)?, Bitmap::new(1, 1)?];
        Some(Self { canvas: canvas.clone(), context, desk, line, theme: None, shown: Vec::new() })
    }

    /// The colours of the page are others from now on.
    pub(crate) fn forget_theme(&mut self) {
        self.theme = None;
        self.shown.clear();
    }

    /// From now on it is painted for paper, which is white whatever the screen is, or for the screen again.
    pub(crate) fn lie_on_paper(&mut self, paper: bool) {
        // Fails never: the name is one.
        let _ = self.canvas.toggle_attribute_with_force(PAPER, paper);
        self.forget_theme();
    }

    /// Paints the bands of the picture that are not there yet.
    pub(crate) fn show(&mut self, layout: &Layout, picture: Vec<Band>) {
        if self.theme.is_none() {
            self.theme = Theme::of(&self.canvas);
        }
        let Some(theme) = &self.theme else { return };
        if fit(&self.canvas, layout) | fit(self.desk.canvas(), layout) {
            self.shown.clear();
        }
        let context = self.desk.context();
        context.set_text_baseline("middle");
        context.set_image_smoothing_enabled(false);
        let mut pen = Pen { context, theme, line: &self.line, font: None };
        let is_new = |(place, band): &(usize, &Band)| self.shown.get(*place) != Some(band);
        let anew: Vec<&Band> = picture.iter().enumerate().filter(is_new).map(|(_, band)| band).collect();
        anew.iter().for_each(|band| pen.paint(band));
        // All at once: between two strokes it would have to be copied whole.
        for Band { area: Area { x, y, width: w, height: h }, .. } in anew {
            let (desk, x, y, w, h) = (self.desk.canvas(), *x, *y, *w, *h);
            self.context.clear_rect(x, y, w, h);
            // Fails only for a canvas without pixels, and then there is nothing to show.
            let _ = self.context.draw_image_with_html_canvas_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                desk, x, y, w, h, x, y, w, h,
            );
        }
        self.shown = picture;
    }
}

/// Gives the canvas as many pixels as the screen has for it. True where that has cleared it: so it is done only when it differs.
fn fit(canvas: &HtmlCanvasElement, layout: &Layout) -> bool {
    let (width, height) = (layout.width as u32, layout.height as u32);
    let differs = (canvas.width(), canvas.height()) != (width, height);
    if differs {
        canvas.set_width(width);
        canvas.set_height(height);
    }
    differs
}

/// What the style sheet says of the canvas.
struct Theme {
    strong: String,
    muted: String,
    faint: String,
    font: String,
}

impl Theme {
    fn of(canvas: &HtmlCanvasElement) -> Option<Self> {
        let style: CssStyleDeclaration = window().get_computed_style(canvas).ok()??;
        let property = |name| style.get_property_value(name).unwrap_or_default();
        Some(Self {
            strong: property("--ink"),
            muted: property("--ink-muted"),
            faint: property("--hatch"),
            font: property("font-family"),
        })
    }
}

struct Pen<'a> {
    context: &'a CanvasRenderingContext2d,
    theme: &'a Theme,
    line: &'a Bitmap,
    /// The size of the letters that are set, and whether they are bold: the browser reads a font anew each time that it is told one.
    font: Option<(f64, bool)>,
}

impl Pen<'_> {
    /// Paints a band anew, and nothing beside it.
    fn paint(&mut self, band: &Band) {
        let Area { x, y, width, height } = band.area;
        self.context.clear_rect(x, y, width, height);
        // Only a frame around a cell reaches into the bands beside it.
        let reaches = |draw: &Draw| matches!(draw, Draw::Rects { areas, .. } if areas.iter().any(|area| !area.lies_in(&band.area)));
        let cut = band.draws.iter().any(reaches);
        let font = self.font;
        if cut {
            self.context.save();
            self.context.begin_path();
            self.context.rect(x, y, width, height);
            self.context.clip();
        }
        for draw in &band.draws {
            self.draw(draw);
        }
        if cut {
            self.context.restore();
            self.font = font;
        }
    }

    fn draw(&mut self, draw: &Draw) {
        match draw {
            Draw::Cells { area, rgba } => self.stretch(area, rgba),
            Draw::Clear(areas) => {
                for area in areas {
                    self.context.clear_rect(area.x, area.y, area.width, area.height);
                }
            }
            Draw::Rects { areas, ink } => {
                self.fill_with(*ink);
                for area in areas {
                    self.context.fill_rect(area.x, area.y, area.width, area.height);
                }
            }
            Draw::Lines { segments, width, ink } => {
                self.context.set_stroke_style_str(self.colour(*ink));
                self.context.set_line_width(*width);
                self.context.begin_path();
                for [from, to] in segments {
                    self.context.move_to(from.0, from.1);
                    self.context.line_to(to.0, to.1);
                }
                self.context.stroke();
            }
            Draw::Text { text, x, y, room, size, align, bold, ink } => {
                if self.font.replace((*size, *bold)) != Some((*size, *bold)) {
                    let weight = if *bold { 600 } else { 400 };
                    self.context.set_font(&format!("{weight} {}px {}", tenths(*size), self.theme.font));
                }
                self.context.set_text_align(match align {
                    Align::Left => "left",
                    Align::Centre => "center",
                    Align::Right => "right",
                });
                self.fill_with(*ink);
                // Fails never: the point is finite.
                let _ = self.context.fill_text_with_max_width(text, *x, *y, *room);
            }
        }
    }

    fn fill_with(&self, ink: Ink) {
        self.context.set_fill_style_str(self.colour(ink));
    }

    /// Draws a line of pixels over the area, one sharp rectangle for each of them.
    fn stretch(&self, area: &Area, rgba: &[u8]) {
        self.line.widen((rgba.len() / 4) as u32);
        if self.line.put_lines(0, rgba).is_none() {
            return;
        }
        let (line, Area { x, y, width, height }) = (self.line.canvas(), *area);
        // Fails only for a canvas without pixels, and then there is nothing to draw.
        let _ = self.context.draw_image_with_html_canvas_element_and_dw_and_dh(line, x, y, width, height);
    }

    fn colour(&self, ink: Ink) -> &str {
        match ink {
            Ink::Strong => &self.theme.strong,
            Ink::Muted => &self.theme.muted,
            Ink::Faint => &self.theme.faint,
        }
    }
}
