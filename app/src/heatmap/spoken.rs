//! What a screen reader reads out once it stands. A reader who holds a key down hears where it ends, not every cell on the way.

use leptos::prelude::*;
use std::time::Duration;

/// The text, and what waits to be it.
#[derive(Clone, Copy)]
pub(crate) struct Spoken {
    /// What the live region holds.
    pub(crate) text: RwSignal<String>,
    waiting: StoredValue<Option<TimeoutHandle>>,
    stands: Duration,
}

impl Spoken {
    /// Nothing yet; what is to be said must stand for so long. To be called in a component, whose end ends what waits.
    pub(crate) fn new(stands: Duration) -> Self {
        let spoken = Self { text: RwSignal::new(String::new()), waiting: StoredValue::new(None), stands };
        on_cleanup(move || spoken.call_off());
        spoken
    }

    /// Says a text, unless another follows at once.
    pub(crate) fn say(self, text: String) {
        self.call_off();
        let speak = move || {
            self.text.try_set(text);
        };
        self.waiting.try_set_value(set_timeout_with_handle(speak, self.stands).ok());
    }

    fn call_off(self) {
        if let Some(waiting) = self.waiting.try_get_value().flatten() {
            waiting.clear();
        }
    }
}
