//! What is put is there, or it is told why not and whether to try again.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::stub::{Manners, Stub};
use super::*;
use crate::store::sealed::{Identity, Recipients};

struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path =
            std::env::temp_dir().join(format!("crosspoint-objects-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn sound(length: usize) -> Vec<u8> {
    (0..length).map(|it| (it * 13 % 249) as u8).collect()
}

async fn all(objects: &Objects, name: &str, part: Option<Range<u64>>) -> io::Result<Vec<u8>> {
    let (_, stream) = objects.get(name, part).await?;
    Ok(stream.try_collect::<Vec<_>>().await?.concat())
}

#[tokio::test]
async fn what_is_put_is_got_whole_and_in_parts_and_deleted() {
    let (stub, bytes) = (Stub::start().await, sound(300_000));
    let (file, objects) = (File::new("whole", &bytes), stub.objects());
    objects.put("a.wav", &file.0, None).await.unwrap();
    assert!(stub.kept().objects["/calls/edge/a.wav"] == bytes);
    assert_eq!(objects.size("a.wav").await.unwrap(), 300_000);
    assert!(all(&objects, "a.wav", None).await.unwrap() == bytes);
    let part = all(&objects, "a.wav", Some(1000..2000)).await.unwrap();
    assert!(part == bytes[1000..2000]);
    // Again, over it.
    objects.put("a.wav", &file.0, None).await.unwrap();
    objects.delete("a.wav").await.unwrap();
    objects.delete("a.wav").await.unwrap();
    assert!(matches!(objects.size("a.wav").await, Err(ObjectError::Missing)));
    assert!(matches!(objects.get("a.wav", None).await.map(drop), Err(ObjectError::Missing)));
    assert!(!ObjectError::Missing.retry());
    let empty = File::new("empty", b"");
    objects.put("b.wav", &empty.0, None).await.unwrap();
    assert_eq!(objects.size("b.wav").await.unwrap(), 0);
}

#[tokio::test]
async fn a_large_file_goes_in_parts() {
    let (stub, bytes) = (Stub::start().await, sound(2 * PART + 77));
    let (file, objects) = (File::new("large", &bytes), stub.objects());
    objects.put("a.wav", &file.0, None).await.unwrap();
    let kept = stub.kept();
    assert!(kept.objects["/calls/edge/a.wav"] == bytes && kept.uploads.is_empty());
    let parts = kept.asked.iter().filter(|it| it.contains("partNumber")).count();
    assert_eq!(parts, 3);
    assert!(!kept.asked.iter().any(|it| it.starts_with("GET")), "it was not read back");
}

#[tokio::test]
async fn a_storage_that_fails_for_a_moment_is_asked_again() {
    let (stub, bytes) = (Stub::start().await, sound(1000));
    let (file, objects) = (File::new("moment", &bytes), stub.objects());
    stub.behaves(Manners {
        refuses: vec![(503, "<Code>SlowDown</Code>"); 2],
        ..Manners::default()
    });
    objects.put("a.wav", &file.0, None).await.unwrap();
    assert!(stub.kept().objects["/calls/edge/a.wav"] == bytes);
    stub.behaves(Manners { breaks: 1, ..Manners::default() });
    assert!(all(&objects, "a.wav", None).await.unwrap() == bytes, "from where it broke off");
}

#[tokio::test]
async fn a_storage_that_fails_is_told_and_may_be_tried_later() {
    let stub = Stub::start().await;
    let (file, objects) = (File::new("fails", &sound(1000)), stub.objects());
    objects.put("a.wav", &file.0, None).await.unwrap();
    stub.behaves(Manners { fails: "/", ..Manners::default() });
    let told = objects.put("a.wav", &file.0, None).await.unwrap_err();
    assert!(told.retry() && matches!(told, ObjectError::Failed(_)), "{told}");
    assert!(told.to_string().contains("500"), "{told}");
    assert!(objects.delete("a.wav").await.unwrap_err().retry());
    // A sound that always breaks off is no shorter sound.
    stub.behaves(Manners { breaks: 100, ..Manners::default() });
    assert!(all(&objects, "a.wav", None).await.is_err());
    let nobody =
        ObjectSettings { endpoint: Some("http://127.0.0.1:1".parse().unwrap()), ..stub.settings() };
    let told = Objects::new(&nobody).unwrap().size("a.wav").await.unwrap_err();
    assert!(told.retry() && told.to_string().contains("Connection refused"), "{told}");
}

#[tokio::test]
async fn what_the_storage_does_not_want_is_told_with_its_reason() {
    let stub = Stub::start().await;
    let (file, objects) = (File::new("refuses", &sound(1000)), stub.objects());
    for (status, code) in [
        (403, "<Code>InvalidAccessKeyId</Code>"),
        (403, "<Code>AccessDenied</Code>"),
        (404, "<Code>NoSuchBucket</Code>"),
        (400, "<Code>AuthorizationHeaderMalformed</Code>"),
        (301, "<Code>PermanentRedirect</Code>"),
    ] {
        stub.behaves(Manners { refuses: vec![(status, code)], ..Manners::default() });
        let told = objects.put("a.wav", &file.0, None).await.unwrap_err();
        assert!(matches!(told, ObjectError::Refused(_)), "{status}: {told:?}");
        assert!(!told.retry());
        let name = code.trim_start_matches("<Code>").trim_end_matches("</Code>");
        let known = ["NoSuchBucket", "PermanentRedirect"].contains(&name);
        assert!(known || told.to_string().contains(&format!("{status} ")), "{told}");
        assert!(known || told.to_string().ends_with(name), "{told}");
    }
    assert!(stub.kept().objects.is_empty());
}

#[tokio::test]
async fn a_storage_that_says_nothing_is_not_waited_for_long() {
    let stub = Stub::start().await;
    let file = File::new("hangs", &sound(1000));
    let settings = ObjectSettings { patience: Duration::from_millis(200), ..stub.settings() };
    let objects = Objects::new(&settings).unwrap();
    stub.behaves(Manners { hangs: true, ..Manners::default() });
    let waited =
        tokio::time::timeout(Duration::from_secs(4), objects.put("a.wav", &file.0, None)).await;
    let told = waited.expect("it gives up").unwrap_err();
    assert!(told.retry(), "{told}");
}

#[tokio::test]
async fn what_was_damaged_or_cut_on_the_way_does_not_count_as_put() {
    let stub = Stub::start().await;
    let (small, objects) = (File::new("damaged", &sound(1000)), stub.objects());
    let large = File::new("damaged-large", &sound(PART + 1));
    for file in [&small, &large] {
        for secret_tags in [false, true] {
            stub.behaves(Manners { damages: true, secret_tags, ..Manners::default() });
            let told = objects.put("a.wav", &file.0, None).await.unwrap_err();
            assert!(matches!(told, ObjectError::Differs) && told.retry(), "{told}");
            stub.behaves(Manners { secret_tags, ..Manners::default() });
            objects
                .put("a.wav", &file.0, None)
                .await
                .expect("what is whole counts, whatever its tag");
        }
    }
    stub.behaves(Manners { hides: 1, ..Manners::default() });
    let told = objects.put("a.wav", &small.0, None).await.unwrap_err();
    assert!(matches!(told, ObjectError::Differs));
}

#[tokio::test]
async fn a_put_that_fails_in_the_middle_leaves_nothing_there() {
    let stub = Stub::start().await;
    let (file, objects) = (File::new("middle", &sound(2 * PART)), stub.objects());
    stub.behaves(Manners { fails: "partNumber=2", ..Manners::default() });
    assert!(objects.put("a.wav", &file.0, None).await.unwrap_err().retry());
    let kept = stub.kept();
    assert!(kept.uploads.is_empty() && kept.objects.is_empty(), "{:?}", kept.asked);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_as_ours() {
    let stub = Stub::start().await;
    let objects = stub.objects();
    let told = objects.put("a.wav", Path::new("/nowhere/a.wav"), None).await.unwrap_err();
    assert!(matches!(told, ObjectError::Local(_)) && !told.retry(), "{told}");
    assert!(matches!(
        objects.put("a.wav", Path::new("/tmp"), None).await,
        Err(ObjectError::Local(_))
    ));
    assert!(stub.kept().asked.is_empty(), "nothing was asked of the storage");
}

#[tokio::test]
async fn an_object_is_read_as_a_file_is_in_few_requests() {
    let (stub, bytes) = (Stub::start().await, sound(3_000_000));
    let (file, objects) = (File::new("reader", &bytes), stub.objects());
    objects.put("a.wav", &file.0, None).await.unwrap();
    stub.kept().asked.clear();
    let mut reader = objects.reader("a.wav", 3_000_000);
    let read = move || {
        let mut whole = Vec::new();
        reader.read_to_end(&mut whole).unwrap();
        for at in [2_999_999, 0, 1_500_000, 131_071] {
            reader.seek(SeekFrom::Start(at)).unwrap();
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], whole[at as usize]);
        }
        assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), 3_000_000);
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
        whole
    };
    assert!(tokio::task::spawn_blocking(read).await.unwrap() == bytes);
    let asked = stub.kept().asked.len();
    assert!((5..=10).contains(&asked), "{asked} requests");
    // It was put anew meanwhile, and is another.
    let mut reader = objects.reader("a.wav", 2_000_000);
    let read = move || reader.read(&mut [0; 8]).map(drop);
    assert!(tokio::task::spawn_blocking(read).await.unwrap().is_err());
}

