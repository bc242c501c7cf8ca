//! Bundles as text, one JSON object a line, to be moved, looked at, and taken in again.
//!
//! `{"origin":"<64 hex digits>","seq":1795358943747000,"signature":"<128>","events":["{\"event_id\": …}"]}`: the events are the
//! texts that were sent, as strings, since every byte of them counts: the signature is over them. It is checked at import.

use super::Store;
use super::batch::{Batch, StoredBundle, StoredProof};
use super::error::StoreError;
use crate::clock;
use crate::profiles::{ProfileFile, Unsigned};
use gossip::{
    Bundle, BundleId, Content, OriginId, Profile, Proof, PublicKey, Wanted, bundle_bytes, json, split_signatures, wire,
};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

/// The longest line: a bundle's 48 KiB of text, every byte of it escaped.
const MAX_LINE: usize = 512 * 1_024;
/// Bundles that go to disk together.
const GROUP: usize = 256;

/// Why an export or an import ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is read from, or written to.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line that is no bundle. Those before it were taken in.
    #[error("line {number} is no bundle: {why}; the lines before it were taken in")]
    Line {
        /// Which, from 1 on.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bundles.
    pub bundles: u64,
    /// Bundles that were there already, or that are older than what the store takes.
    pub passed_over: u64,
    /// Bundles that can't be read.
    pub damaged: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    origin: String,
    seq: u64,
    signature: String,
    /// The second one, where there is one: 6,618 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second: Option<String>,
    events: Vec<String>,
}

impl Store {
    /// Writes out every bundle that can be read, oldest first.
    ///
    /// # Errors
    /// The file can't be read at all, or `out` takes no more.
    pub fn export(&self, mut out: impl Write) -> Result<Moved, MoveError> {
        let (mut moved, mut from) = (Moved::default(), 0);
        loop {
            // From the first number not yet written out: there may be several bundles of one number.
            let mut ids = self.ids(from..u64::MAX, GROUP)?;
            let Some(last) = ids.last().map(|id| id.seq) else { break };
            if ids.len() == GROUP && ids[0].seq != last {
                ids.retain(|id| id.seq < last);
            } else {
                ids = self.ids(from..last.saturating_add(1), usize::MAX)?;
            }
            let next = ids.last().map_or(from, |id| id.seq).saturating_add(1);
            let begin = std::mem::replace(&mut from, next);
            let mut wanted: Vec<Wanted> = ids.into_iter().map(Wanted::from).collect();
            wanted.extend(self.twins(begin..from, usize::MAX)?.into_iter().map(Wanted::from));
            wanted.sort_by_key(|wanted| (wanted.id.seq, wanted.id.origin));
            let found = self.bundles(&wanted)?;
            moved.damaged += found.damaged.len() as u64;
            for stored in found.bundles {
                let Ok(bundle) = wire::decode_bundle(&stored.bytes) else {
                    moved.damaged += 1;
                    continue;
                };
                let events = bundle.events.iter().map(|event| event.json.to_string()).collect();
                let signature = hex::encode(bundle.signature.0);
                let second = bundle.second.as_ref().map(|second| hex::encode(second.0.as_slice()));
                let (origin, seq) = (hex::encode(bundle.id.origin.0), bundle.id.seq);
                let line = Line { origin, seq, signature, second, events };
                serde_json::to_writer(&mut out, &line).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
                moved.bundles += 1;
            }
        }
        out.flush()?;
        Ok(moved)
    }

