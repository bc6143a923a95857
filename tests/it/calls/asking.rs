//! Voice menus, voicemail and scores, on every way that leads to them.

use crosspoint::audio::{Line, Source};
use crosspoint::call::{Effect, Event, Leg, TapeEvent};
use crosspoint::model::{
    Agent, GeoRouter, Member, Order, Queue, Route, SmartRouter, VoiceMenu, VoicemailBox, Who,
};

use super::limits::never;
use super::scene::Scene;
use super::town::{Told, Town, dial, keys, millis, number, prompt, seconds};

/// 1 shop, 12 mobile, 9 the box, * the menu again.
fn menu() -> VoiceMenu {
    let to = |it: &str| dial(Order::Simultaneous, &[it]);
    let answers = [
        ("1", to("shop")),
        ("12", to("mobile")),
        ("9", Route::Voicemail("box".into())),
        ("*", Route::VoiceMenu("main".into())),
    ];
    VoiceMenu {
        keys: answers.into_iter().map(|(it, route)| (keys(it), route)).collect(),
        invalid: Some(prompt("no such thing")),
        silent: Some(prompt("hello?")),
        otherwise: to("desk"),
        ..VoiceMenu::new("main", prompt("one for the shop"))
    }
}

fn voicemail() -> VoicemailBox {
    VoicemailBox {
        greeting: Some(prompt("speak after the tone")),
        max_length: seconds(60),
        agent: Some("ann".into()),
        ..VoicemailBox::new("box")
    }
}

/// 10003 shop, Texas mobile, desk otherwise.
fn stores() -> GeoRouter {
    let to = |it: &str| dial(Order::Simultaneous, &[it]);
    GeoRouter {
        prompt: Some(prompt("your zip")),
        invalid: Some(prompt("no zip")),
        zips: vec![("10003".into(), to("shop")), ("78".into(), to("mobile"))],
        otherwise: to("desk"),
        ..GeoRouter::new("stores")
    }
}

