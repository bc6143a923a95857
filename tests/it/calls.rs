//! Stories of one call, told in the world's words on a virtual clock: the cases of the product
//! that a call can show. Its neighbours: forks, limits, recordings, the door, and random calls.

mod asking;
mod door;
mod forks;
mod limits;
mod precedence;
mod random;
mod recordings;
mod routers;
mod scene;
mod town;
mod witness;

use crosspoint::audio::{Line, Ringback, Source};
use crosspoint::call::{Effect, Leg};
use crosspoint::model::record::Outcome;
use crosspoint::model::{EarlyMedia, Order, RingbackBy, Whisper};

use self::scene::Scene;
use self::town::{Told, Town, dial, key, millis, number, prompt, seconds};

#[test]
fn a_call_reaches_a_person() {
    let mut scene = Scene::begin(&Town::new([number("shop")]));
    assert_eq!(scene.rung(), [("shop".to_owned(), 0)]);
    scene.wait(seconds(1)).rings("shop").wait(seconds(4)).answers("shop");
    assert_eq!(scene.hears("caller"), "shop");
    assert_eq!(scene.hears("shop"), "caller");
    scene.wait(seconds(60)).hangs_up("caller");
    assert_eq!(scene.let_go("shop"), Some(("normal".to_owned(), 65_000)));
    scene.ends();
    let told = [
        "call.received",
        "route.entered",
        "leg.dialing",
        "leg.ringing",
        "leg.answered",
        "leg.accepted",
        "call.connected",
        "recording.started",
        "recording.stopped",
        "leg.ended",
        "call.ended",
    ];
    assert_eq!(scene.facts(), told);
    let record = scene.call.record();
    assert_eq!(record.ring_ms, Some(5000));
    assert_eq!(record.talk_ms, Some(60_000));
    assert_eq!(record.source, "spring mailer");
    assert_eq!(record.tags, ["paid"]);
    assert_eq!(record.legs[0].outcome, Some(Outcome::Answered));
    assert_eq!(scene.path(), ["dial shop", "caller hung up"]);
}

/// Case 1.
#[test]
fn an_extension_is_dialled_after_the_answer_while_the_caller_hears_ringing() {
    let mut scene = Scene::begin(&Town::new([number("shop").with_extension("3ww1928")]));
    scene.wait(seconds(2)).answers("shop");
    let Some((at, Effect::Hear(_, Source::Script(script)))) = scene.log.last() else {
        panic!("no script")
    };
    assert_eq!(*at, seconds(2));
    let half = Line::Wait(millis(500));
    let keys = ['3', '1', '9', '2', '8'].map(|it| Line::Press(key(it)));
    let [three, one, nine, two, eight] = keys;
    assert_eq!(*script.lines, [three, half.clone(), half, one, nine, two, eight]);
    assert_eq!(scene.asked(|it| matches!(it, Effect::Ring { .. })), Some(seconds(2)));
    assert_eq!(scene.asked(|it| matches!(it, Effect::Answer)), None);
    // 5 digits of 200 ms and 1 s between the first two.
    scene.wait(millis(1999));
    assert_eq!(scene.connected(), None);
    scene.wait(millis(1));
    assert_eq!(scene.connected().as_deref(), Some("shop"));
    assert_eq!(scene.hears("caller"), "shop");
    let page = &scene.call.record().legs[0];
    let answered = page.answered_at.unwrap().unix_micros();
    let sent = page
        .symbols
        .iter()
        .filter(|it| !it.wait)
        .map(|it| (it.position, (it.at.unix_micros() - answered) / 1000));
    assert_eq!(sent.collect::<Vec<_>>(), [(1, 0), (4, 1200), (5, 1400), (6, 1600), (7, 1800)]);
}

/// Case 2.
#[test]
fn a_dial_pause_takes_as_long_as_the_same_pause_in_the_extension() {
    let paused = |number: crosspoint::model::ReceivingNumber| {
        let mut scene = Scene::begin(&Town::new([number]));
        scene.answers("shop").wait(seconds(20));
        let sent = &scene.call.record().legs[0].symbols;
        sent.iter().filter(|it| !it.wait).map(|it| it.at).collect::<Vec<_>>()
    };
    let mut with_pause = number("shop").with_extension("12");
    with_pause.dial_pause = seconds(2);
    let with_symbols = number("shop").with_extension("wwww12");
    assert_eq!(paused(with_pause), paused(with_symbols));
}

