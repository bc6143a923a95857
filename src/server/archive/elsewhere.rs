//! Who does it as the configuration says: seals for its recipients, puts into its object storage.

use std::path::Path;
use std::sync::Arc;

use tracing::warn;

use super::vault::{Doing, Failure, Of, Vault};
use crate::archive::Plan;
use crate::store::Shelf;
use crate::store::objects::ObjectError;
use crate::store::sealed::Unsealed;

/// Recordings leave their folder for where this shelf reaches.
pub struct Elsewhere(pub Arc<Shelf>);

impl Vault for Elsewhere {
    fn plan(&self) -> Plan {
        Plan { seal: self.0.recipients.is_some(), upload: self.0.objects.is_some() }
    }

    fn place(&self) -> String {
        self.0.address()
    }

    fn seal(&self, plain: &Path, sealed: &Path, sum: &str) -> Result<u64, Failure> {
        let recipients = self.0.recipients.as_ref();
        let recipients =
            recipients.ok_or_else(|| Of::Sealing.failed("there is nobody to seal it for"))?;
        recipients.seal(plain, sealed, Some(sum)).map_err(|error| match error {
            Unsealed::Plain(error) => Of::File.failed(format!("its file: {error}")),
            Unsealed::Sealed(error) => Of::Sealing.failed(error),
        })
    }

    fn put<'a>(&'a self, key: &'a str, file: &'a Path, sum: Option<&'a str>) -> Doing<'a> {
        Box::pin(async move {
            let objects = self.0.objects.as_ref().ok_or_else(nowhere)?;
            objects.put(key, file, sum).await.map_err(failure)
        })
    }

    fn has<'a>(&'a self, key: &'a str, place: &'a str) -> Doing<'a, bool> {
        Box::pin(async move {
            match self.0.there(key, false, place).await {
                Ok(_) => Ok(true),
                Err(ObjectError::Missing) => Ok(false),
                // A storage that is none any more says nothing of the present one.
                Err(error) if matches!(self.0.former(place), Ok(None)) => Err(failure(error)),
                Err(error) => Err(Of::File.failed(format!("{place}: {error}"))),
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a str, place: &'a str) -> Doing<'a> {
        Box::pin(async move {
            let former = self.0.former(place).map_err(failure)?;
            let objects = self.0.objects.as_ref().ok_or_else(nowhere)?;
            let Some(former) = former else { return objects.delete(key).await.map_err(failure) };
            // All of it was brought here since, it seems: the former one may be no more.
            let moved = objects.size(key).await.is_ok();
            objects.delete(key).await.map_err(failure)?;
            match former.delete_former(key).await {
                Err(error) if moved => {
                    warn!(place, %error, "a recording may still be in its former storage");
                    Ok(())
                }
                done => done.map_err(|it| Of::File.failed(format!("it is in {place}: {it}"))),
            }
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
