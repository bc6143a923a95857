//! Limits, ends and what is late: durations, media loss, stops, events after the end.

use std::sync::Arc;

use crosspoint::audio::{Line, Script, Source};
use crosspoint::call::{Aim, Effect, Event, Leg, TapeEvent};
use crosspoint::model::record::{Cause, Quality};
use crosspoint::model::{
    Agent, Member, Order, Queue, Route, Schedule, SmartRouter, VoiceMenu, VoicemailBox, Who,
};

use super::scene::Scene;
use super::town::{Told, Town, dial, millis, number, prompt, seconds};

#[test]
fn a_call_is_hung_up_at_its_longest_duration_counted_from_connection() {
    let town = Town::new([number("shop")]).set(|it| it.max_duration = seconds(60));
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(30)).answers("shop").wait(millis(59_999));
    assert_eq!(scene.let_go("shop"), None);
    scene.wait(millis(1));
    assert_eq!(scene.let_go("shop"), Some(("max_duration".to_owned(), 90_000)));
    assert_eq!(scene.caller_was(), "released max_duration");
    scene.ends();
    assert_eq!(scene.call.record().talk_ms, Some(60_000));
}

/// A schedule without any hours.
pub fn never() -> Arc<Schedule> {
    let zone = "Europe/Berlin".parse().unwrap();
    let (days, closures) = (Vec::new(), Vec::new());
    Arc::new(Schedule { id: "never".into(), zone, week: Default::default(), days, closures })
}

#[test]
fn a_call_beeps_to_both_ten_seconds_before_its_limit_and_goes_on_talking() {
    for reason in ["after_hours_limit", "max_duration"] {
        let mut shop = number("shop");
        if reason == "after_hours_limit" {
            shop.tagging_schedule = Some(never());
            shop.after_hours_limit = Some(seconds(30));
        }
        let longest = if reason == "max_duration" { 30 } else { 3600 };
        let town = Town::new([shop]).set(|it| it.max_duration = seconds(longest));
        let mut scene = Scene::begin(&town);
        scene.wait(seconds(4)).answers("shop").wait(millis(19_999));
        assert_eq!(scene.hears("shop"), "caller");
        scene.wait(millis(1));
        let beep = Source::Script(Script::new(vec![Line::Tone(1400, millis(200))]));
        for leg in [scene.leg("shop"), Leg::CALLER] {
            assert_eq!(scene.asked(|it| *it == Effect::Hear(leg, beep.clone())), Some(seconds(24)));
        }
        scene.wait(millis(200));
        assert_eq!(scene.hears("shop"), "caller");
        assert_eq!(scene.hears("caller"), "shop");
        scene.wait(seconds(10));
        assert_eq!(scene.let_go("shop"), Some((reason.to_owned(), 34_000)));
        scene.ends();
    }
}

#[test]
fn keys_on_their_way_to_the_caller_are_not_cut_short_by_the_beep_nor_is_the_beep_by_them_at_the_other_end()
 {
    let town = Town::new([number("shop").with_codes()]).set(|it| it.max_duration = seconds(30));
    let mut scene = Scene::begin(&town);
    scene.answers("shop").wait(millis(19_900)).presses("shop", "55");
    scene.wait(millis(100));
    let beep = Source::Script(Script::new(vec![Line::Tone(1400, millis(200))]));
    assert_eq!(scene.count(|it| *it == Effect::Hear(Leg::CALLER, beep.clone())), 0);
    scene.wait(millis(500));
    assert_eq!((scene.hears("shop"), scene.hears("caller")), ("caller".into(), "shop".into()));
    let mut scene = Scene::begin(&town);
    scene.answers("shop").wait(millis(20_100)).presses("shop", "5").wait(millis(150));
    assert_eq!(scene.hears("shop"), "caller");
    assert_eq!(scene.hears("caller"), "script");
    scene.wait(seconds(1));
    assert_eq!(scene.hears("caller"), "shop");
}

#[test]
fn a_beep_that_media_never_ends_does_not_keep_the_voice_away() {
    let mut shop = number("shop");
    shop.tagging_schedule = Some(never());
    shop.after_hours_limit = Some(seconds(30));
    let mut scene = Scene::begin(&Town::new([shop]));
    scene.answers("shop").wait(seconds(20)).forget_scripts();
    scene.wait(seconds(1));
    assert_eq!(scene.hears("shop"), "caller");
}

