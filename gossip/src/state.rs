//! The door: one input in, outputs out.

use crate::agreement::Agreement;
use crate::broadcast::{Broadcast, Counters};
use crate::catch_up::CatchUp;
use crate::input::{Direction, Input};
use crate::membership::Membership;
use crate::message::{Event, Hello, InstanceId, Message};
use crate::output::{Because, Output};
use crate::peer::{Peer, PeerId, PeerView};
use crate::{Address, Config, Time};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};

/// A node's part in the mesh, without socket, clock, thread or chance of its own.
#[derive(Clone, Debug)]
pub struct State {
    config: Config,
    me: Me,
    rng: ChaCha8Rng,
    peers: BTreeMap<PeerId, Peer>,
    membership: Membership,
    broadcast: Broadcast,
    catch_up: CatchUp,
    agreement: Agreement,
    outbox: VecDeque<Output>,
}

/// Who this node is.
#[derive(Clone, Debug)]
struct Me {
    node_id: String,
    instance: InstanceId,
    port: u16,
}

impl State {
    /// A node that knows nobody yet. `port` is where it listens, 0 if it does not; `rng` decides all that is random,
    /// and `instance` must be drawn anew for each run.
    pub fn new(config: Config, node_id: &str, instance: InstanceId, port: u16, rng: ChaCha8Rng) -> State {
        State {
            me: Me { node_id: node_id.to_owned(), instance, port },
            rng,
            peers: BTreeMap::new(),
            membership: Membership::new(&config),
            broadcast: Broadcast::new(&config),
            catch_up: CatchUp::default(),
            agreement: Agreement::default(),
            outbox: VecDeque::new(),
            config,
        }
    }

    /// Takes in one fact. Total: no input is an error, and none can make it panic.
    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::PeerUp { peer, direction, address } => self.on_peer_up(now, peer, direction, address),
            Input::PeerDown { peer } => self.on_peer_down(now, peer),
            Input::DialFailed { address } => {
                self.membership.on_dial_failed(now, &address, &self.config, &mut self.rng);
            }
            Input::Message { peer, message } => self.on_message(now, peer, message),
            Input::Refused { peer, reason, event } => self.on_refused(peer, reason, event),
            Input::Broadcast(event) => self.on_broadcast(event),
            Input::Digest(digest) => self.agreement.on_digest(now, digest),
            Input::Tick => {}
        }
        self.run_timers(now);
    }

    /// What is to be done, in order. The driver drains after each input.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> {
        self.outbox.drain(..)
    }

    /// When to call with [`Input::Tick`] at the latest, if nothing happens before. A moment in the past means now.
    pub fn next_wakeup(&self) -> Option<Time> {
        let wakeups = [
            self.membership.next_wakeup(&self.config, &self.peers),
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

    fn on_peer_up(&mut self, now: Time, id: PeerId, direction: Direction, address: Address) {
        self.membership.on_up(id, direction, &address);
        let peer = Peer { direction, observed: address, since: now, node: None, spoken: false, digest: None };
        self.peers.insert(id, peer);
        if self.peers.len() > self.config.max_peers {
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
            self.membership.on_down(now, id, &peer, &self.config, &mut self.rng);
        }
    }

    fn on_message(&mut self, now: Time, id: PeerId, message: Message) {
        // A frame may still come from a connection that is closed on our side.
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.spoken = true;
        match message {
            Message::Event { ttl, event } => self.on_event(id, ttl, event),
            Message::Hello(hello) => self.on_hello(now, id, hello),
            Message::Digest(digest) => peer.digest = Some(digest),
            Message::Peers(addresses) => self.membership.learn(now, addresses, &self.config),
        }
    }

    fn on_event(&mut self, from: PeerId, ttl: u8, event: Event) {
        self.broadcast.counters.total += 1;
        if !self.broadcast.accept(&self.config, &event) {
            self.broadcast.counters.duplicates += 1;
            return;
        }
        self.broadcast.counters.learned += 1;
        self.outbox.push_back(Output::Deliver { from, event: event.clone() });
        let ttl = ttl.saturating_sub(1);
        if ttl > 0 {
            self.spread(ttl, event, Some(from));
        }
    }

    fn on_broadcast(&mut self, event: Event) {
        if self.broadcast.accept(&self.config, &event) {
            self.spread(self.config.ttl, event, None);
        }
    }

    fn spread(&mut self, ttl: u8, event: Event, except: Option<PeerId>) {
        let fanout = self.config.fanout;
        self.outbox.extend(self.broadcast.spread(fanout, ttl, event, except, &self.peers, &mut self.rng));
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
        if hello.digest.is_none() || hello.digest.as_ref() != ours {
            self.catch_up.start(now, id, &self.broadcast.recent);
        }
        peer.digest = hello.digest;
        self.outbox.extend(self.membership.to_tell(&self.peers, id, &mut self.rng));
    }

    fn disconnect(&mut self, now: Time, peer: PeerId, because: Because) {
        self.on_peer_down(now, peer);
        self.outbox.push_back(Output::Disconnect { peer, because });
    }

    fn run_timers(&mut self, now: Time) {
        self.membership.tick(now, &self.config, &self.peers, &mut self.rng, &mut self.outbox);
        let ttl = self.config.ttl;
        self.broadcast.counters.propagated += self.catch_up.tick(now, ttl, &mut self.outbox);
        self.outbox.extend(self.agreement.tick(now, &self.config, &self.peers));
    }
}
