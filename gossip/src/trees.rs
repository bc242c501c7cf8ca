//! An event's way among nodes: source-rooted trees.
//!
//! Plumtree (Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007) pushes payloads along the eager links of one
//! tree, and announces them by IHAVE along all others. Here every node is a sender, and a tree that is good for one is long
//! for another: so the set of eager links is kept for each origin.
//!
//! A new origin has no tree yet. It names another whose tree it knows, the nearest, and its first bundle goes that one's way:
//! along all links of that tree, up and down, which reaches every node once. Where that tree isn't known either, all links
//! are eager.
//!
//! An IHAVE travels the same link as the payload would, so the time at which it arrives is the measure of that link for
//! that origin: where an announcer was earlier than the payload, the announcer is grafted, without asking it for the payload,
//! and the parent is pruned. So each origin's tree comes down to the shortest paths from it. Announcements are gathered for
//! a moment; each says how long it has waited, and its arrival counts from then.
//!
//! Invariants: a payload is forwarded once by a node; a parent is never swapped with itself; every link of an origin is
//! eager or lazy; nobody waits for a payload without an announcer to ask next; all state is bounded.

use crate::archive::Archive;
use crate::json::MAX_TTL;
use crate::message::Announced;
use crate::peer::PeerId;
use crate::wire::MAX_ANNOUNCED;
use crate::{Bundle, BundleId, OriginId, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How many origins have a tree of their own here; the one that was silent longest is forgotten. A guess.
const MAX_ORIGINS: usize = 16_384;
/// Bundles that are announced and not here yet, and announcers of one. Guesses.
const MAX_MISSING: usize = 8_192;
const MAX_ANNOUNCERS: usize = 8;
/// How long to wait for a payload after its first announcement, and then for each announcer that is asked: so many round
/// trips to the announcer, within these bounds. Guesses; the longest is also the wait where no round trip is known.
const PATIENCE_RTTS: u32 = 3;
const PATIENCE_MIN: Duration = Duration::from_millis(100);
const PATIENCE_MAX: Duration = Duration::from_millis(300);
/// By how much a link must be better to take the parent's place: below that is noise. A guess.
const MARGIN: Duration = Duration::from_millis(2);
/// The longest wait of an announcement that is believed: twice what an honest one waits.
const MAX_AGE: Duration = Duration::from_millis(200);
/// How long announcements are gathered for one frame. A guess: with many origins, frames of announcements are most of what
/// a node sends, and waiting delays only what is missing.
const GATHER: Duration = Duration::from_millis(100);

/// What the trees want done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Push the payload.
    Push { to: Vec<PeerId>, way: Way, bundle: Bundle },
    /// Announce these.
    Announce { to: PeerId, bundles: Vec<Announced> },
    /// Ask to be pushed to; with a number, ask for that bundle as well.
    Graft { to: PeerId, origin: OriginId, want: Option<u64> },
    /// Ask to be announced to only.
    Prune { to: PeerId, origin: OriginId },
}

/// How a bundle travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// How many hops it may still make: a guard against loops, nothing else.
    pub ttl: u8,
    /// Whose tree it takes where its own origin has none.
    pub like: Option<OriginId>,
}

/// The trees as one node sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trees {
    /// Each with its round trip, once that is measured.
    links: BTreeMap<PeerId, Option<Duration>>,
    origins: BTreeMap<OriginId, Tree>,
    /// Origins by when they were heard last.
    heard: BTreeSet<(Time, OriginId)>,
    archive: Archive,
    missing: BTreeMap<BundleId, Missing>,
    /// When somebody is to be asked for what is missing.
    due: BTreeSet<(Time, BundleId)>,
    /// What is to be announced to whom, with when it came.
    gathered: BTreeMap<PeerId, Vec<(BundleId, Time)>>,
    gathered_until: Option<Time>,
}

#[derive(Clone, Debug)]
struct Tree {
    eager: BTreeSet<PeerId>,
    parent: Option<PeerId>,
    heard: Time,
    /// How many hops away its origin is; `None` before a payload has come.
    hops: Option<u8>,
}

/// A bundle that was announced and has not come.
#[derive(Clone, Debug)]
struct Missing {
    /// Who announced it and was not asked yet, first come first.
    announcers: VecDeque<PeerId>,
    /// By whose link it would have come first, and when.
    best: (Time, PeerId),
    due: Time,
}

