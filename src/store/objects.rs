//! Recordings in an object storage that speaks as S3 does (`object_store`).
//!
//! What is put is verified before it counts as put: each request carries the SHA-256 of what it
//! brings (AWS signature 4), then size and entity tag are asked for. Where the tag is no MD5, as
//! with keys of KMS, all of it is read back. So a copy on this machine may go afterwards.
//!
//! A large file goes in parts; one part is in memory at a time. Each request has its time, and is
//! tried again once or twice; who wants to go on longer asks [`ObjectError::retry`] and waits.
//! Parts of a put that was killed stay in the storage: a rule for incomplete uploads clears them.

mod coming;
mod place;
mod reader;
mod source;
#[cfg(test)]
pub mod stub;

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, RetryConfig,
};

pub use self::place::{Endpoint, Place};
pub use self::reader::Reader;
use self::source::{PART, PARTS, Source, Sums};
use super::sums::Sum;

/// How often a request is made again before it is told as failed.
const RETRIES: usize = 2;
/// How long it may take to be connected.
const CONNECTING: Duration = Duration::from_secs(5);
/// Said of a bucket that is not there.
const NO_BUCKET: &str = "there is no such bucket";
/// Characters that are told of an answer.
const TOLD: usize = 200;

/// Where the objects are, and by what right they are put there.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectSettings {
    pub place: Place,
    /// Amazon's own without it.
    pub endpoint: Option<Endpoint>,
    pub region: Option<String>,
    /// Key and secret; without them what the environment says (`AWS_ACCESS_KEY_ID` and so on), or
    /// the role of the machine.
    pub credentials: Option<(String, String)>,
    /// How long one request may take, with a part of at most 5 MiB.
    pub patience: Duration,
}

impl ObjectSettings {
    /// The storage in one line: its place, its address, its region, as far as they are given.
    pub fn address(&self) -> String {
        let endpoint = self.endpoint.as_ref().map_or("-", Endpoint::as_str);
        let region = self.region.as_deref().unwrap_or("-");
        let line = format!("{} {endpoint} {region}", self.place);
        line.trim_end_matches([' ', '-']).to_owned()
    }

    /// Another storage, by its line, asked with the keys of this one.
    pub fn at(&self, address: &str) -> Result<Self, String> {
        let mut words = address.split(' ');
        let place = words.next().unwrap_or_default().parse()?;
        let mut word = || words.next().filter(|it| *it != "-");
        let endpoint = word().map(str::parse).transpose()?;
        let region = word().map(str::to_owned);
        Ok(Self { place, endpoint, region, ..self.clone() })
    }
}

impl fmt::Debug for ObjectSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectSettings({} at {:?})", self.place, self.endpoint)
    }
}

/// What was not done.
#[derive(Debug)]
pub enum ObjectError {
    /// There is no such object.
    Missing,
    /// The storage does not want it: another key, right or bucket is needed.
    Refused(String),
    /// The storage cannot be reached, is slow or breaks.
    Failed(String),
    /// What is in the storage is not what was put there.
    Differs,
    /// The file on this machine cannot be read.
    Local(io::Error),
}

impl ObjectError {
    /// Whether the same may go well after a while, with nothing changed by anybody.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Differs)
    }
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the object storage does not have it"),
            Self::Refused(why) => write!(f, "the object storage refuses it: {why}"),
            Self::Failed(why) => write!(f, "the object storage cannot be used now: {why}"),
            Self::Differs => f.write_str("what the object storage has is not what was put there"),
            Self::Local(error) => write!(f, "the file cannot be read: {error}"),
        }
    }
}

impl Error for ObjectError {}

impl From<ObjectError> for io::Error {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Local(error) => error,
            ObjectError::Missing => Self::new(io::ErrorKind::NotFound, error),
            _ => Self::other(error),
        }
    }
}

/// Bytes of an object as they come.
pub type Stream = BoxStream<'static, Result<Bytes, ObjectError>>;

/// The storage. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    storage: Arc<AmazonS3>,
    place: Place,
    patience: Duration,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects({})", self.place)
    }
}

