//! Fuzz targets: the decoders. What they take in, they write again as it was.

use crate::samples::{frames, texts};
use gossip::{json, wire};
use std::time::Duration;

const A_SECOND: Duration = Duration::from_secs(1);

/// Damages a frame as the bytes say: three for each edit, the kind, the place, and the byte.
pub(crate) fn damage(frame: &mut Vec<u8>, edits: &[u8]) {
    for edit in edits.chunks_exact(3) {
        let at = usize::from(edit[1]) * frame.len().max(1) / 256;
        match edit[0] % 6 {
            0 if at < frame.len() => frame[at] = edit[2],
            1 if at < frame.len() => frame[at] ^= 1 << (edit[2] % 8),
            2 => frame.insert(at.min(frame.len()), edit[2]),
            3 if at < frame.len() => drop(frame.remove(at)),
            4 => frame.truncate(at),
            // A number as long as there are.
            5 => drop(frame.splice(at..at, [0xff; 9].into_iter().chain([edit[2]]))),
            _ => {}
        }
    }
}

/// The frame that the first byte picks, damaged as the others say; or the bytes themselves.
fn frame_from(samples: &[Vec<u8>], bytes: &[u8]) -> Vec<u8> {
    let Some((pick, edits)) = bytes.split_first() else { return Vec::new() };
    let Some(sample) = samples.get(usize::from(*pick) % (samples.len() + 1)) else { return edits.to_vec() };
    let mut frame = sample.clone();
    damage(&mut frame, edits);
    frame
}

#[test]
fn no_binary_frame_makes_the_decoder_panic_and_what_is_read_is_written_again() {
    let samples = frames();
    bolero::check!().with_test_time(A_SECOND).with_max_len(64).for_each(|bytes: &[u8]| {
        if let Ok(message) = wire::decode(&frame_from(&samples, bytes)) {
            let again = wire::encode(&message).expect("what was read can be written");
            assert_eq!(wire::decode(&again), Ok(message));
        }
    });
}

#[test]
fn no_text_makes_the_decoder_panic_and_what_is_read_is_written_again() {
    let samples: Vec<Vec<u8>> = texts().into_iter().map(String::into_bytes).collect();
    bolero::check!().with_test_time(A_SECOND).with_max_len(64).for_each(|bytes: &[u8]| {
        let frame = frame_from(&samples, bytes);
        if let Ok(message) = json::decode(&String::from_utf8_lossy(&frame)) {
            let again = json::encode(&message).expect("what was read can be written");
            assert_eq!(json::decode(&again), Ok(message));
        }
    });
}
