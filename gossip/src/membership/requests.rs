//! Who asks for a link, and what comes of it.
//!
//! ```text
//! whoever asks                         whoever is asked
//!   │ ──── Neighbor(priority) ────────▶ │  Low: if there is room. High, Join: room is made. Near: for a nearer one
//!   │ ◀─── NeighborReply(dropped) ───── │  a link on both sides from now on ── Disconnect ──▶ the one dropped
//!   │
//!   │ with room left: a link to the one dropped, too
//!   │ without: drops one itself, and tells it of the one dropped ── Disconnect(instead) ──▶ which links to that
//! ```

use super::active::{Cause, Kind, Link};
use super::errand::{Purpose, Waiting};
use super::near::jittered;
use super::{MAX_HINTS, Membership, REUNION, Step, Turn};
use crate::backoff::full_jitter;
use crate::message::{Message, Priority};
use crate::output::Because;
use crate::peer::{Peer, PeerId};
use crate::{Address, Config, Direction};
use rand::seq::IteratorRandom;

/// With fewer links than this that are not in doubt a node asks for one with priority: one crash must not cut it off. HyParView
/// has 1; a guess.
const TOO_FEW: usize = 2;
/// So does a node with fewer links than it looks for that was refused so often in a row: those who refused it have one more. A guess.
const PATIENCE: u32 = 3;

impl Membership {
    /// How many links are missing that nobody has been asked for yet.
    pub(super) fn missing(&self, config: &Config) -> usize {
        let (asked, _) = self.passive.dials();
        self.active.missing(config).saturating_sub(asked + self.errands.for_links())
    }

    /// Whether there is an address that has a place for us, and a place for it.
    pub(super) fn may_take_hint(&self, config: &Config) -> bool {
        let (asked, dials) = self.passive.dials();
        let taken = self.active.taken() + asked + self.errands.for_links();
        !self.hints.is_empty() && dials < super::MAX_DIALLING && taken < config.active_max
    }

    /// Dials for links that are missing: those first who have a place for us.
    pub(super) fn seek(&mut self, turn: &mut Turn<'_>) {
        while self.may_take_hint(turn.config)
            && let Some(address) = self.hints.pop_front()
        {
            self.dial(turn, address, Purpose::Link);
        }
        for _ in 0..self.missing(turn.config) {
            let chosen = self.passive.choose(turn.now, turn.now >= self.next_seek, turn.rng);
            let Some(address) = chosen else { break };
            if !self.dial(turn, address, Purpose::Link) {
                break;
            }
        }
    }

    /// Whoever was dialled is there: what was wanted of it?
    pub(super) fn pursue(&mut self, turn: &mut Turn<'_>, id: PeerId, returned: bool) {
        let purpose = self.errands.get(id).map_or(Purpose::Probe, |errand| errand.purpose);
        let rtt = turn.peers.get(&id).and_then(|peer| peer.rtt);
        if returned && turn.now >= self.next_reunion {
            self.next_reunion = turn.now + jittered(REUNION, turn.rng);
            return self.ask(turn, id, Priority::High);
        }
        let missing = purpose == Purpose::Link || self.missing(turn.config) > 0;
        // For a link beside those that are in doubt nobody has to make room.
        let few = |links| missing && links < turn.config.active_view;
        let (settled, besieged) = (self.pace.is_settled(), self.siege.is_on(turn.now));
        let mut near = || {
            let rtt = rtt.filter(|rtt| !settled || self.active.is_bargain(*rtt, turn.config));
            let place = rtt.and_then(|rtt| self.active.place_for_near(rtt, Cause::Own, turn.config, turn.rng));
            place.map(|_| Priority::Near)
        };
        let priority = match self.active.len() {
            _ if purpose == Purpose::Insert => Some(Priority::Low),
            _ if purpose == Purpose::Anchor => Some(Priority::High),
            0 => Some(Priority::Join),
            links if self.active.sound() < TOO_FEW || (few(links) && self.refusals >= PATIENCE) => Some(Priority::High),
            _ if missing => Some(Priority::Low),
            // The nearest may be whoever wants this node for itself.
            _ if besieged => None,
            _ => near(),
        };
        match priority {
            Some(priority) => self.ask(turn, id, priority),
            None => self.errands.wait(turn.now, id, Waiting::Peers, rtt),
        }
    }