impl Objects {
    /// Connects to nothing yet.
    pub fn new(settings: &ObjectSettings) -> Result<Self, String> {
        let patience = settings.patience;
        let client = ClientOptions::new()
            .with_connect_timeout(CONNECTING.min(patience))
            .with_timeout_disabled()
            .with_read_timeout(patience);
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: patience,
            backoff: BackoffConfig { max_backoff: Duration::from_secs(2), ..Default::default() },
        };
        // Keys of the file do not go with a token, or an address, of the environment.
        let (builder, region) = match &settings.credentials {
            Some((key, secret)) => {
                let own = AmazonS3Builder::new().with_access_key_id(key);
                let region = ["AWS_REGION", "AWS_DEFAULT_REGION"];
                let region = region.iter().find_map(|it| std::env::var(it).ok());
                (own.with_secret_access_key(secret), region)
            }
            None => (AmazonS3Builder::from_env(), None),
        };
        let mut builder = builder
            .with_client_options(client)
            .with_retry(retry)
            .with_bucket_name(&settings.place.bucket)
            .with_unsigned_payload(false)
            .with_skip_signature(false)
            // Not every storage takes several names at once.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = &settings.endpoint {
            let endpoint = endpoint.as_str();
            builder = builder
                .with_endpoint(endpoint)
                .with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        if let Some(region) = settings.region.clone().or(region) {
            builder = builder.with_region(region);
        }
        // In clear only where the operator says so, in the address.
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let clear = endpoint.is_some_and(|it| it.starts_with("http://"));
        let storage = builder.with_allow_http(clear).build().map_err(|it| told(&cause(&it)))?;
        Ok(Self { storage: Arc::new(storage), place: settings.place.clone(), patience })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Puts a file there, over what has that name. Done only when it was verified. A file that is
    /// not of this SHA-256 is not put.
    pub async fn put(&self, name: &str, file: &Path, sum: Option<&str>) -> Result<(), ObjectError> {
        let key = self.key(name)?;
        let source = Source::open(file.to_owned(), sum).await?;
        let length = source.length();
        let sums = match length <= PART as u64 {
            true => self.put_whole(&key, source).await?,
            false => self.put_parts(&key, source).await?,
        };
        let about = self.head(&key).await?;
        if about.size != length {
            return Err(ObjectError::Differs);
        }
        let tag = about.e_tag.as_deref().unwrap_or_default().trim_matches('"');
        if tag.eq_ignore_ascii_case(&sums.tag()) {
            return Ok(());
        }
        match self.summed(name).await? == sums.whole() {
            true => Ok(()),
            false => Err(ObjectError::Differs),
        }
    }

    async fn put_whole(&self, key: &Key, source: Source) -> Result<Sums, ObjectError> {
        let (source, bytes) = source.next().await?;
        self.within(self.storage.put(key, bytes.into())).await?;
        Ok(source.sums())
    }

    async fn put_parts(&self, key: &Key, source: Source) -> Result<Sums, ObjectError> {
        if PARTS < source.parts() {
            return Err(ObjectError::Refused("it is too large".to_owned()));
        }
        let mut upload = self.within(self.storage.put_multipart(key)).await?;
        let done = self.bring(&mut *upload, source).await;
        if done.is_err() {
            // Nothing is kept of it there, if that much goes well.
            drop(self.within(upload.abort()).await);
        }
        done
    }

    async fn bring(
        &self,
        upload: &mut dyn MultipartUpload,
        mut source: Source,
    ) -> Result<Sums, ObjectError> {
        while 0 < source.left() {
            let (rest, bytes) = source.next().await?;
            source = rest;
            self.within(upload.put_part(bytes.into())).await?;
        }
        self.within(upload.complete()).await?;
        Ok(source.sums())
    }

    /// The SHA-256 of what is there.
    async fn summed(&self, name: &str) -> Result<String, ObjectError> {
        let (_, mut stream) = self.get(name, None).await?;
        let mut sum = Sum::default();
        while let Some(bytes) = stream.try_next().await? {
            sum.update(&bytes);
        }
        Ok(sum.text())
    }

