//! SHA-256 (FIPS 180-4), told in hexadecimal digits: by it a recording is known again, by us and by
//! whoever checks it with `sha256sum`.

use std::io;

use sha2::{Digest, Sha256};

/// The sum of what was handed over so far.
#[derive(Clone, Default)]
pub struct Sum(Sha256);

impl Sum {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn text(self) -> String {
        self.0.finalize().iter().map(|it| format!("{it:02x}")).collect()
    }

    /// An error if it is not what was known before.
    pub fn is(self, known: Option<&str>) -> io::Result<()> {
        match known.is_none_or(|it| it == self.text()) {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is not what was recorded: its SHA-256 is another",
            )),
        }
    }
}
