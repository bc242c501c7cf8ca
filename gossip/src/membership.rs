//! Whom to be connected to.
//!
//! Bootstrap addresses are dialled for ever. Addresses learned from peers are dialled while fewer than `target_peers`
//! nodes are connected, and forgotten when they fail again and again. Two nodes keep one connection: where both dialled,
//! the one that the node with the smaller instance dialled stays, which both sides see alike.
//!
//! Invariants: an address is dialled once at a time; what is remembered is bounded; a bootstrap address is never forgotten.

use crate::backoff::full_jitter;
use crate::message::{Hello, InstanceId};
use crate::output::{Because, Output};
use crate::peer::{Node, Peer, PeerId};
use crate::{Address, Config, Direction, Message, Time};
use rand::Rng;
use rand::seq::IteratorRandom;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A learned address is forgotten after so many failures in a row. A guess.
const MAX_FAILURES: u32 = 6;
/// A connection that lasted this long proves its address good: the next wait starts from the base again. A guess.
const PROVEN: Duration = Duration::from_secs(10);
/// How many dials run at once. A guess.
const MAX_DIALLING: usize = 4;
/// How many addresses are told at once. A guess.
const TELL: usize = 16;

#[derive(Clone, Debug)]
struct Known {
    bootstrap: bool,
    failures: u32,
    state: Dial,
    /// The run of a node that was met there last.
    instance: Option<InstanceId>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Dial {
    /// Nobody is there that we know of: dial from then on.
    At(Time),
    /// An attempt is under way.
    Dialling,
    /// This connection leads there.
    Up(PeerId),
    /// It is our own.
    Myself,
}

/// Addresses, and how it goes with each.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    known: BTreeMap<Address, Known>,
    next_shuffle: Time,
}

impl Membership {
    pub(crate) fn new(config: &Config) -> Membership {
        let known = |address: &Address| (address.clone(), Known::new(true));
        Membership { known: config.bootstrap.iter().map(known).collect(), next_shuffle: Time::ZERO }
    }

    /// A connection stands: one that we dialled answers its dial.
    pub(crate) fn on_up(&mut self, peer: PeerId, direction: Direction, address: &Address) {
        if direction == Direction::Outbound
            && let Some(known) = self.known.get_mut(address)
        {
            known.state = Dial::Up(peer);
        }
    }

    /// A connection is gone: its address is due again, sooner if the connection had proven itself.
    pub(crate) fn on_down(&mut self, now: Time, id: PeerId, peer: &Peer, config: &Config, rng: &mut impl Rng) {
        let proven = peer.node.is_some() && now.since(peer.since) >= PROVEN;
        for known in self.known.values_mut().filter(|known| known.state == Dial::Up(id)) {
            known.failures = if proven { 0 } else { known.failures.saturating_add(1) };
            let wait = full_jitter(config.backoff_base, config.backoff_cap, known.failures.saturating_sub(1), rng);
            known.state = Dial::At(now + wait);
        }
        self.forget_hopeless();
    }

    pub(crate) fn on_dial_failed(&mut self, now: Time, address: &Address, config: &Config, rng: &mut impl Rng) {
        if let Some(known) = self.known.get_mut(address).filter(|known| known.state == Dial::Dialling) {
            let wait = full_jitter(config.backoff_base, config.backoff_cap, known.failures, rng);
            known.failures = known.failures.saturating_add(1);
            known.state = Dial::At(now + wait);
        }
        self.forget_hopeless();
    }

    /// A peer says who it is. What comes back closes a connection: this one, or an older one to the same node.
    pub(crate) fn on_hello(
        &mut self,
        me: InstanceId,
        id: PeerId,
        hello: &Hello,
        config: &Config,
        peers: &mut BTreeMap<PeerId, Peer>,
    ) -> Option<(PeerId, Because)> {
        let peer = peers.get(&id)?;
        if peer.node.is_some() {
            return Some((id, Because::SecondHello));
        }
        if hello.mesh != config.mesh {
            return Some((id, Because::OtherMesh));
        }
        let outbound = peer.direction == Direction::Outbound;
        if hello.instance == me {
            if let Some(known) = self.known.get_mut(&peer.observed).filter(|_| outbound) {
                known.state = Dial::Myself;
            }
            return Some((id, Because::Myself));
        }
        let address = if outbound { Some(peer.observed.clone()) } else { peer.observed.at_port(hello.port) };
        if let Some(address) = &address {
            self.learn_at(address, Dial::Up(id), config);
            if let Some(known) = self.known.get_mut(address) {
                known.instance = Some(hello.instance);
            }
        }
        let twin = peers.iter().find(|(_, other)| other.node.as_ref().is_some_and(|n| n.instance == hello.instance));
        let close =
            twin.and_then(|(twin, other)| Some((second_of(me, hello.instance, (id, peer), (*twin, other))?, *twin)));
        if let Some(peer) = peers.get_mut(&id) {
            peer.node = Some(Node { node_id: hello.node_id.clone(), instance: hello.instance, address });
        }
        let (second, twin) = close?;
        let kept = if second == id { twin } else { id };
        for known in self.known.values_mut().filter(|known| known.instance == Some(hello.instance)) {
            known.state = Dial::Up(kept);
        }
        Some((second, Because::SecondConnection))
    }

