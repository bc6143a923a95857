//! A connection whose far end takes what it is sent, or is let go (EDGE S-18): one that reads
//! nothing would otherwise keep its place, and what is being sent, for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream that breaks if nothing could be sent on it for so long.
pub struct Patient<S> {
    inner: S,
    patience: Duration,
    /// Since the far end took something, while more waits to be taken.
    waits: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, waits: None }
    }

    /// What came of an attempt to send.
    fn sent<T>(
        &mut self,
        context: &mut Context<'_>,
        sent: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.waits = None;
            return sent;
        }
        let patience = self.patience;
        #[allow(clippy::disallowed_methods, reason = "the shell may wait")]
        let waits = self.waits.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(waits.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the far end takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.sent(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.sent(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.inner).poll_flush(context);
        self.sent(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.inner).poll_shutdown(context);
        self.sent(context, sent)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::{Body, Bytes};
    use axum::http::Response;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn who_takes_nothing_is_let_go_and_who_takes_slowly_is_not() {
        let patience = Duration::from_millis(200);
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut ours = Patient::new(ours, patience);
        let slow = async {
            let mut heard = [0; 8];
            // In all this takes longer than anybody's patience.
            for _ in 0..8 {
                tokio::time::timeout(patience / 4, std::future::pending::<()>()).await.unwrap_err();
                theirs.read_exact(&mut heard).await.unwrap();
            }
            theirs
        };
        let (sent, theirs) = tokio::join!(ours.write_all(&[1; 64]), slow);
        sent.unwrap();
        let stuck = tokio::time::timeout(20 * patience, ours.write_all(&[1; 64])).await;
        assert_eq!(stuck.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(theirs);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_broken_off() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let endless = service_fn(|_| async {
            let piece = || Ok::<_, Infallible>(Bytes::from_static(&[0; 4096]));
            let body = Body::from_stream(futures_util::stream::repeat_with(piece));
            Ok::<_, Infallible>(Response::new(body))
        });
        let ours = TokioIo::new(Patient::new(ours, Duration::from_millis(200)));
        let served = http1::Builder::new().serve_connection(ours, endless);
        theirs.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(10), served).await;
        assert!(ended.expect("it holds its place").is_err());
    }
}
