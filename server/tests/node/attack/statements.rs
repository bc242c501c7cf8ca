//! Strangers that state changes of keys, and second keys, as fast as they can.

use super::{Honest, key, peers, stranger, web_socket};
use futures_util::{SinkExt, StreamExt};
use gossip::{Hello, InstanceId, Keypair, Message, Priority, Profile, Rotation, Rotations, SecondKeypair, wire};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio_tungstenite::tungstenite::Message as Frame;
use uuid::Uuid;

/// How many strangers, and how many frames of changed keys each sends: more than all may bring together.
const STRANGERS: usize = 4;
const FRAMES: usize = 5;

fn pair(number: usize) -> Keypair {
    let mut seed = [200; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Keypair::from_seed(&seed)
}

/// What one of them states: all of it holds.
fn statements(stranger: usize) -> Vec<Message> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
    let second = SecondKeypair::from_seed(&[stranger as u8; 32]);
    let frame = |n: usize| {
        let first = 2 * (stranger * FRAMES + n) * Rotations::MAX;
        let change =
            |n: usize| Rotation::state("beauty", &pair(first + 2 * n), &pair(first + 2 * n + 1), now + n as u64);
        let declare = |n: usize| {
            let pair = pair(first + 2 * n + 1).with_second(second.clone());
            Arc::new(Profile::declare("beauty", &pair, now).unwrap())
        };
        [
            Message::Rotations((0..Rotations::MAX).map(change).collect()),
            Message::Profiles((0..Profile::MAX_IN_FRAME).map(declare).collect()),
        ]
    };
    (0..FRAMES).flat_map(frame).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_change_their_keys_without_end_fill_neither_log_nor_disk_nor_mesh() {
    let honest = Honest::start(&["--limit-loopback", "1"]).await;
    let to = peers(&honest.alpha);
    let mut flood = Vec::new();
    for number in 0..STRANGERS {
        let frames: Vec<Vec<u8>> = statements(number).iter().filter_map(wire::encode).collect();
        let socket = web_socket(stranger(number), to, Some(&key(number))).await.unwrap();
        flood.push(tokio::spawn(async move {
            let (mut sink, mut stream) = socket.split();
            let hello = Message::Hello(Hello {
                mesh: "beauty".to_owned(),
                node_id: format!("stranger{number}"),
                instance: InstanceId(Uuid::new_v4()),
                port: 1,
                digest: None,
                tls: false,
            });
            for message in [hello, Message::Neighbor(Priority::Join)] {
                sink.send(Frame::binary(wire::encode(&message).unwrap())).await.unwrap();
            }
            for frame in frames {
                // It may have been closed on: it has said enough then.
                if sink.send(Frame::binary(frame)).await.is_err() {
                    break;
                }
            }
            // Read on for a while, so that its words are read as well.
            let read = async { while stream.next().await.is_some_and(|frame| frame.is_ok()) {} };
            let _ = tokio::time::timeout(Duration::from_secs(4), read).await;
        }));
    }
    let began = Instant::now();
    let (posted, delivered) = honest.deliver(Duration::from_secs(4), 100).await;
    for task in flood {
        task.await.unwrap();
    }
    honest.agree().await;
    let log = honest.log();
    let [changed, declared] =
        ["a node has changed its key", "signs its events with a second key"].map(|words| log.matches(words).count());
    // One in ten seconds of each kind.
    let most = 2 + began.elapsed().as_secs() as usize / 10;
    assert!((1..=most).contains(&changed) && (1..=most).contains(&declared), "{changed}, {declared}: {log}");
    let lines = |file: &str| {
        let texts = honest._folders.iter().map(|folder| std::fs::read_to_string(folder.path().join(file)));
        texts.map(|text| text.map_or(0, |text| text.lines().count())).max().unwrap()
    };
    let [rotations, profiles] = ["rotations", "profiles"].map(lines);
    assert!((2..=1 + Rotations::MAX).contains(&rotations), "{rotations} lines");
    assert!((2..=1 + STRANGERS * FRAMES * Profile::MAX_IN_FRAME).contains(&profiles), "{profiles} lines");
    println!(
        "statements: {STRANGERS} strangers stated {} changes of keys and {} second keys; {} and {} are kept, {changed} and \
         {declared} lines of the log tell of it; {delivered} of {posted} honest events had come when the last was posted",
        STRANGERS * FRAMES * Rotations::MAX,
        STRANGERS * FRAMES * Profile::MAX_IN_FRAME,
        rotations - 1,
        profiles - 1,
    );
    assert!(delivered as f64 / posted as f64 >= 0.9, "{delivered} of {posted}");
}
