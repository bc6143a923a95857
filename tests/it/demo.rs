//! The demo, as a newcomer runs it.

use std::fs;
use std::process::Command;

#[test]
fn the_demo_plays_both_calls_and_says_where_the_recording_is() {
    let folder = std::env::temp_dir().join(format!("crosspoint-demo-test-{}", std::process::id()));
    let ran = Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .args(["demo", "--data"])
        .arg(&folder)
        .output()
        .unwrap();
    let (said, errors) =
        (String::from_utf8(ran.stdout).unwrap(), String::from_utf8_lossy(&ran.stderr).into_owned());
    assert!(ran.status.success(), "{said}\n{errors}");
    let expected = [
        "All three are rung at once",
        "The shop is busy",
        "key 8",
        "The office hears the whisper",
        "The mobile stops ringing",
        "The caller and the office hear each other",
        "The caller and the mobile hear each other",
        "not recorded",
    ];
    let mut rest = said.as_str();
    for text in expected {
        let at = rest.find(text).unwrap_or_else(|| panic!("{text:?} is not said in time:\n{said}"));
        rest = &rest[at..];
    }
    assert!(!said.contains('\x1b'), "colours are for terminals only");
    let lines: Vec<&str> = said.lines().rev().take(4).collect();
    assert!(lines[0].starts_with("Everything went as it should."), "{said}");
    let recording = lines[2].trim().strip_prefix("recording").unwrap().trim();
    assert!(recording.starts_with(folder.to_str().unwrap()), "{recording}");
    // Three seconds of two voices at 8 kHz, a byte each.
    assert!(40_000 < fs::metadata(recording).unwrap().len());
    fs::remove_dir_all(folder).unwrap();
}
