//! The port for peers.

use super::budgets::Budget;
use super::connection::{Context, Met, run};
use super::gate::LogGate;
use super::guard::Guard;
use super::handshakes::Handshakes;
use super::joining::{Entry, Socket, Whence};
use super::limits;
use super::stream::PeerStream;
use super::uplink;
use crate::ip::counted;
use crate::places::Places;
use gossip::join::{Refusal, SCRIPTS};
use gossip::wire::SUBPROTOCOL;
use gossip::{Address, Dialect, Direction};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::{HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tracing::{debug, warn};

/// How many subprotocols of an offer are looked at.
const MAX_OFFERED: usize = 8;

/// Accepts peers until the node ends.
/// `limit_loopback`: whether the limits for an address hold for this machine's own, too.
pub(crate) async fn listen(context: Context, listener: TcpListener, limit_loopback: bool) {
    let places = Places::new(limits::PER_ADDRESS, limit_loopback);
    let arrivals = Budget::new(limits::ARRIVALS, limit_loopback);
    let (handshakes, mut log) = (Arc::new(Handshakes::default()), LogGate::default());
    loop {
        let accepted = tokio::select! {
            () = context.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most often no file descriptor is left: others must be closed before accepting can go on.
                if let Some(withheld) = log.pass(Instant::now().into_std()) {
                    warn!(withheld, "a peer could not be accepted: {error}");
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        if context.node.turns_away(from.ip()) {
            debug!(%from, "dropped: it is banned");
            continue;
        }
        if !arrivals.take(context.node.time(), from.ip()) {
            debug!(%from, "dropped: its address connects too often");
            continue;
        }
        let Some(place) = places.take(from.ip()) else {
            debug!(%from, "dropped: its address has {} connections", limits::PER_ADDRESS);
            continue;
        };
        let turn = handshakes.begin();
        let peer = context.clone();
        context.tasks.spawn(async move {
            let _place = place;
            let meeting = turn.take(meet(&peer.entry, stream, from));
            let Some(met) = peer.shutdown.run_until_cancelled(meeting).await else { return };
            match met {
                Some(Some((socket, met))) => run(peer, socket, met).await,
                Some(None) => {}
                None => debug!(%from, "dropped: {} handshakes have begun since", limits::HANDSHAKES),
            }
        });
    }
}

/// Lets a connection upgrade and join. `None`: it came to nothing.
async fn meet(entry: &Entry, stream: TcpStream, from: SocketAddr) -> Option<(Socket, Met)> {
    let deadline = Instant::now() + limits::HANDSHAKE;
    let (direction, address) = (Direction::Inbound, observed(from));
    let whence = Whence { direction, address: counted(from.ip()).to_string() };
    let (mut socket, offer) = match timeout_at(deadline, upgrade(entry, stream, &whence)).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => {
            debug!(%from, "no WebSocket handshake: {error}");
            return None;
        }
        Err(_) => {
            debug!(%from, "no WebSocket handshake within {} s", limits::HANDSHAKE.as_secs());
            return None;
        }
    };
    let (dialect, key) = match offer {
        Offer::Nodes => (Dialect::V2, Some(entry.join(&mut socket, &whence, Dialect::V2, deadline).await?)),
        Offer::Scripts => (Dialect::Json, Some(entry.join(&mut socket, &whence, Dialect::Json, deadline).await?)),
        Offer::Nothing if entry.terms.is_open() => (Dialect::Json, None),
        Offer::Nothing => {
            entry.refuse(&mut socket, &whence, Refusal::NotJoining, None).await;
            return None;
        }
    };
    Some((socket, Met { direction, address, from: Some(from.ip()), dialect, key }))
}

/// What a dialler offers to speak, by the subprotocols that it names.
#[derive(Clone, Copy)]
enum Offer {
    /// It is a node: it joins, and speaks the binary dialect.
    Nodes,
    /// It is a script that joins.
    Scripts,
    /// It may be a script that does not.
    Nothing,
}

impl Offer {
    fn of(request: &Request) -> Offer {
        let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        let offered: Vec<&str> = offered.flat_map(|value| value.split(',')).map(str::trim).take(MAX_OFFERED).collect();
        let offers = [(SUBPROTOCOL, Offer::Nodes), (SCRIPTS, Offer::Scripts)];
        let known = offers.into_iter().find(|(name, _)| offered.contains(name));
        known.map_or(Offer::Nothing, |(_, offer)| offer)
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Offer::Nodes => Some(SUBPROTOCOL),
            Offer::Scripts => Some(SCRIPTS),
            Offer::Nothing => None,
        }
    }
}

/// TLS, if this node speaks it; the WebSocket handshake; and what the dialler offers to speak.
async fn upgrade(entry: &Entry, stream: TcpStream, whence: &Whence) -> Result<(Socket, Offer), Error> {
    stream.set_nodelay(true)?;
    uplink::show_waiting(&stream);
    let mut offer = Offer::Nothing;
    #[expect(clippy::result_large_err, reason = "tungstenite's callback has this type")]
    let agree = |request: &Request, mut response: Response| {
        // A browser names the page's site: no page is a peer, and none may become one behind its reader's back.
        if request.headers().contains_key(ORIGIN) {
            let mut refused = ErrorResponse::new(Some("a page in a browser can't be a peer".to_owned()));
            *refused.status_mut() = StatusCode::FORBIDDEN;
            return Err(refused);
        }
        offer = Offer::of(request);
        if let Some(name) = offer.name() {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
        }
        Ok(response)
    };
    let carried = entry.tls.accept(stream).await.map_err(|error| {
        entry.no_tls(whence, &error);
        Error::Io(std::io::Error::other(error))
    })?;
    let stream = Guard::new(PeerStream::new(carried));
    let socket = accept_hdr_async_with_config(stream, agree, Some(limits::web_socket_config())).await?;
    Ok((socket, offer))
}

/// Where a peer dialled from, as an address.
fn observed(from: SocketAddr) -> Address {
    Address::from(SocketAddr::new(from.ip().to_canonical(), from.port()))
}