    /// Asks for a link.
    pub(super) fn ask(&mut self, turn: &mut Turn<'_>, id: PeerId, priority: Priority) {
        let rtt = turn.peers.get(&id).and_then(|peer| peer.rtt);
        self.errands.wait(turn.now, id, Waiting::Reply(priority), rtt);
        turn.steps.push(Step::Send(id, Message::Neighbor(priority)));
    }

    /// A node asks for a link.
    pub(crate) fn on_neighbor(&mut self, turn: &mut Turn<'_>, id: PeerId, priority: Priority) {
        self.measure(turn, id);
        let Some(peer) = turn.peers.get(&id) else { return };
        let (rtt, Some(node)) = (peer.rtt, &peer.node) else { return };
        let newcomer = node.address.clone();
        // It would not ask if the link that we know of still stood on its side.
        let older = self.active.ids().find(|other| *other != id && turn.node(*other) == Some(node.instance));
        if let Some(older) = older {
            self.close(turn, older, Because::SecondConnection);
        }
        let dropped = match priority {
            _ if self.active.contains(id) => Some(None),
            _ if self.siege.is_on(turn.now) => self.active.has_room(turn.config).then_some(None),
            Priority::Near => {
                rtt.and_then(|rtt| self.active.place_for_near(rtt, Cause::Stranger, turn.config, turn.rng))
            }
            _ if self.active.has_room(turn.config) => Some(None),
            Priority::Low => None,
            Priority::Join | Priority::High => self.active.evictable(Cause::Stranger, turn.config, turn.rng).map(Some),
        };
        let address = dropped.flatten().and_then(|id| turn.peers.get(&id)?.listens().cloned());
        let reply = Message::NeighborReply { accepted: dropped.is_some(), dropped: address };
        turn.steps.push(Step::Send(id, reply));
        let Some(dropped) = dropped else { return };
        self.link(turn, id, Kind::of(priority));
        if let Some(dropped) = dropped {
            self.evict(turn, dropped, None);
        }
        let [ttl, _] = turn.config.join_walk;
        if let Some(newcomer) = newcomer.filter(|_| priority == Priority::Join && ttl > 0) {
            for other in self.active.ids().filter(|other| *other != id) {
                turn.steps.push(Step::Send(other, Message::ForwardJoin { newcomer: newcomer.clone(), ttl }));
            }
        }
    }

    /// The answer to what we asked for.
    pub(crate) fn on_reply(&mut self, turn: &mut Turn<'_>, id: PeerId, accepted: bool, dropped: Option<Address>) {
        let Some(errand) = self.errands.get(id) else { return };
        let Waiting::Reply(priority) = errand.waiting else { return };
        if !accepted {
            self.on_refused(turn, id);
            return self.close(turn, id, Because::Passing);
        }
        let room = self.active.has_room(turn.config);
        let rtt = turn.peers.get(&id).and_then(|peer| peer.rtt);
        // A newcomer's walk is a stranger's wish.
        let cause = match errand.purpose {
            _ if self.siege.is_on(turn.now) => Cause::Besieged,
            Purpose::Insert | Purpose::Anchor => Cause::Stranger,
            _ => Cause::Own,
        };
        let goes = match priority {
            Priority::Near => rtt.and_then(|rtt| self.active.place_for_near(rtt, cause, turn.config, turn.rng)),
            _ if room => Some(None),
            Priority::Low if errand.purpose != Purpose::Insert => None,
            _ => self.active.evictable(cause, turn.config, turn.rng).map(Some),
        };
        let Some(goes) = goes else {
            // Others were quicker. The other side counts it as a link already.
            turn.steps.push(Step::Send(id, Message::Disconnect { instead: None }));
            return self.errands.wait(turn.now, id, Waiting::Other, None);
        };
        self.refusals = 0;
        let inserted = turn.peers.get(&id).and_then(Peer::listens).cloned();
        self.link(turn, id, Kind::of(priority));
        match goes {
            Some(goes) => {
                let inserted = inserted.filter(|_| errand.purpose == Purpose::Insert);
                self.evict(turn, goes, dropped.or(inserted));
            }
            None => dropped.into_iter().for_each(|dropped| self.hint(dropped)),
        }
    }

