//! The door: one input in, outputs out.

mod bundles;
mod check;
mod conduct;
mod statements;

use crate::agreement::Agreement;
use crate::broadcast::{Broadcast, Counters};
use crate::bundle::{BundleId, OriginId};
use crate::bundler::Bundler;
use crate::capacity::Capacity;
use crate::clocks::{ClockOffset, Clocks};
use crate::conduct::Conduct;
use crate::forks::Forks;
use crate::input::{Dialect, Direction, Input};
use crate::membership::{self, Membership, Turn};
use crate::message::{Announcement, Digest, Grafted, Hello, InstanceId, Message, Probe, Pulse};
use crate::output::{Because, Output};
use crate::peer::{Peer, PeerId, PeerView};
use crate::reconcile::Reconcile;
use crate::store::Held;
use crate::trees::{Steps, Trees};
use crate::{Address, Answer, Config, Fault, Keypair, Mark, Places, Profiles, Rotations, Time};
use rand_chacha::ChaCha8Rng;
use statements::Statements;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long it is told that another node uses this one's key. A guess.
const CLONE_SHOWN: Duration = Duration::from_secs(600);
/// A bundle of our own key that we don't know, and that was made so much later than we began, in microseconds, was made by somebody else:
/// no peer keeps what a clock made that was farther ahead.
const CLONE_AHEAD: u64 = 60_000_000;

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
    reconcile: Reconcile,
    agreement: Agreement,
    clocks: Clocks,
    capacity: Capacity,
    /// Where bundles of this run of the node begin, and when another node was last seen to use its key.
    begun: u64,
    clone: Option<Time>,
    conduct: Conduct,
    rotations: Rotations,
    profiles: Profiles,
    places: Places,
    statements: Statements,
    forks: Forks,
    outbox: VecDeque<Output>,
    /// When the first timer runs out: looked for once after each input.
    due: Option<Time>,
}

/// Who this node is.
#[derive(Clone, Debug)]
pub struct Me {
    /// Its name: a claim.
    pub node_id: String,
    /// This run of it, drawn anew at each start.
    pub instance: InstanceId,
    /// Whose bundles its own are: the public half of its key, where it has one.
    pub origin: OriginId,
    /// The key that signs them. Without one they are not signed: no node takes such bundles, a simulator may.
    pub key: Option<Keypair>,
    /// Where it listens, 0 if it does not.
    pub port: u16,
    /// The wall clock at [`Time::ZERO`], in microseconds since the Unix epoch.
    pub epoch_micros: u64,
}

impl State {
    /// A node that knows nobody yet. `rng` decides all that is random.
    pub fn new(config: Config, me: Me, rng: ChaCha8Rng) -> State {
        State {
            bundler: Bundler::new(&me, &config.mesh),
            rng,
            peers: BTreeMap::new(),
            membership: Membership::new(&config),
            membership_due: Some(Time::ZERO),
            broadcast: Broadcast::new(&config),
            trees: Trees::new(me.origin, me.epoch_micros, &config).with_fault(config.planted),
            reconcile: Reconcile::new(&config, me.epoch_micros),
            agreement: Agreement::default(),
            clocks: Clocks::default(),
            capacity: Capacity::default(),
            begun: me.epoch_micros,
            clone: None,
            conduct: Conduct::new(config.bans_loopback),
            rotations: Rotations::default(),
            profiles: Profiles::default(),
            places: statements::own_place(&config, &me),
            statements: Statements::default(),
            forks: Forks::default(),
            me,
            outbox: VecDeque::new(),
            due: Some(Time::ZERO),
            config,
        }
    }