/// Case 3.
#[test]
fn the_destinations_whisper_beats_the_settings_and_an_explicit_none_silences() {
    let town = |whisper| {
        let mut shop = number("shop");
        shop.whisper = whisper;
        Town::new([shop]).set(|it| it.whisper = Whisper::Say(prompt("for all")))
    };
    let heard = |whisper| {
        let mut scene = Scene::begin(&town(whisper));
        scene.answers("shop");
        scene.log.iter().find_map(|(_, effect)| match effect {
            Effect::Hear(_, Source::Script(script)) => Some(script.lines.to_vec()),
            _ => None,
        })
    };
    let said = |name| Some(vec![Line::Say(prompt(name).clip)]);
    assert_eq!(heard(Whisper::Say(prompt("its own"))), said("its own"));
    assert_eq!(heard(Whisper::Inherit), said("for all"));
    assert_eq!(heard(Whisper::Nothing), None);
}

/// Case 4.
#[test]
fn during_a_whisper_neither_side_hears_the_other() {
    let town = Town::new([number("shop").whispering("ads")]);
    let mut scene = Scene::begin(&town);
    scene.rings("shop").wait(seconds(3)).answers("shop").wait(millis(1999));
    assert_eq!(scene.hears("shop"), "script");
    assert_eq!(scene.count(|it| matches!(it, Effect::Hear(_, Source::Leg(_)))), 0);
    scene.wait(millis(1));
    assert_eq!((scene.hears("shop"), scene.hears("caller")), ("caller".into(), "shop".into()));
    assert!(scene.facts().contains(&"leg.whisper".to_owned()));
    assert!(scene.call.record().legs[0].whisper_at.is_some());
}

/// Case 5.
#[test]
fn a_voicemail_that_answers_first_does_not_take_the_call() {
    let town = Town::new([
        number("voicemail").accepting('1').rings_for(seconds(20)),
        number("shop").accepting('1').rings_for(seconds(50)),
        number("mobile").accepting('1').rings_for(seconds(55)),
    ]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(2)).answers("voicemail");
    // Asked three times for 10 s.
    scene.wait(millis(29_999));
    assert_eq!(scene.let_go("voicemail"), None);
    scene.wait(millis(1));
    assert_eq!(scene.let_go("voicemail"), Some(("declined".to_owned(), 32_000)));
    assert_eq!(scene.let_go("shop"), None);
    scene.wait(seconds(10)).answers("shop").wait(seconds(1)).presses("shop", "1");
    assert_eq!(scene.connected().as_deref(), Some("shop"));
    assert_eq!(scene.let_go("mobile"), Some(("completed_elsewhere".to_owned(), 43_000)));
    assert_eq!(scene.call.record().legs[0].outcome, Some(Outcome::Declined));
}

/// Case 6.
#[test]
fn of_two_that_answer_within_a_millisecond_one_is_connected() {
    let mut scene = Scene::begin(&Town::new([number("shop"), number("mobile")]));
    scene.wait(seconds(3)).answers("mobile").wait(millis(1)).answers("shop");
    assert_eq!(scene.connected().as_deref(), Some("mobile"));
    assert_eq!(scene.hears("caller"), "mobile");
    let shop = scene.leg("shop");
    let released = |it: &Effect| matches!(it, Effect::Release { leg, .. } if *leg == shop);
    assert_eq!(scene.count(released), 2, "cancelled, and hung up on when it answered late");
    scene.hangs_up("mobile").ends();
}

/// Case 7, as far as the call sees it.
#[test]
fn a_leg_that_answers_after_it_was_let_go_is_let_go_again_and_the_record_says_so() {
    let town = Town::new([number("shop")
        .rings_for(seconds(10))
        .then(dial(Order::Simultaneous, &["mobile"]))]);
    let town = Town { numbers: [town.numbers, vec![number("mobile")]].concat(), ..town };
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(10));
    assert_eq!(scene.let_go("shop"), Some(("no_answer".to_owned(), 10_000)));
    scene.answers("shop");
    assert_eq!(scene.connected(), None);
    assert_eq!(scene.hears("shop"), "silence");
    let cause = scene.call.record().legs[0].cause.clone().unwrap();
    assert_eq!(cause.reason, "answered_after_cancel");
    scene.answers("mobile").hangs_up("caller").ends();
    assert_eq!(scene.connected().as_deref(), Some("mobile"));
}

