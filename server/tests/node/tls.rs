//! TLS on both ports and between nodes, on real sockets.

use crate::lifetime::binary;
use crate::process::{Process, command};
use crate::support::{Answer, DEADLINE, TestNode, join_over, offer_on, open_terms};
use futures_util::SinkExt;
use gossip::join::{Channel, SCRIPTS};
use gossip::{Direction, Keypair};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, NamedGroup, ProtocolVersion, RootCertStore, ServerConfig};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::Message as Frame;

const SECRET: &str = "f2ca1bb6c7e907d06dafe4687e579fce";

/// A certificate and its key, made by the binary, in a folder.
struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    fn make() -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let done = binary().args(["identity", "tls", "--data-dir"]).arg(folder.path()).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success() && said.contains("FEDERATED_TLS_CERT=") && said.contains("FEDERATED_TLS_KEY="));
        Pair { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The words by which a node uses it.
    fn words(&self) -> [String; 4] {
        let text = |name| self.path(name).to_str().unwrap().to_owned();
        ["--tls-cert".to_owned(), text("tls.crt"), "--tls-key".to_owned(), text("tls.key")]
    }

    fn cert(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path("tls.crt")).unwrap()
    }

    /// A client that takes this certificate and no other, as a browser would that was told to trust it.
    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.cert()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&self, to: SocketAddr) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        self.connector().connect(name, TcpStream::connect(to).await.unwrap()).await.unwrap()
    }

    async fn get(&self, to: SocketAddr, path: &str) -> Value {
        let (mut client, connection) = handshake(TokioIo::new(self.connect(to).await)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(path).header("host", to.to_string()).body(Full::new(Bytes::new())).unwrap();
        Answer::read(client.send_request(request).await.unwrap()).await.unwrap().json()
    }

    async fn until(&self, to: SocketAddr, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let answer = self.get(to, path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(start.elapsed() < DEADLINE, "{path} is still {answer:#}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A node that listens with it.
    async fn node(&self, name: &str, words: &[&str]) -> TestNode {
        let own = self.words();
        let words: Vec<&str> = own.iter().map(String::as_str).chain(words.iter().copied()).collect();
        TestNode::start(name, &words).await
    }
}

fn wss(node: &TestNode) -> String {
    node.address().replace("ws://", "wss://")
}

/// The row of this reason in what a node says of its network.
async fn turned_away(node: &TestNode, reason: &str) -> Value {
    let row = |network: &Value| {
        network["turned_away"].as_array().unwrap().iter().find(|row| row["reason"] == reason).cloned()
    };
    let network = node.until("/federated/network", |network| row(network).is_some()).await;
    row(&network).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_certificates_that_they_signed_themselves_are_peers_and_say_how_they_listen() {
    let (one, two) = (Pair::make(), Pair::make());
    let alpha = one.node("alpha", &["--secret", SECRET]).await;
    let beta = two.node("beta", &["--secret", SECRET, "--peers", &wss(&alpha)]).await;
    // It has no certificate of its own, and is dialled without TLS.
    let gamma = TestNode::start("gamma", &["--secret", SECRET, "--peers", &wss(&beta)]).await;
    let all = |network: &Value| network["peers"].as_array().unwrap().len() == 2;
    let network = one.until(alpha.http, "/federated/network", all).await;
    let addresses: Vec<_> = network["peers"].as_array().unwrap().iter().map(|peer| peer["address"].clone()).collect();
    assert_eq!(addresses, [json!(wss(&beta)), json!(gamma.address())], "peers tell each other how to dial");
    assert_eq!(gamma.post(r#"{"beauty": 0.5}"#).await.status, 202);
    for (pair, node) in [(&one, &alpha), (&two, &beta)] {
        pair.until(node.http, "/federated/health", |health| health["events"] == 1).await;
    }
    gamma.end().await;
    beta.end().await;
    alpha.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ports_speak_tls_1_3_with_the_key_exchange_that_a_quantum_computer_does_not_open() {
    let pair = Pair::make();
    let node = pair.node("alpha", &[]).await;
    for port in [node.http, node.peers.unwrap()] {
        let stream = pair.connect(port).await;
        let connection = stream.get_ref().1;
        assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let group = connection.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
        if old_tls(port).map(|spoken| assert!(!spoken, "TLS 1.2 is not spoken")).is_none() {
            eprintln!("python3 is not here: TLS 1.2 was not tried");
        }
    }
    assert_eq!(pair.get(node.http, "/federated/health").await["node_id"], "alpha");
}

/// Whether a port speaks TLS 1.2. `None` where there is no Python to ask it with.
fn old_tls(to: SocketAddr) -> Option<bool> {
    let code = format!(
        "import socket, ssl\nc = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\nc.check_hostname = False\n\
         c.verify_mode = ssl.CERT_NONE\nc.maximum_version = ssl.TLSVersion.TLSv1_2\n\
         try:\n  c.wrap_socket(socket.create_connection(('127.0.0.1', {}))); print(True)\n\
         except ssl.SSLError as e: print(False if 'version' in str(e).lower() else e)",
        to.port()
    );
    let done = std::process::Command::new("python3").args(["-c", &code]).output().ok()?;
    match String::from_utf8_lossy(&done.stdout).trim() {
        "True" => Some(true),
        "False" => Some(false),
        other => panic!("{other}: {}", String::from_utf8_lossy(&done.stderr)),
    }
}

/// Stands between a node and those that dial it: ends their TLS with a certificate of its own, and begins another.
async fn stand_between(real: SocketAddr, victim: &Pair) -> SocketAddr {
    let own = Pair::make();
    let key = PrivateKeyDer::from_pem_file(own.path("tls.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert()], key)
        .unwrap();
    let (acceptor, connector) = (TlsAcceptor::from(Arc::new(config)), victim.connector());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, connector) = (acceptor.clone(), connector.clone());
            tokio::spawn(async move {
                let mut near = acceptor.accept(stream).await.unwrap();
                let name = ServerName::try_from("127.0.0.1").unwrap();
                let mut far = connector.connect(name, TcpStream::connect(real).await.unwrap()).await.unwrap();
                // Every byte is carried over as it is. How it ends makes no difference.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_in_between_with_another_certificate_carries_no_handshake_over() {
    let pair = Pair::make();
    for secret in [&["--secret", SECRET][..], &[]] {
        let alpha = pair.node("alpha", secret).await;
        let between = stand_between(alpha.peers.unwrap(), &pair).await;
        let beta = TestNode::start("beta", &[secret, &["--peers", &format!("wss://{between}")]].concat()).await;
        let row = turned_away(&beta, "unproven").await;
        assert_eq!((&row["by_peer"], &row["direction"]), (&json!(true), &json!("outbound")));
        let network = pair.get(alpha.http, "/federated/network").await;
        assert_eq!(network["turned_away"][0]["reason"], "unproven");
        assert_eq!(
            (&network["peers"], &beta.get("/federated/network").await.json()["peers"]),
            (&json!([]), &json!([]))
        );
        beta.end().await;
        alpha.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dials_without_tls_or_with_it_in_vain_is_told_in_a_sentence() {
    let pair = Pair::make();
    let (tls, plain) = (pair.node("alpha", &[]).await, TestNode::start("beta", &[]).await);
    let peers = [tls.address(), wss(&plain)].join(",");
    let folder = tempfile::tempdir().unwrap();
    let mut gamma = Process::start(command("gamma", folder.path()).args(["--peers", &peers]));
    for (reason, words, address) in
        [("wants_tls", "dial it by wss://", tls.address()), ("no_tls", "dial it by ws://", wss(&plain))]
    {
        let told = |row: &Value| row["reason"] == reason && row["address"] == address;
        gamma.until("/federated/network", |said| said["turned_away"].as_array().unwrap().iter().any(told)).await;
        while !gamma.said.contains(words) {
            gamma.listen();
        }
    }
    pair.until(tls.http, "/federated/network", |network| network["turned_away"][0]["reason"] == "no_tls").await;
    // The same for HTTP.
    let mut stream = TcpStream::connect(tls.http).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("speaks TLS"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_joins_through_tls_by_the_certificate_that_it_sees() {
    let pair = Pair::make();
    let node = pair.node("alpha", &["--secret", SECRET, "--unsigned", "accept"]).await;
    let key = Keypair::from_seed(&[7; 32]);
    let terms = gossip::join::Terms { secret: Some(gossip::join::Secret::new(SECRET.as_bytes())), ..open_terms(&key) };
    let seen: [u8; 32] = Sha256::digest(pair.cert().as_ref()).into();
    for (channel, joined) in
        [(Channel::Certificate(seen), true), (Channel::Certificate([1; 32]), false), (Channel::Plain, false)]
    {
        let stream = pair.connect(node.peers.unwrap()).await;
        let mut socket = offer_on(stream, &node.address(), SCRIPTS).await;
        let outcome = join_over(&mut socket, &terms, Direction::Outbound, channel).await;
        assert_eq!(outcome.is_ok(), joined, "{channel:?}: {outcome:?}");
        if joined {
            let event = json!({ "type": "gossip", "subtype": "beauty_event", "event": {
                "event_id": uuid::Uuid::new_v4(), "node_id": "script", "timestamp": "2099-01-01T00:00:00Z", "beauty": 0.5,
            }});
            socket.send(Frame::text(event.to_string())).await.unwrap();
            let late = |said: &Value| said["rejected"]["from_the_future"] == 1;
            pair.until(node.http, "/federated/gossip/summary", late).await;
        }
    }
}

#[test]
fn a_pair_is_made_once_and_its_key_is_for_its_owner_alone() {
    let pair = Pair::make();
    let mode = |name| std::fs::metadata(pair.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("tls.key"), 0o600);
    let before = std::fs::read(pair.path("tls.key")).unwrap();
    let again = binary().args(["identity", "tls", "--data-dir"]).arg(pair.folder.path()).output().unwrap();
    assert!(!again.status.success() && String::from_utf8(again.stderr).unwrap().contains("is there already"));
    assert_eq!(std::fs::read(pair.path("tls.key")).unwrap(), before);
}

#[test]
fn what_is_wrong_with_certificate_or_key_stops_the_start_with_what_to_do() {
    let (pair, other) = (Pair::make(), Pair::make());
    let (cert, key) = (pair.path("tls.crt"), pair.path("tls.key"));
    let open = pair.path("open.key");
    std::fs::copy(&key, &open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let missing = pair.path("missing");
    let cases: [(Option<&Path>, Option<&Path>, &str); 6] = [
        (Some(&cert), None, "go together"),
        (None, Some(&key), "go together"),
        (Some(&missing), Some(&key), "FEDERATED_TLS_CERT"),
        (Some(&key), Some(&key), "holds no certificate"),
        (Some(&cert), Some(&open), "chmod"),
        (Some(&cert), Some(&other.path("tls.key")), "FEDERATED_TLS_CERT"),
    ];
    for (cert, key, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut start = command("alpha", folder.path());
        let settings = [("FEDERATED_TLS_CERT", cert), ("FEDERATED_TLS_KEY", key)];
        start.envs(settings.into_iter().filter_map(|(name, path)| Some((name, path?))));
        let done = start.output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && said.contains(words), "{words}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}
