//! The browser's clock and events, held so that they end with whoever asked for them.
//!
//! To be used from effects and event handlers only: on the server there is no browser, and these calls would panic.

use crate::number;
use crate::place::Address;
use leptos::prelude::{StoredValue, document, window};
use leptos::wasm_bindgen::Clamped;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::JsValue;
use leptos::wasm_bindgen::prelude::Closure;
use web_sys::js_sys::{Date, encode_uri_component};
use web_sys::{
    CanvasRenderingContext2d, Element, Event, EventTarget, History, HtmlAnchorElement, HtmlCanvasElement,
    HtmlDetailsElement, HtmlElement, ImageData, KeyboardEvent, MediaQueryList, ResizeObserver,
};

/// Milliseconds since the Unix epoch, by the browser's clock.
pub(crate) fn now() -> u64 {
    Date::now() as u64
}

/// By how many minutes the clock of the reader's zone is ahead of UTC now.
pub(crate) fn minutes_east() -> i64 {
    -(Date::new_0().get_timezone_offset() as i64)
}

/// Milliseconds by a clock that never goes back, from a beginning of its own.
pub(crate) fn ticks() -> f64 {
    window().performance().map(|clock| clock.now()).unwrap_or_default()
}

/// Where the reader is.
pub(crate) fn address() -> Address {
    let location = window().location();
    // Neither fails in a window of a page.
    let (path, search) = (location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    Address { path, query: search.trim_start_matches('?').to_owned() }
}

/// Says that the reader is elsewhere on this page, and whether the browser's back button leads back.
pub(crate) fn note_address(address: &str, leads_back: bool) {
    if let Ok(history) = window().history() {
        let note = if leads_back { History::push_state_with_url } else { History::replace_state_with_url };
        // Fails where addresses change hundreds of times in seconds, and then this one is not noted.
        let _ = note(&history, &JsValue::NULL, "", Some(address));
    }
}

/// Whether a link leads to an address of this page.
pub(crate) fn is_here(link: &HtmlAnchorElement) -> bool {
    let location = window().location();
    location.origin().ok() == Some(link.origin()) && location.pathname().ok() == Some(link.pathname())
}

/// Device pixels to a CSS pixel.
pub(crate) fn pixel_ratio() -> f64 {
    window().device_pixel_ratio()
}

/// How large type is in an element, in CSS pixels.
pub(crate) fn type_size(element: &Element) -> f64 {
    let style = window().get_computed_style(element).ok().flatten();
    let size = style.and_then(|style| style.get_property_value("font-size").ok());
    size.and_then(|size| number::parse(&size)).unwrap_or(16.0)
}

/// Whether the page is on a screen whose reader prefers it dark, as something that tells of changes.
pub(crate) fn dark_screen() -> Option<MediaQueryList> {
    window().match_media("screen and (prefers-color-scheme: dark)").ok().flatten()
}

/// What one paints on a canvas with; none where the browser has none to give.
pub(crate) fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

/// A canvas of its own, beside the page, to put pixels on.
pub(crate) struct Bitmap {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
}

impl Bitmap {
    /// An empty one of so many pixels; none where the browser has none to give.
    pub(crate) fn new(width: u32, height: u32) -> Option<Self> {
        let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
        let context = context(&canvas)?;
        canvas.set_width(width);
        canvas.set_height(height);
        Some(Self { canvas, context })
    }

    /// Makes it so wide.
    pub(crate) fn widen(&self, width: u32) {
        // To set a size clears it, and costs where it is the same.
        if self.canvas.width() != width {
            self.canvas.set_width(width);
        }
    }

    /// Puts lines of pixels on it, from a line on: red, green, blue and opacity of each pixel; none where the browser can't.
    pub(crate) fn put_lines(&self, from: u32, rgba: &[u8]) -> Option<()> {
        let pixels = ImageData::new_with_u8_clamped_array(Clamped(rgba), self.canvas.width()).ok()?;
        self.context.put_image_data(&pixels, 0.0, f64::from(from)).ok()
    }

    /// What it is painted on.
    pub(crate) fn canvas(&self) -> &HtmlCanvasElement {
        &self.canvas
    }

    /// What one paints on it with.
    pub(crate) fn context(&self) -> &CanvasRenderingContext2d {
        &self.context
    }
}

/// Sets one property of an element's style, past the policy that allows none in the document.
pub(crate) fn set_style(element: &HtmlElement, property: &str, value: &str) {
    // Fails only for properties that can't be set.
    let _ = HtmlElement::style(element).set_property(property, value);
}

/// Has the browser keep what an address holds as a file of this name.
pub(crate) fn save(name: &str, address: &str) {
    let link = document().create_element("a").ok().and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(link) = link {
        link.set_href(address);
        link.set_download(name);
        link.click();
    }
}

/// Whether a key that was pressed is for the element that it was pressed in: a field takes every key, a button the space bar.
pub(crate) fn takes_key(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| match element.tag_name().as_str() {
        "INPUT" => true,
        "BUTTON" | "SUMMARY" => event.key() == " ",
        _ => false,
    })
}