/// Case 8.
#[test]
fn a_destination_that_never_says_a_word_is_given_up_at_its_time() {
    let shop = number("shop").then(dial(Order::Simultaneous, &["mobile"]));
    let town = Town::new([shop, number("mobile")]).dialling(Order::Sequence, &["shop"]);
    let mut scene = Scene::begin(&town);
    scene.wait(millis(44_999));
    assert_eq!(scene.let_go("shop"), None);
    scene.wait(millis(1));
    assert_eq!(scene.let_go("shop"), Some(("no_answer".to_owned(), 45_000)));
    assert_eq!(scene.rung(), [("shop".to_owned(), 0), ("mobile".to_owned(), 45_000)]);
    scene.wait(seconds(45));
    assert_eq!(scene.caller_was(), "refused 480 no_answer");
    scene.ends();
}

/// Case 9.
#[test]
fn busy_from_the_only_leg_takes_the_busy_route_at_once() {
    let shop = number("shop")
        .then(dial(Order::Simultaneous, &["late"]))
        .when_busy(dial(Order::Simultaneous, &["mobile"]));
    let town = Town::new([shop, number("mobile"), number("late")]);
    let mut scene = Scene::begin(&town.dialling(Order::Simultaneous, &["shop"]));
    scene.wait(millis(300)).refuses("shop", 486);
    assert_eq!(scene.rung(), [("shop".to_owned(), 0), ("mobile".to_owned(), 300)]);
    scene.refuses("mobile", 486);
    assert_eq!(scene.caller_was(), "refused 486 busy");
    scene.ends();
}

/// Case 9.
#[test]
fn busy_from_one_of_two_leaves_the_other_ringing() {
    let mut scene = Scene::begin(&Town::new([number("shop"), number("mobile")]));
    scene.wait(seconds(1)).refuses("shop", 486).wait(seconds(30));
    assert_eq!(scene.let_go("mobile"), None);
    scene.answers("mobile");
    assert_eq!(scene.connected().as_deref(), Some("mobile"));
    assert_eq!(scene.call.record().legs[0].outcome, Some(Outcome::Busy));
}

/// Case 12.
#[test]
fn a_caller_who_hangs_up_at_any_step_ends_every_leg_at_once() {
    let town = Town::new([
        number("shop").with_extension("12ww").whispering("ads").accepting('1'),
        number("mobile"),
    ]);
    // Ringing, digits, whisper, accept.
    for time in [0, 100, 1500, 5000] {
        let mut scene = Scene::begin(&town);
        if 0 < time {
            scene.answers("shop").wait(millis(time));
        }
        scene.hangs_up("caller");
        let at = u128::from(time);
        assert_eq!(scene.let_go("shop"), Some(("abandoned".to_owned(), at)));
        assert_eq!(scene.let_go("mobile"), Some(("abandoned".to_owned(), at)));
        assert_eq!(scene.caller_was(), "told nothing");
        scene.ends();
        let record = scene.call.record();
        assert!(record.legs.iter().all(|it| it.outcome == Some(Outcome::Abandoned)));
        assert_eq!(record.cause.as_ref().unwrap().reason, "abandoned");
    }
}

/// Case 13.
#[test]
fn a_person_who_hangs_up_during_the_whisper_has_declined() {
    let shop = number("shop").whispering("ads").then(dial(Order::Simultaneous, &["mobile"]));
    let town = Town::new([shop, number("mobile")]).dialling(Order::Simultaneous, &["shop"]);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(5)).answers("shop").wait(seconds(1)).hangs_up("shop");
    assert_eq!(scene.call.record().legs[0].outcome, Some(Outcome::Declined));
    assert_eq!(scene.let_go("shop"), None, "it is gone already");
    assert_eq!(scene.rung()[1], ("mobile".to_owned(), 6000));
    assert!(scene.facts().contains(&"leg.declined".to_owned()));
}

#[test]
fn the_reject_key_declines_and_the_call_goes_on_elsewhere() {
    let town = Town::new([number("shop").accepting('1'), number("mobile")]);
    let mut scene = Scene::begin(&town);
    scene.answers("shop").wait(seconds(3)).presses("shop", "9");
    assert_eq!(scene.let_go("shop"), Some(("declined".to_owned(), 3000)));
    assert_eq!(scene.let_go("mobile"), None);
}

