//! Names, sources and scores that are markup, or would move the cursor of whoever reads the log.

use crate::process::{Process, ask, command};
use futures_util::SinkExt;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message as Frame;
use uuid::Uuid;

/// What browsers, terminals and readers of logs are known to take for more than text. `#` is where a number goes.
const PAYLOADS: [&str; 25] = [
    "<script>x#()</script>",
    "</script><script>x#()//",
    "<img src=x onerror=x#()>",
    "\"><svg onload=x#()>",
    "' onmouseover='x#()",
    "\" autofocus onfocus=\"x#()",
    "<!--x#--><b>",
    "]]><x#>",
    "&lt;b&gt;x#",
    "&#60;x#&#62;",
    "\\u003cx#\\u003e",
    "</title><x#>",
    "</style><x#>",
    "<x# style=color:red>",
    "javascript:x#()",
    "data:text/html,<x#>",
    "{{x#}}${x#}",
    "x#\u{2028}y\u{2029}z",
    "x#\u{202e}txt.exe",
    "x#\u{2066}y",
    "x#\u{1b}[31mred",
    "x#\r\nSet-Cookie: a=b",
    "x#\nforged log line",
    "x#\0y",
    "x#\u{9b}2J",
];

/// A thousand: each by itself, as it is and with its letters in the other case, and each behind each other one.
fn payloads() -> Vec<String> {
    let kinds = PAYLOADS.len();
    let turned = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let one = |n: usize| match (n / kinds) % 2 {
        0 => PAYLOADS[n % kinds].to_owned(),
        _ => PAYLOADS[n % kinds].chars().map(turned).collect(),
    };
    let two = |n: usize| [PAYLOADS[n / kinds], PAYLOADS[n % kinds]].concat();
    let all = (0..AMOUNT - kinds * kinds).map(one).chain((0..kinds * kinds).map(two));
    all.enumerate().map(|(n, payload)| payload.replace('#', &n.to_string())).collect()
}

/// How many payloads there are, and how long a name or a source may be.
const AMOUNT: usize = 1_000;
const LONGEST: usize = 64;

/// What no log and no page may hold as it is: what moves the cursor, or turns the direction of the text.
fn is_dangerous(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What stands in tags outside of quotes, but not in scripts: names of tags and of attributes.
fn attributes(page: &str) -> String {
    let mut found = String::new();
    for part in page.split("<script") {
        // The first part has no script before it; each other begins in one.
        let part = part.split_once("</script>").map_or(part, |(_, rest)| rest);
        let (mut in_tag, mut quote) = (false, None);
        for c in part.chars() {
            match (in_tag, quote, c) {
                (false, _, '<') => in_tag = true,
                (true, None, '>') => in_tag = false,
                (true, None, '"' | '\'') => quote = Some(c),
                (true, Some(open), close) if open == close => quote = None,
                (true, None, c) => found.push(c),
                _ => {}
            }
        }
    }
    found
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn names_sources_and_scores_that_are_markup_are_text_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Process::start(
        command("alpha", folder.path()).args(["--unsigned", "accept"]).env("RUST_LOG", "debug,hyper=info"),
    );
    let log = node.log_in_the_background();
    let (mut script, _) = connect_async(&node.peers).await.unwrap();
    let (mut client, mut taken, mut refused) = (node.client().await, 0, 0);
    for payload in payloads() {
        // As a name, from a peer.
        let event = json!({ "event_id": Uuid::new_v4(), "node_id": payload, "timestamp": now(), "beauty": 0.5,
                            "source": payload });
        let frame = json!({ "type": "gossip", "subtype": "beauty_event", "ttl": 10, "event": event });
        if script.send(Frame::text(frame.to_string())).await.is_err() {
            // Names that can't be are mistakes, and many of them too many.
            script = connect_async(&node.peers).await.unwrap().0;
        }
        // As a source, and as a score, from whoever may post.
        let source =
            ask(&mut client, "POST", "/federated/events", json!({ "beauty": 0.5, "source": payload }).to_string());
        match source.await.expect("an answer").status.as_u16() {
            202 => taken += 1,
            400 | 422 => refused += 1,
            status => panic!("{payload:?}: {status}"),
        }
        let score = ask(&mut client, "POST", "/federated/events", json!({ "beauty": payload }).to_string());
        let score = score.await.expect("an answer");
        assert!(score.status.is_client_error());
        assert_eq!(score.headers["content-type"], "application/problem+json");
        assert_eq!(score.headers["x-content-type-options"], "nosniff");
    }
    let is_plain = |payload: &&String| {
        !payload.contains(is_dangerous) && !payload.contains('\n') && payload.chars().count() <= LONGEST
    };
    let plain = payloads().iter().filter(is_plain).count();
    assert_eq!((payloads().len(), payloads().into_iter().collect::<BTreeSet<_>>().len()), (AMOUNT, AMOUNT));
    assert_eq!(taken, plain, "what is printable is taken, {refused} were refused");
    node.until("/federated/health", |health| health["events"].as_u64() >= Some(plain as u64)).await;

    let page = String::from_utf8(node.get("/federated/map").await.body.to_vec()).unwrap();
    assert!(page.contains("x0()") || page.contains("x2()"), "names are on the page: {page}");
    for payload in payloads().iter().filter(|payload| payload.contains(['<', '>'])) {
        assert!(!page.contains(payload.as_str()), "{payload:?} is on the page as it was sent");
    }
    let lower = page.to_ascii_lowercase();
    for tag in ["<x", "<svg onload", "<img src=x", "<script>x"] {
        assert!(!lower.contains(tag), "{tag} is on the page");
    }
    let attributes = attributes(&page).to_ascii_lowercase();
    for handler in ["onmouseover", "onfocus", "autofocus", "onload", "onerror"] {
        assert!(!attributes.contains(handler), "{handler} is an attribute on the page");
    }
    // Tabs are those of the framework's own script: no payload that has one is taken.
    let dangerous =
        page.find(|c| is_dangerous(c) && c != '\t').map(|at| page[at..].chars().take(40).collect::<String>());
    assert_eq!(dangerous, None, "control characters are on the page");

    for path in [
        "/federated/health",
        "/federated/network",
        "/federated/nodes",
        "/federated/heatmap",
        "/federated/gossip/summary",
    ] {
        let answer = node.get(path).await;
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(!text.contains(is_dangerous), "{path}: {text:?}");
        let _: Value = serde_json::from_str(&text).unwrap();
    }
    drop(script);
    let log = log.lock().unwrap().clone();
    assert!(!log.contains(is_dangerous), "{:?}", log.lines().find(|line| line.contains(is_dangerous)));
    assert!(!log.lines().any(|line| line.starts_with("forged")), "a line of the log is a peer's");
    println!(
        "markup: {} payloads as names, sources and scores; {taken} are text in page and API, {refused} were refused; \
         none was anything else in page, API or log",
        payloads().len()
    );
}
