//! A look at the frames of a WebSocket as their bytes come in, before the library puts them together.
//!
//! tungstenite bounds the size of a message and of a frame, but not how many frames a message has: a message in empty or
//! one-byte fragments without end is never handed on, costs time with each, and nobody hears of it. It answers each ping
//! by itself, too. So both are counted here. Bytes are passed on as they are.

use gossip::{Bucket, Time};
use std::fmt;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many frames one message may come in, empty ones included. Nodes send each message in one.
const MAX_FRAGMENTS: u32 = 16;
/// Pings, pongs and closes a second, and at once. A node pings every 20 seconds, and once more where it is in doubt. Guesses.
const CONTROLS: Bucket = Bucket::new(4, 64);
/// What ends the head of the HTTP request or answer with which a WebSocket begins (RFC 9112 §2.1).
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What a peer's frames may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Abuse {
    /// A message in too many frames.
    #[error("a message came in more than {MAX_FRAGMENTS} fragments; send it in one frame")]
    Fragments,
    /// Too many frames that carry nothing.
    #[error("pings, pongs and closes came without end; a few a second are enough")]
    Controls,
}

impl Abuse {
    /// A stable word for counters.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Abuse::Fragments => "fragments",
            Abuse::Controls => "too_many_controls",
        }
    }

    /// The abuse for which a read has failed, if it was for one.
    pub(crate) fn of(error: &io::Error) -> Option<Abuse> {
        error.get_ref()?.downcast_ref::<Abuse>().copied()
    }
}

/// A stream whose reads fail when the other side breaks the rules of this file.
pub(crate) struct Guard<S> {
    stream: S,
    since: Instant,
    watch: Watch,
}

impl<S> Guard<S> {
    /// Guards a stream from its first byte on, which is that of an HTTP head.
    pub(super) fn new(stream: S) -> Guard<S> {
        Guard { stream, since: Instant::now(), watch: Watch::default() }
    }

    /// Guards a stream whose HTTP head somebody else has read: its first byte is that of a frame.
    pub(crate) fn behind_the_head(stream: S) -> Guard<S> {
        let watch = Watch { stage: Stage::Header(Header::default()), ..Watch::default() };
        Guard { stream, since: Instant::now(), watch }
    }

    /// The stream below.
    pub(super) const fn stream(&self) -> &S {
        &self.stream
    }

