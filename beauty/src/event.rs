//! An event: at one moment, something was so beautiful. And the hash that stands for its content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::name::MAX_BYTES;
use crate::{ContentHash, Origin, Score, Source, Timestamp};

/// An event's id: a UUID (RFC 9562). Ours are version 7; from outside, any version is taken. A string in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<EventId, uuid::Error> {
        text.parse().map(EventId)
    }
}

/// One score, at one moment. Who reports it, its [`Origin`], is said by whatever carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BeautyEvent {
    /// What the event is known by.
    pub id: EventId,
    /// When it was.
    pub at: Timestamp,
    /// How beautiful it was.
    pub score: Score,
    /// What it is about; may be empty.
    pub source: Source,
}

/// What the encoding starts with: it belongs to this project, to events, and to version 1 of the layout.
const DOMAIN: &[u8; 8] = b"beauty/1";

/// The longest encoding: domain, id, time, score, and two names with their lengths.
const MAX_ENCODED: usize = DOMAIN.len() + 16 + 8 + 4 + 2 * (2 + MAX_BYTES);

impl BeautyEvent {
    /// The BLAKE3 hash of the event's content, its origin included.
    ///
    /// What is hashed, byte by byte; integers are little-endian:
    ///
    /// | bytes | what |
    /// |---|---|
    /// | 8 | `beauty/1` in ASCII: the domain |
    /// | 16 | id, as RFC 9562 lays it out (big-endian) |
    /// | 8 | time, milliseconds since the epoch |
    /// | 4 | score, micro-units |
    /// | 2 | bytes in the origin's name |
    /// | 0..=256 | origin's name, UTF-8 |
    /// | 2 | bytes in the source's name |
    /// | 0..=256 | source's name, UTF-8 |
    ///
    /// Each part has a fixed or a stated length, so different events never share an encoding. With names of up to 24 bytes
    /// together it fills one BLAKE3 block.
    pub fn content_hash(&self, origin: &Origin) -> ContentHash {
        let mut encoding = Encoding { bytes: [0; MAX_ENCODED], len: 0 };
        encoding.put(DOMAIN);
        encoding.put(self.id.0.as_bytes());
        encoding.put(&self.at.as_millis().to_le_bytes());
        encoding.put(&self.score.micros().to_le_bytes());
        encoding.put_name(origin.as_str());
        encoding.put_name(self.source.as_str());
        ContentHash(*blake3::hash(&encoding.bytes[..encoding.len]).as_bytes())
    }
}

/// A buffer on the stack that the longest event fits.
struct Encoding {
    bytes: [u8; MAX_ENCODED],
    len: usize,
}

impl Encoding {
    fn put(&mut self, part: &[u8]) {
        let end = self.len + part.len();
        self.bytes[self.len..end].copy_from_slice(part);
        self.len = end;
    }

    fn put_name(&mut self, name: &str) {
        // Names are at most 256 bytes long: `name.rs` holds the only ways to make one.
        self.put(&(name.len() as u16).to_le_bytes());
        self.put(name.as_bytes());
    }
}
