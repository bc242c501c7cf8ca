//! What a connection promises.

use super::*;
use crate::config::Unsigned;
use crate::node::{Names, Shared};
use crate::profiles::ProfileFile;
use crate::rotations::RotationFile;
use crate::tls::Tls;
use crate::transport::lanes::Lane;
use crate::transport::uplink;
use beauty::{Ledger, LedgerConfig, Origin};
use futures_util::stream;
use gossip::join::Terms;
use gossip::{Bundle, BundleId, Config, Event, Exchange, InstanceId, Keypair, Me, Signature, State, wire};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

fn state() -> State {
    let (instance, key) = (InstanceId(uuid::Uuid::nil()), Keypair::from_seed(&[1; 32]));
    let me = Me { node_id: "me".to_owned(), instance, origin: key.origin(), key: Some(key), port: 0, epoch_micros: 0 };
    State::new(Config::default(), me, ChaCha8Rng::from_seed([0; 32]))
}

fn context() -> (Context, mpsc::Receiver<Command>) {
    let (name, ledger) = (Origin::new("me").unwrap(), Ledger::new(LedgerConfig::default()));
    let shared = Arc::new(Shared::new(
        name,
        OriginId([1; 32]),
        (ledger, Names::default()),
        (state(), RotationFile::new(None, &[]), ProfileFile::new(None, OriginId([0; 32]), &[])),
    ));
    let (commands, received) = mpsc::channel(64);
    let key = Keypair::from_seed(&[1; 32]);
    let terms = Terms { mesh: "beauty".to_owned(), key, secret: None, allow: None, rotations: Arc::default() };
    let entry = Entry {
        tls: Arc::new(Tls::load(None, None).unwrap()),
        terms,
        rotations: Arc::new(RotationFile::new(None, &[])),
        turned_away: Arc::default(),
    };
    let context = Context {
        commands,
        node: Arc::clone(&shared),
        verifier: Verifier::new(shared, Unsigned::Accept, "beauty"),
        packing: Arc::default(),
        uplink: Arc::default(),
        budgets: Arc::new(Budgets::new(false)),
        refusals: Arc::new(SharedGate::new(1)),
        entry: Arc::new(entry),
        tasks: TaskTracker::new(),
        shutdown: CancellationToken::new(),
        next_peer: Arc::default(),
    };
    (context, received)
}

fn reader(context: &Context) -> Reader<'_> {
    let (peer, stats, label) = (PeerId(1), Arc::new(LinkStats::new()), String::new());
    Reader { context, peer, from: None, dialect: Dialect::Json, label, stats, pace: Pace::default(), parted: false }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_falls_silent_is_given_up_and_sooner_where_there_is_doubt() {
    let (context, _received) = context();
    let mut reader = reader(&context);
    let (start, probe, ping) = (Instant::now(), Notify::new(), Notify::new());
    assert_eq!(reader.run(stream::pending(), &probe, &ping).await, "nothing was heard for 45 s");
    assert_eq!(start.elapsed(), limits::SILENCE);
    let start = Instant::now();
    probe.notify_one();
    assert_eq!(reader.run(stream::pending(), &probe, &ping).await, "nothing was heard for 5 s after a ping");
    assert_eq!(start.elapsed(), limits::DOUBT);
    ping.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_a_probe_stays() {
    let (context, _received) = context();
    let mut reader = reader(&context);
    let (start, probe, ping) = (Instant::now(), Notify::new(), Notify::new());
    let answer = stream::once(async {
        ping.notified().await;
        tokio::time::sleep(limits::DOUBT / 2).await;
        Ok(Message::Pong(Bytes::new()))
    });
    probe.notify_one();
    let why = reader.run(Box::pin(answer.chain(stream::pending())), &probe, &ping).await;
    assert_eq!(why, "nothing was heard for 45 s");
    assert_eq!(start.elapsed(), limits::DOUBT / 2 + limits::SILENCE);
}

fn writer(context: &Context, stats: &Arc<LinkStats>) -> (Arc<End>, lanes::Lanes, Writer) {
    let ((lanes, queue), end) = (lanes::lanes(), Arc::new(End::below(&context.shutdown)));
    let (commands, ping) = (context.commands.clone(), Arc::new(Notify::new()));
    let writer = Writer { queue, end: Arc::clone(&end), stats: Arc::clone(stats), ping, uplink: None, commands };
    (end, lanes, writer)
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_talks_and_answers_no_ping_is_given_up_at_the_third() {
    let (context, _received) = context();
    let mut reader = reader(&context);
    let stats = Arc::clone(&reader.stats);
    let (end, _lanes, writer) = writer(&context, &stats);
    let (start, probe, ping) = (Instant::now(), Notify::new(), Notify::new());
    let talk = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok(Message::Pong(Bytes::from_static(b"not a number"))), ()))
    });
    let talk = reader.run(Box::pin(talk), &probe, &ping);
    let sink = futures_util::sink::drain::<Message>().sink_map_err(|never| match never {});
    tokio::select! {
        why = talk => panic!("{why}"),
        ended = timeout(4 * limits::SILENCE, writer.run(sink)) => assert!(ended.is_ok(), "it stays for ever"),
    }
    assert_eq!(end.because(), Some("three pings in a row had no answer"));
    assert_eq!(start.elapsed(), limits::SILENCE, "two missed, and what the third may take");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_one_of_three_pings_stays() {
    let (context, _received) = context();
    let stats = Arc::new(LinkStats::new());
    let (end, _lanes, writer) = writer(&context, &stats);
    let answers = Arc::clone(&stats);
    let sink = futures_util::sink::unfold(0, move |count, frame| {
        if let (Message::Ping(number), 2) = (&frame, count % 3) {
            answers.on_pong(number, Instant::now().into_std());
        }
        std::future::ready(Ok::<_, Error>(count + 1))
    });
    let hour = timeout(Duration::from_secs(3_600), writer.run(Box::pin(sink))).await;
    assert!(hour.is_err(), "{:?}", end.because());
}

