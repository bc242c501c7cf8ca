//! The readable dialect: one JSON object a text frame.
//!
//! ```json
//! {"type":"gossip","subtype":"beauty_event","ttl":10,"event":{"event_id":"…","node_id":"…", …}}
//! {"type":"gossip","subtype":"beauty_event","ttl":10,"origin":"…","seq":1795358943747000,"signature":"…","event":{…}}
//! {"type":"mesh","subtype":"hello","mesh":"beauty","node_id":"alpha","instance":"…","port":8091,"digest":"…"}
//! {"type":"mesh","subtype":"peers","addresses":["ws://192.0.2.7:8091"]}
//! {"type":"mesh","subtype":"digest","digest":"…"}
//! {"type":"mesh","subtype":"neighbor","priority":"low"}
//! {"type":"mesh","subtype":"neighbor_reply","accepted":false}
//! {"type":"mesh","subtype":"forward_join","newcomer":"ws://192.0.2.9:8091","ttl":6}
//! {"type":"mesh","subtype":"disconnect"}
//! ```
//!
//! The second one is signed: a bundle of one event, whose `origin` and `signature` are in hexadecimal.
//! Unknown fields are ignored, unknown types refused. Everything is bounded before it is kept.

use crate::bundle::{Bundle, BundleId, OriginId};
use crate::message::{Digest, Event, Hello, Message, Priority};
use crate::trees::Way;
use crate::{Address, SecondSignature, Signature};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

/// The largest frame, in bytes. Both sides set it on their sockets too.
pub const MAX_FRAME: usize = 64 * 1024;
/// The largest event object, in bytes: names and sources of 64 characters fit with room to spare.
pub const MAX_EVENT: usize = 2 * 1024;
/// The largest `ttl` that is believed.
pub const MAX_TTL: u8 = 64;
/// The `ttl` of an event that names none.
pub const DEFAULT_TTL: u8 = 10;
/// How many addresses one frame may hold.
pub const MAX_ADDRESSES: usize = 32;
/// The longest name of a node or a mesh, in characters.
pub const MAX_NAME: usize = 64;

/// Why a frame was refused. The text is for whoever wrote the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Larger than [`MAX_FRAME`].
    #[error("the frame has {0} bytes; at most {MAX_FRAME} are read")]
    TooLarge(usize),
    /// Not JSON at all.
    #[error("the frame is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not one of the known messages.
    #[error("the frame has the wrong shape: {0}")]
    WrongShape(String),
    /// A `ttl` that is no whole number from 0 to [`MAX_TTL`], or to [`wire::MAX_TTL`](crate::wire::MAX_TTL) between nodes.
    #[error("the ttl is {0}; it must be a whole number from 0 to {MAX_TTL}, between nodes to {most}", most = crate::wire::MAX_TTL)]
    Ttl(String),
}

impl DecodeError {
    /// A stable word for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            DecodeError::TooLarge(_) => "too_large",
            DecodeError::NotJson(_) => "not_json",
            DecodeError::WrongShape(_) => "wrong_shape",
            DecodeError::Ttl(_) => "absurd_ttl",
        }
    }
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subtype: Cow<'a, str>,
    #[serde(default)]
    ttl: Option<serde_json::Value>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    origin: Option<Cow<'a, str>>,
    #[serde(default)]
    seq: Option<u64>,
    #[serde(borrow, default)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    second: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    addresses: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    digest: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct EventHead<'a> {
    event_id: Uuid,
    #[serde(borrow)]
    node_id: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
enum MeshFrame<'a> {
    Hello(&'a Hello),
    Peers {
        addresses: Vec<String>,
    },
    Digest {
        digest: &'a Digest,
    },
    Neighbor {
        priority: Priority,
    },
    NeighborReply {
        accepted: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        dropped: Option<String>,
    },
    ForwardJoin {
        newcomer: String,
        ttl: u8,
    },
    Disconnect {
        #[serde(skip_serializing_if = "Option::is_none")]
        instead: Option<String>,
    },
}

/// What nodes ask of each other, as it is read.
#[derive(Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
enum Request {
    Neighbor { priority: Priority },
    NeighborReply { accepted: bool, dropped: Option<String> },
    ForwardJoin { newcomer: String, ttl: u8 },
    Disconnect { instead: Option<String> },
}

#[derive(Serialize)]
struct TypedMeshFrame<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    frame: MeshFrame<'a>,
}

