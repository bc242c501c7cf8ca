//! An event's way among nodes: source-rooted trees.
//!
//! Plumtree (Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007) pushes payloads along the eager links of one
//! tree, and announces them by IHAVE along all others. Here every node is a sender, and a tree that is good for one is long
//! for another: so the set of eager links is kept for each origin.
//!
//! A new origin has no tree yet. It names another whose tree it knows, the nearest, and its first bundle goes that one's way:
//! along all links of that tree, up and down, which reaches every node once. So that there is a tree near every node before
//! anybody speaks, a node that knows none nearby probes: a probe floods the mesh without a payload, and each node grafts
//! whoever brought it first, which makes a tree of the shortest paths.
//!
//! An IHAVE travels the same link as the payload would, so the time at which it arrives is the measure of that link for
//! that origin: where an announcer was earlier than the payload, the announcer is grafted, without asking it for the payload,
//! and the parent is pruned: at once, or, where that link has broken its word before, when it was the first to bring the next
//! one. So each origin's tree comes down to the shortest paths from it. Announcements are gathered for a moment; each says how
//! long it has waited, and its arrival counts from then.
//!
//! When a parent is gone, whoever had the last bundle first takes its place, at once. Where there is nobody, those below are
//! asked, who then look for another way themselves.
//!
//! Invariants: a payload is forwarded once by a node; a parent is never swapped with itself; every link of an origin is
//! eager or lazy; nobody waits for a payload without an announcer to ask next; all state is bounded.

mod check;
mod held;
mod lateness;
mod missing;
mod names;
mod probes;
mod repair;
mod steps;
#[cfg(test)]
mod tests;
mod tree;
mod trust;

use crate::archive::Archive;
use crate::message::Announcement;
use crate::peer::PeerId;
use crate::wire::{MAX_ANNOUNCED, MAX_TTL};
use crate::{Bundle, BundleId, Config, Fault, Hashed, OriginId, Planted, Time};
use held::Held;
use lateness::Lateness;
use missing::Missing;
use names::{Given, Names};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
pub(crate) use steps::Steps;
use tree::{FAR, Forest, Tree};
use trust::Trust;

/// How many hops a bundle may make: this, or twice as many as the farthest origin known is away. A guess: more than in any
/// mesh that was measured.
const TTL: u8 = 64;
/// By how much a link must be better to take the parent's place: below that is noise. A guess.
const MARGIN: Duration = Duration::from_millis(2);
/// The longest wait of an announcement that is believed: twice what an honest one waits.
const MAX_AGE: Duration = Duration::from_millis(200);
/// The unit of an announcement's age.
const AGE_UNIT: Duration = Duration::from_micros(100);
/// How long announcements are gathered for one frame. A guess: with many origins, frames of announcements are most of what
/// a node sends, and waiting delays only what is missing.
const GATHER: Duration = Duration::from_millis(100);
/// How much later than the bundle itself, two round trips aside, an announcement may come and be worth something: several times
/// what honest links wait. A guess.
const TIMELY: Duration = Duration::from_millis(500);
/// How long new links have to show first what their word is worth, after another has broken its own. A guess.
const WARY: Duration = Duration::from_secs(600);
/// How a bundle travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// How many hops it may still make: a guard against loops, nothing else.
    pub ttl: u8,
    /// How many hops from its origin it has made when it arrives; 255: that many or more, or nobody knows.
    pub hops: u8,
    /// Whose tree it takes where its own origin has none.
    pub like: Option<OriginId>,
}

/// The trees as one node sees them.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    me: OriginId,
    /// The wall clock at the driver's start.
    epoch_micros: u64,
    shared: bool,
    /// Whether parents that take each other's place to and fro do so ever more seldom.
    damps: bool,
    links: BTreeMap<PeerId, Link>,
    forest: Forest,
    archive: Archive,
    missing: Missing,
    held: Held,
    gathered_until: Option<Time>,
    /// Until when new links are to show first that they bring what they announce: some link has not, of late.
    wary_until: Time,
    probes: probes::Clock,
    planted: Planted,
}

