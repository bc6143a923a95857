//! Who asks, and what they may.
//!
//! A handler says which role it needs by an argument: `Manager(who): Manager`. The guard
//! (`access::guard`) has found out who it is by then.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problem::Problem;

/// What somebody may; each may what those before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything but recordings.
    Viewer,
    /// Says for itself whether it is there, and acts on its own calls.
    Agent,
    /// Changes the directory, acts on all calls, listens to recordings.
    Manager,
    /// Users, keys, trunks, accounts, webhooks; the audit log.
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Agent, Self::Manager, Self::Admin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The user's name, or `key:NAME`: as the audit log has it.
    pub name: String,
    /// The user: of a key its owner.
    pub user: String,
    pub role: Role,
    /// The agent of the directory that this user is, if any.
    pub agent: Option<String>,
    /// The session they came by; none if by a key.
    pub session: Option<Session>,
    /// The hash of the key they came by.
    pub key: Option<String>,
    /// The address they came from.
    pub source: IpAddr,
}

/// A session, as a request carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub hash: String,
    pub csrf: String,
}

impl Who {
    pub fn needs(&self, role: Role) -> Result<(), Problem> {
        match role <= self.role {
            true => Ok(()),
            false => Err(Problem::not_allowed(format!(
                "this needs the role {}; you are {}",
                role.as_str(),
                self.role.as_str()
            ))),
        }
    }
}

macro_rules! roles {
    ($($(#[doc = $doc:literal])* $role:ident)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $role(pub Who);

        impl<S: Send + Sync> FromRequestParts<S> for $role {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                let who = parts.extensions.get::<Who>();
                let who = who.ok_or_else(|| Problem::unknown_caller("sign in, or send a key"))?;
                who.needs(Role::$role)?;
                Ok(Self(who.clone()))
            }
        }
    )*};
}

roles! {
    /// Whoever is known.
    Viewer
    /// An agent, or more.
    Agent
    /// A manager, or an admin.
    Manager
    /// An admin.
    Admin
}