#[test]
fn a_closed_destination_is_left_out_and_all_closed_take_the_first_ones_route() {
    let closed = |id: &str| {
        let mut to = number(id);
        to.schedule = Some(never());
        to.outside_hours = dial(Order::Simultaneous, &["night"]);
        to
    };
    let town = Town::new([closed("shop"), number("mobile")]);
    assert_eq!(Scene::begin(&town).rung(), [("mobile".to_owned(), 0)]);
    let town = Town::new([closed("shop"), closed("mobile"), number("night")])
        .dialling(Order::Simultaneous, &["shop", "mobile"]);
    let mut scene = Scene::begin(&town);
    assert_eq!(scene.rung(), [("night".to_owned(), 0)]);
    assert_eq!(
        scene.path(),
        ["dial shop, mobile", "shop is closed", "mobile is closed", "dial night"]
    );
    scene.hangs_up("caller").ends();
}

#[test]
fn a_route_that_rings_for_ten_minutes_is_cut() {
    let one = number("one").rings_for(seconds(400)).then(dial(Order::Simultaneous, &["two"]));
    let two = number("two").rings_for(seconds(400)).then(dial(Order::Simultaneous, &["one"]));
    let mut scene = Scene::begin(&Town::new([one, two]).dialling(Order::Sequence, &["one"]));
    scene.wait(millis(599_999));
    assert_eq!(scene.caller_was(), "told nothing");
    scene.wait(millis(1));
    assert_eq!(scene.caller_was(), "refused 480 route_loop");
    assert_eq!(scene.let_go("two"), Some(("route_loop".to_owned(), 600_000)));
    scene.ends();
}

#[test]
fn a_destination_may_ring_for_ten_minutes_exactly() {
    let mut scene = Scene::begin(&Town::new([number("one").rings_for(seconds(600))]));
    scene.wait(seconds(600));
    assert_eq!(scene.let_go("one"), Some(("no_answer".to_owned(), 600_000)));
    assert_eq!(scene.caller_was(), "refused 480 no_answer");
    scene.ends();
}

#[test]
fn a_call_without_media_is_hung_up() {
    for silent in ["caller", "shop"] {
        let mut scene = Scene::begin(&Town::new([number("shop")]));
        let leg = scene.leg(silent);
        scene.tell(Event::MediaLost { leg: Leg::CALLER });
        assert_eq!(scene.caller_was(), "told nothing", "nobody talks yet");
        scene.answers("shop").wait(seconds(9)).tell(Event::MediaLost { leg });
        assert_eq!(scene.let_go("shop"), Some(("media_timeout".to_owned(), 9000)));
        assert_eq!(scene.caller_was(), "released media_timeout");
        scene.ends();
    }
}

#[test]
fn a_stop_ends_the_call_in_every_phase() {
    let cause = Cause { reason: "shutdown".to_owned(), local: true, ..Cause::default() };
    let stop = Event::Stop { cause };
    let greeted = Town::new([number("shop")]).set(|it| it.greeting = Some(prompt("hello")));
    let mut scene = Scene::begin(&greeted);
    scene.tell(stop.clone());
    assert_eq!(scene.caller_was(), "released shutdown");
    scene.ends();
    let plain = Town::new([number("shop")]);
    let mut scene = Scene::begin(&plain);
    scene.tell(stop.clone());
    assert_eq!(scene.let_go("shop"), Some(("shutdown".to_owned(), 0)));
    assert_eq!(scene.caller_was(), "refused 480 shutdown");
    scene.ends();
    let mut scene = Scene::begin(&plain);
    scene.answers("shop").tell(stop);
    assert_eq!(scene.caller_was(), "released shutdown");
    scene.ends();
}

#[test]
fn the_record_waits_half_a_second_for_the_last_reports_and_no_longer() {
    let mut scene = Scene::begin(&Town::new([number("shop")]));
    scene.answers("shop").wait(seconds(5)).hangs_up("shop").wait(millis(499));
    assert!(!scene.call.is_over());
    scene.wait(millis(1));
    assert!(scene.call.is_over());
    let recording = &scene.call.record().recordings[0];
    assert_eq!(recording.length_ms, 5000, "by our own clock, as the disk said nothing");
}

