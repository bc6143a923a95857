//! The shape of the house: a room uses only rooms on lower floors; pure rooms touch nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Floors from the ground up.
const FLOORS: &[&[&str]] = &[
    &["clock"],
    &["sip", "sdp", "rtp", "audio", "telemetry"],
    &["model", "transaction", "peer", "media", "net"],
    &["flow", "dialog", "stream", "outbox", "archive", "capture"],
    &["desk"],
    &["call"],
    &["switch", "store"],
    &["config"],
    &["simulator"],
    &["api"],
    &["server"],
];

/// Rooms that have no clock, lock, task, socket or file.
const PURE: &[&str] = &[
    "clock",
    "sip",
    "sdp",
    "rtp",
    "audio",
    "model",
    "transaction",
    "peer",
    "media",
    "flow",
    "dialog",
    "desk",
    "stream",
    "outbox",
    "archive",
    "capture",
    "call",
    "switch",
    "simulator",
];

/// What a pure room never names.
const SHELL: &[&str] = &[
    "std::fs",
    "std::thread",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "UdpSocket",
    "TcpStream",
    "tokio::",
    "Instant::now",
    "SystemTime::now",
    "axum::",
    "rustix::",
    "socket2::",
];

/// What the switch must never learn (it carries, it does not decide).
const FEATURES: &[&str] = &["whisper", "extension", "queue", "menu", "schedule", "recording"];

#[test]
fn every_room_looks_down() {
    let floor: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(n, rooms)| rooms.iter().map(move |it| (*it, n)))
        .collect();
    let mut wrong = Vec::new();
    for (path, text) in sources(Path::new("src")) {
        let room = room_of(&path);
        if matches!(room, "lib" | "main") {
            continue;
        }
        let here = *floor.get(room).unwrap_or_else(|| panic!("{room} stands on no floor"));
        let used = text.split("crate::").skip(1).map(|it| {
            it.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
        });
        wrong.extend(
            used.filter(|it| *it != room && floor.get(it).is_none_or(|there| here <= *there))
                .map(|it| format!("{path}: {room} must not use {it}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_rooms_touch_nothing() {
    let mut wrong = Vec::new();
    for (path, text) in sources(Path::new("src")) {
        if PURE.contains(&room_of(&path)) {
            let text = without_tests(&text);
            wrong.extend(
                SHELL.iter().filter(|it| text.contains(**it)).map(|it| format!("{path}: {it}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_switch_knows_no_feature_and_stays_small() {
    let mut wrong = Vec::new();
    for (path, text) in sources(Path::new("src/switch")) {
        let text = without_tests(&text);
        let lower = text.to_lowercase();
        wrong.extend(
            FEATURES.iter().filter(|it| lower.contains(**it)).map(|it| format!("{path}: {it}")),
        );
        if 300 < text.lines().count() {
            wrong.push(format!("{path}: {} lines", text.lines().count()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_and_none_is_too_long() {
    let mut wrong = Vec::new();
    for (path, text) in sources(Path::new("src")) {
        if !text.starts_with("//!") {
            wrong.push(format!("{path}: does not begin with //!"));
        }
        let lines = without_tests(&text).lines().count();
        if 520 < lines {
            wrong.push(format!("{path}: {lines} lines, a room is missing"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn room_of(path: &str) -> &str {
    path.split(['/', '.']).nth(1).unwrap_or_default()
}

fn without_tests(text: &str) -> String {
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}