#[tokio::test]
async fn a_sealed_object_is_opened_where_it_is() {
    let (stub, bytes) = (Stub::start().await, sound(500_000));
    let (plain, objects) = (File::new("opened", &bytes), stub.objects());
    let key = File(plain.0.with_extension("key"));
    let recipient = Identity::keep_new(&key.0).unwrap();
    let sealed = File(plain.0.with_extension("age"));
    Recipients::new(vec![recipient]).unwrap().seal(&plain.0, &sealed.0, None).unwrap();
    objects.put("a.wav.age", &sealed.0, None).await.unwrap();
    let size = objects.size("a.wav.age").await.unwrap();
    let (reader, identity) = (objects.reader("a.wav.age", size), Identity::from_file(&key.0));
    let read = move || {
        let mut opened = identity.unwrap().read(reader).unwrap();
        assert_eq!(opened.length(), 500_000);
        opened.seek(SeekFrom::Start(400_000)).unwrap();
        let mut end = Vec::new();
        opened.read_to_end(&mut end).unwrap();
        end
    };
    assert!(tokio::task::spawn_blocking(read).await.unwrap() == bytes[400_000..]);
}

#[test]
fn what_is_secret_is_not_shown() {
    let settings = ObjectSettings {
        place: "s3://calls".parse().unwrap(),
        endpoint: None,
        region: None,
        credentials: Some(("AKIA123".to_owned(), "hush-hush".to_owned())),
        patience: Duration::from_secs(1),
    };
    let objects = Objects::new(&settings).unwrap();
    let shown = format!("{settings:?} {objects:?}");
    assert!(shown.contains("s3://calls"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("AKIA"), "{shown}");
}

#[test]
fn of_an_answer_its_status_code_and_message_are_told() {
    for (cause, wanted) in [
        (
            "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?>\n<Error>\
             <Code>AccessDenied</Code><Message>Access\n  Denied</Message><HostId>x</HostId></Error>",
            "403 Forbidden: AccessDenied: Access Denied",
        ),
        (
            "Server returned non-2xx status code: 500 Internal Server Error: ",
            "500 Internal Server Error",
        ),
        ("invalid peer certificate: UnknownIssuer", "invalid peer certificate: UnknownIssuer"),
        ("<Code>", ""),
    ] {
        assert_eq!(told(cause), wanted);
    }
    assert_eq!(told(&"\u{e9}".repeat(500)).chars().count(), TOLD + 2);
}

#[tokio::test]
async fn who_listens_so_slowly_that_the_answer_breaks_off_hears_all_of_it() {
    let (stub, bytes) = (Stub::start().await, sound(1_000_000));
    let file = File::new("slowly", &bytes);
    let settings = ObjectSettings { patience: Duration::from_millis(300), ..stub.settings() };
    stub.objects().put("a.wav", &file.0, None).await.unwrap();
    let objects = Objects::new(&settings).unwrap();
    stub.kept().asked.clear();
    stub.behaves(Manners { breaks: 5, ..Manners::default() });
    let (_, mut stream) = objects.get("a.wav", Some(10..999_990)).await.unwrap();
    let mut heard = Vec::new();
    let mut waited = 0;
    while let Some(some) = stream.try_next().await.unwrap() {
        heard.extend(some);
        if waited < 2 {
            waited += 1;
            tokio::time::timeout(Duration::from_millis(400), std::future::pending::<()>())
                .await
                .unwrap_err();
        }
    }
    assert!(heard == bytes[10..999_990]);
    assert!(3 < stub.kept().asked.len(), "it was asked for again");
    // Another object of the same name is not put behind the beginning of this one.
    stub.behaves(Manners { breaks: 5, ..Manners::default() });
    let (_, mut stream) = objects.get("a.wav", None).await.unwrap();
    stream.try_next().await.unwrap();
    let other = File::new("slowly-other", &vec![9; 1_000_000]);
    stub.objects().put("a.wav", &other.0, None).await.unwrap();
    let rest = stream.try_collect::<Vec<_>>().await;
    assert!(rest.is_err());
}
