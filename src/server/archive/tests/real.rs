//! With real ciphers, and storages that speak as S3 does.

use super::*;
use crate::store::database::tests::Folder as Place;
use crate::store::objects::stub::Stub;
use crate::store::sealed::Identity;
use crate::store::{Shelf, Shelving};

/// Who does it as this says.
fn vault(shelving: &Shelving) -> Arc<Elsewhere> {
    Arc::new(Elsewhere(Arc::new(Shelf::open(shelving).unwrap())))
}

fn storage(stub: &Stub) -> Shelving {
    Shelving { storage: Some(stub.settings()), ..Shelving::default() }
}

fn objects(stub: &Stub) -> Vec<String> {
    stub.kept().objects.keys().cloned().collect()
}

/// A recording that was put into the first of two storages when that was the storage.
async fn put_first(machine: &Machine, first: &Stub, name: &str) -> StoredRecording {
    let tending = Tending { vault: vault(&storage(first)), ..machine.tending() };
    machine.records(tending.store.as_ref(), name).await;
    tending.tend(name).await.unwrap();
    let is = row(tending.store.as_ref(), name).await;
    assert_eq!((is.state, &*is.why), (RecordingState::Uploaded, ""));
    assert!(is.place.contains(&first.address), "{}", is.place);
    is
}

#[test]
fn one_that_is_in_a_former_storage_is_heard_from_there_and_deleted_there() {
    let machine = Machine::new(false, false);
    turn(async {
        let (first, second) = (Stub::start().await, Stub::start().await);
        let is = put_first(&machine, &first, "a.wav").await;
        let vault = vault(&storage(&second));
        let found = vault.0.there("a.wav", false, &is.place).await.unwrap();
        assert_eq!(found.size(), 15);
        let tending = Tending { vault, ..machine.tending() };
        let store = tending.store.as_ref();
        machine.after(31 * DAY);
        // It cannot be asked: then it is not said to be erased, and others do not wait for it.
        first.kept().manners.refuses = vec![(403, "<Code>AccessDenied</Code>"); 2];
        tending.tend("a.wav").await.unwrap();
        let waits = row(store, "a.wav").await;
        assert_eq!(waits.state, RecordingState::Uploaded);
        assert!(waits.is_gone() && waits.why.contains(&first.address), "{}", waits.why);
        assert_eq!(tending.gates().objects.trouble(), None);
        first.kept().manners.refuses.clear();
        machine.after(Duration::from_secs(3600));
        tending.tend("a.wav").await.unwrap();
        assert_eq!(row(store, "a.wav").await.state, RecordingState::Deleted);
        assert_eq!(objects(&first), [""; 0]);
    });
}

#[test]
fn one_that_was_brought_into_another_storage_is_deleted_though_the_former_one_is_no_more() {
    let machine = Machine::new(false, false);
    turn(async {
        let (first, second) = (Stub::start().await, Stub::start().await);
        put_first(&machine, &first, "a.wav").await;
        let copy = machine.disk.join("copy");
        fs::write(&copy, "voices of a.wav").unwrap();
        second.objects().put("a.wav", &copy, None).await.unwrap();
        first.kept().manners.refuses = vec![(404, "<Code>NoSuchBucket</Code>"); 2];
        let tending = Tending { vault: vault(&storage(&second)), ..machine.tending() };
        machine.after(31 * DAY);
        tending.tend("a.wav").await.unwrap();
        let gone = row(tending.store.as_ref(), "a.wav").await;
        assert_eq!((gone.state, &*gone.why), (RecordingState::Deleted, ""));
        assert_eq!(objects(&second), [""; 0]);
    });
}

#[test]
fn one_that_is_not_what_was_recorded_goes_nowhere_and_holds_up_nobody() {
    let (machine, keys) = (Machine::new(false, false), Place::new());
    turn(async {
        let stub = Stub::start().await;
        let recipients = vec![Identity::keep_new(&keys.path().join("key")).unwrap()];
        let sealing = Shelving { recipients, ..Shelving::default() };
        for (n, shelving) in [sealing, storage(&stub)].iter().enumerate() {
            let tending = Tending { vault: vault(shelving), ..machine.tending() };
            let store = tending.store.as_ref();
            let (bent, good) = (format!("bent-{n}.wav"), format!("good-{n}.wav"));
            for name in [&bent, &good] {
                machine.records(store, name).await;
            }
            let was = row(store, &bent).await;
            let other = StoredRecording { sum: "e3b0".into(), ..was.clone() };
            assert!(store.settle_recording(&was, &other, None).await.unwrap());
            tending.tend(&bent).await.unwrap();
            let is = row(store, &bent).await;
            assert!(is.why.contains("not what was recorded"), "{}", is.why);
            assert_eq!(tending.gates().sealing.trouble(), None);
            assert_eq!(tending.gates().objects.trouble(), None);
            tending.tend(&good).await.unwrap();
            assert!(row(store, &good).await.encrypted == (n == 0));
            assert!(machine.has(&bent) && !machine.has(&good));
            assert!(
                !machine.has(&format!("{bent}.age")) && !machine.has(&format!("{bent}.age.part"))
            );
        }
        let there = objects(&stub);
        assert!(there.len() == 1 && there[0].ends_with("good-1.wav"), "{there:?}");
    });
}
