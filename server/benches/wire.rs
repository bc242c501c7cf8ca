//! What an event weighs on the wire: by itself and in bundles, as it is, compressed, and compressed with a dictionary.
//!
//! The frames are those that nodes send: events as a node writes them, in bundles, by the codec and by the transport's packing.
//! The dictionary is trained on other events of the same kinds. Headers of WebSocket (2 to 8 bytes a frame), TCP and IP (52)
//! come on top. Prints one table.

#![allow(clippy::unwrap_used, reason = "a panic is how a bench says that it can't measure")]

use beauty::{BeautyEvent, EventId, Origin, Score, Source, Timestamp, Told};
use gossip::{Bundle, BundleId, Event, Message, OriginId, Signature, Way, wire};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use server::Packing;
use std::hint::black_box;
use std::time::Instant;
use zstd::bulk::{Compressor, Decompressor};

/// Bundles of each size that are weighed.
const BUNDLES: usize = 200;
/// What a dictionary may weigh, and how many bundles it is trained on.
const DICTIONARY: usize = 16 * 1_024;
const TRAINING: usize = 4_000;
/// What goes on top of a frame: a WebSocket header, TCP and IP with timestamps.
const HEADERS: usize = 4 + 52;

/// Bytes an event, and microseconds a frame to pack and to unpack.
struct Weighed {
    bytes: f64,
    pack: f64,
    unpack: f64,
}

fn main() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let samples: Vec<Vec<u8>> = (0..TRAINING).map(|n| frame(&mut rng, [1, 2, 5, 10][n % 4])).collect();
    let dictionary = zstd::dict::from_samples(&samples, DICTIONARY).unwrap();
    println!(
        "Bytes an event, with {HEADERS} bytes of headers a frame in brackets; microseconds a frame to pack / to unpack"
    );
    println!(
        "{:>6}  {:^16}  {:^32}  {:^32}  {:^32}",
        "events", "as they are", "as sent", "zstd, level 3", "zstd, 16 kB dictionary"
    );
    for events in [1, 2, 5, 10, 50, 256] {
        let frames: Vec<Vec<u8>> = (0..BUNDLES).map(|_| frame(&mut rng, events)).collect();
        let packing = Packing::default();
        let sent = weigh(
            &frames,
            events,
            |frame| packing.pack(frame.to_vec()),
            |frame| packing.unpack(frame).unwrap().into_owned(),
        );
        let third = by_zstd(&frames, events, 3, &[]);
        let with_dictionary = by_zstd(&frames, events, 1, &dictionary);
        let plain = weigh(&frames, events, <[u8]>::to_vec, <[u8]>::to_vec);
        print!("{events:6}  {}", bytes(&plain, events));
        for weighed in [sent, third, with_dictionary] {
            print!("  {} {:6.1} / {:5.1}", bytes(&weighed, events), weighed.pack, weighed.unpack);
        }
        println!();
    }
}

fn bytes(weighed: &Weighed, events: usize) -> String {
    format!("{:7.1} [{:6.1}]", weighed.bytes, weighed.bytes + HEADERS as f64 / events as f64)
}

fn by_zstd(frames: &[Vec<u8>], events: usize, level: i32, dictionary: &[u8]) -> Weighed {
    let mut compressor = Compressor::with_dictionary(level, dictionary).unwrap();
    let mut decompressor = Decompressor::with_dictionary(dictionary).unwrap();
    let unpack = |frame: &[u8]| decompressor.decompress(frame, gossip::json::MAX_FRAME).unwrap();
    weigh(frames, events, |frame| compressor.compress(frame).unwrap(), unpack)
}

fn weigh(
    frames: &[Vec<u8>],
    events: usize,
    mut pack: impl FnMut(&[u8]) -> Vec<u8>,
    mut unpack: impl FnMut(&[u8]) -> Vec<u8>,
) -> Weighed {
    let start = Instant::now();
    let packed: Vec<Vec<u8>> = frames.iter().map(|frame| pack(frame)).collect();
    let packing = start.elapsed();
    let start = Instant::now();
    for (packed, frame) in packed.iter().zip(frames) {
        assert_eq!(&black_box(unpack(packed)), frame);
    }
    let (unpacking, count) = (start.elapsed(), frames.len() as f64);
    Weighed {
        bytes: packed.iter().map(Vec::len).sum::<usize>() as f64 / count / events as f64,
        pack: packing.as_secs_f64() * 1e6 / count,
        unpack: unpacking.as_secs_f64() * 1e6 / count,
    }
}

/// A bundle of a node of its own, at its own time: of a host that is measured, or of a script with sources of its own.
fn frame(rng: &mut impl Rng, events: usize) -> Vec<u8> {
    let name = ["alpha", "gateway", "db-eu-west", "worker"][rng.random_range(0..4)];
    let origin = Origin::new(&format!("{name}-{}", rng.random_range(0..200))).unwrap();
    let source = ["host", "mood", "ci/main", "checkout latency", "queue"][rng.random_range(0..5)];
    let mut at: u64 = 1_795_000_000_000 + rng.random_range(0..600_000_000);
    let events = (0..events).map(|_| {
        at += rng.random_range(0..50);
        let id = uuid::Builder::from_unix_timestamp_millis(at, &rng.random()).into_uuid();
        let score = Score::from_micros(rng.random_range(0..=1_000_000)).unwrap();
        let event = BeautyEvent {
            id: EventId(id),
            at: Timestamp::from_millis(at),
            score,
            source: Source::new(source).unwrap(),
        };
        let told = Told { origin: origin.clone(), event };
        Event { id, node_id: origin.as_str().into(), json: told.to_json().into() }
    });
    let events: Vec<Event> = events.collect();
    let id = BundleId { origin: OriginId(rng.random()), seq: at * 1_000 };
    let way = Way { ttl: 60, hops: 3, like: None };
    let bundle = Bundle { id, events: events.into(), signature: Signature(rng.random()), second: None };
    wire::encode(&Message::Bundle { way, bundle }).unwrap()
}
