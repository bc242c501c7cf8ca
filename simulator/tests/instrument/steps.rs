//! What a scenario says shall happen, happens to whom it says, when it says.

use crate::flood::{Flood, scenario};
use simulator::protocol::Protocol;
use simulator::protocols::Ours;
use simulator::runner;
use simulator::scenario::{Join, Scenario};
use simulator::summary::Summary;

/// Ten nodes that all know each other, half of which send, all at one instant, once a second for three seconds; and a
/// step.
fn play(at_ms: u64, action: &str) -> Summary {
    play_with(&Flood::default(), &[(at_ms, action)])
}

fn play_with(protocol: &dyn Protocol, steps: &[(u64, &str)]) -> Summary {
    let mut scenario = scenario(10, "latency_ms = [20, 20]\nsilence_ms = 100\n");
    scenario.join = Join { contacts: 9, every_ms: 100, settle_ms: 5_000 };
    let traffic = &mut scenario.traffic;
    (traffic.senders, traffic.rounds, traffic.every_ms, traffic.together) = (5, 3, 1_000, true);
    let step = |(at_ms, action): &(u64, &str)| format!("[[steps]]\nat_ms = {at_ms}\naction = {action}\n");
    let steps: String = steps.iter().map(step).collect();
    let scenario = Scenario::parse(&format!("{scenario}\n{steps}")).unwrap();
    runner::run(&scenario, protocol, 1, &mut |_| {}).unwrap()
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

#[test]
fn how_soon_all_hold_the_same_counts_from_the_last_step_and_so_do_the_bytes() {
    let nothing_lost = play(500, "'unclog'");
    assert_eq!((nothing_lost.equal_after_ms, nothing_lost.bytes_over_missing), (Some(0.0), None));
    let apart = [(500, "{ partition = { one = { range = [0, 5] } } }"), (2_500, "'heal'")];
    let forgetful = play_with(&Flood::default(), &apart);
    assert_eq!((forgetful.missed, forgetful.equal_after_ms), (50, None));
    let ours = play_with(&Ours::trees(), &apart);
    assert_eq!(ours.missed, 0);
    // One round trip to meet again, and a few to find what is missing.
    let after = ours.equal_after_ms.unwrap();
    assert!((100.0..15_000.0).contains(&after), "{after}");
    assert!(ours.bytes_over_missing.unwrap() >= 1.0);
}

#[test]
fn an_impairment_costs_what_is_sent_until_it_ends() {
    let summary = play(500, "{ impair = { who = { nodes = [9] }, reset_share = 1.0 } }");
    assert!(missed(&summary)[1] > 0, "{:?}", missed(&summary));
    let summary = play(500, "'restore'");
    assert_eq!(missed(&summary), [0, 0, 0]);
}

#[test]
fn what_comes_in_at_two_nodes_is_one_broadcast() {
    let mut scenario = scenario(10, "latency_ms = [20, 20]");
    scenario.join = Join { contacts: 9, every_ms: 100, settle_ms: 5_000 };
    scenario.traffic.twice_share = 1.0;
    let summary = runner::run(&scenario, &Flood::default(), 1, &mut |_| {}).unwrap();
    assert_eq!((summary.broadcasts, summary.missed, summary.repeats), (1, 0, 0));
}
