//! The stream: a WebSocket on which the node sends a snapshot, then deltas.

use crate::api::StreamMessage;
use beauty::Resolution;
use leptos::prelude::window;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::prelude::Closure;
use web_sys::{MessageEvent, WebSocket};

const PATH: &str = "/federated/stream";

/// What comes over the stream.
pub(crate) enum Heard {
    /// A message.
    Message(Box<StreamMessage>),
    /// The end, or something that cannot be read, which is as good.
    Ended,
}

/// An open stream; dropping it closes it, and nothing is heard of it any more.
pub(crate) struct Stream {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut()>,
}

impl Stream {
    /// Opens the stream of the node that served the page, for maps of a resolution, after a number of a run where one was heard;
    /// `None` where the browser refuses.
    pub(crate) fn open(
        resolution: Resolution,
        since: Option<(u64, u64)>,
        hear: impl Fn(Heard) + Clone + 'static,
    ) -> Option<Self> {
        let socket = WebSocket::new(&address(resolution, since)?).ok()?;
        let hear_end = hear.clone();
        let on_message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| hear(read(&event)));
        // A failure is followed by a close, so the close alone is enough to know.
        let on_close = Closure::<dyn FnMut()>::new(move || hear_end(Heard::Ended));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self { socket, _on_message: on_message, _on_close: on_close })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Fails only for a bad code, and none is given.
        let _ = self.socket.close();
    }
}

fn address(resolution: Resolution, since: Option<(u64, u64)>) -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    let since = since.map(|(run, seq)| format!("&since={run}-{seq}")).unwrap_or_default();
    Some(format!("{scheme}://{}{PATH}?resolution={resolution}{since}", location.host().ok()?))
}

fn read(event: &MessageEvent) -> Heard {
    let message = event.data().as_string().and_then(|text| StreamMessage::read(&text));
    message.map_or(Heard::Ended, |message| Heard::Message(Box::new(message)))
}
