//! The active view: the links of a node, and which of them may go.
//!
//! About half of the links or a little more are near ones, the rest random, as in X-BOT (Leitão, Marques, Pereira, Rodrigues: X-BOT: A
//! Protocol for Resilient Optimization of Unstructured Overlays, SRDS 2009), which calls the random ones unbiased. A near
//! link gives way to a nearer one only, a random one to anybody: so the overlay is bent to the network and stays one piece.
//!
//! Links in doubt take no place, up to so many: others are looked for beside them. Where room is made, they go first. When a doubt
//! ends, a link takes a place again once there is one: nobody is dropped for it.
//!
//! Invariants: no more links than `active_max`, and [`SPARE`] besides where some are in doubt; as long as there is a near link to drop, random links are not dropped below
//! what is looked for; what a stranger asks for never costs a protected link.

use super::siege::ANCHORS;
use crate::peer::PeerId;
use crate::{Config, Time};
use rand::Rng;
use rand::seq::IteratorRandom;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A link must be nearer than another by a fifth, and by so much, to take its place: below that is noise. Guesses.
const GAIN: u32 = 5;
const MARGIN: Duration = Duration::from_millis(2);
/// How many of the links that this node dialled can't be taken by strangers who dial it. A guess: one might be a stranger's
/// as well.
const PROTECTED: usize = 2;
/// How many links that are in doubt take no place. A guess: half of those that there may be.
pub(super) const SPARE: usize = 3;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It keeps the overlay one piece.
    Random,
    /// It is short.
    Near,
}

/// One link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) kind: Kind,
    /// Whether this node dialled, or it leads to a bootstrap address.
    pub(super) chosen: bool,
    /// Whether it leads to a bootstrap address.
    pub(super) bootstrap: bool,
    /// Whether this node dialled, and no stranger can have talked it into that: it leads to a bootstrap address, or to one that a
    /// bootstrap peer has told of.
    pub(super) anchor: bool,
    pub(super) since: Time,
    /// Whether it has brought nothing in a long while: see `conduct`.
    pub(super) doubted: bool,
    /// Whether it takes no place: it is in doubt, or was, and others have taken the places meanwhile.
    pub(super) spare: bool,
    /// The round trip, smoothed.
    pub(super) rtt: Option<Duration>,
}

/// Who causes a link to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// This node wants another one.
    Own,
    /// Somebody who dialled it does.
    Stranger,
    /// This node wants another one, while strangers want it for themselves: who that is may be their choice.
    Besieged,
}

/// The links.
#[derive(Clone, Debug, Default)]
pub(super) struct Active {
    links: BTreeMap<PeerId, Link>,
}

