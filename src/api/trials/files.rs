//! Recordings and prompts: files, and who tries to reach others by them.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::rig::{Rig, story};
use crate::audio::{Law, wav};

/// A recording of so many frames.
fn record(rig: &Rig, name: &str, frames: u32) -> Vec<u8> {
    let mut bytes = wav::Header { law: Law::Mu, frames }.bytes().to_vec();
    bytes.extend((0..frames * 2).map(|it| (it % 251) as u8));
    fs::write(rig.data.join("recordings").join(name), &bytes).unwrap();
    bytes
}

async fn status(rig: &Rig, method: Method, path: &str, role: &str) -> StatusCode {
    rig.asks_as(method, path, role).send().await.unwrap().status()
}

#[test]
fn a_recording_is_heard_whole_or_in_parts_by_who_may() {
    story(|rig| async move {
        let bytes = record(&rig, "a1.wav", 100_000);
        let path = "/v1/recordings/a1.wav";
        let whole = rig.asks_as(Method::GET, path, "manager").send().await.unwrap();
        assert_eq!(whole.status(), StatusCode::OK);
        assert_eq!(whole.headers()["content-type"], "audio/wav");
        assert_eq!(whole.headers()["accept-ranges"], "bytes");
        assert_eq!(whole.bytes().await.unwrap(), bytes);
        let part =
            rig.asks(Method::GET, path).header("range", "bytes=1000-70999").send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        let told = format!("bytes 1000-70999/{}", bytes.len());
        assert_eq!(part.headers()["content-range"], told.as_str());
        assert_eq!(part.bytes().await.unwrap(), bytes[1000..71_000]);
        let outside =
            rig.asks(Method::GET, path).header("range", "bytes=999999-").send().await.unwrap();
        assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        for role in ["viewer", "agent"] {
            assert_eq!(status(&rig, Method::GET, path, role).await, StatusCode::FORBIDDEN);
        }
        assert_eq!(status(&rig, Method::GET, path, "").await, StatusCode::UNAUTHORIZED);
    });
}

