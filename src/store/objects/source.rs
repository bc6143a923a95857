//! A file that is put: a part of it at a time, read by threads that may wait, with the sums by
//! which the storage's copy is known again.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use bytes::Bytes;
use md5::Md5;
use sha2::Digest;

use super::ObjectError;
use crate::store::sums::Sum;

/// The least that a part of a large object has.
pub const PART: usize = 5 << 20;
/// The most parts that an object has.
pub const PARTS: u64 = 10_000;

pub struct Source {
    file: File,
    length: u64,
    left: u64,
    whole: Sum,
    /// What all of it must sum to.
    known: Option<String>,
    parts: Vec<[u8; 16]>,
}

impl Source {
    pub async fn open(file: PathBuf, known: Option<&str>) -> Result<Self, ObjectError> {
        let known = known.map(str::to_owned);
        let open = move || {
            let file = File::open(file)?;
            let about = file.metadata()?;
            match about.is_file() {
                true => Ok((file, about.len())),
                false => Err(io::Error::other("it is no file")),
            }
        };
        let (file, length) = waiting(open).await?;
        let (whole, parts) = (Sum::default(), Vec::new());
        Ok(Self { file, length, left: length, whole, known, parts })
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn left(&self) -> u64 {
        self.left
    }

    pub fn parts(&self) -> u64 {
        self.length.div_ceil(PART as u64)
    }

    /// The next part. A file that became shorter is an error, and one that is not what it was: the
    /// last part is not had then.
    pub async fn next(mut self) -> Result<(Self, Bytes), ObjectError> {
        let read = move || {
            let wanted = self.left.min(PART as u64);
            let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or(PART));
            (&self.file).take(wanted).read_to_end(&mut bytes)?;
            if (bytes.len() as u64) < wanted {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter"));
            }
            self.left -= wanted;
            self.whole.update(&bytes);
            self.parts.push(Md5::digest(&bytes).into());
            if self.left == 0 {
                self.whole.clone().is(self.known.as_deref())?;
            }
            Ok((self, Bytes::from(bytes)))
        };
        waiting(read).await
    }

    pub fn sums(self) -> Sums {
        Sums { whole: self.whole.text(), parts: self.parts }
    }
}

async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ObjectError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other).flatten().map_err(ObjectError::Local)
}

/// What a file sums to.
pub struct Sums {
    whole: String,
    parts: Vec<[u8; 16]>,
}

impl Sums {
    /// SHA-256.
    pub fn whole(&self) -> &str {
        &self.whole
    }

    /// The entity tag as S3 makes it: the MD5, or that of the parts' and how many they are.
    pub fn tag(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|it| format!("{it:02x}")).collect::<String>();
        match self.parts.as_slice() {
            [only] => hex(only),
            parts => format!("{}-{}", hex(&Md5::digest(parts.concat())), parts.len()),
        }
    }
}
