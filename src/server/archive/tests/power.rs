//! The power goes while recordings are sealed and taken away: the disk as it is at that moment,
//! with the rows on it, and what the storage has by then.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use super::*;
use crate::audio::Law;
use crate::media::{Reel, TapeId};
use crate::store::database::tests::{Disk, Folder as Place};
use crate::store::objects::stub::Stub;
use crate::store::sealed::{Identity, Recipient};
use crate::store::{Shelf, Shelving, Tapes, repair_recordings};

const RECORDINGS: u32 = 2;
/// Of the disk, in kilobytes.
const SIZE: u32 = 8_192;

/// What a disk held at one moment, and what the storage had.
struct Cut {
    image: PathBuf,
    objects: BTreeSet<String>,
}

/// Takes cuts, one for each time that it is asked, of the disk as it stands still.
fn takes_cuts(image: PathBuf, stub: Stub, asked: mpsc::Receiver<mpsc::Sender<()>>) -> Vec<Cut> {
    let (mut cuts, mut last) = (Vec::new(), Vec::new());
    for done in asked {
        let (bytes, objects) = loop {
            let bytes = fs::read(&image).unwrap();
            let objects = stub.kept().objects.keys().cloned().collect();
            // Nothing was written in between: this is one moment, and not some of many.
            if bytes == fs::read(&image).unwrap() {
                break (bytes, objects);
            }
        };
        if bytes != last {
            let image = image.with_extension(format!("{}", cuts.len()));
            fs::write(&image, &bytes).unwrap();
            cuts.push(Cut { image, objects });
            last = bytes;
        }
        done.send(()).unwrap();
    }
    cuts
}

struct World<'a> {
    disk: &'a Path,
    stub: &'a Stub,
    key: &'a Path,
    recipient: Recipient,
    upload: bool,
}

impl World<'_> {
    fn shelf(&self) -> Shelf {
        let shelving = Shelving {
            folder: self.disk.join("recordings"),
            recipients: vec![self.recipient.clone()],
            identity: Some(self.key.to_owned()),
            storage: self.upload.then(|| self.stub.settings()),
        };
        Shelf::open(&shelving).unwrap()
    }

    /// A program that starts on this disk.
    fn tending(&self) -> Tending {
        let file = self.disk.join("crosspoint.db");
        Tending {
            store: open(&Settings { url: None, file }).unwrap(),
            vault: Arc::new(Elsewhere(Arc::new(self.shelf()))),
            folder: Folder::new(self.disk.join("recordings")),
            gates: Arc::default(),
            clock: Arc::new(|| Now { at: Instant::START, wall: NOON }),
        }
    }

    /// Calls that have ended: their recordings, and their rows.
    async fn record(&self, store: &dyn Store) {
        let (tapes, writer) = Tapes::start(self.disk.join("recordings"), |_| ()).unwrap();
        for n in 0..RECORDINGS {
            let (tape, file) = (TapeId(n.into()), name(n));
            let octets = sound(n);
            assert!(tapes.take(Reel::Open { tape, file: &file, law: Law::Mu }));
            assert!(tapes.take(Reel::Chunk { tape, at: 0, octets: &octets }));
            assert!(tapes.take(Reel::End { tape, frames: octets.len() as u64 / 2, keep: true }));
        }
        drop(tapes);
        writer.join().unwrap();
        for n in 0..RECORDINGS {
            let file = name(n).into();
            let row = StoredRecording::new(&file, &file, "main", NOON);
            store.put_recording(&row, None).await.unwrap();
        }
    }

    /// What is kept of a recording wherever its row says, as it sounds.
    async fn heard(&self, row: &StoredRecording, cut: &Cut) -> Vec<u8> {
        let shelf = self.shelf();
        let found = match row.state {
            RecordingState::Local => shelf.here(&row.file).unwrap().expect("it is here"),
            _ => {
                let key = row.kept_as();
                assert!(cut.objects.iter().any(|it| it.ends_with(&key)), "{row:?}");
                shelf.there(&key, row.encrypted, &row.place).await.unwrap()
            }
        };
        let heard = found.sound(shelf.identity.clone()).await.unwrap();
        let mut sound = heard.into_sound();
        let read = move || {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut sound, &mut bytes).map(|_| bytes)
        };
        tokio::task::spawn_blocking(read).await.unwrap().unwrap()
    }

    /// Whoever starts on this disk finds each recording whole, and goes on with it.
    async fn holds(&self, cut: &Cut) {
        repair_recordings(&self.disk.join("recordings")).unwrap();
        let tending = self.tending();
        let store = tending.store.as_ref();
        store.check().await.unwrap();
        for n in 0..RECORDINGS {
            let (file, sealed) = (name(n), format!("{}.age", name(n)));
            let is = row(store, &file).await;
            let bytes = self.heard(&is, cut).await;
            assert!(bytes.ends_with(&sound(n)), "{is:?}");
            // What is called sealed is sealed whole.
            let path = self.disk.join("recordings").join(&sealed);
            if path.exists() {
                let mut opened = Identity::from_file(self.key).unwrap().open(&path).unwrap();
                let mut all = Vec::new();
                io::Read::read_to_end(&mut opened, &mut all).unwrap();
                assert!(all == bytes, "{is:?}");
            }
            assert!(!cut.objects.iter().any(|it| it.ends_with(&file)), "unsealed in the storage");
            tending.tend(&file).await.unwrap();
            let then = row(store, &file).await;
            assert_eq!((&*then.why, then.encrypted), ("", true), "{is:?}");
            assert_eq!(then.state == RecordingState::Uploaded, self.upload, "{is:?}");
            assert!(self.heard(&then, &self.now()).await == bytes);
        }
        let mut files: Vec<_> = fs::read_dir(self.disk.join("recordings")).unwrap().collect();
        files.retain(|it| !it.as_ref().unwrap().file_name().to_string_lossy().ends_with(".age"));
        assert!(files.is_empty(), "{files:?}");
    }

    fn now(&self) -> Cut {
        let objects = self.stub.kept().objects.keys().cloned().collect();
        Cut { image: PathBuf::new(), objects }
    }
}

