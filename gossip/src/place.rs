//! Where an origin says that it is: to a tenth of a degree, signed by its key, for one mesh.
//!
//! It is a claim, which proves no more than that whoever holds the key has made it. Unlike what a [`Profile`](crate::Profile) declares
//! it may change: of two that one origin has stated the later counts, on every node. One without a spot takes back those before.

use crate::{Keypair, OriginId, PublicKey, Signature};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a place begins with: it holds as nothing else.
const DOMAIN: &[u8] = b"beauty-mesh/place/1";

/// A spot on Earth, in tenths of a degree: 11 km from north to south. Nothing finer can be told, so nothing finer leaves a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spot {
    latitude: i16,
    longitude: i16,
}

impl Spot {
    /// The nearest spot to a place in degrees. `None` where the latitude is not within ±90, or the longitude not within ±180.
    pub fn near(latitude: f64, longitude: f64) -> Option<Spot> {
        let tenths = |degrees: f64, most: f64| (degrees.abs() <= most).then(|| (degrees * 10.0).round() as i16);
        Some(Spot { latitude: tenths(latitude, 90.0)?, longitude: tenths(longitude, 180.0)? })
    }

    /// Degrees north of the equator, below zero where it lies south of it.
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude) / 10.0
    }

    /// Degrees east of Greenwich, below zero where it lies west of it.
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude) / 10.0
    }

    fn is_on_earth(self) -> bool {
        (-900..=900).contains(&self.latitude) && (-1_800..=1_800).contains(&self.longitude)
    }
}

/// "There I am."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Who says so.
    pub origin: OriginId,
    /// When, in microseconds since the epoch.
    pub at: u64,
    /// Where; `None`: it says no more where it is.
    pub spot: Option<Spot>,
    /// The origin's signature of [`Place::bytes`].
    pub signature: Signature,
}

impl Place {
    /// How many one frame holds at most: 30 kB.
    pub const MAX_IN_FRAME: usize = 256;

    /// States it.
    pub fn state(mesh: &str, pair: &Keypair, at: u64, spot: Option<Spot>) -> Place {
        let place = Place { origin: pair.origin(), at, spot, signature: Signature::NONE };
        Place { signature: pair.sign(&place.bytes(mesh)), ..place }
    }

    /// What the origin signs; integers are little-endian.
    ///
    /// | bytes | what |
    /// |---|---|
    /// | 19 | `beauty-mesh/place/1` in ASCII |
    /// | 2, n | bytes in the mesh's name, and the name in UTF-8 |
    /// | 32 | the origin |
    /// | 8 | when, in microseconds since the epoch |
    /// | 2, 2 | the latitude and the longitude in tenths of a degree; left out where there is no spot |
    pub fn bytes(&self, mesh: &str) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        // A mesh's name has at most 64 characters: its length fits.
        bytes.extend_from_slice(&(mesh.len() as u16).to_le_bytes());
        bytes.extend_from_slice(mesh.as_bytes());
        bytes.extend_from_slice(&self.origin.0);
        bytes.extend_from_slice(&self.at.to_le_bytes());
        if let Some(Spot { latitude, longitude }) = self.spot {
            bytes.extend_from_slice(&latitude.to_le_bytes());
            bytes.extend_from_slice(&longitude.to_le_bytes());
        }
        bytes
    }

    /// Whether the origin has signed it, for this mesh.
    pub fn holds(&self, mesh: &str) -> bool {
        PublicKey::decode(&self.origin).is_ok_and(|key| key.verify(&self.bytes(mesh), &self.signature))
    }

    /// Which of two counts that one origin has stated: the greater.
    fn rank(&self) -> (u64, Option<Spot>) {
        (self.at, self.spot)
    }
}

/// The places that a node knows, the newest of each origin. All of them hold. They are not kept on a disk: links tell them again.
#[derive(Clone, Debug, Default)]
pub struct Places {
    by_origin: BTreeMap<OriginId, Place>,
}

impl Places {
    /// How many are kept: 130 kB of them.
    pub const MAX: usize = 1_024;

    /// Takes in a place that holds. `false`: a later one of its origin is known, or there is no room. Where there are too many, the
    /// oldest is forgotten, of origins that have been heard after all others, and this node's own never.
    pub fn learn(&mut self, place: Place, own: &OriginId, heard: impl Fn(&OriginId) -> bool) -> bool {
        if !self.would_learn(&place) {
            return false;
        }
        let origin = place.origin;
        self.by_origin.insert(origin, place);
        if self.by_origin.len() > Places::MAX {
            let worth = |it: &&Place| (it.origin == *own, heard(&it.origin), it.at);
            let least = self.by_origin.values().min_by_key(worth).map(|place| place.origin);
            least.and_then(|least| self.by_origin.remove(&least));
        }
        self.by_origin.contains_key(&origin)
    }

    /// Whether a place would be news.
    pub(crate) fn would_learn(&self, place: &Place) -> bool {
        self.by_origin.get(&place.origin).is_none_or(|known| known.rank() < place.rank())
    }

    /// All of them, those that were taken back included.
    pub fn iter(&self) -> impl Iterator<Item = &Place> {
        self.by_origin.values()
    }
}

/// How a place is written.
#[derive(Serialize, Deserialize)]
pub(crate) struct Packed<'a> {
    origin: OriginId,
    at: u64,
    spot: Option<Spot>,
    #[serde(borrow)]
    signature: &'a [u8],
}

impl Packed<'_> {
    pub(crate) fn of(place: &Place) -> Packed<'_> {
        let Place { origin, at, spot, signature } = place;
        Packed { origin: *origin, at: *at, spot: *spot, signature: &signature.0 }
    }

    /// `None` where it is nowhere on Earth, or the signature has another length.
    pub(crate) fn unpack(self) -> Option<Place> {
        let Packed { origin, at, spot, signature } = self;
        let signature = Signature(signature.try_into().ok()?);
        spot.is_none_or(Spot::is_on_earth).then_some(Place { origin, at, spot, signature })
    }
}
