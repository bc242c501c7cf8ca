//! Plays a scenario.

use crate::network::NodeSet;
use crate::overlay;
use crate::protocol::{NodeId, Protocol};
use crate::random::fork;
use crate::scenario::{Action, Scenario, Select};
use crate::summary::{Healed, Summary, Window};
use crate::world::World;
use gossip::Time;
use rand::RngExt;
use rand::seq::{IteratorRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Nodes that were started, or messages that were sent.
    pub done: usize,
    /// Of how many.
    pub of: usize,
    /// What these are.
    pub what: &'static str,
}

/// Why a run can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The scenario gives an overlay.
    #[error(
        "{0} makes its own overlay and can't take a given one; leave [overlay] out of the scenario, or the protocol"
    )]
    Overlay(&'static str),
    /// The scenario has a past.
    #[error("{0} has no disk and can't have what was sent before; leave [past] out of the scenario, or the protocol")]
    Past(&'static str),
}

/// Plays a scenario with a protocol, and sums up what it came to.
///
/// # Errors
/// The scenario gives an overlay or a past, and the protocol can't take it.
pub fn run(
    scenario: &Scenario,
    protocol: &dyn Protocol,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, Unfit> {
    if scenario.overlay.is_some() && !protocol.takes_overlay() {
        return Err(Unfit::Overlay(protocol.name()));
    }
    if scenario.past.is_some() && !protocol.takes_past() {
        return Err(Unfit::Past(protocol.name()));
    }
    let mut player = Player::new(scenario, protocol, seed);
    player.gather(progress);
    let window = player.play(progress, None);
    Ok(Summary::new(&player.world, window))
}

/// Looks at the world so often, and at each step.
pub(crate) type Watch<'w, 'a> = Option<(Duration, &'w mut dyn FnMut(&World<'a>))>;

pub(crate) struct Player<'a> {
    pub(crate) scenario: &'a Scenario,
    seed: u64,
    pub(crate) world: World<'a>,
    senders: Vec<NodeId>,
    /// Who is drawn when a step names a share.
    chance: ChaCha8Rng,
    /// The next step.
    step: usize,
    /// When the first message is sent.
    start: Time,
    /// When the last step had happened, and since when after it the overlay has been one piece.
    healed: Option<Healed>,
    one_piece: Option<Time>,
}

