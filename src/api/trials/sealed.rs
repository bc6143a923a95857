//! Recordings that are sealed, or elsewhere, or both: heard as those are that are neither, or it is
//! said plainly why not.

use std::fs;
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::rig::{Rig, story_with};
use crate::audio::{Law, wav};
use crate::clock::Wall;
use crate::store::database::{RecordingState, StoredRecording};
use crate::store::objects::stub::{Manners, Stub};
use crate::store::sealed::Identity;

/// Frames of sound: more than what is read at once.
const FRAMES: u32 = 200_000;

fn sound() -> Vec<u8> {
    let mut bytes = wav::Header { law: Law::Mu, frames: FRAMES }.bytes().to_vec();
    bytes.extend((0..FRAMES * 2).map(|it| (it * 7 % 251) as u8));
    bytes
}

/// Sealed for an identity that this edge has, or has not.
fn shelved(data: &Path, stub: &Stub, hears: bool) -> String {
    let recipient = Identity::keep_new(&data.join("key")).unwrap();
    let identity = if hears { "identity = \"key\"\n" } else { "" };
    format!(
        "[recordings]\nrecipients = [\"{recipient}\"]\n{identity}[recordings.storage]\n\
         url = \"s3://calls/edge\"\nendpoint = \"{}\"\nkey_id = \"key\"\nsecret = \"secret\"\n\
         timeout = \"1s\"\n",
        stub.address
    )
}

/// A story in a town with a storage.
fn story_of<F: Future<Output = ()>>(hears: bool, tell: impl FnOnce(Rig, Stub) -> F) {
    let stub = Stub::start_apart();
    let storage = stub.clone();
    story_with(|data| shelved(data, &storage, hears), |rig| tell(rig, stub));
}

/// One recording of each kind: local and plain, local and sealed, uploaded and plain, uploaded and
/// sealed.
async fn keep_all(rig: &Rig) {
    let folder = rig.data.join("recordings");
    let (shelf, bytes) = (rig.api.shelf(), sound());
    let (objects, recipients) = (shelf.objects.as_ref(), shelf.recipients.as_ref());
    for (name, sealed, far) in [
        ("plain.wav", false, false),
        ("sealed.wav", true, false),
        ("far.wav", false, true),
        ("both.wav", true, true),
    ] {
        let path = folder.join(name);
        fs::write(&path, &bytes).unwrap();
        let mut there = name.to_owned();
        if sealed {
            recipients.unwrap().replace(&path).unwrap();
            there += ".age";
        }
        if far {
            objects.unwrap().put(&there, &folder.join(&there), None).await.unwrap();
            fs::remove_file(folder.join(&there)).unwrap();
        }
        let mut row = StoredRecording::new(&name.into(), &"c1".into(), "main", Wall::default());
        row.state = if far { RecordingState::Uploaded } else { RecordingState::Local };
        row.encrypted = sealed;
        rig.api.store.put_recording(&row, None).await.unwrap();
    }
}

async fn get(
    rig: &Rig,
    path: &str,
    range: &str,
) -> (StatusCode, reqwest::header::HeaderMap, Vec<u8>) {
    let mut asked = rig.asks_as(Method::GET, path, "manager");
    if !range.is_empty() {
        asked = asked.header("range", range);
    }
    let answer = asked.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.map(|it| it.to_vec()).unwrap_or_default())
}

