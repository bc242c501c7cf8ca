//! A key that signs two different bundles under one number: all nodes take in both, show the proof, and keep it.

use crate::forged::{bundle, peer, pushed, say};
use crate::support::TestNode;
use futures_util::SinkExt;
use gossip::{Bundle, Keypair, OriginId, PublicKey, Signature, bundle_bytes, json};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message as Frame;

/// Two bundles of one number, both signed by this key.
fn two(pair: &Keypair) -> [Bundle; 2] {
    let one = bundle(pair, "beauty", "cheat");
    let mut other = Bundle { id: one.id, ..bundle(pair, "beauty", "cheat") };
    other.signature = pair.sign(&bundle_bytes("beauty", &other));
    [one, other]
}

/// A script hands a node a bundle.
async fn hand(node: &TestNode, bundle: &Bundle) {
    let text = json::encode(&pushed(bundle.clone())).unwrap();
    node.script().await.send(Frame::text(text)).await.unwrap();
}

/// What a node is to show of a cheat, but for since when.
async fn shown(node: &TestNode, pair: &Keypair, bundles: &[Bundle; 2]) -> Value {
    let network = node.until("/federated/network", |network| network["cheats"][0].is_object()).await;
    let cheat = network["cheats"][0].clone();
    let mut hashes = bundles.each_ref().map(|bundle| hex::encode(bundle.hash().0));
    hashes.sort();
    let key = hex::encode(pair.origin().0);
    let right = json!({
        "node_id": "cheat", "public_key": key, "seq": bundles[0].id.seq, "hashes": hashes, "since": cheat["since"],
    });
    assert_eq!(cheat, right);
    assert_eq!(node.get("/federated/cheats").await.json(), json!([right]));
    cheat
}

#[tokio::test(flavor = "multi_thread")]
async fn both_bundles_count_everywhere_and_the_mark_is_shown_proven_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let alpha = TestNode::start("alpha", &[]).await;
    let words = ["--peers", &alpha.address(), "--data-dir", data_dir];
    let beta = TestNode::start("beta", &words).await;
    beta.until("/federated/health", |health| health["peers"] == 1).await;
    let pair = Keypair::from_seed(&[11; 32]);
    let bundles = two(&pair);
    hand(&alpha, &bundles[0]).await;
    hand(&beta, &bundles[1]).await;
    let mut digests = Vec::new();
    for node in [&alpha, &beta] {
        digests.push(node.until("/federated/health", |health| health["events"] == 2).await["digest"].clone());
        shown(node, &pair, &bundles).await;
        is_proven(node, &pair, &bundles).await;
    }
    assert_eq!(digests[0], digests[1]);
    let since = shown(&beta, &pair, &bundles).await;
    beta.end().await;
    let beta = TestNode::start("beta", &words).await;
    assert_eq!(shown(&beta, &pair, &bundles).await, since, "a restart forgets nothing");
    is_proven(&beta, &pair, &bundles).await;
    assert_eq!(beta.get("/federated/health").await.json()["digest"], digests[0]);
    // Who comes later is told.
    let gamma = TestNode::start("gamma", &["--peers", &beta.address()]).await;
    gamma.until("/federated/health", |health| health["events"] == 2).await;
    shown(&gamma, &pair, &bundles).await;
}

/// What a node answers is a proof to anybody who knows Ed25519, and nothing else of this project.
async fn is_proven(node: &TestNode, pair: &Keypair, bundles: &[Bundle; 2]) {
    let path = format!("/federated/cheats/{}", hex::encode(pair.origin().0));
    let proof = node.until(&path, |proof| proof["bundles"].is_array()).await;
    assert_eq!((&proof["mesh"], &proof["seq"]), (&json!("beauty"), &json!(bundles[0].id.seq)));
    let unhex = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    let key = OriginId(unhex(&proof["public_key"]).try_into().unwrap());
    let key = PublicKey::decode(&key).unwrap();
    let signed = [0, 1].map(|n| unhex(&proof["bundles"][n]["signed"]));
    for (n, signed) in signed.iter().enumerate() {
        let signature = Signature(unhex(&proof["bundles"][n]["signature"]).try_into().unwrap());
        assert!(key.verify(signed, &signature));
    }
    // The domain, the mesh's name, the origin and the number are the same; what follows is not.
    let head = 20 + 2 + "beauty".len() + 32 + 8;
    assert_eq!(signed[0][..head], signed[1][..head]);
    assert_ne!(signed[0], signed[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_forges_a_second_bundle_neither_marks_its_origin_nor_takes_its_place() {
    let node = TestNode::start("alpha", &[]).await;
    let (pair, forger) = (Keypair::from_seed(&[12; 32]), Keypair::from_seed(&[13; 32]));
    let [one, other] = two(&pair);
    let mut socket = peer(&node, &forger).await;
    // Before the true one comes, and after it.
    let forged = Bundle { signature: forger.sign(&bundle_bytes("beauty", &other)), ..other };
    for bundle in [&forged, &one, &forged] {
        say(&mut socket, pushed(bundle.clone())).await;
    }
    let rejected = |summary: &Value| summary["rejected"] == json!({ "bad_signature": 2 });
    node.until("/federated/gossip/summary", rejected).await;
    assert_eq!(node.get("/federated/health").await.json()["events"], 1);
    assert_eq!(node.get("/federated/network").await.json()["cheats"], json!([]));
    let path = format!("/federated/cheats/{}", hex::encode(pair.origin().0));
    assert_eq!(node.get(&path).await.status, 404);
    assert_eq!(node.get("/federated/cheats/nobody").await.status, 400);
}
