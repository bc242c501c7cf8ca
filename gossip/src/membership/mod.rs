//! Whom to be connected to.
//!
//! HyParView (Leitão, Pereira, Rodrigues: HyParView: a membership protocol for reliable gossip-based broadcast, DSN 2007): a
//! small active view of links, the same on both sides, and a larger passive view of addresses to replace links from. Bent to
//! the network as X-BOT does (SRDS 2009): see `active.rs` and `near.rs`. What differs from the papers:
//!
//! - A link that is dropped to make room is not lost: who asked for the room is told who has lost it, and either links to
//!   that one as well or sends there whoever it drops itself. So joins and swaps keep degrees, as X-BOT's four-way swap
//!   does, and nobody has to agree to it in advance.
//! - A swap needs only the two who gain by it, each by its own measurement. The round trip is the same for both, so such
//!   swaps come to an end (Mathieu: Self-stabilization in preference-based systems, 2009).
//! - A shuffle goes to a random node of the passive view, as in Cyclon (Voulgaris, Gavidia, van Steen, 2005), instead of
//!   down a random walk: it shows whether somebody is there, and how far away. And one way, along a random link.
//! - Addresses that fail are kept as suspects, and one of them is dialled now and then. Where the same run of a node
//!   answers again that was out of reach, there may have been a partition: a link is made, whatever room there is.
//!
//! Two nodes keep one connection: where both dialled, the one that the node with the smaller instance dialled stays, which
//! both sides see alike. A connection is a link from the `NeighborReply` on that accepts it; all others end soon.
//!
//! | file | |
//! |---|---|
//! | `active.rs` | the links, which are near, which may go |
//! | `passive.rs` | addresses |
//! | `errand.rs` | connections that are no links |
//! | `groups.rs` | whose an address may be |
//! | `near.rs` | when to look for near nodes |
//! | `requests.rs` | who asks for a link, and what comes of it |
//! | `siege.rs` | what a node holds on to that strangers want for themselves |
//! | `check.rs` | what always holds |

mod active;
mod check;
mod errand;
mod groups;
mod near;
mod passive;
mod requests;
mod siege;

use crate::message::{Hello, InstanceId, Message, Priority};
use crate::output::Because;
use crate::peer::{Node, Peer, PeerId};
use crate::{Address, Config, Dialect, Direction, Fault, OriginId, Time};
use active::{Active, Cause};
use errand::{Errands, Purpose, Waiting};
use near::{Pace, jittered};
use passive::Passive;
use rand::seq::IteratorRandom;
use rand_chacha::ChaCha8Rng;
use siege::{ANCHORS, Siege};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A connection that lasted this long proves its address good: the next wait starts from the base again. A guess.
const PROVEN: Duration = Duration::from_secs(10);
/// How many dials run at once. A guess.
const MAX_DIALLING: usize = 4;
/// How many connections may be open that are no links. A guess.
const MAX_PASSING: usize = 32;
/// How many of its other addresses a node tells with those of its links: more than HyParView's 4, for a passive view that
/// near nodes are looked for in. A guess.
const TELL: usize = 6;
/// How often a suspect is dialled, though there is no room for a link. A guess: 100 nodes on each side of a partition find
/// each other within a second of its end, two nodes within ten.
const SUSPECT: Duration = Duration::from_secs(10);
/// How often a node makes a link to one that has come back. A guess.
const REUNION: Duration = Duration::from_secs(60);
/// How many addresses are kept that have a place for us. A guess.
const MAX_HINTS: usize = 8;

/// What membership wants done, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Say who we are.
    Hello(PeerId),
    /// Send.
    Send(PeerId, Message),
    /// Dial.
    Connect(Address),
    /// This connection is a link from now on.
    Up(PeerId),
    /// It is none any more.
    Down(PeerId),
    /// Close it. It is no link, and no peer any more.
    Close(PeerId, Because),
}

