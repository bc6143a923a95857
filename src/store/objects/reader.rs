//! An object read as a file is: from anywhere, by a thread that may wait.
//!
//! What is read in one go is fetched in windows that grow, so that a look at the head costs
//! little and a long recording few requests; of a window one piece at a time is in memory.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::{Buf, Bytes};
use futures_util::TryStreamExt;
use tokio::runtime::Handle;

use super::{Objects, Stream};

/// The first window, and the largest.
const WINDOW: u64 = 128 << 10;
const WINDOW_MOST: u64 = 8 << 20;

pub struct Reader {
    objects: Objects,
    name: String,
    size: u64,
    runtime: Handle,
    at: u64,
    window: u64,
    /// What comes of the present window, and what of it is here.
    coming: Option<Stream>,
    here: Bytes,
    /// Where the present window began.
    began: u64,
}

impl Reader {
    pub(super) fn new(objects: Objects, name: String, size: u64, runtime: Handle) -> Self {
        let (here, window) = (Bytes::new(), WINDOW);
        Self { objects, name, size, runtime, at: 0, window, coming: None, here, began: 0 }
    }

    /// The next piece; empty at the end.
    fn fetch(&mut self) -> io::Result<()> {
        while self.here.is_empty() && self.at < self.size {
            let coming = match &mut self.coming {
                Some(coming) => coming,
                None => {
                    let end = self.size.min(self.at + self.window);
                    self.window = (self.window * 2).min(WINDOW_MOST);
                    let asked = self.objects.get(&self.name, Some(self.at..end));
                    let (size, stream) = self.runtime.block_on(asked)?;
                    if size != self.size {
                        return Err(io::Error::other("it was changed meanwhile"));
                    }
                    self.began = self.at;
                    self.coming.insert(stream)
                }
            };
            match self.runtime.block_on(coming.try_next())? {
                Some(bytes) => self.here = bytes,
                None if self.at == self.began => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => self.coming = None,
            }
        }
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if let Err(error) = self.fetch() {
            self.coming = None;
            return Err(error);
        }
        let step = into.len().min(self.here.len());
        if let Some(into) = into.get_mut(..step) {
            self.here.copy_to_slice(into);
        }
        self.at += step as u64;
        Ok(step)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        let to = to.ok_or(io::ErrorKind::InvalidInput)?;
        if to != self.at {
            (self.coming, self.here, self.window) = (None, Bytes::new(), WINDOW);
            self.at = to;
        }
        Ok(to)
    }
}
