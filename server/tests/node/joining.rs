//! Who may join, on real sockets and between real processes: each reason with its number, in the logs and in the API.

use crate::process::{Process, command};
use crate::support::{DEADLINE, Socket, TestNode, join, offer, open_terms};
use futures_util::{SinkExt, StreamExt};
use gossip::join::{Channel, Joining, Refusal, SCRIPTS, Secret, Terms};
use gossip::{Direction, Hello, InstanceId, Keypair, Message, wire};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use uuid::Uuid;

const SECRET: &str = "f2ca1bb6c7e907d06dafe4687e579fce";
const OUTBOUND: Direction = Direction::Outbound;
const INBOUND: Direction = Direction::Inbound;

fn pair(number: u8) -> Keypair {
    Keypair::from_seed(&[number; 32])
}

fn terms(number: u8, secret: Option<&str>) -> Terms {
    Terms { secret: secret.map(|secret| Secret::new(secret.as_bytes())), ..open_terms(&pair(number)) }
}

/// One side of a handshake, and what it says first if it dials.
fn begin(terms: &Terms, direction: Direction) -> (Joining, Option<String>) {
    Joining::begin(Arc::new(terms.clone()), direction, Channel::Plain, rand::random())
}

/// By which refusal the other side closes.
async fn refused<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
) -> Option<Refusal> {
    let closed = async {
        loop {
            match socket.next().await {
                Some(Ok(Frame::Close(frame))) => {
                    let frame = frame.expect("a reason");
                    let refusal = Refusal::of_code(frame.code.into());
                    assert_eq!(refusal.map(|refusal| refusal.to_string()), Some(frame.reason.to_string()));
                    return refusal;
                }
                Some(Ok(_)) => {}
                other => panic!("closed without a reason: {other:?}"),
            }
        }
    };
    tokio::time::timeout(DEADLINE, closed).await.expect("it is closed")
}

/// What a socket hears next.
async fn heard(socket: &mut Socket) -> String {
    let text = async {
        loop {
            if let Frame::Text(text) = socket.next().await.unwrap().unwrap() {
                return text.to_string();
            }
        }
    };
    tokio::time::timeout(DEADLINE, text).await.expect("an answer")
}

/// The row of this reason, in what a node says of its network.
async fn turned_away(node: &TestNode, refusal: Refusal) -> Value {
    let row = |network: &Value| {
        let rows = network["turned_away"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["reason"] == refusal.reason())
    };
    let network = node.until("/federated/network", |network| row(network).is_some()).await;
    row(&network).unwrap()
}

