//! URLs of others, which may hold tokens in what follows the host: told short wherever it is not
//! they who are asked.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where a program or a webhook is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Url(Arc<str>);

impl Url {
    /// For whoever goes there.
    pub fn whole(&self) -> &str {
        &self.0
    }

    /// For everybody.
    pub fn short(&self) -> String {
        shortened(&self.0)
    }
}

impl From<&str> for Url {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

impl From<Arc<str>> for Url {
    fn from(url: Arc<str>) -> Self {
        Self(url)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// `scheme://host:port/`: without user, path and query. Nothing of what is no URL.
pub fn shortened(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_scheme_host_and_port_are_told() {
        for (url, short) in [
            ("https://crm.example.com/hook/T0KEN", "https://crm.example.com/"),
            ("https://user:t0ken@crm.example.com:8443/?key=T0KEN", "https://crm.example.com:8443/"),
            ("wss://[2001:db8::1]:9000?key=T0KEN#x", "wss://[2001:db8::1]:9000/"),
            ("http://a@b@192.0.2.1", "http://192.0.2.1/"),
            ("https://host\\T0KEN@other/", "https://host/"),
            ("https://host/", "https://host/"),
            ("T0KEN", ""),
        ] {
            assert_eq!(shortened(url), short);
            assert_eq!(format!("{:?}", Url::from(url)), short);
            assert_eq!(Url::from(url).whole(), url);
        }
    }
}