/// A connection to a node.
#[derive(Clone, Debug, Default)]
struct Link {
    /// Who is at its other end, where that is proven.
    key: Option<OriginId>,
    /// The round trip, once it is measured.
    rtt: Option<Duration>,
    /// How late what it pushes comes.
    late: Lateness,
    /// What is to be announced, with when it came.
    gathered: Vec<(BundleId, Time)>,
    given: Given,
    names: Names,
    trust: Trust,
    /// Whether it has brought nothing in a long while: see `conduct`.
    doubted: bool,
}

impl Trees {
    /// A node without links.
    pub(crate) fn new(me: OriginId, epoch_micros: u64, config: &Config) -> Trees {
        Trees {
            me,
            epoch_micros,
            shared: config.shared_tree,
            damps: config.adaptive_fanout,
            links: BTreeMap::new(),
            forest: Forest::default(),
            archive: Archive::default(),
            missing: Missing::default(),
            held: Held::default(),
            gathered_until: None,
            wary_until: Time::ZERO,
            probes: probes::Clock::default(),
            planted: Planted::default(),
        }
    }

    /// The same, with a fault.
    pub(crate) fn with_fault(self, planted: Planted) -> Trees {
        Trees { planted, ..self }
    }

    /// A link to a node stands. It is eager for origins to come, and announced to for those that have a tree. Where nobody
    /// pushes an origin's bundles to this node, the new peer is asked to.
    pub(crate) fn on_up(&mut self, now: Time, peer: PeerId, key: Option<OriginId>, steps: &mut Steps) {
        self.links.insert(peer, Link { key, ..Link::default() });
        self.plan_probe(now);
        let (me, shared) = (self.me, self.shared);
        for (origin, tree) in self.forest.iter_mut() {
            if origin == me || shared {
                tree.eager.insert(peer);
            } else if tree.parent.is_none() {
                tree.try_parent(peer);
                steps.graft(peer, origin, None);
            }
        }
    }

    /// A link is gone. Whoever was above this node on it is replaced.
    pub(crate) fn on_down(&mut self, now: Time, peer: PeerId, steps: &mut Steps) {
        if self.links.remove(&peer).is_none() {
            return;
        }
        self.on_link_lost(now);
        let mut lost = BTreeSet::new();
        for (origin, tree) in self.forest.iter_mut() {
            tree.eager.remove(&peer);
            tree.pass_over(peer);
            if tree.parent == Some(peer) {
                tree.parent = None;
                lost.insert(origin);
            }
        }
        self.missing.on_down(now, peer, |id| lost.contains(&id.origin));
        if !self.shared {
            lost.into_iter().for_each(|origin| self.mend(origin, steps));
        }
    }

    /// These links are in doubt now, and no others: none of them takes the place of a parent that is gone while there is another.
    pub(crate) fn on_doubt(&mut self, doubted: &BTreeSet<PeerId>) {
        self.links.iter_mut().for_each(|(peer, link)| link.doubted = doubted.contains(peer));
    }

    /// The round trip to a peer was measured.
    pub(crate) fn on_rtt(&mut self, peer: PeerId, rtt: Duration) {
        if let Some(link) = self.links.get_mut(&peer) {
            link.rtt = Some(rtt);
        }
    }

    /// How much later than it could this node passes on what others send. In a shared tree nobody would look for another way.
    pub(crate) fn hold_back(&mut self, hold: Duration) {
        self.held.set(if self.shared { Duration::ZERO } else { hold });
    }

    /// Bundles that were seen and kept.
    pub(crate) const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The same, to change.
    pub(crate) const fn archive_mut(&mut self) -> &mut Archive {
        &mut self.archive
    }

    /// A bundle came outside the trees: it is passed on to nobody. News may come down a tree as well.
    pub(crate) fn take_in(&mut self, now: Time, bundle: &Hashed, news: bool) {
        self.missing.came(&bundle.id);
        if news {
            self.archive.remember(now, bundle.clone());
        } else {
            self.archive.forget(bundle.id);
        }
    }

    /// A bundle of this node's own: it goes to all below.
    pub(crate) fn broadcast(&mut self, now: Time, bundle: Hashed, steps: &mut Steps) {
        let id = bundle.id;
        self.archive.remember(now, bundle.clone());
        self.missing.came(&id);
        let known = self.forest.get(&self.key(id.origin)).is_some();
        let tree = self.hear(now, id.origin, None);
        tree.like = tree.like.filter(|_| !known);
        self.forward(now, self.way(id.origin), bundle.into(), None, steps);
    }

