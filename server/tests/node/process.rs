//! A node in a process of its own, which may be killed.

use crate::lifetime::binary;
use crate::support::{Answer, DEADLINE, client};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The process, and where it is reached. It is killed when this is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) http: SocketAddr,
    pub(crate) peers: String,
    /// What the log has said, as far as it was read.
    pub(crate) said: String,
    /// The log from then on, unless somebody else reads it.
    log: Option<BufReader<ChildStderr>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What starts a node of this name in this folder, on ports that the system chooses.
pub(crate) fn command(name: &str, folder: &Path) -> Command {
    let mut command = binary();
    command.args(["serve", "--enable", "1", "--node-id", name, "--http", "127.0.0.1:0", "--port", "0", "--data-dir"]);
    command.arg(folder);
    command
}

/// The same, where a shell has set a limit first.
pub(crate) fn limited(limit: &str, name: &str, folder: &Path) -> Command {
    let (node, mut limited) = (command(name, folder), Command::new("sh"));
    limited.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]);
    limited.arg(node.get_program()).args(node.get_args()).stderr(Stdio::piped()).stdout(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FEDERATED_")) {
        limited.env_remove(name);
    }
    limited
}

impl Process {
    /// Starts a node, and waits until its ports are open.
    pub(crate) fn start(command: &mut Command) -> Process {
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let nowhere = ([127, 0, 0, 1], 0).into();
        let mut process = Process { child, http: nowhere, peers: String::new(), said: String::new(), log: Some(log) };
        let between = |text: &str, from: &str, to: char| Some(text.split_once(from)?.1.split_once(to)?.0.to_owned());
        loop {
            let said = &mut process.said;
            let read = process.log.as_mut().unwrap().read_line(said).unwrap();
            assert!(read > 0, "the node ended instead of starting: {said}");
            let http = between(said, "http://", '/').and_then(|http| http.parse().ok());
            let peers =
                between(said, "connect to ws://", '\n').and_then(|at| Some(format!("ws://{}", at.split(';').next()?)));
            if let (Some(http), Some(peers)) = (http, peers) {
                (process.http, process.peers) = (http, peers);
                return process;
            }
        }
    }

    /// Reads one more line of its log.
    pub(crate) fn listen(&mut self) {
        let log = self.log.as_mut().expect("its log is read here");
        assert!(log.read_line(&mut self.said).unwrap() > 0, "the node ended: {}", self.said);
    }

    /// Ends it as the system ends what it has no memory for.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success() && self.child.wait().unwrap().success(), "{}", self.rest());
    }

    /// What the log says until the process ends.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        if let Some(log) = &mut self.log {
            while log.read_line(&mut rest).is_ok_and(|read| read > 0) {}
        }
        rest
    }

    /// Reads the log from now on: a node that logs much must not wait for whoever reads it.
    pub(crate) fn log_in_the_background(&mut self) -> Arc<Mutex<String>> {
        let lines: Arc<Mutex<String>> = Arc::default();
        if let Some(mut log) = self.log.take() {
            let lines = Arc::clone(&lines);
            std::thread::spawn(move || {
                let mut line = String::new();
                while log.read_line(&mut line).is_ok_and(|read| read > 0) {
                    lines.lock().unwrap().push_str(&std::mem::take(&mut line));
                }
            });
        }
        lines
    }

    pub(crate) async fn client(&self) -> SendRequest<Full<Bytes>> {
        client(self.http).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        ask(&mut self.client().await, "GET", path, "").await.expect("an answer")
    }

    /// Posts so many events in lists of a thousand.
    pub(crate) async fn post_many(&self, events: usize) {
        let mut client = self.client().await;
        for from in (0..events).step_by(1_000) {
            let list: Vec<_> = (from..events.min(from + 1_000))
                .map(|n| serde_json::json!({ "beauty": (n % 100) as f64 / 100.0, "source": "past" }))
                .collect();
            let answer = ask(&mut client, "POST", "/federated/events", serde_json::to_vec(&list).unwrap()).await;
            assert_eq!(answer.unwrap().status, 202);
        }
    }

    /// Asks again and again until the answer is as wanted, and gives it with the time that it took.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> (Value, Duration) {
        let start = Instant::now();
        loop {
            let answer = self.get(path).await.json();
            if wanted(&answer) {
                return (answer, start.elapsed());
            }
            assert!(start.elapsed() < 2 * DEADLINE, "{path} is still {answer:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// One request. `None` where the connection broke before the answer had come.
pub(crate) async fn ask(
    client: &mut SendRequest<Full<Bytes>>,
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
) -> Option<Answer> {
    client.ready().await.ok()?;
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let response = client.send_request(request.body(Full::new(body.into())).unwrap()).await.ok()?;
    Answer::read(response).await
}
