//! The port for peers.

use super::connection::{Context, run};
use super::limits;
use gossip::{Address, Direction};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_tungstenite::accept_async_with_config;
use tracing::{debug, warn};

/// Accepts peers until the node ends.
pub(crate) async fn listen(context: Context, listener: TcpListener) {
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
        let Ok(permit) = Arc::clone(&handshakes).try_acquire_owned() else {
            debug!(%from, "dropped: {} handshakes are under way", limits::HANDSHAKES);
            continue;
        };
        let peer = context.clone();
        context.tasks.spawn(async move {
            let Some(socket) = peer.shutdown.run_until_cancelled(timeout(limits::HANDSHAKE, upgrade(stream))).await
            else {
                return;
            };
            drop(permit);
            match socket {
                Ok(Ok(socket)) => run(peer, socket, Direction::Inbound, observed(from)).await,
                Ok(Err(error)) => debug!(%from, "no WebSocket handshake: {error}"),
                Err(_) => debug!(%from, "no WebSocket handshake within {} s", limits::HANDSHAKE.as_secs()),
            }
        });
    }
}

async fn upgrade(
    stream: TcpStream,
) -> Result<tokio_tungstenite::WebSocketStream<TcpStream>, tokio_tungstenite::tungstenite::Error> {
    stream.set_nodelay(true)?;
    accept_async_with_config(stream, Some(limits::web_socket_config())).await
}

/// Where a peer dialled from, as an address.
fn observed(from: SocketAddr) -> Address {
    Address::from(SocketAddr::new(from.ip().to_canonical(), from.port()))
}
