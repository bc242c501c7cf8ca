//! Dialling a peer: once. When to try again is `gossip`'s to say.

use super::connection::{Context, run};
use super::{limits, uplink};
use crate::node::Command;
use gossip::wire::SUBPROTOCOL;
use gossip::{Address, Dialect, Direction};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tracing::debug;

/// Dials in a task of its own; what came of it reaches the node as a command.
pub(crate) fn dial(context: &Context, address: Address) {
    let context = context.clone();
    context.tasks.clone().spawn(async move {
        let Some(dialled) = context.shutdown.run_until_cancelled(timeout(limits::HANDSHAKE, connect(&address))).await
        else {
            return;
        };
        let why = match dialled {
            Ok(Ok((socket, dialect))) => return run(context, socket, Direction::Outbound, address, dialect).await,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", limits::HANDSHAKE.as_secs()),
        };
        debug!(%address, "could not be dialled: {why}");
        // Fails only when the node has ended.
        let _ = context.commands.send(Command::DialFailed { address }).await;
    });
}

/// Offers our subprotocol first. A listener that agrees on none is no node: it is spoken with in JSON.
async fn connect(address: &Address) -> Result<(WebSocketStream<TcpStream>, Dialect), Error> {
    let mut offer = address.to_string().into_client_request()?;
    offer.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    match upgrade(address, offer).await {
        Ok(socket) => Ok((socket, Dialect::V2)),
        Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol))) => {
            Ok((upgrade(address, address.to_string().into_client_request()?).await?, Dialect::Json))
        }
        Err(error) => Err(error),
    }
}

async fn upgrade(address: &Address, request: Request) -> Result<WebSocketStream<TcpStream>, Error> {
    let host = address.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, address.port())).await?;
    stream.set_nodelay(true)?;
    uplink::show_waiting(&stream);
    let (socket, _) = client_async_with_config(request, stream, Some(limits::web_socket_config())).await?;
    Ok(socket)
}