/// Leads the keyboard to the element of this id.
pub(crate) fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // Fails for an element that takes no focus, and then the focus stays.
        let _ = element.focus();
    }
}

/// Opens what is folded away under this id, and leads the keyboard there; closes what is open.
pub(crate) fn open_and_focus(id: &str) {
    let details = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlDetailsElement>().ok());
    let Some(details) = details else { return };
    details.set_open(!details.open());
    let summary = details.first_element_child().and_then(|summary| summary.dyn_into::<HtmlElement>().ok());
    if let Some(summary) = summary.filter(|_| details.open()) {
        let _ = summary.focus();
        details.scroll_into_view();
    }
}

/// The canvas of this id as the address of a PNG, on the ground that it has on the page; none where there is none, or it is empty.
pub(crate) fn canvas_as_png(id: &str) -> Option<String> {
    let canvas: HtmlCanvasElement = document().get_element_by_id(id)?.dyn_into().ok()?;
    let (width, height) = (canvas.width(), canvas.height());
    let Bitmap { canvas: whole, context } = Bitmap::new(width, height)?;
    let style = window().get_computed_style(&canvas).ok()??;
    context.set_fill_style_str(&style.get_property_value("--surface").ok()?);
    context.fill_rect(0.0, 0.0, width.into(), height.into());
    context.draw_image_with_html_canvas_element(&canvas, 0.0, 0.0).ok()?;
    whole.to_data_url().ok()
}

/// A text as the address of a file of this type.
pub(crate) fn data_address(kind: &str, text: &str) -> String {
    format!("data:{kind};charset=utf-8,{}", String::from(encode_uri_component(text)))
}

/// Keeps a value for as long as the calling effect lives, then drops it.
pub(crate) fn hold<T: 'static>(value: T) {
    let _ = StoredValue::new_local(value);
}

/// A handler of one event of one target; dropping it removes it.
pub(crate) struct Listener {
    target: EventTarget,
    event: &'static str,
    handler: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Calls the handler at each such event.
    pub(crate) fn new(
        target: impl Into<EventTarget>,
        event: &'static str,
        handler: impl FnMut(Event) + 'static,
    ) -> Self {
        let (target, handler) = (target.into(), Closure::<dyn FnMut(_)>::new(handler));
        // Fails only where the handler is no function.
        let _ = target.add_event_listener_with_callback(event, handler.as_ref().unchecked_ref());
        Self { target, event, handler }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let handler = self.handler.as_ref().unchecked_ref();
        let _ = self.target.remove_event_listener_with_callback(self.event, handler);
    }
}

/// Watches the size of an element; dropping it ends the watch.
pub(crate) struct SizeWatch {
    observer: Option<ResizeObserver>,
    _handler: Closure<dyn FnMut()>,
}

impl SizeWatch {
    /// Calls the handler once at the beginning, and at each change of size.
    pub(crate) fn new(element: &Element, handler: impl FnMut() + 'static) -> Self {
        let handler = Closure::<dyn FnMut()>::new(handler);
        let observer = ResizeObserver::new(handler.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            observer.observe(element);
        }
        Self { observer, _handler: handler }
    }
}

impl Drop for SizeWatch {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}
