//! The handshake of a WebSocket (RFC 6455 §4.2), and a socket behind it whose frames are counted as those of peers are.
//!
//! axum has such a handshake, but lets nobody look at what comes below its socket: a message in empty fragments without end is
//! never handed on, and one reader would keep the node's thread busy with it.

use super::problem::HttpProblem;
use crate::transport::Guard;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// A WebSocket to a reader.
pub(super) type Socket = WebSocketStream<Guard<TokioIo<Upgraded>>>;

/// A request for a WebSocket that can be met.
pub(super) struct Upgrade {
    accept: String,
    upgraded: OnUpgrade,
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = HttpProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Upgrade, HttpProblem> {
        let Parts { method, headers, extensions, .. } = parts;
        let asked = *method == Method::GET
            && has(headers, &header::CONNECTION, "upgrade")
            && has(headers, &header::UPGRADE, "websocket")
            && has(headers, &header::SEC_WEBSOCKET_VERSION, "13");
        let accept = headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
        let accept = accept.filter(|_| asked).ok_or_else(no_handshake)?;
        let upgraded = extensions.remove::<OnUpgrade>().ok_or_else(no_handshake)?;
        Ok(Upgrade { accept, upgraded })
    }
}

impl Upgrade {
    /// The answer that agrees, and the socket, which stands when that has been sent. `None`: the connection broke before.
    pub(super) fn agree(self, config: WebSocketConfig) -> (Response, impl Future<Output = Option<Socket>> + Send) {
        let Upgrade { accept, upgraded } = self;
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
        ];
        let accept = [(header::SEC_WEBSOCKET_ACCEPT, accept)];
        let socket = async move {
            let stream = Guard::behind_the_head(TokioIo::new(upgraded.await.ok()?));
            Some(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await)
        };
        ((StatusCode::SWITCHING_PROTOCOLS, headers, accept).into_response(), socket)
    }
}

/// Whether a list in a header names this word.
fn has(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}

fn no_handshake() -> HttpProblem {
    let detail = "a WebSocket is opened with the version 13 handshake of RFC 6455";
    HttpProblem::new(StatusCode::BAD_REQUEST, "bad-upgrade", "This is no WebSocket handshake", detail)
}
