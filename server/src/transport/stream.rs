//! The bytes of a connection to a peer, few of which are read until it has joined.

use crate::tls::{Binding, Carried, Carrier};
use gossip::Dialect;
use gossip::join::Channel;
use std::io::{Error, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection to a peer.
pub(crate) struct PeerStream {
    bytes: Box<dyn Carrier>,
    binding: Option<Binding>,
    /// How many bytes may still be read; `None`: all that come.
    left: Option<usize>,
}

impl PeerStream {
    pub(super) fn new(Carried { bytes, binding }: Carried) -> PeerStream {
        PeerStream { bytes, binding, left: None }
    }

    /// What carries this connection, as its two ends see it; scripts see less of it than nodes.
    pub(super) fn channel(&self, to: Dialect) -> Channel {
        match (self.binding, to) {
            (None, _) => Channel::Plain,
            (Some(binding), Dialect::V2) => Channel::Exporter(binding.exporter),
            (Some(binding), Dialect::Json) => Channel::Certificate(binding.certificate),
        }
    }

    /// From now on so many bytes are read and no more; `None`: all that come.
    pub(super) fn limit(&mut self, left: Option<usize>) {
        self.left = left;
    }

    /// Whether all that may be read has been.
    pub(super) fn is_spent(&self) -> bool {
        self.left == Some(0)
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        let Some(left) = &mut this.left else { return Pin::new(&mut this.bytes).poll_read(cx, buffer) };
        if *left == 0 {
            return Poll::Ready(Err(Error::other("more was sent than may be before joining")));
        }
        let room = buffer.remaining().min(*left);
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.bytes).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        *left -= read;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.bytes).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.bytes.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }
}
