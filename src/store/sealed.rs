//! Recordings sealed for whom they are meant: age files (<https://age-encryption.org/v1>), for
//! X25519 recipients, so that any age program opens them.
//!
//! Who seals knows the recipients only and cannot open what was sealed. The format is ChaCha20-Poly1305
//! in pieces of 64 KiB, each of them authenticated with its place and whether it is the last: a
//! file that was changed, cut or put together anew anywhere is an error, never another sound. Both
//! ways keep one piece in memory, however long the file is.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use age::secrecy::ExposeSecret;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, x25519};

use super::sums::Sum;
use crate::archive::SEALED;

/// Recipients of one file.
const RECIPIENTS: usize = 32;
/// What is read and written at once.
const STEP: usize = 64 << 10;
/// Who may read what is sealed.
const MODE: u32 = 0o640;
/// The head of a file: some 200 bytes for each recipient.
const HEAD: u64 = 64 << 10;
/// A file of identities, in bytes.
const IDENTITIES: u64 = 64 << 10;

/// The name that a file has when it is sealed.
pub fn sealed_name(plain: &Path) -> PathBuf {
    with_ending(plain, SEALED)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Somebody for whom recordings are sealed: `age1..`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(x25519::Recipient);

impl FromStr for Recipient {
    type Err = String;

    /// What is wrong with it; never the text itself, for it may be a secret in the wrong place.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        text.parse().map(Self).map_err(|_| {
            let lower = text.to_ascii_lowercase();
            let start = |it: &str| lower.starts_with(it);
            let why = if start("age-secret-key-") {
                "this is a secret identity, which belongs to who listens, not here; \
                 the recipient of it begins with age1"
            } else if start("ssh-") {
                "SSH keys are not taken"
            } else if start("age1") && text.len() != 62 {
                "this has not the 62 characters of a recipient"
            } else if start("age1") {
                "a character of it is wrong"
            } else {
                "this is no recipient"
            };
            why.to_owned()
        })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whom recordings are sealed for: each of them can open each file, alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// All of them; or which one is wrong, and why.
    pub fn read(texts: &[String]) -> Result<Self, String> {
        let read = |(at, text): (usize, &String)| {
            text.parse::<Recipient>().map_err(|why| format!("recipient {}: {why}", at + 1))
        };
        Self::new(texts.iter().enumerate().map(read).collect::<Result<_, _>>()?)
    }

    pub fn new(recipients: Vec<Recipient>) -> Result<Self, String> {
        match recipients.len() {
            0 => Err("there is no recipient".to_owned()),
            it if RECIPIENTS < it => Err(format!("there are more than {RECIPIENTS} recipients")),
            _ => Ok(Self(recipients)),
        }
    }

    pub fn each(&self) -> &[Recipient] {
        &self.0
    }

    /// Seals a file. It has its name only when all of it is on the disk; the plain one stays, and
    /// may go then: how long the sealed one is. A file that is not of this SHA-256 is not sealed.
    pub fn seal(&self, plain: &Path, sealed: &Path, sum: Option<&str>) -> Result<u64, Unsealed> {
        let part = with_ending(sealed, ".part");
        let done = self.write(plain, &part, sum).and_then(|bytes| {
            let named = fs::rename(&part, sealed).and_then(|()| sync_folder(sealed));
            named.map(|()| bytes).map_err(Unsealed::Sealed)
        });
        if done.is_err() {
            // A full disk has room again.
            drop(fs::remove_file(&part));
        }
        done
    }

    fn write(&self, plain: &Path, part: &Path, sum: Option<&str>) -> Result<u64, Unsealed> {
        let mut plain = File::open(plain).map_err(Unsealed::Plain)?;
        let mut sealing = self.begin(part).map_err(Unsealed::Sealed)?;
        let (mut read, mut step) = (Sum::default(), vec![0; STEP]);
        loop {
            let got = plain.read(&mut step).map_err(Unsealed::Plain)?;
            let Some(some) = step.get(..got).filter(|it| !it.is_empty()) else { break };
            read.update(some);
            sealing.write_all(some).map_err(Unsealed::Sealed)?;
        }
        read.is(sum).map_err(Unsealed::Plain)?;
        let finish = || {
            let file = sealing.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        finish().map_err(Unsealed::Sealed)
    }

    fn begin(&self, part: &Path) -> io::Result<StreamWriter<BufWriter<File>>> {
        let mut file = OpenOptions::new();
        let file = file.create(true).truncate(true).write(true).mode(MODE).open(part)?;
        let each = self.0.iter().map(|it| &it.0 as &dyn age::Recipient);
        let sealing = Encryptor::with_recipients(each).map_err(io::Error::other)?;
        sealing.wrap_output(BufWriter::with_capacity(STEP, file))
    }

    /// Seals a file and removes the plain one, which goes only when the sealed one is safe. Doing
    /// it again after a stop in between is harmless.
    pub fn replace(&self, plain: &Path) -> io::Result<u64> {
        let bytes = self.seal(plain, &sealed_name(plain), None)?;
        fs::remove_file(plain)?;
        sync_folder(plain)?;
        Ok(bytes)
    }
}

/// What kept a file from being sealed.
#[derive(Debug)]
pub enum Unsealed {
    /// It cannot be read, or is not what it was: its own trouble.
    Plain(io::Error),
    /// The sealed one cannot be written: so it is with all of them.
    Sealed(io::Error),
}

impl From<Unsealed> for io::Error {
    fn from(it: Unsealed) -> Self {
        match it {
            Unsealed::Plain(error) | Unsealed::Sealed(error) => error,
        }
    }
}

