//! The folder compared with the rows, and the task that does it all.

use std::time::SystemTime;

use super::*;

#[test]
fn what_does_not_fit_together_is_told_and_left_alone() {
    let machine = Machine::new(false, false);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        let old = |name: &str, days: i64| {
            let file = File::options().append(true).open(machine.path(name)).unwrap();
            let noon = Duration::from_micros(NOON.unix_micros() as u64);
            let at = SystemTime::UNIX_EPOCH + noon - DAY * days as u32;
            file.set_modified(at).unwrap();
        };
        for n in 0..30 {
            let name = format!("known-{n:02}.wav");
            machine.records(store, &name).await;
            old(&name, 9);
            let mut known = row(store, &name).await;
            known.started_at = Wall::from_unix_micros(NOON.unix_micros() - 9 * 86_400_000_000);
            store.put_recording(&known, None).await.unwrap();
        }
        for name in ["lost.wav", "lost.wav.age", "half.wav.part", "young.wav", "notes.txt"] {
            fs::write(machine.path(name), "12345").unwrap();
            old(name, if name == "young.wav" { 0 } else { 2 });
        }
        fs::rename(machine.path("known-01.wav"), machine.path("known-01.wav.age.part")).unwrap();
        fs::create_dir(machine.path("folder")).unwrap();
        for gone in ["known-07.wav", "known-08.wav"] {
            fs::remove_file(machine.path(gone)).unwrap();
        }
        // Somebody else's is looked for elsewhere; one that leaves need not be there.
        let mut other = row(store, "known-07.wav").await;
        other.node = "other".into();
        store.put_recording(&other, None).await.unwrap();
        let files = machine.all();
        let mut scan = scan::scan(&tending, "main").await.unwrap();
        scan.unknown.sort();
        assert_eq!(scan.unknown, ["half.wav.part", "lost.wav", "lost.wav.age", "notes.txt"]);
        assert_eq!((scan.unknown_files, scan.unknown_bytes), (4, 20));
        assert_eq!((scan.missing_files, scan.missing), (1, vec!["known-08.wav".to_owned()]));
        assert_eq!(machine.all(), files);
        // There may be no folder at all yet.
        let nowhere = Folder::new(machine.disk.join("nowhere"));
        let nowhere = Tending { folder: nowhere, ..tending.clone() };
        assert_eq!(scan::scan(&nowhere, "main").await.unwrap().unknown_files, 0);
    });
}

/// Waits for something that another task does.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let soon = async {
        while !is_so().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), soon).await.expect("it never came to be");
}

#[test]
fn the_task_does_what_is_due_and_what_it_is_poked_for_and_tells_how_it_goes() {
    let machine = Machine::new(false, false);
    turn(async {
        let (world, config, stop) = machine.world();
        let (store, keeping) = (world.store.clone(), world.keeping.clone());
        // More than are read at once, and nothing to be done with them.
        for n in 0..250 {
            machine.records(store.as_ref(), &format!("{n:03}.wav")).await;
        }
        let running = tokio::spawn(run(world));
        until(async || store.due_recordings("main", NOON, 9).await.unwrap().is_empty()).await;
        let was = row(store.as_ref(), "007.wav").await;
        assert_eq!(was.due, NOON + 30 * DAY);
        let leaving = StoredRecording { leaving: Some("ada".into()), due: NOON, ..was.clone() };
        assert!(store.settle_recording(&was, &leaving, None).await.unwrap());
        keeping.poke();
        until(async || row(store.as_ref(), "007.wav").await.state == RecordingState::Deleted).await;
        assert!(!machine.has("007.wav") && machine.has("008.wav"));
        // From now on recordings are taken away, those that are there as well.
        machine.plan(false, true);
        config.send_modify(|_| ());
        let uploaded = RecordingSearch {
            state: Some(RecordingState::Uploaded),
            limit: 1000,
            ..RecordingSearch::default()
        };
        until(async || store.recordings(&uploaded).await.unwrap().len() == 249).await;
        until(async || fs::read_dir(machine.disk.join("recordings")).unwrap().count() == 0).await;
        // The storage goes away: it is told.
        machine.bucket.away.store(true, Ordering::Relaxed);
        machine.records(store.as_ref(), "late.wav").await;
        keeping.poke();
        until(async || 0 < row(store.as_ref(), "late.wav").await.attempts).await;
        until(async || keeping.degraded().is_some()).await;
        assert_eq!(keeping.told().objects.unwrap().why, "503 Service Unavailable");
        assert!(keeping.told().scan.is_some());
        stop.send_replace(true);
        running.await.unwrap();
    });
}

