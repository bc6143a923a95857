//! Who seals recordings, and keeps them elsewhere.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use crate::archive::Plan;

/// What comes of asking the object storage.
pub type Doing<'a, T = ()> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// What could not be done.
#[derive(Debug)]
pub struct Failure {
    pub of: Of,
    pub why: String,
}

/// Whose fault it was: everybody's trouble, or that of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Sealing,
    Objects,
    File,
}

impl Of {
    pub fn failed(self, why: impl ToString) -> Failure {
        Failure { of: self, why: why.to_string() }
    }
}

/// What [`crate::archive`] has done by others.
pub trait Vault: Send + Sync {
    /// What it can do.
    fn plan(&self) -> Plan;

    /// The object storage of the plan, as rows say it; empty if there is none.
    fn place(&self) -> String;

    /// Writes `sealed` from `plain`, which has this sum: whole and on the disk, or not at all.
    /// Blocks. Its bytes.
    fn seal(&self, plain: &Path, sealed: &Path, sum: &str) -> Result<u64, Failure>;

    /// Takes a file, which has this sum if one is given, to the object storage, and makes sure
    /// that it arrived whole.
    fn put<'a>(&'a self, key: &'a str, file: &'a Path, sum: Option<&'a str>) -> Doing<'a>;

    /// Whether there is such an object, in the storage of the plan or in this one.
    fn has<'a>(&'a self, key: &'a str, place: &'a str) -> Doing<'a, bool>;

    /// Deletes an object from the storage of the plan and from this one. One that is not there is
    /// deleted.
    fn delete<'a>(&'a self, key: &'a str, place: &'a str) -> Doing<'a>;
}
