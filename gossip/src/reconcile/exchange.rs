//! What two nodes say to each other to end with the same bundles.

use super::slots::{Slot, Width};
use crate::store::{Content, Wanted};
use crate::{Bundle, BundleId, Fingerprint};

/// One message of a reconciliation. All times are microseconds since the epoch.
///
/// ```text
/// anybody                          anybody
///   │ ──── Root ───────────────────▶ │  while it changes, and every 30 s to a random peer
///
/// who lacks something              who has it: keeps nothing between two messages
///   │ ──── GetSums (hours) ────────▶ │
///   │ ◀─────────────────── Sums ──── │
///   │ ──── GetSums (10 s, 1 s) ────▶ │  of the slots that differ and hold many
///   │ ◀─────────────────── Sums ──── │
///   │ ──── GetIds ─────────────────▶ │  of the slots that differ
///   │ ◀──────────────────── Ids ──── │
///   │ ──── GetContents ────────────▶ │  where there is no number to get: one may have two contents
///   │ ◀─────────────── Contents ──── │
///   │ ──── Want ───────────────────▶ │  up to 18 at once, as long as they are answered fast
///   │ ◀───────────────── Missed ──── │  one for each
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Exchange {
    /// What the speaker holds, but for the last seconds. Whose own differs, and is not more, asks for what it lacks.
    Root(Root),
    /// Tell me the fingerprints of these slots. Answered by [`Exchange::Sums`].
    GetSums {
        /// Of which length.
        width: Width,
        /// From this moment on.
        from: u64,
        /// Up to and without this moment.
        until: u64,
    },
    /// The slots that hold anything, ascending. They are whole up to `until`, which may be less than what was asked for;
    /// where it is `from`, slots of this width are not known.
    Sums {
        /// Of which length.
        width: Width,
        /// That of the question.
        from: u64,
        /// So far.
        until: u64,
        /// When each starts, and what is in it.
        slots: Vec<Slot>,
    },
    /// Tell me the ids of the bundles in this range. Answered by [`Exchange::Ids`].
    GetIds {
        /// From this moment on.
        from: u64,
        /// Up to and without this moment.
        until: u64,
    },
    /// Ids, ascending by (time, origin), each once. They are whole up to `until`, which may be less than what was asked for.
    Ids {
        /// That of the question.
        from: u64,
        /// So far.
        until: u64,
        /// The ids.
        ids: Vec<BundleId>,
    },
    /// Of what you have in this range I have every number, and bundles of these numbers with this fingerprint. Where yours
    /// differs, somebody has signed two contents under one number: tell me what you have. Answered by [`Exchange::Contents`].
    GetContents {
        /// From this moment on.
        from: u64,
        /// Up to and without this moment.
        until: u64,
        /// What the speaker has of it.
        sum: Fingerprint,
    },
    /// Bundles with their contents, ascending by (time, origin, hash): none where the fingerprints agree. They are whole up to
    /// `until`, which may be less than what was asked for.
    Contents {
        /// That of the question.
        from: u64,
        /// So far.
        until: u64,
        /// The bundles.
        contents: Vec<Content>,
    },
    /// Send me these bundles. Answered by one [`Exchange::Missed`].
    Want {
        /// For the answer.
        number: u32,
        /// Which, in the order in which they are to be sent: all by their numbers, or all by their contents.
        ids: Vec<Wanted>,
    },
    /// Bundles that were asked for: as many as a frame holds.
    Missed {
        /// That of the question.
        number: u32,
        /// How many of the ids that were asked for it is about, from the first on; those of them that are not here, the
        /// speaker has not.
        covered: u32,
        /// The bundles, in the order of the question.
        bundles: Vec<Bundle>,
    },
}

/// The fingerprint of what a node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// From this moment on.
    pub from: u64,
    /// Up to and without this moment.
    pub until: u64,
    /// What is in it.
    pub sum: Fingerprint,
}

impl Exchange {
    /// How many slots one message tells at most.
    pub const MAX_SUMS: usize = 2_048;
    /// How many ids one message tells at most.
    pub const MAX_IDS: usize = 1_024;
    /// How many bundles one message tells with their contents at most: 24 bytes each, and 32 for each origin.
    pub const MAX_CONTENTS: usize = 512;
    /// How many bundles are asked for, and sent, at once at most.
    pub const MAX_WANTED: usize = 128;
}