async fn problem(rig: &Rig, path: &str) -> (StatusCode, Value) {
    let (status, headers, body) = get(rig, path, "").await;
    assert_eq!(headers["content-type"], "application/problem+json", "{status} {path}");
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn wherever_a_recording_is_and_sealed_or_not_it_is_heard_the_same() {
    story_of(true, |rig, stub| async move {
        keep_all(&rig).await;
        let bytes = sound();
        let peaks = rig.gets("/v1/recordings/peaks?file=plain.wav&points=50").await;
        for name in ["plain.wav", "sealed.wav", "far.wav", "both.wav"] {
            let path = format!("/v1/recordings/{name}");
            let (status, headers, body) = get(&rig, &path, "").await;
            assert_eq!(status, StatusCode::OK, "{name}");
            assert!(body == bytes, "{name}: {} of {}", body.len(), bytes.len());
            assert_eq!(headers["content-type"], "audio/wav");
            assert_eq!(headers["content-length"], bytes.len().to_string().as_str());
            for (range, part) in [
                ("bytes=0-57", 0..58),
                ("bytes=70000-199999", 70_000..200_000),
                ("bytes=-5", bytes.len() - 5..bytes.len()),
                ("bytes=65536-", 65_536..bytes.len()),
            ] {
                let (status, headers, body) = get(&rig, &path, range).await;
                assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{name} {range}");
                assert!(body == bytes[part.clone()], "{name} {range}");
                let told = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
                assert_eq!(headers["content-range"], told.as_str());
            }
            let (status, headers, _) = get(&rig, &path, "bytes=999999-").await;
            assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
            assert_eq!(headers["content-range"], format!("bytes */{}", bytes.len()).as_str());
            let drawn = rig.gets(&format!("/v1/recordings/peaks?file={name}&points=50")).await;
            assert_eq!(drawn, peaks, "{name}");
            let wanted = json!({ "file": name, "seconds": 60 });
            let (_, link) = rig.posts("/v1/recordings/link", wanted).await;
            let heard = rig.asks_as(Method::GET, link["url"].as_str().unwrap(), "").send().await;
            assert!(heard.unwrap().bytes().await.unwrap() == bytes, "{name} by a link");
        }
        // Drawn again, nothing is fetched again.
        stub.kept().asked.clear();
        rig.gets("/v1/recordings/peaks?file=both.wav&points=50").await;
        let fetched = stub.kept().asked.iter().filter(|it| it.starts_with("GET")).count();
        assert_eq!(fetched, 0);
    });
}

#[test]
fn what_is_sealed_for_others_is_not_heard_here_and_it_is_said_how_it_is() {
    story_of(false, |rig, _| async move {
        keep_all(&rig).await;
        for name in ["sealed.wav", "both.wav"] {
            for path in
                [format!("/v1/recordings/{name}"), format!("/v1/recordings/peaks?file={name}")]
            {
                let (status, told) = problem(&rig, &path).await;
                assert_eq!(status, StatusCode::CONFLICT, "{path}");
                assert_eq!(told["state"], "sealed");
                let command = format!("crosspoint recording decrypt {name}.age --identity KEYFILE");
                assert_eq!(told["command"], command.as_str());
                assert!(told["detail"].as_str().unwrap().contains(&command), "{told}");
            }
            let link = json!({ "file": name });
            let (status, _) = rig.posts("/v1/recordings/link", link).await;
            assert_eq!(status, StatusCode::CONFLICT, "a link that nobody could hear");
            // As it is kept it is had, whole and in parts, and opened by who has the secret.
            let path = format!("/v1/recordings/{name}?sealed=true");
            let (status, headers, body) = get(&rig, &path, "").await;
            assert_eq!(status, StatusCode::OK, "{name}");
            let told = format!("attachment; filename=\"{name}.age\"");
            assert_eq!(headers["content-disposition"], told.as_str());
            assert_eq!(headers["content-type"], "application/octet-stream");
            let (_, _, part) = get(&rig, &path, "bytes=100-199").await;
            assert!(part == body[100..200]);
            let sealed = rig.data.join("got.age");
            fs::write(&sealed, body).unwrap();
            let mut heard = Vec::new();
            let identity = Identity::from_file(&rig.data.join("key")).unwrap();
            let mut opened = identity.open(&sealed).unwrap();
            std::io::Read::read_to_end(&mut opened, &mut heard).unwrap();
            assert!(heard == sound(), "{name}");
        }
        let (status, told) = problem(&rig, "/v1/recordings/plain.wav?sealed=true").await;
        assert_eq!((status, &told["state"]), (StatusCode::CONFLICT, &json!("plain")));
        for name in ["plain.wav", "far.wav"] {
            assert_eq!(get(&rig, &format!("/v1/recordings/{name}"), "").await.0, StatusCode::OK);
        }
        for path in ["sealed.wav.age", "sealed.wav?sealed=perhaps", "ghost.wav?sealed=true"] {
            let (status, _) = problem(&rig, &format!("/v1/recordings/{path}")).await;
            assert!(status.is_client_error(), "{path}");
        }
        // Only managers, sealed or not.
        let asked = rig.asks_as(Method::GET, "/v1/recordings/sealed.wav?sealed=true", "agent");
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    });
}

#[test]
fn a_storage_that_fails_takes_only_what_it_has_with_it() {
    story_of(true, |rig, stub| async move {
        keep_all(&rig).await;
        for manners in [
            Manners { fails: "/", ..Manners::default() },
            Manners { hangs: true, ..Manners::default() },
            Manners { refuses: vec![(403, "<Code>AccessDenied</Code>"); 20], ..Manners::default() },
        ] {
            stub.behaves(manners.clone());
            for path in ["far.wav", "both.wav", "peaks?file=far.wav", "peaks?file=both.wav"] {
                let (status, told) = problem(&rig, &format!("/v1/recordings/{path}")).await;
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path} {manners:?}: {told}");
                assert_eq!(told["state"], "uploaded");
                assert!(!told.to_string().contains("127.0.0.1"), "{told}");
            }
            for path in ["plain.wav", "sealed.wav"] {
                let path = format!("/v1/recordings/{path}");
                assert_eq!(get(&rig, &path, "").await.0, StatusCode::OK);
            }
        }
        // What breaks off is no shorter recording.
        stub.behaves(Manners { breaks: 1000, ..Manners::default() });
        for name in ["far.wav", "both.wav"] {
            let answer = rig.asks(Method::GET, &format!("/v1/recordings/{name}")).send().await;
            let whole = match answer {
                Ok(answer) if answer.status() == StatusCode::OK => answer.bytes().await.is_ok(),
                _ => false,
            };
            assert!(!whole, "{name}");
        }
        stub.behaves(Manners::default());
        assert_eq!(get(&rig, "/v1/recordings/both.wav", "").await.0, StatusCode::OK);
        // Somebody deleted it there.
        stub.kept().objects.clear();
        let (status, told) = problem(&rig, "/v1/recordings/far.wav").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(told["detail"].as_str().unwrap().contains("does not have it any more"), "{told}");
    });
}

