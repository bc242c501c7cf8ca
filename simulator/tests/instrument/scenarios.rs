//! Scenarios are data: read strictly, printed as they are.

use simulator::scenario::{self, CATALOGUE, Scenario, ScenarioError};
use std::collections::BTreeSet;

const MINIMAL: &str = "
name = 'a'
about = 'b'
nodes = 10
[traffic]
senders = 2
rounds = 3
every_ms = 100
[links]
latency_ms = [1, 2]
";

#[test]
fn every_file_is_in_the_catalogue_under_its_own_name() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = CATALOGUE.iter().map(|(name, _)| format!("{name}.toml")).collect();
    assert_eq!(files.collect::<BTreeSet<_>>(), names);
    for (name, _) in CATALOGUE {
        assert_eq!(scenario::load(name).unwrap().name, name);
    }
}

#[test]
fn a_scenario_prints_as_itself() {
    for text in CATALOGUE.iter().map(|(_, text)| *text).chain([MINIMAL]) {
        let scenario = Scenario::parse(text).unwrap();
        let printed = scenario.to_string();
        assert_eq!(Scenario::parse(&printed).unwrap(), scenario, "{printed}");
        assert_eq!(Scenario::parse(&printed).unwrap().to_string(), printed);
    }
}

#[test]
fn unknown_keys_and_values_out_of_range_are_refused_in_words() {
    let refused = |from: &str, to: &str| Scenario::parse(&MINIMAL.replace(from, to)).unwrap_err().to_string();
    for (from, to, says) in [
        ("rounds = 3", "rounds = 3\nrouds = 3", "rouds"),
        ("nodes = 10", "nodes = 10\n[join]\ncontact = 1\n", "contact"),
        ("nodes = 10", "nodes = 1", "nodes is 1; it must be 2 to 100000"),
        ("senders = 2", "senders = 11", "traffic.senders is 11; it must be 1 to 10"),
        ("rounds = 3", "rounds = 3\nwarmup_rounds = 3", "traffic.warmup_rounds is 3; it must be 0 to 2"),
        ("[1, 2]", "[2, 1]", "links.latency_ms, the greater, is 1; it must be 2 to 60000"),
        ("[1, 2]", "[1, 2]\nreset_share = 1.5", "links.reset_share is 1.5; it must be 0 to 1"),
        ("[1, 2]", "[1, 2]\nduplicate_share = -1.0", "links.duplicate_share is -1; it must be 0 to 1"),
        ("[1, 2]", "[1, 2]\ndownlink_kbit = 0", "links.downlink_kbit is 0; it must be 1 to 100000000"),
        ("rounds = 3", "rounds = 3\ntwice_share = 2.0", "traffic.twice_share is 2; it must be 0 to 1"),
        (
            "[1, 2]",
            "[1, 2]\n[[steps]]\nat_ms = 1\naction = { impair = { who = 'all', reset_share = 2.0 } }",
            "a step's reset_share is 2",
        ),
        ("[1, 2]", "[1, 2]\n[[steps]]\nat_ms = 1\naction = 'explode'", "explode"),
        ("[1, 2]", "[1, 2]\n[[steps]]\nat_ms = 1\naction = { crash = { who = 'all', loud = true } }", "loud"),
        (
            "[1, 2]",
            "[1, 2]\n[[steps]]\nat_ms = 1\naction = { crash = { who = { nodes = [10] } } }",
            "a step's node is 10",
        ),
        ("[1, 2]", "[1, 2]\n[[steps]]\nat_ms = 2\naction = 'heal'\n[[steps]]\nat_ms = 1\naction = 'heal'", "in order"),
        (
            "[1, 2]",
            "[1, 2]\n[past]\nhours = 0\nevents_per_s = 1\nevents_per_bundle = 1\norigins = 1\nlacks = []",
            "past.hours is 0; it must be 1 to 168",
        ),
        (
            "[1, 2]",
            "[1, 2]\n[past]\nhours = 1\nevents_per_s = 1\nevents_per_bundle = 257\norigins = 1\nlacks = []",
            "past.events_per_bundle is 257; it must be 1 to 256",
        ),
        (
            "[1, 2]",
            "[1, 2]\n[past]\nhours = 1\nevents_per_s = 1\nevents_per_bundle = 1\norigins = 1\nlacks = [10]",
            "past.lacks is 10; it must be 0 to 9",
        ),
        ("nodes = 10", "nodes = 9\noverlay = { degree = 3 }", "even where the number of nodes is odd"),
    ] {
        let error = refused(from, to);
        assert!(error.contains(says), "{to:?} gives {error:?}");
    }
    assert_eq!(scenario::load("nowhere"), Err(ScenarioError::Unknown("nowhere".to_owned())));
}

#[test]
fn the_timetable_says_when_each_sender_sends() {
    let mut scenario = Scenario::parse(MINIMAL).unwrap();
    let times = |scenario: &Scenario| scenario.traffic.timetable().collect::<Vec<_>>();
    assert_eq!(times(&scenario), [(0, 0, 0), (0, 1, 100), (1, 0, 200), (1, 1, 300), (2, 0, 400), (2, 1, 500)]);
    scenario.traffic.together = true;
    assert_eq!(times(&scenario), [(0, 0, 0), (0, 1, 0), (1, 0, 100), (1, 1, 100), (2, 0, 200), (2, 1, 200)]);
}
