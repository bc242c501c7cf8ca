//! Which faults befall whom: drawn from a seed, as a scenario that says everything.

use crate::random::fork;
use crate::scenario::{
    Action, Clog, Crash, Impair, Join, Links, Partition, Reset, Restart, Scenario, Select, Skew, Slow, Spikes, Step,
    Traffic,
};
use rand::RngExt;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

/// How many nodes.
const NODES: u32 = 50;
/// How many messages each sends, and how long after each other any two are sent.
const ROUNDS: u32 = 6;
const EVERY_MS: u64 = 100;
/// How long faults come and go. Messages are sent all that while.
pub const FAULTS_MS: u64 = ROUNDS as u64 * NODES as u64 * EVERY_MS;
/// How far clocks are off at most, in milliseconds.
const MAX_SKEW_MS: i64 = 20_000;

/// The chaos of a seed: faults until [`FAULTS_MS`], and then none. Clocks stay off.
pub(super) fn draw(seed: u64) -> Scenario {
    let mut rng = fork(seed, "chaos", 0);
    let mut steps = vec![at(0, skew(&mut rng))];
    for _ in 0..rng.random_range(6..=14) {
        let begin = rng.random_range(0..FAULTS_MS * 9 / 10);
        let end = (begin + rng.random_range(500..8_000)).min(FAULTS_MS - 1);
        let (first, last) = fault(&mut rng);
        steps.push(at(begin, first));
        steps.extend(last.map(|last| at(end, last)));
    }
    steps.sort_by_key(|step| step.at_ms);
    steps.extend(end_of_faults().map(|action| at(FAULTS_MS, action)));
    Scenario {
        name: format!("chaos-{seed}"),
        about: format!("{NODES} nodes that all send while faults come and go, drawn from seed {seed}"),
        nodes: NODES,
        join: Join { contacts: 2, every_ms: 50, settle_ms: 10_000 },
        overlay: None,
        past: None,
        traffic: Traffic {
            senders: NODES,
            rounds: ROUNDS,
            warmup_rounds: ROUNDS - 1,
            payload_bytes: 256,
            together: false,
            twice_share: 0.05,
            every_ms: EVERY_MS,
            drain_ms: EVERY_MS,
        },
        links: links(&mut rng),
        steps,
    }
}

/// What there is besides faults. A silent peer is given up after 2 s here, where `server` takes 45, so that a mesh lives through
/// many losses in a short time.
fn links(rng: &mut ChaCha8Rng) -> Links {
    Links {
        jitter_ms: rng.random_range(0..20),
        uplink_kbit: rng.random_bool(0.3).then_some(20_000),
        downlink_kbit: rng.random_bool(0.3).then_some(20_000),
        silence_ms: 2_000,
        dial_timeout_ms: 1_000,
        ..Links::between(5, 80)
    }
}

fn at(at_ms: u64, action: Action) -> Step {
    Step { at_ms, action }
}

/// A fault, and what ends it where it does not end with all others of its kind.
fn fault(rng: &mut ChaCha8Rng) -> (Action, Option<Action>) {
    let half = NODES / 2;
    match rng.random_range(0..8) {
        0 => (partition(rng), Some(Action::Heal)),
        1 => {
            let who = some(rng, 1, NODES / 5);
            let crash = Crash { who: who.clone(), spare_senders: false, silent: rng.random() };
            (Action::Crash(crash), Some(Action::Restart(Restart { who, disk: rng.random() })))
        }
        2 => (Action::Clog(Clog { from: some(rng, 1, half), to: some(rng, 1, half) }), Some(Action::Unclog)),
        3 => (impair(rng), Some(Action::Restore)),
        4 => (Action::Reset(Reset { who: some(rng, 1, half) }), None),
        5 => (skew(rng), None),
        6 => {
            let who = some(rng, 1, NODES / 5);
            let none = Slow { who: who.clone(), busy_us: 0, uplink_kbit: None, downlink_kbit: None };
            let (busy_us, slow) = (rng.random_range(0..5_000), rng.random_bool(0.5));
            let kbit = slow.then(|| rng.random_range(200..2_000));
            (Action::Slow(Slow { who, busy_us, uplink_kbit: kbit, downlink_kbit: kbit }), Some(Action::Slow(none)))
        }
        _ => {
            // All at once: the whole mesh starts again, half of it without its disks.
            let (who, disk) = (some(rng, half, half), rng.random());
            let crash = Crash { who: who.clone(), spare_senders: false, silent: rng.random() };
            (Action::Crash(crash), Some(Action::Restart(Restart { who, disk })))
        }
    }
}