/// What breaks with one file breaks nothing else.
#[test]
fn a_bug_with_one_recording_is_its_own_trouble() {
    struct Broken;
    impl Vault for Broken {
        fn plan(&self) -> Plan {
            Plan { seal: false, upload: true }
        }
        fn place(&self) -> String {
            PLACE.to_owned()
        }
        fn seal(&self, _: &Path, _: &Path, _: &str) -> Result<u64, Failure> {
            Ok(0)
        }
        fn has<'a>(&'a self, _: &'a str, _: &'a str) -> Doing<'a, bool> {
            Box::pin(async { Ok(false) })
        }
        fn put<'a>(&'a self, key: &'a str, _: &'a Path, _: Option<&'a str>) -> Doing<'a> {
            Box::pin(async move {
                assert!(key != "a.wav", "a bug");
                Ok(())
            })
        }
        fn delete<'a>(&'a self, _: &'a str, _: &'a str) -> Doing<'a> {
            Box::pin(async { Ok(()) })
        }
    }
    let machine = Machine::new(false, true);
    turn(async {
        let (world, _config, stop) = machine.world();
        let world = World { hire: Arc::new(|_| Arc::new(Broken)), ..world };
        let store = world.store.clone();
        for name in ["a.wav", "b.wav"] {
            machine.records(store.as_ref(), name).await;
        }
        let running = tokio::spawn(run(world));
        until(async || row(store.as_ref(), "b.wav").await.state == RecordingState::Uploaded).await;
        until(async || 0 < row(store.as_ref(), "a.wav").await.attempts).await;
        let broken = row(store.as_ref(), "a.wav").await;
        assert_eq!((broken.state, &*broken.why), (RecordingState::Local, "our own fault"));
        stop.send_replace(true);
        running.await.unwrap();
    });
}

#[test]
fn a_clock_that_leaps_deletes_nothing_and_leaves_nothing_behind_when_it_is_set_right() {
    let machine = Machine::new(false, false);
    turn(async {
        let (world, config, stop) = machine.world();
        let (store, keeping) = (world.store.clone(), world.keeping.clone());
        machine.records(store.as_ref(), "before.wav").await;
        let running = tokio::spawn(run(world));
        let is = async |file: &str| row(store.as_ref(), file).await;
        until(async || is("before.wav").await.due == NOON + 30 * DAY).await;
        let years = 3 * 365 * DAY;
        machine.off.store(years.as_micros() as i64, Ordering::Relaxed);
        keeping.poke();
        until(async || keeping.told().doubt == Some(NOON + years + DAY)).await;
        until(async || is("before.wav").await.due == NOON + years + DAY).await;
        assert!(keeping.degraded().unwrap().contains("clock"));
        // One that ends while the clock is wrong.
        let during = machine.records(store.as_ref(), "during.wav").await;
        let wrong = NOON + years;
        let keep_until = Some(wrong + 30 * DAY);
        let during = StoredRecording { started_at: wrong, due: wrong, keep_until, ..during };
        store.put_recording(&during, None).await.unwrap();
        machine.off.store(0, Ordering::Relaxed);
        machine.plan(false, true);
        config.send_modify(|_| ());
        for file in ["before.wav", "during.wav"] {
            until(async || is(file).await.state == RecordingState::Uploaded).await;
            assert!(!is(file).await.is_gone());
        }
        // A day later it is believed again.
        machine.after(31 * DAY);
        keeping.poke();
        until(async || is("before.wav").await.state == RecordingState::Deleted).await;
        assert!(!is("during.wav").await.is_gone());
        assert_eq!(keeping.told().doubt, None);
        stop.send_replace(true);
        running.await.unwrap();
    });
}

#[test]
fn recordings_of_an_edge_that_is_called_otherwise_now_are_told() {
    let machine = Machine::new(false, false);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        for name in ["a.wav", "b.wav"] {
            machine.records(store, name).await;
        }
        let none = scan::scan(&tending, "main").await.unwrap();
        assert!(none.untended.is_empty());
        machine.after(2 * DAY);
        let scan = scan::scan(&tending, "renamed").await.unwrap();
        assert_eq!(scan.untended.into_iter().collect::<Vec<_>>(), [("main".to_owned(), 2)]);
    });
}
