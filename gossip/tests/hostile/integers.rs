//! Each number on the wire, in both dialects, at the ends and the edges of what a program counts with: then the clock moves
//! an hour.

use crate::node::Node;
use crate::samples::{bundle, frames, origin, texts};
use gossip::{Digest, Input, Message, Time, Way, json, wire};
use std::sync::Arc;
use std::time::Duration;

const EDGES: [u64; 7] = [0, 1, 1 << 31, 1 << 32, 1 << 53, i64::MAX as u64, u64::MAX];
const HOUR: Duration = Duration::from_secs(3_600);

/// A number as postcard writes it: seven bits a byte, the least first.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A frame in which the number that begins at a byte is another. Where none begins there, it is damage of another kind.
fn with_number(frame: &[u8], at: usize, number: u64) -> Vec<u8> {
    let length = frame[at..].iter().position(|byte| byte & 0x80 == 0).map_or(frame.len() - at, |last| last + 1);
    [&frame[..at], &varint(number), &frame[at + length..]].concat()
}

/// Texts in which each number, one by one, is another; also below zero, and with a fraction.
fn with_numbers(text: &str) -> Vec<String> {
    let digit = |at: &usize| text.as_bytes()[*at].is_ascii_digit();
    let begins = (0..text.len()).filter(|at| digit(at) && (*at == 0 || !digit(&(at - 1)))).collect::<Vec<_>>();
    let mut texts = Vec::new();
    for at in begins {
        let end = (at..text.len()).find(|end| !digit(end)).unwrap_or(text.len());
        for edge in EDGES {
            for number in [edge.to_string(), format!("-{edge}"), format!("{edge}.5"), format!("{edge}e300")] {
                texts.push([&text[..at], &number, &text[end..]].concat());
            }
        }
    }
    texts
}

#[test]
fn every_number_of_the_binary_dialect_may_be_any() {
    let mut taken = 0;
    for frame in frames() {
        for (at, number) in (1..frame.len()).flat_map(|at| EDGES.map(|number| (at, number))) {
            let decoded = wire::decode(&with_number(&frame, at, number));
            if decoded.is_ok() {
                taken += 1;
                let mut node = Node::with_peers(1_700_000_000_000_000);
                node.frame(1, decoded);
                node.jump(HOUR);
            }
        }
    }
    assert!(taken > 500, "only {taken} frames were taken in");
}

#[test]
fn every_number_of_the_readable_dialect_may_be_any() {
    let mut taken = 0;
    for text in texts().iter().flat_map(|text| with_numbers(text)) {
        let decoded = json::decode(&text);
        taken += u32::from(decoded.is_ok());
        let mut node = Node::with_peers(1_700_000_000_000_000);
        node.frame(3, decoded.clone());
        node.frame(1, decoded);
        node.jump(HOUR);
    }
    assert!(taken > 100, "only {taken} frames were taken in");
}

#[test]
fn one_node_bears_all_of_them_one_after_another() {
    let mut node = Node::with_peers(1_700_000_000_000_000);
    for frame in frames() {
        for (at, number) in (1..frame.len()).flat_map(|at| EDGES.map(|number| (at, number))) {
            node.frame(1 + at as u64 % 2, wire::decode(&with_number(&frame, at, number)));
        }
        node.jump(HOUR);
        node.up(1, gossip::Direction::Inbound, gossip::Dialect::V2);
    }
    node.pass(HOUR, 10_000);
}

#[test]
fn any_clock_will_do() {
    for edge in EDGES {
        let mut node = Node::with_peers(edge);
        // Past the last moment that a timer could be set to, there is no time left: 292,000 years are enough.
        for now in [Time::from_micros(edge.min(i64::MAX as u64)), Time::ZERO] {
            // A monotonic clock does not step back; a driver's mistake must not end a node.
            node.now = now;
            node.tell(Input::Rtt { peer: node.connection(1), rtt: Duration::from_micros(edge) });
            node.tell(Input::Rtt { peer: node.connection(2), rtt: Duration::MAX });
            node.tell(Input::Digest(Digest(Arc::from(edge.to_string()))));
            node.tell(Input::Clock { micros: EDGES[(edge % 7) as usize] });
            node.tell(Input::Broadcast(crate::samples::event(edge.into())));
            for seq in EDGES {
                let way = Way { ttl: json::MAX_TTL, hops: 1, like: Some(origin(1)) };
                node.frame(2, Ok(Message::Bundle { way, bundle: bundle(1, seq.saturating_sub(1)) }));
            }
            node.jump(HOUR);
        }
    }
}
