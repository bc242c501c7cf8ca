//! The door: one input in, outputs out.

mod bundles;
mod check;
mod clocks;
mod conduct;
mod links;
mod statements;

use crate::agreement::Agreement;
use crate::broadcast::{Broadcast, Counters};
use crate::bundle::{BundleId, OriginId};
use crate::bundler::Bundler;
use crate::capacity::Capacity;
use crate::clocks::Clocks;
use crate::conduct::Conduct;
use crate::forks::Forks;
use crate::input::{Dialect, Input};
use crate::membership::Membership;
use crate::message::{Announcement, Grafted, InstanceId, Message, Probe};
use crate::output::Output;
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