    /// A peer told addresses.
    pub(crate) fn learn(&mut self, now: Time, addresses: Vec<Address>, config: &Config) {
        for address in addresses {
            self.learn_at(&address, Dial::At(now), config);
        }
    }

    /// Some addresses of connected nodes, for a peer that is not told its own.
    pub(crate) fn to_tell(&self, peers: &BTreeMap<PeerId, Peer>, to: PeerId, rng: &mut impl Rng) -> Option<Output> {
        let others = peers.iter().filter(|(id, _)| **id != to);
        let listening = others.filter_map(|(_, peer)| peer.node.as_ref().and_then(|node| node.address.clone()));
        let addresses = listening.sample(rng, TELL);
        (!addresses.is_empty()).then(|| Output::Send { to: vec![to], message: Message::Peers(addresses) })
    }

    pub(crate) fn next_wakeup(&self, config: &Config, peers: &BTreeMap<PeerId, Peer>) -> Option<Time> {
        let dial = self.dialable(config, peers).map(|(_, at)| at).min();
        let shuffle = peers.values().any(|peer| peer.node.is_some()).then_some(self.next_shuffle);
        [dial, shuffle].into_iter().flatten().min()
    }

    /// Dials what is due, and tells a random peer addresses when it is time.
    pub(crate) fn tick(
        &mut self,
        now: Time,
        config: &Config,
        peers: &BTreeMap<PeerId, Peer>,
        rng: &mut impl Rng,
        outbox: &mut VecDeque<Output>,
    ) {
        // Bootstrap addresses first: no number of learned ones may keep them waiting.
        let due = self.dialable(config, peers).filter(|(_, at)| *at <= now);
        let mut due: Vec<_> = due.map(|(address, at)| (!self.known[address].bootstrap, at, address.clone())).collect();
        due.sort();
        let dialling = self.known.values().filter(|known| known.state == Dial::Dialling).count();
        for (_, _, address) in due.into_iter().take(MAX_DIALLING.saturating_sub(dialling)) {
            if let Some(known) = self.known.get_mut(&address) {
                known.state = Dial::Dialling;
            }
            outbox.push_back(Output::Connect { address });
        }
        if now >= self.next_shuffle {
            self.next_shuffle = now + config.shuffle_interval;
            let partner = peers.iter().filter(|(_, peer)| peer.node.is_some()).map(|(id, _)| *id).choose(rng);
            outbox.extend(partner.and_then(|id| self.to_tell(peers, id, rng)));
        }
    }

    /// The addresses that wait to be dialled: none while too many dials run, learned ones only while peers are few.
    fn dialable<'a>(
        &'a self,
        config: &Config,
        peers: &BTreeMap<PeerId, Peer>,
    ) -> impl Iterator<Item = (&'a Address, Time)> {
        let dialling = self.known.values().filter(|known| known.state == Dial::Dialling).count();
        let nodes = peers.values().filter(|peer| peer.node.is_some()).count();
        // Whoever fills the places for those who dial us takes none from those whom we dial.
        let may_dial = dialling < MAX_DIALLING;
        let few = nodes + dialling < config.target_peers;
        self.known.iter().filter_map(move |(address, known)| match known.state {
            Dial::At(at) if may_dial && (known.bootstrap || few) => Some((address, at)),
            _ => None,
        })
    }

    fn learn_at(&mut self, address: &Address, state: Dial, config: &Config) {
        if let Some(known) = self.known.get_mut(address) {
            if let Dial::Up(_) = state {
                known.state = state;
            }
            return;
        }
        let learned = self.known.values().filter(|known| !known.bootstrap).count();
        if learned < config.known_addresses {
            self.known.insert(address.clone(), Known { state, ..Known::new(false) });
        }
    }

    fn forget_hopeless(&mut self) {
        self.known.retain(|_, known| known.bootstrap || known.failures < MAX_FAILURES);
    }
}

impl Known {
    fn new(bootstrap: bool) -> Known {
        Known { bootstrap, failures: 0, state: Dial::At(Time::ZERO), instance: None }
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