    /// A payload came. `true` if it is new: then it has been passed on.
    pub(crate) fn on_bundle(&mut self, now: Time, from: PeerId, way: Way, bundle: &Hashed, steps: &mut Steps) -> bool {
        let (id, origin) = (bundle.id, bundle.id.origin);
        if self.archive.has_seen(&id, &bundle.hash()) {
            self.held.cancel(&id, from);
            self.kept_its_word(&id, from);
            self.prune(now, origin, from, steps);
            return false;
        }
        self.archive.remember(now, bundle.clone());
        let (announcers, asked) = self.missing.came(&id);
        let linked = self.links.contains_key(&from);
        // Who has announced what it did not send would have everybody wait.
        let honest = |peer| self.links.get(peer).is_some_and(|link: &Link| !link.trust.is_doubted());
        let first = announcers.iter().find(|(_, peer)| honest(peer)).map(|(would_have_come, _)| *would_have_come);
        if let Some(link) = self.links.get_mut(&from).filter(|_| asked != Some(from)) {
            link.late.note(first.map_or(Duration::ZERO, |would_have_come| now.since(would_have_come)));
        }
        let parent = (linked && origin != self.me).then_some(from);
        let known = self.forest.get(&self.key(origin)).is_some();
        let tree = self.hear(now, origin, way.like);
        tree.like = tree.like.filter(|_| !known);
        if linked {
            tree.eager.insert(from);
        }
        let broken = tree.on_brought(from, id);
        (tree.parent, tree.proven) = (parent, true);
        tree.pass_over(from);
        self.judge_words(now, from, (origin, way.hops), broken);
        self.forest.measured(self.key(origin), way.hops);
        let hop = u8::from(!self.planted.is(Fault::TtlNotLowered));
        let onward = Way { ttl: way.ttl.saturating_sub(hop), ..self.way(origin) };
        self.forward(now, onward, bundle.bundle().clone(), Some(from), steps);
        for (would_have_come, announcer) in announcers {
            self.compare(now, announcer, &id, would_have_come, steps);
        }
        true
    }

    /// An announcement came. `true`: some of it was in time.
    pub(crate) fn on_announcement(
        &mut self,
        now: Time,
        from: PeerId,
        announcement: Announcement,
        steps: &mut Steps,
    ) -> bool {
        let Some(link) = self.links.get_mut(&from) else { return false };
        let (mut timely, believed) = (false, link.trust.is_believed(now));
        for (id, age) in link.names.read(announcement) {
            let age = if believed { (AGE_UNIT * age.into()).min(MAX_AGE) } else { Duration::ZERO };
            let would_have_come = now.before(age);
            timely = timely || self.is_timely(now, from, &id);
            if self.archive.knows(&id) {
                self.held.cancel(&id, from);
                self.compare(now, from, &id, would_have_come, steps);
                continue;
            }
            // Where nobody is known to push, ask at once.
            let tree = self.forest.get(&self.key(id.origin));
            let lost = tree.is_some_and(|tree| tree.parent.is_none() || !tree.proven);
            let parent = tree.and_then(|tree| tree.parent);
            let patience = match parent {
                // It will not push what it announces: this node's graft was still on its way, or its hops have run out.
                Some(parent) if parent == from => self.crossing(from),
                _ => self.patience(from, parent),
            };
            let due = if lost { now } else { now.max(would_have_come + patience) };
            self.missing.announced(id, from, would_have_come, due);
        }
        self.ask(now, steps);
        timely
    }

    /// Whether what a link says of a bundle now is in time: it is believed to send what it announces, and the bundle has not come or
    /// hardly earlier than from there to here and back.
    pub(crate) fn is_timely(&self, now: Time, from: PeerId, id: &BundleId) -> bool {
        let Some(link) = self.links.get(&from).filter(|link| !link.trust.is_doubted()) else { return false };
        let patience = TIMELY + link.rtt.unwrap_or_default() * 2;
        !self.archive.knows(id) || self.archive.came(id).is_some_and(|came| now.since(came) <= patience)
    }

