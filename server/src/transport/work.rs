//! What has come together on one connection, while it is read and checked.
//!
//! Bytes tell little of what there is to do: a frame of a few hundred may unpack to hundreds of signatures. So frames are unpacked
//! and read first, one after the other, until it shows.

use super::limits;
use super::link::LinkStats;
use super::pace::Load;
use super::packing::Packing;
use crate::node::{Checked, Refusal, Verifier};
use gossip::{Dialect, Message, json, wire};
use std::sync::Arc;
use std::vec;
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

/// A frame with data.
pub(super) enum Data {
    Text(Utf8Bytes),
    Binary(Bytes),
}

/// Frames, of which the first have been read.
pub(super) struct Work {
    verifier: Verifier,
    packing: Arc<Packing>,
    stats: Arc<LinkStats>,
    dialect: Dialect,
    left: vec::IntoIter<Data>,
    frames: Vec<Result<Message, Refusal>>,
    /// As they came, and of those that have been read without compression.
    bytes: usize,
    unpacked: usize,
    load: Load,
}

impl Work {
    /// Reads frames until all are, or there is much to do.
    pub(super) fn begin(
        verifier: &Verifier,
        packing: &Arc<Packing>,
        stats: &Arc<LinkStats>,
        dialect: Dialect,
        data: Vec<Data>,
    ) -> Work {
        let (frames, left) = (Vec::with_capacity(data.len()), data.into_iter());
        let bytes = left.as_slice().iter().map(Data::len).sum();
        let load = Load::of_bytes(bytes);
        let (verifier, packing, stats) = (verifier.clone(), Arc::clone(packing), Arc::clone(stats));
        let mut work = Work { verifier, packing, stats, dialect, left, frames, bytes, unpacked: 0, load };
        while !work.is_large() && work.read() {}
        work
    }

    /// Whether it is too much for the thread that serves all connections.
    pub(super) fn is_large(&self) -> bool {
        self.bytes > limits::LARGE || self.unpacked > limits::LARGE_UNPACKED || self.load.checks() > limits::MANY_CHECKS
    }

    /// Reads the next frame. `false`: there is none.
    fn read(&mut self) -> bool {
        let Some(data) = self.left.next() else { return false };
        let frame = data.decode(self.dialect, &self.packing, &mut self.unpacked);
        self.load.add(frame.as_ref().ok(), || self.stats.take_asked());
        self.frames.push(frame);
        true
    }

    /// Reads the rest, and checks all.
    pub(super) fn check(mut self) -> (Load, Vec<Checked>) {
        while self.read() {}
        (self.load, self.verifier.check(self.dialect, self.frames))
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Data::Text(text) => text.len(),
            Data::Binary(bytes) => bytes.len(),
        }
    }

    /// Adds to `unpacked` how many bytes it has without compression.
    fn decode(&self, dialect: Dialect, packing: &Packing, unpacked: &mut usize) -> Result<Message, Refusal> {
        match (self, dialect) {
            (Data::Text(text), _) => {
                *unpacked += text.len();
                Ok(json::decode(text)?)
            }
            (Data::Binary(bytes), Dialect::V2) => {
                let frame = packing.unpack(bytes).map_err(|why| Refusal::frame("packing", why))?;
                *unpacked += frame.len();
                Ok(wire::decode(&frame)?)
            }
            (Data::Binary(_), Dialect::Json) => {
                let why =
                    "a binary frame, but the subprotocol beauty-mesh.v2 was not agreed on; JSON goes in text frames";
                Err(Refusal::frame("binary", why.to_owned()))
            }
        }
    }
}
