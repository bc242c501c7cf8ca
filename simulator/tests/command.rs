//! The command line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::process::{Command, Output};

fn mesh_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mesh-sim")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn it_lists_what_there_is_and_prints_a_scenario() {
    let list = text(&mesh_sim(&["list"]).stdout);
    assert!(
        ["smoke", "warm-1000", "trees", "plumtree", "seed", "iroh"].iter().all(|name| list.contains(name)),
        "{list}"
    );
    let shown = text(&mesh_sim(&["show", "smoke"]).stdout);
    assert!(shown.contains("nodes = 24") && shown.contains("[[steps]]"), "{shown}");
}

#[test]
fn it_compares_all_protocols_in_one_table_and_for_machines() {
    let output = mesh_sim(&["compare", "smoke", "--seeds", "0-1"]);
    let table = text(&output.stdout);
    assert_eq!(table.lines().count(), 6, "{table}");
    assert!(text(&output.stderr).contains("smoke, iroh, seed 1:"));
    let json = text(&mesh_sim(&["compare", "smoke", "--seeds", "0-1", "--json"]).stdout);
    let entries: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let protocols: Vec<&str> = entries.iter().map(|entry| entry["protocol"].as_str().unwrap()).collect();
    assert_eq!(protocols, ["trees", "random", "plumtree", "seed", "iroh"]);
    assert!(entries.iter().all(|entry| entry["runs"].as_array().unwrap().len() == 2));
    assert!(entries.iter().all(|entry| entry["figures"]["rmr"]["median"].is_f64()));
    assert_eq!(text(&mesh_sim(&["run", "smoke"]).stdout), text(&mesh_sim(&["run", "smoke"]).stdout));
}

#[test]
fn what_is_not_there_is_said_in_words() {
    for (arguments, says) in [
        (&["run", "nowhere"][..], "there is no scenario \"nowhere\": `mesh-sim list` names those"),
        (
            &["run", "smoke", "--protocol", "telepathy"],
            "there is no protocol \"telepathy\"; there are trees, random, plumtree, seed, iroh, fixed",
        ),
        (&["compare", "smoke", "--seeds", "3-1"], "a range of seeds begins with the smaller one"),
        (&["compare", "smoke", "--seeds", "many"], "seeds are a number, as 7, or a range, as 0-3"),
    ] {
        let output = mesh_sim(arguments);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(says), "{said}");
    }
}

#[test]
fn a_chaos_prints_what_happens_plays_it_and_a_comparison_is_drawn() {
    let shown = text(&mesh_sim(&["chaos", "--seed", "7", "--show"]).stdout);
    assert!(shown.contains("name = \"chaos-7\"") && shown.contains("[[steps]]"), "{shown}");
    let played = mesh_sim(&["chaos", "--seed", "7"]);
    let said = text(&played.stdout) + &text(&played.stderr);
    assert!(said.contains("chaos: 1 seeds") && said.contains("trace "), "{said}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("comparison.json");
    let compared = mesh_sim(&["compare", "smoke", "--seeds", "0", "--save", file.to_str().unwrap()]);
    assert!(text(&compared.stdout).contains("smoke") && text(&compared.stderr).contains(", trace "));
    let picture = text(&mesh_sim(&["plot", file.to_str().unwrap()]).stdout);
    assert!(picture.starts_with("<svg") && picture.contains("smoke"), "{picture}");
    let said = text(&mesh_sim(&["plot", "nowhere.json"]).stderr);
    assert!(said.contains("nowhere.json: "), "{said}");
}
