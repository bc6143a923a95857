//! SIP accounts: the phones that register with us. Bindings are `peer`'s.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Credentials for phones that register under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The digest user, and the user part of its address of record.
    pub user: Arc<str>,
    pub secret: Secret,
    /// How many phones may be registered at once; as the registrar says if not given.
    pub max_contacts: Option<u16>,
    /// What its phones may call; nothing outside of us if it is not there.
    pub call_out: Option<CallOut>,
}

/// What the phones of an account may call through a trunk, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOut {
    /// The default one if none is named.
    pub trunk: Option<Arc<str>>,
    /// The numbers it may show, E.164; the first is shown unless the phone asks for another.
    pub caller_ids: Vec<Arc<str>>,
    /// Beginnings of the numbers it may dial (`+1`); none is nobody.
    pub prefixes: Vec<String>,
    /// Where numbers without a country are: `US`.
    pub country: Option<Arc<str>>,
    /// Calls at once.
    pub max_calls: u32,
    /// Calls that may begin in a minute.
    pub calls_per_minute: u32,
    /// Minutes of talk in a day (UTC).
    pub minutes_per_day: u32,
}

/// What proves that a phone may use an account. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Secret {
    Password(Arc<str>),
    /// Hashes of `user:realm:password` in hexadecimal (RFC 7616 section 3.4.2), valid for our
    /// realm only; a hash that is not there is an algorithm that is not offered.
    Ha1 {
        md5: Option<Arc<str>>,
        sha256: Option<Arc<str>>,
    },
}

impl Account {
    /// An account without limits of its own.
    pub fn new(user: &str, secret: Secret) -> Self {
        Self { user: user.into(), secret, max_contacts: None, call_out: None }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(_)",
            Self::Ha1 { .. } => "Ha1(_)",
        })
    }
}
