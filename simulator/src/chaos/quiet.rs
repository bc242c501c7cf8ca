//! Meshes in which little happens: some faults show only where nothing else does, or only after a long time.

use crate::scenario::{Action, Crash, Join, Links, Partition, Restart, Scenario, Select, Skew, Step, Traffic};

/// How long nobody answers.
const OUTAGE_MS: u64 = 20 * 60_000;

/// Thirty nodes that all send on good links. The last three rounds count.
pub(super) fn calm(seed: u64) -> Scenario {
    let about = format!("30 nodes that all send on good links, drawn from seed {seed}");
    Scenario {
        name: format!("calm-{seed}"),
        about,
        nodes: 30,
        join: Join { contacts: 2, every_ms: 50, settle_ms: 10_000 },
        overlay: None,
        past: None,
        traffic: traffic(30, 8, 5, 50),
        links: Links::between(10, 50),
        steps: Vec::new(),
    }
}

/// Six nodes, of which all but the last are down for twenty minutes.
pub(super) fn outage(seed: u64) -> Scenario {
    let down = Select::Range([0, 5]);
    let crash = Crash { who: down.clone(), spare_senders: false, silent: false };
    let step = |at_ms, action| Step { at_ms, action };
    Scenario {
        name: format!("outage-{seed}"),
        about: format!("6 nodes, 5 of which are down for 20 minutes, drawn from seed {seed}"),
        nodes: 6,
        join: Join { contacts: 5, every_ms: 50, settle_ms: 1_000 },
        overlay: None,
        past: None,
        traffic: Traffic { drain_ms: OUTAGE_MS, ..traffic(6, 1, 0, 10) },
        links: Links { silence_ms: 2_000, dial_timeout_ms: 1_000, ..Links::between(10, 50) },
        steps: vec![
            step(1_000, Action::Crash(crash)),
            step(OUTAGE_MS, Action::Restart(Restart { who: down, disk: true })),
        ],
    }
}

/// Ten nodes that all send once a second. The last is alone for four seconds, in which it loses its disk and its clock goes back by
/// three: what it says then bears numbers that it has used.
pub(super) fn repeat(seed: u64) -> Scenario {
    let last = Select::Nodes(vec![9]);
    let crash = Crash { who: last.clone(), spare_senders: false, silent: true };
    let step = |at_ms, action| Step { at_ms, action };
    Scenario {
        name: format!("repeat-{seed}"),
        about: format!("10 nodes, the last of which uses numbers twice, drawn from seed {seed}"),
        nodes: 10,
        join: Join { contacts: 3, every_ms: 50, settle_ms: 5_000 },
        overlay: None,
        past: None,
        traffic: traffic(10, 12, 11, 100),
        links: Links { silence_ms: 2_000, dial_timeout_ms: 1_000, ..Links::between(10, 50) },
        steps: vec![
            step(4_500, Action::Partition(Partition { one: last.clone(), other: None })),
            step(4_600, Action::Crash(crash)),
            step(4_700, Action::Skew(Skew { who: last.clone(), by_ms: -3_000 })),
            step(4_800, Action::Restart(Restart { who: last, disk: false })),
            step(8_500, Action::Heal),
        ],
    }
}

fn traffic(senders: u32, rounds: u32, warmup_rounds: u32, every_ms: u64) -> Traffic {
    Traffic {
        senders,
        rounds,
        warmup_rounds,
        payload_bytes: 256,
        together: false,
        twice_share: 0.0,
        every_ms,
        drain_ms: 5_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::NodeId;
    use crate::protocols::Ours;
    use crate::runner::Player;
    use std::time::Duration;

    #[test]
    fn where_numbers_are_used_twice_every_node_comes_to_know_it() {
        for seed in 0..3 {
            let (scenario, protocol) = (repeat(seed), Ours::watched());
            let mut player = Player::new(&scenario, &protocol, seed);
            player.gather(&mut |_| {});
            player.play(&mut |_| {}, None);
            player.world.run_for(Duration::from_secs(10));
            let marks = (0..10).map(|node| player.world.node(NodeId(node)).map_or(0, |node| node.cheats()));
            assert_eq!(marks.collect::<Vec<_>>(), [1; 10], "seed {seed}");
        }
    }

    #[test]
    fn they_are_valid_scenarios_that_print_as_themselves() {
        for scenario in [calm(1), outage(1), repeat(1)] {
            assert_eq!(Scenario::parse(&scenario.to_string()).unwrap(), scenario);
        }
    }
}