impl Trees {
    /// A link to a node stands. It is eager for origins to come, and announced to for those that have a tree.
    pub(crate) fn on_up(&mut self, peer: PeerId) {
        self.links.insert(peer, None);
        for tree in self.origins.values_mut().filter(|tree| tree.parent.is_none()) {
            tree.eager.insert(peer);
        }
    }

    /// A link is gone. Whoever hung below it is found again by what others announce.
    pub(crate) fn on_down(&mut self, now: Time, peer: PeerId) {
        if self.links.remove(&peer).is_none() {
            return;
        }
        self.gathered.remove(&peer);
        for tree in self.origins.values_mut() {
            tree.eager.remove(&peer);
            if tree.parent == Some(peer) {
                tree.parent = None;
            }
        }
        for (id, missing) in &mut self.missing {
            missing.announcers.retain(|announcer| *announcer != peer);
            // It may have been the one that was asked: ask the next at once.
            self.due.remove(&(missing.due, *id));
            missing.due = now;
            self.due.insert((now, *id));
        }
    }

    /// The round trip to a peer was measured.
    pub(crate) fn on_rtt(&mut self, peer: PeerId, rtt: Duration) {
        if let Some(known) = self.links.get_mut(&peer) {
            *known = Some(rtt);
        }
    }

    /// Bundles that were seen and kept.
    pub(crate) const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// A bundle of this node's own, or one that came outside the trees: it goes to all below.
    pub(crate) fn broadcast(&mut self, now: Time, bundle: Bundle, from: Option<PeerId>, steps: &mut Vec<Step>) {
        let origin = bundle.id.origin;
        let like = if self.origins.contains_key(&origin) { None } else { self.nearest() };
        self.archive.remember(now, bundle.clone());
        self.settle(&bundle.id);
        self.hear(now, origin, like);
        self.forward(now, Way { ttl: MAX_TTL, like }, bundle, from, steps);
    }

    /// The origin that is the fewest hops away.
    fn nearest(&self) -> Option<OriginId> {
        let known = self.origins.iter().filter_map(|(origin, tree)| Some((tree.hops?, origin)));
        known.min().map(|(_, origin)| *origin)
    }

    /// A payload came. `true` if it is new: then it has been passed on.
    pub(crate) fn on_bundle(
        &mut self,
        now: Time,
        from: PeerId,
        way: Way,
        bundle: Bundle,
        steps: &mut Vec<Step>,
    ) -> bool {
        let (id, origin) = (bundle.id, bundle.id.origin);
        if self.archive.knows(&id) {
            self.prune(now, origin, from, steps);
            return false;
        }
        self.archive.remember(now, bundle.clone());
        let best = self.settle(&id);
        let tree = self.hear(now, origin, way.like);
        tree.eager.insert(from);
        tree.parent = Some(from);
        tree.hops = Some(MAX_TTL.saturating_sub(way.ttl).saturating_add(1));
        self.forward(now, Way { ttl: way.ttl.saturating_sub(1), ..way }, bundle, Some(from), steps);
        if let Some((would_have_come, announcer)) = best {
            self.compare(announcer, &id, would_have_come, steps);
        }
        true
    }

    /// An announcement came.
    pub(crate) fn on_announcement(&mut self, now: Time, from: PeerId, announced: Announced, steps: &mut Vec<Step>) {
        let (id, would_have_come) =
            (announced.id, now.before(Duration::from_micros(announced.age.into()).min(MAX_AGE)));
        if self.archive.knows(&id) {
            return self.compare(from, &id, would_have_come, steps);
        }
        if let Some(missing) = self.missing.get_mut(&id) {
            missing.best = missing.best.min((would_have_come, from));
            if missing.announcers.len() < MAX_ANNOUNCERS && !missing.announcers.contains(&from) {
                missing.announcers.push_back(from);
            }
            return;
        }
        if self.missing.len() >= MAX_MISSING {
            return;
        }
        // Without a parent for this origin nobody is going to push: ask at once.
        let orphan = self.origins.get(&id.origin).is_some_and(|tree| tree.parent.is_none());
        let due = if orphan { now } else { now.max(would_have_come + self.patience(from)) };
        self.missing.insert(id, Missing { announcers: VecDeque::from([from]), best: (would_have_come, from), due });
        self.due.insert((due, id));
        self.tick(now, steps);
    }