/// What a step is taken with.
pub(crate) struct Turn<'a> {
    pub(crate) now: Time,
    /// This run of the node, and its key.
    pub(crate) me: (InstanceId, OriginId),
    pub(crate) config: &'a Config,
    pub(crate) peers: &'a mut BTreeMap<PeerId, Peer>,
    pub(crate) rng: &'a mut ChaCha8Rng,
    pub(crate) steps: &'a mut Vec<Step>,
}

/// The views of a node.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    active: Active,
    passive: Passive,
    errands: Errands,
    /// Addresses that have a place for us.
    hints: VecDeque<Address>,
    /// How often in a row nobody had a place for us, and when to ask the next.
    refusals: u32,
    next_seek: Time,
    pace: Pace,
    next_shuffle: Time,
    next_suspect: Time,
    next_reunion: Time,
    siege: Siege,
}

impl Turn<'_> {
    /// The run of the node at the other end.
    fn node(&self, id: PeerId) -> Option<InstanceId> {
        Some(self.peers.get(&id)?.node.as_ref()?.instance)
    }
}

impl Membership {
    pub(crate) fn new(config: &Config) -> Membership {
        Membership {
            active: Active::default(),
            passive: Passive::new(config),
            errands: Errands::default(),
            hints: VecDeque::new(),
            refusals: 0,
            next_seek: Time::ZERO,
            pace: Pace::default(),
            next_shuffle: Time::ZERO,
            next_suspect: Time::ZERO,
            next_reunion: Time::ZERO,
            siege: Siege::default(),
        }
    }

    /// A connection stands.
    pub(crate) fn on_up(&mut self, turn: &mut Turn<'_>, id: PeerId) {
        let Some(peer) = turn.peers.get(&id) else { return };
        let (direction, dialect, address) = (peer.direction, peer.dialect, peer.observed.clone());
        // Who dials speaks first: a script that dials us need not know what a hello is.
        if direction == Direction::Outbound {
            let purpose = self.passive.answered(&address, id);
            // A bootstrap address may be that of a script, which says no hello and stays.
            let may_stay = dialect == Dialect::Json && self.passive.is_bootstrap(&address);
            self.errands.begin(turn.now, id, purpose, may_stay);
            return turn.steps.push(Step::Hello(id));
        }
        if dialect == Dialect::V2 {
            self.siege.on_stranger(turn.now);
            self.errands.begin(turn.now, id, Purpose::Probe, false);
            if self.errands.len() > MAX_PASSING {
                // A newcomer who knows nobody else would stay alone: it is told of others before it is turned away.
                turn.steps.push(Step::Hello(id));
                self.tell(turn, id);
                self.close(turn, id, Because::Full);
            }
        } else if turn.peers.values().filter(|peer| peer.is_script()).count() > turn.config.max_scripts {
            self.close(turn, id, Because::Full);
        }
    }

    /// A connection is gone.
    pub(crate) fn on_down(&mut self, turn: &mut Turn<'_>, id: PeerId) {
        let Some(peer) = turn.peers.remove(&id) else { return };
        let errand = self.errands.forget(id);
        if self.active.contains(id) {
            let proven = turn.now.since(peer.since) >= PROVEN;
            self.drop_link(turn, id);
            if self.active.wants_near(turn.config) {
                self.pace.on_loss(turn.now, turn.rng);
            }
            self.passive.broke(turn.now, id, proven, turn.config, turn.rng);
            return;
        }
        match errand.map(|errand| errand.waiting) {
            Some(Waiting::Hello) => self.passive.broke(turn.now, id, false, turn.config, turn.rng),
            Some(Waiting::Reply(_)) => {
                self.on_refused(turn, id);
                self.passive.ended(id, turn.config, turn.rng);
            }
            Some(Waiting::Peers | Waiting::Other) => self.passive.ended(id, turn.config, turn.rng),
            // A script that was dialled.
            None => {
                let proven = turn.now.since(peer.since) >= PROVEN;
                self.passive.broke(turn.now, id, proven, turn.config, turn.rng);
            }
        }
    }

    pub(crate) fn on_dial_failed(&mut self, turn: &mut Turn<'_>, address: &Address) {
        self.passive.failed(turn.now, address, turn.config, turn.rng);
    }

