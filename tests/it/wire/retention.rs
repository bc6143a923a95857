//! Recordings that were kept for their time, by the built program: over crashes, and by itself.

use std::fs;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use super::edge::Edge;
use super::live::{Client, answering};
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

/// Has the time of all recordings be up.
fn ages(edge: &Edge) {
    let script = "import sqlite3, sys\n\
                  db = sqlite3.connect(sys.argv[1])\n\
                  rows = db.execute('UPDATE recordings SET keep_until = 1, due = 1').rowcount\n\
                  db.commit()\n\
                  sys.exit(rows != 1)\n";
    let file = edge.folder.join("data/crosspoint.db");
    let done = Command::new("python3").args(["-c", script]).arg(file).status();
    assert!(done.is_ok_and(|it| it.success()), "there is one recording");
}

#[test]
fn a_recording_that_a_crash_cut_short_is_kept_for_its_time_and_then_deleted() {
    let mut edge = Edge::start_with(|it| {
        let it = it.replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"");
        it + "\n[recordings]\nkeep = \"90d\"\n"
    });
    let client = Client::first(&edge);
    let _b = answering(&edge, 31, "6000");
    let carrier = Phone::carrier(&edge.net);
    let mut ada = Voice::at(edge.net.ip(11));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let answer = carrier.status_within(200, seconds(10.0));
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    ada.await_tone(600, seconds(2.0), SOON);
    // While it goes on it is nobody's business.
    assert_eq!(client.gets("/v1/recordings")["items"], json!([]));
    edge.kill();
    edge.restart();
    let shown = client.awaits("/v1/recordings", |it| it["items"][0]["state"] == "local");
    let shown = &shown["items"][0];
    let file = shown["file"].as_str().unwrap().to_owned();
    let days = |until: i64, from: i64| (until - from) / 86_400_000_000;
    let number = |key: &str| shown[key].as_i64().unwrap();
    assert_eq!(days(number("keep_until"), number("started_at")), 90, "{shown}");
    let path = edge.folder.join("data/recordings").join(&file);
    assert!(path.exists());

    edge.kill();
    ages(&edge);
    // What a power cut may have left beside it goes as well.
    fs::write(path.with_extension("wav.age"), "half").unwrap();
    edge.restart();
    let give_up = Instant::now() + SOON + SOON;
    while fs::read_dir(path.parent().unwrap()).unwrap().count() != 0 {
        assert!(Instant::now() < give_up, "its time is up\n{}", edge.log());
        std::thread::sleep(seconds(0.05));
    }
    let gone = client.awaits("/v1/recordings", |it| it["items"][0]["state"] == "deleted");
    assert_eq!(gone["items"][0]["deleted_by"], "retention");
    assert_eq!(client.asks("GET", &format!("/v1/recordings/{file}"), "", b"").status, 404);
    let log = client.gets("/v1/audit");
    let said: Vec<Value> = log["items"].as_array().unwrap().iter().take(2).cloned().collect();
    let said: Vec<_> = said.iter().map(|it| json!([it["by"], it["what"], it["subject"]])).collect();
    let wanted = ["erased", "deleted"];
    assert_eq!(said, wanted.map(|it| json!(["retention", it, format!("recording/{file}")])));
    // The call's record stays.
    let records = client.gets("/v1/records");
    assert_eq!(records["items"][0]["recordings"][0]["file"], json!(file));
}
