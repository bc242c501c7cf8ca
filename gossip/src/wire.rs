//! The binary dialect, `beauty-mesh.v2`: one message a binary frame, a version byte, then postcard.
//!
//! What a frame may hold is bounded by the frame: no length in it makes room for more than its own bytes.

use crate::bundle::{Bundle, BundleHash, BundleId, OriginId};
use crate::json::{self, DecodeError, MAX_ADDRESSES, MAX_FRAME};
use crate::message::{Announcement, Digest, Grafted, Hello, Message, Priority, Probe, Pulse};
use crate::trees::Way;
use crate::{Address, Place, Profile, Rotations, place, profile, rotation, split_signatures};
use crate::{forks, reconcile};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The subprotocol that two nodes agree on when they connect (RFC 6455 §1.9).
pub const SUBPROTOCOL: &str = "beauty-mesh.v2";
/// How many bundles one frame may announce.
pub const MAX_ANNOUNCED: usize = 1_024;
/// How many origins and numbers one frame may graft, or prune: 34 kB.
pub const MAX_GRAFTED: usize = 1_024;
/// Of how many origins one frame may ask for what they declare.
pub const MAX_WANTED_PROFILES: usize = 64;

/// The largest `ttl` of a bundle that is believed: no mesh is so deep.
pub const MAX_TTL: u8 = 128;