    /// A peer must go, whatever it is to us.
    pub(crate) fn expel(&mut self, turn: &mut Turn<'_>, id: PeerId, because: Because) {
        if turn.peers.contains_key(&id) {
            self.close(turn, id, because);
        }
    }

    /// Whether an address is one of those that are dialled for ever.
    pub(crate) fn is_bootstrap(&self, address: &Address) -> bool {
        self.passive.is_bootstrap(address)
    }

    /// A round trip was measured.
    pub(crate) fn on_rtt(&mut self, id: PeerId, rtt: Duration) {
        self.active.on_rtt(id, rtt);
    }

    /// These links are in doubt now, and no others.
    pub(crate) fn on_doubt(&mut self, turn: &Turn<'_>, doubted: &BTreeSet<PeerId>) {
        self.active.doubt(doubted, turn.config);
    }

    /// A peer says who it is.
    pub(crate) fn on_hello(&mut self, turn: &mut Turn<'_>, id: PeerId, hello: &Hello) {
        let Some(peer) = turn.peers.get(&id) else { return };
        let outbound = peer.direction == Direction::Outbound;
        // Answered before it is judged: the dialler learns from the answer why the connection ends.
        if !outbound && peer.node.is_none() {
            turn.steps.push(Step::Hello(id));
            self.errands.wait(turn.now, id, Waiting::Other, None);
            self.errands.hello_sent(turn.now, id);
        }
        if peer.node.is_some() {
            return self.close(turn, id, Because::SecondHello);
        }
        if hello.mesh != turn.config.mesh {
            return self.close(turn, id, Because::OtherMesh);
        }
        if hello.instance == turn.me.0 {
            let observed = peer.observed.clone();
            self.close(turn, id, Because::Myself);
            if outbound {
                self.passive.is_myself(&observed);
            }
            return;
        }
        if peer.key == Some(turn.me.1) {
            return self.close(turn, id, Because::Clone);
        }
        let returned = self.meet(turn, id, hello);
        if !turn.config.planted.is(Fault::SecondConnectionKept) && !self.keep_one(turn, id, hello.instance) {
            return;
        }
        self.tell(turn, id);
        if outbound {
            self.pursue(turn, id, returned);
        }
    }

    /// Keeps who said hello in mind. `true`: it has come back from where it was out of reach.
    fn meet(&mut self, turn: &mut Turn<'_>, id: PeerId, hello: &Hello) -> bool {
        let Some(peer) = turn.peers.get_mut(&id) else { return false };
        let outbound = peer.direction == Direction::Outbound;
        let address =
            if outbound { Some(peer.observed.clone()) } else { peer.observed.listening(hello.port, hello.tls) };
        let (node_id, instance) = (hello.node_id.clone(), hello.instance);
        peer.node = Some(Node { node_id, instance, address: address.clone() });
        let returned =
            address.is_some_and(|address| self.passive.met(&address, hello.instance, id, turn.config, turn.rng));
        if outbound {
            self.measure(turn, id);
        }
        returned
    }

    /// Closes a second connection to the same node: this one, or the older one. `false`: it was this one.
    fn keep_one(&mut self, turn: &mut Turn<'_>, id: PeerId, instance: InstanceId) -> bool {
        let to_it = |peer: &Peer| peer.node.as_ref().is_some_and(|node| node.instance == instance);
        let twin = turn.peers.iter().find(|(other, peer)| **other != id && to_it(peer)).map(|(twin, _)| *twin);
        let second = twin.and_then(|twin| {
            let (new, old) = (turn.peers.get(&id)?, turn.peers.get(&twin)?);
            second_of(turn.me.0, instance, (id, new), (twin, old))
        });
        let Some((twin, second)) = twin.zip(second) else { return true };
        let kept = if second == id { twin } else { id };
        // What was wanted of the one is wanted of the other.
        let wanted =
            self.active.contains(second) || self.errands.get(second).is_some_and(|errand| errand.is_for_link());
        self.close(turn, second, Because::SecondConnection);
        self.passive.settle(instance, kept);
        if wanted && !self.active.contains(kept) {
            self.ask(turn, kept, Priority::Low);
        }
        kept == id
    }