    /// Takes in one fact. Total: no input is an error, and none can make it panic.
    pub fn handle(&mut self, now: Time, input: Input) {
        if input.concerns_membership() {
            self.membership_due = Some(now);
        }
        match input {
            Input::PeerUp { peer, direction, address, dialect, key } => {
                self.on_peer_up(now, peer, (direction, address, dialect), key);
            }
            Input::PeerDown { peer } => self.on_peer_down(now, peer),
            Input::DialFailed { address } => {
                self.member(now, |membership, turn| membership.on_dial_failed(turn, &address));
            }
            Input::Message { peer, message } => self.on_message(now, peer, message),
            Input::Refused { peer, reason, event } => self.on_refused(now, peer, reason, event),
            Input::Rtt { peer, rtt } => self.on_rtt(peer, rtt),
            Input::Broadcast(event) => self.on_broadcast(now, event),
            Input::Digest(digest) => self.agreement.on_digest(now, digest, &self.config),
            Input::Drained { bytes, took } => self.on_drained(now, bytes, took),
            Input::Clock { micros } => self.on_clock(now, micros),
            Input::Held(held) => self.on_held(now, &held),
            Input::Dropped { before } => self.reconcile.on_dropped(before),
            Input::Answer(answer) => self.on_answer(now, answer),
            Input::Rotations(rotations) => self.begin_with_rotations(rotations),
            Input::Profiles(profiles) => self.begin_with_profiles(profiles),
            Input::Undeclared { peer, origin } => self.on_undeclared(now, peer, origin),
            Input::Tick => {}
        }
        self.broadcast.counters.propagated += self.reconcile.take_served();
        self.due = self.earliest();
        if self.due.is_some_and(|due| due <= now) {
            self.run_timers(now);
            self.due = self.earliest();
        }
    }

