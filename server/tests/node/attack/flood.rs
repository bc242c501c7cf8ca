//! Peers that send what can't hold, as fast as they can.

use super::{Honest, either, hello, key, peers, stranger, web_socket};
use futures_util::{SinkExt, StreamExt};
use gossip::{
    Announced, Announcement, Bundle, BundleId, Event, Grafted, Message, OriginId, Priority, Signature, Way, wire,
};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use uuid::Uuid;

/// Within what a peer that does nothing but harm is to be gone. Beside other tests it may take as long again.
const CUT_OFF: Duration = Duration::from_secs(5);

/// What a hostile peer does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Bundles that nobody has signed.
    Forge,
    /// Announcements of what there is not.
    Announce,
    /// Grafts for what nobody has.
    Graft,
    /// A forged bundle with the greatest ttl that a byte holds.
    GiantTtl,
}

const DEEDS: [Deed; 4] = [Deed::Forge, Deed::Announce, Deed::Graft, Deed::GiantTtl];

impl Deed {
    /// The frame number `n` of a peer, and how many frames of its kind it sends a second.
    fn frame(self, number: usize, n: u64) -> (Vec<u8>, u64) {
        let id = |n: u64| {
            let mut origin = [number as u8 + 1; 32];
            origin[..8].copy_from_slice(&n.to_le_bytes());
            OriginId(origin)
        };
        let forged = |ttl| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
            let event = Uuid::new_v4();
            let json =
                format!(r#"{{"event_id":"{event}","node_id":"forged","timestamp":{},"beauty":0.5}}"#, now / 1_000);
            let event = Event { id: event, node_id: "forged".into(), json: json.into() };
            let origin = key(number).origin();
            let bundle = Bundle {
                id: BundleId { origin, seq: now },
                events: vec![event].into(),
                signature: Signature([n as u8; 64]),
                second: None,
            };
            Message::Bundle { way: Way { ttl, hops: 1, like: None }, bundle }
        };
        let (message, per_second) = match self {
            Deed::Forge => (forged(9), 1_000),
            Deed::GiantTtl => (forged(255), 1_000),
            Deed::Announce => {
                let names: Vec<_> = (0..512).map(|k| id(n * 512 + k)).collect();
                let bundles = vec![Announced { name: 0, step: 1_700_000_000_000_000, age: 0 }; names.len()];
                (Message::IHave(Announcement { number: n as u8, names, bundles }), 10)
            }
            Deed::Graft => (Message::Graft(vec![Grafted { origin: id(n), wanted: vec![n] }]), 10_000),
        };
        (wire::encode(&message).unwrap(), per_second)
    }
}

/// What came of one hostile peer.
#[derive(Debug)]
struct Outcome {
    deed: Deed,
    /// How long it was heard after its first frame, the first time.
    heard: Duration,
    /// How often it came in again.
    again: u32,
    /// Bytes that it sent, and that it was sent.
    sent: u64,
    received: u64,
}

/// Attacks from an address until the time is over, coming back whenever it is cut off.
async fn attack(number: usize, from: IpAddr, to: SocketAddr, until: Instant) -> Outcome {
    let deed = DEEDS[number % DEEDS.len()];
    let mut outcome = Outcome { deed, heard: Duration::ZERO, again: 0, sent: 0, received: 0 };
    let mut first = true;
    while Instant::now() < until {
        let Ok(Ok(socket)) = timeout(CUT_OFF, web_socket(from, to, Some(&key(number)))).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        outcome.again += u32::from(!first);
        let start = Instant::now();
        let (mut sink, mut stream) = socket.split();
        let hears = async {
            let mut bytes = 0;
            while let Some(Ok(frame)) = stream.next().await {
                bytes += frame.len() as u64 + 2;
            }
            bytes
        };
        let speaks = async {
            let mut bytes = 0;
            // What is announced is heard of links only.
            let neighbor = (deed == Deed::Announce).then_some(Message::Neighbor(Priority::Join));
            for message in [Some(hello()), neighbor].into_iter().flatten() {
                let frame = wire::encode(&message).unwrap();
                bytes += frame.len() as u64 + 6;
                if sink.send(Frame::binary(frame)).await.is_err() {
                    return bytes;
                }
            }
            for n in 0.. {
                let (frame, per_second) = deed.frame(number, n);
                bytes += frame.len() as u64 + 8;
                let due = start + Duration::from_micros(n * 1_000_000 / per_second);
                if Instant::now() < due {
                    tokio::time::sleep_until(due.into()).await;
                }
                if Instant::now() > until || sink.send(Frame::binary(frame)).await.is_err() {
                    break;
                }
            }
            bytes
        };
        let left = until.saturating_duration_since(Instant::now()) + CUT_OFF;
        let (received, sent) = timeout(left, async { tokio::join!(hears, speaks) }).await.unwrap_or((0, 0));
        (outcome.sent, outcome.received) = (outcome.sent + sent, outcome.received + received);
        if std::mem::take(&mut first) {
            outcome.heard = start.elapsed();
        }
    }
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_only_do_harm_are_cut_off_and_the_others_hardly_notice() {
    let honest = Honest::start(&["--limit-loopback", "1"]).await;
    let (lasts, per_second) = (either(Duration::from_secs(16), Duration::from_secs(30)), 200);
    let before = honest.deliver(Duration::from_secs(2), per_second).await;
    honest.agree().await;
    let (to, until) = (peers(&honest.alpha), Instant::now() + lasts);
    let hostile: Vec<_> = (0..10).map(|number| tokio::spawn(attack(number, stranger(number), to, until))).collect();
    let (posted, delivered) = honest.deliver(lasts, per_second).await;
    let mut outcomes = Vec::new();
    for task in hostile {
        outcomes.push(task.await.unwrap());
    }
    honest.agree().await;
    let [sent, received] =
        [|o: &Outcome| o.sent, |o: &Outcome| o.received].map(|bytes| outcomes.iter().map(bytes).sum::<u64>());
    let slowest = outcomes.iter().map(|outcome| outcome.heard).max().unwrap();
    let (share, amplification) = (delivered as f64 / posted as f64, received as f64 / sent as f64);
    println!(
        "flood: 10 peers for {} s, the last was cut off after {:.1} s; honest delivery {:.1} % ({:.1} % before); \
         {sent} bytes came from them, {received} went to them: {amplification:.3}",
        lasts.as_secs(),
        slowest.as_secs_f64(),
        100.0 * share,
        100.0 * before.1 as f64 / before.0 as f64,
    );
    let log = honest.log();
    let network = honest.alpha.get("/federated/network").await.json();
    for outcome in &outcomes {
        println!("flood: {:?} for {:.1} s", outcome.deed, outcome.heard.as_secs_f64());
        assert!(outcome.heard <= either(3 * CUT_OFF, CUT_OFF), "{outcome:?}\n{log}");
        assert_eq!(outcome.again, 0, "{outcome:?}: it is banned for longer than this takes\n{log}");
    }
    assert_eq!(network["banned"].as_array().unwrap().len(), 10, "{network:#}\n{log}");
    assert_eq!(network["banned"][0]["times"], 1);
    assert_eq!(log.matches("banned for ").count(), 10, "each is a line in the log\n{log}");
    assert!(share >= 0.9, "{delivered} of {posted} had come when the last was posted");
    assert!(amplification <= 1.0, "{sent} bytes led to {received}");
}
