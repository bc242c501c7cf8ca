//! `POST /federated/events`: what is taken, and in which words the rest is not.

use crate::support::TestNode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn one_event_or_a_list_is_taken_and_its_ids_come_back() {
    let node = TestNode::start("alpha", &[]).await;
    let one = node.post(r#"{"beauty": 0.5}"#).await;
    assert_eq!(one.status, 202);
    let id = one.json()["event_ids"][0].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    assert_eq!(id.get_version_num(), 7);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let list = json!([{ "beauty": 0, "timestamp": now - 60_000 }, { "beauty": 1, "source": "mood" }]);
    let list = node.post(list.to_string()).await.json();
    assert_eq!((&list["accepted"], list["event_ids"].as_array().unwrap().len()), (&json!(2), 2));
    let health = node.get("/federated/health").await.json();
    assert_eq!((&health["events"], &health["beauty_avg"]), (&json!(3), &json!(0.5)));
    assert_eq!((&health["beauty_min"], &health["beauty_max"]), (&json!(0.0), &json!(1.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_get_the_right_status_and_a_sentence() {
    let node = TestNode::start("alpha", &[]).await;
    for (body, status, words) in [
        ("", 400, "empty"),
        ("  \n", 400, "empty"),
        ("beauty", 400, "not JSON"),
        (r#"{"beauty": 0.5"#, 400, "not JSON"),
        (r#"{"beauty": NaN}"#, 400, "not JSON"),
        ("[]", 422, "1 to 1000"),
        ("7", 422, "object"),
        ("{}", 422, "missing"),
        (r#"{"beauty": "high"}"#, 422, "beauty"),
        (r#"{"beauty": null}"#, 422, "beauty"),
        (r#"{"beauty": 1.01}"#, 422, "[0, 1]"),
        (r#"{"beauty": -0.1}"#, 422, "[0, 1]"),
        (r#"{"beauty": 1e400}"#, 400, "not JSON"),
        (r#"{"beauty": 0.5, "beuaty": 1}"#, 422, "beuaty"),
        (r#"{"beauty": 0.5, "source": 7}"#, 422, "source"),
        (r#"{"beauty": 0.5, "timestamp": "yesterday"}"#, 422, "RFC 3339"),
        (r#"{"beauty": 0.5, "timestamp": -1}"#, 422, "timestamp"),
        (r#"{"beauty": 0.5, "timestamp": "2099-01-01T00:00:00Z"}"#, 422, "future"),
        (r#"{"beauty": 0.5, "timestamp": 1}"#, 422, "7 d are kept"),
    ] {
        let problem = node.post(body).await.problem(status);
        assert!(problem.contains(words), "{body}: {problem}");
    }
    let huge = node.post(vec![b' '; 10_000_000]).await.problem(413);
    assert!(huge.contains("65536"), "{huge}");
    assert_eq!(node.get("/federated/health").await.json()["events"], 0, "nothing half done");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_list_the_answer_says_which_entry_and_nothing_is_taken() {
    let node = TestNode::start("alpha", &[]).await;
    let list = json!([{ "beauty": 0.5 }, { "beauty": 2 }, { "beauty": 0.5, "timestamp": 1 }, {}]);
    let answer = node.post(list.to_string()).await;
    assert!(answer.problem(422).contains("entry 1"));
    let indices: Vec<Value> =
        answer.json()["errors"].as_array().unwrap().iter().map(|error| error["index"].clone()).collect();
    assert_eq!(indices, [1, 3]);
    let late = json!([{ "beauty": 0.5 }, { "beauty": 0.5, "timestamp": 1 }]);
    let answer = node.post(late.to_string()).await;
    assert!(answer.problem(422).contains("entry 1"));
    assert_eq!(node.get("/federated/health").await.json()["events"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_token_is_set_it_is_needed() {
    let node = TestNode::start("alpha", &["--ingest-token", "correct-horse"]).await;
    let body = r#"{"beauty": 0.5}"#;
    for wrong in ["", "Bearer", "Bearer wrong", "Basic correct-horse", "correct-horse", "Bearer correct-horse2"] {
        let answer = node.request("POST", "/federated/events", &[("authorization", wrong)], body).await;
        assert!(answer.problem(401).contains("FEDERATED_INGEST_TOKEN"));
    }
    let answer = node.request("POST", "/federated/events", &[("authorization", "Bearer correct-horse")], body).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_may_not_post() {
    let node = TestNode::start("alpha", &[]).await;
    for (origin, status) in [("http://evil.example", 403), ("null", 403), (&*format!("http://{}", node.http), 202)] {
        let answer = node.request("POST", "/federated/events", &[("origin", origin)], r#"{"beauty": 0.5}"#).await;
        assert_eq!(answer.status.as_u16(), status, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_anybody_could_point_here_is_not_answered_to() {
    let node = TestNode::start("alpha", &[]).await;
    let headers = [("host", "evil.example:8080"), ("origin", "http://evil.example:8080")];
    let mut client = crate::support::client(node.http).await;
    let mut request = hyper::Request::post("/federated/events");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let body = http_body_util::Full::new(hyper::body::Bytes::from(r#"{"beauty": 0.5}"#));
    assert_eq!(client.send_request(request.body(body).unwrap()).await.unwrap().status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_through_a_proxy_on_this_machine_is_not_on_it() {
    let body = r#"{"beauty": 0.5}"#;
    let (open, with_token) =
        (TestNode::start("alpha", &[]).await, TestNode::start("beta", &["--ingest-token", "correct-horse"]).await);
    for header in ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"] {
        let answer = open.request("POST", "/federated/events", &[(header, "203.0.113.9")], body).await;
        let words = answer.problem(403);
        assert!(words.contains("proxy") && words.contains("FEDERATED_INGEST_TOKEN"), "{words}");
        let headers = [(header, "203.0.113.9"), ("authorization", "Bearer correct-horse")];
        assert_eq!(with_token.request("POST", "/federated/events", &headers, body).await.status, 202);
    }
}
