//! What HTTP says to browsers, and whom it turns away.

use crate::support::{Answer, DEADLINE, TestNode, client};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use std::collections::HashSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A request to post an event, with these headers and no others.
async fn post_as(node: &TestNode, headers: &[(&str, &[u8])]) -> u16 {
    let mut request = Request::post("/federated/events");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from_static(br#"{"beauty": 0.5}"#))).unwrap();
    let answer = client(node.http).await.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let _ = answer.into_body().collect().await.unwrap();
    status
}

/// Origins that are not this node's own, whatever it is called. PORT stands for its port.
const STRANGE_ORIGINS: [&str; 40] = [
    "null",
    "",
    "http://",
    "file://",
    "://127.0.0.1:PORT",
    "//127.0.0.1:PORT",
    "127.0.0.1:PORT",
    "127.0.0.1",
    "http:127.0.0.1:PORT",
    "http:/127.0.0.1:PORT",
    "ws://127.0.0.1:PORT",
    "ftp://127.0.0.1:PORT",
    "javascript://127.0.0.1:PORT",
    "chrome-extension://127.0.0.1:PORT",
    "HTTP ://127.0.0.1:PORT",
    "http://127.0.0.1",
    "http://127.0.0.1:80",
    "http://127.0.0.1:1",
    "http://127.0.0.1:PORT0",
    "http://127.0.0.1:0PORT",
    "http://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT?",
    "http://127.0.0.1:PORT#",
    "http://127.0.0.1:PORT.evil.example",
    "http://127.0.0.1.evil.example:PORT",
    "http://evil.example",
    "http://evil.example:PORT",
    "https://evil.example:PORT",
    "http://evil127.0.0.1:PORT",
    "http://x.127.0.0.1:PORT",
    "http://127.0.0.1:PORT@evil.example",
    "http://evil.example@127.0.0.1:PORT",
    "http://127.0.0.2:PORT",
    "http://2130706433:PORT",
    "http://0x7f.1:PORT",
    "http://[::1]:PORT",
    "http://[::ffff:127.0.0.1]:PORT",
    "http://localhost:PORT",
    "http://127.0.0.1:PORT http://127.0.0.1:PORT",
    "http://127.0.0.1:PORT, http://evil.example",
];

/// Hosts by which a page of another site could have come here (DNS rebinding), or which nobody would write.
const STRANGE_HOSTS: [&str; 14] = [
    "evil.example",
    "evil.example:PORT",
    "127.0.0.1.evil.example:PORT",
    "localhost.evil.example:PORT",
    "evil.example.localhost.example",
    "xn--localhost-9za:PORT",
    "localhost.:PORT",
    "local host:PORT",
    "2130706433:PORT",
    "0x7f000001:PORT",
    "127.1:PORT",
    "[::1].evil.example:PORT",
    "localhost@evil.example",
    "",
];

#[tokio::test(flavor = "multi_thread")]
async fn sixty_ways_to_write_from_another_site_are_refused() {
    let node = TestNode::start("alpha", &[]).await;
    let port = node.http.port().to_string();
    let own = node.http.to_string();
    let mut refused = 0;
    let mut refuse = async |headers: &[(&str, &[u8])]| {
        assert_eq!(post_as(&node, headers).await, 403, "{headers:?}");
        refused += 1;
    };
    for origin in STRANGE_ORIGINS {
        refuse(&[("host", own.as_bytes()), ("origin", origin.replace("PORT", &port).as_bytes())]).await;
    }
    for host in STRANGE_HOSTS {
        refuse(&[("host", host.replace("PORT", &port).as_bytes())]).await;
    }
    let site = format!("http://{own}");
    let (host, origin) = (("host", own.as_bytes()), ("origin", site.as_bytes()));
    refuse(&[host, ("origin", "http://127.0.0.1:\u{661}".as_bytes())]).await;
    refuse(&[host, origin, ("origin", b"http://evil.example")]).await;
    refuse(&[host, origin, ("sec-fetch-site", b"cross-site")]).await;
    refuse(&[host, ("sec-fetch-site", b"same-site")]).await;
    refuse(&[host, ("host", b"evil.example")]).await;
    refuse(&[]).await;
    assert_eq!(refused, 60);
    let health = node.get("/federated/health").await.json();
    assert_eq!(health["events"], 0, "nothing of it was taken in");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_may_write_is_refused() {
    let node = TestNode::start("alpha", &[]).await;
    let port = node.http.port();
    for name in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "192.0.2.7"] {
        let host = format!("{name}:{port}");
        for site in [None, Some(format!("http://{host}")), Some(format!("https://{host}"))] {
            let mut headers = vec![("host", host.as_bytes())];
            headers.extend(site.as_ref().map(|site| ("origin", site.as_bytes())));
            assert_eq!(post_as(&node, &headers).await, 202, "{headers:?}");
            for fetched in [&b"same-origin"[..], b"none"] {
                let headers = [&headers[..], &[("sec-fetch-site", fetched)]].concat();
                assert_eq!(post_as(&node, &headers).await, 202, "{headers:?}");
            }
        }
    }
}

/// What the node says to these words and nothing behind them.
async fn said_to(node: &TestNode, words: &str) -> String {
    let mut stream = TcpStream::connect(node.http).await.unwrap();
    stream.write_all(words.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut said)).await.expect("the node answers").unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_no_path_is_refused_in_words() {
    let node = TestNode::start("alpha", &[]).await;
    for line in ["GET example.com:80", "GET example.com", "POST 127.0.0.1:1", "OPTIONS a", "CONNECT example.com:80"] {
        let words = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let said = said_to(&node, &words).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{line}: {said}");
        assert!(said.contains("content-security-policy") && said.contains("this is no proxy"), "{line}: {said}");
    }
    let said = said_to(&node, "HEAD example.com HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    assert_eq!(node.get("/federated/map").await.status, 200);
}

fn assert_guarded(what: &str, headers: &HeaderMap) {
    assert_guarded_but(what, headers, "DENY", "same-origin");
}

/// The same, where other sites may show it in a frame or as a picture.
fn assert_guarded_but(what: &str, headers: &HeaderMap, framed: &str, used: &str) {
    let closed: &[&str] = match framed {
        "" => &["base-uri 'none'", "frame-ancestors *"],
        _ => &["base-uri 'none'", "frame-ancestors 'none'"],
    };
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", framed),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", used),
    ] {
        let value = Some(value).filter(|value| !value.is_empty());
        assert_eq!(headers.get(name).map(|v| v.to_str().unwrap()), value, "{name} of {what}");
    }
    let policies: Vec<_> = headers.get_all("content-security-policy").iter().collect();
    let [policy] = policies[..] else { panic!("{what} has {} policies", policies.len()) };
    let policy = policy.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{what}: {policy}");
    for closed in closed {
        assert!(policy.contains(closed), "{what}: {policy}");
    }
    for open in ["unsafe-inline", "'unsafe-eval'", "http:", "https:", "-src *"] {
        assert!(!policy.contains(open), "{what}: {policy}");
    }
    assert!(headers.contains_key("permissions-policy"), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_what_they_may_do_with_it() {
    let node = TestNode::start("alpha", &["--ingest-token", "a-token-for-tests"]).await;
    let asked: [(&str, &str, u16); 18] = [
        ("GET", "/", 307),
        ("GET", "/federated/map", 200),
        ("GET", "/federated/health", 200),
        ("GET", "/federated/network", 200),
        ("GET", "/federated/heatmap", 200),
        ("GET", "/federated/heatmap?buckets=x", 400),
        ("GET", "/federated/gossip/summary", 200),
        ("GET", "/federated/nope", 404),
        ("GET", "/federated/events", 405),
        ("POST", "/federated/events", 401),
        ("DELETE", "/federated/map", 405),
        ("OPTIONS", "/federated/health", 405),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("POST", "/readyz", 405),
        ("GET", "/no-such-page", 404),
        ("GET", "/pkg/no-such-file.wasm", 404),
        ("GET", "/../../etc/passwd", 404),
    ];
    for (method, path, status) in asked {
        let answer = node.request(method, path, &[], "{}").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_guarded(&format!("{method} {path}"), &answer.headers);
    }
    // Made to be shown elsewhere.
    assert_guarded_but("embed", &node.get("/federated/embed").await.headers, "", "same-origin");
    for picture in ["/federated/badge.svg", "/federated/portrait.png"] {
        let answer = node.get(picture).await;
        assert_eq!(answer.status, 200, "{picture}");
        assert_guarded_but(picture, &answer.headers, "DENY", "cross-origin");
    }
    let off = TestNode::start_with(["--node-id", "off", "--http", "127.0.0.1:0"]).await;
    assert_guarded("a call while federation is off", &off.get("/federated/health").await.headers);
    assert_guarded("the page while federation is off", &off.get("/federated/map").await.headers);
}

/// The nonce that the policy of a page allows.
fn nonce(page: &Answer) -> String {
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let (_, rest) = policy.split_once("'nonce-").expect("a page has a nonce");
    assert!(policy.contains("'wasm-unsafe-eval'"), "{policy}");
    rest.split_once('\'').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_runs_its_own_scripts_and_has_no_style_in_its_lines() {
    let node = TestNode::start("alpha", &[]).await;
    node.post(r#"[{"beauty": 0.125}, {"beauty": 0.5}]"#).await;
    let mut nonces = HashSet::new();
    for path in ["/federated/map", "/federated/embed", "/federated/map", "/no-such-page"] {
        let page = node.get(path).await;
        let (nonce, html) = (nonce(&page), String::from_utf8(page.body.to_vec()).unwrap());
        assert!(nonce.len() >= 22, "128 bits: {nonce}");
        let scripts: Vec<&str> = html.split("<script").skip(1).filter_map(|rest| rest.split('>').next()).collect();
        assert!(!scripts.is_empty());
        for script in scripts {
            assert!(script.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{script}>");
        }
        for inline in [" style=\"", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!html.contains(inline), "{path} has {inline}");
        }
        nonces.insert(nonce);
    }
    assert_eq!(nonces.len(), 4, "each answer has a nonce of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_how_long_to_wait() {
    let node = TestNode::start("alpha", &["--limit-loopback", "1"]).await;
    let mut client = client(node.http).await;
    for _ in 0..5_000 {
        let request = Request::get("/healthz").header("host", node.http.to_string());
        client.ready().await.unwrap();
        let response = client.send_request(request.body(Full::new(Bytes::new())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let answer =
            Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() };
        if answer.status != 200 {
            assert!(answer.problem(429).contains("100 times a second"));
            assert_eq!(answer.headers["retry-after"], "1");
            assert_guarded("a refusal", &answer.headers);
            // This machine is exempt unless the setting says otherwise.
            let free = TestNode::start("beta", &[]).await;
            for _ in 0..1_000 {
                assert_eq!(free.get("/healthz").await.status, 200);
            }
            return;
        }
    }
    panic!("5,000 requests in a row were answered");
}