#[test]
fn what_is_small_on_the_line_and_much_to_check_leaves_the_thread_to_others() {
    // The only other thread is taken for as long as the test runs: what is left to it can't be done at once, however slow this thread is.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let (_until_the_end, taken) = std::sync::mpsc::channel::<()>();
    let _inside = runtime.enter();
    runtime.spawn_blocking(move || taken.recv());
    let (context, _received) = context();
    let mut reader = Reader { dialect: Dialect::V2, ..reader(&context) };
    let mut is_done_at_once = |bundles: usize| {
        let id = BundleId { origin: Keypair::from_seed(&[1; 32]).origin(), seq: 1 };
        let event = Event { id: uuid::Uuid::nil(), node_id: "n".into(), json: "{}".into() };
        let bundle = Bundle { id, events: vec![event].into(), signature: Signature([7; 64]), second: None };
        let missed = Exchange::Missed { number: 1, covered: 1, bundles: vec![bundle; bundles] };
        let frame = context.packing.pack(wire::encode(&gossip::Message::Exchange(missed)).unwrap());
        assert!(frame.len() <= limits::LARGE, "{} bytes", frame.len());
        reader.on_data(vec![Data::Binary(frame.into())]).now_or_never().is_some()
    };
    assert!(is_done_at_once(1), "a thread of its own would cost more");
    assert!(!is_done_at_once(400), "400 copies are packed into one");
}

/// Two real connections. Their readers take so much each time, so often: 3.2 MB a second in all.
#[tokio::test]
async fn an_uplink_that_is_too_slow_is_measured() {
    const AT_ONCE: usize = 16 * 1_024;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (context, mut received) = context();
    let mut queues = Vec::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut reader, _) = listener.accept().await.unwrap();
        uplink::show_waiting(&stream);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits::web_socket_config())).await;
        let ((lanes, queue), end) = (lanes::lanes(), Arc::new(End::below(&context.shutdown)));
        let (stats, ping) = (Arc::new(LinkStats::new()), Arc::new(Notify::new()));
        let (uplink, commands) = (Some(Arc::clone(&context.uplink)), context.commands.clone());
        let writer = Writer { queue, end, stats, ping, uplink, commands };
        context.tasks.spawn(writer.run(socket.split().0));
        context.tasks.spawn(async move {
            let (mut buffer, mut turns) = (vec![0; AT_ONCE], tokio::time::interval(Duration::from_millis(10)));
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while reader.read_exact(&mut buffer).await.is_ok() {
                turns.tick().await;
            }
        });
        queues.push(lanes);
    }
    let filling = async {
        loop {
            for queue in &queues {
                queue.push(Lane::Relayed, Message::binary(vec![7; 4 * 1_024]));
            }
            tokio::task::yield_now().await;
        }
    };
    let measured = async {
        loop {
            if let Some(Command::Drained { bytes, took }) = received.recv().await {
                return bytes as f64 / took.as_secs_f64();
            }
        }
    };
    let measured = tokio::select! { measured = measured => measured, () = filling => unreachable!() };
    context.shutdown.cancel();
    assert!((100e3..30e6).contains(&measured), "{measured} bytes a second: loopback carries a hundred times as many");
}