    /// A peer told addresses.
    pub(crate) fn on_peers(&mut self, turn: &mut Turn<'_>, id: PeerId, addresses: Vec<Address>) {
        self.measure(turn, id);
        let Some(peer) = turn.peers.get(&id).filter(|peer| peer.node.is_some()) else { return };
        // Addresses are learned from nodes of this mesh only.
        let vouched = self.passive.leads_to_bootstrap(id);
        self.passive.learn(addresses, peer.rtt, vouched, turn.config, turn.rng);
        if self.errands.get(id).is_some_and(|errand| errand.waiting == Waiting::Peers) {
            self.close(turn, id, Because::Passing);
        }
    }

    /// What comes first after our hello tells the round trip: the answer to it, or what the dialler wants.
    fn measure(&mut self, turn: &mut Turn<'_>, id: PeerId) {
        let (Some(errand), Some(peer)) = (self.errands.get(id), turn.peers.get_mut(&id)) else { return };
        if peer.node.is_some() && peer.rtt.is_none() && errand.until.is_some() {
            let rtt = turn.now.since(errand.asked);
            let address = peer.listens().cloned();
            peer.rtt = Some(address.map_or(rtt, |address| self.passive.measured(&address, rtt)));
        }
    }

    /// Addresses for a peer: of our links, and some others that are well. Its own is neither.
    fn tell(&self, turn: &mut Turn<'_>, to: PeerId) {
        let links = self.active.ids().filter(|id| *id != to).filter_map(|id| turn.peers.get(&id)?.listens().cloned());
        let mut addresses: Vec<Address> = links.take(crate::json::MAX_ADDRESSES - TELL).collect();
        addresses.extend(self.passive.sample(TELL, turn.rng));
        turn.steps.push(Step::Send(to, Message::Peers(addresses)));
    }

    /// The addresses of the nodes that were met: worth keeping over a restart.
    pub(crate) fn known_addresses(&self) -> impl Iterator<Item = &Address> {
        self.passive.all_met()
    }

