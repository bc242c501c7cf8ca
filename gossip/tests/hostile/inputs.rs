//! Fuzz target: inputs in any order, at any time, whatever they say.

use crate::decoders::damage;
use crate::node::{Node, address};
use crate::samples::{bundle, event, frames, hello, origin, texts};
use gossip::{Dialect, Digest, Direction, Input, Message, Way, json, wire};
use std::sync::Arc;
use std::time::Duration;

/// Reads numbers off bytes; zeros, when there are no more.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn edits(&mut self) -> &[u8] {
        let length = usize::from(self.byte() % 4) * 3;
        let (edits, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        edits
    }

    /// Often small, sometimes as great as there are.
    fn number(&mut self) -> u64 {
        let (value, shift) = (u64::from(self.byte()), self.byte() % 72);
        if shift < 64 { value << shift } else { value }
    }

    /// A few peers, so that they are met again.
    fn peer(&mut self) -> u64 {
        u64::from(self.byte() % 8)
    }
}

fn step(node: &mut Node, script: &mut Script<'_>, frames: &[Vec<u8>], texts: &[String]) {
    let peer = script.peer();
    match script.byte() % 20 {
        0 | 1 => {
            let direction = if script.byte().is_multiple_of(2) { Direction::Inbound } else { Direction::Outbound };
            let dialect = if script.byte().is_multiple_of(4) { Dialect::Json } else { Dialect::V2 };
            node.up(peer, direction, dialect);
        }
        2 => node.down(peer),
        3 => node.tell(Input::DialFailed { address: address(peer) }),
        4 => node.frame(peer, Ok(Message::Hello(hello(u128::from(script.byte() % 12))))),
        5 => {
            let rtt = Duration::from_micros(script.number());
            node.tell(Input::Rtt { peer: node.connection(peer), rtt });
        }
        6 => node.tell(Input::Broadcast(event(script.number().into()))),
        7 if script.byte().is_multiple_of(4) => node.tell(Input::Clock { micros: script.number() }),
        7 => node.tell(Input::Digest(Digest(Arc::from(script.byte().to_string())))),
        8 => node.jump(Duration::from_micros(script.number() >> 8)),
        9 => {
            let (by, wakeups) = (Duration::from_micros(script.number() >> 16), script.byte());
            node.pass(by, wakeups.into());
        }
        10 | 11 => {
            let way = Way { ttl: script.byte() % (json::MAX_TTL + 1), hops: 1, like: Some(origin(script.byte() % 4)) };
            let bundle = bundle(script.byte() % 4, script.number() % u64::MAX);
            node.frame(peer, Ok(Message::Bundle { way, bundle }));
        }
        12 => {
            let text = &texts[usize::from(script.byte()) % texts.len()];
            let mut bytes = text.clone().into_bytes();
            damage(&mut bytes, script.edits());
            node.frame(peer, json::decode(&String::from_utf8_lossy(&bytes)));
        }
        13 => {
            let (bytes, took) = (script.number(), Duration::from_micros(script.number() >> 8));
            node.tell(Input::Drained { bytes, took });
        }
        14 => node.tell(Input::Undeclared { peer: node.connection(peer), origin: origin(script.byte() % 4) }),
        _ => {
            let mut frame = frames[usize::from(script.byte()) % frames.len()].clone();
            damage(&mut frame, script.edits());
            node.frame(peer, wire::decode(&frame));
        }
    }
}

#[test]
fn no_inputs_make_a_node_panic_or_break_an_invariant() {
    let (frames, texts) = (frames(), texts());
    bolero::check!().with_test_time(Duration::from_secs(1)).with_max_len(2_048).for_each(|bytes: &[u8]| {
        let (mut node, mut script) = (Node::new(1_700_000_000_000_000), Script(bytes));
        while !script.0.is_empty() {
            step(&mut node, &mut script, &frames, &texts);
        }
        node.jump(Duration::from_secs(3_600));
    });
}
