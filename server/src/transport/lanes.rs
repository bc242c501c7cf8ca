//! What waits to be sent to one peer, in lanes: what keeps the connection together goes before this node's own events, these
//! before what it passes on, and that before answers to somebody who was away.
//!
//! Announcements travel in the lane of what is passed on: when one arrives is taken for when its payload would have. Within a
//! lane all keeps its order.
//!
//! **A full queue.** A payload that finds no room is left out: the peer has it announced by others, or finds it when it compares
//! what it holds. Too many in a row are too much for it. All else is of use only whole and in order: where that finds no room, the peer is too slow.
//! Answers have a measure of their own, since they were asked for, one by one and so many at once. What origins declare goes with
//! them: on a new link it may be more than all other lanes hold; who lacks a profile asks for it, and places come again with the next link.

use super::limits;
use gossip::{Message, OriginId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message as Frame;

/// Which of what waits goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Control,
    Own,
    Relayed,
    Answers,
}

impl Lane {
    /// The lane of a message that the node `me` sends.
    pub(crate) fn of(message: &Message, me: OriginId) -> Lane {
        match message {
            Message::Bundle { bundle, .. } if bundle.id.origin == me => Lane::Own,
            Message::Bundle { .. } | Message::Event { .. } | Message::IHave(_) | Message::Probe(_) => Lane::Relayed,
            Message::Exchange(_) | Message::Profiles(_) | Message::Places(_) => Lane::Answers,
            _ => Lane::Control,
        }
    }
}

/// What has become of a frame that was to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// It waits.
    Waits,
    /// It waits, and more than half of the room is taken.
    Crowded,
    /// It found no room.
    Full,
    /// The connection has ended.
    Gone,
}

/// How much waits: told unasked, and asked for.
#[derive(Debug, Default)]
struct Waiting {
    told: Load,
    answers: Load,
}

#[derive(Debug, Default)]
struct Load {
    frames: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    const fn of(&self, lane: Lane) -> (&Load, usize) {
        match lane {
            Lane::Answers => (&self.answers, limits::ANSWER_BYTES),
            Lane::Control | Lane::Own | Lane::Relayed => (&self.told, limits::QUEUE_BYTES),
        }
    }
}

/// The end of the lanes where frames go in.
#[derive(Debug)]
pub(super) struct Lanes {
    control: mpsc::Sender<Frame>,
    own: mpsc::Sender<Frame>,
    relayed: mpsc::Sender<Frame>,
    answers: mpsc::Sender<Frame>,
    waiting: Arc<Waiting>,
    /// Payloads in a row that were left out.
    left_out: AtomicU32,
}

/// The end of the lanes where they come out.
#[derive(Debug)]
pub(super) struct Queue {
    control: mpsc::Receiver<Frame>,
    own: mpsc::Receiver<Frame>,
    relayed: mpsc::Receiver<Frame>,
    answers: mpsc::Receiver<Frame>,
    waiting: Arc<Waiting>,
}

/// Empty lanes.
pub(super) fn lanes() -> (Lanes, Queue) {
    let waiting = Arc::new(Waiting::default());
    let lane = || mpsc::channel(limits::QUEUE);
    let [control, own, relayed, answers] = [lane(), lane(), lane(), lane()];
    let lanes = Lanes {
        control: control.0,
        own: own.0,
        relayed: relayed.0,
        answers: answers.0,
        waiting: Arc::clone(&waiting),
        left_out: AtomicU32::new(0),
    };
    (lanes, Queue { control: control.1, own: own.1, relayed: relayed.1, answers: answers.1, waiting })
}

impl Lanes {
    /// Queues a frame. Never waits.
    pub(super) fn push(&self, lane: Lane, frame: Frame) -> Queued {
        let (load, most) = self.waiting.of(lane);
        // One task queues, and the other one only makes room: what fits now will.
        let (frames, bytes) =
            (load.frames.load(Ordering::Relaxed) + 1, load.bytes.load(Ordering::Relaxed) + frame.len());
        if frames > limits::QUEUE || bytes > most {
            return Queued::Full;
        }
        load.frames.fetch_add(1, Ordering::Relaxed);
        load.bytes.fetch_add(frame.len(), Ordering::Relaxed);
        let sender = match lane {
            Lane::Control => &self.control,
            Lane::Own => &self.own,
            Lane::Relayed => &self.relayed,
            Lane::Answers => &self.answers,
        };
        match sender.try_send(frame) {
            Ok(()) if frames > limits::QUEUE / 2 || bytes > most / 2 => Queued::Crowded,
            Ok(()) => {
                self.left_out.store(0, Ordering::Relaxed);
                Queued::Waits
            }
            Err(mpsc::error::TrySendError::Full(_)) => Queued::Full,
            Err(mpsc::error::TrySendError::Closed(_)) => Queued::Gone,
        }
    }
}

impl Lanes {
    /// A payload found no room. How many in a row that makes; `None`: too many.
    pub(super) fn leave_out(&self) -> Option<u32> {
        let left_out = self.left_out.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        (left_out <= limits::LEFT_OUT).then_some(left_out)
    }
}

