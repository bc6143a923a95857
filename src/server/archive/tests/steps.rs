//! One recording, step by step.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::SystemTime;

use super::*;
use crate::archive::Seen;

#[test]
fn a_recording_is_sealed_taken_away_and_deleted_when_its_time_is_up() {
    let machine = Machine::new(true, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.records(store, "a.wav").await;
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), ["bucket/a.wav.age"]);
        assert_eq!(machine.bucket.object("a.wav.age").unwrap(), b"sealed voices of a.wav");
        let kept = row(store, "a.wav").await;
        assert_eq!((kept.state, kept.encrypted), (RecordingState::Uploaded, true));
        assert_eq!((kept.bytes, kept.due), (22, NOON + 30 * DAY));
        assert!(store.due_recordings("main", NOON + 29 * DAY, 9).await.unwrap().is_empty());
        machine.after(30 * DAY);
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), [""; 0]);
        let gone = row(store, "a.wav").await;
        assert_eq!((gone.state, gone.due), (RecordingState::Deleted, NEVER));
        let wanted = ["deleted", "erased"].map(|it| format!("retention {it} recording/a.wav"));
        assert_eq!(audited(store).await, wanted);
    });
}

/// The power goes at every moment at which the program waits for a disk, a database or a network.
#[test]
fn whenever_the_power_goes_nothing_is_lost_and_the_next_start_goes_on() {
    for (seal, upload) in [(false, false), (true, false), (false, true), (true, true)] {
        for over in [false, true] {
            let mut moment = 0;
            while !cut_at(moment, seal, upload, over) {
                moment += 1;
            }
            assert!(3 < moment, "{moment}");
        }
    }
}

/// `true` if all was done before that.
fn cut_at(moment: u32, seal: bool, upload: bool, over: bool) -> bool {
    let machine = Machine::new(seal, upload);
    // The half of a sealed file that another power cut left.
    fs::write(machine.path("a.wav.age.part"), "seal").unwrap();
    if over {
        machine.after(31 * DAY);
    }
    let whole = turn(async {
        let tending = machine.tending();
        machine.records(tending.store.as_ref(), "a.wav").await;
        let mut work = pin!(tending.tend("a.wav"));
        let mut waited = 0;
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => {
                done.unwrap();
                Poll::Ready(true)
            }
            Poll::Pending if waited == moment => Poll::Ready(false),
            Poll::Pending => {
                waited += 1;
                Poll::Pending
            }
        })
        .await
    });
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        let then = row(store, "a.wav").await;
        let there = match then.state {
            RecordingState::Local => machine.has("a.wav") || machine.has("a.wav.age"),
            RecordingState::Uploaded => machine.bucket.object(&then.kept_as()).is_some(),
            RecordingState::Deleted => true,
        };
        let place = format!("{moment} {seal} {upload} {over} {then:?}");
        assert!(there || then.leaving.is_some(), "{place}");
        assert!(!seal || machine.bucket.object("a.wav").is_none(), "{place}");
        tending.tend("a.wav").await.unwrap();
        let is = row(store, "a.wav").await;
        assert_eq!(is.attempts, 0, "{place}: {}", is.why);
        let name = if seal { "a.wav.age" } else { "a.wav" };
        let wanted = match (over, upload) {
            (true, _) => vec![],
            (false, true) => vec![format!("bucket/{name}")],
            (false, false) => vec![format!("recordings/{name}")],
        };
        // What half was sealed is written anew, or goes with the rest.
        let all: Vec<_> = machine.all().into_iter().filter(|it| !it.ends_with(".part")).collect();
        assert_eq!(all, wanted, "{place}");
        if over {
            assert_eq!(machine.all(), [""; 0], "{place}");
            assert_eq!(is.state, RecordingState::Deleted);
            assert_eq!(audited(store).await.len(), 2, "{place}: each is said once");
        }
    });
    whole
}

#[test]
fn a_storage_that_is_away_holds_up_only_what_needs_it() {
    let machine = Machine::new(true, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.bucket.away.store(true, Ordering::Relaxed);
        for n in 0..20 {
            let name = format!("{n:02}.wav");
            machine.records(store, &name).await;
            tending.tend(&name).await.unwrap();
            // Sealed it is all the same.
            assert!(row(store, &name).await.encrypted);
            assert!(!machine.has(&name) && machine.has(&format!("{name}.age")));
        }
        assert_eq!(machine.bucket.asked.load(Ordering::Relaxed), 1, "the others know by then");
        let first = row(store, "00.wav").await;
        assert_eq!((first.attempts, &*first.why), (1, "503 Service Unavailable"));
        assert_eq!(row(store, "01.wav").await.attempts, 0);
        let trouble = tending.gates().objects.trouble().map(|it| (it.0, it.1.to_owned()));
        assert_eq!(trouble, Some((NOON, "503 Service Unavailable".to_owned())));
        // It stays away for a week, is asked now and then, and comes back.
        for _ in 0..7 * 24 {
            machine.after(Duration::from_secs(3600));
            tending.tend("00.wav").await.unwrap();
        }
        assert_eq!(row(store, "00.wav").await.attempts, 1 + 7 * 24);
        machine.bucket.away.store(false, Ordering::Relaxed);
        machine.after(Duration::from_secs(3600));
        for n in 0..20 {
            tending.tend(&format!("{n:02}.wav")).await.unwrap();
        }
        assert_eq!(machine.all().len(), 20);
        assert_eq!(tending.gates().objects.trouble(), None);
        let first = row(store, "00.wav").await;
        assert_eq!((first.state, first.attempts, &*first.why), (RecordingState::Uploaded, 0, ""));
    });
}

