//! A WebSocket to a program: name, TCP, TLS if the URL says `wss`, and the handshake of RFC 6455.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::warn;

use crate::stream::MESSAGE_MAX;

/// What is sent to a program may gather so much before it is given up.
const UNSENT_MAX: usize = 256 << 10;

pub trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

pub type Socket = WebSocketStream<Box<dyn Wire>>;

/// Whom `wss` trusts: the machine's certificates, read when they are first asked for
/// (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
#[derive(Clone, Default)]
pub struct Tls(Arc<OnceLock<Arc<ClientConfig>>>);

/// Why there is no WebSocket.
#[derive(Debug)]
pub enum Error {
    Url(String),
    Tcp(std::io::Error),
    Tls(std::io::Error),
    Handshake(Box<tokio_tungstenite::tungstenite::Error>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "its URL: {why}"),
            Self::Tcp(error) => write!(f, "no connection: {error}"),
            Self::Tls(error) => write!(f, "no TLS: {error}"),
            Self::Handshake(error) => write!(f, "no WebSocket: {error}"),
        }
    }
}

pub async fn connect(url: &str, tls: &Tls) -> Result<Socket, Error> {
    let request = url.into_client_request().map_err(|it| Error::Url(it.to_string()))?;
    let uri = request.uri().clone();
    let host = uri.host().ok_or_else(|| Error::Url("it names no host".into()))?.to_owned();
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let secure = match uri.scheme_str() {
        Some("wss") => true,
        Some("ws") => false,
        _ => return Err(Error::Url("it is neither ws:// nor wss://".into())),
    };
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(Error::Tcp)?;
    tcp.set_nodelay(true).map_err(Error::Tcp)?;
    let wire: Box<dyn Wire> = if secure {
        let name = ServerName::try_from(host).map_err(|it| Error::Url(it.to_string()))?;
        let connector = TlsConnector::from(tls.trust());
        Box::new(connector.connect(name, tcp).await.map_err(Error::Tls)?)
    } else {
        Box::new(tcp)
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX))
        .max_write_buffer_size(UNSENT_MAX);
    let taken = tokio_tungstenite::client_async_with_config(request, wire, Some(config)).await;
    taken.map(|(socket, _)| socket).map_err(|it| Error::Handshake(Box::new(it)))
}

impl Tls {
    pub fn trust(&self) -> Arc<ClientConfig> {
        let trust = self.0.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                warn!(%error, "a certificate of this machine cannot be read");
            }
            let mut roots = RootCertStore::empty();
            let (_, unusable) = roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                warn!(unusable, "no certificates are trusted here: wss:// will fail");
            }
            let config = ClientConfig::builder().with_root_certificates(roots);
            Arc::new(config.with_no_client_auth())
        });
        Arc::clone(trust)
    }
}
