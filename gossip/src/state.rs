//! The door: one input in, outputs out.

use crate::agreement::Agreement;
use crate::broadcast::{Broadcast, Counters};
use crate::bundle::{Bundle, OriginId};
use crate::bundler::Bundler;
use crate::catch_up::CatchUp;
use crate::input::{Dialect, Direction, Input};
use crate::json::MAX_TTL;
use crate::membership::Membership;
use crate::message::{Announced, Digest, Event, Hello, InstanceId, Message};
use crate::output::{Because, Output};
use crate::peer::{Peer, PeerId, PeerView};
use crate::trees::{Step, Trees, Way};
use crate::{Address, Config, Time};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A peer whose digests have differed from ours for so long is sent the last bundles, and again after so long. Guesses: many
/// times what events are on their way, and seldom enough that a busy mesh, whose digests are always a moment apart, can
/// bear it.
const APART: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_secs(300);

/// A node's part in the mesh, without socket, clock, thread or chance of its own.
#[derive(Clone, Debug)]
pub struct State {
    config: Config,
    me: Me,
    rng: ChaCha8Rng,
    peers: BTreeMap<PeerId, Peer>,
    membership: Membership,
    /// When membership has something to do; counted anew only where a connection or an address has changed.
    membership_due: Option<Time>,
    broadcast: Broadcast,
    bundler: Bundler,
    trees: Trees,
    catch_up: CatchUp,
    agreement: Agreement,
    outbox: VecDeque<Output>,
}

/// Who this node is.
#[derive(Clone, Debug)]
pub struct Me {
    /// Its name: a claim.
    pub node_id: String,
    /// This run of it, drawn anew at each start.
    pub instance: InstanceId,
    /// Whose bundles its own are.
    pub origin: OriginId,
    /// Where it listens, 0 if it does not.
    pub port: u16,
    /// The wall clock at [`Time::ZERO`], in microseconds since the Unix epoch.
    pub epoch_micros: u64,
}

impl State {
    /// A node that knows nobody yet. `rng` decides all that is random.
    pub fn new(config: Config, me: Me, rng: ChaCha8Rng) -> State {
        State {
            bundler: Bundler::new(me.origin, me.epoch_micros),
            me,
            rng,
            peers: BTreeMap::new(),
            membership: Membership::new(&config),
            membership_due: Some(Time::ZERO),
            broadcast: Broadcast::new(&config),
            trees: Trees::default(),
            catch_up: CatchUp::default(),
            agreement: Agreement::default(),
            outbox: VecDeque::new(),
            config,
        }
    }

    /// Takes in one fact. Total: no input is an error, and none can make it panic.
    pub fn handle(&mut self, now: Time, input: Input) {
        if input.concerns_membership() {
            self.membership_due = Some(now);
        }
        match input {
            Input::PeerUp { peer, direction, address, dialect } => {
                self.on_peer_up(now, peer, direction, address, dialect);
            }
            Input::PeerDown { peer } => self.on_peer_down(now, peer),
            Input::DialFailed { address } => {
                self.membership.on_dial_failed(now, &address, &self.config, &mut self.rng);
            }
            Input::Message { peer, message } => self.on_message(now, peer, message),
            Input::Refused { peer, reason, event } => self.on_refused(peer, reason, event),
            Input::Rtt { peer, rtt } => self.trees.on_rtt(peer, rtt),
            Input::Broadcast(event) => self.on_broadcast(now, event),
            Input::Digest(digest) => self.agreement.on_digest(now, digest),
            Input::Tick => {}
        }
        self.run_timers(now);
    }