fn end_of_faults() -> [Action; 5] {
    [
        Action::Heal,
        Action::Unclog,
        Action::Restore,
        Action::Slow(Slow { who: Select::All, busy_us: 0, uplink_kbit: None, downlink_kbit: None }),
        Action::Restart(Restart { who: Select::Down, disk: true }),
    ]
}

fn partition(rng: &mut ChaCha8Rng) -> Action {
    // Two sides, or two groups that don't hear each other while all others hear both.
    let other = rng.random_bool(0.3).then(|| some(rng, 1, NODES / 4));
    Action::Partition(Partition { one: some(rng, 1, NODES / 2), other })
}

fn impair(rng: &mut ChaCha8Rng) -> Action {
    let who = if rng.random() { Select::All } else { some(rng, 1, NODES / 2) };
    Action::Impair(Impair {
        who,
        delay_ms: rng.random_range(0..300),
        jitter_ms: rng.random_range(0..200),
        reset_share: rng.random_range(0.0..0.02),
        duplicate_share: rng.random_range(0.0..0.2),
        spikes: Some(Spikes { share: rng.random_range(0.0..0.05), delay_ms: rng.random_range(1..1_000) }),
    })
}

fn skew(rng: &mut ChaCha8Rng) -> Action {
    let by_ms = rng.random_range(-MAX_SKEW_MS..=MAX_SKEW_MS);
    Action::Skew(Skew { who: some(rng, 1, NODES), by_ms })
}

/// From `least` to `most` nodes.
fn some(rng: &mut ChaCha8Rng, least: u32, most: u32) -> Select {
    let amount = rng.random_range(least..=most) as usize;
    let mut nodes: Vec<u32> = sample(rng, NODES as usize, amount).iter().map(|node| node as u32).collect();
    nodes.sort_unstable();
    Select::Nodes(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_has_a_chaos_of_its_own_that_is_a_valid_scenario_and_prints_as_itself() {
        let drawn: Vec<Scenario> = (0..100).map(draw).collect();
        for scenario in &drawn {
            let printed = scenario.to_string();
            assert_eq!(&Scenario::parse(&printed).unwrap(), scenario, "{printed}");
            assert!(scenario.steps.iter().all(|step| step.at_ms <= FAULTS_MS));
        }
        assert_ne!(drawn[0].steps, drawn[1].steps);
        assert_eq!(drawn[7], draw(7));
    }

    #[test]
    fn every_kind_of_fault_comes() {
        let all: Vec<Action> = (0..20).flat_map(|seed| draw(seed).steps).map(|step| step.action).collect();
        let comes = |kind: &dyn Fn(&Action) -> bool| all.iter().any(kind);
        assert!(comes(&|action| matches!(action, Action::Partition(Partition { other: Some(_), .. }))));
        assert!(comes(&|action| matches!(action, Action::Crash(Crash { silent: true, .. }))));
        assert!([true, false].iter().all(|with| comes(
            &|action| matches!(action, Action::Restart(Restart { who: Select::Nodes(_), disk }) if disk == with)
        )));
        assert!(comes(&|action| matches!(action, Action::Clog(_))));
        assert!(comes(&|action| matches!(action, Action::Impair(_))));
        assert!(comes(&|action| matches!(action, Action::Reset(_))));
        assert!(comes(&|action| matches!(action, Action::Skew(Skew { by_ms, .. }) if *by_ms < 0)));
        assert!(comes(&|action| matches!(action, Action::Slow(Slow { uplink_kbit: Some(_), .. }))));
    }
}
