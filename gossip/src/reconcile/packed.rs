//! How the messages of a reconciliation are written: origins once a frame, and times as differences.

use super::exchange::{Exchange, Root};
use super::slots::Width;
use crate::json::{self, DecodeError};
use crate::store::{Content, Wanted};
use crate::wire::unpack_bundle;
use crate::{Bundle, BundleHash, BundleId, Fingerprint, OriginId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
pub(crate) enum Packed<'a> {
    Root {
        from: u64,
        until: u64,
        hash: [u8; 8],
        count: u32,
    },
    GetSums {
        width: Width,
        from: u64,
        until: u64,
    },
    Sums {
        width: Width,
        from: u64,
        until: u64,
        slots: Vec<(u64, [u8; 8], u32)>,
    },
    GetIds {
        from: u64,
        until: u64,
    },
    Ids {
        from: u64,
        until: u64,
        ids: Ids,
    },
    Want {
        number: u32,
        ids: Ids,
    },
    Missed {
        number: u32,
        covered: u32,
        ids: Ids,
        #[serde(borrow)]
        bodies: Vec<Body<'a>>,
    },
    GetContents {
        from: u64,
        until: u64,
        hash: [u8; 8],
        count: u32,
    },
    Contents {
        from: u64,
        until: u64,
        contents: Contents,
    },
    WantContents {
        number: u32,
        contents: Contents,
    },
}

/// Bundles with their contents: as many hashes as ids.
#[derive(Serialize, Deserialize)]
pub(crate) struct Contents {
    ids: Ids,
    hashes: Vec<BundleHash>,
}

/// Ids: each names its origin by its place, and by how much its time is more than that of the id before.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ids {
    origins: Vec<OriginId>,
    ids: Vec<(u16, i64)>,
}

/// What a bundle tells, and its signature of 64 bytes, or two of 3,373.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body<'a> {
    #[serde(borrow)]
    events: Vec<&'a str>,
    #[serde(borrow)]
    signature: Cow<'a, [u8]>,
}

impl Packed<'_> {
    pub(crate) fn of(exchange: &Exchange) -> Packed<'_> {
        match exchange {
            Exchange::Root(Root { from, until, sum }) => {
                Packed::Root { from: *from, until: *until, hash: sum.hash.to_le_bytes(), count: sum.count }
            }
            Exchange::GetSums { width, from, until } => Packed::GetSums { width: *width, from: *from, until: *until },
            Exchange::Sums { width, from, until, slots } => {
                let mut last = *from;
                let packed = slots.iter().map(|(start, sum)| {
                    let step = start.wrapping_sub(std::mem::replace(&mut last, *start)) / width.micros();
                    (step, sum.hash.to_le_bytes(), sum.count)
                });
                Packed::Sums { width: *width, from: *from, until: *until, slots: packed.collect() }
            }
            Exchange::GetIds { from, until } => Packed::GetIds { from: *from, until: *until },
            Exchange::Ids { from, until, ids } => Packed::Ids { from: *from, until: *until, ids: Ids::of(ids.iter()) },
            Exchange::GetContents { from, until, sum } => {
                Packed::GetContents { from: *from, until: *until, hash: sum.hash.to_le_bytes(), count: sum.count }
            }
            Exchange::Contents { from, until, contents } => {
                Packed::Contents { from: *from, until: *until, contents: Contents::of(contents.iter().copied()) }
            }
            Exchange::Want { number, ids } => {
                let contents = ids.iter().map(|wanted| Some((wanted.id, wanted.hash?))).collect::<Option<Vec<_>>>();
                match contents.filter(|contents| !contents.is_empty()) {
                    Some(contents) => {
                        Packed::WantContents { number: *number, contents: Contents::of(contents.into_iter()) }
                    }
                    None => Packed::Want { number: *number, ids: Ids::of(ids.iter().map(|wanted| &wanted.id)) },
                }
            }
            Exchange::Missed { number, covered, bundles } => Packed::Missed {
                number: *number,
                covered: *covered,
                ids: Ids::of(bundles.iter().map(|bundle| &bundle.id)),
                bodies: bundles.iter().map(Body::of).collect(),
            },
        }
    }

    pub(crate) fn unpack(self) -> Result<Exchange, DecodeError> {
        Ok(match self {
            Packed::Root { from, until, hash, count } => {
                Exchange::Root(Root { from, until, sum: Fingerprint { hash: u64::from_le_bytes(hash), count } })
            }
            Packed::GetSums { width, from, until } => Exchange::GetSums { width, from, until },
            Packed::Sums { slots, .. } if slots.len() > Exchange::MAX_SUMS => {
                return Err(json::shape("too many slots in a frame"));
            }
            Packed::Sums { width, from, until, slots } => {
                let mut start = from;
                let slots = slots.into_iter().map(|(step, hash, count)| {
                    start = step.checked_mul(width.micros()).and_then(|step| start.checked_add(step))?;
                    Some((start, Fingerprint { hash: u64::from_le_bytes(hash), count }))
                });
                let slots =
                    slots.collect::<Option<Vec<_>>>().ok_or_else(|| json::shape("a slot begins after all time"))?;
                Exchange::Sums { width, from, until, slots }
            }
            Packed::GetIds { from, until } => Exchange::GetIds { from, until },
            Packed::Ids { from, until, ids } => Exchange::Ids { from, until, ids: ids.unpack(Exchange::MAX_IDS)? },
            Packed::GetContents { from, until, hash, count } => {
                let sum = Fingerprint { hash: u64::from_le_bytes(hash), count };
                Exchange::GetContents { from, until, sum }
            }
            Packed::Contents { from, until, contents } => {
                Exchange::Contents { from, until, contents: contents.unpack(Exchange::MAX_CONTENTS)? }
            }
            Packed::Want { number, ids } => {
                let ids = ids.unpack(Exchange::MAX_WANTED)?.into_iter().map(Wanted::from);
                Exchange::Want { number, ids: ids.collect() }
            }
            Packed::WantContents { number, contents } => {
                let contents = contents.unpack(Exchange::MAX_WANTED)?.into_iter().map(Wanted::from);
                Exchange::Want { number, ids: contents.collect() }
            }
            Packed::Missed { number, covered, ids, bodies } => {
                let ids = ids.unpack(Exchange::MAX_WANTED)?;
                if ids.len() != bodies.len() {
                    return Err(json::shape("as many bundles as ids are expected"));
                }
                let bundles = ids.into_iter().zip(bodies).map(|(id, body)| body.unpack(id));
                Exchange::Missed { number, covered, bundles: bundles.collect::<Result<_, _>>()? }
            }
        })
    }
}