    /// Takes in bundles of a mesh, some of whose origins sign twice, as `known` tells, and of which `judge` finds nothing wrong. They
    /// are on disk when it returns, and part of the map at the node's next start.
    ///
    /// # Errors
    /// A line that is no bundle, or none that its origin has signed for this mesh, or one that is judged to be wrong; or what the store
    /// says.
    pub fn import(
        &self,
        (mesh, known): (&str, &[Arc<Profile>]),
        mut lines: impl BufRead,
        judge: impl Fn(&Bundle) -> Result<(), String>,
    ) -> Result<Moved, MoveError> {
        let (mut moved, mut group) = (Moved::default(), Vec::new());
        let known = ProfileFile::new(None, OriginId([0; 32]), known);
        for number in 1.. {
            let mut line = Vec::new();
            let length = lines.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)?;
            let end = length == 0;
            if !line.trim_ascii().is_empty() {
                match read_line(mesh, &known, &line, &judge) {
                    Ok(bundle) => group.push(bundle),
                    Err(why) => {
                        self.take_in(&mut group, &mut moved)?;
                        return Err(MoveError::Line { number, why });
                    }
                }
            }
            if end || group.len() == GROUP {
                self.take_in(&mut group, &mut moved)?;
            }
            if end {
                break;
            }
        }
        Ok(moved)
    }

    fn take_in(&self, group: &mut Vec<StoredBundle>, moved: &mut Moved) -> Result<(), StoreError> {
        if group.is_empty() {
            return Ok(());
        }
        let bundles = std::mem::take(group);
        let all = bundles.len();
        let kept = self.keep(Batch { bundles, ..Batch::default() })?.kept_blocking()?;
        moved.bundles += kept.new as u64;
        moved.passed_over += (all - kept.new) as u64;
        self.prove(&kept.differing)
    }

    /// Keeps the proofs that bundles of one number with different contents are. Their signatures were checked as they came.
    fn prove(&self, differing: &[BundleId]) -> Result<(), StoreError> {
        let (mut proofs, mut last) = (Vec::new(), None);
        for id in differing.iter().filter(|id| last.replace(id.origin) != Some(id.origin)) {
            let twins = self.contents(id.seq..id.seq.saturating_add(1), usize::MAX)?;
            let wanted: Vec<Content> = twins.into_iter().filter(|(other, _)| other == id).take(2).collect();
            let both = self.bundles(&wanted)?.bundles;
            let decoded: Vec<Bundle> =
                both.iter().filter_map(|stored| wire::decode_bundle(&stored.bytes).ok()).collect();
            if let Ok([one, other]) = <[Bundle; 2]>::try_from(decoded)
                && let Some(proof) = Proof::of(one, other)
            {
                proofs.push(StoredProof { proof, since: clock::wall().as_millis().saturating_mul(1_000) });
            }
        }
        if !proofs.is_empty() {
            self.keep(Batch { proofs, ..Batch::default() })?.kept_blocking()?;
        }
        Ok(())
    }
}

fn read_line(
    mesh: &str,
    known: &ProfileFile,
    line: &[u8],
    judge: impl Fn(&Bundle) -> Result<(), String>,
) -> Result<StoredBundle, String> {
    if line.len() > MAX_LINE {
        return Err("it is too long".to_owned());
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut origin = [0; 32];
    hex::decode_to_slice(&line.origin, &mut origin).map_err(|_| "its origin is not 64 hex digits".to_owned())?;
    let signatures = hex::decode(line.signature + &line.second.unwrap_or_default()).ok();
    let signatures = signatures.and_then(|bytes| split_signatures(&bytes));
    let (signature, second) = signatures.ok_or("its signature is not 128 hex digits, or its second one not 6618")?;
    let events: Result<Vec<_>, _> = line.events.iter().map(|text| json::decode_event_object(text)).collect();
    let events = events.map_err(|error| error.to_string())?;
    let id = BundleId { origin: OriginId(origin), seq: line.seq };
    let bundle = Bundle { id, events: events.into(), signature, second };
    if !(1..=Bundle::MAX_EVENTS).contains(&bundle.events.len()) || bundle.bytes() > Bundle::MAX_BYTES {
        return Err("a bundle holds 1 to 256 events, and 48 KiB of text".to_owned());
    }
    let key = PublicKey::decode(&bundle.id.origin).map_err(|error| error.to_string())?;
    if !key.verify(&bundle_bytes(mesh, &bundle), &bundle.signature) {
        return Err(format!("it is not signed by its origin for the mesh {mesh:?}"));
    }
    known.judge(&bundle, || bundle_bytes(mesh, &bundle)).map_err(|unsigned| match unsigned {
        Unsigned::Undeclared => "it has a second signature, and what its origin has declared is not known here: put the file `profiles` of the \
                                 node that it comes from into the data folder"
            .to_owned(),
        Unsigned::Missing | Unsigned::Forged => "it is not signed by its origin's second key".to_owned(),
    })?;
    judge(&bundle)?;
    let bytes = wire::encode_bundle(&bundle).ok_or("it can't be written")?;
    Ok(StoredBundle { id: bundle.id, hash: Some(bundle.hash()), events: bundle.events.len() as u16, bytes })
}