const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
enum Frame<'a> {
    Hello(Hello),
    Peers(Vec<String>),
    Digest(Digest),
    Bundle {
        ttl: u8,
        hops: u8,
        like: Option<OriginId>,
        #[serde(borrow)]
        bundle: Packed<'a>,
    },
    IHave(Announcement),
    Graft(Vec<Grafted>),
    Prune(Vec<OriginId>),
    Probe(Probe),
    #[serde(borrow)]
    Exchange(reconcile::Packed<'a>),
    Neighbor(Priority),
    NeighborReply {
        accepted: bool,
        dropped: Option<String>,
    },
    ForwardJoin {
        newcomer: String,
        ttl: u8,
    },
    Disconnect {
        instead: Option<String>,
    },
    Pulse(Pulse),
    #[serde(borrow)]
    Rotations(Vec<rotation::Packed<'a>>),
    #[serde(borrow)]
    Profiles(Vec<profile::Packed<'a>>),
    WantProfiles(Vec<OriginId>),
    Forked(Vec<OriginId>),
    Prove(Vec<OriginId>),
    #[serde(borrow)]
    Evidence(Packed<'a>),
    #[serde(borrow)]
    Places(Vec<place::Packed<'a>>),
}

/// A bundle: its events are known by their texts alone. The signature has 64 bytes, and 3,309 more behind them where there are two.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    id: BundleId,
    #[serde(borrow)]
    events: Vec<&'a str>,
    #[serde(borrow)]
    signature: Cow<'a, [u8]>,
}

/// Writes a message as a binary frame. `None` for an event by itself: nodes send bundles to each other.
pub fn encode(message: &Message) -> Option<Vec<u8>> {
    let frame = match message {
        Message::Event { .. } => return None,
        Message::Hello(hello) => Frame::Hello(hello.clone()),
        Message::Peers(addresses) => Frame::Peers(addresses.iter().map(ToString::to_string).collect()),
        Message::Digest(digest) => Frame::Digest(digest.clone()),
        Message::Bundle { way: Way { ttl, hops, like }, bundle } => {
            Frame::Bundle { ttl: *ttl, hops: *hops, like: *like, bundle: Packed::of(bundle) }
        }
        Message::IHave(announcement) => Frame::IHave(announcement.clone()),
        Message::Graft(grafts) => Frame::Graft(grafts.clone()),
        Message::Prune(origins) => Frame::Prune(origins.clone()),
        Message::Probe(probe) => Frame::Probe(*probe),
        Message::Exchange(exchange) => Frame::Exchange(reconcile::Packed::of(exchange)),
        Message::Pulse(pulse) => Frame::Pulse(*pulse),
        Message::Rotations(rotations) => Frame::Rotations(rotations.iter().map(rotation::Packed::of).collect()),
        Message::Profiles(profiles) => Frame::Profiles(profiles.iter().map(|it| profile::Packed::of(it)).collect()),
        Message::WantProfiles(origins) => Frame::WantProfiles(origins.clone()),
        Message::Forked(origins) => Frame::Forked(origins.clone()),
        Message::Prove(origins) => Frame::Prove(origins.clone()),
        Message::Evidence(bundle) => Frame::Evidence(Packed::of(bundle)),
        Message::Places(places) => Frame::Places(places.iter().map(place::Packed::of).collect()),
        Message::Neighbor(priority) => Frame::Neighbor(*priority),
        Message::NeighborReply { accepted, dropped } => {
            Frame::NeighborReply { accepted: *accepted, dropped: dropped.as_ref().map(ToString::to_string) }
        }
        Message::ForwardJoin { newcomer, ttl } => Frame::ForwardJoin { newcomer: newcomer.to_string(), ttl: *ttl },
        Message::Disconnect { instead } => Frame::Disconnect { instead: instead.as_ref().map(ToString::to_string) },
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
        Frame::Bundle { ttl, hops, like, bundle } => {
            Ok(Message::Bundle { way: Way { ttl, hops, like }, bundle: bundle.unpack()? })
        }
        Frame::IHave(announcement) if announcement.names.len().max(announcement.bundles.len()) > MAX_ANNOUNCED => {
            Err(json::shape("too many bundles are announced in a frame"))
        }
        Frame::IHave(announcement) => Ok(Message::IHave(announcement)),
        Frame::Graft(grafts) if grafts.iter().map(|graft| 1 + graft.wanted.len()).sum::<usize>() > MAX_GRAFTED => {
            Err(json::shape("too many bundles are asked for in a frame"))
        }
        Frame::Graft(grafts) => Ok(Message::Graft(grafts)),
        Frame::Prune(origins) if origins.len() > MAX_GRAFTED => Err(json::shape("too many origins in a frame")),
        Frame::Prune(origins) => Ok(Message::Prune(origins)),
        Frame::Probe(probe) => Ok(Message::Probe(probe)),
        Frame::Exchange(exchange) => exchange.unpack().map(Message::Exchange),
        Frame::Pulse(pulse) => Ok(Message::Pulse(pulse)),
        Frame::Rotations(packed) if packed.len() > Rotations::MAX => {
            Err(json::shape("too many changes of keys in a frame"))
        }
        Frame::Rotations(packed) => {
            let rotations = packed.into_iter().map(rotation::Packed::unpack).collect::<Option<Vec<_>>>();
            rotations.map(Message::Rotations).ok_or_else(|| json::shape("a signature has 64 bytes"))
        }
        Frame::Profiles(packed) if packed.len() > Profile::MAX_IN_FRAME => {
            Err(json::shape("too many profiles in a frame"))
        }
        Frame::Profiles(packed) => {
            let profiles = packed.into_iter().map(profile::Packed::unpack).collect::<Option<Vec<_>>>();
            profiles
                .map(Message::Profiles)
                .ok_or_else(|| json::shape("a key or a signature in a profile is too short or too long"))
        }
        Frame::WantProfiles(origins) if origins.len() > MAX_WANTED_PROFILES => {
            Err(json::shape("too many profiles are asked for in a frame"))
        }
        Frame::WantProfiles(origins) => Ok(Message::WantProfiles(origins)),
        Frame::Forked(origins) if origins.len() > forks::MAX_TOLD => {
            Err(json::shape("too many cheats are told of in a frame"))
        }
        Frame::Forked(origins) => Ok(Message::Forked(origins)),
        Frame::Prove(origins) if origins.len() > forks::MAX_ASKED => {
            Err(json::shape("too many proofs are asked for in a frame"))
        }
        Frame::Prove(origins) => Ok(Message::Prove(origins)),
        Frame::Evidence(bundle) => Ok(Message::Evidence(bundle.unpack()?)),
        Frame::Places(packed) if packed.len() > Place::MAX_IN_FRAME => Err(json::shape("too many places in a frame")),
        Frame::Places(packed) => {
            let places = packed.into_iter().map(place::Packed::unpack).collect::<Option<Vec<_>>>();
            places.map(Message::Places).ok_or_else(|| {
                json::shape("a place lies within 900 tenths of a degree of latitude and 1800 of longitude, and its signature has 64 bytes")
            })
        }
        Frame::Neighbor(priority) => Ok(Message::Neighbor(priority)),
        Frame::NeighborReply { accepted, dropped } => {
            Ok(Message::NeighborReply { accepted, dropped: dropped.as_deref().and_then(dialable) })
        }
        Frame::ForwardJoin { newcomer, ttl } => json::forward_join(&newcomer, ttl),
        Frame::Disconnect { instead } => Ok(Message::Disconnect { instead: instead.as_deref().and_then(dialable) }),
    }
}

/// An address that this version can't dial is no fault of the peer.
fn dialable(text: &str) -> Option<Address> {
    text.parse().ok()
}

/// The hash of a bundle that [`encode_bundle`] wrote, without reading what its events are.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub fn hash_of(bytes: &[u8]) -> Result<BundleHash, DecodeError> {
    let packed = split_bundle(bytes)?;
    Ok(BundleHash::of(&packed.id, packed.events.iter().copied()))
}

/// Writes a bundle by itself, as a store keeps it. `None` only where memory ends.
pub fn encode_bundle(bundle: &Bundle) -> Option<Vec<u8>> {
    postcard::to_extend(&Packed::of(bundle), vec![VERSION]).ok()
}

/// Reads a bundle that [`encode_bundle`] wrote.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub fn decode_bundle(bytes: &[u8]) -> Result<Bundle, DecodeError> {
    split_bundle(bytes)?.unpack()
}

fn split_bundle(bytes: &[u8]) -> Result<Packed<'_>, DecodeError> {
    let Some((&VERSION, body)) = bytes.split_first() else {
        return Err(json::shape("a bundle begins with its version, which is 2"));
    };
    let (packed, rest) =
        postcard::take_from_bytes::<Packed<'_>>(body).map_err(|error| json::shape(&error.to_string()))?;
    if rest.is_empty() { Ok(packed) } else { Err(json::shape("there are bytes behind the bundle")) }
}

impl Packed<'_> {
    fn of(bundle: &Bundle) -> Packed<'_> {
        let events = bundle.events.iter().map(|event| &*event.json).collect();
        Packed { id: bundle.id, events, signature: bundle.signatures() }
    }

    fn unpack(self) -> Result<Bundle, DecodeError> {
        unpack_bundle(self.id, self.events, &self.signature)
    }
}

/// A bundle of which every node can send what one node took: larger ones would fit into some frames and not into others.
pub(crate) fn unpack_bundle(id: BundleId, events: Vec<&str>, signature: &[u8]) -> Result<Bundle, DecodeError> {
    let bytes: usize = events.iter().map(|text| text.len()).sum();
    if !(1..=Bundle::MAX_EVENTS).contains(&events.len()) || bytes > Bundle::MAX_BYTES {
        return Err(json::shape("a bundle holds 1 to 256 events, and 48 KiB of text"));
    }
    let signatures = split_signatures(signature);
    let (signature, second) = signatures.ok_or_else(|| json::shape("a signature has 64 bytes, two have 3373"))?;
    let events = events.into_iter().map(json::decode_event_object).collect::<Result<Vec<_>, _>>()?;
    Ok(Bundle { id, events: events.into(), signature, second })
}
