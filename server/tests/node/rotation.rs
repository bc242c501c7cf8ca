//! A node with a new key, between real processes: its name stays with it, everywhere and after restarts.

use crate::lifetime::binary;
use crate::process::{Process, ask, command};
use serde_json::{Value, json};
use std::path::Path;

/// What a node is told to do with its key, and what it prints.
pub(crate) fn identity(deed: &str, folder: &Path) -> Result<String, String> {
    let done = binary().args(["identity", deed, "--data-dir"]).arg(folder).output().unwrap();
    let [said, error] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap().trim().to_owned());
    if done.status.success() { Ok(said) } else { Err(error) }
}

/// Waits until a node shows this name with this key and no other.
async fn shows(process: &Process, name: &str, key: &str) {
    let right = json!({ "node_id": name, "public_key": key, "vouched_by": null, "others": [] });
    process.until("/federated/nodes", |named| named.as_array().unwrap().contains(&right)).await;
    let health: Value = process.get("/federated/health").await.json();
    assert_eq!(health["conflicts"], json!([]));
}

pub(crate) async fn post(process: &Process) {
    let answer = ask(&mut process.client().await, "POST", "/federated/events", r#"{"beauty": 0.5}"#).await;
    assert_eq!(answer.unwrap().status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_new_key_keeps_its_name_and_whoever_comes_later_knows() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let alpha = Process::start(&mut command("alpha", folders[0].path()));
    let beta = Process::start(command("beta", folders[1].path()).args(["--peers", &alpha.peers]));
    post(&alpha).await;
    let first = identity("show", folders[0].path()).unwrap();
    shows(&beta, "alpha", &first).await;
    let refused = identity("rotate", folders[0].path()).unwrap_err();
    assert!(refused.contains("in use") || refused.contains("another"), "under a node that runs: {refused}");
    alpha.end();
    let second = identity("rotate", folders[0].path()).unwrap();
    assert_eq!(identity("show", folders[0].path()).unwrap(), second);
    assert_ne!(first, second);
    let alpha = Process::start(command("alpha", folders[0].path()).args(["--peers", &beta.peers]));
    post(&alpha).await;
    shows(&beta, "alpha", &second).await;
    shows(&alpha, "alpha", &second).await;
    beta.until("/federated/health", |health| health["events"] == 2).await;
    // Who has never met alpha, and a node that starts again with what it has on disk.
    let gamma = Process::start(command("gamma", folders[2].path()).args(["--peers", &beta.peers]));
    gamma.until("/federated/health", |health| health["events"] == 2).await;
    shows(&gamma, "alpha", &second).await;
    alpha.end();
    gamma.end();
    beta.end();
    let beta = Process::start(&mut command("beta", folders[1].path()));
    shows(&beta, "alpha", &second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_keys_follows_a_node_that_changes_its_own() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let key = |folder: &Path| identity("show", folder).unwrap();
    for (name, folder) in ["alpha", "beta"].iter().zip(&folders) {
        Process::start(&mut command(name, folder.path())).end();
    }
    let [old, beta_key] = [0, 1].map(|at| key(folders[at].path()));
    let list = [old.as_str(), beta_key.as_str()].join(",");
    let listed = |name: &str, at: usize| {
        let mut command = command(name, folders[at].path());
        command.args(["--allow", &list]);
        command
    };
    let beta = Process::start(&mut listed("beta", 1));
    let alpha = Process::start(listed("alpha", 0).args(["--peers", &beta.peers]));
    beta.until("/federated/health", |health| health["peers"] == 1).await;
    alpha.end();
    std::fs::copy(folders[0].path().join("identity.key"), folders[2].path().join("identity.key")).unwrap();
    let new = identity("rotate", folders[0].path()).unwrap();
    assert_ne!(new, old);
    // With the list that it had, on both sides.
    let alpha = Process::start(listed("alpha", 0).args(["--peers", &beta.peers]));
    beta.until("/federated/health", |health| health["peers"] == 1).await;
    post(&alpha).await;
    shows(&beta, "alpha", &new).await;
    // The key that was given up may join no more, whoever has it.
    let thief = Process::start(command("thief", folders[2].path()).args(["--peers", &beta.peers]));
    let refused = |network: &Value| network["turned_away"][0]["reason"] == "not_allowed";
    thief.until("/federated/network", refused).await;
    // Nor after a restart: it is on the disk.
    beta.end();
    thief.end();
    let beta = Process::start(&mut listed("beta", 1));
    let thief = Process::start(command("thief", folders[2].path()).args(["--peers", &beta.peers]));
    thief.until("/federated/network", refused).await;
}