    /// How long an object is.
    pub async fn size(&self, name: &str) -> Result<u64, ObjectError> {
        Ok(self.head(&self.key(name)?).await?.size)
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta, ObjectError> {
        self.within(self.storage.head(key)).await
    }

    /// How long all of it is, and the bytes of a part of it, or of all. A stream that breaks off
    /// ends with an error.
    pub async fn get(
        &self,
        name: &str,
        part: Option<Range<u64>>,
    ) -> Result<(u64, Stream), ObjectError> {
        let key = self.key(name)?;
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        let got = self.within(self.storage.get_opts(&key, options)).await?;
        let size = got.meta.size;
        Ok((size, coming::coming(self.clone(), key, got)))
    }

    /// Reads an object as a file is read, by a thread that may wait; `size` is what [`Self::size`]
    /// said. The runtime is the one that this is called in.
    pub fn reader(&self, name: &str, size: u64) -> Reader {
        Reader::new(self.clone(), name.to_owned(), size, tokio::runtime::Handle::current())
    }

    /// Removes an object from a storage that is none any more: if its bucket is gone, so is it.
    pub async fn delete_former(&self, name: &str) -> Result<(), ObjectError> {
        match self.delete(name).await {
            Err(ObjectError::Refused(why)) if why == NO_BUCKET => Ok(()),
            done => done,
        }
    }

    /// Removes an object. One that is not there is fine.
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        match self.within(self.storage.delete(&self.key(name)?)).await {
            Err(ObjectError::Missing) => Ok(()),
            done => done,
        }
    }

    fn key(&self, name: &str) -> Result<Key, ObjectError> {
        let whole = self.place.key(name);
        Key::parse(whole).map_err(|it| ObjectError::Refused(it.to_string()))
    }

    /// A request, with its repetitions, is given up after a while whatever the storage does.
    async fn within<T>(
        &self,
        asked: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, ObjectError> {
        let most = self.patience * (RETRIES as u32 + 2);
        match tokio::time::timeout(most, asked).await {
            Ok(done) => done.map_err(ObjectError::from),
            Err(_) => Err(ObjectError::Failed("it takes too long".to_owned())),
        }
    }
}

impl From<object_store::Error> for ObjectError {
    fn from(error: object_store::Error) -> Self {
        let cause = cause(&error);
        let why = told(&cause);
        match &error {
            // The bucket is not what is asked for: it has to be there.
            object_store::Error::NotFound { .. } if cause.contains("NoSuchBucket") => {
                Self::Refused(NO_BUCKET.to_owned())
            }
            object_store::Error::NotFound { .. } => Self::Missing,
            object_store::Error::Generic { .. } if may_pass(&error, &cause) => Self::Failed(why),
            object_store::Error::JoinError { .. } => Self::Failed(why),
            _ => Self::Refused(why),
        }
    }
}

/// What is before the status in an error of an answer.
const STATUS: &str = "status code: ";

/// Whether it is the kind of thing that passes: all but what the storage says is wrong with what
/// it was asked (400 to 499).
fn may_pass(error: &(dyn Error + 'static), cause: &str) -> bool {
    if let Some(kind) = http(error) {
        return kind != HttpErrorKind::Decode;
    }
    if cause.contains("redirect") {
        // Another region.
        return false;
    }
    let status = cause.split(STATUS).nth(1).and_then(|it| it.get(..3)?.parse::<u16>().ok());
    !status.is_some_and(|it| (400..500).contains(&it) && it != 408 && it != 429)
}

/// What went wrong on the way, if it was there.
fn http(error: &(dyn Error + 'static)) -> Option<HttpErrorKind> {
    let mut cause = Some(error);
    while let Some(it) = cause {
        if let Some(http) = it.downcast_ref::<HttpError>() {
            return Some(http.kind());
        }
        cause = it.source();
    }
    None
}

/// What it comes from in the end: what is around it says only which request it was.
fn cause(error: &object_store::Error) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}

/// What is told to the operator: the answer's status, code and message without its markup; not too
/// long.
fn told(cause: &str) -> String {
    let plain = cause.split_once(STATUS).map_or(cause, |it| it.1);
    let of = |name: &str| {
        let inner = plain.split_once(&format!("<{name}>"))?.1;
        Some(inner.split('<').next().unwrap_or_default())
    };
    let head = plain.split('<').next().unwrap_or_default();
    let head = head.trim_end_matches([' ', ':']);
    let parts = [Some(head), of("Code"), of("Message")].into_iter().flatten();
    let text = parts.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(": ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(TOLD) {
        Some((at, _)) => format!("{}..", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