    /// Whether a bundle that a link has brought was the link's own, as far as that is known: that it brings these says nothing of what
    /// it does with others'.
    pub(crate) fn is_its_own(&self, from: PeerId, origin: OriginId, hops: u8) -> bool {
        self.links.get(&from).and_then(|link| link.key).map_or(hops <= 1, |key| key == origin)
    }

    /// A peer asks to be announced to only.
    pub(crate) fn on_prune(&mut self, from: PeerId, origins: &[OriginId]) {
        for origin in origins {
            // Two nodes that each found the other a moment earlier may both prune who pushed to them. A root that pushes
            // to nobody would leave all to their patience: its last eager link stays.
            let tree = self.forest.get_mut(&self.key(*origin));
            if let Some(tree) = tree.filter(|tree| tree.parent.is_some() || tree.eager.len() > 1) {
                tree.eager.remove(&from);
            }
        }
    }

    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        let times =
            [self.missing.next_wakeup(), self.held.next_wakeup(), self.gathered_until, self.probes.next_wakeup()];
        times.into_iter().flatten().min()
    }

    /// Announces what was gathered, and asks for what has not come in time.
    pub(crate) fn tick(&mut self, now: Time, steps: &mut Steps) {
        if self.gathered_until.is_some_and(|until| until <= now) {
            self.announce(now, steps);
        }
        self.ask(now, steps);
        self.push_held(now, steps);
        self.probe_if_due(now, steps);
    }

    /// Under what an origin's tree is kept.
    const fn key(&self, origin: OriginId) -> OriginId {
        key(self.shared, origin)
    }

    /// How a bundle travels on from here, with all hops before it.
    fn way(&self, origin: OriginId) -> Way {
        let tree = self.forest.get(&self.key(origin));
        let hops = if origin == self.me { 0 } else { tree.map_or(FAR, Tree::hops) };
        let ttl = self.forest.depth().saturating_mul(2).clamp(TTL, MAX_TTL);
        Way { ttl, hops: hops.saturating_add(1), like: tree.and_then(|tree| tree.like) }
    }

    fn forward(&mut self, now: Time, way: Way, bundle: Bundle, from: Option<PeerId>, steps: &mut Steps) {
        let id = bundle.id;
        let eager = self.forest.get(&self.key(id.origin)).map(|tree| &tree.eager);
        let is_eager = |peer: &PeerId| eager.is_none_or(|eager| eager.contains(peer));
        let (mut push, mut announce) = (Vec::new(), Vec::new());
        // Where the guard against loops has run out, an announcement still goes: who lacks the bundle asks for it.
        for peer in self.links.keys().copied().filter(|peer| Some(*peer) != from) {
            if way.ttl > 0 && is_eager(&peer) { push.push(peer) } else { announce.push(peer) }
        }
        // Its own bundles a node never holds back.
        let hold = from.map_or(Duration::ZERO, |_| self.held.hold());
        if !push.is_empty() {
            if hold.is_zero() { steps.push(push, way, bundle) } else { self.held.push(now, push, way, bundle) }
        }
        for peer in announce {
            let Some(link) = self.links.get_mut(&peer) else { continue };
            link.gathered.push((id, now + hold));
            if link.gathered.len() == MAX_ANNOUNCED {
                self.gathered_until = Some(now);
            }
            self.gathered_until.get_or_insert(now + GATHER);
        }
        if self.gathered_until.is_some_and(|until| until <= now) {
            self.announce(now, steps);
        }
    }

    /// Pushes what was held back long enough, to those below who still wait for it.
    fn push_held(&mut self, now: Time, steps: &mut Steps) {
        while let Some(mut push) = self.held.pop(now) {
            let tree = self.forest.get(&self.key(push.bundle.id.origin));
            push.to.retain(|peer| self.links.contains_key(peer) && tree.is_none_or(|tree| tree.eager.contains(peer)));
            if !push.to.is_empty() {
                steps.push(push.to, push.way, push.bundle);
            }
        }
    }

    fn announce(&mut self, now: Time, steps: &mut Steps) {
        self.gathered_until = None;
        let age = |came: Time| (now.since(came).as_micros() / AGE_UNIT.as_micros()).try_into().unwrap_or(u16::MAX);
        for (to, link) in &mut self.links {
            let bundles: Vec<_> = link.gathered.drain(..).map(|(id, came)| (id, age(came))).collect();
            link.given.write(&bundles).into_iter().for_each(|announcement| steps.announce(*to, announcement));
        }
    }

    /// Whether a link would have brought a bundle earlier than it came: then the link takes the parent's place.
    fn compare(&mut self, now: Time, announcer: PeerId, id: &BundleId, would_have_come: Time, steps: &mut Steps) {
        let shared = self.shared;
        let believed = |link: &&mut Link| !shared && link.trust.is_believed(now);
        let Some(link) = self.links.get_mut(&announcer).filter(believed) else { return };
        let (Some(tree), Some(came)) = (self.forest.get_mut(&id.origin), self.archive.came_mut(id)) else { return };
        let Some(parent) = tree.parent else { return };
        let margin = MARGIN * if self.damps { tree.restlessness() } else { 1 };
        if would_have_come + margin < *came {
            *came = would_have_come;
            if parent == announcer && !self.planted.is(Fault::SwapWithItself) {
                return;
            }
            let leaves = if link.trust.takes_place(now < self.wary_until) {
                tree.swap(parent, announcer);
                Some(parent)
            } else {
                tree.court(announcer).filter(|before| *before != announcer)
            };
            steps.graft(announcer, id.origin, None);
            leaves.into_iter().for_each(|leaves| steps.prune(leaves, id.origin));
        } else if parent != announcer {
            let one_way = link.rtt.unwrap_or_default() / 2;
            tree.note(announcer, micros(would_have_come.before(one_way)).saturating_sub(micros(*came)), true);
        }
    }

    /// A link was the first to bring a bundle. Another one may have said that it would be, and not have brought the one before.
    fn judge_words(&mut self, now: Time, from: PeerId, (origin, hops): (OriginId, u8), broken: Option<PeerId>) {
        let own = self.is_its_own(from, origin, hops);
        if let Some(link) = self.links.get_mut(&from).filter(|_| !own) {
            link.trust.on_kept();
        }
        if let Some(link) = broken.and_then(|peer| self.links.get_mut(&peer)) {
            link.trust.on_broken(now);
            self.wary_until = now + WARY;
        }
    }

    /// A link has brought a bundle after another one: it was late, and no liar.
    fn kept_its_word(&mut self, id: &BundleId, from: PeerId) {
        if let Some(tree) = self.forest.get_mut(&key(self.shared, id.origin)) {
            tree.on_brought_late(from, id);
        }
    }

    /// A payload came twice: once is enough.
    fn prune(&mut self, now: Time, origin: OriginId, from: PeerId, steps: &mut Steps) {
        let (shared, forgotten) = (self.shared, self.planted.is(Fault::PruneForgotten));
        let tree = self.hear(now, origin, None);
        if (tree.parent != Some(from) || shared) && !forgotten {
            tree.eager.remove(&from);
            steps.prune(from, origin);
        }
    }

    /// The tree of an origin, now heard of. A new one is like another that is known: the one that is named, else the nearest.
    /// Where none is known, all links are eager.
    fn hear(&mut self, now: Time, origin: OriginId, like: Option<OriginId>) -> &mut Tree {
        let (links, shared) = (&self.links, self.shared);
        self.forest.hear(now, key(shared, origin), |forest| {
            let named = like.filter(|like| forest.get(like).is_some());
            let like = named.or_else(|| forest.nearest().map(|(_, origin)| origin)).filter(|_| !shared);
            let eager = like.and_then(|like| forest.get(&like)).map(|like| like.eager.clone());
            let mut tree = Tree::new(eager.unwrap_or_else(|| links.keys().copied().collect()));
            tree.like = like;
            tree
        })
    }
}

/// Under what an origin's tree is kept: under one name, where one tree is shared.
const fn key(shared: bool, origin: OriginId) -> OriginId {
    if shared { OriginId([0; 32]) } else { origin }
}

fn micros(time: Time) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