    /// Somebody has joined, elsewhere.
    pub(crate) fn on_forward_join(&mut self, turn: &mut Turn<'_>, id: PeerId, newcomer: Address, ttl: u8) {
        let [longest, remembered] = turn.config.join_walk;
        if !self.active.contains(id) || turn.peers.values().any(|peer| peer.linked && peer.listens() == Some(&newcomer))
        {
            return;
        }
        let ttl = ttl.min(longest);
        if self.active.has_room(turn.config) || self.active.len() <= 1 {
            return self.hint(newcomer);
        }
        let next = self.active.ids().filter(|other| *other != id).choose(turn.rng);
        match next.filter(|_| ttl > 0) {
            Some(next) => {
                if ttl == remembered {
                    self.passive.learn(vec![newcomer.clone()], None, false, turn.config, turn.rng);
                }
                turn.steps.push(Step::Send(next, Message::ForwardJoin { newcomer, ttl: ttl - 1 }));
            }
            None => {
                if self.active.evictable(Cause::Stranger, turn.config, turn.rng).is_some() {
                    self.dial(turn, newcomer, Purpose::Insert);
                }
            }
        }
    }

    /// A link is none any more, says the other side.
    pub(crate) fn on_disconnect(&mut self, turn: &mut Turn<'_>, id: PeerId, instead: Option<Address>) {
        if turn.peers.get(&id).is_none_or(|peer| peer.node.is_none()) {
            return;
        }
        if self.active.contains(id) {
            instead.into_iter().for_each(|instead| self.hint(instead));
        }
        self.close(turn, id, Because::Passing);
    }

    /// Nobody there had a place for us: the longer the more often that happens in a row.
    pub(super) fn on_refused(&mut self, turn: &mut Turn<'_>, id: PeerId) {
        let Config { backoff_base, backoff_cap, planted, .. } = turn.config;
        let wait = full_jitter(*backoff_base, *backoff_cap, self.refusals, *planted, turn.rng);
        if self.errands.get(id).is_some_and(|errand| errand.waiting != Waiting::Reply(Priority::Near)) {
            self.refusals = self.refusals.saturating_add(1);
            self.next_seek = turn.now + wait;
        }
        self.passive.refused(turn.now, id, wait);
    }

    /// A connection is a link from now on.
    fn link(&mut self, turn: &mut Turn<'_>, id: PeerId, kind: Kind) {
        let Some(peer) = turn.peers.get_mut(&id).filter(|_| !self.active.contains(id)) else { return };
        peer.linked = true;
        let bootstrap = self.passive.leads_to_bootstrap(id);
        let dialled = peer.direction == Direction::Outbound;
        let anchor = dialled && (bootstrap || self.passive.leads_to_vouched(id));
        let chosen = bootstrap || dialled;
        let link =
            Link { kind, chosen, bootstrap, anchor, since: turn.now, doubted: false, spare: false, rtt: peer.rtt };
        self.active.insert(id, link);
        self.errands.forget(id);
        turn.steps.push(Step::Up(id));
        // Two that became links in one moment were not told of each other after their hellos. Where a node has room for
        // more links, the mesh may be so small that nobody else would tell them soon.
        if let Some(address) =
            turn.peers.get(&id).and_then(Peer::listens).filter(|_| self.active.missing(turn.config) > 0)
        {
            let others = self.active.ids().filter(|other| *other != id);
            let tell = |other| Step::Send(other, Message::Peers(vec![address.clone()]));
            turn.steps.extend(others.map(tell));
        }
    }

    /// Drops a link, and says who has a place for the other side. The other side closes.
    pub(super) fn evict(&mut self, turn: &mut Turn<'_>, id: PeerId, instead: Option<Address>) {
        turn.steps.push(Step::Send(id, Message::Disconnect { instead }));
        self.drop_link(turn, id);
        self.errands.wait(turn.now, id, Waiting::Other, None);
    }

    /// An address that has a place for us.
    fn hint(&mut self, address: Address) {
        if self.hints.len() < MAX_HINTS && !self.hints.contains(&address) {
            self.hints.push_back(address);
        }
    }
}

impl Kind {
    fn of(priority: Priority) -> Kind {
        if priority == Priority::Near { Kind::Near } else { Kind::Random }
    }
}
