//! Connections: taken, limited, perhaps with TLS, and ended in good order.

mod patient;
mod sources;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::{debug, warn};

use self::patient::Patient;
pub use self::sources::network;
use self::sources::{Held, Sources};
use super::certificate::Certificate;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At once; one more waits until another has ended.
    pub connections: u32,
    /// Of those so many may be of one source; no such limit where all come from a proxy.
    pub each: Option<u32>,
    /// How long the far end may take nothing of what it is sent.
    pub stalled: Duration,
    /// How long the head of a request may take, and the greeting of TLS.
    pub head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            each: Some(256),
            stalled: Duration::from_secs(60),
            head: Duration::from_secs(15),
        }
    }
}

/// Bytes of a head.
const HEAD_MAX: usize = 64 * 1024;
/// How long answers that have begun may go on when the edge stops.
const LAST: Duration = Duration::from_secs(2);
/// A pause where no connection can be taken, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// The far end of a connection: with each of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    pub tls: bool,
}

impl Default for Peer {
    fn default() -> Self {
        Self { address: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), tls: false }
    }
}

/// Serves until `stop` says so (or nobody is left who could), and what has begun is answered.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Certificate>>,
    app: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let app = TowerToHyperService::new(app);
    let room = Arc::new(Semaphore::new(limits.connections as usize));
    let sources = Sources::new(limits.each.map(|it| it as usize));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &room, &sources) => accepted,
        };
        let Some((stream, address, place)) = accepted else { continue };
        // With the certificate of this moment.
        let tls = tls.as_ref().map(|it| it.acceptor());
        let (app, stop) = (app.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            let peer = Peer { address, tls: tls.is_some() };
            match tls {
                None => talk(stream, peer, app, limits, stop).await,
                Some(tls) => match tokio::time::timeout(limits.head, tls.accept(stream)).await {
                    Ok(Ok(stream)) => talk(stream, peer, app, limits, stop).await,
                    _ => debug!(%address, "no TLS came about"),
                },
            }
        });
    }
    if tokio::time::timeout(LAST, room.acquire_many(limits.connections)).await.is_err() {
        debug!("HTTP connections are broken off");
    }
}

#[allow(clippy::disallowed_methods, reason = "the shell may wait")]
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    sources: &Sources,
) -> Option<(TcpStream, SocketAddr, (OwnedSemaphorePermit, Held))> {
    let place = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            // Who holds as many as it may is not told: that would cost as much as an answer.
            let held = sources.take(address.ip())?;
            drop(stream.set_nodelay(true));
            Some((stream, address, (place, held)))
        }
        Err(error) => {
            warn!(%error, "an HTTP connection cannot be taken");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    app: TowerToHyperService<Router>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let stream = Patient::new(stream, limits.stalled);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, address = %peer.address, "an HTTP connection broke");
    }
}

/// When it is said, or nobody is left who could.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|it| *it).await);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    const HERE: &[u8] = b"HTTP/1.1 200 OK\r\n";
    /// Long enough for anything that should happen at once.
    const SOON: Duration = Duration::from_secs(5);
    /// So long it is watched that something does not happen.
    const WHILE: Duration = Duration::from_millis(200);

    /// Serves with these limits while a story is told.
    fn served<F: Future<Output = ()>>(limits: Limits, story: impl FnOnce(SocketAddr) -> F) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let at = listener.local_addr().unwrap();
            let app = Router::new().route("/", axum::routing::get(|| async { "here" }));
            let (stop, stopped) = watch::channel(false);
            let serving = tokio::spawn(serve(listener, None, app, limits, stopped));
            story(at).await;
            stop.send(true).unwrap();
            tokio::time::timeout(SOON, serving).await.expect("it ends").unwrap();
        });
    }

    async fn says(stream: &mut TcpStream) -> Vec<u8> {
        let mut said = vec![0; HERE.len()];
        let read = tokio::time::timeout(SOON, stream.read_exact(&mut said)).await;
        read.expect("an answer in time").expect("an answer");
        said
    }

    /// Whatever is said until the connection ends.
    async fn last_words(stream: &mut TcpStream) -> Vec<u8> {
        let mut said = Vec::new();
        let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut said)).await;
        // Broken off is ended, too.
        drop(ended.expect("the connection ends"));
        said
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "it is about real time")]
    fn who_never_ends_the_head_of_a_request_is_cut_off_and_others_are_served_meanwhile() {
        let limits = Limits { head: Duration::from_millis(500), ..Limits::default() };
        served(limits, |at| async move {
            let mut slow = TcpStream::connect(at).await.unwrap();
            slow.write_all(b"GET / HTTP/1.1\r\nx-slow: ").await.unwrap();
            let mut silent = TcpStream::connect(at).await.unwrap();
            let mut quick = TcpStream::connect(at).await.unwrap();
            quick.write_all(ASK).await.unwrap();
            assert_eq!(says(&mut quick).await, HERE);
            // A byte now and then does not help: it is the whole head that has to be in time.
            let drip = async {
                while slow.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(WHILE / 2).await;
                }
            };
            tokio::time::timeout(SOON, drip).await.expect("it is cut off");
            assert!(!last_words(&mut silent).await.starts_with(HERE));
        });
    }

    #[test]
    fn one_connection_more_than_there_may_be_waits_until_another_has_ended() {
        let limits = Limits { connections: 2, ..Limits::default() };
        served(limits, |at| async move {
            let mut held = Vec::new();
            for _ in 0..2 {
                let mut one = TcpStream::connect(at).await.unwrap();
                one.write_all(ASK).await.unwrap();
                assert_eq!(says(&mut one).await, HERE);
                held.push(one);
            }
            let mut third = TcpStream::connect(at).await.unwrap();
            third.write_all(ASK).await.unwrap();
            let early = tokio::time::timeout(WHILE, third.read_u8()).await;
            assert!(early.is_err(), "there is no place for it yet");
            drop(held.pop());
            assert_eq!(says(&mut third).await, HERE);
        });
    }

    #[test]
    fn a_head_that_is_too_large_is_refused() {
        served(Limits::default(), |at| async move {
            let mut stream = TcpStream::connect(at).await.unwrap();
            let head = format!("GET / HTTP/1.1\r\nx-large: {}\r\n", "x".repeat(2 * HEAD_MAX));
            drop(stream.write_all(head.as_bytes()).await);
            let said = last_words(&mut stream).await;
            assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 431"), "{said:?}");
        });
    }
}
