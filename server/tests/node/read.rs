//! The API's reading side, and the page.

use crate::support::TestNode;
use serde_json::{Value, json};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_no_events_what_is_empty_is_null_and_not_zero() {
    let node = TestNode::start("alpha", &[]).await;
    let health = node.get("/federated/health").await.json();
    for name in ["beauty_avg", "beauty_min", "beauty_max", "chaos"] {
        assert_eq!(health[name], Value::Null, "{name}");
    }
    assert_eq!((&health["status"], &health["node_id"], &health["events"]), (&json!("ok"), &json!("alpha"), &json!(0)));
    assert_eq!(health["digest"].as_str().unwrap(), "0".repeat(64));
    for name in ["public_key", "version", "uptime_seconds", "peers", "gossip_seen", "gossip_propagated", "nodes"] {
        assert!(!health[name].is_null(), "{name}");
    }
    let summary = node.get("/federated/gossip/summary").await.json();
    assert_eq!(keys(&summary), ["duplicates", "propagated", "redundancy", "rejected", "seen", "total"]);
    assert_eq!(summary["redundancy"], Value::Null);
    let network = json!({
        "node_id": "alpha", "peers": [], "gone": [], "banned": [], "turned_away": [], "cheats": [], "places": [], "vouched": [],
    });
    assert_eq!(node.get("/federated/network").await.json(), network);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heatmap_has_as_many_buckets_as_asked_for_each_as_long_as_asked() {
    let node = TestNode::start("alpha", &[]).await;
    node.post(r#"[{"beauty": 0.25}, {"beauty": 0.75}]"#).await;
    // Two buckets at least: between the post and the question the newest may have become the second.
    for (query, seconds, buckets) in
        [("", 10, 40), ("?buckets=2", 10, 2), ("?resolution=1d", 86_400, 40), ("?buckets=7&resolution=1m", 60, 7)]
    {
        let map = node.get(&format!("/federated/heatmap{query}")).await.json();
        assert_eq!((&map["resolution_seconds"], map["buckets"].as_array().unwrap().len()), (&json!(seconds), buckets));
        let last = map["buckets"].as_array().unwrap().iter().rfind(|bucket| bucket["count"] == 2).unwrap();
        assert_eq!((&last["avg"], &last["min"], &last["max"]), (&json!(0.5), &json!(0.25), &json!(0.75)));
        assert_eq!((&last["chaos"], last["histogram"].as_array().unwrap().len()), (&json!(0.5), 20));
        assert_eq!(
            (&map["nodes"][0]["node_id"], map["nodes"][0]["avg"].as_array().unwrap().len()),
            (&json!("alpha"), buckets)
        );
    }
    let one = node.get("/federated/heatmap?buckets=1").await.json();
    assert_eq!(one["buckets"].as_array().unwrap().len(), 1);
    for query in
        ["?buckets=0", "?buckets=x", "?buckets=1000000", "?resolution=2s", "?bukets=40", "?buckets=1&buckets=2"]
    {
        node.get(&format!("/federated/heatmap{query}")).await.problem(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_is_shown_as_it_was_if_it_has_been_with_numbers_of_the_columns_that_are_shown() {
    let node = TestNode::start("alpha", &[]).await;
    let then = node.get("/federated/health").await.json()["now"].as_u64().unwrap() - 3_600_000;
    node.post(format!(r#"[{{"beauty": 0.25, "timestamp": {then}}}, {{"beauty": 0.75}}]"#)).await;
    let now = node.get("/federated/health").await.json()["now"].as_u64().unwrap();
    let (hours, seconds) = (40 * 3_600, 400);
    for (query, at, window, mean) in [
        (String::new(), None, seconds, 0.75),
        ("?resolution=1h".to_owned(), None, hours, 0.5),
        (format!("?resolution=1h&at={now}"), Some(now), hours, 0.5),
        (format!("?at={}", then + 1_000), Some(then + 1_000), seconds, 0.25),
        ("?resolution=1h&at=9999999999999".to_owned(), None, hours, 0.5),
    ] {
        let moment = node.get(&format!("/federated/moment{query}")).await.json();
        let health = &moment["health"];
        assert_eq!((&moment["at"], moment["run"].as_u64().unwrap() > 0), (&json!(at), at.is_none()), "{query}");
        assert_eq!((&health["window_seconds"], &health["beauty_avg"]), (&json!(window), &json!(mean)), "{query}");
    }
    node.get("/federated/moment?at=now").await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_written_map_is_never_older_than_the_last_event() {
    let node = TestNode::start("alpha", &[]).await;
    for count in 1..=50 {
        node.post(r#"{"beauty": 0.5}"#).await;
        let map = node.get("/federated/heatmap").await.json();
        let counted: u64 =
            map["buckets"].as_array().unwrap().iter().map(|bucket| bucket["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_paths_and_methods_get_problems() {
    let node = TestNode::start("alpha", &[]).await;
    assert!(node.get("/federated/nope").await.problem(404).contains("/federated/health"));
    let answer = node.request("DELETE", "/federated/health", &[], "").await;
    assert!(answer.problem(405).contains("GET"));
    assert_eq!(answer.headers["allow"], "GET");
    assert!(node.get("/federated/events").await.problem(405).contains("POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_the_page_is_served_and_every_call_says_how_to_switch_it_on() {
    let node = TestNode::start_with(["--node-id", "off", "--http", "127.0.0.1:0", "--port", "0"]).await;
    assert!(node.peers.is_none());
    for (method, path) in [
        ("GET", "health"),
        ("GET", "network"),
        ("GET", "heatmap"),
        ("GET", "gossip/summary"),
        ("POST", "events"),
        ("GET", "stream"),
        ("GET", "nope"),
    ] {
        let answer = node.request(method, &format!("/federated/{path}"), &[], "{}").await;
        assert!(answer.problem(503).contains("FEDERATED_ENABLE=1"), "{path}");
    }
    let page = node.get("/federated/map").await;
    assert_eq!(page.status, 200);
    assert!(String::from_utf8_lossy(&page.body).contains("FEDERATED_ENABLE=1"));
    assert_eq!(node.get("/healthz").await.status, 200);
    assert_eq!(node.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_rendered_with_the_numbers_that_the_api_gives() {
    let node = TestNode::start("alpha", &[]).await;
    node.post(r#"[{"beauty": 0.125}, {"beauty": 0.5}]"#).await;
    let home = node.get("/").await;
    assert_eq!((home.status.as_u16(), home.headers["location"].to_str().unwrap()), (307, "/federated/map"));
    let page = node.get("/federated/map").await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    let digest = node.get("/federated/health").await.json()["digest"].as_str().unwrap().to_owned();
    for expected in ["0.125", "0.500", "alpha", &digest, "<noscript>"] {
        assert!(html.contains(expected), "{expected} is not on the page");
    }
    assert_eq!(node.get("/no-such-page").await.status, 404);
    assert_eq!(node.get("/../Cargo.toml").await.status, 404);
}
