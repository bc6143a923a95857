//! Who does it as the configuration says: seals for its recipients, puts into its object storage.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::vault::{Doing, Failure, Of, Vault};
use crate::archive::Plan;
use crate::store::Shelf;
use crate::store::objects::ObjectError;

/// Recordings leave their folder for where this shelf reaches.
pub struct Elsewhere(pub Arc<Shelf>);

impl Vault for Elsewhere {
    fn plan(&self) -> Plan {
        Plan { seal: self.0.recipients.is_some(), upload: self.0.objects.is_some() }
    }

    fn seal(&self, plain: &Path, sealed: &Path) -> io::Result<u64> {
        match &self.0.recipients {
            Some(recipients) => recipients.seal(plain, sealed),
            None => Err(io::Error::other("there is nobody to seal it for")),
        }
    }

    fn put<'a>(&'a self, key: &'a str, file: &'a Path) -> Doing<'a> {
        Box::pin(async move {
            let objects = self.0.objects.as_ref().ok_or_else(nowhere)?;
            objects.put(key, file).await.map_err(failure)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> Doing<'a> {
        Box::pin(async move {
            let objects = self.0.objects.as_ref().ok_or_else(nowhere)?;
            objects.delete(key).await.map_err(failure)
        })
    }
}

fn nowhere() -> Failure {
    Of::Objects.failed("there is no object storage in the configuration")
}

/// A file that cannot be read here says nothing of the storage.
fn failure(error: ObjectError) -> Failure {
    let of = match error {
        ObjectError::Local(_) => Of::File,
        _ => Of::Objects,
    };
    of.failed(error)
}
