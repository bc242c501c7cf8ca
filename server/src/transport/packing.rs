//! Large frames of the binary dialect travel compressed: zstd (RFC 8878) behind a first byte of its own.
//!
//! A frame of the codec begins with its version, 2. One that begins with 3 holds such a frame, compressed; what comes out of it
//! is bounded before it comes out. Compression is C, so it is here and not beside the codec, which must run in a browser.

use gossip::json::MAX_FRAME;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use zstd::bulk::{Compressor, Decompressor};

/// What a compressed frame begins with.
const COMPRESSED: u8 = 3;
/// Frames up to this size go as they are: one event alone does not shrink. Measured: `cargo bench -p server --bench wire`.
const PLAIN: usize = 512;
/// Measured, as above: the third level saves nothing more.
const LEVEL: i32 = 1;

/// Packs frames for peers, and unpacks theirs. One for all connections: each frame takes microseconds.
#[derive(Default)]
pub struct Packing {
    /// Made when they are first needed; most nodes of a quiet mesh never do.
    compressor: Mutex<Option<Compressor<'static>>>,
    decompressor: Mutex<Decompressor<'static>>,
}

impl Packing {
    /// The frame, compressed if that makes it smaller.
    pub fn pack(&self, frame: Vec<u8>) -> Vec<u8> {
        if frame.len() <= PLAIN {
            return frame;
        }
        match self.compress(&frame) {
            Some(packed) if packed.len() < frame.len() => packed,
            _ => frame,
        }
    }

    /// `None` where the system has no memory for it: then the frame goes as it is.
    fn compress(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let mut compressor = self.compressor.lock().unwrap_or_else(PoisonError::into_inner);
        if compressor.is_none() {
            *compressor = Compressor::new(LEVEL).ok();
        }
        let body = compressor.as_mut()?.compress(frame).ok()?;
        Some([&[COMPRESSED], &*body].concat())
    }

    /// The frame that a peer packed; one that is not packed, as it is.
    ///
    /// # Errors
    /// Why the frame can't be unpacked, for whoever wrote the peer. What comes out has at most 64 KiB, whatever the frame says
    /// of itself, and nothing larger is made room for.
    pub fn unpack<'a>(&self, frame: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        let Some((&COMPRESSED, body)) = frame.split_first() else { return Ok(Cow::Borrowed(frame)) };
        let mut decompressor = self.decompressor.lock().unwrap_or_else(PoisonError::into_inner);
        let unpacked = decompressor.decompress(body, MAX_FRAME);
        unpacked
            .map(Cow::Owned)
            .map_err(|error| format!("the frame can't be unpacked to at most {MAX_FRAME} bytes: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A zstd frame whose blocks repeat one byte: 128 KiB from each four of its own.
    fn bomb(blocks: usize, header: &[u8]) -> Vec<u8> {
        let block = |last: u32| ((128 * 1_024 - 1) << 3 | 1 << 1 | last).to_le_bytes();
        let mut bomb = [&[COMPRESSED, 0x28, 0xb5, 0x2f, 0xfd], header].concat();
        for n in 1..=blocks {
            bomb.extend(&block(u32::from(n == blocks))[..3]);
            bomb.push(b'x');
        }
        bomb
    }

    /// The most memory that this process has had, in KiB.
    fn peak_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.map_or(0, |peak| peak.split_whitespace().next().unwrap().parse().unwrap())
    }

    #[test]
    fn a_small_frame_that_unpacks_to_gigabytes_is_refused_without_room_for_it() {
        let before = peak_kib();
        let packing = Packing::default();
        // One that says nothing of its size; one that says four bytes; one that owns up to 2 GB.
        let window = 0x58;
        let headers: [&[u8]; 3] = [&[0x00, window], &[0x20, 4], &[0xa0, 0, 0, 0, 0x80]];
        for header in headers {
            let bomb = bomb(16_000, header);
            assert!(bomb.len() <= MAX_FRAME);
            let refused = packing.unpack(&bomb).unwrap_err();
            assert!(refused.contains("65536"), "{refused}");
        }
        assert!(peak_kib() - before < 32 * 1_024, "{} KiB for bombs of 2 GB", peak_kib() - before);
        let frame = vec![b'y'; MAX_FRAME];
        let packed = packing.pack(frame.clone());
        assert_eq!(packing.unpack(&packed), Ok(frame.into()), "the next one is none the worse");
    }

    #[test]
    fn small_frames_and_frames_that_do_not_shrink_go_as_they_are() {
        let packing = Packing::default();
        let small = vec![2; PLAIN];
        assert_eq!(packing.pack(small.clone()), small);
        let mut seed = 1_u64;
        let noise = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        });
        let noise: Vec<u8> = [2].into_iter().chain(noise.take(4_096)).collect();
        assert_eq!(packing.pack(noise.clone()), noise);
        assert_eq!(packing.unpack(&noise), Ok(noise.as_slice().into()));
        assert!(packing.pack(vec![2; PLAIN + 1]).len() < 64);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_again(text in proptest::collection::vec(0_u8..4, 0..4_096)) {
            let frame = [&[2], &*text].concat();
            let packing = Packing::default();
            let packed = packing.pack(frame.clone());
            prop_assert_eq!(packing.unpack(&packed), Ok(frame.into()));
        }

        #[test]
        fn no_frame_is_too_strange_to_be_refused(body in proptest::collection::vec(any::<u8>(), 0..256)) {
            let frame = [&[COMPRESSED, 0x28, 0xb5, 0x2f, 0xfd], &*body].concat();
            if let Ok(frame) = Packing::default().unpack(&frame) {
                prop_assert!(frame.len() <= MAX_FRAME);
            }
        }
    }
}
