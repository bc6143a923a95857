//! The certificate of HTTPS: read at the start, and again when its files are others or the edge is
//! told to read anew (SIGHUP). A connection keeps the one that it began with.
//!
//! A new one that cannot be used changes nothing in what is served. It is told by the log, by
//! readiness, in `/v1/status` and by metrics; and so is one that ends soon.

mod validity;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tracing::{error, info, warn};
use utoipa::ToSchema;

use self::validity::Validity;
use super::Api;
use crate::clock::Wall;
use crate::config::Config;

/// How often the files are looked at: two questions to the file system.
const LOOK: Duration = Duration::from_secs(10);
/// Bytes of a file.
const FILE_MAX: u64 = 1 << 20;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// So many days before its end it is warned of, and readiness tells of it.
const WARNED: i64 = 14;
const DEGRADED: i64 = 3;

/// Where a certificate stands, with its chain, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Files {
    /// As the configuration names them, from this folder on.
    pub fn of(config: &Config, folder: &Path) -> Option<Self> {
        let (certificate, key) = (config.api.certificate.as_ref()?, config.api.key.as_ref()?);
        Some(Self { certificate: folder.join(certificate), key: folder.join(key) })
    }
}

/// The certificate that is shown now, and what is known of the one that should be.
pub struct Certificate(Mutex<State>);

struct State {
    files: Files,
    /// What the files looked like before they were read.
    seen: [Option<Stamp>; 2],
    shown: Shown,
    /// Why what is in the files is not shown.
    refused: Option<String>,
    /// How many days were left when it was last warned of.
    warned: Option<i64>,
}

/// A certificate that connections begin with.
#[derive(Clone)]
struct Shown {
    acceptor: TlsAcceptor,
    chain: Vec<CertificateDer<'static>>,
    validity: Validity,
}

/// By what a file that was replaced or written to is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    place: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The certificate, as `/v1/status` tells it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateStanding {
    /// When the one that is shown ends: microseconds since 1970.
    #[schema(value_type = i64)]
    ends: Wall,
    /// Why the one in the files is not shown, if it is another.
    why: Option<String>,
}

impl Certificate {
    /// Reads it for the first time.
    pub fn open(files: Files) -> Result<Self, String> {
        let seen = stamps(&files);
        let shown = Shown::read(&files)?;
        Ok(Self(Mutex::new(State { files, seen, shown, refused: None, warned: None })))
    }

    /// What a connection that comes now is taken with.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.lock().shown.acceptor.clone()
    }

    pub fn standing(&self) -> CertificateStanding {
        let state = self.lock();
        CertificateStanding { ends: state.shown.validity.until, why: state.refused.clone() }
    }

    /// What readiness says of it.
    pub fn degraded(&self, now: Wall) -> Option<&'static str> {
        let state = self.lock();
        let left = left(state.shown.validity.until, now);
        match () {
            () if left <= 0 => Some("the certificate of HTTPS has ended"),
            () if left <= DEGRADED * DAY => Some("the certificate of HTTPS ends within 3 days"),
            () if state.refused.is_some() => {
                Some("the new certificate of HTTPS cannot be used, the one before it is")
            }
            () => None,
        }
    }

    /// Looks whether there is another one, and how long this one holds. Who `asks` wants the files
    /// read even if they seem to be the same. For a thread that may wait for a disk.
    pub fn look(&self, files: &Files, asks: bool, now: Wall) {
        let seen = stamps(files);
        let (before, refused) = {
            let state = self.lock();
            // What was wrong may be right by now for reasons that leave no trace on the files.
            let same = state.seen == seen && state.files == *files && state.refused.is_none();
            if same && !asks {
                (None, None)
            } else {
                (Some(state.shown.clone()), state.refused.clone())
            }
        };
        if let Some(before) = before {
            let read = Shown::read(files).and_then(|it| it.in_place_of(&before, now));
            let news = asks || read.as_ref().err() != refused.as_ref();
            let mut state = self.lock();
            (state.files, state.seen) = (files.clone(), seen);
            match read {
                Ok(shown) => state.take(shown),
                Err(why) => state.refuse(why, news),
            }
        }
        self.lock().watch(now);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, shown: Shown) {
        let is_new = shown.chain != self.shown.chain;
        // With another key it may be the same certificate.
        self.shown = shown;
        if self.refused.take().is_some() || is_new {
            let ends = said(self.shown.validity.until);
            info!(ends, "HTTPS shows a new certificate");
            metrics::counter!("crosspoint_certificate_loads_total", "outcome" => "taken")
                .increment(1);
        }
        if is_new {
            self.warned = None;
        }
    }

    fn refuse(&mut self, why: String, news: bool) {
        if news {
            error!(why, "the new certificate of HTTPS cannot be used; the one before it is");
            metrics::counter!("crosspoint_certificate_loads_total", "outcome" => "refused")
                .increment(1);
        }
        self.refused = Some(why);
    }

    /// Warns of its end, once on each of the last days.
    fn watch(&mut self, now: Wall) {
        let until = self.shown.validity.until;
        let refused = if self.refused.is_some() { 1.0 } else { 0.0 };
        metrics::gauge!("crosspoint_certificate_refused").set(refused);
        metrics::gauge!("crosspoint_certificate_ends_timestamp_seconds")
            .set(until.unix_micros() as f64 / 1e6);
        let days = left(until, now).div_euclid(DAY);
        if WARNED <= days || self.warned == Some(days.max(-1)) {
            return;
        }
        self.warned = Some(days.max(-1));
        let ends = said(until);
        match days {
            ..0 => error!(ends, "the certificate of HTTPS has ended: nobody trusts it any more"),
            _ => warn!(ends, days, "the certificate of HTTPS ends soon"),
        }
    }
}