    /// The same, to change.
    pub(super) const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("watch", &self.watch).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let now = Time::ZERO + self.since.elapsed();
        let seen = self.watch.look(now, buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(seen.map_err(|abuse| io::Error::new(ErrorKind::InvalidData, abuse)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where in the stream we are, and what has been counted.
#[derive(Debug)]
struct Watch {
    stage: Stage,
    fragments: u32,
    controls: Bucket,
}

#[derive(Debug)]
enum Stage {
    /// In the HTTP head, of whose end so many bytes have come.
    Head(usize),
    /// In the header of a frame (RFC 6455 §5.2).
    Header(Header),
    /// In what a frame carries: so many bytes are left.
    Payload(u64),
}

/// What has come of a header.
#[derive(Debug, Default)]
struct Header {
    bytes: [u8; 14],
    length: usize,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch { stage: Stage::Head(0), fragments: 0, controls: CONTROLS }
    }
}

impl Watch {
    fn look(&mut self, now: Time, mut bytes: &[u8]) -> Result<(), Abuse> {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.stage {
                Stage::Head(matched) => {
                    // The pattern repeats itself only in its first half.
                    *matched = match *first {
                        byte if END_OF_HEAD.get(*matched) == Some(&byte) => *matched + 1,
                        b'\r' => 1,
                        _ => 0,
                    };
                    if *matched == END_OF_HEAD.len() {
                        self.stage = Stage::Header(Header::default());
                    }
                    bytes = rest;
                }
                Stage::Header(header) => {
                    bytes = rest;
                    if let Some(payload) = header.push(*first) {
                        let [first, ..] = header.bytes;
                        self.stage =
                            if payload > 0 { Stage::Payload(payload) } else { Stage::Header(Header::default()) };
                        self.count(now, first)?;
                    }
                }
                Stage::Payload(left) => {
                    let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= passed as u64;
                    bytes = bytes.get(passed..).unwrap_or_default();
                    if *left == 0 {
                        self.stage = Stage::Header(Header::default());
                    }
                }
            }
        }
        Ok(())
    }

    /// A frame begins, with this byte: whether it is the last of its message, and what it is.
    fn count(&mut self, now: Time, first: u8) -> Result<(), Abuse> {
        let (is_last, is_control) = (first & 0x80 != 0, first & 0x08 != 0);
        if is_control {
            return if self.controls.take(now, 1) { Ok(()) } else { Err(Abuse::Controls) };
        }
        self.fragments += 1;
        if self.fragments > MAX_FRAGMENTS {
            return Err(Abuse::Fragments);
        }
        if is_last {
            self.fragments = 0;
        }
        Ok(())
    }
}

impl Header {
    /// Takes in a byte. `Some`: the header is whole, and so many bytes follow.
    fn push(&mut self, byte: u8) -> Option<u64> {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
        let [_, second, lengths @ ..] = &self.bytes;
        let (masked, short) = (second & 0x80 != 0, second & 0x7f);
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if self.length < 2 + extended + if masked { 4 } else { 0 } {
            return None;
        }
        let long = lengths.iter().take(extended).fold(0, |length, byte| length << 8 | u64::from(*byte));
        Some(if extended == 0 { short.into() } else { long })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{SinkExt, StreamExt};
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;
    use tokio_tungstenite::tungstenite::{Error, Message};

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// A frame as a client sends it, with a mask of zeros.
    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let length = match payload {
            0..=125 => vec![0x80 | payload as u8],
            126..=65_535 => [&[0x80 | 126], &(payload as u16).to_be_bytes()[..]].concat(),
            _ => [&[0x80 | 127], &(payload as u64).to_be_bytes()[..]].concat(),
        };
        [&[first], &*length, &[0; 4], &vec![b'x'; payload]].concat()
    }

    fn looked(frames: &[Vec<u8>], piece: usize) -> Result<(), Abuse> {
        let mut watch = Watch::default();
        let bytes = [HEAD, &frames.concat()].concat();
        bytes.chunks(piece).try_for_each(|piece| watch.look(Time::ZERO, piece))
    }

    #[test]
    fn sixteen_fragments_are_a_message_and_seventeen_are_none_however_the_bytes_come() {
        let message = |fragments: usize, size| {
            let mut message = vec![frame(0x02, size)];
            message.extend((2..fragments).map(|_| frame(0x00, size)));
            message.push(frame(0x80, size));
            message
        };
        for (piece, size) in [1, 7, 4_096].into_iter().flat_map(|piece| [0, 1, 125, 126, 300].map(|size| (piece, size)))
        {
            let thrice = [message(16, size), message(2, size), message(16, size)].concat();
            assert_eq!(looked(&thrice, piece), Ok(()), "{size} bytes in pieces of {piece}");
            assert_eq!(looked(&message(17, size), piece), Err(Abuse::Fragments));
        }
        assert_eq!(looked(&vec![frame(0x82, 70_000); 100], 1_000), Ok(()), "whole messages are as many as they are");
    }

    #[test]
    fn a_storm_of_pings_ends_and_a_ping_now_and_then_does_not() {
        assert_eq!(looked(&vec![frame(0x89, 4); 64], 9), Ok(()));
        assert_eq!(looked(&vec![frame(0x89, 0); 65], 9), Err(Abuse::Controls));
        let mut watch = Watch::default();
        watch.look(Time::ZERO, HEAD).unwrap();
        let all_day = (0..10_000).map(|n| Time::from_micros(n * 1_000_000));
        assert!(all_day.into_iter().all(|now| watch.look(now, &frame(0x8a, 8)).is_ok()));
    }

    #[test]
    fn the_end_of_a_head_is_found_wherever_it_is() {
        for head in ["\r\n\r\n", "a\r\r\n\r\n", "a\r\n\r\r\n\r\n", "HTTP/1.1 101 x\r\na: b\r\n\r\n"] {
            let mut watch = Watch::default();
            watch.look(Time::ZERO, head.as_bytes()).unwrap();
            assert!(matches!(watch.stage, Stage::Header(Header { length: 0, .. })), "{head:?}: {watch:?}");
        }
    }

    #[tokio::test]
    async fn a_message_without_end_breaks_the_connection_with_words() {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut guard = Guard::new(near);
        guard.watch.look(Time::ZERO, HEAD).unwrap();
        let mut socket = WebSocketStream::from_raw_socket(guard, Role::Server, None).await;
        far.write_all(&[frame(0x81, 5), frame(0x01, 0)].concat()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("xxxxx"));
        far.write_all(&frame(0x00, 0).repeat(16)).await.unwrap();
        let Some(Err(Error::Io(error))) = socket.next().await else { panic!("the read fails") };
        assert_eq!(Abuse::of(&error), Some(Abuse::Fragments));
        assert!(error.to_string().contains("send it in one frame"), "{error}");
        socket.send(Message::text("goodbye")).await.unwrap();
    }

    /// Fuzz target: whatever somebody sends who connects, from the first byte on.
    #[test]
    fn no_handshake_and_no_frames_behind_it_make_the_node_panic() {
        let head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Protocol: beauty-mesh.v2\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let frames = [frame(0x01, 3), frame(0x80, 5), frame(0x89, 125), frame(0x82, 300), frame(0x88, 2)].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        bolero::check!().with_test_time(Duration::from_secs(1)).with_max_len(256).for_each(|bytes: &[u8]| {
            let (first, edits) = bytes.split_first().unwrap_or((&0, &[]));
            let mut sent = [head.as_bytes(), &frames].concat();
            // Half of them spare the head, that the frames are reached.
            let from = if first % 2 == 0 { 0 } else { head.len() };
            for edit in edits.chunks_exact(3) {
                let at = from + usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (sent.len() - from).max(1);
                sent.splice(at..(at + usize::from(first / 128)).min(sent.len()), [edit[2]]);
            }
            runtime.block_on(async {
                let (near, mut far) = tokio::io::duplex(1 << 16);
                far.write_all(&sent).await.unwrap();
                far.shutdown().await.unwrap();
                let config = Some(super::super::limits::web_socket_config());
                let accepted = tokio_tungstenite::accept_async_with_config(Guard::new(near), config).await;
                let Ok(mut socket) = accepted else { return };
                while let Some(Ok(_)) = socket.next().await {}
            });
        });
    }
}