    /// A peer asks to be pushed to, and for a bundle if it names one.
    pub(crate) fn on_graft(&mut self, from: PeerId, origin: OriginId, want: Option<u64>) -> Option<Bundle> {
        // Of an origin without a tree nothing has come: there is nothing to push, and no place for it to be taken up.
        if let Some(tree) = self.origins.get_mut(&origin).filter(|_| self.links.contains_key(&from)) {
            tree.eager.insert(from);
        }
        self.archive.get(&BundleId { origin, seq: want? }).cloned()
    }

    /// A peer asks to be announced to only.
    pub(crate) fn on_prune(&mut self, from: PeerId, origin: OriginId) {
        // Two nodes that each found the other a moment earlier may both prune who pushed to them. A root that pushes to
        // nobody would leave all to their patience: its last eager link stays.
        let tree = self.origins.get_mut(&origin);
        if let Some(tree) = tree.filter(|tree| tree.parent.is_some() || tree.eager.len() > 1) {
            tree.eager.remove(&from);
        }
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        let due = self.due.first().map(|(due, _)| *due);
        [due, self.gathered_until].into_iter().flatten().min()
    }

    /// Announces what was gathered, and asks for what has not come in time: the first announcer, then the next.
    pub(crate) fn tick(&mut self, now: Time, steps: &mut Vec<Step>) {
        if self.gathered_until.is_some_and(|until| until <= now) {
            self.announce(now, steps);
        }
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, id));
            let next = self.missing.get_mut(&id).and_then(|missing| missing.announcers.pop_front());
            let Some(next) = next else {
                self.missing.remove(&id);
                continue;
            };
            let due = now + self.patience(next);
            if let Some(missing) = self.missing.get_mut(&id) {
                missing.due = due;
            }
            self.due.insert((due, id));
            if let Some(tree) = self.origins.get_mut(&id.origin) {
                tree.eager.insert(next);
            }
            steps.push(Step::Graft { to: next, origin: id.origin, want: Some(id.seq) });
        }
    }

    /// How long to wait for a payload that this peer has.
    fn patience(&self, peer: PeerId) -> Duration {
        let rtt = self.links.get(&peer).copied().flatten();
        rtt.map_or(PATIENCE_MAX, |rtt| (rtt * PATIENCE_RTTS).clamp(PATIENCE_MIN, PATIENCE_MAX))
    }

    fn forward(&mut self, now: Time, way: Way, bundle: Bundle, from: Option<PeerId>, steps: &mut Vec<Step>) {
        let id = bundle.id;
        let eager = self.origins.get(&id.origin).map(|tree| &tree.eager);
        let all = self.links.keys().copied().filter(|peer| Some(*peer) != from);
        let (push, announce): (Vec<_>, Vec<_>) = all.partition(|peer| eager.is_none_or(|eager| eager.contains(peer)));
        // Where the guard against loops has run out, an announcement still goes: who lacks the bundle asks for it.
        let (push, announce) = if way.ttl > 0 { (push, announce) } else { (Vec::new(), [push, announce].concat()) };
        if !push.is_empty() {
            steps.push(Step::Push { to: push, way, bundle });
        }
        for peer in announce {
            let gathered = self.gathered.entry(peer).or_default();
            gathered.push((id, now));
            if gathered.len() == MAX_ANNOUNCED {
                self.gathered_until = Some(now);
            }
            self.gathered_until.get_or_insert(now + GATHER);
        }
        if self.gathered_until.is_some_and(|until| until <= now) {
            self.announce(now, steps);
        }
    }

    fn announce(&mut self, now: Time, steps: &mut Vec<Step>) {
        self.gathered_until = None;
        for (to, gathered) in std::mem::take(&mut self.gathered) {
            let age = |came: Time| u32::try_from(now.since(came).as_micros()).unwrap_or(u32::MAX);
            let bundles = gathered.into_iter().map(|(id, came)| Announced { id, age: age(came) }).collect();
            steps.push(Step::Announce { to, bundles });
        }
    }

    /// Whether a link would have brought a bundle earlier than it came: then the link takes the parent's place.
    fn compare(&mut self, announcer: PeerId, id: &BundleId, would_have_come: Time, steps: &mut Vec<Step>) {
        let parent = self.origins.get(&id.origin).and_then(|tree| tree.parent);
        let (Some(parent), Some(came)) = (parent, self.archive.came_mut(id)) else { return };
        if would_have_come + MARGIN >= *came || !self.links.contains_key(&announcer) {
            return;
        }
        *came = would_have_come;
        if parent != announcer {
            self.swap(id.origin, parent, announcer, steps);
        }
    }

    /// The announcer takes the parent's place, from the next payload on.
    fn swap(&mut self, origin: OriginId, parent: PeerId, announcer: PeerId, steps: &mut Vec<Step>) {
        if let Some(tree) = self.origins.get_mut(&origin) {
            tree.eager.remove(&parent);
            tree.eager.insert(announcer);
            tree.parent = Some(announcer);
            steps.push(Step::Graft { to: announcer, origin, want: None });
            steps.push(Step::Prune { to: parent, origin });
        }
    }

    /// A payload came twice: once is enough.
    fn prune(&mut self, now: Time, origin: OriginId, from: PeerId, steps: &mut Vec<Step>) {
        let tree = self.hear(now, origin, None);
        if tree.parent != Some(from) {
            tree.eager.remove(&from);
            steps.push(Step::Prune { to: from, origin });
        }
    }

    /// The tree of an origin, now heard of: its own, else one like that of another, else all links.
    fn hear(&mut self, now: Time, origin: OriginId, like: Option<OriginId>) -> &mut Tree {
        if let Some(tree) = self.origins.get(&origin) {
            self.heard.remove(&(tree.heard, origin));
        } else if self.origins.len() >= MAX_ORIGINS
            && let Some((_, silent)) = self.heard.pop_first()
        {
            self.origins.remove(&silent);
        }
        self.heard.insert((now, origin));
        let like = like.and_then(|like| self.origins.get(&like)).map(|tree| tree.eager.clone());
        let tree = self.origins.entry(origin).or_insert_with(|| Tree {
            eager: like.unwrap_or_else(|| self.links.keys().copied().collect()),
            parent: None,
            heard: now,
            hops: None,
        });
        tree.heard = now;
        tree
    }

    /// A bundle is missing no more. By whose link would it have come first, and when?
    fn settle(&mut self, id: &BundleId) -> Option<(Time, PeerId)> {
        let missing = self.missing.remove(id)?;
        self.due.remove(&(missing.due, *id));
        Some(missing.best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(seq: u64) -> Bundle {
        Bundle { id: BundleId { origin: OriginId([1; 32]), seq }, events: Vec::new().into() }
    }

    #[test]
    fn a_parent_is_never_swapped_with_itself_and_the_best_link_stays() {
        let (mut trees, mut steps) = (Trees::default(), Vec::new());
        let (near, far) = (PeerId(1), PeerId(2));
        trees.on_up(near);
        trees.on_up(far);
        let at = |millis: u64| Time::from_micros(millis * 1_000);
        let way = Way { ttl: MAX_TTL, like: None };
        trees.on_bundle(at(50), far, way, bundle(1), &mut steps);
        let id = bundle(1).id;
        // The parent announces what it brought, and the near one, late, what it had long before.
        trees.on_announcement(at(55), far, Announced { id, age: 10_000 }, &mut steps);
        assert!(steps.iter().all(|step| !matches!(step, Step::Graft { .. })), "{steps:?}");
        trees.on_announcement(at(60), near, Announced { id, age: 20_000 }, &mut steps);
        assert!(steps.contains(&Step::Graft { to: near, origin: id.origin, want: None }));
        assert!(steps.contains(&Step::Prune { to: far, origin: id.origin }));
        steps.clear();
        trees.on_announcement(at(61), far, Announced { id, age: 20_000 }, &mut steps);
        assert!(steps.is_empty(), "{steps:?}");
    }

    #[test]
    fn a_root_always_pushes_to_somebody() {
        let (mut trees, mut steps) = (Trees::default(), Vec::new());
        let (one, two) = (PeerId(1), PeerId(2));
        trees.on_up(one);
        trees.on_up(two);
        let origin = bundle(1).id.origin;
        trees.broadcast(Time::ZERO, bundle(1), None, &mut steps);
        trees.on_prune(one, origin);
        trees.on_prune(two, origin);
        steps.clear();
        trees.broadcast(Time::ZERO, bundle(2), None, &mut steps);
        assert!(matches!(&steps[..], [Step::Push { to, .. }] if to == &[two]), "{steps:?}");
    }
}
