//! The stream: a WebSocket on which the node sends a snapshot, then deltas.

use crate::api::StreamMessage;
use beauty::Resolution;
use leptos::prelude::window;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::prelude::Closure;
use serde::Deserialize;
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
    /// Opens the stream of the node that served the page, for maps of a resolution; `None` where the browser refuses.
    pub(crate) fn open(resolution: Resolution, hear: impl Fn(Heard) + Clone + 'static) -> Option<Self> {
        let socket = WebSocket::new(&address(resolution)?).ok()?;
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

fn address(resolution: Resolution) -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    // What is usual is not said, so that the address of the usual stream is as short as its path.
    let query = match resolution {
        Resolution::TenSeconds => String::new(),
        other => format!("?resolution={other}"),
    };
    Some(format!("{scheme}://{}{PATH}{query}", location.host().ok()?))
}

fn read(event: &MessageEvent) -> Heard {
    let message = event.data().as_string().and_then(|text| parse(&text).ok());
    message.map_or(Heard::Ended, |message| Heard::Message(Box::new(message)))
}

/// Reads the type first, then the rest: what serde derives for a tagged enum copies each message once more, and every type that
/// it reads is compiled a second time, which weighs on the download.
fn parse(text: &str) -> serde_json::Result<StreamMessage> {
    let Head { kind } = serde_json::from_str(text)?;
    Ok(match kind {
        Kind::Snapshot => StreamMessage::Snapshot(serde_json::from_str(text)?),
        Kind::Delta => StreamMessage::Delta(serde_json::from_str(text)?),
    })
}

/// What a message begins with.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Snapshot,
    Delta,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{delta, snapshot};

    #[test]
    fn what_the_node_writes_is_read() {
        for message in [StreamMessage::Snapshot(Box::new(snapshot())), StreamMessage::Delta(Box::new(delta()))] {
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(parse(&text).unwrap(), message);
        }
    }

    #[test]
    fn what_is_neither_snapshot_nor_delta_is_refused() {
        assert!(parse(r#"{"type":"farewell"}"#).is_err());
        assert!(parse("").is_err());
    }
}
