//! Digest authentication, the side that asks (RFC 3261 section 22, RFC 7616, RFC 8760).
//!
//! Of a password only its HA1 per algorithm is kept. An unknown user goes the same way as a known
//! one, against an HA1 that nobody can know, and gets the same answer. A nonce that is not ours, or
//! was not given to this address, is answered `stale` whatever the password (RFC 7616 section
//! 3.3 would like it checked, but then passwords could be tried without our ever having sent a
//! nonce). The count of a nonce is noted only after the digest proved right, so that nobody spoils
//! another's nonce.
//!
//! The `uri` of credentials is hashed as the client wrote it and not compared with the Request-URI:
//! phones and the proxies before them write it in too many ways, and since every count is good
//! once only, credentials cannot be carried over to another request.

use std::net::IpAddr;

use super::config::{Algorithm, NonceRules, Secret};
use super::nonce::{Hmac, LENGTH, Nonces, Window};
use crate::clock::Wall;
use crate::sip::{Message, Method, Name, digest};

/// What is kept of a secret: HA1 in hexadecimal, per algorithm.
#[derive(Clone, Default)]
pub(super) struct Keys {
    md5: Option<Box<str>>,
    sha256: Option<Box<str>>,
}

impl Keys {
    /// `None` if an HA1 is not one.
    pub fn of(user: &str, realm: &str, secret: &Secret) -> Option<Self> {
        match secret {
            Secret::Password(password) => {
                let ha1 = |it| digest::ha1(it, user, realm, password);
                let md5 = Some(ha1(digest::Algorithm::Md5).into());
                Some(Self { md5, sha256: Some(ha1(digest::Algorithm::Sha256).into()) })
            }
            Secret::Ha1 { md5, sha256 } => {
                let well_formed = |ha1: &Option<String>, length| {
                    let hex = |it: &String| it.bytes().all(|it| it.is_ascii_hexdigit());
                    ha1.as_ref().is_none_or(|it| it.len() == length && hex(it))
                };
                let lower = |ha1: &Option<String>| {
                    ha1.as_ref().map(|it| it.to_ascii_lowercase().into_boxed_str())
                };
                (well_formed(md5, 32) && well_formed(sha256, 64))
                    .then(|| Self { md5: lower(md5), sha256: lower(sha256) })
            }
        }
    }

    /// Keys that no password has.
    fn decoy(mac: &Hmac) -> Self {
        let text = |label: &[u8]| -> String {
            mac.of(&[label]).iter().map(|it| format!("{it:02x}")).collect()
        };
        let mut md5 = text(b"decoy md5");
        md5.truncate(32);
        Self { md5: Some(md5.into()), sha256: Some(text(b"decoy sha-256").into()) }
    }

    fn of_algorithm(&self, algorithm: Algorithm) -> Option<&str> {
        match algorithm {
            Algorithm::Md5 => self.md5.as_deref(),
            Algorithm::Sha256 => self.sha256.as_deref(),
        }
    }
}

/// How a request proved itself, or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Good,
    /// Right, but with a nonce that was used before or too long ago; or with one that is not ours.
    Stale,
    /// Wrong, though the nonce was ours and reached this address.
    Wrong,
}

pub(super) struct Door {
    realm: Box<str>,
    algorithms: Vec<Algorithm>,
    rules: NonceRules,
    nonces: Nonces,
    window: Window,
    decoy: Keys,
}

impl Door {
    pub fn new(
        secret: &[u8; 32],
        realm: &str,
        algorithms: Vec<Algorithm>,
        rules: NonceRules,
    ) -> Self {
        Self {
            realm: realm.into(),
            algorithms,
            rules,
            nonces: Nonces::new(secret, realm),
            window: Window::new(rules.remembered),
            decoy: Keys::decoy(&Hmac::new(secret)),
        }
    }

    /// Whether this door is what these settings ask for; another one finds older nonces stale.
    pub fn is_like(&self, realm: &str, algorithms: &[Algorithm], rules: NonceRules) -> bool {
        *self.realm == *realm && self.algorithms == algorithms && self.rules == rules
    }

    pub fn realm(&self) -> &str {
        &self.realm
    }

    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    pub fn nonce(&mut self, source: IpAddr, now: Wall) -> [u8; LENGTH] {
        self.nonces.issue(source, now)
    }

    /// The credentials meant for us, the first if there are several.
    pub fn credentials<'a>(&self, request: &'a Message) -> Option<digest::Credentials<'a>> {
        let lines = request.values(Name::Authorization);
        let lines = lines.chain(request.values(Name::ProxyAuthorization));
        lines.filter_map(digest::Credentials::parse).find(|it| *it.realm == *self.realm)
    }

    /// Checks credentials against the keys of their user; `None` if there is no such user.
    pub fn check(
        &mut self,
        credentials: &digest::Credentials<'_>,
        keys: Option<&Keys>,
        request: &Message,
        source: IpAddr,
        now: Wall,
    ) -> Proof {
        let Some(issued) = self.nonces.recognise(credentials.nonce.as_bytes(), source) else {
            return Proof::Stale;
        };
        let algorithm = match credentials.algorithm {
            digest::Algorithm::Md5 | digest::Algorithm::Md5Sess => Algorithm::Md5,
            digest::Algorithm::Sha256 | digest::Algorithm::Sha256Sess => Algorithm::Sha256,
            _ => return Proof::Wrong,
        };
        if !self.algorithms.contains(&algorithm) || credentials.qop.is_none() {
            return Proof::Wrong;
        }
        let Some(nc) = credentials.nc else { return Proof::Wrong };
        let known = keys.is_some();
        let keys = keys.unwrap_or(&self.decoy);
        let Some(ha1) = keys.of_algorithm(algorithm) else { return Proof::Wrong };
        let right = credentials.matches(ha1, request.method().as_bytes(), &request.body());
        if !(right & known) {
            return Proof::Wrong;
        }
        let ttl = match request.method() {
            Method::Register => self.rules.register_ttl,
            _ => self.rules.call_ttl,
        };
        let current = issued.is_fresh(ttl, now) && !self.nonces.is_older_than_all(issued);
        if !current || !self.window.rises(issued, nc) {
            return Proof::Stale;
        }
        Proof::Good
    }
}