#[test]
fn one_that_somebody_deletes_is_gone_from_everywhere_as_soon_as_can_be() {
    let machine = Machine::new(true, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.records(store, "far.wav").await;
        tending.tend("far.wav").await.unwrap();
        machine.bucket.away.store(true, Ordering::Relaxed);
        machine.records(store, "near.wav").await;
        tending.tend("near.wav").await.unwrap();
        assert_eq!(machine.all(), ["bucket/far.wav.age", "recordings/near.wav.age"]);
        for name in ["far.wav", "near.wav"] {
            let was = row(store, name).await;
            let leaving = StoredRecording { leaving: Some("ada".into()), ..was.clone() };
            assert!(store.settle_recording(&was, &leaving, None).await.unwrap());
            tending.tend(name).await.unwrap();
            assert!(row(store, name).await.is_gone());
        }
        assert_eq!(machine.all(), ["bucket/far.wav.age"]);
        assert_eq!(audited(store).await, [""; 0]);
        machine.bucket.away.store(false, Ordering::Relaxed);
        machine.after(Duration::from_secs(60));
        for name in ["far.wav", "near.wav"] {
            tending.tend(name).await.unwrap();
            assert_eq!(row(store, name).await.state, RecordingState::Deleted);
        }
        assert_eq!(machine.all(), [""; 0]);
        let wanted = ["far", "near"].map(|it| format!("ada erased recording/{it}.wav"));
        assert_eq!(audited(store).await, wanted);
    });
}

#[test]
fn a_file_that_cannot_be_read_says_nothing_of_the_storage() {
    let machine = Machine::new(false, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.records(store, "a.wav").await;
        // Copied it cannot be: there is a folder in its place.
        fs::create_dir(machine.disk.join("bucket/a.wav")).unwrap();
        tending.tend("a.wav").await.unwrap();
        assert_eq!(row(store, "a.wav").await.attempts, 1);
        assert_eq!(tending.gates().objects.trouble(), None);
        machine.records(store, "b.wav").await;
        tending.tend("b.wav").await.unwrap();
        assert_eq!(row(store, "b.wav").await.state, RecordingState::Uploaded);
    });
}

#[test]
fn a_full_disk_keeps_recordings_plain_and_here() {
    let machine = Machine::new(true, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.bucket.full.store(true, Ordering::Relaxed);
        machine.records(store, "a.wav").await;
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), ["recordings/a.wav"]);
        assert!(tending.gates().sealing.trouble().is_some_and(|it| !it.1.is_empty()));
        // There is room again; it had been kept for its time meanwhile and is released.
        machine.bucket.full.store(false, Ordering::Relaxed);
        machine.after(DAY);
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), ["bucket/a.wav.age"]);
        assert_eq!(tending.gates().sealing.trouble(), None);
    });
}

#[test]
fn one_that_is_held_stays_and_who_holds_it_is_heard_at_the_last_moment() {
    let machine = Machine::new(false, false);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        let was = machine.records(store, "a.wav").await;
        let held = StoredRecording { held: true, ..was.clone() };
        assert!(store.settle_recording(&was, &held, None).await.unwrap());
        machine.after(40 * DAY);
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), ["recordings/a.wav"]);
        assert_eq!(row(store, "a.wav").await.due, NEVER);
        // Whoever saw it before it was held changes nothing.
        assert!(tending.done(&was, archive::Step::Leave, &Seen::default()).await.is_ok());
        assert_eq!(row(store, "a.wav").await.leaving, None);
        assert_eq!(audited(store).await, [""; 0]);
        let is = row(store, "a.wav").await;
        let released = StoredRecording { held: false, due: NOON, ..is.clone() };
        assert!(store.settle_recording(&is, &released, None).await.unwrap());
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), [""; 0]);
    });
}

#[test]
fn one_that_is_held_while_it_is_taken_away_is_both() {
    let machine = Machine::new(false, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        let was = machine.records(store, "a.wav").await;
        let held = StoredRecording { held: true, ..was.clone() };
        store.settle_recording(&was, &held, None).await.unwrap();
        let five = Seen { bytes: Some(5), ..Seen::default() };
        tending.done(&was, archive::Step::Upload, &five).await.unwrap();
        let is = row(store, "a.wav").await;
        assert_eq!((is.state, is.held, is.bytes), (RecordingState::Uploaded, true, 5));
    });
}

