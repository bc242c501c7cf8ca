//! The browser's clock and events, held so that they end with whoever asked for them.
//!
//! To be used from effects and event handlers only: on the server there is no browser, and these calls would panic.

use leptos::prelude::{StoredValue, window};
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::prelude::Closure;
use web_sys::js_sys::Date;
use web_sys::{Element, EventTarget, MediaQueryList, ResizeObserver};

/// Milliseconds since the Unix epoch, by the browser's clock.
pub(crate) fn now() -> u64 {
    Date::now() as u64
}

/// Device pixels to a CSS pixel.
pub(crate) fn pixel_ratio() -> f64 {
    window().device_pixel_ratio()
}

/// The colour scheme that the reader prefers, as something that tells of changes.
pub(crate) fn dark_scheme() -> Option<MediaQueryList> {
    window().match_media("(prefers-color-scheme: dark)").ok().flatten()
}

/// Keeps a value for as long as the calling effect lives, then drops it.
pub(crate) fn hold<T: 'static>(value: T) {
    let _ = StoredValue::new_local(value);
}

/// A handler of one event of one target; dropping it removes it.
pub(crate) struct Listener {
    target: EventTarget,
    event: &'static str,
    handler: Closure<dyn FnMut()>,
}

impl Listener {
    /// Calls the handler at each such event.
    pub(crate) fn new(target: impl Into<EventTarget>, event: &'static str, handler: impl FnMut() + 'static) -> Self {
        let (target, handler) = (target.into(), Closure::<dyn FnMut()>::new(handler));
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