/// Reads a text frame.
///
/// # Errors
/// What is wrong with the frame, in words. Nothing is kept of a refused frame.
pub fn decode(text: &str) -> Result<Message, DecodeError> {
    if text.len() > MAX_FRAME {
        return Err(DecodeError::TooLarge(text.len()));
    }
    let frame: Frame<'_> = serde_json::from_str(text).map_err(syntax_or_shape)?;
    match (&*frame.kind, &*frame.subtype) {
        ("gossip", "beauty_event") => decode_event(frame),
        ("mesh", "hello") => decode_hello(text),
        ("mesh", "peers") => decode_peers(frame),
        ("mesh", "digest") => {
            let text = frame.digest.ok_or_else(|| shape("a digest frame needs \"digest\""))?;
            Ok(Message::Digest(bounded_digest(&text)?))
        }
        ("mesh", "neighbor" | "neighbor_reply" | "forward_join" | "disconnect") => decode_request(text),
        _ => Err(shape(
            "\"type\" and \"subtype\" are gossip and beauty_event, or mesh and hello, peers, digest, neighbor, neighbor_reply, forward_join or disconnect",
        )),
    }
}

/// Writes a message as a text frame.
///
/// `None` for what only nodes say to each other, in binary frames.
pub fn encode(message: &Message) -> Option<String> {
    let frame = match message {
        Message::Event { ttl, event } => {
            return Some(format!(r#"{{"type":"gossip","subtype":"beauty_event","ttl":{ttl},"event":{}}}"#, event.json));
        }
        Message::Bundle { way, bundle } => return signed_event(way.ttl, bundle),
        Message::Hello(hello) => MeshFrame::Hello(hello),
        Message::Peers(addresses) => {
            MeshFrame::Peers { addresses: addresses.iter().map(ToString::to_string).collect() }
        }
        Message::Digest(digest) => MeshFrame::Digest { digest },
        Message::Neighbor(priority) => MeshFrame::Neighbor { priority: *priority },
        Message::NeighborReply { accepted, dropped } => {
            MeshFrame::NeighborReply { accepted: *accepted, dropped: dropped.as_ref().map(ToString::to_string) }
        }
        Message::ForwardJoin { newcomer, ttl } => MeshFrame::ForwardJoin { newcomer: newcomer.to_string(), ttl: *ttl },
        Message::Disconnect { instead } => MeshFrame::Disconnect { instead: instead.as_ref().map(ToString::to_string) },
        Message::Exchange(_)
        | Message::IHave(_)
        | Message::Graft(_)
        | Message::Prune(_)
        | Message::Probe(_)
        | Message::Pulse(_)
        | Message::Rotations(_)
        | Message::Profiles(_)
        | Message::WantProfiles(_)
        | Message::Forked(_)
        | Message::Prove(_)
        | Message::Evidence(_)
        | Message::Places(_) => return None,
    };
    // Strings and numbers only: there is no value here that JSON can't hold.
    serde_json::to_string(&TypedMeshFrame { kind: "mesh", frame }).ok()
}

/// Reads an event object, as it stands in an event frame.
///
/// # Errors
/// What is wrong with it, in words.
pub fn decode_event_object(json: &str) -> Result<Event, DecodeError> {
    if json.len() > MAX_EVENT {
        return Err(shape(&format!("the event has {} bytes; at most {MAX_EVENT} are read", json.len())));
    }
    let head: EventHead<'_> = serde_json::from_str(json).map_err(syntax_or_shape)?;
    check_name("node_id", &head.node_id)?;
    Ok(Event { id: head.event_id, node_id: Arc::from(&*head.node_id), json: Arc::from(json) })
}

fn decode_event(frame: Frame<'_>) -> Result<Message, DecodeError> {
    let ttl = match frame.ttl {
        None => DEFAULT_TTL,
        Some(value) => value
            .as_u64()
            .and_then(|ttl| u8::try_from(ttl).ok())
            .filter(|ttl| *ttl <= MAX_TTL)
            .ok_or_else(|| DecodeError::Ttl(excerpt(&value.to_string())))?,
    };
    let event = frame.event.ok_or_else(|| shape("an event frame needs \"event\""))?;
    let event = decode_event_object(event.get())?;
    let (origin, seq, signature) = match (frame.origin, frame.seq, frame.signature) {
        (None, None, None) => return Ok(Message::Event { ttl, event }),
        (Some(origin), Some(seq), Some(signature)) => (origin, seq, signature),
        _ => return Err(shape("a signed event has an origin, a seq and a signature, all three")),
    };
    let (mut key, mut signed) = ([0; 32], [0; 64]);
    hex::decode_to_slice(&*origin, &mut key).map_err(|_| shape("an origin has 64 hexadecimal digits"))?;
    hex::decode_to_slice(&*signature, &mut signed).map_err(|_| shape("a signature has 128 hexadecimal digits"))?;
    let second = frame.second.map(|digits| {
        let bytes = hex::decode(&*digits).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(|bytes| SecondSignature(Arc::new(bytes)))
    });
    let second = match second {
        Some(None) => return Err(shape("a second signature has 6618 hexadecimal digits")),
        second => second.flatten(),
    };
    let id = BundleId { origin: OriginId(key), seq };
    let bundle = Bundle { id, events: vec![event].into(), signature: Signature(signed), second };
    Ok(Message::Bundle { way: Way { ttl, hops: 1, like: None }, bundle })
}

/// A bundle as scripts hear of it. `None` where it has more than one event, or no signature.
fn signed_event(ttl: u8, bundle: &Bundle) -> Option<String> {
    let [event] = &*bundle.events else { return None };
    let (BundleId { origin, seq }, signature) = (bundle.id, bundle.signature);
    let second = bundle
        .second
        .as_ref()
        .map_or_else(String::new, |second| format!(r#""second":"{}","#, hex::encode(second.0.as_slice())));
    (signature != Signature::NONE).then(|| {
        format!(
            r#"{{"type":"gossip","subtype":"beauty_event","ttl":{ttl},"origin":"{}","seq":{seq},"signature":"{}",{second}"event":{}}}"#,
            hex::encode(origin.0),
            hex::encode(signature.0),
            event.json
        )
    })
}

fn decode_hello(text: &str) -> Result<Message, DecodeError> {
    check_hello(serde_json::from_str(text).map_err(syntax_or_shape)?).map(Message::Hello)
}

pub(crate) fn check_hello(hello: Hello) -> Result<Hello, DecodeError> {
    check_name("node_id", &hello.node_id)?;
    check_name("mesh", &hello.mesh)?;
    if let Some(digest) = &hello.digest {
        bounded_digest(&digest.0)?;
    }
    Ok(hello)
}

fn decode_peers(frame: Frame<'_>) -> Result<Message, DecodeError> {
    let addresses = frame.addresses.ok_or_else(|| shape("a peers frame needs \"addresses\""))?;
    if addresses.len() > MAX_ADDRESSES {
        return Err(shape(&format!("{} addresses in a frame; at most {MAX_ADDRESSES} are read", addresses.len())));
    }
    // An address that this version can't dial is no fault of the peer.
    Ok(Message::Peers(addresses.iter().filter_map(|text| text.parse().ok()).collect()))
}

fn decode_request(text: &str) -> Result<Message, DecodeError> {
    // An address that this version can't dial is no fault of the peer.
    let address = |text: Option<String>| text.and_then(|text| text.parse::<Address>().ok());
    match serde_json::from_str(text).map_err(syntax_or_shape)? {
        Request::Neighbor { priority } => Ok(Message::Neighbor(priority)),
        Request::NeighborReply { accepted, dropped } => {
            Ok(Message::NeighborReply { accepted, dropped: address(dropped) })
        }
        Request::ForwardJoin { newcomer, ttl } => forward_join(&newcomer, ttl),
        Request::Disconnect { instead } => Ok(Message::Disconnect { instead: address(instead) }),
    }
}

/// A walk for a newcomer that can't be dialled leads nowhere.
pub(crate) fn forward_join(newcomer: &str, ttl: u8) -> Result<Message, DecodeError> {
    let newcomer = newcomer.parse().map_err(|_| shape("a walk for a newcomer needs the address where it listens"))?;
    Ok(Message::ForwardJoin { newcomer, ttl })
}

pub(crate) fn bounded_digest(text: &str) -> Result<Digest, DecodeError> {
    if text.is_empty() || text.len() > Digest::MAX || text.chars().any(char::is_control) {
        return Err(shape(&format!("a digest has 1 to {} bytes without control characters", Digest::MAX)));
    }
    Ok(Digest(Arc::from(text)))
}

pub(crate) fn check_name(field: &str, name: &str) -> Result<(), DecodeError> {
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.chars().any(|c| moves_text(c) || is_invisible(c)) {
        let words = format!("{field} has 1 to {MAX_NAME} characters, none of them a control character or invisible");
        return Err(shape(&words));
    }
    Ok(())
}

/// What is no text but moves it: control characters, line separators, and what turns the direction of the text around it
/// (Unicode Standard Annex 9, table 1), by which a name can look like another.
fn moves_text(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What is in a text and can't be seen: fillers, joiners, marks, selectors (the code points that Unicode names default ignorable,
/// Standard Annex 44). Two names that differ by it look the same.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn syntax_or_shape(error: serde_json::Error) -> DecodeError {
    let text = excerpt(&error.to_string());
    if error.is_data() { DecodeError::WrongShape(text) } else { DecodeError::NotJson(text) }
}

pub(crate) fn shape(text: &str) -> DecodeError {
    DecodeError::WrongShape(text.to_owned())
}

/// What is echoed of a peer's text: short, and without control characters.
fn excerpt(text: &str) -> String {
    text.chars().take(120).map(|c| if moves_text(c) { '\u{fffd}' } else { c }).collect()
}
