//! What a scenario says shall happen, happens to whom it says, when it says.

use crate::flood::{Flood, scenario};
use simulator::runner;
use simulator::scenario::{Join, Scenario};
use simulator::summary::Summary;

/// Ten nodes that all know each other, half of which send, all at one instant, once a second for three seconds; and a
/// step.
fn play(at_ms: u64, action: &str) -> Summary {
    let mut scenario = scenario(10, "latency_ms = [20, 20]\nsilence_ms = 100\n");
    scenario.join = Join { contacts: 9, every_ms: 100, settle_ms: 5_000 };
    let traffic = &mut scenario.traffic;
    (traffic.senders, traffic.rounds, traffic.every_ms, traffic.together) = (5, 3, 1_000, true);
    let step = format!("[[steps]]\nat_ms = {at_ms}\naction = {action}\n");
    let scenario = Scenario::parse(&format!("{scenario}\n{step}")).unwrap();
    runner::run(&scenario, &Flood::default(), 1, &mut |_| {}).unwrap()
}

fn missed(summary: &Summary) -> Vec<u64> {
    summary.each.chunks(5).map(|round| round.iter().map(|row| row.missed).sum()).collect()
}

#[test]
fn nothing_is_missed_where_nothing_happens() {
    let summary = play(500, "'unclog'");
    assert_eq!((summary.running, missed(&summary)), (10, vec![0, 0, 0]));
}

#[test]
fn a_crash_spares_the_senders_unless_told_otherwise() {
    let summary = play(500, "{ crash = { who = { share = 0.5 } } }");
    assert_eq!((summary.running, summary.each.len()), (5, 15));
    let summary = play(500, "{ crash = { who = 'senders', spare_senders = false } }");
    assert_eq!((summary.running, summary.each.len()), (5, 5), "who is down sends nothing");
}

#[test]
fn a_partition_costs_what_is_sent_from_then_on() {
    let summary = play(500, "{ partition = { one = { range = [0, 5] } } }");
    // A flood remembers nothing: each of five senders misses five nodes in each of two rounds.
    assert_eq!((missed(&summary), summary.pieces), (vec![0, 25, 25], 2));
    assert!(summary.each[5..].iter().all(|row| row.reached == 5));
}

#[test]
fn a_clog_costs_whom_it_cuts_off_all_that_others_send() {
    let summary = play(500, "{ clog = { from = 'all', to = { nodes = [9] } } }");
    let by_others = summary.each[5..].iter().filter(|row| row.sender != 9).count() as u64;
    assert_eq!((summary.missed, summary.each[..5].iter().map(|row| row.missed).sum::<u64>()), (by_others, 0));
    // It still speaks.
    assert!(summary.each.iter().filter(|row| row.sender == 9).all(|row| row.missed == 0));
}