#[test]
fn the_record_takes_in_quality_and_length_told_after_the_end() {
    let mut scene = Scene::begin(&Town::new([number("shop")]));
    let shop = scene.leg("shop");
    scene.answers("shop").wait(seconds(5)).hangs_up("caller");
    let told = |packets| Box::new(Quality { packets_received: packets, ..Quality::default() });
    scene.tell(Event::Quality { leg: Leg::CALLER, quality: told(251) });
    scene.tape(TapeEvent::Gap { ms: 40 }).tape(TapeEvent::Closed { ms: 4980 });
    assert!(!scene.call.is_over());
    scene.tell(Event::Quality { leg: shop, quality: told(250) });
    assert!(scene.call.is_over(), "nothing more to wait for");
    let record = scene.call.record();
    assert_eq!(record.caller_quality.as_ref().unwrap().packets_received, 251);
    assert_eq!(record.legs[0].quality.as_ref().unwrap().packets_received, 250);
    let recording = &record.recordings[0];
    assert_eq!((recording.length_ms, recording.lost_ms), (4980, 40));
}

#[test]
fn what_comes_after_the_end_is_ignored() {
    let mut scene = Scene::begin(&Town::new([number("shop").whispering("ads")]));
    let leg = scene.leg("shop");
    scene.refuses("shop", 486);
    assert!(scene.call.is_over());
    let (record, said) = (scene.call.record().clone(), scene.log.len());
    let cause = Cause::default();
    for event in [
        Event::Answered { leg },
        Event::ScriptDone { leg },
        Event::HungUp { leg: Leg::CALLER, cause: cause.clone() },
        Event::Stop { cause },
        Event::Tape { tape: 1, told: TapeEvent::Failed },
        Event::Time,
    ] {
        scene.tell(event);
    }
    assert_eq!(scene.log.len(), said);
    assert_eq!(*scene.call.record(), record);
}

#[test]
fn a_script_that_ends_after_its_leg_hung_up_wins_nothing() {
    let mut scene = Scene::begin(&Town::new([number("shop").whispering("ads"), number("mobile")]));
    let leg = scene.leg("shop");
    scene.answers("shop").hangs_up("shop").tell(Event::ScriptDone { leg });
    assert_eq!(scene.connected(), None);
    scene.answers("mobile").hangs_up("caller").ends();
}

#[test]
fn a_call_has_a_limited_number_of_legs() {
    let many: Vec<_> = (0..150).map(|it| number(&format!("n{it:03}"))).collect();
    let mut scene = Scene::begin(&Town::new(many));
    assert_eq!(scene.rung().len(), 100);
    scene.answers("n042");
    assert_eq!(scene.connected().as_deref(), Some("n042"));
    scene.hangs_up("caller").ends();
}

#[test]
fn a_phone_that_asks_for_transfers_without_end_does_not_fill_the_record() {
    let mut shop = number("shop");
    shop.may_transfer = Some(true);
    let mut scene = Scene::begin(&Town::new([shop]));
    let leg = scene.leg("shop");
    scene.answers("shop");
    for _ in 0..3000 {
        scene.tell(Event::Transfer { leg, to: Box::new(Aim::Nobody) });
    }
    assert_eq!(scene.path().len(), 1000);
    scene.hangs_up("caller").ends();
}

#[test]
fn only_ringing_counts_as_ringing() {
    let shop = || number("shop").rings_for(seconds(5));
    let to_box = Route::Voicemail("box".into());
    // Five seconds of ringing, then a message.
    let town = Town::new([shop().then(to_box)])
        .with(|it| it.voicemail_boxes = vec![VoicemailBox::new("box")]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(6)).speaks(seconds(10)).hangs_up("caller").ends();
    assert_eq!(scene.call.record().ring_ms, Some(5000));
    // Ringing, half a minute in a menu, ringing again and a whisper, then a talk.
    let keys = [(super::town::keys("1"), dial(Order::Sequence, &["desk"]))].into_iter().collect();
    let menu = VoiceMenu { keys, repeats: 9, ..VoiceMenu::new("main", prompt("press")) };
    let town =
        Town::new([shop().then(Route::VoiceMenu("main".into())), number("desk").whispering("ads")])
            .dialling(Order::Sequence, &["shop"])
            .with(|it| it.voice_menus = vec![menu]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(35)).presses("caller", "1").wait(seconds(3)).answers("desk");
    scene.wait(seconds(60)).hangs_up("caller").ends();
    assert_eq!(scene.call.record().ring_ms, Some(5000 + 3000 + 2000));
    // In a queue, only while somebody rings.
    let queue = Queue {
        members: vec![Member { who: Who::Number("shop".into()), weight: 1 }],
        max_wait: seconds(8),
        ..Queue::new("sales")
    };
    let town = Town::new([shop()])
        .routed(Some(Route::Queue("sales".into())))
        .with(|it| it.queues = vec![queue]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(60)).ends();
    assert_eq!(scene.call.record().wait_ms, Some(8000));
    assert_eq!(scene.call.record().ring_ms, Some(5000));
}

