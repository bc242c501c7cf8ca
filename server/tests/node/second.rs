//! Nodes that sign twice, among those that don't: what they declare is known everywhere, and can't be stripped.

use crate::forged::{bundle, link, micros, peer, pushed, say};
use crate::lifetime::binary;
use crate::process::{Process, command};
use crate::rotation::{identity, post};
use crate::support::{Socket, TestNode};
use futures_util::StreamExt;
use gossip::{Bundle, Keypair, Message, OriginId, Profile, SecondKeypair, bundle_bytes, wire};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn pair(number: u8, second: u8) -> Keypair {
    Keypair::from_seed(&[number; 32]).with_second(SecondKeypair::from_seed(&[second; 32]))
}

/// A bundle that this pair has signed twice.
fn twice(pair: &Keypair) -> Bundle {
    let once = bundle(pair, "beauty", "twice");
    let second = pair.second().unwrap().sign(&bundle_bytes("beauty", &once));
    assert!(second.is_some());
    Bundle { second, ..once }
}

fn stripped(pair: &Keypair) -> Bundle {
    Bundle { second: None, ..twice(pair) }
}

/// Waits until this node asks for what an origin declares.
async fn asked(peer: &mut Socket) -> OriginId {
    loop {
        let frame = peer.next().await.expect("the node goes on").unwrap().into_data();
        if let Ok(Message::WantProfiles(origins)) = wire::decode(&frame) {
            return origins[0];
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_origin_has_declared_is_demanded_of_each_of_its_bundles() {
    let node = TestNode::start("alpha", &[]).await;
    let (own, thief) = (pair(1, 101), pair(1, 102));
    let mut peer = peer(&node, &Keypair::from_seed(&[9; 32])).await;
    let first = twice(&own);
    say(&mut peer, pushed(first.clone())).await;
    assert_eq!(asked(&mut peer).await, own.origin(), "nobody has said yet by which key");
    let from = micros();
    // For another mesh, with a signature of another key, with a key that is not the one that has signed.
    let good = Profile::declare("beauty", &own, from).unwrap();
    let other = Profile::declare("beauty", &pair(2, 103), from).unwrap();
    let bad = [
        Profile::declare("ugly", &own, from).unwrap(),
        Profile { second: other.second.clone(), ..good.clone() },
        Profile { key: other.key.clone(), ..good.clone() },
    ];
    for bad in bad {
        say(&mut peer, Message::Profiles(vec![Arc::new(bad)])).await;
    }
    // The bundle that was refused is not remembered; one of the same moment may be behind the profile in one read.
    say(&mut peer, Message::Profiles(vec![Arc::new(good.clone())])).await;
    say(&mut peer, pushed(first)).await;
    say(&mut peer, pushed(twice(&own))).await;
    node.until("/federated/health", |health| health["events"] == 2).await;
    // Left out; by another key; of another bundle; and by a key that a later profile names, or one that claims to be older.
    say(&mut peer, pushed(stripped(&own))).await;
    let by_another = Bundle { second: twice(&thief).second, ..twice(&own) };
    let swapped = Bundle { second: twice(&own).second, ..twice(&own) };
    for bundle in [by_another, swapped] {
        say(&mut peer, pushed(bundle)).await;
    }
    let replaced =
        [Profile::declare("beauty", &thief, from + 1).unwrap(), Profile::declare("beauty", &thief, 0).unwrap()];
    say(&mut peer, Message::Profiles(replaced.into_iter().map(Arc::new).collect())).await;
    say(&mut peer, pushed(twice(&thief))).await;
    // The same profile again changes nothing.
    say(&mut peer, Message::Profiles(vec![Arc::new(good)])).await;
    // Whoever has not declared anything signs once.
    let once = Keypair::from_seed(&[3; 32]);
    say(&mut peer, pushed(bundle(&once, "beauty", "once"))).await;
    say(&mut peer, pushed(twice(&own))).await;
    node.until("/federated/health", |health| health["events"] == 4).await;
    let summary = node.get("/federated/gossip/summary").await.json();
    assert_eq!(summary["rejected"], json!({ "undeclared": 1, "signed_once": 1, "bad_signature": 6 }));
    node.end().await;
}

/// Two bundles of one number are no proof where the second signatures don't hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_against_who_signs_twice_has_both_signatures_of_both_bundles() {
    let node = TestNode::start("alpha", &[]).await;
    let (own, thief) = (pair(4, 104), pair(4, 105));
    let one = twice(&own);
    let signed = |pair: &Keypair| {
        let mut other = Bundle { id: one.id, ..bundle(pair, "beauty", "twice") };
        let bytes = bundle_bytes("beauty", &other);
        (other.signature, other.second) = (pair.sign(&bytes), pair.second().unwrap().sign(&bytes));
        other
    };
    let other = signed(&own);
    let mut peer = peer(&node, &Keypair::from_seed(&[9; 32])).await;
    link(&mut peer, "proof").await;
    let profile = Profile::declare("beauty", &own, one.id.seq).unwrap();
    say(&mut peer, Message::Profiles(vec![Arc::new(profile)])).await;
    say(&mut peer, Message::Forked(vec![own.origin()])).await;
    loop {
        let frame = peer.next().await.expect("the node goes on").unwrap().into_data();
        if let Ok(Message::Prove(origins)) = wire::decode(&frame) {
            assert_eq!(origins, [own.origin()]);
            break;
        }
    }
    let stripped = |bundle: &Bundle| Bundle { second: None, ..bundle.clone() };
    for half in [stripped(&one), stripped(&other), signed(&thief), one.clone()] {
        say(&mut peer, Message::Evidence(half)).await;
    }
    let rejected = json!({ "signed_once": 2, "bad_signature": 1 });
    node.until("/federated/gossip/summary", |summary| summary["rejected"] == rejected).await;
    assert_eq!(node.get("/federated/cheats").await.json(), json!([]));
    say(&mut peer, Message::Evidence(other)).await;
    node.until("/federated/cheats", |cheats| cheats[0]["seq"] == one.id.seq).await;
}

fn twice_signing(name: &str, folder: &Path) -> Command {
    let mut command = command(name, folder);
    command.env("FEDERATED_PQ", "1");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_of_nodes_that_sign_once_and_twice_agrees_and_restarts_so() {
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let alpha = Process::start(&mut twice_signing("alpha", folders[0].path()));
    let beta = Process::start(command("beta", folders[1].path()).args(["--peers", &alpha.peers]));
    let gamma = Process::start(twice_signing("gamma", folders[2].path()).args(["--peers", &beta.peers]));
    for node in [&alpha, &beta, &gamma] {
        post(node).await;
    }
    for (node, twice) in [(&alpha, true), (&beta, false), (&gamma, true)] {
        let (health, _) = node.until("/federated/health", |health| health["events"] == 3).await;
        assert_eq!(health["signs_twice"], twice);
        let rejected = &node.get("/federated/gossip/summary").await.json()["rejected"];
        assert!(rejected.get("bad_signature").is_none() && rejected.get("signed_once").is_none(), "{rejected}");
    }
    let peers = |network: &serde_json::Value| {
        let peers = network["peers"].as_array().unwrap();
        peers.iter().filter(|peer| peer["signs_twice"] == true).count()
    };
    beta.until("/federated/network", |network| peers(network) == 2).await;
    assert_eq!(identity("show", folders[0].path()).unwrap().len(), 64, "what goes on others' lists");
    let shown = binary().args(["identity", "show", "--data-dir"]).arg(folders[0].path()).output().unwrap();
    assert!(String::from_utf8_lossy(&shown.stderr).contains("ML-DSA-65"));
    // A node that knows from its disk alone, and one that was never there, get what all hold.
    beta.end();
    alpha.end();
    let beta = Process::start(command("beta", folders[1].path()).args(["--peers", &gamma.peers]));
    // It has declared it: without the setting it goes on.
    let alpha = Process::start(command("alpha", folders[0].path()).args(["--peers", &beta.peers]));
    let delta = Process::start(command("delta", folders[3].path()).args(["--peers", &alpha.peers]));
    post(&alpha).await;
    for node in [&alpha, &beta, &gamma, &delta] {
        node.until("/federated/health", |health| health["events"] == 4).await;
    }
    assert_eq!(alpha.get("/federated/health").await.json()["signs_twice"], true);
    alpha.end();
    // Without its second key it would be a node that nobody believes.
    let key = folders[0].path().join("identity.second.key");
    std::fs::rename(&key, key.with_extension("away")).unwrap();
    for pq in ["0", "1"] {
        let refused = command("alpha", folders[0].path()).env("FEDERATED_PQ", pq).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains("identity.second.key"), "{said}");
        // A key that was made meanwhile is not the one that was declared.
        let _ = std::fs::remove_file(&key);
    }
    // What a node exports, another takes in that knows who signs twice, and no other.
    gamma.end();
    let export = |folder: &Path| binary().args(["store", "export", "--data-dir"]).arg(folder).output().unwrap().stdout;
    let lines = export(folders[2].path());
    assert_eq!(String::from_utf8_lossy(&lines).lines().filter(|line| line.contains("\"second\"")).count(), 3);
    let import = |folder: &Path| {
        let file = folder.join("lines");
        std::fs::write(&file, &lines).unwrap();
        let lines = std::fs::File::open(file).unwrap();
        binary().args(["store", "import", "--data-dir"]).arg(folder).stdin(lines).output().unwrap()
    };
    let stranger = tempfile::tempdir().unwrap();
    let refused = import(stranger.path());
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("`profiles`"));
    std::fs::copy(folders[2].path().join("profiles"), stranger.path().join("profiles")).unwrap();
    let taken = import(stranger.path());
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_second_key_stayed_behind_says_so_and_ends() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let alpha = Process::start(&mut twice_signing("alpha", folders[0].path()));
    let beta = Process::start(command("beta", folders[1].path()).args(["--peers", &alpha.peers]));
    post(&alpha).await;
    beta.until("/federated/health", |health| health["events"] == 1).await;
    alpha.end();
    let key = |folder: &Path| folder.join("identity.key");
    std::fs::copy(key(folders[0].path()), key(folders[2].path())).unwrap();
    let moved = command("alpha", folders[2].path()).args(["--peers", &beta.peers]).output().unwrap();
    let said = String::from_utf8(moved.stderr).unwrap();
    assert!(!moved.status.success() && said.lines().last().unwrap().contains("identity.second.key"), "{said}");
}