impl Active {
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    pub(super) fn contains(&self, id: PeerId) -> bool {
        self.links.contains_key(&id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = PeerId> {
        self.links.keys().copied()
    }

    pub(super) fn insert(&mut self, id: PeerId, link: Link) {
        self.links.insert(id, link);
    }

    pub(super) fn remove(&mut self, id: PeerId) -> Option<Link> {
        self.links.remove(&id)
    }

    /// A round trip was measured: smoothed as TCP does (RFC 6298).
    pub(super) fn on_rtt(&mut self, id: PeerId, rtt: Duration) {
        if let Some(link) = self.links.get_mut(&id) {
            link.rtt = Some(link.rtt.map_or(rtt, |before| (before * 7 + rtt) / 8));
        }
    }

    /// These links are in doubt now, and no others.
    pub(super) fn doubt(&mut self, doubted: &BTreeSet<PeerId>, config: &Config) {
        for (id, link) in &mut self.links {
            link.doubted = doubted.contains(id);
            link.spare |= link.doubted;
        }
        self.take_places(config);
    }

    /// Links that are in doubt no more take the places that there are.
    pub(super) fn take_places(&mut self, config: &Config) {
        while self.taken() < config.active_max
            && let Some(link) = self.links.values_mut().find(|link| link.spare && !link.doubted)
        {
            link.spare = false;
        }
    }

    /// How many links are not in doubt.
    pub(super) fn sound(&self) -> usize {
        self.links.values().filter(|link| !link.doubted).count()
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.len() - self.links.values().filter(|link| link.spare).count().min(SPARE)
    }

    /// How many links are anchors.
    pub(super) fn anchors(&self) -> usize {
        self.links.values().filter(|link| link.anchor).count()
    }

    /// How many links are looked for.
    pub(super) fn missing(&self, config: &Config) -> usize {
        let few = config.active_view.saturating_sub(self.taken());
        let random = random_wanted(config).saturating_sub(self.count(Kind::Random));
        few.max(random.min(config.active_max.saturating_sub(self.taken())))
    }

    pub(super) fn has_room(&self, config: &Config) -> bool {
        self.taken() < config.active_max
    }

    /// Whether a near link is missing.
    pub(super) fn wants_near(&self, config: &Config) -> bool {
        self.count(Kind::Near) < config.near_links
    }

    /// A link that may go for one that is needed more: one in doubt, a random one while there are enough of these, else the farthest.
    pub(super) fn evictable(&self, cause: Cause, config: &Config, rng: &mut impl Rng) -> Option<PeerId> {
        let kind = if self.count(Kind::Random) > random_wanted(config) { Kind::Random } else { Kind::Near };
        let free = self.free(cause);
        let spare =
            free.iter().filter(|(_, link)| link.spare).map(|(id, link)| (!link.doubted, rng.next_u32(), *id)).min();
        if let Some((.., spare)) = spare {
            return Some(spare);
        }
        let of_kind = free.iter().filter(|(_, link)| link.kind == kind);
        let chosen = match kind {
            Kind::Random => of_kind.map(|(id, _)| *id).choose(rng),
            Kind::Near => of_kind.max_by_key(|(_, link)| link.rtt).map(|(id, _)| *id),
        };
        chosen.or_else(|| free.iter().map(|(id, _)| *id).choose(rng))
    }

    /// Whether a node so far away is worth a change, once a node has looked around: only if it halves the way.
    pub(super) fn is_bargain(&self, rtt: Duration, config: &Config) -> bool {
        let near = self.links.values().filter(|link| link.kind == Kind::Near);
        let farthest = || near.filter_map(|link| link.rtt).max();
        let than = if self.wants_near(config) { self.random_rtt() } else { farthest() };
        than.is_none_or(|than| rtt * 2 <= than)
    }

    /// Whether a node so far away is taken as a near one. `Some(Some(link))`: in the place of that link.
    pub(super) fn place_for_near(
        &self,
        rtt: Duration,
        cause: Cause,
        config: &Config,
        rng: &mut impl Rng,
    ) -> Option<Option<PeerId>> {
        if self.wants_near(config) {
            if self.random_rtt().is_some_and(|typical| !nearer(rtt, typical)) {
                return None;
            }
            if self.has_room(config) {
                return Some(None);
            }
            let random = self.free(cause).into_iter().filter(|(_, link)| link.kind == Kind::Random);
            let spare = self.count(Kind::Random) > random_wanted(config);
            return spare.then(|| random.map(|(id, _)| id).choose(rng)).flatten().map(Some);
        }
        let near = self.free(cause).into_iter().filter(|(_, link)| link.kind == Kind::Near);
        let (id, farthest) = near.max_by_key(|(_, link)| link.rtt)?;
        farthest.rtt.is_none_or(|farthest| nearer(rtt, farthest)).then_some(Some(id))
    }

    /// The round trip of a typical random link, if there are any: their median.
    fn random_rtt(&self) -> Option<Duration> {
        let random = self.links.values().filter(|link| link.kind == Kind::Random);
        let mut rtts: Vec<Duration> = random.filter_map(|link| link.rtt).collect();
        rtts.sort();
        rtts.get(rtts.len() / 2).copied()
    }

    fn count(&self, kind: Kind) -> usize {
        self.links.values().filter(|link| link.kind == kind && !link.spare).count()
    }

    /// The links that may be dropped for somebody else.
    fn free(&self, cause: Cause) -> Vec<(PeerId, &Link)> {
        let protected = match cause {
            Cause::Own => BTreeSet::new(),
            Cause::Stranger => self.protected(PROTECTED),
            Cause::Besieged => self.protected(ANCHORS),
        };
        self.links.iter().map(|(id, link)| (*id, link)).filter(|(id, _)| !protected.contains(id)).collect()
    }

    /// Links that this node has chosen: to bootstrap addresses first, then to those that bootstrap peers told of, then the oldest.
    fn protected(&self, amount: usize) -> BTreeSet<PeerId> {
        let chosen = self.links.iter().filter(|(_, link)| link.chosen);
        let mut chosen: Vec<_> = chosen.map(|(id, link)| (!link.bootstrap, !link.anchor, link.since, *id)).collect();
        chosen.sort();
        chosen.into_iter().take(amount).map(|(.., id)| id).collect()
    }
}

/// How many random links are looked for. Two keep an overlay one piece (Tang et al.: GoCast, DSN 2005, find one enough).
fn random_wanted(config: &Config) -> usize {
    config.active_view.saturating_sub(config.near_links).max(2)
}

/// Whether a round trip is shorter than another by more than noise.
fn nearer(rtt: Duration, than: Duration) -> bool {
    rtt + MARGIN <= than && rtt <= than / GAIN * (GAIN - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn active(links: u64) -> Active {
        let mut active = Active::default();
        for id in 0..links {
            let kind = if id % 2 == 0 { Kind::Random } else { Kind::Near };
            let link = Link {
                kind,
                chosen: false,
                bootstrap: false,
                anchor: false,
                since: Time::ZERO,
                doubted: false,
                spare: false,
                rtt: Some(Duration::from_millis(20)),
            };
            active.insert(PeerId(id), link);
        }
        active
    }

    fn doubted(ids: std::ops::Range<u64>) -> BTreeSet<PeerId> {
        ids.map(PeerId).collect()
    }

    #[test]
    fn links_in_doubt_take_no_place_up_to_three_and_go_first() {
        let (config, mut rng, mut active) = (Config::default(), ChaCha8Rng::seed_from_u64(1), active(6));
        assert!(!active.has_room(&config) && active.missing(&config) == 0);
        for (ids, sound, taken) in [(0..1, 5, 5), (0..3, 3, 3), (0..5, 1, 3), (0..6, 0, 3)] {
            active.doubt(&doubted(ids.clone()), &config);
            assert_eq!((active.sound(), active.taken()), (sound, taken), "{ids:?}");
            assert!(active.has_room(&config));
            let goes = active.evictable(Cause::Own, &config, &mut rng);
            assert!(goes.is_some_and(|id| ids.contains(&id.0)), "{goes:?} of {ids:?}");
        }
        active.doubt(&doubted(0..0), &config);
        assert_eq!(active.taken(), 6, "a doubt ends");
    }

    #[test]
    fn when_a_doubt_ends_a_link_waits_for_a_place() {
        let (config, mut rng, mut active) = (Config::default(), ChaCha8Rng::seed_from_u64(1), active(8));
        active.doubt(&doubted(0..2), &config);
        assert_eq!((active.sound(), active.taken()), (6, 6));
        active.doubt(&doubted(0..0), &config);
        assert_eq!((active.sound(), active.taken()), (8, 6), "others have taken the places");
        let goes = active.evictable(Cause::Own, &config, &mut rng);
        assert!(goes.is_some_and(|id| id.0 < 2), "{goes:?}");
        active.remove(PeerId(7));
        active.take_places(&config);
        assert_eq!((active.len(), active.taken(), active.missing(&config)), (7, 6, 0));
    }
}
