//! Where recordings stand: in a folder, and behind it, if there is one, in an object storage; plain,
//! or sealed for whom they are meant.
//!
//! What was found is read in parts wherever it is: nothing here holds more than a piece of it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::objects::{ObjectError, ObjectSettings, Objects};
use super::sealed::{Identity, Recipient, Recipients, sealed_name};

/// What is read of a recording at once.
const STEP: usize = 64 << 10;
/// Former storages that are at hand.
const FORMER: usize = 8;
/// Threads that wait for the storage at once.
const FAR: usize = 32;

/// What an operator says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelving {
    pub folder: PathBuf,
    /// Whom recordings are sealed for; they stay plain if there is nobody.
    pub recipients: Vec<Recipient>,
    /// A file with the secret that opens them here.
    pub identity: Option<PathBuf>,
    pub storage: Option<ObjectSettings>,
}

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct Shelf {
    pub folder: PathBuf,
    pub recipients: Option<Recipients>,
    pub identity: Option<Identity>,
    pub objects: Option<Objects>,
    storage: Option<ObjectSettings>,
    /// Storages that recordings went to before the present one, by their addresses.
    former: Arc<Mutex<BTreeMap<String, Objects>>>,
    far: Arc<Semaphore>,
}

impl Shelf {
    /// Reads the identity; connects to nothing. What is wrong, and with which key.
    pub fn open(shelving: &Shelving) -> Result<Self, String> {
        let recipients = shelving.recipients.clone();
        let recipients = match recipients.is_empty() {
            true => None,
            false => Some(Recipients::new(recipients).map_err(|it| format!("recipients: {it}"))?),
        };
        let identity = shelving.identity.as_deref().map(Identity::from_file).transpose();
        let objects = shelving.storage.as_ref().map(Objects::new).transpose();
        Ok(Self {
            folder: shelving.folder.clone(),
            recipients,
            identity: identity.map_err(|it| format!("identity: {it}"))?,
            objects: objects.map_err(|it| format!("storage: {it}"))?,
            storage: shelving.storage.clone(),
            former: Arc::default(),
            far: Arc::new(Semaphore::new(FAR)),
        })
    }

    /// The storage that recordings go to, as their rows say it; empty if there is none.
    pub fn address(&self) -> String {
        self.storage.as_ref().map(ObjectSettings::address).unwrap_or_default()
    }

    /// The storage of this address, if it is another than the one that recordings go to. It is
    /// asked with the keys of that one.
    pub fn former(&self, address: &str) -> Result<Option<Objects>, ObjectError> {
        let present = self.address();
        if address.is_empty() || address == present {
            return Ok(None);
        }
        let Some(storage) = &self.storage else { return Err(nowhere(address)) };
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = former.get(address) {
            return Ok(Some(known.clone()));
        }
        let objects = storage.at(address).and_then(|it| Objects::new(&it));
        let objects = objects.map_err(|it| ObjectError::Refused(format!("{address:?}: {it}")))?;
        if FORMER <= former.len() {
            former.clear();
        }
        former.insert(address.to_owned(), objects.clone());
        Ok(Some(objects))
    }