    pub(crate) fn next_wakeup(&self, config: &Config) -> Option<Time> {
        let (_, dials) = self.passive.dials();
        let may_dial = dials < MAX_DIALLING;
        let seek = || self.passive.next_due(self.next_seek);
        [
            self.errands.next_end(),
            (may_dial && self.missing(config) > 0).then(seek).flatten(),
            self.may_take_hint(config).then_some(Time::ZERO),
            may_dial.then(|| self.passive.lost_bootstrap()).flatten().map(|(at, _)| at),
            (may_dial && self.passive.has_suspects()).then_some(self.next_suspect),
            (may_dial && self.may_probe(config)).then_some(self.pace.next()),
            (self.active.len() > 0).then_some(self.next_shuffle),
            (may_dial && self.active.anchors() < ANCHORS).then(|| self.siege.next_search()).flatten(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        for id in self.errands.ended(turn.now) {
            if matches!(self.errands.get(id), Some(errand) if matches!(errand.waiting, Waiting::Reply(_))) {
                self.on_refused(turn, id);
            }
            self.close(turn, id, Because::Passing);
        }
        self.seek(turn);
        self.hold_on(turn);
        if let Some((_, address)) = self.passive.lost_bootstrap().filter(|(at, _)| *at <= turn.now) {
            let address = address.clone();
            self.dial(turn, address, Purpose::Probe);
        }
        self.probe(turn);
        self.look_for_suspects(turn);
        if turn.now >= self.next_shuffle && self.active.len() > 0 {
            self.next_shuffle = turn.now + jittered(turn.config.shuffle_interval, turn.rng);
            if let Some(id) = self.active.ids().choose(turn.rng) {
                self.tell(turn, id);
            }
        }
    }

    /// Looks for what holds, where strangers want this node for themselves.
    fn hold_on(&mut self, turn: &mut Turn<'_>) {
        if self.siege.searches(turn.now)
            && self.active.anchors() < ANCHORS
            && let Some(address) = self.passive.anchor(turn.now, turn.rng)
        {
            self.dial(turn, address, Purpose::Anchor);
        }
    }

    /// Dials a suspect, once in a while: it may be on the other side of a partition that is over.
    fn look_for_suspects(&mut self, turn: &mut Turn<'_>) {
        if turn.now >= self.next_suspect
            && let Some(address) = self.passive.suspect(turn.rng)
            && self.dial(turn, address, Purpose::Probe)
        {
            self.next_suspect = turn.now + jittered(SUSPECT, turn.rng);
        }
    }

    fn may_probe(&self, config: &Config) -> bool {
        config.passive_view > 0 && self.active.len() > 0 && self.passive.has_idle()
    }

    /// Dials somebody to see how far away it is, and to exchange addresses.
    fn probe(&mut self, turn: &mut Turn<'_>) {
        if turn.now < self.pace.next() || !self.may_probe(turn.config) {
            return;
        }
        let known = self.passive.nearest();
        let near =
            known.filter(|(rtt, _)| self.active.place_for_near(*rtt, Cause::Own, turn.config, turn.rng).is_some());
        let near = near.map(|(_, address)| address.clone());
        let by_teller = self.pace.probes() % 2 == 1;
        let chosen = near
            .filter(|_| self.pace.probes() % 4 == 3)
            .or_else(|| self.passive.unmeasured(by_teller, turn.rng))
            .or_else(|| self.passive.anybody(turn.rng));
        if let Some(address) = chosen
            && self.dial(turn, address, Purpose::Probe)
        {
            self.pace.on_probe(turn.now, turn.config, turn.rng);
        }
    }

    /// Dials, unless that leads to where something leads already, or too many dials run.
    fn dial(&mut self, turn: &mut Turn<'_>, address: Address, purpose: Purpose) -> bool {
        let (_, dials) = self.passive.dials();
        let may = dials < MAX_DIALLING && self.passive.is_idle(&address);
        if may {
            self.passive.dialling(&address, purpose);
            turn.steps.push(Step::Connect(address));
        }
        may
    }

    /// Closes a connection: link or not, it is none any more, and no peer.
    fn close(&mut self, turn: &mut Turn<'_>, id: PeerId, because: Because) {
        let errand = self.errands.forget(id);
        let silent = because == Because::Passing && errand.is_some_and(|errand| errand.waiting == Waiting::Hello);
        self.drop_link(turn, id);
        turn.peers.remove(&id);
        if silent || matches!(because, Because::OtherMesh | Because::SecondHello | Because::Clone | Because::Banned) {
            // It is nobody that we could speak with: it is not dialled again soon.
            self.passive.broke(turn.now, id, false, turn.config, turn.rng);
        } else {
            self.passive.ended(id, turn.config, turn.rng);
        }
        turn.steps.push(Step::Close(id, because));
    }

    /// A link is none any more.
    fn drop_link(&mut self, turn: &mut Turn<'_>, id: PeerId) {
        if self.active.remove(id).is_none() {
            return;
        }
        self.active.take_places(turn.config);
        if let Some(peer) = turn.peers.get_mut(&id) {
            peer.linked = false;
        }
        turn.steps.push(Step::Down(id));
        // Somebody may have a place now.
        (self.refusals, self.next_seek) = (0, self.next_seek.min(turn.now));
    }
}

/// Which of two connections to one node is one too many.
///
/// Where each side dialled once, the connection that the smaller instance dialled stays: both sides come to that.
/// Where one side dialled twice, its older connection stays, and the other side leaves that to it.
fn second_of(me: InstanceId, other: InstanceId, new: (PeerId, &Peer), old: (PeerId, &Peer)) -> Option<PeerId> {
    match (new.1.direction, old.1.direction) {
        (Direction::Inbound, Direction::Inbound) => None,
        (Direction::Outbound, Direction::Outbound) => Some(new.0),
        (direction, _) => {
            let kept = if me < other { Direction::Outbound } else { Direction::Inbound };
            Some(if direction == kept { old.0 } else { new.0 })
        }
    }
}