/// A way to a place: its name, the town, and what happens until the caller is there.
type Way = (&'static str, Town, fn(&mut Scene));

fn ways(to: &Route) -> Vec<Way> {
    let others = || ["shop", "mobile", "desk"].map(number);
    let town = |first: crosspoint::model::ReceivingNumber| {
        Town::new([first].into_iter().chain(others()))
            .dialling(Order::Simultaneous, &["first"])
            .with(|it| {
                it.voice_menus = vec![menu(), outer(to)];
                it.voicemail_boxes = vec![voicemail()];
                it.geo_routers = vec![stores()];
            })
    };
    let first = || number("first");
    let mut closed = first();
    closed.schedule = Some(never());
    closed.outside_hours = to.clone();
    let sequence = [first().then(to.clone()), number("second").then(to.clone())];
    let refused = |scene: &mut Scene| {
        scene.wait(seconds(2)).refuses("first", 480);
    };
    let ways: Vec<Way> = vec![
        ("direct", town(first()).routed(Some(to.clone())), |_| ()),
        ("no answer", town(first().rings_for(seconds(10)).then(to.clone())), |scene| {
            scene.wait(seconds(10));
        }),
        ("refused", town(first().then(to.clone())), refused),
        ("busy", town(first().when_busy(to.clone())), |scene| {
            scene.refuses("first", 486);
        }),
        ("closed", town(closed), |_| ()),
        (
            "fork",
            Town { numbers: [town(first()).numbers, sequence.to_vec()].concat(), ..town(first()) }
                .dialling(Order::Simultaneous, &["first", "second"]),
            |scene| {
                scene.refuses("first", 480).refuses("second", 480);
            },
        ),
        ("menu", town(first()).routed(Some(Route::VoiceMenu("outer".into()))), |scene| {
            scene.wait(seconds(1)).presses("caller", "5");
        }),
        (
            "menu left unanswered",
            town(first()).routed(Some(Route::VoiceMenu("silent".into()))),
            |scene| {
                scene.wait(seconds(7));
            },
        ),
    ];
    let silent = VoiceMenu {
        otherwise: to.clone(),
        repeats: 0,
        ..VoiceMenu::new("silent", prompt("say nothing"))
    };
    let queue = Queue {
        members: vec![Member { who: Who::Number("first".into()), weight: 1 }],
        max_wait: seconds(6),
        no_answer: to.clone(),
        ..Queue::new("sales")
    };
    let router = SmartRouter { id: "smart".into(), rules: Vec::new(), otherwise: to.clone() };
    let mut agent = Agent::new("bob");
    agent.numbers = vec!["first".into()];
    let has = |town: Town| {
        town.with(|it| {
            it.voice_menus.push(silent.clone());
            it.queues = vec![queue.clone()];
            it.smart_routers = vec![router.clone()];
            it.agents = vec![agent.clone()];
        })
    };
    let more: [Way; 3] = [
        ("queue", town(first()).routed(Some(Route::Queue("sales".into()))), |scene| {
            scene.wait(seconds(6));
        }),
        ("router", town(first()).routed(Some(Route::SmartRouter("smart".into()))), |_| ()),
        ("agent", town(first().then(to.clone())).routed(Some(Route::Agent("bob".into()))), refused),
    ];
    ways.into_iter().chain(more).map(|(name, town, go)| (name, has(town), go)).collect()
}

/// 5 leads there.
fn outer(to: &Route) -> VoiceMenu {
    let keys = [(keys("5"), to.clone())].into_iter().collect();
    VoiceMenu { keys, ..VoiceMenu::new("outer", prompt("five")) }
}

fn scripts(scene: &Scene, of: Leg) -> Vec<Vec<Line>> {
    let scripts = scene.log.iter().filter_map(|(_, effect)| match effect {
        Effect::Hear(leg, Source::Script(script)) if *leg == of => Some(script.lines.to_vec()),
        _ => None,
    });
    scripts.collect()
}

fn says(names: &[&str]) -> Vec<Line> {
    names.iter().map(|it| Line::Say(prompt(it).clip)).collect()
}

fn recorded(scene: &Scene) -> Vec<&crosspoint::model::record::Recording> {
    let all = scene.call.record().recordings.iter();
    all.filter(|it| it.voicemail.is_some()).collect()
}

#[test]
fn on_every_way_to_a_menu_a_key_leads_to_its_destination_with_all_that_is_its() {
    let menu = Route::VoiceMenu("main".into());
    for (way, mut town, go) in ways(&menu) {
        let shop = town.numbers.iter_mut().find(|it| &*it.id == "shop").unwrap();
        *shop = number("shop").whispering("ads").with_extension("12").unrecorded();
        let mut scene = Scene::begin(&town);
        go(&mut scene);
        assert_eq!(scene.hears("caller"), "script", "{way}");
        assert_eq!(
            scripts(&scene, Leg::CALLER).last(),
            Some(&says(&["one for the shop"])),
            "{way}"
        );
        assert_eq!(scene.count(|it| *it == Effect::Answer), 1, "{way}");
        scene.wait(seconds(3)).presses("caller", "1#");
        assert_eq!(scene.rung().last().unwrap().0, "shop", "{way}");
        assert_eq!(scene.hears("caller"), "ringing", "{way}");
        scene.answers("shop").wait(seconds(3));
        assert_eq!(scene.connected().as_deref(), Some("shop"), "{way}");
        let leg = scene.leg("shop");
        assert_eq!(scripts(&scene, leg)[0].len(), 3, "{way}: extension and whisper");
        scene.hangs_up("shop").ends();
        assert_eq!(scene.count(|it| matches!(it, Effect::Tape { .. })), 0, "{way}");
        let path = scene.path();
        let at = path.iter().position(|it| *it == "voice_menu main").unwrap();
        assert_eq!(path[at + 1..at + 3], ["voice_menu main: answered", "dial shop"], "{way}");
    }
}

#[test]
fn on_every_way_to_a_menu_the_caller_who_hangs_up_ends_everything_at_once() {
    let menu = Route::VoiceMenu("main".into());
    for (way, town, go) in ways(&menu) {
        // While it is asked, between two keys, and when what it chose rings.
        for (typed, rings) in [("", 0), ("1", 0), ("12", 1)] {
            let mut scene = Scene::begin(&town);
            go(&mut scene);
            let before = scene.rung().len();
            scene.wait(seconds(1)).presses("caller", typed);
            scene.hangs_up("caller").ends();
            assert_eq!(scene.rung().len() - before, rings, "{way} {typed:?}");
            assert_eq!(scene.caller_was(), "told nothing", "{way} {typed:?}");
            let record = scene.call.record();
            assert_eq!(record.cause.as_ref().unwrap().reason, "abandoned", "{way} {typed:?}");
        }
    }
}

#[test]
fn on_every_way_to_a_box_the_caller_is_recorded_alone_from_the_tone_to_the_silence() {
    let to = Route::Voicemail("box".into());
    for (way, town, go) in ways(&to) {
        let mut scene = Scene::begin(&town);
        go(&mut scene);
        let said = scripts(&scene, Leg::CALLER);
        assert_eq!(said.last(), Some(&says(&["speak after the tone"])), "{way}");
        let arrived = scene.now.at;
        // The greeting, the tone, 9 s of talk, 5 s of silence.
        scene.wait(millis(2500));
        let begun = scene.asked(|it| matches!(it, Effect::Tape { right: None, .. })).unwrap();
        assert_eq!(begun, arrived.since(crosspoint::clock::Instant::START) + millis(2500), "{way}");
        scene.wait(millis(500)).speaks(seconds(9)).wait(seconds(5));
        assert_eq!(scene.caller_was(), "released voicemail", "{way}");
        scene.tape(TapeEvent::Closed { ms: 14_480 });
        let [message] = recorded(&scene)[..] else { panic!("{way}") };
        assert_eq!(message.voicemail.as_deref(), Some("box"), "{way}");
        assert_eq!(message.file.as_deref(), Some("c1.wav"), "{way}");
        assert_eq!((message.length_ms, message.stopped_by.as_deref()), (14_480, Some("silence")));
        scene.ends();
        let record = scene.call.record();
        assert_eq!(record.lead_owner.as_deref(), Some("ann"), "{way}");
        assert_eq!(record.talk_ms, None, "{way}");
        let left = scene.facts().iter().filter(|it| *it == "voicemail.left").count();
        assert_eq!(left, 1, "{way}");
        assert_eq!(scene.path().last(), Some(&"voicemail box: a message of 14 s"), "{way}");
    }
}

#[test]
fn a_message_ends_by_each_of_its_ends_and_is_kept_if_it_is_long_enough() {
    let town = Town::new([number("shop")])
        .routed(Some(Route::Voicemail("box".into())))
        .with(|it| it.voicemail_boxes = vec![voicemail()]);
    type End = fn(&mut Scene);
    // What happens once the tone is over; whether a file is kept; what the caller is told.
    let ends: [(&str, End, bool, &str, Option<&str>); 9] = [
        (
            "silence",
            |it| {
                it.speaks(seconds(2)).wait(seconds(5));
            },
            true,
            "voicemail",
            Some("silence"),
        ),
        (
            "nothing said",
            |it| {
                it.wait(seconds(5));
            },
            false,
            "voicemail",
            None,
        ),
        (
            "one word",
            |it| {
                it.speaks(millis(900)).wait(seconds(5));
            },
            false,
            "voicemail",
            None,
        ),
        (
            "hash",
            |it| {
                it.speaks(seconds(2)).presses("caller", "#");
            },
            true,
            "voicemail",
            Some("key"),
        ),
        (
            "another key",
            |it| {
                it.speaks(seconds(2)).presses("caller", "1").wait(seconds(5));
            },
            true,
            "voicemail",
            Some("silence"),
        ),
        (
            "limit",
            |it| {
                it.speaks(seconds(80));
            },
            true,
            "voicemail",
            Some("limit"),
        ),
        (
            "hang-up",
            |it| {
                it.speaks(seconds(2)).hangs_up("caller");
            },
            true,
            "normal",
            None,
        ),
        (
            "hang-up at once",
            |it| {
                it.speaks(millis(300)).hangs_up("caller");
            },
            false,
            "abandoned",
            None,
        ),
        (
            "disk",
            |it| {
                it.speaks(seconds(2)).tape(TapeEvent::Failed);
            },
            true,
            "voicemail",
            Some("disk"),
        ),
    ];
    for (name, end, kept, reason, by) in ends {
        let mut scene = Scene::begin(&town);
        scene.wait(millis(2500));
        end(&mut scene);
        scene.ends();
        let record = scene.call.record();
        assert_eq!(record.cause.as_ref().unwrap().reason, reason, "{name}");
        let [message] = recorded(&scene)[..] else { panic!("{name}") };
        assert_eq!(message.file.is_some(), kept, "{name}: {message:?}");
        assert_eq!(scene.facts().contains(&"voicemail.left".to_owned()), kept, "{name}");
        if kept {
            assert_eq!(message.stopped_by.as_deref(), by, "{name}");
        } else {
            assert_eq!(message.prevented.as_deref(), Some("no_message"), "{name}");
            assert_eq!(scene.asked(|it| matches!(it, Effect::TapeEnd { keep: true, .. })), None);
        }
    }
}

#[test]
fn a_message_that_cannot_be_recorded_at_all_is_a_failure_inside_us() {
    let town = Town::new([number("desk")])
        .routed(Some(Route::Voicemail("box".into())))
        .with(|it| it.voicemail_boxes = vec![voicemail()]);
    let mut scene = Scene::begin(&town);
    scene.wait(millis(2500)).tape(TapeEvent::Failed).ends();
    assert_eq!(scene.caller_was(), "released no_route");
    assert_eq!(recorded(&scene)[0].prevented.as_deref(), Some("disk"));
    let mut scene = Scene::begin(&town.safe_at("desk"));
    scene.wait(millis(2500)).tape(TapeEvent::Failed);
    assert_eq!(scene.rung().last().unwrap().0, "desk");
    scene.answers("desk").wait(seconds(5)).hangs_up("desk");
    scene.tell(Event::Tape { tape: 2, told: TapeEvent::Closed { ms: 5000 } }).ends();
    assert_eq!(scene.call.record().recordings[1].file.as_deref(), Some("c1-2.wav"));
}

#[test]
fn the_hash_skips_the_greeting_of_a_box_and_a_hang_up_before_the_tone_leaves_nothing() {
    let town = Town::new([number("shop")])
        .routed(Some(Route::Voicemail("box".into())))
        .with(|it| it.voicemail_boxes = vec![voicemail()]);
    let mut scene = Scene::begin(&town);
    scene.wait(millis(200)).presses("caller", "#").wait(millis(500));
    assert_eq!(scene.asked(|it| matches!(it, Effect::Tape { .. })), Some(millis(700)));
    scene.hangs_up("caller").ends();
    let mut scene = Scene::begin(&town);
    scene.wait(millis(2400)).hangs_up("caller").ends();
    assert_eq!(scene.count(|it| matches!(it, Effect::Tape { .. })), 0);
    assert!(recorded(&scene).is_empty());
}

#[test]
fn a_box_works_though_media_never_says_that_its_messages_are_over() {
    let town = Town::new([number("shop")])
        .routed(Some(Route::Voicemail("box".into())))
        .with(|it| it.voicemail_boxes = vec![voicemail()]);
    let mut scene = Scene::begin(&town);
    scene.forget_scripts();
    scene.wait(seconds(120)).forget_scripts();
    scene.wait(seconds(2));
    assert_eq!(scene.count(|it| matches!(it, Effect::Tape { .. })), 1);
    scene.wait(seconds(60)).ends();
    assert_eq!(scene.caller_was(), "released voicemail");
}

#[test]
fn a_menu_that_is_not_understood_takes_its_other_way_after_the_last_time() {
    let town = Town::new(["shop", "mobile", "desk"].map(number))
        .routed(Some(Route::VoiceMenu("main".into())))
        .with(|it| it.voice_menus = vec![menu()]);
    let mut scene = Scene::begin(&town);
    // Nothing, then something wrong, then nothing again: asked three times.
    scene.wait(seconds(7)).wait(seconds(4)).presses("caller", "7").wait(seconds(9));
    assert_eq!(scene.rung().last().unwrap().0, "desk");
    let said = [
        says(&["one for the shop"]),
        says(&["hello?", "one for the shop"]),
        says(&["no such thing", "one for the shop"]),
    ];
    assert_eq!(scripts(&scene, Leg::CALLER), said);
    let wanted = [
        "voice_menu main",
        "voice_menu main: no answer",
        "voice_menu main: no such answer",
        "voice_menu main: no answer",
        "dial desk",
    ];
    assert_eq!(scene.path(), wanted);
    let entered = scene.facts().iter().filter(|it| *it == "keys.entered").count();
    assert_eq!(entered, 1);
}

#[test]
fn no_digit_that_was_pressed_is_in_the_record_or_the_events() {
    let answers = [(keys("8675309"), dial(Order::Simultaneous, &["shop"]))];
    let menu = VoiceMenu {
        keys: answers.into_iter().collect(),
        ..VoiceMenu::new("main", prompt("your number"))
    };
    let town = Town::new([number("shop")])
        .routed(Some(Route::VoiceMenu("main".into())))
        .with(|it| it.voice_menus = vec![menu]);
    let mut scene = Scene::begin(&town);
    scene.presses("caller", "8675308").presses("caller", "8675309");
    scene.answers("shop").hangs_up("caller").ends();
    let seen = scene.log.iter().filter_map(|(_, it)| match it {
        Effect::Note(_) | Effect::Journal(_) => Some(serde_json::to_string(it).unwrap()),
        _ => None,
    });
    for text in seen {
        assert!(!text.contains("86753"), "{text}");
    }
}

#[test]
fn menus_that_lead_round_in_a_circle_are_cut() {
    let town = Town::new([number("shop")])
        .routed(Some(Route::VoiceMenu("main".into())))
        .with(|it| it.voice_menus = vec![menu()]);
    let mut scene = Scene::begin(&town);
    scene.presses("caller", "**********").ends();
    assert_eq!(scene.caller_was(), "released route_loop");
    assert_eq!(scene.path().iter().filter(|it| **it == "voice_menu main").count(), 10);
}

#[test]
fn keys_typed_ahead_reach_the_menu_behind_the_menu() {
    let inner = VoiceMenu {
        keys: [(keys("2"), dial(Order::Simultaneous, &["shop"]))].into_iter().collect(),
        ..VoiceMenu::new("inner", prompt("two"))
    };
    let town = Town::new([number("shop")]).routed(Some(Route::VoiceMenu("outer".into())));
    let town = town.with(|it| {
        it.voice_menus = vec![outer(&Route::VoiceMenu("inner".into())), inner];
    });
    let mut scene = Scene::begin(&town);
    scene.presses("caller", "52");
    assert_eq!(scene.rung().last().unwrap().0, "shop");
}

#[test]
fn a_menu_whose_prompt_is_missing_takes_keys_all_the_same() {
    let town = Town::new([number("shop")])
        .routed(Some(Route::VoiceMenu("main".into())))
        .with(|it| it.voice_menus = vec![menu()]);
    let mut scene = Scene::begin(&town);
    let leg = Leg::CALLER;
    scene.tell(Event::ClipMissing { leg }).tell(Event::ScriptDone { leg });
    scene.wait(seconds(1)).presses("caller", "1").wait(seconds(3));
    assert_eq!(scene.rung().last().unwrap().0, "shop");
    assert!(scene.path().iter().any(|it| it.contains("could not be played")));
}

#[test]
fn the_greeting_comes_before_the_first_thing_and_the_notice_before_the_first_who_may_be_recorded() {
    let to = |it: &str| dial(Order::Simultaneous, &[it]);
    let (greeting, notice) = (says(&["hello"]), says(&["notice"]));
    let both = [greeting.clone(), notice.clone()].concat();
    let asked = says(&["one for the shop"]);
    let boxed = says(&["speak after the tone"]);
    // The route, keys pressed once it is asked, and what the caller hears, script by script.
    let cases = [
        (to("shop"), "", vec![both]),
        (to("quiet"), "", vec![greeting.clone()]),
        (Route::VoiceMenu("main".into()), "12", vec![greeting.clone(), asked.clone(), notice]),
        (Route::VoiceMenu("main".into()), "9", vec![greeting.clone(), asked, boxed.clone()]),
        (Route::Voicemail("box".into()), "", vec![greeting, boxed]),
    ];
    for (route, typed, heard) in cases {
        let town = Town::new([number("shop"), number("mobile"), number("quiet").unrecorded()])
            .routed(Some(route.clone()))
            .set(|it| {
                it.greeting = Some(prompt("hello"));
                it.recording_notice = Some(prompt("notice"));
            })
            .with(|it| {
                it.voice_menus = vec![menu()];
                it.voicemail_boxes = vec![voicemail()];
            });
        let mut scene = Scene::begin(&town);
        scene.wait(millis(2100)).presses("caller", typed);
        assert_eq!(scripts(&scene, Leg::CALLER), heard, "{route} {typed}");
    }
}

/// The caller's number is one of Austin, Texas (512).
#[test]
fn on_every_way_to_a_geo_router_the_zip_code_is_asked_for_and_leads_on() {
    type Types = fn(&mut Scene);
    let cases: [(&str, Types, &str, &str); 8] = [
        (
            "one of its own",
            |it| {
                it.presses("caller", "10003");
            },
            "shop",
            "ZIP code 10003",
        ),
        (
            "one by its first digits",
            |it| {
                it.presses("caller", "78701");
            },
            "mobile",
            "ZIP code 78",
        ),
        (
            "one that leads nowhere",
            |it| {
                it.presses("caller", "94103");
            },
            "desk",
            "fallback",
        ),
        (
            "skipped",
            |it| {
                it.presses("caller", "#");
            },
            "mobile",
            "ZIP code 78, by area code",
        ),
        (
            "nothing",
            |it| {
                it.wait(seconds(21));
            },
            "mobile",
            "ZIP code 78, by area code",
        ),
        (
            "no ZIP code, then one",
            |it| {
                it.presses("caller", "0000010003");
            },
            "shop",
            "ZIP code 10003",
        ),
        (
            "too short, then one",
            |it| {
                it.presses("caller", "100#10003");
            },
            "shop",
            "ZIP code 10003",
        ),
        (
            "never one",
            |it| {
                it.presses("caller", "***");
            },
            "mobile",
            "ZIP code 78, by area code",
        ),
    ];
    for (way, town, go) in ways(&Route::GeoRouter("stores".into())) {
        for (name, types, to, step) in cases {
            let mut scene = Scene::begin(&town);
            go(&mut scene);
            assert_eq!(scripts(&scene, Leg::CALLER).last(), Some(&says(&["your zip"])), "{way}");
            types(&mut scene);
            assert_eq!(scene.rung().last().unwrap().0, to, "{way}: {name}");
            let path = scene.path();
            let wanted = [&format!("geo_router stores: {step}"), &format!("dial {to}")];
            assert_eq!(path[path.len() - 2..], wanted, "{way}: {name}");
            scene.answers(to).wait(seconds(3)).hangs_up("caller").ends();
            assert_eq!(scene.connected().as_deref(), Some(to), "{way}: {name}");
        }
        let mut scene = Scene::begin(&town);
        go(&mut scene);
        let before = scene.rung().len();
        scene.wait(seconds(1)).presses("caller", "100").hangs_up("caller").ends();
        assert_eq!(scene.rung().len(), before, "{way}");
    }
}

/// Who ends the talk, and whether the score is asked for then.
#[test]
fn the_answering_person_is_asked_for_a_score_when_the_caller_has_gone_and_only_then() {
    type End = fn(&mut Scene);
    let stop = |it: &mut Scene| {
        it.tell(Event::Stop { cause: Default::default() });
    };
    let ends: [(&str, End, bool); 5] = [
        (
            "caller",
            |it| {
                it.hangs_up("caller");
            },
            true,
        ),
        (
            "caller's media",
            |it| {
                it.tell(Event::MediaLost { leg: Leg::CALLER });
            },
            true,
        ),
        (
            "limit",
            |it| {
                it.wait(seconds(40));
            },
            true,
        ),
        (
            "destination",
            |it| {
                it.hangs_up("shop");
            },
            false,
        ),
        ("operator", stop, false),
    ];
    for (name, end, asked) in ends {
        let town = Town::new([number("shop").scoring("12345")]);
        let mut scene = Scene::begin(&town.set(|it| it.max_duration = seconds(50)));
        scene.answers("shop").wait(seconds(10));
        end(&mut scene);
        let leg = scene.leg("shop");
        assert_eq!(scripts(&scene, leg).contains(&says(&["score"])), asked, "{name}");
        if asked {
            let parted = scene.now.at;
            assert_eq!(scene.let_go("shop"), None, "{name}");
            let kept = scene.log.iter().rev().find_map(|(at, it)| match it {
                Effect::Journal(record) => Some((*at, record.ended_at, record.talk_ms)),
                _ => None,
            });
            let talk = scene.call.record().talk_ms;
            let at = parted.since(crosspoint::clock::Instant::START);
            assert_eq!(kept, Some((at, scene.call.record().ended_at, talk)), "{name}");
            scene.wait(seconds(3)).presses("shop", "4").wait(seconds(1)).ends();
            let record = scene.call.record();
            assert_eq!((record.score, record.talk_ms), (Some('4'), talk), "{name}");
            let facts = scene.facts();
            let tail = &facts[facts.len() - 3..];
            assert_eq!(tail, ["call.ended", "call.scored", "leg.ended"], "{name}");
        } else {
            scene.ends();
            assert_eq!(scene.call.record().score, None, "{name}");
        }
    }
}

#[test]
fn a_score_menu_ends_by_a_score_its_patience_or_a_hang_up() {
    type End = fn(&mut Scene);
    let ends: [(&str, End, Option<char>); 5] = [
        (
            "score",
            |it| {
                it.presses("shop", "3");
            },
            Some('3'),
        ),
        (
            "wrong, then right",
            |it| {
                it.presses("shop", "95");
            },
            Some('5'),
        ),
        (
            "wrong twice",
            |it| {
                it.presses("shop", "99");
            },
            None,
        ),
        // The prompt of 2 s and 5 s of patience, twice.
        (
            "nothing",
            |it| {
                it.wait(millis(13_999)).wait(millis(1));
            },
            None,
        ),
        (
            "hang-up",
            |it| {
                it.wait(seconds(3)).hangs_up("shop");
            },
            None,
        ),
    ];
    for (name, end, score) in ends {
        let mut scene = Scene::begin(&Town::new([number("shop").scoring("12345")]));
        scene.answers("shop").wait(seconds(10)).hangs_up("caller");
        end(&mut scene);
        scene.ends();
        let record = scene.call.record();
        assert_eq!((record.score, record.talk_ms), (score, Some(10_000)), "{name}");
        assert_eq!(record.cause.as_ref().unwrap().reason, "normal", "{name}");
    }
}

/// Every way to a destination asks it afterwards: nobody but who took the call.
#[test]
fn whoever_took_the_call_is_asked_for_the_score_on_every_way() {
    let menu = Route::VoiceMenu("main".into());
    for (way, mut town, go) in ways(&menu) {
        let shop = town.numbers.iter_mut().find(|it| &*it.id == "shop").unwrap();
        *shop = number("shop").scoring("12");
        let mut scene = Scene::begin(&town);
        go(&mut scene);
        scene.presses("caller", "1#").answers("shop").wait(seconds(5)).hangs_up("caller");
        scene.wait(seconds(1)).presses("shop", "2").ends();
        assert_eq!(scene.call.record().score, Some('2'), "{way}");
    }
}

#[test]
fn a_destination_without_a_score_menu_is_let_go_with_the_caller() {
    let mut scene = Scene::begin(&Town::new([number("shop").with_codes()]));
    scene.answers("shop").wait(seconds(5)).hangs_up("caller");
    assert_eq!(scene.let_go("shop"), Some(("normal".to_owned(), 5000)));
    scene.ends();
}