    /// Finds a recording in the folder, plain or sealed; waits for the disk. A link is not followed.
    pub fn here(&self, file: &str) -> io::Result<Option<Found>> {
        let plain = self.folder.join(file);
        let sealed = sealed_name(&plain);
        for (path, sealed) in [(plain, false), (sealed, true)] {
            match opened(&path) {
                Ok((file, size)) => {
                    return Ok(Some(Found { sealed, size, at: At::Here(file) }));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Finds one in the storage, by the name that it has there; if the present one does not have
    /// it, in the one that it was put into.
    pub async fn there(
        &self,
        name: &str,
        sealed: bool,
        address: &str,
    ) -> Result<Found, ObjectError> {
        let Some(present) = &self.objects else { return Err(nowhere(address)) };
        let (objects, size) = match present.size(name).await {
            Ok(size) => (present.clone(), size),
            Err(error) => {
                let Some(former) = self.former(address)? else { return Err(error) };
                let size = former.size(name).await?;
                (former, size)
            }
        };
        let at = At::There(objects, name.to_owned(), self.far.clone());
        Ok(Found { sealed, size, at })
    }
}

fn nowhere(address: &str) -> ObjectError {
    let why = "none is configured, but it was put into one";
    ObjectError::Refused(match address {
        "" => why.to_owned(),
        address => format!("{why}: {address}"),
    })
}

fn opened(path: &Path) -> io::Result<(File, u64)> {
    let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(no_link).open(path)?;
    let about = file.metadata()?;
    match about.is_file() {
        true => Ok((file, about.len())),
        false => Err(io::ErrorKind::NotFound.into()),
    }
}

/// A recording.
pub struct Found {
    sealed: bool,
    size: u64,
    at: At,
}

enum At {
    Here(File),
    There(Objects, String, Arc<Semaphore>),
}

/// What can be read from anywhere, by a thread that may wait.
pub trait Sound: Read + Seek + Send {}

impl<T: Read + Seek + Send> Sound for T {}

/// Bytes as they come. One that breaks off ends with an error.
pub type Bits = BoxStream<'static, io::Result<Bytes>>;

impl Found {
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Bytes as it is kept: of a sealed one more than there is of sound.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A part of it as it is kept.
    pub async fn kept(self, part: Range<u64>) -> io::Result<Bits> {
        match self.at {
            At::Here(file) => Ok(Heard::new(Box::new(file), self.size).part(part)),
            // A storage has no name for a part of nothing.
            At::There(..) if part.is_empty() => Ok(stream::empty().boxed()),
            At::There(objects, name, _) => {
                let (_, bits) = objects.get(&name, Some(part)).await?;
                Ok(bits.map_err(io::Error::from).boxed())
            }
        }
    }

    /// The sound of it. `PermissionDenied` if it is sealed and the identity does not open it, or
    /// there is none.
    pub async fn sound(self, identity: Option<Identity>) -> io::Result<Heard> {
        let (far, runtime) = (self.far(), Handle::current());
        let open = move || {
            let size = self.size;
            let kept: Box<dyn Sound> = match self.at {
                At::Here(file) => Box::new(file),
                At::There(objects, name, _) => {
                    let _entered = runtime.enter();
                    Box::new(objects.reader(&name, size))
                }
            };
            match (self.sealed, identity) {
                (false, _) => Ok((kept, size)),
                (true, None) => Err(io::ErrorKind::PermissionDenied.into()),
                (true, Some(identity)) => {
                    let opened = identity.read(kept)?;
                    let length = opened.length();
                    Ok((Box::new(opened) as Box<dyn Sound>, length))
                }
            }
        };
        let (sound, length) = waiting(far.clone(), open).await?;
        Ok(Heard { sound, length, far })
    }

    fn far(&self) -> Option<Arc<Semaphore>> {
        match &self.at {
            At::Here(_) => None,
            At::There(.., far) => Some(far.clone()),
        }
    }
}

/// Work of a thread that may wait: for the disk, or, in its turn, for the storage.
async fn waiting<T: Send + 'static>(
    far: Option<Arc<Semaphore>>,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let turn = match far {
        Some(far) => Some(far.acquire_owned().await.map_err(io::Error::other)?),
        None => None,
    };
    // It has the turn, and not who waits for it, who may go.
    let work = move || {
        let done = work();
        drop(turn);
        done
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten()
}

/// What a recording sounds like.
pub struct Heard {
    sound: Box<dyn Sound>,
    length: u64,
    far: Option<Arc<Semaphore>>,
}

impl Heard {
    /// Of what is read here.
    pub fn new(sound: Box<dyn Sound>, length: u64) -> Self {
        Self { sound, length, far: None }
    }

    /// Bytes of sound.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// To be read from anywhere, by a thread that may wait.
    pub fn into_sound(self) -> Box<dyn Sound> {
        self.sound
    }

    /// A part of it, a step at a time. Who takes it slowly holds up nobody.
    pub fn part(self, part: Range<u64>) -> Bits {
        let Self { sound, far, .. } = self;
        let begun = (sound, Some(part.start), part);
        stream::try_unfold(begun, move |(mut sound, from, part)| {
            let far = far.clone();
            async move {
                if part.is_empty() {
                    return Ok(None);
                }
                let step = move || {
                    if let Some(from) = from {
                        sound.seek(SeekFrom::Start(from))?;
                    }
                    let wanted = usize::try_from(part.end - part.start).unwrap_or(STEP).min(STEP);
                    let mut bytes = vec![0; wanted];
                    let got = sound.read(&mut bytes)?;
                    bytes.truncate(got);
                    if got == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    Ok((Bytes::from(bytes), (sound, None, part.start + got as u64..part.end)))
                };
                waiting(far, step).await.map(Some)
            }
        })
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::objects::stub::Stub;

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("crosspoint-shelf-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    async fn all(bits: Bits) -> io::Result<Vec<u8>> {
        Ok(bits.try_collect::<Vec<_>>().await?.concat())
    }

    #[tokio::test]
    async fn a_plain_recording_and_a_sealed_one_sound_the_same() {
        let folder = folder("same");
        let key = folder.join("key");
        let recipient = Identity::keep_new(&key).unwrap();
        let shelving = Shelving {
            folder: folder.clone(),
            recipients: vec![recipient],
            identity: Some(key.clone()),
            storage: None,
        };
        let shelf = Shelf::open(&shelving).unwrap();
        let bytes: Vec<u8> = (0..150_000).map(|it| (it % 241) as u8).collect();
        std::fs::write(folder.join("a.wav"), &bytes).unwrap();
        std::fs::write(folder.join("b.wav"), &bytes).unwrap();
        shelf.recipients.as_ref().unwrap().replace(&folder.join("b.wav")).unwrap();
        for (file, sealed) in [("a.wav", false), ("b.wav", true)] {
            for part in [0..150_000, 70_000..140_000, 0..0, 149_999..150_000] {
                let found = shelf.here(file).unwrap().expect(file);
                assert_eq!(found.is_sealed(), sealed);
                let sound = found.sound(shelf.identity.clone()).await.unwrap();
                assert_eq!(sound.length(), 150_000);
                let heard = all(sound.part(part.clone())).await.unwrap();
                assert!(heard == bytes[part.start as usize..part.end as usize], "{file} {part:?}");
            }
        }
        let found = shelf.here("b.wav").unwrap().unwrap();
        let size = found.size();
        let kept = all(found.kept(0..size).await.unwrap()).await.unwrap();
        assert!(kept == std::fs::read(folder.join("b.wav.age")).unwrap());
        let refused = shelf.here("b.wav").unwrap().unwrap().sound(None).await;
        let refused = refused.map(drop).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(shelf.here("c.wav").unwrap().is_none());
        // More than there is of it.
        let sound = shelf.here("a.wav").unwrap().unwrap().sound(None).await.unwrap();
        let cut = all(sound.part(149_000..151_000)).await.unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn who_listens_slowly_keeps_nobody_from_hearing_what_is_in_the_storage() {
        let (folder, stub) = (folder("slow"), Stub::start().await);
        let recipient = Identity::keep_new(&folder.join("key")).unwrap();
        let shelving = Shelving {
            folder: folder.clone(),
            recipients: vec![recipient],
            identity: Some(folder.join("key")),
            storage: Some(stub.settings()),
        };
        let shelf = Shelf::open(&shelving).unwrap();
        let (plain, bytes) = (folder.join("a.wav"), vec![7; 300_000]);
        std::fs::write(&plain, &bytes).unwrap();
        shelf.recipients.as_ref().unwrap().replace(&plain).unwrap();
        let objects = shelf.objects.as_ref().unwrap();
        objects.put("a.wav.age", &folder.join("a.wav.age"), None).await.unwrap();
        let open = async || {
            let found = shelf.there("a.wav.age", true, "").await.unwrap();
            found.sound(shelf.identity.clone()).await.unwrap().part(0..300_000)
        };
        let mut slow = Vec::new();
        for _ in 0..FAR + 3 {
            let mut bits = open().await;
            assert!(bits.try_next().await.unwrap().is_some());
            slow.push(bits);
        }
        assert!(all(open().await).await.unwrap() == bytes);
        for bits in slow {
            assert_eq!(all(bits).await.unwrap().len(), 300_000 - STEP);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        let folder = folder("wrong");
        let gone = Some(folder.join("gone"));
        let shelving = Shelving { identity: gone, folder: folder.clone(), ..Shelving::default() };
        let told = Shelf::open(&shelving).unwrap_err();
        assert!(told.starts_with("identity: ") && told.contains("gone"), "{told}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
