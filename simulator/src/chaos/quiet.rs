//! Meshes in which little happens: some faults show only where nothing else does, or only after a long time.

use crate::scenario::{Action, Crash, Join, Links, Restart, Scenario, Select, Step, Traffic};

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

    #[test]
    fn they_are_valid_scenarios_that_print_as_themselves() {
        for scenario in [calm(1), outage(1)] {
            assert_eq!(Scenario::parse(&scenario.to_string()).unwrap(), scenario);
        }
    }
}
