//! The bounds of a connection, in one place. Those without a source are guesses.

use gossip::Bucket;
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Frames and bytes that wait to be sent to one peer.
pub(super) const QUEUE: usize = 1_024;
pub(super) const QUEUE_BYTES: usize = 256 * 1_024;
/// Payloads in a row that are left out for want of room; one more, and the peer is too slow. Fewer than the silences that a node
/// forgives its peers: whoever is left out of much must not take it for a broken promise.
pub(super) const LEFT_OUT: u32 = 8;
/// Bytes of answers that wait besides: so many as one who was away asks for at once, 18 frames of the greatest size.
pub(super) const ANSWER_BYTES: usize = 18 * gossip::json::MAX_FRAME;
/// Frames of one connection that are checked together, when they have come together; unpacked they have 2 MiB. More signatures
/// at once gain little. A guess.
pub(super) const TOGETHER: usize = 32;
/// What comes in more bytes than this is checked on another thread: 2 KiB, if they are packed, may be a hundred events. A guess.
pub(super) const LARGE: usize = 2 * 1_024;
/// The same for what has more bytes than this unpacked, or more signatures: a millisecond of either. Guesses.
pub(super) const LARGE_UNPACKED: usize = 16 * 1_024;
pub(super) const MANY_CHECKS: u32 = 32;
/// How long TCP, the upgrade, and one write may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);
pub(super) const WRITE: Duration = Duration::from_secs(10);
/// How much is written before a flush: a frame as large as any, or as many small ones. A guess.
pub(super) const AT_ONCE: usize = 64 * 1_024;
/// How often a peer is pinged, and after how much silence it counts as gone: two missed pongs, and what the second may take.
pub(super) const PING: Duration = Duration::from_secs(20);
pub(super) const SILENCE: Duration = Duration::from_secs(45);
/// How many pings in a row may have no answer; the next has [`DOUBT`], as one that is silent.
pub(super) const MISSES: u32 = 2;
/// Questions for bundles that are open at once, as far as their answers are told from what nobody has asked for: those of one window,
/// and as many that were given up.
pub(super) const ASKED: u32 = 36;
/// How long the answer to a ping may take where there is reason to think that the peer is gone.
pub(super) const DOUBT: Duration = Duration::from_secs(5);
/// How long a connection that is being closed may go on sending what waits.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);
/// Handshakes under way at once; one more, and the oldest ends. A guess: whoever wants a handshake of 50 ms to fail must open
/// 5,000 connections a second.
pub(super) const HANDSHAKES: usize = 256;

/// Connections from one address at once, those in their handshake included.
pub(super) const PER_ADDRESS: usize = 8;
/// New connections a second from one address, and at once. A guess: eight that all break at the same moment come back eight times.
pub(super) const ARRIVALS: Bucket = Bucket::new(4, 64);

/// Both sides: 64 KiB messages and frames, small buffers (the read buffer is allocated eagerly), a bounded write buffer.
pub(super) fn web_socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(gossip::json::MAX_FRAME))
        .max_frame_size(Some(gossip::json::MAX_FRAME))
        .read_buffer_size(8 * 1_024)
        .write_buffer_size(16 * 1_024)
        .max_write_buffer_size(256 * 1_024)
}
