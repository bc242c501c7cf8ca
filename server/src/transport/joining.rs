//! The handshake by which a connection becomes one to a peer, over a WebSocket. What is said and judged is `gossip::join`'s.

use super::guard::Guard;
use super::limits;
use super::stream::PeerStream;
use crate::node::{Attempt, TurnedAway};
use crate::rotations::RotationFile;
use crate::tls::{NoTls, Tls};
use futures_util::{SinkExt, StreamExt};
use gossip::join::{Joining, MAX_BYTES, Refusal, Step, Terms};
use gossip::{Dialect, Direction, OriginId};
use std::sync::Arc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tracing::{debug, warn};

/// A connection on which nothing was said yet.
pub(super) type Socket = WebSocketStream<Guard<PeerStream>>;

/// On which terms one joins, through what, and who could not.
pub(crate) struct Entry {
    pub(crate) tls: Arc<Tls>,
    /// As they were at the start.
    pub(crate) terms: Terms,
    /// The changes of keys that are known.
    pub(crate) rotations: Arc<RotationFile>,
    pub(crate) turned_away: Arc<TurnedAway>,
}

/// Which connection: who dialled, and the address that was dialled or the host that dialled.
#[derive(Clone, Debug)]
pub(super) struct Whence {
    pub(super) direction: Direction,
    pub(super) address: String,
}

/// Why a handshake came to nothing.
enum Failure {
    /// This side refuses.
    Refused(Refusal),
    /// The peer does.
    RefusedByPeer(Refusal),
    /// The connection broke, or was closed for another reason.
    Broken(String),
}

impl Entry {
    /// On which terms one joins now: a list of keys follows those that change.
    fn terms(&self) -> Arc<Terms> {
        Arc::new(Terms { rotations: self.rotations.known(), ..self.terms.clone() })
    }

    /// Lets the other side join, until `deadline`. Gives the key that it has proven to hold, or `None`: the connection is closed then,
    /// and what became of it is noted.
    pub(super) async fn join(
        &self,
        socket: &mut Socket,
        whence: &Whence,
        dialect: Dialect,
        deadline: Instant,
    ) -> Option<OriginId> {
        let channel = socket.get_ref().stream().channel(dialect);
        let (mut joining, first) = Joining::begin(self.terms(), whence.direction, channel, rand::random());
        socket.get_mut().stream_mut().limit(Some(MAX_BYTES));
        let outcome = timeout_at(deadline, speak(socket, &mut joining, first)).await;
        let claimed = joining.claimed();
        match outcome.unwrap_or(Err(Failure::Refused(Refusal::Late))) {
            Ok(key) => {
                socket.get_mut().stream_mut().limit(None);
                if whence.direction == Direction::Outbound {
                    self.turned_away.joined(&whence.address);
                }
                return Some(key);
            }
            Err(Failure::Refused(refusal)) => self.refuse(socket, whence, refusal, claimed).await,
            Err(Failure::RefusedByPeer(refusal)) => self.note(whence, true, refusal, claimed),
            Err(Failure::Broken(why)) => debug!(address = %whence.address, "it did not join: {why}"),
        }
        None
    }

    /// Closes a connection to somebody who may not join.
    pub(super) async fn refuse(
        &self,
        socket: &mut Socket,
        whence: &Whence,
        refusal: Refusal,
        claimed: Option<OriginId>,
    ) {
        self.note(whence, false, refusal, claimed);
        let frame = CloseFrame { code: CloseCode::from(refusal.code()), reason: refusal.to_string().into() };
        let farewell = async {
            socket.send(Message::Close(Some(frame))).await?;
            // Until the other side has heard it: what it still sends would else reset the connection, and the reason with it.
            while socket.next().await.transpose()?.is_some() {}
            Ok::<(), tokio_tungstenite::tungstenite::Error>(())
        };
        // Whether the peer heard it makes no difference: the connection ends.
        let _ = timeout(limits::FAREWELL, farewell).await;
    }

    /// There was no connection of TLS, where there should be one: one of the two sides is set otherwise than the other thinks.
    pub(super) fn no_tls(&self, whence: &Whence, error: &NoTls) {
        let reason = match error {
            NoTls::Spoken | NoTls::Answered => "no_tls",
            NoTls::Failed(_) => return debug!(address = %whence.address, "{error}"),
        };
        self.tell(whence, false, (reason, error.to_string()), None);
    }

    /// Who was dialled answers that its port speaks TLS, and was dialled without.
    pub(super) fn wants_tls(&self, whence: &Whence) {
        let why = "the port there speaks TLS: dial it by wss://".to_owned();
        self.tell(whence, true, ("wants_tls", why), None);
    }

    fn note(&self, whence: &Whence, by_peer: bool, refusal: Refusal, key: Option<OriginId>) {
        self.tell(whence, by_peer, (refusal.reason(), refusal.to_string()), key);
    }

    fn tell(&self, whence: &Whence, by_peer: bool, (reason, why): (&'static str, String), key: Option<OriginId>) {
        let Whence { direction, address } = whence.clone();
        if !self.turned_away.note(Attempt { direction, address, by_peer, key, reason, why: why.clone() }) {
            return;
        }
        let (address, named) = (&whence.address, key.map(|key| hex::encode(key.0)).unwrap_or_default());
        if by_peer {
            warn!(%address, key = %named, "the peer turned this node away: {why}");
        } else {
            warn!(%address, key = %named, "a peer was turned away: {why}");
        }
    }
}

/// Carries the handshake's words.
async fn speak(socket: &mut Socket, joining: &mut Joining, first: Option<String>) -> Result<OriginId, Failure> {
    let broken = |error: tokio_tungstenite::tungstenite::Error| Failure::Broken(error.to_string());
    if let Some(first) = first {
        socket.send(Message::text(first)).await.map_err(broken)?;
    }
    loop {
        let text = match socket.next().await {
            None => return Err(Failure::Broken("the peer hung up".to_owned())),
            Some(Err(_)) if socket.get_ref().stream().is_spent() => return Err(Failure::Refused(Refusal::TooLarge)),
            Some(Err(error)) => return Err(broken(error)),
            Some(Ok(Message::Text(text))) => text,
            // What nodes of earlier versions begin with.
            Some(Ok(Message::Binary(_))) => return Err(Failure::Refused(Refusal::NotJoining)),
            Some(Ok(Message::Close(frame))) => return Err(closed(frame)),
            Some(Ok(_)) => continue,
        };
        let Step { say, joined } = joining.on_frame(&text).map_err(Failure::Refused)?;
        if let Some(say) = say {
            socket.send(Message::text(say)).await.map_err(broken)?;
        }
        if let Some(key) = joined {
            return Ok(key);
        }
    }
}

/// The peer has closed the connection.
fn closed(frame: Option<CloseFrame>) -> Failure {
    let refusal = frame.as_ref().and_then(|frame| Refusal::of_code(frame.code.into()));
    match refusal {
        Some(refusal) => Failure::RefusedByPeer(refusal),
        None => Failure::Broken(format!("the peer closed: {:?}", frame.map(|frame| frame.code))),
    }
}
