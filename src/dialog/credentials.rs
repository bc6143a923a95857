//! Answering a far end that challenges us (RFC 3261 section 22, RFC 7616, RFC 8760).
//!
//! Of several challenges for one realm the first that we can answer is taken: the far end lists
//! them in its order of preference (RFC 8760 section 2.4). Once answered, a challenge is answered
//! ahead in every later request of the leg, with a growing nonce count.

use super::head::Lines;
use super::{Ids, head};
use crate::sip::digest::{self, Algorithm, Challenge};
use crate::sip::{Message, Method, Name, Uri};

/// A request that was challenged more often than this is given up.
const MAX_TRIES: u8 = 2;
/// Realms a leg keeps answers for: the far end and proxies on the way.
const MAX_REALMS: usize = 4;

/// The user a far end knows us as.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
    /// The realm they are for; any, if none is given.
    pub realm: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(_)")
    }
}

/// The credentials, and the challenges they answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Auth {
    credentials: Option<Credentials>,
    held: Vec<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    challenge: Challenge,
    /// How often its nonce was used.
    count: u32,
}

impl Auth {
    pub fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, held: Vec::new() }
    }

    /// Takes the challenges of a 401 or 407 to a request that was challenged `tries` times before;
    /// true if sending it again may help.
    pub fn take(&mut self, response: &Message, tries: u8) -> bool {
        let Some(credentials) = &self.credentials else { return false };
        if MAX_TRIES <= tries {
            return false;
        }
        let mut fresh: Vec<Challenge> = Vec::new();
        for challenge in response.challenges() {
            let known = |it: &Challenge| it.proxy == challenge.proxy && it.realm == challenge.realm;
            if answerable(&challenge)
                && credentials.realm.as_deref().is_none_or(|it| challenge.realm == it)
                && !fresh.iter().any(known)
            {
                fresh.push(challenge);
            }
        }
        let mut helps = false;
        for challenge in fresh {
            let at = self.held.iter().position(|it| {
                it.challenge.proxy == challenge.proxy && it.challenge.realm == challenge.realm
            });
            // The same realm again without `stale`: the password was wrong (RFC 7616 section 3.3),
            // unless this request went out on an old nonce.
            helps |= at.is_none() || challenge.stale || tries == 0;
            match at {
                Some(at) => self.held[at] = Held { challenge, count: 0 },
                None if self.held.len() < MAX_REALMS => {
                    self.held.push(Held { challenge, count: 0 });
                }
                None => (),
            }
        }
        helps
    }

    /// Authorization and Proxy-Authorization for a request; none before the first challenge.
    pub fn lines(&mut self, method: &Method, uri: &Uri, body: &[u8], ids: &mut dyn Ids) -> Lines {
        let Some(credentials) = &self.credentials else { return Lines::new() };
        let mut lines = Lines::new();
        for held in &mut self.held {
            held.count += 1;
            let value = digest::answer(
                &held.challenge,
                &credentials.user,
                &credentials.password,
                method.as_bytes(),
                &uri.as_str_lossy(),
                &format!("{:016x}", ids.random()),
                held.count,
                body,
            );
            let Some(value) = value else { continue };
            let name = match held.challenge.proxy {
                true => Name::ProxyAuthorization,
                false => Name::Authorization,
            };
            lines.push((name, head::safe(value)));
        }
        lines
    }
}

fn answerable(challenge: &Challenge) -> bool {
    !matches!(challenge.algorithm, Algorithm::Other)
}
