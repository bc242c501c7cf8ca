//! What a screen reader reads out of the heatmap. A reader who holds a key down hears where it ends, not every cell on the way.

use leptos::prelude::*;
use std::time::Duration;

/// So long it must stand before it is read out: longer than a key takes to repeat.
const STANDS: Duration = Duration::from_millis(200);

/// The text, and what waits to be it.
#[derive(Clone, Copy)]
pub(crate) struct Spoken {
    /// What the live region holds.
    pub(crate) text: RwSignal<String>,
    waiting: StoredValue<Option<TimeoutHandle>>,
}

impl Spoken {
    /// Nothing yet. To be called in a component, whose end ends what waits.
    pub(crate) fn new() -> Self {
        let spoken = Self { text: RwSignal::new(String::new()), waiting: StoredValue::new(None) };
        on_cleanup(move || spoken.call_off());
        spoken
    }

    /// Says a text, unless another follows at once.
    pub(crate) fn say(self, text: String) {
        self.call_off();
        let speak = move || {
            self.text.try_set(text);
        };
        self.waiting.try_set_value(set_timeout_with_handle(speak, STANDS).ok());
    }

    fn call_off(self) {
        if let Some(waiting) = self.waiting.try_get_value().flatten() {
            waiting.clear();
        }
    }
}
