//! Carries out the painter's draw calls on a canvas element. No decision is made here.

use super::layout::{Area, Layout};
use super::paint::{Align, Draw, Ink};
use crate::browser;
use crate::number::tenths;
use leptos::prelude::window;
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement};

/// Paints the picture, and nothing where the browser has no canvas to give.
pub(crate) fn show(canvas: &HtmlCanvasElement, layout: &Layout, picture: &[Draw]) {
    let Some(context) = browser::context(canvas) else { return };
    let Ok(Some(style)) = window().get_computed_style(canvas) else { return };
    fit(canvas, layout);
    context.clear_rect(0.0, 0.0, layout.width, layout.height);
    context.set_text_baseline("middle");
    let pen = Pen { context, theme: Theme::read(&style) };
    for draw in picture {
        pen.draw(draw);
    }
}

/// Gives the canvas as many pixels as the screen has for it. Setting a size clears the canvas, so it is set only when it differs.
fn fit(canvas: &HtmlCanvasElement, layout: &Layout) {
    let (width, height) = (layout.width as u32, layout.height as u32);
    if canvas.width() != width {
        canvas.set_width(width);
    }
    if canvas.height() != height {
        canvas.set_height(height);
    }
}

/// What the style sheet says of the canvas.
struct Theme {
    strong: String,
    muted: String,
    faint: String,
    font: String,
}

impl Theme {
    fn read(style: &CssStyleDeclaration) -> Self {
        let property = |name| style.get_property_value(name).unwrap_or_default();
        Self {
            strong: property("--ink"),
            muted: property("--ink-muted"),
            faint: property("--hatch"),
            font: property("font-family"),
        }
    }
}

struct Pen {
    context: CanvasRenderingContext2d,
    theme: Theme,
}

impl Pen {
    fn draw(&self, draw: &Draw) {
        match draw {
            Draw::Cells { area, columns, rgba } => self.stretch(area, *columns, rgba),
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
            Draw::Text { text, x, y, size, align, bold, ink } => {
                let weight = if *bold { 600 } else { 400 };
                self.context.set_font(&format!("{weight} {}px {}", tenths(*size), self.theme.font));
                self.context.set_text_align(match align {
                    Align::Left => "left",
                    Align::Centre => "center",
                    Align::Right => "right",
                });
                self.fill_with(*ink);
                // Fails never: the point is finite.
                let _ = self.context.fill_text(text, *x, *y);
            }
        }
    }

    fn fill_with(&self, ink: Ink) {
        self.context.set_fill_style_str(self.colour(ink));
    }

    /// Draws a small picture over the area, one sharp rectangle for each of its pixels.
    fn stretch(&self, area: &Area, columns: usize, rgba: &[u8]) {
        let Some(small) = browser::bitmap(columns as u32, rgba) else { return };
        self.context.set_image_smoothing_enabled(false);
        let Area { x, y, width, height } = *area;
        // Fails only for a canvas without pixels, and then there is nothing to draw.
        let _ = self.context.draw_image_with_html_canvas_element_and_dw_and_dh(&small, x, y, width, height);
    }

    fn colour(&self, ink: Ink) -> &str {
        match ink {
            Ink::Strong => &self.theme.strong,
            Ink::Muted => &self.theme.muted,
            Ink::Faint => &self.theme.faint,
        }
    }
}