    /// What is to be done, in order. The driver drains after each input.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> {
        self.outbox.drain(..)
    }

    /// Sends what is still gathered: the last thing before the end.
    pub fn flush(&mut self, now: Time) {
        if let Some(bundle) = self.bundler.close(now) {
            self.send_bundle(now, bundle);
            self.due = self.earliest();
        }
    }

    /// When to call with [`Input::Tick`] at the latest, if nothing happens before. A moment in the past means now.
    pub const fn next_wakeup(&self) -> Option<Time> {
        self.due
    }

    fn earliest(&self) -> Option<Time> {
        let wakeups = [
            self.membership_due,
            self.bundler.next_wakeup(),
            self.trees.next_wakeup().filter(|_| !self.config.planted.is(Fault::LostWakeUp)),
            self.reconcile.next_wakeup(),
            self.agreement.next_wakeup(),
            self.clocks.next_wakeup(),
            self.conduct.next_wakeup(),
            self.forks.next_wakeup(),
        ];
        wakeups.into_iter().flatten().min()
    }

    /// What gossip has done so far.
    pub fn counters(&self) -> &Counters {
        &self.broadcast.counters
    }

    /// How far this node's clock is off, as its peers see it; good to half of a round trip. `None`: no peer has told what
    /// its own shows.
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        self.clocks.offset()
    }

    /// What this node's bundles are numbered by, in microseconds since the epoch: its wall clock; where two peers or more tell that it
    /// is over 30 s ahead, theirs. No bundle has a number below what this was when an event of it came.
    pub fn clock(&self, now: Time) -> u64 {
        self.bundler.clock(now)
    }

    /// Whether another node uses this node's key, as far as it has been seen in the last ten minutes: a copy of its data
    /// folder runs elsewhere. Both then speak for each other, and bundles of one number prove a cheat.
    pub fn has_clone(&self, now: Time) -> bool {
        self.clone.is_some_and(|seen| now.since(seen) < CLONE_SHOWN)
    }

    /// The origins that have signed two bundles under one number, as far as this node has the proof.
    pub fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.forks.marks()
    }

    /// The connected peers, oldest connection first: nodes by a link, and scripts.
    pub fn peers(&self, now: Time) -> impl Iterator<Item = PeerView> {
        let in_sync = move |peer: &Peer| peer.digest.as_ref().map(|digest| self.agreement.holds(now, digest));
        let shown = self.peers.iter().filter(|(_, peer)| peer.stays());
        shown.map(move |(id, peer)| peer.view(*id, in_sync(peer), self.conduct.score(now, *id)))
    }

    /// The connections of those that [`peers`](Self::peers) shows.
    pub fn peer_ids(&self) -> impl Iterator<Item = PeerId> {
        self.peers.iter().filter(|(_, peer)| peer.stays()).map(|(id, _)| *id)
    }

    /// Where nodes were met: for [`Config::known`] after a restart. At most twice [`Config::passive_view`] and one for each
    /// link, bootstrap addresses not counted.
    pub fn known_addresses(&self) -> impl Iterator<Item = &Address> {
        self.membership.known_addresses()
    }

    fn on_peer_up(
        &mut self,
        now: Time,
        id: PeerId,
        (direction, address, dialect): (Direction, Address, Dialect),
        key: Option<OriginId>,
    ) {
        self.conduct.on_up(id, &address);
        let peer = Peer {
            direction,
            dialect,
            key,
            observed: address,
            since: now,
            node: None,
            linked: false,
            rtt: None,
            spoken: false,
            digest: None,
            learned: 0,
            duplicates: 0,
        };
        self.peers.insert(id, peer);
        self.member(now, |membership, turn| membership.on_up(turn, id));
        self.turn_away(now, id);
    }

    /// Lets membership take a step, and carries out what it wants done.
    fn member(&mut self, now: Time, step: impl FnOnce(&mut Membership, &mut Turn<'_>)) {
        let mut steps = Vec::new();
        let mut turn = Turn {
            now,
            me: (self.me.instance, self.me.origin),
            config: &self.config,
            peers: &mut self.peers,
            rng: &mut self.rng,
            steps: &mut steps,
        };
        step(&mut self.membership, &mut turn);
        for step in steps {
            match step {
                membership::Step::Hello(to) => self.say_hello(to),
                membership::Step::Send(to, message) => self.outbox.push_back(Output::Send { to: vec![to], message }),
                membership::Step::Connect(address) => self.outbox.push_back(Output::Connect { address }),
                membership::Step::Up(id) => self.on_link(now, id),
                membership::Step::Down(id) => self.on_unlink(now, id),
                membership::Step::Close(peer, because) => {
                    if because == Because::Clone {
                        self.clone = Some(now);
                    }
                    self.conduct.on_down(now, peer);
                    self.statements.on_down(peer);
                    self.outbox.push_back(Output::Disconnect { peer, because });
                }
            }
        }
    }

    /// A connection is a link from now on.
    fn on_link(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else { return };
        let ours = self.agreement.current();
        let (dialect, key, rtt) = (peer.dialect, peer.key, peer.rtt);
        let differs = peer.digest.is_none() || peer.digest.as_ref() != ours;
        // Ours may have changed since our hello.
        if let Some(digest) = ours {
            self.outbox.push_back(Output::Send { to: vec![id], message: Message::Digest(digest.clone()) });
        }
        if dialect == Dialect::V2 {
            self.tell_statements(id);
            let mut steps = Steps::default();
            self.trees.on_up(now, id, key, &mut steps);
            rtt.into_iter().for_each(|rtt| self.trees.on_rtt(id, rtt));
            self.reconcile.on_up(now, id, differs);
            self.forks.on_up(id, &mut self.outbox);
            self.carry_out(now, steps);
            self.conduct.on_link(id);
            let pulse = self.pulse(now);
            self.outbox.push_back(self.clocks.on_up(now, pulse, id));
        }
    }

    /// A connection is no link any more, or gone.
    fn on_unlink(&mut self, now: Time, id: PeerId) {
        self.reconcile.on_down(now, id);
        self.clocks.on_down(id);
        self.bundler.on_too_far_ahead(self.clocks.too_far_ahead());
        self.capacity.on_down(id);
        self.conduct.on_unlink(id);
        self.forks.on_down(now, id, &mut self.outbox);
        let mut steps = Steps::default();
        if !self.config.planted.is(Fault::EndForgotten) {
            self.trees.on_down(now, id, &mut steps);
        }
        self.carry_out(now, steps);
    }

    fn on_rtt(&mut self, id: PeerId, rtt: Duration) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.rtt = Some(rtt);
            self.trees.on_rtt(id, rtt);
            self.membership.on_rtt(id, rtt);
        }
    }

    fn say_hello(&mut self, to: PeerId) {
        let hello = Hello {
            mesh: self.config.mesh.clone(),
            node_id: self.me.node_id.clone(),
            instance: self.me.instance,
            port: self.me.port,
            digest: self.agreement.current().cloned(),
            tls: self.config.tls,
        };
        self.outbox.push_back(Output::Send { to: vec![to], message: Message::Hello(hello) });
    }

    fn on_peer_down(&mut self, now: Time, id: PeerId) {
        self.member(now, |membership, turn| membership.on_down(turn, id));
        self.conduct.on_down(now, id);
        self.statements.on_down(id);
    }

    fn on_message(&mut self, now: Time, id: PeerId, message: Message) {
        // A frame may still come from a connection that is closed on our side.
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.spoken = true;
        let (linked, script) = (peer.linked, peer.dialect == Dialect::Json);
        if let Message::Bundle { bundle, .. } = &message {
            self.conduct.sent(id, &bundle.id);
            // Whose bundles come is kept before whose don't.
            self.profiles.demand(bundle);
        }
        match message {
            Message::Event { ttl, event } => self.on_event(now, id, ttl, event),
            Message::Hello(hello) => self.on_hello(now, id, hello),
            Message::Digest(digest) => self.on_digest(id, digest),
            Message::Peers(addresses) => self.member(now, |membership, turn| membership.on_peers(turn, id, addresses)),
            Message::Neighbor(priority) => {
                self.member(now, |membership, turn| membership.on_neighbor(turn, id, priority))
            }
            Message::NeighborReply { accepted, dropped } => {
                self.member(now, |membership, turn| membership.on_reply(turn, id, accepted, dropped));
            }
            Message::ForwardJoin { newcomer, ttl } => {
                self.member(now, |membership, turn| membership.on_forward_join(turn, id, newcomer, ttl));
            }
            Message::Disconnect { instead } => {
                self.member(now, |membership, turn| membership.on_disconnect(turn, id, instead));
            }
            Message::Bundle { way, bundle } if script => self.on_signed_event(now, id, way, bundle),
            Message::Bundle { way, bundle } if linked => self.on_bundle(now, id, way, bundle),
            Message::Bundle { bundle, .. } => self.on_stray(now, id, bundle),
            Message::IHave(announcement) if linked => self.on_ihave(now, id, announcement),
            Message::Graft(grafts) if linked => self.on_graft(now, id, grafts),
            Message::Prune(origins) if linked => self.trees.on_prune(id, &origins),
            Message::Probe(probe) if linked => self.on_probe(now, id, probe),
            Message::IHave(_) | Message::Graft(_) | Message::Prune(_) | Message::Probe(_) => {}
            Message::Exchange(exchange) => self.on_exchange(now, id, exchange),
            Message::Pulse(pulse) if linked => {
                let rtt = self.peers.get(&id).and_then(|peer| peer.rtt);
                self.clocks.on_pulse(self.wall(now), id, pulse, rtt);
                self.bundler.on_too_far_ahead(self.clocks.too_far_ahead());
                self.capacity.on_told(id, pulse.kbit);
                self.adapt();
            }
            Message::Pulse(_) => {}
            Message::Rotations(rotations) if linked => self.on_rotations(now, id, rotations),
            Message::Profiles(profiles) => self.on_profiles(now, id, profiles),
            Message::WantProfiles(origins) => self.on_want_profiles(now, id, &origins),
            Message::Places(places) if linked => self.on_places(now, id, places),
            Message::Forked(origins) if linked => self.forks.on_forked(now, id, origins, &mut self.outbox),
            Message::Prove(origins) if linked => self.forks.on_prove(now, id, origins, &mut self.outbox),
            Message::Evidence(bundle) if linked => {
                self.forks.on_evidence(now, self.wall(now), (id, bundle), &mut self.outbox);
            }
            Message::Rotations(_)
            | Message::Places(_)
            | Message::Forked(_)
            | Message::Prove(_)
            | Message::Evidence(_) => {}
        }
    }

    /// So much that had waited was sent in so long.
    fn on_drained(&mut self, now: Time, bytes: u64, took: Duration) {
        self.capacity.on_drained(bytes, took);
        if self.capacity.has_changed() {
            self.clocks.hurry(now);
        }
        self.adapt();
    }

    /// A weak node leaves passing on to others.
    fn adapt(&mut self) {
        let hold = if self.config.adaptive_fanout { self.capacity.hold() } else { Duration::ZERO };
        self.trees.hold_back(hold);
    }

    /// How we are.
    fn pulse(&mut self, now: Time) -> Pulse {
        Pulse { clock: self.wall(now), kbit: self.capacity.tell() }
    }

    /// The wall clock shows this now.
    fn on_clock(&mut self, now: Time, micros: u64) {
        let (before, epoch) = (self.wall(now), micros.saturating_sub(now.as_micros()));
        if epoch == self.me.epoch_micros {
            return;
        }
        self.me.epoch_micros = epoch;
        self.bundler.on_clock(epoch);
        self.reconcile.on_clock(now, epoch);
        let by = i128::from(self.wall(now)) - i128::from(before);
        self.clocks.on_set(now, i64::try_from(by).unwrap_or_default());
        self.bundler.on_too_far_ahead(self.clocks.too_far_ahead());
    }

    /// Forgets what has grown old. Gives from when on bundles are to be kept, in microseconds since the epoch: the store may drop
    /// what is older, and nothing else for its age, whatever its clock says.
    pub fn retain_from(&mut self, now: Time) -> u64 {
        self.reconcile.forget_old(now, self.clocks.offset());
        self.reconcile.horizon()
    }

    /// What the wall clock shows.
    fn wall(&self, now: Time) -> u64 {
        self.me.epoch_micros.saturating_add(now.as_micros())
    }

    /// The store answers.
    fn on_answer(&mut self, now: Time, answer: Answer) {
        let wall = self.wall(now);
        match answer {
            Answer::Proof { token, proof } => self.forks.on_proof(token, proof, &mut self.outbox),
            Answer::Bundles { token, bundles, .. } if Forks::is_own(token) => {
                self.forks.on_bundles(now, wall, (token, bundles), &mut self.outbox);
            }
            answer => self.reconcile.on_answer(now, answer, self.trees.archive(), &mut self.outbox),
        }
    }

    fn on_held(&mut self, now: Time, held: &Held) {
        self.forks.on_held(&held.marks);
        self.reconcile.on_held(now, held, &mut self.outbox);
        for (origin, seq) in &held.newest {
            self.trees.archive_mut().forget(BundleId { origin: *origin, seq: *seq });
            if *origin == self.me.origin {
                self.bundler.skip(*seq);
            }
        }
    }

    fn on_ihave(&mut self, now: Time, from: PeerId, announcement: Announcement) {
        let mut steps = Steps::default();
        let worth = self.trees.on_announcement(now, from, announcement, &mut steps);
        if worth {
            self.conduct.on_worth(from);
        }
        self.carry_out(now, steps);
    }

    fn on_graft(&mut self, now: Time, from: PeerId, grafts: Vec<Grafted>) {
        let grafts = self.first_asked(from, grafts);
        let mut steps = Steps::default();
        self.trees.on_graft(now, from, grafts, &mut steps);
        self.carry_out(now, steps);
    }

    fn on_probe(&mut self, now: Time, from: PeerId, probe: Probe) {
        if !self.conduct.may_probe(now, from) {
            self.broadcast.refuse("too_many_probes", false);
            return self.charge(now, from, "too_many_probes", 1);
        }
        // Passed on, it would hide all that its origin says of itself for as long as its tree stands.
        if self.reconcile.is_too_far_ahead(now, probe.seq) {
            return self.broadcast.refuse("probe_too_far_ahead", false);
        }
        let mut steps = Steps::default();
        self.trees.on_probe(now, from, probe, &mut steps);
        self.carry_out(now, steps);
    }

    fn carry_out(&mut self, now: Time, steps: Steps) {
        self.broadcast.counters.propagated += steps.events();
        for (to, message) in steps.into_messages() {
            self.note_asked(now, &to, &message);
            self.outbox.push_back(Output::Send { to, message });
        }
    }

    fn on_refused(&mut self, now: Time, id: PeerId, reason: &'static str, event: bool) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.spoken = true;
        }
        self.broadcast.refuse(reason, event);
        self.charge(now, id, reason, 1);
    }

    fn on_hello(&mut self, now: Time, id: PeerId, hello: Hello) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.digest.clone_from(&hello.digest);
        }
        self.member(now, |membership, turn| membership.on_hello(turn, id, &hello));
        self.turn_away(now, id);
    }

    fn on_digest(&mut self, id: PeerId, digest: Digest) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.digest = Some(digest);
        }
    }

    fn run_timers(&mut self, now: Time) {
        self.judge_silence(now);
        self.judge_links(now);
        if self.membership_due.is_some_and(|due| due <= now) {
            self.member(now, Membership::tick);
            self.membership_due = self.membership.next_wakeup(&self.config);
        }
        if let Some(bundle) = self.bundler.tick(now) {
            self.send_bundle(now, bundle);
        }
        let mut steps = Steps::default();
        self.trees.tick(now, &mut steps);
        self.carry_out(now, steps);
        if self.reconcile.is_aging(now) {
            self.reconcile.forget_old(now, self.clocks.offset());
        }
        self.reconcile.tick(now, &mut self.rng, &mut self.outbox);
        self.forks.tick(now, &mut self.outbox);
        self.outbox.extend(self.agreement.tick(now, self.config.planted, &self.peers));
        if self.clocks.next_wakeup().is_some_and(|next| next <= now) {
            let links = self.peers.iter().filter(|(_, peer)| peer.linked && peer.dialect == Dialect::V2);
            let links = links.map(|(id, _)| *id).collect();
            let pulse = self.pulse(now);
            self.outbox.extend(self.clocks.tell(now, pulse, links));
        }
    }
}
