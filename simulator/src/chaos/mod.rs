//! Chaos: a mesh in which everybody sends while faults come and go, all of it drawn from a seed. Then the faults end, and
//! what the protocol promises is checked.
//!
//! | idea | file |
//! |---|---|
//! | which faults befall whom, as a scenario | `draw.rs` |
//! | meshes in which little happens: what they show, chaos hides | `quiet.rs` |
//! | what must hold: while it goes on, and in the end | `invariants.rs` |
//! | many seeds at once | `many.rs` |

mod draw;
mod invariants;
mod many;
mod quiet;

pub use draw::FAULTS_MS;
pub use invariants::{Invariant, Violation};
pub use many::run_many;

use crate::protocol::Protocol;
use crate::runner::Player;
use crate::scenario::Scenario;
use gossip::Time;
use invariants::{at_all_times, in_the_end};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How often the invariants are checked while time passes, besides at each step.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// Within what all digests are to be equal, from the end of the faults on.
const HEAL_WITHIN: Duration = Duration::from_secs(10);
/// How long a mesh that is late is waited for: late is told from never.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);
/// What connections and peers' digests have to come to rest, once all nodes hold the same.
const REST: Duration = Duration::from_secs(5);

/// What one seed came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// From the end of the faults until all nodes held the same. `None`: they never did.
    pub healed_after: Option<Duration>,
    /// The hash over every frame taken in.
    pub trace: String,
    /// What did not hold: the first of each kind, in the order of their time.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Whether one of these invariants did not hold.
    pub fn breaks(&self, invariants: &[Invariant]) -> bool {
        self.violations.iter().any(|violation| invariants.contains(&violation.invariant))
    }
}

/// What is drawn from a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trial {
    /// Everybody sends, while faults come and go.
    #[default]
    Chaos,
    /// Everybody sends, on good links.
    Calm,
    /// Nobody answers a node for twenty minutes.
    Outage,
    /// A node uses numbers twice: its disk is lost, and its clock goes back.
    Repeat,
}

impl Trial {
    /// All of them.
    pub const ALL: [Trial; 4] = [Trial::Chaos, Trial::Calm, Trial::Outage, Trial::Repeat];

    /// What happens.
    pub fn draw(self, seed: u64) -> Scenario {
        match self {
            Trial::Chaos => draw::draw(seed),
            Trial::Calm => quiet::calm(seed),
            Trial::Outage => quiet::outage(seed),
            Trial::Repeat => quiet::repeat(seed),
        }
    }

    /// Plays it.
    pub fn run(self, seed: u64, protocol: &dyn Protocol) -> Report {
        play(seed, &self.draw(seed), protocol)
    }
}

/// Plays a scenario as chaos: its last step ends the faults. A panic is a violation like others.
pub fn play(seed: u64, scenario: &Scenario, protocol: &dyn Protocol) -> Report {
    let played = catch_unwind(AssertUnwindSafe(|| Run::new(seed, scenario, protocol).play()));
    played.unwrap_or_else(|cause| {
        let said = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref::<&str>().copied());
        let violation = Violation::new(Invariant::NobodyPanics, Time::ZERO, said.unwrap_or("no words").to_owned());
        Report { seed, healed_after: None, trace: String::new(), violations: vec![violation] }
    })
}

struct Run<'a> {
    seed: u64,
    player: Player<'a>,
    violations: Vec<Violation>,
}

impl<'a> Run<'a> {
    fn new(seed: u64, scenario: &'a Scenario, protocol: &'a dyn Protocol) -> Run<'a> {
        Run { seed, player: Player::new(scenario, protocol, seed), violations: Vec::new() }
    }

    fn play(mut self) -> Report {
        self.player.gather(&mut |_| {});
        let violations = &mut self.violations;
        self.player.play(&mut |_| {}, Some((CHECK_EVERY, &mut |world| note(violations, at_all_times(world)))));
        let healed_after = self.heal();
        self.run_for(REST);
        if healed_after.is_some() {
            note(&mut self.violations, in_the_end(&self.player.world, self.player.scenario));
            let before = self.player.world.twice_connected();
            self.run_for(invariants::SECOND_FOR);
            let still = invariants::a_pair_ends_with_one_connection(&self.player.world, &before);
            note(&mut self.violations, still);
        }
        let trace = self.player.world.trace().to_string();
        Report { seed: self.seed, healed_after, trace, violations: self.violations }
    }

    /// Lets time pass until all nodes hold the same.
    fn heal(&mut self) -> Option<Duration> {
        let end_of_faults = self.player.world.now();
        loop {
            let passed = self.player.world.now().since(end_of_faults);
            let lost = invariants::nothing_is_lost(&self.player.world);
            if lost.is_none() {
                return Some(passed);
            }
            if passed == HEAL_WITHIN {
                let late = lost.clone().map(|lost| Violation { invariant: Invariant::DigestsEqualInTime, ..lost });
                note(&mut self.violations, late);
            }
            if passed >= GIVE_UP_AFTER {
                note(&mut self.violations, lost);
                return None;
            }
            self.run_for(CHECK_EVERY);
        }
    }

    fn run_for(&mut self, duration: Duration) {
        self.player.world.run_for(duration);
        note(&mut self.violations, at_all_times(&self.player.world));
    }
}

/// Notes the first violation of each kind.
fn note(violations: &mut Vec<Violation>, new: impl IntoIterator<Item = Violation>) {
    for violation in new {
        if !violations.iter().any(|known| known.invariant == violation.invariant) {
            violations.push(violation);
        }
    }
}
