//! Connections: taken, limited, perhaps with TLS, and ended in good order.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

/// Connections at once; one more waits until another has ended.
const CONNECTIONS: usize = 1024;
/// How long the head of a request may take, and the greeting of TLS.
const HEAD: Duration = Duration::from_secs(15);
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

/// Reads a certificate with its chain, and its key.
pub fn tls(certificate: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let wrong = |file: &Path, why: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", file.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|it| wrong(certificate, &it))?;
    let chain: Result<Vec<_>, _> = chain.collect();
    let chain = chain.map_err(|it| wrong(certificate, &it))?;
    if chain.is_empty() {
        return Err(wrong(certificate, &"there is no certificate in it"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|it| wrong(key, &it))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|it| wrong(key, &it))?
        .with_no_client_auth()
        .with_single_cert(chain, private);
    let mut config = config.map_err(|it| wrong(key, &it))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop` says so (or nobody is left who could), and what has begun is answered.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Router,
    mut stop: watch::Receiver<bool>,
) {
    let app = TowerToHyperService::new(app);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, address, place)) = accepted else { continue };
        let (app, tls, stop) = (app.clone(), tls.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            let peer = Peer { address, tls: tls.is_some() };
            match tls {
                None => talk(stream, peer, app, stop).await,
                Some(tls) => match tokio::time::timeout(HEAD, tls.accept(stream)).await {
                    Ok(Ok(stream)) => talk(stream, peer, app, stop).await,
                    _ => debug!(%address, "no TLS came about"),
                },
            }
        });
    }
    let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    if tokio::time::timeout(LAST, room.acquire_many(all)).await.is_err() {
        debug!("HTTP connections are broken off");
    }
}

#[allow(clippy::disallowed_methods, reason = "the shell may wait")]
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            drop(stream.set_nodelay(true));
            Some((stream, address, place))
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
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
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