/// Makes names of files in the folder of this one last.
fn sync_folder(of: &Path) -> io::Result<()> {
    match of.parent().filter(|it| !it.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Who can open what was sealed: one secret, or several.
#[derive(Clone)]
pub struct Identity(Arc<[x25519::Identity]>);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(_)")
    }
}

impl Identity {
    /// Reads a file as `age-keygen` writes it; or why it cannot be used. Never what is in it.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let told = |why: &dyn fmt::Display| format!("{}: {why}", path.display());
        let mut text = String::new();
        let file = File::open(path).map_err(|it| told(&it))?;
        file.take(IDENTITIES + 1).read_to_string(&mut text).map_err(|it| told(&it))?;
        if IDENTITIES < text.len() as u64 {
            return Err(told(&format!("a file of identities has at most {IDENTITIES} bytes")));
        }
        Self::from_text(&text).map_err(|it| told(&it))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        if text.starts_with("age-encryption.org/") || text.starts_with("-----BEGIN AGE ENCRYPTED") {
            return Err("this is sealed itself, with a passphrase: open it with age first".into());
        }
        if text.starts_with("-----BEGIN") {
            return Err("this is another kind of key; `crosspoint recording keygen` makes an \
                        identity"
                .into());
        }
        let mut all = Vec::new();
        for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let identity = line.parse().map_err(|_| match line.starts_with("age1") {
                true => format!("line {at}: this is a recipient, which can only seal"),
                false => format!("line {at}: this is no identity (AGE-SECRET-KEY-1..)"),
            })?;
            all.push(identity);
        }
        match all.is_empty() {
            true => Err("there is no identity in it (AGE-SECRET-KEY-1..)".into()),
            false => Ok(Self(all.into())),
        }
    }

    /// Makes a new one in a file of its own that only its owner may read: its recipient.
    pub fn keep_new(path: &Path) -> io::Result<Recipient> {
        let identity = x25519::Identity::generate();
        let recipient = Recipient(identity.to_public());
        let secret = identity.to_string();
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        writeln!(file, "# public key: {recipient}\n{}", secret.expose_secret())?;
        file.sync_all()?;
        sync_folder(path)?;
        Ok(recipient)
    }

    /// Whom files are sealed for that this opens.
    pub fn recipients(&self) -> impl Iterator<Item = Recipient> {
        self.0.iter().map(|it| Recipient(it.to_public()))
    }

    /// Opens a sealed file.
    pub fn open(&self, sealed: &Path) -> io::Result<Opened<File>> {
        self.read(File::open(sealed)?)
    }

    /// Opens what is sealed, wherever it is. `PermissionDenied` if it is sealed for somebody else,
    /// `InvalidData` if it is damaged or no age file.
    pub fn read<R: Read + Seek>(&self, from: R) -> io::Result<Opened<R>> {
        let mut from = BufReader::with_capacity(STEP, from);
        check_head(&mut from)?;
        let decryptor = Decryptor::new_buffered(from).map_err(told)?;
        let identities = self.0.iter().map(|it| it as &dyn age::Identity);
        let mut inner = decryptor.decrypt(identities).map_err(told)?;
        // Reads the last piece, and so knows that nothing was cut off.
        let length = inner.seek(SeekFrom::End(0)).map_err(cut)?;
        inner.seek(SeekFrom::Start(0))?;
        Ok(Opened { inner, length, at: 0 })
    }
}

/// Whether there is the head of an age file, of a length that can be.
fn check_head<R: Read + Seek>(from: &mut BufReader<R>) -> io::Result<()> {
    let mut head = Vec::new();
    from.by_ref().take(HEAD).read_to_end(&mut head)?;
    from.seek(SeekFrom::Start(0))?;
    if head.starts_with(b"-----BEGIN AGE ENCRYPTED") {
        return Err(damaged("it is armoured; age itself can open it"));
    }
    if !head.starts_with(b"age-encryption.org/v1\n") {
        return Err(damaged("it is no age file"));
    }
    match memchr::memmem::find(&head, b"\n---") {
        Some(_) => Ok(()),
        None => Err(damaged("its head has no end")),
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The end that tells how long it is was not to be read.
fn cut(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            damaged("it was cut off, or changed")
        }
        _ => error,
    }
}

fn told(error: DecryptError) -> io::Error {
    match error {
        DecryptError::NoMatchingKeys => io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is sealed for somebody else: this identity does not open it",
        ),
        DecryptError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => error,
        DecryptError::ExcessiveWork { .. } => damaged("it is sealed with a passphrase"),
        _ => damaged("it was changed, or is damaged"),
    }
}

/// The sound in a sealed file.
pub struct Opened<R> {
    inner: StreamReader<BufReader<R>>,
    length: u64,
    at: u64,
}

impl<R> Opened<R> {
    /// Bytes of sound: as long as the plain file was.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into).map_err(|it| match it.kind() {
            io::ErrorKind::InvalidData => damaged("it was changed, or is damaged"),
            _ => it,
        })?;
        self.at += got as u64;
        if got == 0 && !into.is_empty() && self.at < self.length {
            return Err(damaged("it became shorter"));
        }
        Ok(got)
    }
}

impl<R: Read + Seek> Seek for Opened<R> {
    /// Not beyond the end.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        let to = to.ok_or(io::ErrorKind::InvalidInput)?.min(self.length);
        self.at = self.inner.seek(SeekFrom::Start(to))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests;