    /// What is to be done, in order. The driver drains after each input.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> {
        self.outbox.drain(..)
    }

    /// Sends what is still gathered: the last thing before the end.
    pub fn flush(&mut self, now: Time) {
        if let Some(bundle) = self.bundler.close(now) {
            self.send_bundle(now, bundle);
        }
    }

    /// When to call with [`Input::Tick`] at the latest, if nothing happens before. A moment in the past means now.
    pub fn next_wakeup(&self) -> Option<Time> {
        let wakeups = [
            self.membership_due,
            self.bundler.next_wakeup(),
            self.trees.next_wakeup(),
            self.catch_up.next_wakeup(),
            self.agreement.next_wakeup(),
        ];
        wakeups.into_iter().flatten().min()
    }

    /// What gossip has done so far.
    pub fn counters(&self) -> &Counters {
        &self.broadcast.counters
    }

    /// The connected peers, oldest connection first.
    pub fn peers(&self, now: Time) -> impl Iterator<Item = PeerView> {
        let in_sync = move |peer: &Peer| peer.digest.as_ref().map(|digest| self.agreement.holds(now, digest));
        self.peers.iter().map(move |(id, peer)| peer.view(*id, in_sync(peer)))
    }

    fn on_peer_up(&mut self, now: Time, id: PeerId, direction: Direction, address: Address, dialect: Dialect) {
        self.membership.on_up(id, direction, &address);
        let peer = Peer {
            direction,
            dialect,
            observed: address,
            since: now,
            node: None,
            spoken: false,
            digest: None,
            apart_since: None,
        };
        self.peers.insert(id, peer);
        let inbound = self.peers.values().filter(|peer| peer.direction == Direction::Inbound).count();
        if direction == Direction::Inbound && inbound > self.config.max_peers {
            if dialect == Dialect::V2 {
                // A newcomer who knows nobody else would stay alone: it is told of others before it is turned away.
                self.say_hello(id);
                self.outbox.extend(self.membership.to_tell(&self.peers, id, &mut self.rng));
            }
            return self.disconnect(now, id, Because::Full);
        }
        // Who dials speaks first: a script that dials us need not know what a hello is.
        if direction == Direction::Outbound {
            self.say_hello(id);
        }
    }

    fn say_hello(&mut self, to: PeerId) {
        let hello = Hello {
            mesh: self.config.mesh.clone(),
            node_id: self.me.node_id.clone(),
            instance: self.me.instance,
            port: self.me.port,
            digest: self.agreement.current().cloned(),
        };
        self.outbox.push_back(Output::Send { to: vec![to], message: Message::Hello(hello) });
    }

    fn on_peer_down(&mut self, now: Time, id: PeerId) {
        if let Some(peer) = self.peers.remove(&id) {
            self.catch_up.stop(id);
            self.trees.on_down(now, id);
            self.membership.on_down(now, id, &peer, &self.config, &mut self.rng);
        }
    }

    fn on_message(&mut self, now: Time, id: PeerId, message: Message) {
        // A frame may still come from a connection that is closed on our side.
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.spoken = true;
        match message {
            Message::Event { ttl, event } => self.on_event(now, id, ttl, event),
            Message::Hello(hello) => self.on_hello(now, id, hello),
            Message::Digest(digest) => self.on_digest(now, id, digest),
            // Addresses are learned from nodes of this mesh only.
            Message::Peers(addresses) if peer.node.is_some() => self.membership.learn(now, addresses, &self.config),
            Message::Peers(_) => {}
            Message::Bundle { way, bundle } => self.on_bundle(now, id, way, bundle),
            Message::Missed(bundle) => self.on_missed(now, id, bundle),
            Message::IHave(bundles) => self.on_ihave(now, id, bundles),
            Message::Graft { origin, want } => self.on_graft(id, origin, want),
            Message::Prune { origin } => self.trees.on_prune(id, origin),
        }
    }

    /// A script's event: delivered, told to other scripts, and taken into a bundle of this node's own.
    fn on_event(&mut self, now: Time, from: PeerId, ttl: u8, event: Event) {
        if self.learn(from, &event) {
            let ttl = ttl.saturating_sub(1);
            if ttl > 0 {
                self.spread(ttl, event.clone(), Some(from));
            }
            // Whatever its ttl says to scripts: what one node shows, all show.
            self.bundle(now, event);
        }
    }

    fn on_broadcast(&mut self, now: Time, event: Event) {
        if self.broadcast.accept(&event) {
            self.spread(self.config.ttl, event.clone(), None);
            self.bundle(now, event);
        }
    }

    fn on_bundle(&mut self, now: Time, from: PeerId, way: Way, bundle: Bundle) {
        let (events, mut steps) = (Arc::clone(&bundle.events), Vec::new());
        if self.trees.on_bundle(now, from, way, bundle, &mut steps) {
            let hops = MAX_TTL.saturating_sub(way.ttl).saturating_add(1);
            self.learn_all(from, hops, &events);
        } else {
            self.broadcast.counters.total += events.len() as u64;
            self.broadcast.counters.duplicates += events.len() as u64;
        }
        self.carry_out(steps);
    }

    fn on_missed(&mut self, now: Time, from: PeerId, bundle: Bundle) {
        if self.trees.archive().knows(&bundle.id) {
            return;
        }
        let (events, mut steps) = (Arc::clone(&bundle.events), Vec::new());
        self.trees.broadcast(now, bundle, Some(from), &mut steps);
        self.learn_all(from, 1, &events);
        self.carry_out(steps);
    }

    fn on_ihave(&mut self, now: Time, from: PeerId, bundles: Vec<Announced>) {
        let mut steps = Vec::new();
        for announced in bundles {
            self.trees.on_announcement(now, from, announced, &mut steps);
        }
        self.carry_out(steps);
    }

    fn on_graft(&mut self, from: PeerId, origin: OriginId, want: Option<u64>) {
        if let Some(bundle) = self.trees.on_graft(from, origin, want) {
            self.carry_out(vec![Step::Push { to: vec![from], way: Way { ttl: MAX_TTL, like: None }, bundle }]);
        }
    }

    /// The events of a bundle that came so many hops: each new one is delivered, and told to scripts.
    fn learn_all(&mut self, from: PeerId, hops: u8, events: &[Event]) {
        let ttl = self.config.ttl.saturating_sub(hops).max(1);
        for event in events {
            if self.learn(from, event) {
                self.spread(ttl, event.clone(), Some(from));
            }
        }
    }

    /// Takes in an event from a peer. `false` if it was known.
    fn learn(&mut self, from: PeerId, event: &Event) -> bool {
        self.broadcast.counters.total += 1;
        if !self.broadcast.accept(event) {
            self.broadcast.counters.duplicates += 1;
            return false;
        }
        self.broadcast.counters.learned += 1;
        self.outbox.push_back(Output::Deliver { from, event: event.clone() });
        true
    }

    /// Tells scripts of an event: up to as many as the fanout says.
    fn spread(&mut self, ttl: u8, event: Event, except: Option<PeerId>) {
        let fanout = self.config.fanout;
        self.outbox.extend(self.broadcast.spread(fanout, ttl, event, except, &self.peers, &mut self.rng));
    }

    fn bundle(&mut self, now: Time, event: Event) {
        if let Some(bundle) = self.bundler.add(now, event) {
            self.send_bundle(now, bundle);
        }
    }

    fn send_bundle(&mut self, now: Time, bundle: Bundle) {
        let mut steps = Vec::new();
        self.trees.broadcast(now, bundle, None, &mut steps);
        self.carry_out(steps);
    }

    fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            let (to, message) = match step {
                Step::Push { to, way, bundle } => {
                    self.broadcast.counters.propagated += (bundle.events.len() * to.len()) as u64;
                    (to, Message::Bundle { way, bundle })
                }
                Step::Announce { to, bundles } => (vec![to], Message::IHave(bundles)),
                Step::Graft { to, origin, want } => (vec![to], Message::Graft { origin, want }),
                Step::Prune { to, origin } => (vec![to], Message::Prune { origin }),
            };
            self.outbox.push_back(Output::Send { to, message });
        }
    }

    fn on_refused(&mut self, id: PeerId, reason: &'static str, event: bool) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.spoken = true;
        }
        self.broadcast.refuse(reason, event);
    }

    fn on_hello(&mut self, now: Time, id: PeerId, hello: Hello) {
        // Answered before it is judged: the dialler learns from the answer why the connection ends.
        if self.peers.get(&id).is_some_and(|peer| peer.direction == Direction::Inbound && peer.node.is_none()) {
            self.say_hello(id);
        }
        let closed = self.membership.on_hello(self.me.instance, id, &hello, &self.config, &mut self.peers);
        if let Some((closed, because)) = closed {
            self.disconnect(now, closed, because);
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let ours = self.agreement.current();
        let differs = hello.digest.is_none() || hello.digest.as_ref() != ours;
        if peer.dialect == Dialect::V2 {
            self.trees.on_up(id);
            if differs {
                self.catch_up.start(now, id, self.trees.archive().kept());
            }
        }
        // Ours may have changed since our hello.
        if let Some(digest) = ours {
            self.outbox.push_back(Output::Send { to: vec![id], message: Message::Digest(digest.clone()) });
        }
        peer.digest = hello.digest;
        self.outbox.extend(self.membership.to_tell(&self.peers, id, &mut self.rng));
    }

    fn on_digest(&mut self, now: Time, id: PeerId, digest: Digest) {
        let same = self.agreement.holds(now, &digest);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.digest = Some(digest);
        let apart_since = if same { None } else { Some(peer.apart_since.unwrap_or(now)) };
        peer.apart_since = apart_since;
        // A frame may be lost with the connection that it was on: who stays apart is told of the past again.
        if apart_since.is_some_and(|since| now.since(since) >= APART) && peer.dialect == Dialect::V2 {
            peer.apart_since = Some(now + AGAIN);
            self.catch_up.start(now, id, self.trees.archive().kept());
        }
    }

    fn disconnect(&mut self, now: Time, peer: PeerId, because: Because) {
        self.on_peer_down(now, peer);
        self.outbox.push_back(Output::Disconnect { peer, because });
    }

    fn run_timers(&mut self, now: Time) {
        if self.membership_due.is_some_and(|due| due <= now) {
            self.membership.tick(now, &self.config, &self.peers, &mut self.rng, &mut self.outbox);
            self.membership_due = self.membership.next_wakeup(&self.config, &self.peers);
        }
        if let Some(bundle) = self.bundler.tick(now) {
            self.send_bundle(now, bundle);
        }
        let mut steps = Vec::new();
        self.trees.tick(now, &mut steps);
        self.carry_out(steps);
        self.broadcast.counters.propagated += self.catch_up.tick(now, &mut self.outbox);
        self.outbox.extend(self.agreement.tick(now, &self.config, &self.peers));
    }
}
