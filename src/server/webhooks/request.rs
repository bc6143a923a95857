//! One request: signed, to an address that it may go to, answered in time or not at all.

use std::error::Error;
use std::fmt;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hmac::{Hmac, Mac};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use sha2::Sha256;

use crate::clock::Wall;
use crate::model::Webhook;
use crate::outbox::{Delivery, Outcome, is_public};
use crate::server::streams::Tls;

/// Of an answer so much is read, so that its connection can be used again; more closes it.
const ANSWER_MAX: usize = 16 << 10;
/// Connections of a receiver that may rest.
const RESTING: usize = 8;
const REST: Duration = Duration::from_secs(30);

/// What requests are made with; cheap to clone.
#[derive(Clone)]
pub struct Requests(Arc<Clients>);

struct Clients {
    tls: Tls,
    /// For those at public addresses only, and for those anywhere: they share no connection.
    public: OnceLock<Option<Client>>,
    any: OnceLock<Option<Client>>,
}

impl Requests {
    pub fn new(tls: Tls) -> Self {
        Self(Arc::new(Clients { tls, public: OnceLock::new(), any: OnceLock::new() }))
    }

    pub async fn send(&self, to: &Webhook, delivery: &Delivery, now: Wall) -> Outcome {
        let failed = |why: String| Outcome::Failed { why, retry_after: None };
        let Ok(url) = Url::parse(to.url.whole()) else {
            return failed("its URL is none".to_owned());
        };
        if !to.allow_private && address_of(&url).is_some_and(|it| !is_public(it)) {
            return failed(Private.to_string());
        }
        let Some(client) = self.client(to.allow_private) else {
            return failed("TLS cannot be set up".to_owned());
        };
        let timestamp = now.unix_seconds();
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("X-Crosspoint-Event", &*delivery.event)
            .header("X-Crosspoint-Delivery", delivery.key())
            .header("X-Crosspoint-Timestamp", timestamp)
            .header("X-Crosspoint-Signature", signature(&to.secret.0, timestamp, &delivery.body))
            .timeout(to.timeout)
            .body(delivery.body.to_string());
        match request.send().await {
            Ok(answer) => judge(answer).await,
            Err(error) => failed(reason(error)),
        }
    }

    fn client(&self, any: bool) -> Option<&Client> {
        let held = if any { &self.0.any } else { &self.0.public };
        let made = held.get_or_init(|| {
            let made = Client::builder()
                .user_agent(concat!("crosspoint/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
                .pool_max_idle_per_host(RESTING)
                .pool_idle_timeout(REST)
                .dns_resolver(Checked { any })
                .tls_backend_preconfigured((*self.0.tls.trust()).clone())
                .build();
            made.map_err(|error| tracing::error!(%error, "webhooks cannot be called")).ok()
        });
        made.as_ref()
    }
}

/// `sha256=` and the HMAC of timestamp, `.` and body, in hexadecimal.
pub fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let mut text = String::from("sha256=");
    // A key may have any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body.as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

/// The address that a URL names itself: those are never asked for.
fn address_of(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// 2xx is a yes, whatever is said besides.
async fn judge(mut answer: Response) -> Outcome {
    let status = answer.status();
    let asked = answer.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
    let seconds = asked.and_then(|it| it.trim().parse().ok()).map(Duration::from_secs);
    let mut read = 0;
    while let Ok(Some(part)) = answer.chunk().await {
        read += part.len();
        if ANSWER_MAX < read {
            break;
        }
    }
    if status.is_success() {
        return Outcome::Acknowledged;
    }
    let why = match status.is_redirection() {
        true => format!("answered {}: redirects are not followed", status.as_u16()),
        false => format!("answered {}", status.as_u16()),
    };
    let later = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    Outcome::Failed { why, retry_after: seconds.filter(|_| later.contains(&status)) }
}

/// Why there is no answer; without the URL, which may hold a secret.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut deepest: &dyn Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match error.is_connect() {
        true => format!("no connection: {deepest}"),
        false => deepest.to_string(),
    }
}

/// Finds the addresses of names, and gives out only those that may be connected to. The connection
/// is made to one of them: a name that changes its mind in between gains nothing.
struct Checked {
    any: bool,
}

/// There is no other address.
#[derive(Debug)]
struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its address is private (`allow_private` would allow it)")
    }
}

impl Error for Private {}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let any = self.any;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|it| any || is_public(it.ip())).collect();
            match allowed.is_empty() {
                true => Err(Private.into()),
                false => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        // printf '1800000000.{"a":1}' | openssl dgst -sha256 -hmac 'a secret of sixteen'
        assert_eq!(
            signature("a secret of sixteen", 1_800_000_000, r#"{"a":1}"#),
            "sha256=7c95b119208a50644805589b26bb847f99f516742f8cb63db4817143be64f798"
        );
    }

    #[test]
    fn addresses_in_urls_are_seen_however_they_are_written() {
        for (url, wanted) in [
            ("http://127.0.0.1/", "127.0.0.1"),
            ("http://2130706433/", "127.0.0.1"),
            ("http://0x7f.1:80/", "127.0.0.1"),
            ("http://0177.0.0.1/", "127.0.0.1"),
            ("http://[::1]:8080/x", "::1"),
            ("http://[::ffff:a9fe:a9fe]/", "::ffff:169.254.169.254"),
        ] {
            let address = address_of(&Url::parse(url).unwrap()).unwrap();
            assert_eq!(address, wanted.parse::<IpAddr>().unwrap(), "{url}");
            assert!(!is_public(address), "{url}");
        }
        assert_eq!(address_of(&Url::parse("http://localhost/").unwrap()), None);
    }
}