impl Queue {
    /// The next frame of the first lane that has one. `None`: nobody can queue any more. May be dropped at any time.
    pub(super) async fn recv(&mut self) -> Option<Frame> {
        let (lane, frame) = tokio::select! {
            biased;
            Some(frame) = self.control.recv() => (Lane::Control, frame),
            Some(frame) = self.own.recv() => (Lane::Own, frame),
            Some(frame) = self.relayed.recv() => (Lane::Relayed, frame),
            Some(frame) = self.answers.recv() => (Lane::Answers, frame),
            else => return None,
        };
        Some(self.taken(lane, frame))
    }

    /// The next frame, if one waits.
    pub(super) fn try_recv(&mut self) -> Option<Frame> {
        let lanes = [
            (Lane::Control, &mut self.control),
            (Lane::Own, &mut self.own),
            (Lane::Relayed, &mut self.relayed),
            (Lane::Answers, &mut self.answers),
        ];
        let (lane, frame) = lanes.into_iter().find_map(|(lane, frames)| Some((lane, frames.try_recv().ok()?)))?;
        Some(self.taken(lane, frame))
    }

    fn taken(&self, lane: Lane, frame: Frame) -> Frame {
        let (load, _) = self.waiting.of(lane);
        load.frames.fetch_sub(1, Ordering::Relaxed);
        load.bytes.fetch_sub(frame.len(), Ordering::Relaxed);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip::{Announcement, Bundle, BundleId, Digest, Exchange, Signature, Way};

    fn frame(bytes: usize) -> Frame {
        Frame::binary(vec![0; bytes])
    }

    #[tokio::test]
    async fn the_first_lane_goes_first_and_within_a_lane_what_came_first() {
        let (lanes, mut queue) = lanes();
        for (lane, bytes) in
            [(Lane::Answers, 1), (Lane::Relayed, 2), (Lane::Own, 3), (Lane::Relayed, 4), (Lane::Control, 5)]
        {
            assert_eq!(lanes.push(lane, frame(bytes)), Queued::Waits);
        }
        let first = [queue.recv().await.unwrap().len(), queue.recv().await.unwrap().len()];
        let rest: Vec<usize> = std::iter::from_fn(|| queue.try_recv()).map(|frame| frame.len()).collect();
        assert_eq!((first, rest), ([5, 3], vec![2, 4, 1]));
        drop(lanes);
        assert_eq!(queue.recv().await, None);
    }

    #[test]
    fn three_lanes_share_their_room_and_answers_have_their_own() {
        let (lanes, mut queue) = lanes();
        let quarter = limits::QUEUE_BYTES / 4;
        let told = [Lane::Own, Lane::Relayed, Lane::Control, Lane::Own].map(|lane| lanes.push(lane, frame(quarter)));
        assert_eq!(told, [Queued::Waits, Queued::Waits, Queued::Crowded, Queued::Crowded]);
        assert_eq!(lanes.push(Lane::Control, frame(1)), Queued::Full);
        assert_eq!(lanes.push(Lane::Answers, frame(quarter)), Queued::Waits);
        assert_eq!(queue.try_recv().unwrap().len(), quarter);
        assert_eq!(lanes.push(Lane::Relayed, frame(quarter)), Queued::Crowded);
        while queue.try_recv().is_some() {}
        for _ in 0..limits::QUEUE {
            assert_ne!(lanes.push(Lane::Relayed, frame(0)), Queued::Full);
        }
        assert_eq!(lanes.push(Lane::Own, frame(0)), Queued::Full, "so many frames, however small");
        while queue.try_recv().is_some() {}
        assert_eq!(lanes.push(Lane::Own, frame(0)), Queued::Waits);
        drop(queue);
        assert_eq!(lanes.push(Lane::Own, frame(0)), Queued::Gone);
    }

    #[test]
    fn who_is_left_out_too_often_in_a_row_is_too_slow() {
        let (lanes, mut queue) = lanes();
        let fill = || while lanes.push(Lane::Relayed, frame(limits::QUEUE_BYTES / 4)) != Queued::Full {};
        fill();
        for number in 1..=limits::LEFT_OUT {
            assert_eq!(lanes.leave_out(), Some(number));
        }
        assert_eq!(lanes.leave_out(), None);
        while queue.try_recv().is_some() {}
        fill();
        assert_eq!(lanes.leave_out(), Some(1), "there was room in between");
    }

    #[test]
    fn an_announcement_keeps_pace_with_the_payload_that_it_stands_for() {
        let (me, other) = (OriginId([1; 32]), OriginId([2; 32]));
        let bundle = |origin| Message::Bundle {
            way: Way { ttl: 1, hops: 1, like: None },
            bundle: Bundle {
                id: BundleId { origin, seq: 1 },
                events: Vec::new().into(),
                signature: Signature::NONE,
                second: None,
            },
        };
        assert_eq!(Lane::of(&bundle(me), me), Lane::Own);
        assert_eq!(Lane::of(&bundle(other), me), Lane::Relayed);
        let announcement = Announcement { number: 0, names: Vec::new(), bundles: Vec::new() };
        assert_eq!(Lane::of(&Message::IHave(announcement), me), Lane::Relayed);
        assert_eq!(Lane::of(&Message::Digest(Digest("00".into())), me), Lane::Control);
        assert_eq!(Lane::of(&Message::Profiles(Vec::new()), me), Lane::Answers);
        assert_eq!(Lane::of(&Message::Exchange(Exchange::Want { number: 1, ids: Vec::new() }), me), Lane::Answers);
    }
}