fn hello(name: &str) -> Frame {
    let (node_id, mesh, instance) = (name.to_owned(), "beauty".to_owned(), InstanceId(Uuid::new_v4()));
    let hello = Hello { mesh, node_id, instance, port: 1, tls: false, digest: None };
    Frame::binary(wire::encode(&Message::Hello(hello)).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_one_secret_are_peers_that_have_proven_their_keys() {
    let alpha = TestNode::start("alpha", &["--secret", SECRET]).await;
    let beta = TestNode::start("beta", &["--secret", SECRET, "--peers", &alpha.address()]).await;
    let keys = [alpha.get("/federated/health").await.json(), beta.get("/federated/health").await.json()];
    for (node, other) in [(&alpha, &keys[1]), (&beta, &keys[0])] {
        let network = node.until("/federated/network", |network| network["peers"].as_array().unwrap().len() == 1).await;
        assert_eq!(network["peers"][0]["public_key"], other["public_key"]);
        assert_eq!(network["turned_away"], json!([]));
    }
    beta.end().await;
    alpha.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_not_to_join_is_closed_with_its_own_reason_and_told() {
    let node = TestNode::start("alpha", &["--secret", SECRET]).await;
    let dial = || offer_v2(&node);
    let mesh = Terms { mesh: "ugly".to_owned(), ..terms(2, Some(SECRET)) };
    for (terms, refusal) in [
        (terms(2, Some("another secret, 32 bytes of it..")), Refusal::WrongSecret),
        (terms(2, None), Refusal::OneSecret),
        (mesh, Refusal::OtherMesh),
    ] {
        assert_eq!(join(&mut dial().await, &terms, OUTBOUND).await, Err(refusal.code()));
        let row = turned_away(&node, refusal).await;
        assert_eq!(
            (&row["address"], &row["direction"], &row["by_peer"]),
            (&json!("127.0.0.1"), &json!("inbound"), &json!(false))
        );
        assert_eq!(
            (&row["why"], &row["public_key"]),
            (&json!(refusal.to_string()), &json!(hex::encode(pair(2).origin().0)))
        );
    }
    // A hello without a proof, as by earlier versions; a script's event; and no frame at all that is known.
    for frame in [hello("old"), Frame::text(r#"{"type":"gossip","subtype":"beauty_event","event":{}}"#)] {
        let mut socket = dial().await;
        socket.send(frame).await.unwrap();
        assert_eq!(refused(&mut socket).await, Some(Refusal::NotJoining));
    }
    let mut socket = dial().await;
    socket.send(Frame::text("{")).await.unwrap();
    assert_eq!(refused(&mut socket).await, Some(Refusal::Shape));
    let mut socket = dial().await;
    let hail = begin(&terms(2, Some(SECRET)), OUTBOUND).1.unwrap();
    socket.send(Frame::text(hail.replace(r#""version":1"#, r#""version":2"#))).await.unwrap();
    assert_eq!(refused(&mut socket).await, Some(Refusal::Version));
    // A key that it does not hold.
    let mut socket = dial().await;
    socket
        .send(Frame::text(hail.replace(&hex::encode(pair(2).origin().0), &hex::encode(pair(3).origin().0))))
        .await
        .unwrap();
    let node_hail = heard(&mut socket).await;
    let (mut joining, _) = begin(&terms(2, Some(SECRET)), OUTBOUND);
    socket.send(Frame::text(joining.on_frame(&node_hail).unwrap().say.unwrap())).await.unwrap();
    assert_eq!(refused(&mut socket).await, Some(Refusal::Unproven));
    for refusal in [Refusal::NotJoining, Refusal::Shape, Refusal::Version, Refusal::Unproven] {
        turned_away(&node, refusal).await;
    }
    assert_eq!(node.get("/federated/health").await.json()["peers"], 0);
    node.end().await;
}

async fn offer_v2(node: &TestNode) -> Socket {
    offer(&node.address(), wire::SUBPROTOCOL).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_was_recorded_opens_nothing() {
    let node = TestNode::start("alpha", &["--secret", SECRET]).await;
    let mut socket = offer_v2(&node).await;
    let (mut joining, hail) = begin(&terms(2, Some(SECRET)), OUTBOUND);
    let mut recorded = vec![hail.unwrap()];
    socket.send(Frame::text(&recorded[0])).await.unwrap();
    recorded.push(joining.on_frame(&heard(&mut socket).await).unwrap().say.unwrap());
    socket.send(Frame::text(&recorded[1])).await.unwrap();
    assert!(joining.on_frame(&heard(&mut socket).await).unwrap().joined.is_some(), "it was good the first time");
    let mut socket = offer_v2(&node).await;
    for text in &recorded {
        socket.send(Frame::text(text)).await.unwrap();
    }
    assert_eq!(refused(&mut socket).await, Some(Refusal::Replayed));
    turned_away(&node, Refusal::Replayed).await;
}

/// A listener that agrees on the subprotocol, and what the node that is dialling it says.
async fn accepted(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = tokio::time::timeout(DEADLINE, listener.accept()).await.expect("the node dials").unwrap();
    #[expect(clippy::result_large_err, reason = "tungstenite's callback has this type")]
    let agree = |_: &Request, mut response: Response| {
        response.headers_mut().insert("sec-websocket-protocol", wire::SUBPROTOCOL.parse().unwrap());
        Ok(response)
    };
    accept_hdr_async(stream, agree).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_dialled_must_prove_itself_as_well() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let node = TestNode::start("alpha", &["--secret", SECRET, "--peers", &address]).await;
    let told = async |refusal: Refusal, by_peer: bool| {
        let row = turned_away(&node, refusal).await;
        assert_eq!(
            (&row["address"], &row["direction"], &row["by_peer"]),
            (&json!(address), &json!("outbound"), &json!(by_peer))
        );
    };
    // A mirror: it returns what it hears.
    let mut socket = accepted(&listener).await;
    let words = socket.next().await.unwrap().unwrap();
    socket.send(words).await.unwrap();
    assert_eq!(refused(&mut socket).await, Some(Refusal::Reflected));
    told(Refusal::Reflected, false).await;
    // A mirror with a nonce of its own, and the node's key: it has no proof but the node's.
    let mut socket = accepted(&listener).await;
    let words = socket.next().await.unwrap().unwrap().into_text().unwrap();
    let mut hail: Value = serde_json::from_str(&words).unwrap();
    hail["nonce"] = json!("ab".repeat(32));
    socket.send(Frame::text(hail.to_string())).await.unwrap();
    let proof = socket.next().await.unwrap().unwrap();
    socket.send(proof).await.unwrap();
    assert_eq!(refused(&mut socket).await, Some(Refusal::Reflected));
    // One that knows no secret, one that guesses, and one that hears that it is refused.
    let mut socket = accepted(&listener).await;
    let (mut joining, _) = begin(&terms(2, None), INBOUND);
    let words = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert_eq!(joining.on_frame(&words), Err(Refusal::OneSecret));
    let hail = begin(&terms(2, None), OUTBOUND).1.unwrap();
    socket.send(Frame::text(hail)).await.unwrap();
    assert_eq!(refused(&mut socket).await, Some(Refusal::OneSecret));
    told(Refusal::OneSecret, false).await;
    let mut socket = accepted(&listener).await;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: Refusal::NotAllowed.code().into(),
        reason: "what it says is no matter".into(),
    };
    socket.send(Frame::Close(Some(frame))).await.unwrap();
    told(Refusal::NotAllowed, true).await;
    // Who has proven itself is a peer, and nothing is told of it any more.
    let mut socket = accepted(&listener).await;
    join(&mut socket, &terms(2, Some(SECRET)), INBOUND).await.unwrap();
    let its_hello = async {
        // A ping may come before it.
        while !matches!(socket.next().await.expect("it stays").unwrap(), Frame::Binary(_)) {}
    };
    tokio::time::timeout(DEADLINE, its_hello).await.expect("its hello");
    let network = node.get("/federated/network").await.json();
    assert_eq!(network["turned_away"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_keys_on_the_list_join() {
    let keys = [pair(2), pair(4)].map(|pair| hex::encode(pair.origin().0)).join(",");
    let node = TestNode::start("alpha", &["--allow", &keys]).await;
    assert!(join(&mut offer_v2(&node).await, &terms(2, None), OUTBOUND).await.is_ok());
    assert_eq!(join(&mut offer_v2(&node).await, &terms(3, None), OUTBOUND).await, Err(Refusal::NotAllowed.code()));
    let row = turned_away(&node, Refusal::NotAllowed).await;
    assert_eq!(row["public_key"], hex::encode(pair(3).origin().0), "the key to be put on the list");
    let mut script = offer(&node.address(), SCRIPTS).await;
    assert!(join(&mut script, &terms(4, None), OUTBOUND).await.is_ok());
    let mut script = offer(&node.address(), SCRIPTS).await;
    assert_eq!(join(&mut script, &terms(5, None), OUTBOUND).await, Err(Refusal::NotAllowed.code()));
    assert_eq!(refused(&mut node.script().await).await, Some(Refusal::NotJoining), "a script that does not join");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_joins_and_is_heard_and_hears() {
    for (secret, words) in [(Some(SECRET), vec!["--secret", SECRET]), (None, vec![])] {
        let node = TestNode::start("alpha", &[&words[..], &["--unsigned", "accept"]].concat()).await;
        let mut script = offer(&node.address(), SCRIPTS).await;
        join(&mut script, &terms(7, secret), OUTBOUND).await.unwrap();
        let event = json!({ "type": "gossip", "subtype": "beauty_event", "event": {
            "event_id": Uuid::new_v4(), "node_id": "script", "timestamp": "2099-01-01T00:00:00Z", "beauty": 0.5,
        }});
        script.send(Frame::text(event.to_string())).await.unwrap();
        node.until("/federated/gossip/summary", |said| said["rejected"]["from_the_future"] == 1).await;
        assert_eq!(node.post(r#"{"beauty": 0.5}"#).await.status, 202);
        assert!(heard(&mut script).await.contains("beauty_event"));
        let network = node.get("/federated/network").await.json();
        assert_eq!(network["peers"][0]["public_key"], hex::encode(pair(7).origin().0));
        assert_eq!(network["peers"][0]["dialect"], "json");
        node.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_takes_no_more_than_five_seconds_and_four_kibibytes() {
    let node = TestNode::start("alpha", &["--secret", SECRET]).await;
    let (start, mut silent) = (Instant::now(), offer_v2(&node).await);
    let mut chatty = offer_v2(&node).await;
    // Pings are no words, and count.
    let flood = async {
        for _ in 0..100 {
            if chatty.send(Frame::Ping(vec![0; 100].into())).await.is_err() {
                return;
            }
        }
    };
    flood.await;
    // Whether the reason arrives before the connection is reset, the system decides; that it is told, the node.
    turned_away(&node, Refusal::TooLarge).await;
    assert_eq!(refused(&mut silent).await, Some(Refusal::Late));
    assert!(start.elapsed() >= Duration::from_secs(5), "{:?}", start.elapsed());
    turned_away(&node, Refusal::Late).await;
}

/// Waits until the log of a process says this.
fn until_said(process: &mut Process, words: &str) {
    let start = Instant::now();
    while !process.said.contains(words) {
        assert!(start.elapsed() < DEADLINE, "{words:?} is not said: {}", process.said);
        process.listen();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_logs_say_why_two_processes_do_not_join_and_neither_shows_a_secret() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let other = "0f343b0931126a20f133d67c2b018a3b";
    let mut alpha = command("alpha", folders[0].path());
    let mut alpha = Process::start(alpha.env("FEDERATED_SECRET", SECRET).env("RUST_LOG", "trace"));
    let mut beta = command("beta", folders[1].path());
    beta.env("FEDERATED_SECRET", other).env("RUST_LOG", "trace").args(["--peers", &alpha.peers]);
    let mut beta = Process::start(&mut beta);
    for process in [&mut alpha, &mut beta] {
        let words = Refusal::WrongSecret.to_string();
        let wrong = |row: &Value| row["reason"] == "wrong_secret" && row["why"] == words;
        process.until("/federated/network", |said| said["turned_away"].as_array().unwrap().iter().any(wrong)).await;
        until_said(process, &words);
        for secret in [SECRET, other] {
            assert!(!process.said.contains(secret), "{}", process.said);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_data_folder_is_found_out_and_both_are_told() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut alpha = Process::start(&mut command("alpha", folders[0].path()));
    std::fs::copy(folders[0].path().join("identity.key"), folders[1].path().join("identity.key")).unwrap();
    let mut copy = Process::start(command("alpha", folders[1].path()).args(["--peers", &alpha.peers]));
    for process in [&mut alpha, &mut copy] {
        process.until("/federated/health", |health| health["status"] == "key-in-use-twice").await;
        until_said(process, "another node runs with this node's key");
        until_said(process, "both nodes have the same key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_says_whether_strangers_may_join() {
    let strangers = "whoever reaches";
    for (words, open) in [(vec![], true), (vec!["--secret", SECRET], false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start(command("alpha", folder.path()).args(["--bind", "0.0.0.0"]).args(words));
        // What is said at the start has been said when it answers.
        assert_eq!(process.get("/healthz").await.status, 200);
        process.child.kill().unwrap();
        let rest = process.rest();
        let said = format!("{}{rest}", process.said);
        assert_eq!(said.contains(strangers), open, "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let keys = hex::encode(pair(2).origin().0);
    let mut process = Process::start(command("alpha", folder.path()).args(["--allow", &keys]));
    until_said(&mut process, "is not in FEDERATED_ALLOW");
}

/// The lines of docs/protocol.md by which a script joins, with whatever Python has the package that they need.
#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_python_that_the_protocol_shows_join() {
    let docs = include_str!("../../../docs/protocol.md");
    let code = docs.split("```python\n").find(|block| block.contains("def join(")).unwrap();
    let code = code.split("```").next().unwrap().trim_end();
    let python = |code: &str| {
        let mut python = std::process::Command::new("python3");
        python.args(["-c", code]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        python
    };
    if !python("import cryptography").output().is_ok_and(|done| done.status.success()) {
        return eprintln!("python3 with the package cryptography is not here: the lines were not run");
    }
    // Its socket is a pair of pipes: one line, one frame.
    let socket = "import sys\nclass Socket:\n  send = lambda self, text: print(text, flush=True)\n  recv = lambda self: sys.stdin.readline()\n";
    let call = format!("join(Socket(), Ed25519PrivateKey.generate(), b'beauty', b'{SECRET}')\nprint('joined')");
    let node = TestNode::start("alpha", &["--secret", SECRET]).await;
    let mut script = python(&format!("{code}\n{socket}\n{call}")).spawn().unwrap();
    let (mut stdin, mut stdout) = (script.stdin.take().unwrap(), BufReader::new(script.stdout.take().unwrap()));
    let mut line = move || {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        line
    };
    // Python has begun when it has said something: only then time runs.
    let mut said = line();
    let mut peer = offer(&node.address(), SCRIPTS).await;
    for _ in 0..2 {
        peer.send(Frame::text(said.trim())).await.unwrap();
        writeln!(stdin, "{}", heard(&mut peer).await).unwrap();
        said = line();
    }
    assert_eq!(said.trim(), "joined", "{}", std::io::read_to_string(script.stderr.take().unwrap()).unwrap());
    node.until("/federated/network", |network| network["peers"].as_array().unwrap().len() == 1).await;
    assert!(script.wait().unwrap().success());
}
