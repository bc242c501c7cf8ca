//! Dialling a peer: once. When to try again is `gossip`'s to say.

use super::connection::{Context, run};
use super::limits;
use crate::node::Command;
use gossip::{Address, Direction};
use tokio::net::TcpStream;
use tokio::time::timeout;
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
            Ok(Ok(socket)) => return run(context, socket, Direction::Outbound, address).await,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", limits::HANDSHAKE.as_secs()),
        };
        debug!(%address, "could not be dialled: {why}");
        // Fails only when the node has ended.
        let _ = context.commands.send(Command::DialFailed { address }).await;
    });
}

async fn connect(address: &Address) -> Result<WebSocketStream<TcpStream>, tokio_tungstenite::tungstenite::Error> {
    let host = address.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, address.port())).await?;
    stream.set_nodelay(true)?;
    let (socket, _) = client_async_with_config(address.to_string(), stream, Some(limits::web_socket_config())).await?;
    Ok(socket)
}
