//! The ten explanations in `configs/explain` are what the program says.
//!
//! Each begins with what it shows and with its command line. `CROSSPOINT_WRITE_EXPLAIN=1` writes
//! them anew.

use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The words of a command line; those in double quotes may have blanks.
fn words(line: &str) -> Vec<String> {
    let (quoted, plain) = ("\"", " ");
    let mut words = Vec::new();
    for (part, text) in line.split(quoted).enumerate() {
        match part % 2 {
            0 => words.extend(text.split(plain).filter(|it| !it.is_empty()).map(str::to_owned)),
            _ => words.push(text.to_owned()),
        }
    }
    words
}

/// What the program says to this command line. Files of the project are named from its root on.
fn said(line: &str) -> String {
    let words = words(line.strip_prefix("$ crosspoint ").expect("a command line"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosspoint"));
    let output = program.args(&words).current_dir(ROOT).output().expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\n{errors}");
    let said = String::from_utf8(output.stdout).expect("text");
    said.replace(&format!("{ROOT}/"), "")
}

#[test]
fn the_documented_explanations_are_what_the_program_says() {
    let folder = Path::new(ROOT).join("configs/explain");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 10, "{files:?}");
    for file in files {
        let shipped = std::fs::read_to_string(&file).unwrap();
        let mut lines = shipped.lines();
        let (about, line) = (lines.next().unwrap(), lines.next().unwrap());
        assert!(about.starts_with("# "), "{about}");
        let now = format!("{about}\n{line}\n{}", said(line));
        if std::env::var_os("CROSSPOINT_WRITE_EXPLAIN").is_some() {
            std::fs::write(&file, &now).unwrap();
            continue;
        }
        assert!(shipped == now, "{} is not what is said now:\n{now}", file.display());
    }
}

/// What each of them is there to show.
#[test]
fn each_explanation_shows_what_it_is_there_for() {
    let shown = |name: &str, words: &[&str]| {
        let file = Path::new(ROOT).join(format!("configs/explain/{name}.txt"));
        let text = std::fs::read_to_string(file).unwrap();
        for word in words {
            assert!(text.contains(word), "{name} does not say {word:?}:\n{text}");
        }
    };
    shown("01-extension", &["3...........1.9.2.8.", "cut with route_loop", "prevent_recording"]);
    shown("02-closed", &["Sun 2026-06-14 14:00 America/New_York", "All are closed: voicemail"]);
    shown(
        "03-menu",
        &["Key 20: dial alice-desk", "Key 9: voice_menu main - a circle", "Key #: hangup"],
    );
    shown("04-queue", &["who took this caller last", "If nobody takes it in time: queue florists"]);
    shown("05-regular-caller", &["Rule 3 \"regulars\" holds if not: at least 3 wait"]);
    shown("06-campaign", &["Rule 4 \"spring campaign\" holds: virtual_agent reception"]);
    shown("07-zip-code", &["Types 19103: nearest to 10003"]);
    shown("08-virtual-agent", &["Closed (schedule shop-hours, Thu 2026-12-31 12:30", "breaks off"]);
    shown("09-agent", &["alice-mobile", "the phones of alice"]);
    shown("10-blocked", &["on the block list: hears busy (486)"]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    for (asked, why) in [
        (vec!["12025550104", "--zip", "1910"], "is no ZIP code"),
        (vec!["12025550100", "--header", "X-Campaign"], "is no header"),
        (vec!["12025550100", "--called-before", "yesterday"], "is no time"),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_crosspoint"));
        let output = program.arg("explain").args(&asked).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(why), "{asked:?}: {errors}");
    }
}

#[test]
fn who_has_read_enough_may_go() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosspoint"));
    // Nobody reads: the pipe is closed before it is written to.
    let (nobody, out) = std::io::pipe().unwrap();
    drop(nobody);
    let output = program.arg("reference").stdout(out).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
}
