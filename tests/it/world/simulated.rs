//! `crosspoint simulate`, as people see it.

use std::path::Path;

use crosspoint::config;
use crosspoint::simulator::simulate;

use super::town::{NUMBER, plan, read, secs};

#[test]
fn a_simulated_call_is_drawn_with_what_happened() {
    let keys = "extension = \"3w1\"\nwhisper = { text = \"ads\" }";
    let config = read(&plan(&[("b", keys), ("c", "")], "dial = [\"b\"]"));
    let ladder = simulate(&config, NUMBER, "+15125550100", Some(secs(3)), 1, &|| false);
    let wanted = [
        "INVITE",
        "dials b (leg 1)",
        "180 Ringing",
        "digit 1 to leg 1",
        "digit 3 to leg 1",
        "whisper to leg 1",
        "caller and leg 1 are connected",
        "BYE",
        "the call is over: hung_up",
    ];
    let mut rest = ladder.as_str();
    for it in wanted {
        let at = rest.find(it).unwrap_or_else(|| panic!("no {it:?} after that in\n{ladder}"));
        rest = &rest[at + it.len()..];
    }
    assert_eq!(ladder, simulate(&config, NUMBER, "+15125550100", Some(secs(3)), 1, &|| false));
}

#[test]
fn a_destination_that_never_answers_is_drawn_to_its_end() {
    let config = read(&plan(&[("b", "")], "dial = [\"b\"]"));
    let ladder = simulate(&config, NUMBER, "+15125550100", None, 1, &|| false);
    assert!(ladder.contains("45.001") && ladder.contains("no_answer"), "{ladder}");
}

#[test]
fn every_configuration_that_is_handed_out_can_be_simulated() {
    for (name, number) in [
        ("quickstart", "15550100001"),
        ("interop", "15550100002"),
        ("interop", "15550100005"),
        ("interop", "15550100007"),
        ("bench", "15551230000"),
        ("demo-directory", "12025550103"),
    ] {
        let path = format!("configs/{name}.toml");
        let config = config::load_file(Path::new(&path)).unwrap();
        let ladder = simulate(&config, number, "+15125550100", Some(secs(1)), 1, &|| false);
        assert!(ladder.contains("are connected"), "{name} {number}:\n{ladder}");
    }
}
