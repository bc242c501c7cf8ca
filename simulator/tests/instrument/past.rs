//! What was sent before the world began, and what it costs to get it.

use crate::flood::Flood;
use simulator::protocols::Ours;
use simulator::runner::{self, Unfit};
use simulator::scenario::{Action, Crash, Restart, Scenario, Select, Step};
use simulator::summary::Summary;

/// One of five nodes was away for an hour at 20 messages a second, and comes back after 10 s.
fn away(uplink_kbit: u64) -> Scenario {
    let text = format!(
        "
name = 'away'
about = 'a day away, but shorter'
nodes = 5
[join]
settle_ms = 30000
[past]
hours = 1
events_per_s = 20
events_per_bundle = 5
origins = 5
lacks = [3]
[traffic]
senders = 5
rounds = 60
warmup_rounds = 5
payload_bytes = 160
every_ms = 100
drain_ms = 10000
[links]
latency_ms = [25, 25]
uplink_kbit = {uplink_kbit}
[[steps]]
at_ms = 10000
action = {{ restart = {{ who = {{ nodes = [3] }}, disk = true }} }}
"
    );
    Scenario::parse(&text).unwrap()
}

fn play(scenario: &Scenario) -> Summary {
    runner::run(scenario, &Ours::trees(), 1, &mut |_| {}).unwrap()
}

#[test]
fn who_was_away_gets_all_of_it_and_the_measure_is_its_line() {
    let summary = play(&away(20_000));
    assert_eq!((summary.missed, summary.repeats, summary.phantoms, summary.running), (0, 0, 0, 5));
    // 72,000 messages of 160 bytes take 4.6 s at 20 Mbit/s.
    let took = summary.equal_after_ms.unwrap();
    let line = summary.of_line.unwrap();
    assert!((4_600.0..12_000.0).contains(&took), "{took}");
    assert!((line - 4_608.0 / took).abs() < 0.02, "{line}");
    assert!(summary.bytes_over_missing.unwrap() > 1.0);
    let others = summary.others_p99.unwrap();
    // One way more, and then one back, at the most.
    assert!((0.9..4.0).contains(&others), "{others}");
    assert_eq!(play(&away(20_000)).trace, summary.trace);
}

#[test]
fn nothing_of_it_is_counted_as_missing_where_nobody_was_away_and_nothing_hides_where_somebody_is() {
    let mut scenario = away(20_000);
    scenario.steps.clear();
    let summary = play(&scenario);
    assert_eq!((summary.running, summary.missed, summary.of_line, summary.others_p99), (4, 0, None, None));
    // It comes back, and has no time for it.
    let mut scenario = away(100);
    scenario.traffic.rounds = 25;
    let summary = play(&scenario);
    assert!((50_000..=72_000 + 125).contains(&summary.missed), "{}", summary.missed);
    assert_eq!((summary.equal_after_ms, summary.of_line, summary.others_p99), (None, None, None));
}

#[test]
fn a_disk_that_is_lost_takes_the_past_with_it() {
    let mut scenario = away(20_000);
    let who = || Select::Nodes(vec![1]);
    let crash = Action::Crash(Crash { who: who(), spare_senders: false, silent: false });
    let restart = Action::Restart(Restart { who: who(), disk: false });
    scenario.steps = vec![Step { at_ms: 0, action: crash }, Step { at_ms: 10_000, action: restart }];
    let summary = play(&scenario);
    assert_eq!((summary.missed, summary.running), (0, 4));
    assert!(summary.equal_after_ms.unwrap() > 4_600.0);
}

#[test]
fn a_protocol_without_a_disk_has_no_past() {
    let refused = runner::run(&away(1_000), &Flood::default(), 1, &mut |_| {}).unwrap_err();
    assert_eq!(refused, Unfit::Past("flood"));
    assert!(refused.to_string().contains("leave [past] out"));
}
