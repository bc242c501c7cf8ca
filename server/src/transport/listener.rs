//! The port for peers.

use super::connection::{Context, run};
use super::limits;
use super::places::Places;
use super::uplink;
use gossip::wire::SUBPROTOCOL;
use gossip::{Address, Dialect, Direction};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::{HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};
use tracing::{debug, warn};

/// Accepts peers until the node ends.
/// `limit_loopback`: whether the limit for an address holds for this machine's own, too.
pub(crate) async fn listen(context: Context, listener: TcpListener, limit_loopback: bool) {
    let places = Places::new(limit_loopback);
    let handshakes = Arc::new(Semaphore::new(limits::HANDSHAKES));
    loop {
        let accepted = tokio::select! {
            () = context.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most often no file descriptor is left: others must be closed before accepting can go on.
                warn!("a peer could not be accepted: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(place) = places.take(from.ip()) else {
            debug!(%from, "dropped: its address has {} connections", limits::PER_ADDRESS);
            continue;
        };
        let Ok(permit) = Arc::clone(&handshakes).try_acquire_owned() else {
            debug!(%from, "dropped: {} handshakes are under way", limits::HANDSHAKES);
            continue;
        };
        let peer = context.clone();
        context.tasks.spawn(async move {
            let _place = place;
            let Some(socket) = peer.shutdown.run_until_cancelled(timeout(limits::HANDSHAKE, upgrade(stream))).await
            else {
                return;
            };
            drop(permit);
            match socket {
                Ok(Ok((socket, dialect))) => run(peer, socket, Direction::Inbound, observed(from), dialect).await,
                Ok(Err(error)) => debug!(%from, "no WebSocket handshake: {error}"),
                Err(_) => debug!(%from, "no WebSocket handshake within {} s", limits::HANDSHAKE.as_secs()),
            }
        });
    }
}

/// The handshake. Who offers our subprotocol is a node, who offers none may be a script.
async fn upgrade(stream: TcpStream) -> Result<(WebSocketStream<TcpStream>, Dialect), Error> {
    stream.set_nodelay(true)?;
    uplink::show_waiting(&stream);
    let mut dialect = Dialect::Json;
    #[expect(clippy::result_large_err, reason = "tungstenite's callback has this type")]
    let agree = |request: &Request, mut response: Response| {
        // A browser names the page's site: no page is a peer, and none may become one behind its reader's back.
        if request.headers().contains_key(ORIGIN) {
            let mut refused = ErrorResponse::new(Some("a page in a browser can't be a peer".to_owned()));
            *refused.status_mut() = StatusCode::FORBIDDEN;
            return Err(refused);
        }
        if offers_v2(request) {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
            dialect = Dialect::V2;
        }
        Ok(response)
    };
    let socket = accept_hdr_async_with_config(stream, agree, Some(limits::web_socket_config())).await?;
    Ok((socket, dialect))
}

fn offers_v2(request: &Request) -> bool {
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|name| name.trim() == SUBPROTOCOL)
}

/// Where a peer dialled from, as an address.
fn observed(from: SocketAddr) -> Address {
    Address::from(SocketAddr::new(from.ip().to_canonical(), from.port()))
}
