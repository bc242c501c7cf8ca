//! Links that bring nothing: their places are for others.
//!
//! A link over which neither bundles nor announcements come while bundles of many origins come over others leads to a node
//! that forwards nothing, or to one that has all it has from this node. Either way another link would be worth more. That is
//! no broken rule and costs no points: the link is dropped where there is somebody to take its place, and no oftener than
//! one in a while.
//!
//! Invariants: what is remembered is bounded by the links.

use crate::invariants::{Broken, at_most};
use crate::{OriginId, PeerId, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a link must have brought nothing, while so many bundles of so many origins came over others. Guesses: of eight
/// origins, one at least is nearer to an honest neighbour than to this node.
const LONG: Duration = Duration::from_secs(120);
const MANY: u32 = 200;
const ORIGINS: usize = 8;
/// How often a link is dropped for it. A guess.
const PAUSE: Duration = Duration::from_secs(60);

/// What links have not brought.
#[derive(Clone, Debug, Default)]
pub(super) struct Silence {
    links: BTreeMap<PeerId, Quiet>,
    not_before: Time,
}

/// Since when a link has brought nothing, and what others have brought since.
#[derive(Clone, Debug)]
struct Quiet {
    since: Time,
    bundles: u32,
    origins: BTreeSet<OriginId>,
}

impl Quiet {
    fn new(since: Time) -> Quiet {
        Quiet { since, bundles: 0, origins: BTreeSet::new() }
    }

    fn is_long(&self, now: Time) -> bool {
        self.bundles >= MANY && self.origins.len() >= ORIGINS && now.since(self.since) >= LONG
    }
}

impl Silence {
    /// A connection is a link.
    pub(super) fn begin(&mut self, now: Time, peer: PeerId) {
        self.links.insert(peer, Quiet::new(now));
    }

    /// It is none any more.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.links.remove(&peer);
    }

    /// A link has brought something.
    pub(super) fn on_word(&mut self, now: Time, peer: PeerId) {
        if let Some(quiet) = self.links.get_mut(&peer) {
            *quiet = Quiet::new(now);
        }
    }

    /// A link has brought a new bundle: who else might have? The link that has been silent for too long, if there is one.
    pub(super) fn on_bundle(&mut self, now: Time, from: PeerId, origin: OriginId) -> Option<PeerId> {
        self.on_word(now, from);
        for quiet in self.links.iter_mut().filter(|(peer, _)| **peer != from).map(|(_, quiet)| quiet) {
            quiet.bundles = quiet.bundles.saturating_add(1);
            if quiet.origins.len() < ORIGINS {
                quiet.origins.insert(origin);
            }
        }
        if now < self.not_before {
            return None;
        }
        let silent = self.links.iter().find(|(_, quiet)| quiet.is_long(now)).map(|(peer, _)| *peer);
        if silent.is_some() {
            self.not_before = now + PAUSE;
        }
        silent
    }

    pub(super) fn check(&self, is_link: impl Fn(PeerId) -> bool) -> Broken {
        at_most("links that are gone and silent", self.links.keys().filter(|peer| !is_link(**peer)).count(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: PeerId = PeerId(1);
    const LOUD: PeerId = PeerId(2);

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    /// Who is found, where a link brings one bundle a second of so many origins.
    fn found(origins: u64, speaks_at: Option<u64>) -> Vec<(u64, PeerId)> {
        let mut silence = Silence::default();
        [QUIET, LOUD].into_iter().for_each(|peer| silence.begin(at(0), peer));
        let mut found = Vec::new();
        for second in 0..400 {
            if speaks_at == Some(second) {
                silence.on_word(at(second), QUIET);
            }
            let origin = OriginId([(second % origins) as u8; 32]);
            found.extend(silence.on_bundle(at(second), LOUD, origin).map(|peer| (second, peer)));
        }
        found
    }

    #[test]
    fn a_link_that_brings_nothing_while_others_do_is_found_once_a_minute() {
        assert_eq!(found(8, None), [(199, QUIET), (259, QUIET), (319, QUIET), (379, QUIET)]);
        assert_eq!(found(8, Some(150)), [(349, QUIET)], "a word of it is enough");
        assert!(found(7, None).is_empty(), "of few origins a neighbour may have all from us");
    }
}
