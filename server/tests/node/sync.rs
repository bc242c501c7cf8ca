//! A disk that can't sync any more: the system says so to the node, and the node to its posters.

use crate::crash::stored;
use crate::process::{Process, ask, command};
use crate::support::DEADLINE;
use serde_json::json;
use std::process::Command;
use std::time::Instant;

/// Stands before the system's own: while the file is there, each sync fails as that of a broken disk does.
const SYNCS: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int broken(void) {
    const char *file = getenv("SYNCS_FAIL_WHILE");
    if (file == NULL || access(file, F_OK) != 0) return 0;
    errno = EIO;
    return 1;
}

int fsync(int fd) { return broken() ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return broken() ? -1 : (int)syscall(SYS_fdatasync, fd); }
"#;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn after_a_sync_that_fails_nothing_is_acknowledged_and_the_node_says_so_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let [source, library, broken] = ["syncs.c", "syncs.so", "broken"].map(|name| folder.path().join(name));
    std::fs::write(&source, SYNCS).unwrap();
    // Rust links by the same compiler.
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap();
    assert!(made.success());
    let data = folder.path().join("data");
    let with_syncs =
        |command: &mut Command| Process::start(command.env("LD_PRELOAD", &library).env("SYNCS_FAIL_WHILE", &broken));
    let mut node = with_syncs(&mut command("alpha", &data));
    let (mut client, mut acknowledged) = (node.client().await, Vec::new());
    let list = json!(vec![json!({ "beauty": 0.5 }); 20]).to_string();
    for _ in 0..10 {
        let answer = ask(&mut client, "POST", "/federated/events", list.clone()).await.expect("an answer").json();
        let ids = answer["event_ids"].as_array().unwrap().clone();
        acknowledged.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
    }
    assert_eq!(node.get("/readyz").await.status, 200);
    std::fs::write(&broken, b"").unwrap();
    let refused = ask(&mut client, "POST", "/federated/events", list.clone()).await.expect("an answer");
    let words = refused.problem(503);
    assert!(words.contains("acknowledges nothing more"), "{words}");
    // The next sync would go well, and tell nothing of what the one before has lost.
    std::fs::remove_file(&broken).unwrap();
    assert!(node.get("/readyz").await.problem(503).contains("see to the disk"));
    let again = ask(&mut client, "POST", "/federated/events", list).await.expect("an answer");
    assert_eq!(again.status, 503);
    let start = Instant::now();
    let rest = node.rest();
    assert!(!node.child.wait().unwrap().success() && start.elapsed() < DEADLINE);
    assert!(rest.contains("beauty-mesh: the store has stopped"), "{rest}");
    let node = Process::start(&mut command("alpha", &data));
    node.post_many(1).await;
    node.end();
    let stored = stored(&data);
    assert!(acknowledged.iter().all(|id| stored.contains(id)), "of {} acknowledged", acknowledged.len());
}
