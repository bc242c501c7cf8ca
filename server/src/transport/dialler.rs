//! Dialling a peer: once. When to try again is `gossip`'s to say.

use super::connection::{Context, Met, run};
use super::guard::Guard;
use super::joining::{Entry, Socket, Whence};
use super::stream::PeerStream;
use super::{limits, uplink};
use crate::node::Command;
use crate::tls::{Carried, WANTS_TLS};
use gossip::join::Refusal;
use gossip::wire::SUBPROTOCOL;
use gossip::{Address, Dialect, Direction};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header::SEC_WEBSOCKET_PROTOCOL};
use tracing::debug;

/// Dials in a task of its own; what came of it reaches the node as a command.
pub(crate) fn dial(context: &Context, address: Address) {
    let context = context.clone();
    context.tasks.clone().spawn(async move {
        let Some(met) = context.shutdown.run_until_cancelled(meet(&context.entry, &address)).await else { return };
        if let Some((socket, met)) = met {
            return run(context, socket, met).await;
        }
        // Fails only when the node has ended.
        let _ = context.commands.send(Command::DialFailed { address }).await;
    });
}

/// Dials, and lets the other side join. `None`: it came to nothing.
async fn meet(entry: &Entry, address: &Address) -> Option<(Socket, Met)> {
    let deadline = Instant::now() + limits::HANDSHAKE;
    let whence = Whence { direction: Direction::Outbound, address: address.to_string() };
    let (mut socket, dialect) = match timeout_at(deadline, connect(entry, address, &whence)).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => {
            if wants_tls(&error) {
                entry.wants_tls(&whence);
            }
            debug!(%address, "could not be dialled: {error}");
            return None;
        }
        Err(_) => {
            debug!(%address, "could not be dialled: no answer within {} s", limits::HANDSHAKE.as_secs());
            return None;
        }
    };
    let key = match dialect {
        Dialect::V2 => Some(entry.join(&mut socket, &whence, Dialect::V2, deadline).await?),
        Dialect::Json if entry.terms.is_open() => None,
        Dialect::Json => {
            entry.refuse(&mut socket, &whence, Refusal::NotJoining, None).await;
            return None;
        }
    };
    Some((socket, Met { direction: Direction::Outbound, address: address.clone(), from: None, dialect, key }))
}

/// Offers our subprotocol first. A listener that agrees on none is no node: it may be a script, which is spoken with in JSON.
async fn connect(entry: &Entry, address: &Address, whence: &Whence) -> Result<(Socket, Dialect), Error> {
    let mut offer = address.to_string().into_client_request()?;
    offer.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    match upgrade(entry, address, whence, offer).await {
        Ok(socket) => Ok((socket, Dialect::V2)),
        Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol))) => {
            let plain = address.to_string().into_client_request()?;
            Ok((upgrade(entry, address, whence, plain).await?, Dialect::Json))
        }
        Err(error) => Err(error),
    }
}

/// Whether this is what a port that speaks TLS answers to who dials it without.
fn wants_tls(error: &Error) -> bool {
    matches!(error, Error::Http(answer)
        if answer.headers().get(WANTS_TLS).is_some() && answer.status() == StatusCode::BAD_REQUEST)
}

async fn upgrade(entry: &Entry, address: &Address, whence: &Whence, request: Request) -> Result<Socket, Error> {
    let host = address.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, address.port())).await?;
    stream.set_nodelay(true)?;
    uplink::show_waiting(&stream);
    let carried = if address.tls() {
        entry.tls.connect(host, stream).await.map_err(|error| {
            entry.no_tls(whence, &error);
            Error::Io(std::io::Error::other(error))
        })?
    } else {
        Carried { bytes: Box::new(stream), binding: None }
    };
    let stream = Guard::new(PeerStream::new(carried));
    let (socket, _) = client_async_with_config(request, stream, Some(limits::web_socket_config())).await?;
    Ok(socket)
}
