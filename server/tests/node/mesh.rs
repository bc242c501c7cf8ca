//! Nodes among themselves.

use crate::support::{DEADLINE, TestNode};
use serde_json::json;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_on_different_input_show_one_map() {
    let nodes = TestNode::mesh(&["alpha", "beta", "gamma"]).await;
    for (index, node) in nodes.iter().enumerate() {
        let events: Vec<_> =
            (0..20).map(|n| json!({ "beauty": f64::from(n) / 20.0, "source": format!("s{index}") })).collect();
        assert_eq!(node.post(serde_json::to_vec(&events).unwrap()).await.status, 202);
    }
    let mut maps = Vec::new();
    for node in &nodes {
        let health = node.until("/federated/health", |health| health["events"] == 60).await;
        assert_eq!(health["nodes"], 3);
        let map = node.get("/federated/heatmap?resolution=1h").await.json();
        assert_eq!(map["digest"], health["digest"]);
        maps.push(map);
    }
    assert!(maps.iter().all(|map| map == &maps[0]), "equal to the byte");
    let names: Vec<_> = maps[0]["nodes"].as_array().unwrap().iter().map(|row| row["node_id"].clone()).collect();
    assert_eq!(names, ["alpha", "beta", "gamma"]);
    for node in &nodes {
        // One machine, one clock.
        let right =
            |health: &serde_json::Value| health["clock_ahead_ms"].as_i64().is_some_and(|ahead| ahead.abs() < 2_000);
        node.until("/federated/health", right).await;
        let in_sync = |peer: &serde_json::Value| peer["in_sync"] == true && peer["events"] == 60;
        node.until("/federated/network", |network| network["peers"].as_array().unwrap().iter().all(in_sync)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_nodes_that_both_dial_keeps_one_connection_and_measures_it() {
    let alpha = TestNode::start("alpha", &[]).await;
    let beta = TestNode::start("beta", &["--peers", &alpha.address()]).await;
    let network = alpha
        .until("/federated/network", |network| {
            network["peers"][0]["rtt_ms"].is_number() && network["peers"][0]["node_id"] == "beta"
        })
        .await;
    let peer = &network["peers"][0];
    assert_eq!(network["peers"].as_array().unwrap().len(), 1);
    assert_eq!((&peer["node_id"], &peer["direction"]), (&json!("beta"), &json!("inbound")));
    assert_eq!(peer["address"], json!(beta.address()), "where it can be dialled, not where it dialled from");
    assert_eq!((&peer["state"], &peer["dialect"]), (&json!("connected"), &json!("v2")));
    assert!(peer["sent"].as_u64() > Some(0) && peer["received"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_learned_from_peers() {
    let alpha = TestNode::start("alpha", &[]).await;
    let beta = TestNode::start("beta", &["--peers", &alpha.address()]).await;
    let gamma = TestNode::start("gamma", &["--peers", &beta.address()]).await;
    gamma.until("/federated/health", |health| health["peers"] == 2).await;
    alpha.until("/federated/health", |health| health["peers"] == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ends_leaves_the_list_and_one_that_starts_comes_onto_it_and_gets_what_it_missed() {
    let alpha = TestNode::start("alpha", &[]).await;
    let beta = TestNode::start("beta", &["--peers", &alpha.address()]).await;
    alpha.until("/federated/health", |health| health["peers"] == 1).await;
    beta.end().await;
    alpha.until("/federated/health", |health| health["peers"] == 0).await;
    let gone = |network: &serde_json::Value| network["gone"][0]["node_id"].as_str().map(str::to_owned);
    alpha.until("/federated/network", |network| gone(network).as_deref() == Some("beta")).await;
    let events: Vec<_> = (0..900).map(|_| json!({ "beauty": 0.5 })).collect();
    assert_eq!(alpha.post(serde_json::to_vec(&events).unwrap()).await.status, 202);
    let beta = TestNode::start("beta", &["--peers", &alpha.address()]).await;
    beta.until("/federated/health", |health| health["events"] == 900).await;
    alpha.until("/federated/network", |network| gone(network).is_none()).await;
    let digest = |health: &serde_json::Value| health["digest"].clone();
    assert_eq!(
        digest(&alpha.get("/federated/health").await.json()),
        digest(&beta.get("/federated/health").await.json())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_meshes_with_other_names_do_not_speak() {
    let alpha = TestNode::start("alpha", &["--mesh", "one"]).await;
    let beta = TestNode::start("beta", &["--mesh", "two", "--peers", &alpha.address()]).await;
    let start = Instant::now();
    // The dial is answered and refused; both go on, each by itself.
    alpha.post(r#"{"beauty":1}"#).await;
    while start.elapsed() < DEADLINE / 20 {
        assert_eq!(beta.get("/federated/health").await.json()["events"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_goes_out_before_the_node_ends() {
    for _ in 0..5 {
        let mut nodes = TestNode::mesh(&["alpha", "beta"]).await;
        let beta = nodes.pop().unwrap();
        for _ in 0..2 {
            assert_eq!(nodes[0].post(r#"{"beauty": 0.5}"#).await.status, 202);
        }
        nodes.remove(0).end().await;
        beta.until("/federated/health", |health| health["events"] == 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_node_is_comes_everywhere_rounded_and_is_taken_back_when_it_says_so_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let kept = ["--data-dir", folder.path().to_str().unwrap()];
    let beta = TestNode::start("beta", &["--location", "-33.8688,151.2093"]).await;
    let (to_beta, there) = (["--peers", &beta.address()], ["--location", "52.5163,13.3777"]);
    let alpha = TestNode::start("alpha", &[&kept[..], &to_beta, &there].concat()).await;
    let gamma = TestNode::start("gamma", &to_beta).await;
    let place =
        |name: &str, latitude, longitude: f64| json!({ "node_id": name, "latitude": latitude, "longitude": longitude });
    let sydney = place("beta", -33.9, 151.2);
    let told = json!([place("alpha", 52.5, 13.4), sydney]);
    for node in [&alpha, &beta, &gamma] {
        node.until("/federated/network", |network| network["places"] == told).await;
    }
    alpha.end().await;
    let alpha = TestNode::start("alpha", &[&kept[..], &to_beta].concat()).await;
    for node in [&alpha, &beta, &gamma] {
        node.until("/federated/network", |network| network["places"] == json!([sydney])).await;
    }
}