/// Case 15.
#[test]
fn routes_that_go_round_in_a_circle_are_cut() {
    let one = number("one").rings_for(seconds(5)).then(dial(Order::Simultaneous, &["two"]));
    let two = number("two").rings_for(seconds(5)).then(dial(Order::Simultaneous, &["one"]));
    let mut scene = Scene::begin(&Town::new([one, two]).dialling(Order::Sequence, &["one"]));
    scene.wait(seconds(300));
    assert_eq!(scene.rung().len(), 10);
    assert_eq!(scene.caller_was(), "refused 480 route_loop");
    scene.ends();
    assert_eq!(scene.call.record().cause.as_ref().unwrap().reason, "route_loop");
}

#[test]
fn the_caller_is_told_that_it_rings_when_a_destination_rings_or_after_three_seconds() {
    let ring = |it: &Effect| matches!(it, Effect::Ring { early_media: false });
    let town = Town::new([number("shop")]);
    let mut scene = Scene::begin(&town);
    scene.wait(millis(500)).rings("shop").rings("shop").wait(seconds(10));
    assert_eq!(scene.asked(ring), Some(millis(500)));
    assert_eq!(scene.count(ring), 1);
    let mut scene = Scene::begin(&town);
    scene.wait(seconds(10)).rings("shop");
    assert_eq!(scene.asked(ring), Some(seconds(3)));
    assert_eq!(scene.count(ring), 1);
}

#[test]
fn a_single_destinations_early_media_is_relayed_until_it_answers_into_its_script() {
    let mut scene = Scene::begin(&Town::new([number("shop").whispering("ads")]));
    let leg = scene.leg("shop");
    scene.tell(crosspoint::call::Event::Ringing { leg, early_media: true });
    assert_eq!(scene.hears("caller"), "shop");
    scene.answers("shop");
    assert_eq!(scene.hears("caller"), "ringing");
    scene.wait(seconds(2));
    assert_eq!(scene.hears("caller"), "shop");
}

#[test]
fn early_media_of_several_or_against_the_settings_is_not_relayed() {
    let several = Town::new([number("shop"), number("mobile")]);
    let unwanted = Town::new([number("shop")]).set(|it| it.early_media = EarlyMedia::Ringing);
    for town in [several, unwanted] {
        let mut scene = Scene::begin(&town);
        let leg = scene.leg("shop");
        scene.tell(crosspoint::call::Event::Ringing { leg, early_media: true });
        assert_eq!(scene.count(|it| matches!(it, Effect::Ring { early_media: true })), 0);
        assert_eq!(scene.count(|it| matches!(it, Effect::Ring { early_media: false })), 1);
        assert_eq!(scene.hears("caller"), "silence");
    }
}

#[test]
fn music_replaces_ringing_and_goes_on_through_a_whisper() {
    let town = Town::new([number("shop").whispering("ads")])
        .set(|it| it.ringback = RingbackBy::Music(prompt("waltz")));
    let mut scene = Scene::begin(&town);
    scene.rings("shop");
    assert_eq!(scene.hears("caller"), "music");
    assert_eq!(scene.count(|it| matches!(it, Effect::Ring { early_media: true })), 1);
    scene.answers("shop").wait(seconds(1));
    assert_eq!(scene.hears("caller"), "music");
}

#[test]
fn a_caller_who_was_greeted_hears_the_configured_ringing_tone() {
    let town = Town::new([number("shop")]).set(|it| {
        it.greeting = Some(prompt("hello"));
        it.ringback = RingbackBy::Tone(Ringback::Uk);
    });
    let mut scene = Scene::begin(&town);
    assert_eq!(scene.rung(), [], "nobody is dialled before the greeting is over");
    assert_eq!(scene.hears("caller"), "script");
    scene.wait(seconds(2));
    assert_eq!(scene.rung(), [("shop".to_owned(), 2000)]);
    let hears_uk = Effect::Hear(Leg::CALLER, Source::Ringback(Ringback::Uk));
    assert_eq!(scene.asked(|it| *it == hears_uk), Some(seconds(2)));
    scene.wait(seconds(45));
    assert_eq!(scene.caller_was(), "released no_answer");
    scene.ends();
}
