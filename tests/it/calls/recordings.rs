//! Recording: the decision at the connection, the veto, and the codes of the answering person.

use crosspoint::audio::{Line, Source};
use crosspoint::call::{Effect, TapeEvent};
use crosspoint::model::Order;

use super::scene::Scene;
use super::town::{Told, Town, dial, keys, number, seconds};

fn is_tape(effect: &Effect) -> bool {
    matches!(effect, Effect::Tape { .. } | Effect::TapeMute { .. } | Effect::TapeEnd { .. })
}

#[test]
fn a_connected_call_is_recorded_from_its_connection_to_its_end() {
    let mut scene = Scene::begin(&Town::new([number("shop").whispering("ads")]));
    scene.wait(seconds(3)).answers("shop").wait(seconds(2));
    let tape = |it: &Effect| matches!(it, Effect::Tape { .. });
    assert_eq!(scene.asked(tape), Some(seconds(5)));
    scene.wait(seconds(10)).hangs_up("shop");
    assert_eq!(scene.asked(|it| *it == Effect::TapeEnd { tape: 1, keep: true }), Some(seconds(15)));
    scene.tape(TapeEvent::Closed { ms: 9990 }).ends();
    let recording = &scene.call.record().recordings[0];
    assert_eq!(recording.file.as_deref(), Some("c1.wav"));
    assert!(recording.started_at.is_some() && recording.prevented.is_none());
}

/// Case 10: directly, by fork, and after a no-answer route.
#[test]
fn a_destination_that_forbids_recording_is_never_recorded_on_any_path() {
    let quiet = || number("quiet").unrecorded();
    let first = number("first").then(dial(Order::Simultaneous, &["quiet"]));
    let towns = [
        Town::new([quiet()]),
        Town::new([quiet(), number("first")]),
        Town::new([first, quiet()]).dialling(Order::Sequence, &["first", "quiet"]),
        Town::new([number("first").then(dial(Order::Simultaneous, &["quiet"])), quiet()])
            .dialling(Order::Simultaneous, &["first"]),
    ];
    for (path, town) in towns.iter().enumerate() {
        let mut scene = Scene::begin(town);
        if 2 <= path {
            scene.refuses("first", 486);
        }
        scene.answers("quiet").wait(seconds(30)).hangs_up("caller").ends();
        assert_eq!(scene.connected().as_deref(), Some("quiet"), "path {path}");
        assert_eq!(scene.count(is_tape), 0, "path {path}");
        let why = scene.call.record().recordings[0].prevented.as_deref();
        assert_eq!(why, Some("prevent_recording"));
        assert!(scene.facts().contains(&"recording.prevented".to_owned()));
    }
}

#[test]
fn in_a_mixed_fork_the_one_who_takes_the_call_decides() {
    let mut scene = Scene::begin(&Town::new([number("quiet").unrecorded(), number("shop")]));
    scene.answers("shop");
    assert_eq!(scene.count(is_tape), 1);
}

#[test]
fn nothing_is_recorded_when_the_settings_do_not_ask_for_it() {
    let mut scene = Scene::begin(&Town::new([number("shop")]).set(|it| it.record = false));
    scene.answers("shop").hangs_up("shop").ends();
    assert_eq!(scene.count(is_tape), 0);
    assert_eq!(scene.call.record().recordings[0].prevented.as_deref(), Some("call_settings"));
}

/// Case 11.
#[test]
fn the_answering_person_stops_and_starts_recording_by_code_and_the_caller_hears_no_tones() {
    let mut scene = Scene::begin(&Town::new([number("shop").with_codes()]));
    scene.answers("shop");
    let leg = scene.leg("shop");
    let swallowed = Effect::SwallowKeys { leg, on: true };
    assert_eq!(scene.count(|it| *it == swallowed), 1);
    scene.wait(seconds(5)).presses("shop", "*1").wait(seconds(7)).presses("shop", "*2");
    assert_eq!(scene.asked(|it| *it == Effect::TapeMute { tape: 1, mute: true }), Some(seconds(5)));
    assert_eq!(
        scene.asked(|it| *it == Effect::TapeMute { tape: 1, mute: false }),
        Some(seconds(12))
    );
    assert_eq!(scene.hears("caller"), "shop");
    let pressed = |it: &Effect| matches!(it, Effect::Hear(_, Source::Script(_)));
    assert_eq!(scene.count(pressed), 0);
    scene.hangs_up("caller").ends();
    let of_tape: Vec<_> =
        scene.facts().into_iter().filter(|it| it.starts_with("recording")).collect();
    let (started, stopped) = ("recording.started", "recording.stopped");
    assert_eq!(of_tape, [started, stopped, started, stopped]);
    assert_eq!(scene.call.record().recordings[0].stopped_by.as_deref(), Some("destination"));
}

#[test]
fn the_start_code_never_overrides_a_veto() {
    let mut scene = Scene::begin(&Town::new([number("shop").with_codes().unrecorded()]));
    scene.answers("shop").presses("shop", "*2*1*2").wait(seconds(5));
    assert_eq!(scene.count(is_tape), 0);
}

#[test]
fn the_start_code_begins_a_recording_that_the_settings_did_not_ask_for() {
    let town = Town::new([number("shop").with_codes()]).set(|it| it.record = false);
    let mut scene = Scene::begin(&town);
    scene.answers("shop").wait(seconds(4)).presses("shop", "*2");
    assert_eq!(scene.asked(is_tape), Some(seconds(4)));
    scene.hangs_up("shop").ends();
    assert_eq!(scene.call.record().recordings[0].prevented, None);
}

#[test]
fn keys_that_are_no_code_are_pressed_on_towards_the_caller() {
    let mut scene = Scene::begin(&Town::new([number("shop").with_codes()]));
    scene.answers("shop").presses("shop", "5*");
    // The star may begin a code for three seconds.
    scene.wait(seconds(4)).presses("shop", "**1").wait(seconds(1));
    let pressed = scene.log.iter().filter_map(|(_, effect)| match effect {
        Effect::Hear(_, Source::Script(script)) => Some(script.lines.to_vec()),
        _ => None,
    });
    let expected: Vec<_> = keys("5**").into_iter().map(Line::Press).collect();
    assert_eq!(pressed.flatten().collect::<Vec<_>>(), expected);
    assert_eq!(scene.hears("caller"), "shop");
    assert_eq!(scene.count(|it| *it == Effect::TapeMute { tape: 1, mute: true }), 1);
}

#[test]
fn a_disk_that_fails_ends_the_recording_and_not_the_call() {
    let mut scene = Scene::begin(&Town::new([number("shop")]));
    scene.answers("shop").wait(seconds(5)).tape(TapeEvent::Failed).wait(seconds(5));
    assert_eq!(scene.caller_was(), "told nothing");
    assert_eq!(scene.asked(|it| *it == Effect::TapeEnd { tape: 1, keep: true }), Some(seconds(5)));
    assert_eq!(scene.call.record().recordings[0].stopped_by.as_deref(), Some("disk"));
    assert_eq!(scene.facts().last().unwrap(), "recording.stopped");
}