impl Contents {
    fn of(contents: impl Iterator<Item = Content>) -> Contents {
        let (ids, hashes): (Vec<BundleId>, _) = contents.unzip();
        Contents { ids: Ids::of(ids.iter()), hashes }
    }

    fn unpack(self, max: usize) -> Result<Vec<Content>, DecodeError> {
        let ids = self.ids.unpack(max)?;
        if ids.len() != self.hashes.len() {
            return Err(json::shape("as many hashes as ids are expected"));
        }
        Ok(ids.into_iter().zip(self.hashes).collect())
    }
}

impl Ids {
    fn of<'a>(ids: impl Iterator<Item = &'a BundleId>) -> Ids {
        let (mut places, mut origins, mut last) = (BTreeMap::new(), Vec::new(), 0_u64);
        let ids = ids.map(|id| {
            let place = *places.entry(id.origin).or_insert_with(|| {
                origins.push(id.origin);
                // There are 1,024 ids in a frame at most.
                (origins.len() - 1) as u16
            });
            (place, id.seq.wrapping_sub(std::mem::replace(&mut last, id.seq)).cast_signed())
        });
        let ids = ids.collect();
        Ids { origins, ids }
    }

    fn unpack(self, max: usize) -> Result<Vec<BundleId>, DecodeError> {
        if self.ids.len() > max {
            return Err(json::shape("too many ids in a frame"));
        }
        let mut seq = 0_u64;
        let ids = self.ids.into_iter().map(|(place, step)| {
            seq = seq.wrapping_add(step.cast_unsigned());
            Some(BundleId { origin: *self.origins.get(usize::from(place))?, seq })
        });
        ids.collect::<Option<_>>().ok_or_else(|| json::shape("an id names an origin that the frame has not"))
    }
}

impl Body<'_> {
    fn of(bundle: &Bundle) -> Body<'_> {
        Body { events: bundle.events.iter().map(|event| &*event.json).collect(), signature: bundle.signatures() }
    }

    fn unpack(self, id: BundleId) -> Result<Bundle, DecodeError> {
        unpack_bundle(id, self.events, &self.signature)
    }
}