#[test]
fn one_that_was_changed_is_not_heard() {
    story_of(true, |rig, _| async move {
        keep_all(&rig).await;
        let path = rig.data.join("recordings/sealed.wav.age");
        let good = fs::read(&path).unwrap();
        let mut bent = good.clone();
        let last = bent.len() - 1;
        bent[last] ^= 1;
        fs::write(&path, &bent).unwrap();
        let (status, told) = problem(&rig, "/v1/recordings/sealed.wav").await;
        assert_eq!((status, &told["state"]), (StatusCode::CONFLICT, &json!("damaged")));
        // In the middle: the beginning is as it was, and then the answer breaks off.
        let mut bent = good.clone();
        bent[good.len() / 2] ^= 1;
        fs::write(&path, &bent).unwrap();
        let answer = rig.asks(Method::GET, "/v1/recordings/sealed.wav").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.bytes().await.is_err());
        let (status, _) = problem(&rig, "/v1/recordings/peaks?file=sealed.wav").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        // Another's identity.
        let other = rig.data.join("other");
        let recipient = Identity::keep_new(&other).unwrap();
        let theirs = crate::store::sealed::Recipients::new(vec![recipient]).unwrap();
        theirs.seal(&rig.data.join("recordings/plain.wav"), &path, None).unwrap();
        let (status, told) = problem(&rig, "/v1/recordings/sealed.wav").await;
        assert_eq!((status, &told["state"]), (StatusCode::CONFLICT, &json!("sealed")));
    });
}

#[test]
fn one_on_another_edge_is_heard_there() {
    story_of(true, |rig, _| async move {
        for (name, node) in [("theirs.wav", "berlin"), ("ours.wav", "main")] {
            let row = StoredRecording::new(&name.into(), &"c1".into(), node, Wall::default());
            rig.api.store.put_recording(&row, None).await.unwrap();
        }
        let (status, told) = problem(&rig, "/v1/recordings/theirs.wav").await;
        assert_eq!((status, &told["state"]), (StatusCode::CONFLICT, &json!("elsewhere")));
        assert!(told["detail"].as_str().unwrap().contains("\"berlin\""), "{told}");
        let (status, _) = problem(&rig, "/v1/recordings/ours.wav").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "its file is gone");
    });
}
