//! What survives: of a node that is killed, that ends, whose disk fails.

use crate::process::{Process, ask, command, limited};
use crate::support::{DEADLINE, TestNode};
use serde_json::{Value, json};
use server::store::{FILE, Store};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How many times, or how many: from the environment for a long run, else this.
fn times(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

/// The ids of all events in a folder's store.
pub(crate) fn stored(folder: &Path) -> BTreeSet<String> {
    let store = Store::existing(folder, false).unwrap();
    let ids = store.ids(0..u64::MAX, usize::MAX).unwrap();
    let found = store.bundles(&ids).unwrap();
    assert_eq!(found.damaged, []);
    let bundles = found.bundles.iter().map(|stored| gossip::wire::decode_bundle(&stored.bytes).unwrap());
    bundles.flat_map(|bundle| bundle.events.iter().map(|event| event.id.to_string()).collect::<Vec<_>>()).collect()
}

/// How long the node says that its store took to open, in milliseconds.
fn opened_in(said: &str) -> u64 {
    let line = said.lines().find(|line| line.contains("are here")).unwrap_or_else(|| panic!("{said}"));
    line.split_once("read in ").unwrap().1.split_once(" ms").unwrap().0.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_is_lost_when_the_node_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (kills, mut slowest) = (times("NODE_KILLS", 50), 0);
    let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
    for kill in 0..kills {
        let node = Process::start(&mut command("alpha", folder.path()));
        if kill > 0 {
            slowest = slowest.max(opened_in(&node.said));
            let known = acknowledged.lock().unwrap().len() as u64;
            let health = node.get("/federated/health").await.json();
            assert!(health["events"].as_u64().unwrap() >= known, "{known} were acknowledged: {health:#}");
        }
        // Four clients post lists of different lengths until the node is gone; what it has answered counts.
        let posting: Vec<_> = (1..5)
            .map(|length| {
                let (acknowledged, http) = (Arc::clone(&acknowledged), node.http);
                tokio::spawn(async move {
                    let mut client = crate::support::client(http).await;
                    let list = json!(vec![json!({ "beauty": 0.5 }); length * length]).to_string();
                    while let Some(answer) = ask(&mut client, "POST", "/federated/events", list.clone()).await {
                        let answer = answer.json();
                        let ids =
                            answer["event_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
                        acknowledged.lock().unwrap().extend(ids);
                    }
                })
            })
            .collect();
        let enough = acknowledged.lock().unwrap().len() + 1 + kill * 7 % 60;
        while acknowledged.lock().unwrap().len() < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        node.kill();
        for client in posting {
            client.await.unwrap();
        }
    }
    let (stored, acknowledged) = (stored(folder.path()), acknowledged.lock().unwrap().clone());
    let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains(*id)).collect();
    println!(
        "{kills} kills, {} acknowledged events, {} lost; slowest open {slowest} ms",
        acknowledged.len(),
        lost.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
    // A figure of a quiet machine: `make soak`.
    assert!(slowest <= 1_000 || std::env::var_os("NODE_KILLS").is_none(), "{slowest} ms");
    assert_eq!(Store::existing(folder.path(), true).unwrap().check().unwrap().problems(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_is_whole_again_from_its_peers() {
    let missed = times("MISSED_EVENTS", 20_000);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alpha = Process::start(&mut command("alpha", folders[0].path()));
    let mut beta_command = command("beta", folders[1].path());
    beta_command.args(["--peers", &alpha.peers]);
    let beta = Process::start(&mut beta_command);
    alpha.post_many(1_000).await;
    beta.until("/federated/health", |health| health["events"] == 1_000).await;
    beta.kill();
    alpha.post_many(missed).await;
    let whole = alpha.get("/federated/health").await.json();
    let beta = Process::start(&mut beta_command);
    let same = |health: &Value| health["digest"] == whole["digest"] && health["events"] == whole["events"];
    let (_, took) = beta.until("/federated/health", same).await;
    println!("{missed} missed events came back in {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_shows_the_same_map_whether_the_node_ended_or_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let node = Process::start(&mut command("alpha", folder.path()));
    node.post_many(1_500).await;
    let map = async |node: &Process| {
        let health = node.get("/federated/health").await.json();
        let map = node.get("/federated/heatmap?resolution=1h").await.json();
        (health["events"].clone(), health["digest"].clone(), health["public_key"].clone(), map)
    };
    let before = map(&node).await;
    assert_eq!(before.0, 1_500);
    node.kill();
    let node = Process::start(&mut command("alpha", folder.path()));
    assert_eq!(map(&node).await, before, "counted from bundles");
    node.end();
    let node = Process::start(&mut command("alpha", folder.path()));
    assert!(node.said.contains(", 0 of them counted anew"), "rollups hold all: {}", node.said);
    assert_eq!(map(&node).await, before, "read from rollups");
    node.post_many(1).await;
    assert_eq!(node.get("/federated/health").await.json()["events"], 1_501);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_crash_goes_out_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let alpha = Process::start(&mut command("alpha", folder.path()));
    alpha.post_many(700).await;
    alpha.kill();
    let alpha = Process::start(&mut command("alpha", folder.path()));
    let beta = TestNode::start("beta", &["--peers", &alpha.peers]).await;
    beta.until("/federated/health", |health| health["events"] == 700).await;
    // And numbers go on behind those that were used: nothing of what comes now is taken for what was.
    alpha.post_many(1).await;
    beta.until("/federated/health", |health| health["events"] == 701).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_were_learned_are_known_after_a_restart() {
    let (folder, alpha) = (tempfile::tempdir().unwrap(), TestNode::start("alpha", &[]).await);
    let _beta = TestNode::start("beta", &["--peers", &alpha.address()]).await;
    let gamma = Process::start(command("gamma", folder.path()).args(["--peers", &alpha.address()]));
    gamma.until("/federated/health", |health| health["peers"] == 2).await;
    gamma.end();
    let gamma = Process::start(&mut command("gamma", folder.path()));
    gamma.until("/federated/health", |health| health["peers"] == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_one_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let _node = Process::start(&mut command("alpha", folder.path()));
    let refused = command("alpha", folder.path()).output().unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    let file = folder.path().join(FILE);
    assert!(!refused.status.success());
    assert!(error.contains(&*file.to_string_lossy()) && error.contains("in use by another process"), "{error}");
    assert!(error.contains("FEDERATED_DATA_DIR"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_told_with_what_to_do_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    std::fs::write(&file, b"no store at all").unwrap();
    let refused = command("alpha", folder.path()).output().unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("is damaged") && error.contains("store check"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"no store at all");
}

/// The shell bounds what the node may write, as a full disk does.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_in_a_sentence_and_ends_the_node_with_nothing_acknowledged_lost() {
    let folder = tempfile::tempdir().unwrap();
    // A store is made first: what it begins with must fit.
    Process::start(&mut command("alpha", folder.path())).end();
    let made = std::fs::metadata(folder.path().join(FILE)).unwrap().len();
    let limit = format!("trap '' XFSZ; ulimit -f {}", (made + 2_000_000) / 512);
    let mut node = Process::start(&mut limited(&limit, "alpha", folder.path()));
    let (mut client, mut acknowledged) = (node.client().await, Vec::new());
    let list = json!(vec![json!({ "beauty": 0.5, "source": "s".repeat(64) }); 500]).to_string();
    let refused = loop {
        let answer = ask(&mut client, "POST", "/federated/events", list.clone()).await.expect("an answer");
        if answer.status != 202 {
            break answer;
        }
        let ids = answer.json()["event_ids"].as_array().unwrap().clone();
        acknowledged.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
        assert!(acknowledged.len() < 200_000, "the limit is not there");
    };
    let words = refused.problem(503);
    assert!(words.contains("acknowledges nothing more") && words.contains(FILE), "{words}");
    // It says so, takes nothing more, and ends.
    assert!(node.get("/readyz").await.problem(503).contains("see to the disk"));
    assert_eq!(node.get("/federated/health").await.json()["status"], "disk-failed");
    let again = ask(&mut client, "POST", "/federated/events", r#"{"beauty":1}"#).await.expect("an answer");
    assert_eq!(again.status, 503);
    let start = Instant::now();
    let rest = node.rest();
    assert!(!node.child.wait().unwrap().success() && start.elapsed() < DEADLINE);
    assert!(rest.contains("beauty-mesh: the store has stopped"), "{rest}");
    let node = Process::start(&mut command("alpha", folder.path()));
    assert!(node.get("/federated/health").await.json()["events"].as_u64().unwrap() >= acknowledged.len() as u64);
    node.end();
    let stored = stored(folder.path());
    assert!(acknowledged.iter().all(|id| stored.contains(id)), "of {} acknowledged", acknowledged.len());
}