impl Shown {
    fn read(files: &Files) -> Result<Self, String> {
        let Files { certificate, key } = files;
        let pem = bytes(certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.map_err(|it| wrong(certificate, &it))?;
        let Some(first) = chain.first() else {
            return Err(wrong(certificate, &"there is no certificate in it"));
        };
        let validity = Validity::of(first);
        let validity = validity.ok_or_else(|| wrong(certificate, &"it says no dates"))?;
        let private = PrivateKeyDer::from_pem_slice(&bytes(key)?).map_err(|it| wrong(key, &it))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|it| wrong(key, &it))?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), private);
        // That they belong to each other is looked at here as well.
        let mut config = config.map_err(|it| wrong(key, &it))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), chain, validity })
    }

    /// Itself, if it is no worse than the one that is shown: one that does not hold now is not
    /// taken for one that does.
    fn in_place_of(self, shown: &Self, now: Wall) -> Result<Self, String> {
        if self.validity.holds(now) || !shown.validity.holds(now) {
            return Ok(self);
        }
        match self.validity.until <= now {
            true => Err(format!("it ended at {}", said(self.validity.until))),
            false => Err(format!("it begins to hold at {}", said(self.validity.from))),
        }
    }
}

fn wrong(file: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{}: {why}", file.display())
}

/// What is in a file, if it is one.
fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    let data = fs::metadata(file).map_err(|it| wrong(file, &it))?;
    if !data.is_file() || FILE_MAX < data.len() {
        return Err(wrong(file, &format!("this is no file of up to {FILE_MAX} bytes")));
    }
    fs::read(file).map_err(|it| wrong(file, &it))
}

fn stamps(files: &Files) -> [Option<Stamp>; 2] {
    [&files.certificate, &files.key].map(|it| fs::metadata(it).map(|it| Stamp::of(&it)).ok())
}

impl Stamp {
    fn of(it: &fs::Metadata) -> Self {
        Self {
            place: (it.dev(), it.ino()),
            length: it.len(),
            modified: (it.mtime(), it.mtime_nsec()),
            changed: (it.ctime(), it.ctime_nsec()),
        }
    }
}

/// Microseconds.
fn left(until: Wall, now: Wall) -> i64 {
    until.unix_micros().saturating_sub(now.unix_micros())
}

fn said(at: Wall) -> String {
    let at = jiff::Timestamp::from_microsecond(at.unix_micros());
    at.map_or_else(|_| "no time".to_owned(), |it| format!("{it:.0}"))
}

/// Looks at it for as long as the edge runs; `asked` when the edge is told to read anew.
#[allow(clippy::disallowed_methods, reason = "nobody waits for this")]
pub async fn follow(api: Api, folder: PathBuf, asked: Arc<Notify>) {
    let Some(certificate) = api.certificate.clone() else { return };
    let mut running = api.config.clone();
    let mut asks = false;
    loop {
        let files = Files::of(&running.borrow_and_update(), &folder);
        // Without any HTTPS goes on until the edge is started again.
        if let Some(files) = files {
            let (it, now) = (certificate.clone(), api.now());
            let looked = tokio::task::spawn_blocking(move || it.look(&files, asks, now)).await;
            if let Err(error) = looked {
                error!(%error, "the certificate of HTTPS was not looked at");
            }
        }
        asks = tokio::select! {
            () = asked.notified() => true,
            changed = running.changed() => match changed {
                Ok(()) => false,
                Err(_) => return,
            },
            () = tokio::time::sleep(LOOK) => false,
        };
    }
}

#[cfg(test)]
mod tests;