#[test]
fn how_somebody_did_not_take_the_call_is_forgotten_once_somebody_else_did() {
    let mut desk = number("desk");
    desk.may_transfer = Some(true);
    let shop = number("shop").when_busy(dial(Order::Simultaneous, &["desk"]));
    let nowhere = SmartRouter { id: "nowhere".into(), rules: Vec::new(), otherwise: Route::Hangup };
    let town = Town::new([shop, desk]).dialling(Order::Simultaneous, &["shop"]);
    let settings = Arc::new(town.settings.clone());
    let other = Route::SmartRouter("nowhere".into());
    let other = crosspoint::model::TrackingNumber::new("+15550100009", other, settings);
    let town = town.with(|it| it.smart_routers = vec![nowhere]).beside_number(other);
    let mut scene = Scene::begin(&town);
    scene.refuses("shop", 486).answers("desk").wait(seconds(5));
    let (dialled, spent) = ("+15550100009".into(), Default::default());
    let leg = scene.leg("desk");
    scene.tell(Event::Transfer {
        leg,
        to: Box::new(Aim::Dialled { dialled, spent, instead: None }),
    });
    assert_eq!(scene.caller_was(), "released route_hangup");
    scene.ends();
}

#[test]
fn a_caller_whom_nobody_was_free_for_is_a_lead_like_any_other() {
    let mut shop = number("shop");
    shop.lead_owner = Some("cyd".into());
    shop.source_tag = "crm-7".to_owned();
    let ann = Agent { numbers: vec!["shop".into()], ..Agent::new("ann") };
    for who in [Who::Number("shop".into()), Who::Agent("ann".into())] {
        for closed in [false, true] {
            let queue = Queue {
                members: vec![Member { who: who.clone(), weight: 1 }],
                max_wait: seconds(8),
                schedule: closed.then(never),
                ..Queue::new("sales")
            };
            let town =
                Town::new([shop.clone()]).routed(Some(Route::Queue("sales".into()))).with(|it| {
                    it.queues = vec![queue];
                    it.agents = vec![ann.clone()];
                });
            let facts = crosspoint::call::Facts {
                call: "c1".into(),
                dialled: super::town::TRACKING.into(),
                ..Default::default()
            };
            let mut scene = Scene::beside(&town, facts, &[("shop", 1)]);
            scene.wait(seconds(20)).ends();
            assert_eq!(scene.rung(), []);
            let record = scene.call.record();
            assert_eq!(record.lead_owner.as_deref(), Some("cyd"), "{who:?} {closed}");
            assert_eq!(record.source_tag, "crm-7", "{who:?} {closed}");
        }
    }
}

#[test]
fn nobody_answers_and_the_record_says_whose_lead_it_was() {
    let mut shop = number("shop");
    shop.lead_owner = Some("ann".into());
    shop.agent = Some("bob".into());
    shop.source_tag = "crm-7".to_owned();
    let town = Town::new([shop]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(45)).ends();
    let record = scene.call.record();
    assert_eq!((record.lead_owner.as_deref(), record.agent.as_deref()), (Some("ann"), None));
    assert_eq!(record.source_tag, "crm-7");
    let mut scene = Scene::begin(&town);
    scene.answers("shop").hangs_up("shop").ends();
    let record = scene.call.record();
    assert_eq!((record.lead_owner.as_deref(), record.agent.as_deref()), (None, Some("bob")));
}
