//! The binary dialect, `beauty-mesh.v2`: one message a binary frame, a version byte, then postcard.
//!
//! What a frame may hold is bounded by the frame: no length in it makes room for more than its own bytes.

use crate::bundle::{Bundle, BundleId, OriginId};
use crate::json::{self, DecodeError, MAX_ADDRESSES, MAX_FRAME, MAX_TTL};
use crate::message::{Announced, Digest, Hello, Message};
use crate::trees::Way;
use serde::{Deserialize, Serialize};

/// The subprotocol that two nodes agree on when they connect (RFC 6455 §1.9).
pub const SUBPROTOCOL: &str = "beauty-mesh.v2";
/// How many bundles one frame may announce.
pub const MAX_ANNOUNCED: usize = 1_024;

const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
enum Frame<'a> {
    Hello(Hello),
    Peers(Vec<String>),
    Digest(Digest),
    Bundle {
        ttl: u8,
        like: Option<OriginId>,
        #[serde(borrow)]
        bundle: Packed<'a>,
    },
    #[serde(borrow)]
    Missed(Packed<'a>),
    IHave(Vec<Announced>),
    Graft {
        origin: OriginId,
        want: Option<u64>,
    },
    Prune {
        origin: OriginId,
    },
}

/// A bundle: its events are known by their texts alone. The signature is empty while nodes have no keys.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    id: BundleId,
    #[serde(borrow)]
    events: Vec<&'a str>,
    #[serde(borrow)]
    signature: &'a [u8],
}

/// Writes a message as a binary frame. `None` for an event by itself: nodes send bundles to each other.
pub fn encode(message: &Message) -> Option<Vec<u8>> {
    let frame = match message {
        Message::Event { .. } => return None,
        Message::Hello(hello) => Frame::Hello(hello.clone()),
        Message::Peers(addresses) => Frame::Peers(addresses.iter().map(ToString::to_string).collect()),
        Message::Digest(digest) => Frame::Digest(digest.clone()),
        Message::Bundle { way, bundle } => Frame::Bundle { ttl: way.ttl, like: way.like, bundle: Packed::of(bundle) },
        Message::Missed(bundle) => Frame::Missed(Packed::of(bundle)),
        Message::IHave(ids) => Frame::IHave(ids.clone()),
        Message::Graft { origin, want } => Frame::Graft { origin: *origin, want: *want },
        Message::Prune { origin } => Frame::Prune { origin: *origin },
    };
    postcard::to_extend(&frame, vec![VERSION]).ok()
}

/// Reads a binary frame.
///
/// # Errors
/// What is wrong with the frame, in words. Nothing is kept of a refused frame.
pub fn decode(bytes: &[u8]) -> Result<Message, DecodeError> {
    if bytes.len() > MAX_FRAME {
        return Err(DecodeError::TooLarge(bytes.len()));
    }
    let Some((&VERSION, body)) = bytes.split_first() else {
        return Err(json::shape("a binary frame begins with its version, which is 2"));
    };
    let (frame, rest) = postcard::take_from_bytes(body).map_err(|error| json::shape(&error.to_string()))?;
    if !rest.is_empty() {
        return Err(json::shape("there are bytes behind the message"));
    }
    match frame {
        Frame::Hello(hello) => json::check_hello(hello).map(Message::Hello),
        Frame::Peers(addresses) if addresses.len() > MAX_ADDRESSES => Err(json::shape("too many addresses in a frame")),
        Frame::Peers(addresses) => Ok(Message::Peers(addresses.iter().filter_map(|text| text.parse().ok()).collect())),
        Frame::Digest(Digest(text)) => json::bounded_digest(&text).map(Message::Digest),
        Frame::Bundle { ttl, .. } if ttl > MAX_TTL => Err(DecodeError::Ttl(ttl.to_string())),
        Frame::Bundle { ttl, like, bundle } => Ok(Message::Bundle { way: Way { ttl, like }, bundle: bundle.unpack()? }),
        Frame::Missed(bundle) => Ok(Message::Missed(bundle.unpack()?)),
        Frame::IHave(ids) if ids.len() > MAX_ANNOUNCED => Err(json::shape("too many bundles are announced in a frame")),
        Frame::IHave(ids) => Ok(Message::IHave(ids)),
        Frame::Graft { origin, want } => Ok(Message::Graft { origin, want }),
        Frame::Prune { origin } => Ok(Message::Prune { origin }),
    }
}

impl Packed<'_> {
    fn of(bundle: &Bundle) -> Packed<'_> {
        let events = bundle.events.iter().map(|event| &*event.json).collect();
        Packed { id: bundle.id, events, signature: &[] }
    }

    fn unpack(self) -> Result<Bundle, DecodeError> {
        if !(1..=Bundle::MAX_EVENTS).contains(&self.events.len()) {
            return Err(json::shape("a bundle holds 1 to 256 events"));
        }
        if !self.signature.is_empty() {
            return Err(json::shape("a signature; this version has no keys to check it with"));
        }
        let events = self.events.into_iter().map(json::decode_event_object).collect::<Result<Vec<_>, _>>()?;
        Ok(Bundle { id: self.id, events: events.into() })
    }
}