impl<'a> Player<'a> {
    pub(crate) fn new(scenario: &'a Scenario, protocol: &'a dyn Protocol, seed: u64) -> Player<'a> {
        let mut rng = fork(seed, "senders", 0);
        let mut senders: Vec<NodeId> = (0..scenario.nodes).map(NodeId).collect();
        senders.shuffle(&mut rng);
        senders.truncate(scenario.traffic.senders as usize);
        Player {
            scenario,
            seed,
            world: World::new(seed, scenario, protocol),
            senders,
            chance: fork(seed, "steps", 0),
            step: 0,
            start: Time::ZERO,
            healed: None,
            one_piece: None,
        }
    }

    /// Brings the nodes into the mesh, and lets it settle.
    pub(crate) fn gather(&mut self, progress: &mut dyn FnMut(Progress)) {
        let Scenario { nodes, join, .. } = self.scenario;
        let contacts = match &self.scenario.overlay {
            Some(given) => overlay::random_regular(*nodes, given.degree, &mut fork(self.seed, "overlay", 0)),
            None => overlay::contacts(*nodes, join.contacts, &mut fork(self.seed, "contacts", 0)),
        };
        let mut rng = fork(self.seed, "joins", 0);
        for (done, contacts) in contacts.into_iter().enumerate() {
            progress(Progress { done, of: *nodes as usize, what: "nodes" });
            let away = self.scenario.past.as_ref().is_some_and(|past| past.lacks.contains(&(done as u32)));
            if away {
                self.world.add_later(contacts, false);
            } else {
                self.world.add(contacts);
            }
            // Not in step with anybody's timers: from half to one and a half times as long.
            self.world.run_for(Duration::from_micros(rng.random_range(join.every_ms * 500..=join.every_ms * 1_500)));
        }
        self.world.run_for(Duration::from_millis(join.settle_ms));
        self.start = self.world.now();
    }

    /// Sends what is to be sent, and lets happen what is to happen.
    pub(crate) fn play(&mut self, progress: &mut dyn FnMut(Progress), mut watch: Watch<'_, 'a>) -> Window {
        let traffic = &self.scenario.traffic;
        let mut twice = fork(self.seed, "twice", 0);
        let messages = (traffic.rounds * traffic.senders) as usize;
        let mut window = Window::default();
        let mut last_ms = 0;
        for (done, (round, sender, at_ms)) in traffic.timetable().enumerate() {
            progress(Progress { done, of: messages, what: "messages" });
            self.advance(at_ms, &mut watch);
            self.look_at_overlay();
            if (round, sender) == (traffic.warmup_rounds, 0) {
                window.before = self.world.ledger().totals;
            }
            let counted = round >= traffic.warmup_rounds;
            let id = self.world.broadcast(self.senders[sender as usize], traffic.payload_bytes, counted);
            if let Some(id) = id.filter(|_| twice.random_bool(traffic.twice_share)) {
                self.world.broadcast_again(id, NodeId(twice.random_range(0..self.scenario.nodes)));
            }
            last_ms = at_ms;
        }
        // What the last message causes belongs to the window, what goes on without messages does not.
        self.advance(last_ms + traffic.every_ms, &mut watch);
        window.after = self.world.ledger().totals;
        self.advance(last_ms + traffic.drain_ms.max(traffic.every_ms), &mut watch);
        self.look_at_overlay();
        (window.healed, window.one_piece) = (self.healed.take(), self.one_piece);
        window
    }

    /// Whether the overlay is one piece again, once nothing more befalls the world.
    fn look_at_overlay(&mut self) {
        if self.healed.is_some() {
            let whole = overlay::pieces(&self.world.overlay(), &self.world.running()) == 1;
            self.one_piece = whole.then(|| self.one_piece.unwrap_or(self.world.now()));
        }
    }

    /// Lets time pass up to so many milliseconds after the first message, and the steps until then happen.
    fn advance(&mut self, ms: u64, watch: &mut Watch<'_, 'a>) {
        while let Some(step) = self.scenario.steps.get(self.step).filter(|step| step.at_ms <= ms) {
            self.step += 1;
            self.run_until(self.start + Duration::from_millis(step.at_ms), watch);
            self.act(&step.action);
            if self.step == self.scenario.steps.len() {
                self.healed = Some(Healed::now(&self.world));
            }
        }
        self.run_until(self.start + Duration::from_millis(ms), watch);
    }

    fn run_until(&mut self, until: Time, watch: &mut Watch<'_, 'a>) {
        let Some((every, look)) = watch else { return self.world.run_until(until) };
        while self.world.now() < until {
            self.world.run_until(until.min(self.world.now() + *every));
            look(&self.world);
        }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Partition(partition) => {
                let one = self.select(&partition.one);
                let all = (0..self.scenario.nodes).map(NodeId);
                let rest = || all.filter(|node| !one.has(*node)).collect();
                let other = partition.other.as_ref().map(|other| self.select(other)).unwrap_or_else(rest);
                self.world.partition(one, other);
            }
            Action::Heal => self.world.heal(),
            Action::Crash(crash) => {
                let spared =
                    if crash.spare_senders { self.senders.iter().copied().collect() } else { NodeSet::default() };
                let who = self.select_but(&crash.who, &spared);
                who.iter().for_each(|node| self.world.crash(node, crash.silent));
            }
            Action::Restart(restart) => {
                self.select(&restart.who).iter().for_each(|node| self.world.restart(node, restart.disk));
            }
            Action::Reset(reset) => self.select(&reset.who).iter().for_each(|node| self.world.reset(node)),
            Action::Clog(clog) => {
                let (from, to) = (self.select(&clog.from), self.select(&clog.to));
                self.world.clog(from, to);
            }
            Action::Unclog => self.world.unclog(),
            Action::Impair(impair) => {
                let who = self.select(&impair.who);
                self.world.impair(who, impair);
            }
            Action::Restore => self.world.restore(),
            Action::Skew(skew) => {
                self.select(&skew.who).iter().for_each(|node| self.world.skew(node, skew.by_ms.saturating_mul(1_000)));
            }
            Action::Slow(slow) => {
                let busy = Duration::from_micros(slow.busy_us);
                let (up, down) = (slow.uplink_kbit, slow.downlink_kbit);
                self.select(&slow.who).iter().for_each(|node| self.world.slow(node, busy, up, down));
            }
        }
    }

    fn select(&mut self, select: &Select) -> NodeSet {
        self.select_but(select, &NodeSet::default())
    }

    /// The nodes that are meant. A share is one of all that run, drawn among those that are not spared.
    fn select_but(&mut self, select: &Select, spared: &NodeSet) -> NodeSet {
        let all = (0..self.scenario.nodes).map(NodeId);
        let running = self.world.running();
        let named: Vec<NodeId> = match select {
            Select::All => all.collect(),
            Select::Down => all.filter(|node| self.world.up_since(*node).is_none()).collect(),
            Select::Senders => self.senders.clone(),
            Select::Range([from, to]) => (*from..*to).map(NodeId).collect(),
            Select::Nodes(nodes) => nodes.iter().copied().map(NodeId).collect(),
            Select::Region(region) => {
                let geography = self.world.network().geography();
                all.filter(|node| geography.region(*node) == *region as usize).collect()
            }
            Select::Share(share) => {
                let amount = (running.len() as f64 * share).round() as usize;
                running.into_iter().filter(|node| !spared.has(*node)).sample(&mut self.chance, amount)
            }
        };
        named.into_iter().filter(|node| !spared.has(*node)).collect()
    }
}
