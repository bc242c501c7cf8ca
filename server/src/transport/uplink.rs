//! How fast what this node sends leaves it, as its queues show.
//!
//! A peer that reads slowly makes its own connection wait; an uplink that is too slow makes all of them wait that send much.
//! So the time counts during which at least half of the connections to nodes wait, and at least [`TOGETHER`] of them, and
//! with it what all of them send meanwhile.
//!
//! The system would hide it for long: it takes megabytes for a connection before a write waits. So it is asked to take no more
//! than [`UNSENT`] that it can't send yet (`TCP_NOTSENT_LOWAT`).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How many connections must wait at once. A guess: one that waits has a slow reader.
const TOGETHER: usize = 2;
/// How much the system takes of what it can't send yet: some frames. What is measured is too fast by so much for each connection.
const UNSENT: u32 = 16 * 1_024;
/// A measurement is told from so much on: several times what the system takes.
const ENOUGH: u64 = 256 * 1_024;

/// Has the system take little of what it can't send yet, where it can.
pub(super) fn show_waiting(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT) {
        // Then capacity shows later than it could.
        tracing::debug!("the system keeps what it can't send: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, UNSENT);
}

/// What all connections to nodes share.
#[derive(Debug, Default)]
pub(crate) struct Uplink(Mutex<Meter>);

#[derive(Debug, Default)]
struct Meter {
    connections: usize,
    waiting: usize,
    /// Since when enough of them wait.
    since: Option<Instant>,
    /// What was sent while enough of them waited, and how long that was, since it was told last.
    bytes: u64,
    took: Duration,
}

/// A connection to a node.
pub(super) struct Member<'a>(&'a Uplink);

/// A write that has to wait.
pub(super) struct Waiting<'a>(&'a Uplink);

impl Uplink {
    /// A connection stands, as long as what comes back.
    pub(super) fn join(&self) -> Member<'_> {
        self.meter().change(Instant::now(), |meter| meter.connections += 1);
        Member(self)
    }

    /// A write has to wait, as long as what comes back.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.meter().change(Instant::now(), |meter| meter.waiting += 1);
        Waiting(self)
    }

    /// So much was sent. What was measured, once there is enough of it: bytes, and in what time they left.
    pub(super) fn on_sent(&self, bytes: usize) -> Option<(u64, Duration)> {
        self.meter().on_sent(Instant::now(), bytes)
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn change(&mut self, now: Instant, change: impl FnOnce(&mut Meter)) {
        self.count(now);
        change(self);
        let enough = self.waiting >= TOGETHER.max(self.connections.div_ceil(2));
        self.since = enough.then_some(now);
    }

    fn on_sent(&mut self, now: Instant, bytes: usize) -> Option<(u64, Duration)> {
        self.since?;
        self.count(now);
        self.bytes += bytes as u64;
        let told = (self.bytes >= ENOUGH && !self.took.is_zero()).then_some((self.bytes, self.took))?;
        (self.bytes, self.took) = (0, Duration::ZERO);
        Some(told)
    }

    /// Adds the time that has passed.
    fn count(&mut self, now: Instant) {
        if let Some(since) = &mut self.since {
            self.took += now.saturating_duration_since(*since);
            *since = now;
        }
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.0.meter().change(Instant::now(), |meter| meter.connections -= 1);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.meter().change(Instant::now(), |meter| meter.waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = 64 * 1_024;

    fn meter(connections: usize) -> (Meter, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let at = move |millis| start + Duration::from_millis(millis);
        (Meter { connections, ..Meter::default() }, at)
    }

    #[test]
    fn what_leaves_while_half_of_all_wait_is_told_once_it_is_enough() {
        let (mut meter, at) = meter(4);
        meter.change(at(0), |meter| meter.waiting += 1);
        assert_eq!(meter.on_sent(at(1_000), 10 * CHUNK), None, "one alone has a slow reader");
        meter.change(at(1_000), |meter| meter.waiting += 1);
        let told: Vec<_> = (1..=8).filter_map(|n| meter.on_sent(at(1_000 + 100 * n), CHUNK)).collect();
        let each = (4 * CHUNK as u64, Duration::from_millis(400));
        assert_eq!(told, [each; 2]);
    }

    #[test]
    fn time_without_waiting_does_not_count() {
        let (mut meter, at) = meter(2);
        for busy in 0..4 {
            meter.change(at(1_000 * busy), |meter| meter.waiting = 2);
            let told = meter.on_sent(at(1_000 * busy + 50), CHUNK);
            assert_eq!(told, (busy == 3).then_some((4 * CHUNK as u64, Duration::from_millis(200))));
            meter.change(at(1_000 * busy + 50), |meter| meter.waiting = 0);
            assert_eq!(meter.on_sent(at(1_000 * busy + 500), 100 * CHUNK), None, "it left at once");
        }
    }

    #[test]
    fn many_connections_need_many_that_wait() {
        let (mut meter, at) = meter(9);
        meter.change(at(0), |meter| meter.waiting = 4);
        assert_eq!(meter.on_sent(at(10), 10 * CHUNK), None);
        meter.change(at(10), |meter| meter.connections -= 1);
        assert_eq!(meter.on_sent(at(20), 4 * CHUNK), Some((4 * CHUNK as u64, Duration::from_millis(10))));
    }
}
