//! At the door: block list, unknown numbers, fail-safe, greeting and notice.

use crosspoint::audio::{Line, Source};
use crosspoint::call::{Effect, Event};
use crosspoint::model::{Caller, Order, Route};

use super::scene::Scene;
use super::town::{CALLER, TRACKING, Told, Town, dial, number, prompt, seconds};

#[test]
fn a_blocked_caller_hears_busy_and_is_kept_out_of_the_call_log() {
    let town = Town::new([number("shop")]).set(|it| {
        it.block_list.prefixes = vec!["+1512".to_owned()];
        it.block_list.anonymous = true;
    });
    let anonymous = Caller { private: true, ..Caller::new("+4930555") };
    for caller in [Caller::new(CALLER), anonymous] {
        let mut scene = Scene::called(&town, caller, TRACKING);
        assert_eq!(scene.caller_was(), "refused 486 blocked");
        assert_eq!(scene.log.len(), 2, "refused and over, nothing noted or kept");
        scene.ends();
    }
    let scene = Scene::called(&town, Caller::new("+13125550100"), TRACKING);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_number_that_nobody_set_up_is_not_found() {
    let town = Town::new([number("shop")]);
    let mut scene = Scene::called(&town, Caller::new(CALLER), "+15550109999");
    assert_eq!(scene.caller_was(), "refused 404 unknown_number");
    scene.ends();
    assert_eq!(&*scene.call.record().tracking_number, "+15550109999");
}

#[test]
fn a_number_without_a_route_asks_the_carrier_to_try_another_way() {
    let mut scene = Scene::begin(&Town::new([number("shop")]).routed(None));
    assert_eq!(scene.caller_was(), "refused 503 no_route");
    let told = |it: &Effect| matches!(it, Effect::Refuse { retry_after: Some(1..), .. });
    assert_eq!(scene.count(told), 1);
    scene.ends();
}

#[test]
fn the_fail_safe_is_dialled_when_the_route_cannot_be_followed() {
    let unusable =
        [None, Some(Route::Queue("sales".into())), Some(dial(Order::Sequence, &["nobody"]))];
    for route in unusable {
        let town = Town::new([number("shop"), number("desk")]).routed(route).safe_at("desk");
        let mut scene = Scene::begin(&town);
        assert_eq!(scene.rung(), [("desk".to_owned(), 0)]);
        scene.answers("desk").hangs_up("caller").ends();
    }
}

#[test]
fn the_fail_safe_is_dialled_once_when_every_destination_fails_inside_us() {
    let town = Town::new([number("shop"), number("mobile"), number("desk")])
        .dialling(Order::Simultaneous, &["shop", "mobile"])
        .safe_at("desk");
    let mut scene = Scene::begin(&town);
    scene.cannot_be_reached("shop").cannot_be_reached("mobile");
    assert_eq!(scene.rung().len(), 3);
    scene.cannot_be_reached("desk");
    assert_eq!(scene.rung().len(), 3);
    assert_eq!(scene.caller_was(), "refused 500 failed");
    scene.ends();
}

#[test]
fn a_destination_that_cannot_be_reached_does_not_close_the_edge_to_its_carrier() {
    let mut scene = Scene::begin(&Town::new([number("shop")]));
    scene.cannot_be_reached("shop");
    // A 503 with Retry-After would keep every other call of that carrier away.
    assert_eq!(scene.caller_was(), "refused 500 failed");
    let told = |it: &Effect| matches!(it, Effect::Refuse { retry_after: Some(_), .. });
    assert_eq!(scene.count(told), 0);
    scene.ends();
}

#[test]
fn a_destination_that_refuses_is_no_reason_for_the_fail_safe() {
    let town = Town::new([number("shop"), number("desk")])
        .dialling(Order::Simultaneous, &["shop"])
        .safe_at("desk");
    for status in [486, 480, 404, 500] {
        let mut scene = Scene::begin(&town);
        scene.refuses("shop", status);
        assert_eq!(scene.rung().len(), 1);
        scene.ends();
    }
}

#[test]
fn an_unreachable_destination_gives_way_to_its_no_answer_route_before_the_fail_safe() {
    let shop = number("shop").then(dial(Order::Simultaneous, &["mobile"]));
    let town = Town::new([shop, number("mobile"), number("desk")])
        .dialling(Order::Simultaneous, &["shop"])
        .safe_at("desk");
    let mut scene = Scene::begin(&town);
    scene.cannot_be_reached("shop");
    assert_eq!(scene.rung()[1].0, "mobile");
}

#[test]
fn a_route_to_something_that_is_not_there_falls_back_on_the_fail_safe() {
    let shop = number("shop").then(Route::Voicemail("box".into()));
    let town =
        Town::new([shop, number("desk")]).dialling(Order::Simultaneous, &["shop"]).safe_at("desk");
    let mut scene = Scene::begin(&town);
    scene.refuses("shop", 486);
    assert_eq!(scene.rung()[1].0, "desk");
    assert_eq!(scene.path(), ["dial shop", "voicemail box", "fail-safe", "dial desk"]);
}

fn said(scene: &Scene) -> Vec<Line> {
    let scripts = scene.log.iter().filter_map(|(_, effect)| match effect {
        Effect::Hear(crosspoint::call::Leg::CALLER, Source::Script(script)) => {
            Some(script.lines.to_vec())
        }
        _ => None,
    });
    scripts.flatten().collect()
}

#[test]
fn greeting_and_notice_are_heard_once_before_anybody_is_dialled() {
    let shop = number("shop").then(dial(Order::Simultaneous, &["mobile"]));
    let town =
        Town::new([shop, number("mobile")]).dialling(Order::Simultaneous, &["shop"]).set(|it| {
            it.greeting = Some(prompt("hello"));
            it.recording_notice = Some(prompt("notice"));
        });
    let mut scene = Scene::begin(&town);
    assert_eq!(scene.asked(|it| *it == Effect::Answer), Some(seconds(0)));
    scene.wait(seconds(4));
    assert_eq!(scene.rung(), [("shop".to_owned(), 4000)]);
    scene.refuses("shop", 486).answers("mobile");
    let lines = [prompt("hello"), prompt("notice")].map(|it| Line::Say(it.clip));
    assert_eq!(said(&scene), lines);
    assert_eq!(scene.count(|it| *it == Effect::Answer), 1);
    scene.hangs_up("mobile").ends();
    assert_eq!(scene.caller_was(), "released normal");
}

#[test]
fn the_notice_is_skipped_while_nobody_who_rings_may_be_recorded() {
    let shop = number("shop").unrecorded().then(dial(Order::Simultaneous, &["mobile"]));
    let town = Town::new([shop, number("mobile")])
        .dialling(Order::Simultaneous, &["shop"])
        .set(|it| it.recording_notice = Some(prompt("notice")));
    let mut scene = Scene::begin(&town);
    assert_eq!(scene.rung(), [("shop".to_owned(), 0)]);
    assert_eq!(said(&scene), []);
    // Its no-answer route leads to somebody who may be: now the caller is told.
    scene.refuses("shop", 486);
    assert_eq!(said(&scene), [Line::Say(prompt("notice").clip)]);
    scene.wait(seconds(2));
    assert_eq!(scene.rung()[1], ("mobile".to_owned(), 2000));
}

#[test]
fn a_greeting_that_cannot_be_played_is_no_reason_to_lose_the_call() {
    let town = Town::new([number("shop")]).set(|it| it.greeting = Some(prompt("hello")));
    let mut scene = Scene::begin(&town);
    let leg = crosspoint::call::Leg::CALLER;
    scene.tell(Event::ClipMissing { leg }).tell(Event::ScriptDone { leg });
    assert_eq!(scene.rung().len(), 1);
    assert!(scene.path().iter().any(|it| it.contains("could not be played")));
}

#[test]
fn a_caller_who_hangs_up_during_the_greeting_rings_nobody() {
    let town = Town::new([number("shop")]).set(|it| it.greeting = Some(prompt("hello")));
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(1)).hangs_up("caller").ends();
    assert_eq!(scene.rung(), []);
    assert_eq!(scene.caller_was(), "told nothing");
}

#[test]
fn a_media_that_never_says_the_greeting_is_over_does_not_hold_the_call() {
    let town = Town::new([number("shop")]).set(|it| it.greeting = Some(prompt("hello")));
    let mut scene = Scene::begin(&town);
    scene.forget_scripts();
    scene.wait(seconds(120));
    assert_eq!(scene.rung(), [("shop".to_owned(), 120_000)]);
}

#[test]
fn a_route_that_hangs_up_refuses_the_caller() {
    let mut scene = Scene::begin(&Town::new([number("shop")]).routed(Some(Route::Hangup)));
    assert_eq!(scene.caller_was(), "refused 480 route_hangup");
    scene.ends();
}
