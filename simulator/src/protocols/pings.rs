//! The pings of a WebSocket, which `server` sends to measure round trips. They are frames like others here, and count
//! as control.

use crate::protocol::{ConnId, Effect, Frame};
use gossip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often a connection is pinged: as `server` has it.
const EVERY: Duration = Duration::from_secs(20);
/// The first byte of each. No frame of either dialect begins with them.
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
/// That byte, and the moment at which the ping was sent.
const LENGTH: usize = 9;

/// Which connections are to be pinged when.
#[derive(Debug, Default)]
pub(super) struct Pings {
    next: BTreeMap<ConnId, Time>,
    due: BTreeSet<(Time, ConnId)>,
}

impl Pings {
    /// Whether a frame is a ping or the answer to one.
    pub(super) fn is_one(bytes: &[u8]) -> bool {
        matches!(bytes, [PING | PONG, ..])
    }

    /// A connection stands: its first ping is due at once.
    pub(super) fn start(&mut self, now: Time, conn: ConnId) {
        self.next.insert(conn, now);
        self.due.insert((now, conn));
    }

    /// A connection is gone.
    pub(super) fn stop(&mut self, conn: ConnId) {
        if let Some(at) = self.next.remove(&conn) {
            self.due.remove(&(at, conn));
        }
    }

    /// When the next ping is due.
    pub(super) fn next_wakeup(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Sends the pings that are due.
    pub(super) fn send_due(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while let Some((at, conn)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, conn));
            self.due.insert((now + EVERY, conn));
            self.next.insert(conn, now + EVERY);
            effects.push(frame(PING, conn, &now.as_micros().to_le_bytes()));
        }
    }

    /// A ping is answered; an answer tells the round trip.
    pub(super) fn on_frame(
        &mut self,
        now: Time,
        conn: ConnId,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) -> Option<Duration> {
        let (kind, sent) = bytes.split_first_chunk::<1>()?;
        if *kind == [PING] {
            effects.push(frame(PONG, conn, sent));
            return None;
        }
        Some(now.since(Time::from_micros(u64::from_le_bytes(sent.try_into().ok()?))))
    }
}

fn frame(kind: u8, conn: ConnId, sent: &[u8]) -> Effect {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(kind);
    bytes.extend_from_slice(sent);
    Effect::Send { to: vec![conn], frame: Frame { bytes: bytes.into_boxed_slice(), carries: Vec::new() } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_comes_back_with_the_round_trip_and_the_next_one_is_sent_in_twenty_seconds() {
        let (mut ours, mut theirs, conn) = (Pings::default(), Pings::default(), ConnId(4));
        let at = |millis: u64| Time::from_micros(millis * 1_000);
        let sent = |effects: &mut Vec<Effect>| match effects.pop() {
            Some(Effect::Send { frame, .. }) => frame.bytes,
            other => panic!("{other:?}"),
        };
        let mut effects = Vec::new();
        ours.start(at(100), conn);
        ours.send_due(at(100), &mut effects);
        let ping = sent(&mut effects);
        assert!(Pings::is_one(&ping) && theirs.on_frame(at(120), conn, &ping, &mut effects).is_none());
        let pong = sent(&mut effects);
        assert_eq!(ours.on_frame(at(150), conn, &pong, &mut effects), Some(Duration::from_millis(50)));
        assert!(effects.is_empty());
        assert_eq!(ours.next_wakeup(), Some(at(20_100)));
        ours.stop(conn);
        assert_eq!(ours.next_wakeup(), None);
    }
}