#[test]
fn a_name_that_leads_elsewhere_finds_nothing() {
    story(|rig| async move {
        fs::write(rig.data.join("secret.wav"), b"secret").unwrap();
        fs::write(rig.data.join("recordings/notes.txt"), b"secret").unwrap();
        let link = rig.data.join("recordings/link.wav");
        std::os::unix::fs::symlink(rig.data.join("secret.wav"), link).unwrap();
        fs::create_dir(rig.data.join("recordings/folder.wav")).unwrap();
        for name in [
            "..%2fsecret.wav",
            "%2e%2e%2fsecret.wav",
            "..%5csecret.wav",
            "%2fetc%2fpasswd",
            "notes.txt",
            "link.wav",
            "folder.wav",
            ".wav",
            "a%00.wav",
            "%252e%252e%252fsecret.wav",
        ] {
            let path = format!("/v1/recordings/{name}");
            for method in [Method::GET, Method::DELETE] {
                let answer = rig.asks(method, &path).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
                assert!(!answer.text().await.unwrap().contains("secret\n"), "{name}");
            }
        }
        // As no client of ours would write it.
        let raw = "GET /v1/recordings/../../secret.wav HTTP/1.1\r\nhost: x\r\nx-role: admin\r\nconnection: close\r\n\r\n";
        let mut stream = tokio::net::TcpStream::connect(rig.host()).await.unwrap();
        stream.write_all(raw.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(rig.data.join("secret.wav").exists());
    });
}

#[test]
fn a_link_lets_anybody_listen_to_one_recording_for_a_while() {
    story(|rig| async move {
        let bytes = record(&rig, "a1.wav", 100);
        record(&rig, "b2.wav", 100);
        let make = "/v1/recordings/link";
        let (made, link) = rig.posts(make, json!({ "file": "a1.wav", "seconds": 60 })).await;
        assert_eq!(made, StatusCode::OK);
        let url = link["url"].as_str().unwrap();
        let heard = rig.asks_as(Method::GET, url, "").send().await.unwrap();
        assert_eq!(heard.status(), StatusCode::OK);
        assert_eq!(heard.bytes().await.unwrap(), bytes);
        let refused = StatusCode::FORBIDDEN;
        let other = url.replace("a1.wav", "b2.wav");
        assert_eq!(status(&rig, Method::GET, &other, "").await, refused);
        let until = url.split("until=").nth(1).unwrap().split('&').next().unwrap();
        let longer = url.replace(until, "99999999999");
        assert_eq!(status(&rig, Method::GET, &longer, "").await, refused);
        // It is for listening only.
        assert_eq!(status(&rig, Method::DELETE, url, "").await, StatusCode::UNAUTHORIZED);
        rig.runs(std::time::Duration::from_secs(61)).await;
        assert_eq!(status(&rig, Method::GET, url, "").await, refused, "its time is over");
        let (status, _) = rig.posts(make, json!({ "file": "ghost.wav" })).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, _) = rig.posts(make, json!({ "file": "a1.wav", "seconds": 1 })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let (status, _) = rig.posts_as(make, json!({ "file": "a1.wav" }), "agent").await;
        assert_eq!(status, refused);
    });
}

#[test]
fn a_recording_is_drawn_and_deleted_and_the_log_says_by_whom() {
    story(|rig| async move {
        record(&rig, "a1.wav", 80_000);
        let drawn = rig.gets("/v1/recordings/peaks?file=a1.wav&points=100").await;
        assert_eq!(drawn["seconds"], 10.0);
        assert_eq!(drawn["left"].as_array().unwrap().len(), 100);
        fs::write(rig.data.join("recordings/odd.wav"), vec![7; 1000]).unwrap();
        for (query, wanted) in [
            ("file=odd.wav", StatusCode::CONFLICT),
            ("file=ghost.wav", StatusCode::NOT_FOUND),
            ("file=a1.wav&points=5000", StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let path = format!("/v1/recordings/peaks?{query}");
            assert_eq!(status(&rig, Method::GET, &path, "admin").await, wanted, "{query}");
        }
        let path = "/v1/recordings/a1.wav";
        assert_eq!(status(&rig, Method::DELETE, path, "agent").await, StatusCode::FORBIDDEN);
        assert_eq!(status(&rig, Method::DELETE, path, "manager").await, StatusCode::NO_CONTENT);
        assert_eq!(status(&rig, Method::GET, path, "manager").await, StatusCode::NOT_FOUND);
        assert_eq!(status(&rig, Method::DELETE, path, "manager").await, StatusCode::NOT_FOUND);
        assert_eq!(rig.audited().await, [("deleted".to_owned(), "recording/a1.wav".to_owned())]);
        // Who tends recordings does the rest.
        let row = rig.api.store.recording("a1.wav").await.unwrap().unwrap();
        assert_eq!(row.leaving.as_deref(), Some("manager"));
        rig.api.live.keeping.poked().await;
    });
}

#[test]
fn a_recording_is_a_row_once_its_call_is_over_and_says_until_when_it_is_kept() {
    story(|rig| async move {
        let id = rig.talks().await;
        let path = format!("/v1/recordings?call={id}");
        assert_eq!(rig.gets(&path).await["items"], json!([]), "it still grows");
        rig.world.borrow_mut().hangs_up("carrier");
        rig.runs(crate::simulator::secs(2)).await;
        let shown = &rig.gets(&path).await["items"][0];
        assert_eq!(shown["file"], format!("{id}.wav"));
        assert_eq!((&shown["state"], &shown["held"]), (&json!("local"), &json!(false)));
        let number = |key: &str| shown[key].as_i64().unwrap();
        let ended = number("started_at") + 1_000 * number("length_ms");
        assert_eq!(number("keep_until") - ended, 30 * 86_400_000_000);
        assert!(3_000 < number("length_ms"), "{shown}");
    });
}

#[test]
fn a_recording_that_is_held_is_not_deleted_until_it_is_released() {
    story(|rig| async move {
        record(&rig, "a1.wav", 800);
        record(&rig, "b2.wav", 800);
        let path = "/v1/recordings/a1.wav/hold";
        let put = async |path: &str, role: &str, body: serde_json::Value| {
            let sent = rig.asks_as(Method::PUT, path, role).json(&body).send().await.unwrap();
            (sent.status(), sent.text().await.unwrap())
        };
        let held = json!({ "held": true, "why": "case 12" });
        assert_eq!(put(path, "agent", held.clone()).await.0, StatusCode::FORBIDDEN);
        assert_eq!(put(path, "manager", held.clone()).await.0, StatusCode::NO_CONTENT);
        assert_eq!(put(path, "manager", held.clone()).await.0, StatusCode::NO_CONTENT);
        let (refused, why) =
            put(path, "manager", json!({ "held": true, "why": "x".repeat(501) })).await;
        assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(why.contains("at most 500"), "{why}");
        for (path, wanted) in [
            ("/v1/recordings/ghost.wav/hold", StatusCode::NOT_FOUND),
            ("/v1/recordings/..%2Fcrosspoint.db/hold", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(put(path, "manager", held.clone()).await.0, wanted, "{path}");
        }
        let file = "/v1/recordings/a1.wav";
        assert_eq!(status(&rig, Method::DELETE, file, "admin").await, StatusCode::CONFLICT);
        assert_eq!(status(&rig, Method::GET, file, "manager").await, StatusCode::OK);
        let listed = rig.gets("/v1/recordings?held=true").await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        assert_eq!(listed["items"][0]["file"], "a1.wav");
        let released = json!({ "held": false });
        assert_eq!(put(path, "manager", released.clone()).await.0, StatusCode::NO_CONTENT);
        assert_eq!(status(&rig, Method::DELETE, file, "manager").await, StatusCode::NO_CONTENT);
        // Nothing brings it back.
        assert_eq!(put(path, "manager", held).await.0, StatusCode::NOT_FOUND);
        let audited: Vec<String> = rig.audited().await.into_iter().map(|it| it.0).collect();
        assert_eq!(audited, ["deleted", "released", "held"]);
        let listed = rig.gets("/v1/recordings?held=false&state=local&limit=1").await;
        assert_eq!(listed["items"][0]["deleted_by"], "manager", "{listed}");
        let next = listed["next"].as_str().unwrap();
        let listed = rig.gets(&format!("/v1/recordings?after={next}")).await;
        assert!(listed["items"].as_array().unwrap().is_empty(), "{listed}");
        for bad in ["after=nowhere", "after=1", "limit=0", "limit=1001", "state=gone"] {
            let path = format!("/v1/recordings?{bad}");
            let refused = status(&rig, Method::GET, &path, "manager").await;
            assert!(refused.is_client_error(), "{bad}: {refused}");
        }
    });
}

async fn upload(rig: &Rig, name: &str, bytes: Vec<u8>) -> (StatusCode, String) {
    let sent = rig.asks(Method::PUT, &format!("/v1/prompts/{name}")).body(bytes).send().await;
    let response = sent.unwrap();
    (response.status(), response.text().await.unwrap())
}

#[test]
fn a_message_is_uploaded_listened_to_replaced_and_deleted() {
    story(|rig| async move {
        let (made, text) = upload(&rig, "hello", wav::encode(&[100; 8000])).await;
        assert_eq!(made, StatusCode::CREATED, "{text}");
        let (made, _) = upload(&rig, "hello", wav::encode(&[200; 16_000])).await;
        assert_eq!(made, StatusCode::OK);
        let listed = rig.gets("/v1/prompts").await;
        assert_eq!(
            (&listed["items"][0]["name"], &listed["items"][0]["seconds"]),
            (&json!("hello"), &json!(2.0))
        );
        let heard = rig.asks_as(Method::GET, "/v1/prompts/hello", "viewer").send().await.unwrap();
        assert_eq!(*wav::decode(&heard.bytes().await.unwrap()).unwrap(), [200; 16_000]);
        let path = "/v1/prompts/hello";
        assert_eq!(status(&rig, Method::DELETE, path, "viewer").await, StatusCode::FORBIDDEN);
        assert_eq!(status(&rig, Method::DELETE, path, "manager").await, StatusCode::NO_CONTENT);
        assert_eq!(status(&rig, Method::GET, path, "viewer").await, StatusCode::NOT_FOUND);
        let audited: Vec<String> = rig.audited().await.into_iter().map(|it| it.0).collect();
        assert_eq!(audited, ["deleted", "changed", "created"]);
    });
}

#[test]
fn what_is_no_audio_and_what_is_no_name_are_refused_with_what_is_allowed() {
    story(|rig| async move {
        for (wrong, why) in [
            (b"<html>hello</html>".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (vec![0xff; 5000], StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (Vec::new(), StatusCode::UNPROCESSABLE_ENTITY),
            (wav::encode(&[1; 8000])[..9000].to_vec(), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let (status, text) = upload(&rig, "hello", wrong).await;
            assert_eq!(status, why, "{text}");
            assert!(text.contains("FLAC"), "{text}");
        }
        for name in ["..%2fx", "a%2fb", "a.wav", "%00", "a%20b", &"x".repeat(65)] {
            let (status, text) = upload(&rig, name, wav::encode(&[0; 80])).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {text}");
        }
        assert!(fs::read_dir(rig.data.join("uploads")).is_err(), "nothing was written");
    });
}

/// A gigabyte is refused by what it says of itself, and if it says nothing, at 20 MB.
#[test]
fn a_gigabyte_is_refused_before_it_is_sent() {
    story(|rig| async move {
        let head = "PUT /v1/prompts/big HTTP/1.1\r\nhost: x\r\nx-role: admin\r\n";
        let mut stream = tokio::net::TcpStream::connect(rig.host()).await.unwrap();
        let told = format!("{head}content-length: 1073741824\r\n\r\n");
        stream.write_all(told.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413");
        let mut stream = tokio::net::TcpStream::connect(rig.host()).await.unwrap();
        let (mut read, mut write) = stream.split();
        write
            .write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let megabyte =
            [format!("{:x}\r\n", 1 << 20).into_bytes(), vec![0; 1 << 20], b"\r\n".to_vec()]
                .concat();
        let mut sent = 0;
        let flood = async {
            while sent < 1024 && write.write_all(&megabyte).await.is_ok() {
                sent += 1;
            }
            std::future::pending::<()>().await;
        };
        let mut answer = [0; 12];
        tokio::select! {
            () = flood => (),
            read = read.read_exact(&mut answer) => drop(read.unwrap()),
        }
        assert_eq!(&answer, b"HTTP/1.1 413");
        assert!(sent < 64, "{sent} MB were taken");
    });
}

#[test]
fn a_text_is_spoken_or_it_is_said_why_not() {
    story(|rig| async move {
        for body in [json!({ "text": "" }), json!({ "text": "hello", "voice": "-w/etc/passwd" })] {
            let (status, _) = rig.posts("/v1/prompts/speak", body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        // In this town no program speaks.
        let (status, problem) = rig.posts("/v1/prompts/speak", json!({ "text": "hello" })).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(problem["detail"].as_str().unwrap().contains("no synthesiser"), "{problem}");
    });
}