#[test]
fn a_file_that_still_grows_is_not_touched_whoever_wants_it_gone() {
    let machine = Machine::new(true, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        let was = machine.records(store, "a.wav").await;
        fs::rename(machine.path("a.wav"), machine.path("a.wav.part")).unwrap();
        let file = File::options().append(true).open(machine.path("a.wav.part")).unwrap();
        let noon = Duration::from_micros(NOON.unix_micros() as u64);
        file.set_modified(SystemTime::UNIX_EPOCH + noon).unwrap();
        let leaving = StoredRecording { leaving: Some("ada".into()), ..was.clone() };
        for row in [&was, &leaving] {
            store.put_recording(row, None).await.unwrap();
            tending.tend("a.wav").await.unwrap();
            assert_eq!(machine.all(), ["recordings/a.wav.part"]);
        }
        // Nobody writes to it any more.
        machine.after(Duration::from_secs(61));
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), [""; 0]);
        assert_eq!(audited(store).await, ["ada erased recording/a.wav"]);
    });
}

#[test]
fn a_recording_whose_file_is_gone_is_told_and_found_when_it_is_back() {
    let machine = Machine::new(false, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.records(store, "a.wav").await;
        let elsewhere = machine.disk.join("a.wav");
        fs::rename(machine.path("a.wav"), &elsewhere).unwrap();
        tending.tend("a.wav").await.unwrap();
        assert_eq!(&*row(store, "a.wav").await.why, "its file is not there");
        fs::rename(&elsewhere, machine.path("a.wav")).unwrap();
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), ["bucket/a.wav"]);
        // A row that names another file is no way out of the folder.
        let name = "../crosspoint.db";
        let odd = StoredRecording::new(&name.into(), &"x".into(), "main", NOON);
        let odd = StoredRecording { leaving: Some("eve".into()), ..odd };
        store.put_recording(&odd, None).await.unwrap();
        tending.tend(name).await.unwrap();
        assert!(machine.disk.join("crosspoint.db").exists());
        assert!(row(store, name).await.why.contains("no name of a file"));
    });
}

/// As a copy of the database that is put back, or a server that forgot what it had said.
#[test]
fn one_that_is_in_the_storage_is_found_there_by_a_row_that_does_not_know() {
    for (seal, name) in [(false, "a.wav"), (true, "a.wav.age")] {
        let machine = Machine::new(seal, true);
        turn(async {
            let tending = machine.tending();
            let store = tending.store.as_ref();
            let before = machine.records(store, "a.wav").await;
            tending.tend("a.wav").await.unwrap();
            assert_eq!(machine.all(), [format!("bucket/{name}")]);
            let kept = row(store, "a.wav").await;
            store.put_recording(&before, None).await.unwrap();
            tending.tend("a.wav").await.unwrap();
            let found = row(store, "a.wav").await;
            assert_eq!((found.state, found.encrypted), (kept.state, kept.encrypted));
            assert_eq!((&*found.why, found.attempts), ("", 0));
        });
    }
}

#[test]
fn a_copy_in_a_storage_that_the_configuration_has_no_more_is_deleted_with_the_rest() {
    let machine = Machine::new(false, true);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.records(store, "a.wav").await;
        let was = row(store, "a.wav").await;
        // It came to its end, and its row was not written.
        let sent = StoredRecording { place: PLACE.into(), sum: "e3b0".into(), ..was.clone() };
        assert!(store.settle_recording(&was, &sent, None).await.unwrap());
        fs::copy(machine.path("a.wav"), machine.disk.join("bucket/a.wav")).unwrap();
        machine.plan(false, false);
        machine.after(31 * DAY);
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), [""; 0]);
        assert_eq!(row(store, "a.wav").await.state, RecordingState::Deleted);
    });
}

#[test]
fn each_is_known_by_its_sum_and_a_sealed_one_that_shrank_keeps_the_plain_one() {
    let machine = Machine::new(false, false);
    turn(async {
        let tending = machine.tending();
        let store = tending.store.as_ref();
        machine.records(store, "a.wav").await;
        tending.tend("a.wav").await.unwrap();
        let is = row(store, "a.wav").await;
        // As sha256sum says.
        let sum = "b86cb89c6bcf0308a5e246300872877399a93d0acca6818ad88244ea106ae315";
        assert_eq!((&*is.sum, is.bytes), (sum, 15));
        let sealed = StoredRecording { encrypted: true, bytes: 22, ..is.clone() };
        assert!(store.settle_recording(&is, &sealed, None).await.unwrap());
        fs::write(machine.path("a.wav.age"), "seal").unwrap();
        tending.tend("a.wav").await.unwrap();
        assert_eq!(machine.all(), ["recordings/a.wav", "recordings/a.wav.age"]);
        assert_eq!(&*row(store, "a.wav").await.why, "the sealed file is not as long as it was");
    });
}
