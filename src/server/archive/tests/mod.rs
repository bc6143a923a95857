//! Recordings on their way, with an object storage that is a folder, and who pulls the plug.

mod power;
mod real;
mod steps;
mod task;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use super::vault::{Doing, Failure, Of};
use super::*;
use crate::archive::{NEVER, RecordingState, StoredRecording};
use crate::clock::{Instant, Now, Wall};
use crate::store::database::{AuditSearch, RecordingSearch, Settings, open};

const NOON: Wall = Wall::from_unix_micros(1_800_000_000_000_000);
const PLACE: &str = "s3://bucket";
const DAY: Duration = Duration::from_secs(86_400);

/// An object storage, and who seals.
struct Bucket {
    folder: PathBuf,
    plan: Mutex<Plan>,
    away: AtomicBool,
    full: AtomicBool,
    asked: AtomicU32,
}

impl Bucket {
    fn is_up(&self) -> Result<(), Failure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.away.load(Ordering::Relaxed) {
            true => Err(Of::Objects.failed("503 Service Unavailable")),
            false => Ok(()),
        }
    }

    fn object(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(key)).ok()
    }
}

impl Vault for Bucket {
    fn plan(&self) -> Plan {
        *self.plan.lock().unwrap()
    }

    fn place(&self) -> String {
        if self.plan().upload { PLACE.to_owned() } else { String::new() }
    }

    fn seal(&self, plain: &Path, sealed: &Path, _: &str) -> Result<u64, Failure> {
        if self.full.load(Ordering::Relaxed) {
            return Err(Of::Sealing.failed(io::Error::from(io::ErrorKind::StorageFull)));
        }
        let bytes = [b"sealed ".to_vec(), fs::read(plain).unwrap()].concat();
        let part = sealed.with_extension("age.part");
        fs::write(&part, &bytes).unwrap();
        fs::rename(part, sealed).unwrap();
        Ok(bytes.len() as u64)
    }

    fn put<'a>(&'a self, key: &'a str, file: &'a Path, _: Option<&'a str>) -> Doing<'a> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.is_up()?;
            fs::copy(file, self.folder.join(key)).map_err(|it| Of::File.failed(it))?;
            tokio::task::yield_now().await;
            Ok(())
        })
    }

    fn has<'a>(&'a self, key: &'a str, _: &'a str) -> Doing<'a, bool> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.is_up()?;
            Ok(self.object(key).is_some())
        })
    }

    fn delete<'a>(&'a self, key: &'a str, place: &'a str) -> Doing<'a> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            assert!(place == PLACE || self.plan().upload, "{place}");
            self.is_up()?;
            drop(fs::remove_file(self.folder.join(key)));
            tokio::task::yield_now().await;
            Ok(())
        })
    }
}

/// A machine whose disk outlives its programs.
struct Machine {
    disk: PathBuf,
    bucket: Arc<Bucket>,
    now: Arc<AtomicI64>,
    /// How far the clock on the wall is off.
    off: Arc<AtomicI64>,
}

impl Machine {
    fn new(seal: bool, upload: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("crosspoint-archive-{}-{number}", std::process::id());
        let disk = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&disk));
        fs::create_dir_all(disk.join("recordings")).unwrap();
        fs::create_dir_all(disk.join("bucket")).unwrap();
        let bucket = Bucket {
            folder: disk.join("bucket"),
            plan: Mutex::new(Plan { seal, upload }),
            away: AtomicBool::new(false),
            full: AtomicBool::new(false),
            asked: AtomicU32::new(0),
        };
        let now = Arc::new(AtomicI64::new(NOON.unix_micros()));
        Self { disk, bucket: Arc::new(bucket), now, off: Arc::default() }
    }

    fn plan(&self, seal: bool, upload: bool) {
        *self.bucket.plan.lock().unwrap() = Plan { seal, upload };
    }

    fn after(&self, time: Duration) {
        self.now.fetch_add(time.as_micros() as i64, Ordering::Relaxed);
    }

    fn store(&self) -> Arc<dyn Store> {
        open(&Settings { url: None, file: self.disk.join("crosspoint.db") }).unwrap()
    }

    /// A program that starts.
    fn tending(&self) -> Tending {
        let (now, off) = (self.now.clone(), self.off.clone());
        let clock = move || {
            let now = now.load(Ordering::Relaxed);
            let wall = Wall::from_unix_micros(now + off.load(Ordering::Relaxed));
            Now { at: Instant::from_micros((now - NOON.unix_micros()) as u64), wall }
        };
        Tending {
            store: self.store(),
            vault: self.bucket.clone(),
            folder: Folder::new(self.disk.join("recordings")),
            gates: Arc::default(),
            clock: Arc::new(clock),
        }
    }

    fn world(&self) -> (World, watch::Sender<Arc<Config>>, watch::Sender<bool>) {
        let config = crate::config::load("", "none.toml", Path::new("/nowhere")).unwrap();
        let (config, running) = watch::channel(Arc::new(config));
        let (stop, stopped) = watch::channel(false);
        let bucket = self.bucket.clone();
        let world = World {
            store: self.store(),
            clock: self.tending().clock,
            node: "main".to_owned(),
            folder: self.disk.join("recordings"),
            hire: Arc::new(move |_| bucket.clone()),
            config: running,
            keeping: Keeping::default(),
            stop: stopped,
        };
        (world, config, stop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.disk.join("recordings").join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// What there is in the folder, and in the bucket.
    fn all(&self) -> Vec<String> {
        let names = |folder: &str| {
            let files = fs::read_dir(self.disk.join(folder)).unwrap();
            let name =
                |it: io::Result<fs::DirEntry>| it.unwrap().file_name().into_string().unwrap();
            files.map(move |it| format!("{folder}/{}", name(it))).collect::<Vec<_>>()
        };
        let mut all = [names("recordings"), names("bucket")].concat();
        all.sort();
        all
    }

    /// A call that has just ended, and its recording.
    async fn records(&self, store: &dyn Store, name: &str) -> StoredRecording {
        fs::write(self.path(name), format!("voices of {name}")).unwrap();
        let row = StoredRecording {
            keep_until: Some(NOON + 30 * DAY),
            ..StoredRecording::new(&name.into(), &"call".into(), "main", NOON)
        };
        store.put_recording(&row, None).await.unwrap();
        row
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.disk));
    }
}

fn turn<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(story)
}

async fn row(store: &dyn Store, file: &str) -> StoredRecording {
    store.recording(file).await.unwrap().unwrap()
}

async fn audited(store: &dyn Store) -> Vec<String> {
    let mut entries = store.audit(&AuditSearch::default()).await.unwrap();
    entries.reverse();
    entries.iter().map(|it| format!("{} {} {}", it.by, it.what, it.subject)).collect()
}
