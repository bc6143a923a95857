//! The directory of a database that others change as well: another edge on the same PostgreSQL,
//! `crosspoint directory import` beside an edge that runs.
//!
//! The store counts changes. The count is looked at twice a second; another one, and the documents
//! are read, checked and adopted, as if the change had been made here. What cannot be in force here
//! leaves the old directory there, and is told until it is put right. The same look shows whether
//! the database is there at all.

use std::sync::PoisonError;
use std::time::Duration;

use tracing::{error, info, warn};

use super::keeper::{Home, Keeper, check, documents};
use crate::api::Api;
use crate::store::database::{Document as Kept, StoreError};

/// How often the database is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long it may take to answer.
const WITHIN: Duration = Duration::from_secs(5);

/// How the database and what is in force stand to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why the database does not answer; `None` while it does.
    pub away: Option<String>,
    /// Why the directory that it has is not in force; `None` if it is.
    pub refused: Option<String>,
}

/// Follows the database for as long as the program runs.
pub async fn follow(api: Api) {
    loop {
        sleep(LOOK_EVERY).await;
        let looked = tokio::time::timeout(WITHIN, api.store.changes()).await;
        let looked = looked.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!("no answer within {WITHIN:?}")))
        });
        let looked = match looked {
            Ok(count) => api.directory.looked(&api, count).await,
            Err(error) => Err(error),
        };
        api.directory.is_away(looked.err());
    }
}

impl Keeper {
    pub fn standing(&self) -> Standing {
        self.standing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The directory of the database is in force, or why it is not.
    pub(super) fn is_refused(&self, why: Option<String>) {
        self.standing.write().unwrap_or_else(PoisonError::into_inner).refused = why;
    }

    fn is_away(&self, why: Option<StoreError>) {
        let mut standing = self.standing.write().unwrap_or_else(PoisonError::into_inner);
        match (&standing.away, &why) {
            (None, Some(error)) => warn!(%error, "the database does not answer"),
            (Some(_), None) => info!("the database answers again"),
            _ => (),
        }
        standing.away = why.map(|it| it.to_string());
    }

    /// Takes the documents that are in the database if their count is one that was not seen yet.
    async fn looked(&self, api: &Api, count: i64) -> Result<(), StoreError> {
        if self.home() == Home::File || self.seen() == count {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        // Before the documents: a change in between is looked at once more.
        let count = api.store.changes().await?;
        let kept = api.store.documents().await?;
        if !(is_same(&kept, &self.kept()) && self.standing().refused.is_none()) {
            self.take(api, kept).await;
        }
        self.see(count);
        Ok(())
    }

    /// Makes these documents the ones in force, if they can be.
    async fn take(&self, api: &Api, kept: Vec<Kept>) {
        let (wanted, shell) = (documents(&kept), self.shell());
        let taken = match tokio::task::spawn_blocking(move || check(&wanted, &shell)).await {
            Ok(Ok(config)) => api.exchange.adopt(config).await,
            Ok(Err(fault)) => Err(fault.to_string()),
            Err(broken) => Err(broken.to_string()),
        };
        let outcome = match &taken {
            Ok(()) => {
                info!("the directory was changed elsewhere, and is in force here");
                self.keep(kept);
                "taken"
            }
            Err(error) => {
                error!(error, "the directory was changed elsewhere and cannot be in force here");
                "refused"
            }
        };
        metrics::counter!("crosspoint_directory_followed_total", "outcome" => outcome).increment(1);
        self.is_refused(taken.err());
    }
}

/// Whether these are the same documents: no revision is given twice.
fn is_same(one: &[Kept], other: &[Kept]) -> bool {
    let names = |all: &[Kept]| {
        let mut names: Vec<_> =
            all.iter().map(|it| (it.kind.clone(), it.name.clone(), it.revision)).collect();
        names.sort();
        names
    };
    one.len() == other.len() && names(one) == names(other)
}

#[allow(clippy::disallowed_methods, reason = "this is the shell's own pace")]
async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}
