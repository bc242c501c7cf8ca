//! The node's end of a connection.

use super::lanes::{Lane, Lanes, Queued};
use super::limits;
use crate::clock;
use gossip::{Dialect, OriginId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// What the node holds of a connection: a bounded queue of frames, and the means to end it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(super) lanes: Lanes,
    pub(crate) dialect: Dialect,
    /// The key that the peer has proven to hold.
    pub(crate) key: Option<OriginId>,
    pub(super) end: Arc<End>,
    pub(super) probe: Arc<Notify>,
    pub(crate) stats: Arc<LinkStats>,
}

/// The end of a connection, for both of its tasks: whoever sees a reason for it first asks for it.
#[derive(Debug)]
pub(super) struct End {
    /// A child of the node's own end.
    asked: CancellationToken,
    because: OnceLock<String>,
}

impl End {
    pub(super) fn below(node: &CancellationToken) -> End {
        End { asked: node.child_token(), because: OnceLock::new() }
    }

    /// Asks for the end, with a reason for the peer to read. The first reason counts.
    pub(super) fn ask(&self, because: &str) {
        self.because.get_or_init(|| because.to_owned());
        self.asked.cancel();
    }

    pub(super) async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Why; `None` where the node itself ends.
    pub(super) fn because(&self) -> Option<&str> {
        self.because.get().map(String::as_str)
    }
}

impl Link {
    /// Queues a frame. Never waits.
    pub(crate) fn send(&self, lane: Lane, frame: Message) -> Queued {
        self.lanes.push(lane, frame)
    }

    /// A payload found no room. How many in a row that makes; `None`: too many, the peer is too slow.
    pub(crate) fn leave_out(&self) -> Option<u32> {
        self.lanes.leave_out()
    }

    /// Ends the connection, with a reason for the peer to read.
    pub(crate) fn close(&self, because: &str) {
        self.end.ask(because);
    }

    /// Asks the peer at once whether it is still there: it has little time to answer.
    pub(crate) fn probe(&self) {
        self.probe.notify_one();
    }
}

/// What a connection counts.
#[derive(Debug)]
pub(crate) struct LinkStats {
    since: u64,
    sent: AtomicU64,
    received: AtomicU64,
    refused: AtomicU64,
    last_seen: AtomicU64,
    rtt_micros: AtomicU64,
    has_rtt: AtomicBool,
    ping: Mutex<Option<(u64, Instant)>>,
    /// The numbers of the last ping that was sent and of the last that was answered, and whether that was looked at.
    pings: Mutex<(u64, u64)>,
    answered: AtomicBool,
    /// How many questions for bundles are open.
    asked: AtomicU32,
}

impl LinkStats {
    pub(super) fn new() -> LinkStats {
        let now = clock::wall().as_millis();
        LinkStats {
            since: now,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            last_seen: AtomicU64::new(now),
            rtt_micros: AtomicU64::new(0),
            has_rtt: AtomicBool::new(false),
            ping: Mutex::new(None),
            pings: Mutex::default(),
            answered: AtomicBool::new(false),
            asked: AtomicU32::new(0),
        }
    }

    /// Connected since, in milliseconds since the epoch.
    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    /// Frames sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Frames received.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Frames and bundles refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// When the last frame came, pongs included, in milliseconds since the epoch.
    pub(crate) fn last_seen(&self) -> u64 {
        self.last_seen.load(Ordering::Relaxed)
    }

    /// The last round trip, in milliseconds.
    pub(crate) fn rtt_ms(&self) -> Option<f64> {
        self.has_rtt.load(Ordering::Acquire).then(|| self.rtt_micros.load(Ordering::Relaxed) as f64 / 1_000.0)
    }

    pub(super) fn on_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn on_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.on_alive();
    }

    pub(super) fn on_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn on_alive(&self) {
        self.last_seen.store(clock::wall().as_millis(), Ordering::Relaxed);
    }

    /// The peer is asked for bundles.
    pub(crate) fn on_asked(&self) {
        let one_more = |asked: u32| (asked < limits::ASKED).then_some(asked + 1);
        // Where there are so many already, the peer does not answer.
        let _ = self.asked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
    }

    /// Bundles have come. Whether they were asked for.
    pub(super) fn take_asked(&self) -> bool {
        self.asked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asked| asked.checked_sub(1)).is_ok()
    }

    /// Whether a ping was answered since this was asked last.
    pub(super) fn take_answered(&self) -> bool {
        self.answered.swap(false, Ordering::Relaxed)
    }

    pub(super) fn on_ping(&self, number: u64, now: Instant) {
        self.pings.lock().unwrap_or_else(PoisonError::into_inner).0 = number;
        *self.ping.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, now));
    }

    /// A pong that answers any ping, however late, is an answer; the same one again is none.
    fn note_answer(&self, payload: &[u8]) {
        let Ok(number) = payload.try_into().map(u64::from_be_bytes) else { return };
        let (last, answered) = &mut *self.pings.lock().unwrap_or_else(PoisonError::into_inner);
        if number > *answered && number <= *last {
            *answered = number;
            self.answered.store(true, Ordering::Relaxed);
        }
    }

    /// A pong counts as a measurement only if it answers the last ping.
    pub(super) fn on_pong(&self, payload: &[u8], now: Instant) -> Option<Duration> {
        self.on_alive();
        self.note_answer(payload);
        let mut ping = self.ping.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, sent) = ping.take_if(|(number, _)| payload == number.to_be_bytes())?;
        let rtt = now.duration_since(sent);
        self.rtt_micros.store(u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.has_rtt.store(true, Ordering::Release);
        Some(rtt)
    }
}
