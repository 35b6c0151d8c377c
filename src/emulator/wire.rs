//! A connection that can end badly on purpose, and bodies that do.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What a request's handler can do to the connection beneath it.
#[derive(Default)]
pub(crate) struct Control {
    ended: AtomicBool,
    reset: AtomicBool,
    flushed: Mutex<Flushed>,
}

#[derive(Default)]
struct Flushed {
    times: u64,
    waiting: Option<Waker>,
}

impl Control {
    /// Nothing more is read or written: the connection ends with a FIN.
    pub(crate) fn close(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// The same, with a RST.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
        self.close();
    }

    fn flushed(&self) -> MutexGuard<'_, Flushed> {
        self.flushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server's end of a connection.
pub(crate) struct Wire {
    stream: TcpStream,
    control: Arc<Control>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, control: Arc<Control>) -> Self {
        Self { stream, control }
    }

    fn alive(&self) -> io::Result<()> {
        if self.control.ended.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::Relaxed) {
            // Closing a socket that must not linger is how a RST is sent. Where that fails, it ends with a FIN.
            let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        if done.is_ready() {
            let mut flushed = self.control.flushed();
            flushed.times += 1;
            if let Some(waiting) = flushed.waiting.take() {
                waiting.wake();
            }
        }
        done
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How a body goes out.
pub(crate) enum Pace {
    Whole,
    /// It breaks off after so many bytes.
    Cut(usize),
    /// Byte by byte.
    Trickle(Duration),
}

/// The body of an answer. It carries a guard that lives as long as the answer is on its way.
pub(crate) struct ReplyBody<G> {
    left: Bytes,
    pace: Pace,
    control: Arc<Control>,
    pause: Option<Pin<Box<Sleep>>>,
    /// The flush after which everything is out that a cut body was to send.
    out_after: Option<u64>,
    _guard: G,
}

impl<G> ReplyBody<G> {
    pub(crate) fn new(body: Bytes, pace: Pace, control: Arc<Control>, guard: G) -> Self {
        Self { left: body, pace, control, pause: None, out_after: None, _guard: guard }
    }

    /// hyper drops what it has buffered when a body fails: the failure has to wait for a flush.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut flushed = self.control.flushed();
        let out_after = *self.out_after.get_or_insert(flushed.times);
        if flushed.times > out_after {
            return Poll::Ready(Some(Err(io::Error::other("the body is cut off on purpose"))));
        }
        flushed.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<G: Unpin> Body for ReplyBody<G> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let take = match &mut this.pace {
            Pace::Cut(0) => return this.poll_cut(cx),
            _ if this.left.is_empty() => return Poll::Ready(None),
            Pace::Whole => this.left.len(),
            Pace::Cut(bytes) => {
                let take = (*bytes).min(this.left.len());
                *bytes = 0;
                take
            }
            Pace::Trickle(interval) => {
                let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(*interval)));
                std::task::ready!(pause.as_mut().poll(cx));
                this.pause = None;
                1
            }
        };
        Poll::Ready(Some(Ok(Frame::data(this.left.split_to(take)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && !matches!(self.pace, Pace::Cut(_))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
