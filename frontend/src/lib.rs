//! The WASM entry of the page: takes over the HTML that the server sent, nothing more.
#![forbid(unsafe_code)]
#![cfg(target_arch = "wasm32")]

use wasm_bindgen::prelude::wasm_bindgen;

/// Called once by the script that the server puts into the document's head.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
