//! Whom recordings are sealed for, and the object storage that they go to.

use std::path::Path;

use super::error::Wrong;
use super::keys::{Item, Value, section, tables};
use super::shape::Shape;
use super::shell::Recordings;
use super::value::{Hidden, Time};
use crate::store::Shelving;
use crate::store::objects::{Endpoint, ObjectSettings, Place};
use crate::store::sealed::{Recipient, Recipients};

section! {
    /// An object storage that speaks as S3 does. The `url` alone is short for it.
    Storage {
        /// The bucket, and what the names of all recordings in it begin with.
        url: Place = required("\"s3://recordings/edge1\"");
        /// The address of the storage; Amazon's own if it is not there. What goes to an `http://`
        /// can be read on the way.
        endpoint: Option<Endpoint> = optional("\"https://minio.example.com:9000\"");
        /// The region of the bucket; `AWS_REGION` of the environment, or us-east-1, if it is not
        /// there.
        region: Option<String> = optional("\"eu-central-1\"");
        /// The key's name. Without key and secret those of the environment hold
        /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and so on), or the role of the machine.
        key_id: Option<Hidden> = optional("\"AKIAEXAMPLE\"");
        /// The key's secret.
        secret: Option<Hidden> = optional("\"a-long-one\"");
        /// How long one request may take; at most 5 MB are sent with one.
        timeout: Time<1_000, 600_000> = default("\"1m\"");
    }
}

tables! { Storage or "url" }

/// Reads text without saying it again: it may be a secret in the wrong place.
macro_rules! told {
    ($($type:ty { $allowed:literal, $shape:literal })*) => {$(
        impl Value for $type {
            fn read(item: &Item<'_>) -> Result<Self, Wrong> {
                item.str()?.parse().map_err(|why: String| item.wrong(why))
            }

            fn allowed() -> String {
                $allowed.to_owned()
            }

            fn shape() -> Shape {
                Shape::Word($shape)
            }
        }
    )*};
}

told! {
    Recipient { "a recipient of age, \"age1..\", as `crosspoint recording keygen` prints it", "recipient" }
    Place { "\"s3://BUCKET\" or \"s3://BUCKET/PREFIX\"", "bucket" }
    Endpoint { "\"https://HOST\" or \"http://HOST\", perhaps with a port", "endpoint" }
}

/// What one key alone cannot show.
pub(super) fn check(recordings: &Recordings) -> Result<(), Wrong> {
    let whom = &recordings.recipients;
    let twice = (1..whom.len()).any(|it| whom.split_at(it).0.contains(&whom[it]));
    if twice {
        return Err(recordings.places.wrong("recipients", "one of them is there twice"));
    }
    if !whom.is_empty() {
        let some = Recipients::new(whom.clone());
        some.map_err(|why| recordings.places.wrong("recipients", why))?;
    }
    let Some(storage) = &recordings.storage else { return Ok(()) };
    check_storage(storage).map_err(|it| it.under("storage"))
}

fn check_storage(storage: &Storage) -> Result<(), Wrong> {
    for (key, there, other) in [
        ("key_id", storage.key_id.is_some(), storage.secret.is_none()),
        ("secret", storage.secret.is_some(), storage.key_id.is_none()),
    ] {
        if there && other {
            return Err(storage.places.wrong(key, "`key_id` and `secret` belong together"));
        }
    }
    for (key, value) in [("key_id", &storage.key_id), ("secret", &storage.secret)] {
        let plain = |it: &Hidden| !it.0.is_empty() && it.0.bytes().all(|it| it.is_ascii_graphic());
        if value.as_ref().is_some_and(|it| !plain(it)) {
            return Err(storage.places.wrong(key, "this is no key").allowed("ASCII, no spaces"));
        }
    }
    let letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    match &storage.region {
        Some(it) if it.is_empty() || 50 < it.len() || !it.bytes().all(letter) => {
            let wrong = storage.places.wrong("region", "this is no region");
            Err(wrong.allowed("a name such as \"eu-central-1\""))
        }
        _ => Ok(()),
    }
}

impl Recordings {
    /// Where recordings stand. `folder` is that of the configuration.
    pub fn shelving(&self, data: &Path, folder: &Path) -> Shelving {
        Shelving {
            folder: data.join(&self.folder),
            recipients: self.recipients.clone(),
            identity: self.identity.as_ref().map(|it| folder.join(it)),
            storage: self.storage.as_ref().map(Storage::settings),
        }
    }
}

impl Storage {
    fn settings(&self) -> ObjectSettings {
        let keys = self.key_id.as_ref().zip(self.secret.as_ref());
        ObjectSettings {
            place: self.url.clone(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            credentials: keys.map(|(key, secret)| (key.0.clone(), secret.0.clone())),
            patience: self.timeout.0,
        }
    }
}
