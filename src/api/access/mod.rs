//! Who may do what: users with roles, sessions, API keys, and the log of what they changed.
//!
//! `guard` finds out who asks, `who` says what they may, `back_off` makes those wait who guess.
//! Where nobody is an admin yet, a token that is printed at the start makes the first one.

mod audit;
mod back_off;
mod guard;
mod keys;
mod refusals;
mod secrets;
mod sessions;
mod users;
mod who;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokio::sync::Semaphore;

pub use self::audit::keep as keep_audit;
use self::back_off::BackOff;
pub use self::guard::{Origin, guard, is_known_still, origin};
use self::refusals::Refusals;
#[cfg(test)]
pub use self::secrets::hash;
pub use self::who::{Admin, Agent, Manager, Role, Session, Viewer, Who};
use super::{Answer, Api, Problem};
use crate::clock::Wall;
use crate::store::database::{AuditEntry, StoreError, User};

/// Passwords that are looked at at once: each takes memory and time on purpose.
const HASHING: usize = 2;

/// What access remembers besides the store.
pub struct Access {
    back_off: Mutex<BackOff>,
    refusals: Mutex<Refusals>,
    /// The hash of the token that makes the first admin.
    setup: Mutex<Option<String>>,
    hashing: Arc<Semaphore>,
    /// Changes of users, one after the other: the last admin stays.
    users: tokio::sync::Mutex<()>,
    /// Whoever has a copy of the database written.
    backup: tokio::sync::Mutex<()>,
    behind_proxy: bool,
}

impl Access {
    pub fn new(behind_proxy: bool) -> Self {
        Self {
            back_off: Mutex::default(),
            refusals: Mutex::default(),
            setup: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHING)),
            users: tokio::sync::Mutex::default(),
            backup: tokio::sync::Mutex::default(),
            behind_proxy,
        }
    }

    /// A token that makes the first admin, if there is none among these users yet.
    pub fn begin(&self, users: &[User]) -> Answer<Option<String>> {
        if users.iter().any(is_usable_admin) {
            return Ok(None);
        }
        let token = secrets::token()?;
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(secrets::hash(&token));
        Ok(Some(token))
    }

    /// Counts an attempt to be this user, or refuses it.
    fn attempt(&self, source: IpAddr, user: &str, now: Wall) -> Result<(), Problem> {
        self.back_off().attempt(source, user, now).map_err(too_often)
    }

    fn forgive(&self, source: IpAddr, user: &str) {
        self.back_off().forgive(source, user);
    }

    /// Counts a key that there is not, or refuses to look for more.
    fn wrong_key(&self, source: IpAddr, now: Wall) -> Result<(), Problem> {
        self.back_off().wrong_key(source, now).map_err(too_often)
    }

    fn back_off(&self) -> MutexGuard<'_, BackOff> {
        self.back_off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what takes long with a password on another thread, few at once.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        let failed = || Problem::internal("the password could not be looked at");
        let _one = self.hashing.clone().acquire_owned().await.map_err(|_| failed())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| failed())
    }

    async fn hash_password(&self, password: String) -> Answer<String> {
        self.hashing(move || secrets::hash_password(&password)).await?
    }
}

fn too_often(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + u64::from(0 < wait.subsec_nanos());
    Problem::too_often(format!("wait for {seconds} seconds")).retry_after(seconds)
}

fn is_usable_admin(user: &User) -> bool {
    user.role == Role::Admin.as_str() && !user.password.is_empty()
}

impl Api {
    /// Writes into the audit log what somebody did: `created`, `deleted`, .. `user/ada`.
    pub async fn audit(
        &self,
        who: &Who,
        what: &str,
        subject: String,
        detail: Value,
    ) -> Result<(), StoreError> {
        let entry = entry(&who.name, who.source, self.now(), what, subject, detail);
        self.store.note_audit(&entry).await
    }
}

fn entry(
    by: &str,
    source: IpAddr,
    at: Wall,
    what: &str,
    subject: String,
    detail: Value,
) -> AuditEntry {
    let (by, source) = (by.to_owned(), source.to_string());
    AuditEntry { id: 0, at, by, source, what: what.to_owned(), subject, detail }
}

pub fn routes() -> Router<Api> {
    Router::new()
        .merge(sessions::routes())
        .merge(users::routes())
        .merge(keys::routes())
        .merge(audit::routes())
}

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        sessions::who_am_i,
        sessions::sign_in,
        sessions::sign_out,
        sessions::set_up,
        sessions::change_password,
        users::list,
        users::create,
        users::get,
        users::change,
        users::delete,
        keys::list,
        keys::create,
        keys::delete,
        audit::list,
        audit::backup,
    ),
    components(schemas(Role))
)]
pub struct Doc;

#[cfg(test)]
mod tests;
