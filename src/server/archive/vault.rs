//! Who seals recordings, and keeps them elsewhere.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;

use crate::archive::Plan;

/// What comes of asking the object storage.
pub type Doing<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

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

    /// Writes `sealed` from `plain`: whole and on the disk, or not at all. Blocks. Its bytes.
    fn seal(&self, plain: &Path, sealed: &Path) -> io::Result<u64>;

    /// Takes a file to the object storage, and makes sure that it arrived whole.
    fn put<'a>(&'a self, key: &'a str, file: &'a Path) -> Doing<'a>;

    /// Deletes an object. One that is not there is deleted.
    fn delete<'a>(&'a self, key: &'a str) -> Doing<'a>;
}
