//! Who seals recordings, and keeps them elsewhere.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;

use crate::archive::Plan;

/// What comes of asking the object storage; else why not.
pub type Doing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

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