/// What is on a disk, on one of a machine that goes on: who reads a database must not take it for
/// the one that was mounted before.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("recordings")).unwrap();
    for name in ["crosspoint.db", "crosspoint.db-wal"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    for file in fs::read_dir(from.join("recordings")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join("recordings").join(file.file_name())).unwrap();
    }
}

fn name(n: u32) -> String {
    format!("{n}.wav")
}

fn sound(n: u32) -> Vec<u8> {
    (0..60_000).map(|it| (it * (n as usize + 3) % 251) as u8).collect()
}

#[test]
fn whenever_the_power_goes_each_recording_is_plain_or_sealed_whole_or_in_the_storage() {
    for upload in [false, true] {
        let folder = Place::new();
        let (image, disk) = (folder.path().join("image"), folder.path().join("disk"));
        let Some(mounted) = Disk::mount(&image, &disk, SIZE) else { return };
        let key = folder.path().join("key");
        let recipient = Identity::keep_new(&key).unwrap();
        turn(async {
            let stub = Stub::start().await;
            let world = World { disk: &disk, stub: &stub, key: &key, recipient, upload };
            let cuts = world.cuts(&image).await;
            drop(mounted);
            assert!(4 * RECORDINGS as usize <= cuts.len(), "{}", cuts.len());
            for (n, cut) in cuts.iter().enumerate() {
                let mounted = Disk::mount(&cut.image, &disk, 0).unwrap();
                let after = folder.path().join(format!("after {n}"));
                copy(&disk, &after);
                drop(mounted);
                let recipient = world.recipient.clone();
                let world = World { disk: &after, stub: &stub, key: &key, recipient, upload };
                world.holds(cut).await;
                fs::remove_file(&cut.image).unwrap();
            }
        });
    }
}

impl World<'_> {
    /// All is done, and at each moment at which somebody waits the power may go.
    async fn cuts(&self, image: &Path) -> Vec<Cut> {
        let tending = self.tending();
        self.record(tending.store.as_ref()).await;
        let (ask, asked) = mpsc::channel();
        let (image, stub) = (image.to_owned(), self.stub.clone());
        let taking = thread::spawn(move || takes_cuts(image, stub, asked));
        for n in 0..RECORDINGS {
            let file = name(n);
            let mut work = pin!(tending.tend(&file));
            let done = poll_fn(|context| {
                let polled = work.as_mut().poll(context);
                let (done, taken) = mpsc::channel();
                ask.send(done).unwrap();
                taken.recv().unwrap();
                match polled {
                    Poll::Ready(done) => Poll::Ready(done),
                    Poll::Pending => Poll::Pending,
                }
            });
            done.await.unwrap();
            assert_eq!(&*row(tending.store.as_ref(), &file).await.why, "");
        }
        drop(ask);
        taking.join().unwrap()
    }
}
