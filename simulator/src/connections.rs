//! Connections: two ends, and two directions in which frames keep their order.

use crate::protocol::{ConnId, NodeId};
use gossip::Time;
use std::collections::VecDeque;

/// All connections that ever stood. `T` is what travels on them.
#[derive(Debug)]
pub struct Connections<T> {
    all: Vec<Connection<T>>,
}

#[derive(Debug)]
struct Connection<T> {
    /// Dialler, listener.
    ends: [NodeId; 2],
    /// Which end still takes frames in.
    open: [bool; 2],
    /// Whether it broke: what is in flight is lost.
    broken: bool,
    /// What each end sends.
    ways: [Way<T>; 2],
}

#[derive(Debug)]
struct Way<T> {
    last_arrival: Time,
    held: VecDeque<T>,
}

impl<T> Default for Connections<T> {
    fn default() -> Connections<T> {
        Connections { all: Vec::new() }
    }
}

/// The other end.
pub fn opposite(end: ConnId) -> ConnId {
    ConnId(end.0 ^ 1)
}

impl<T> Connections<T> {
    /// A new connection. Returns the ends of dialler and listener; both take frames in.
    pub fn open(&mut self, dialler: NodeId, listener: NodeId) -> (ConnId, ConnId) {
        let way = || Way { last_arrival: Time::ZERO, held: VecDeque::new() };
        let ends = [dialler, listener];
        self.all.push(Connection { ends, open: [true; 2], broken: false, ways: [way(), way()] });
        let first = (self.all.len() as u64 - 1) * 2;
        (ConnId(first), ConnId(first + 1))
    }

    /// The node at an end.
    pub fn node(&self, end: ConnId) -> Option<NodeId> {
        self.at(end).map(|(connection, side)| connection.ends[side])
    }

    /// Whether the node at an end has this connection: it may send, and does not know that the other side is gone.
    pub fn is_open(&self, end: ConnId) -> bool {
        self.at(end).is_some_and(|(connection, side)| connection.open[side])
    }

    /// Whether a frame can reach an end.
    pub fn reaches(&self, end: ConnId) -> bool {
        self.at(end).is_some_and(|(connection, side)| connection.open[side] && !connection.broken)
    }

    /// Whether it broke.
    pub fn is_broken(&self, end: ConnId) -> bool {
        self.at(end).is_some_and(|(connection, _)| connection.broken)
    }

    /// The node at an end gives the connection up. `false` if it has before.
    pub fn close(&mut self, end: ConnId) -> bool {
        self.at_mut(end).is_some_and(|(connection, side)| std::mem::replace(&mut connection.open[side], false))
    }

    /// It breaks: nothing in flight arrives any more, and nothing that is held back.
    pub fn break_off(&mut self, end: ConnId) {
        if let Some((connection, _)) = self.at_mut(end) {
            connection.broken = true;
            connection.ways.iter_mut().for_each(|way| way.held = VecDeque::new());
        }
    }

    /// When what `from` sends arrives, if it would arrive at `at` on an empty link: not before what was sent earlier.
    pub fn arrival(&mut self, from: ConnId, at: Time) -> Time {
        let Some((connection, side)) = self.at_mut(from) else { return at };
        let last = &mut connection.ways[side].last_arrival;
        *last = at.max(*last);
        *last
    }

    /// Holds something back that `from` sends.
    pub fn hold(&mut self, from: ConnId, what: T) {
        if let Some((connection, side)) = self.at_mut(from) {
            connection.ways[side].held.push_back(what);
        }
    }

    /// What was held back, with the ends that sent it, in order.
    pub fn release(&mut self) -> Vec<(ConnId, T)> {
        let ways = self.all.iter_mut().flat_map(|connection| &mut connection.ways).zip(0..);
        ways.flat_map(|(way, end)| way.held.drain(..).map(move |what| (ConnId(end), what))).collect()
    }

    fn at(&self, end: ConnId) -> Option<(&Connection<T>, usize)> {
        Some((self.all.get((end.0 / 2) as usize)?, (end.0 % 2) as usize))
    }

    fn at_mut(&mut self, end: ConnId) -> Option<(&mut Connection<T>, usize)> {
        Some((self.all.get_mut((end.0 / 2) as usize)?, (end.0 % 2) as usize))
    }
}
