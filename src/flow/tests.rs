//! The rules of PRODUCT sections 2 and 12, one sentence each.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::audio::{Digit, Line};
use crate::clock::Wall;
use crate::model::directory::{Directory, Parts};
use crate::model::record::Outcome;
use crate::model::*;

const NOON: Wall = Wall::from_unix_micros(1_767_960_000_000_000);

fn number(id: &str) -> ReceivingNumber {
    let uri = format!("sip:{id}@192.0.2.1").as_str().into();
    ReceivingNumber::new(id, Endpoint::Sip { uri })
}

fn directory(numbers: Vec<ReceivingNumber>, settings: CallSettings) -> Directory {
    let dial = Dial {
        order: Order::Simultaneous,
        numbers: numbers.iter().map(|it| it.id.clone()).collect(),
        stages: Vec::new(),
    };
    let mut tracking =
        TrackingNumber::new("+15550100001", Route::Dial(dial.into()), settings.into());
    tracking.label = "Spring".to_owned();
    tracking.source = "ads".to_owned();
    Directory::new(Parts {
        tracking_numbers: vec![tracking],
        receiving_numbers: numbers,
        ..Parts::default()
    })
}

fn planned(order: Order, numbers: Vec<ReceivingNumber>, draw: &Draw<'_>) -> Vec<(String, When)> {
    let names = numbers.iter().map(|it| it.id.clone()).collect();
    let dial = Dial { order, numbers: names, stages: Vec::new() };
    match plan(&directory(numbers, CallSettings::new("s")), &dial, NOON, draw) {
        Plan::Ring { rings, .. } => {
            rings.into_iter().map(|it| (it.to.id.to_string(), it.when)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn idle() -> Draw<'static> {
    Draw { rotation: 0, random: 0, active: &|_| 0 }
}

fn names(rings: &[(String, When)]) -> String {
    rings.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_number_is_found_however_it_is_dialled_and_an_unknown_one_is_not() {
    let directory = directory(vec![number("a")], CallSettings::new("s"));
    let caller = Caller::new("+12025550173");
    for dialled in ["15550100001", "+15550100001", "tel:+1-555-010-0001"] {
        assert!(matches!(enter(&directory, dialled, &caller), Entry::Route { .. }), "{dialled}");
    }
    for dialled in ["15550100404", "", "alice"] {
        assert_eq!(enter(&directory, dialled, &caller), Entry::Unknown, "{dialled}");
    }
}

#[test]
fn the_block_list_comes_first() {
    let mut settings = CallSettings::new("s");
    settings.block_list = BlockList {
        numbers: vec!["+12025550173".to_owned()],
        prefixes: vec!["+1900".to_owned()],
        anonymous: true,
    };
    let directory = directory(vec![number("a")], settings);
    let blocked =
        |caller: &Caller| matches!(enter(&directory, "15550100001", caller), Entry::Blocked { .. });
    assert!(blocked(&Caller::new("+12025550173")));
    assert!(blocked(&Caller::new("+19005550100")));
    assert!(blocked(&Caller::new("")));
    assert!(blocked(&Caller { private: true, ..Caller::new("+12025550100") }));
    assert!(!blocked(&Caller::new("+12025550100")));
}

#[test]
fn a_number_without_a_usable_route_takes_its_fail_safe_or_is_unavailable() {
    let settings = Arc::new(CallSettings::new("s"));
    let mut lost = TrackingNumber::new("+15550100001", Route::number("gone"), settings.clone());
    lost.route = None;
    let mut saved = TrackingNumber::new("+15550100002", Route::number("gone"), settings);
    saved.fail_safe = Some("a".into());
    let directory = Directory::new(Parts {
        tracking_numbers: vec![lost, saved],
        receiving_numbers: vec![number("a")],
        ..Parts::default()
    });
    let caller = Caller::new("+12025550173");
    let entry = enter(&directory, "15550100001", &caller);
    assert!(matches!(entry, Entry::Unavailable { .. }));
    match enter(&directory, "15550100002", &caller) {
        Entry::Route { route, fail_safe, .. } => {
            assert_eq!((route, fail_safe), (Route::number("a"), true));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_ring_at_once_each_after_its_own_delay() {
    let mut late = number("b");
    late.ring_delay = Duration::from_secs(5);
    let rings = planned(Order::Simultaneous, vec![number("a"), late], &idle());
    assert_eq!(rings[0], ("a".to_owned(), When::After(Duration::ZERO)));
    assert_eq!(rings[1], ("b".to_owned(), When::After(Duration::from_secs(5))));
}

#[test]
fn a_sequence_rings_the_next_when_the_one_before_has_ended() {
    let rings = planned(Order::Sequence, vec![number("a"), number("b")], &idle());
    assert_eq!(rings[0].1, When::After(Duration::ZERO));
    assert_eq!(rings[1].1, When::AfterPrevious(Duration::ZERO));
}

#[test]
fn round_robin_starts_one_further_with_each_call() {
    let numbers = || vec![number("a"), number("b"), number("c")];
    let order =
        |rotation| names(&planned(Order::RoundRobin, numbers(), &Draw { rotation, ..idle() }));
    assert_eq!([order(0), order(1), order(2), order(3)], ["abc", "bca", "cab", "abc"]);
    assert_eq!(order(u64::MAX), order(u64::MAX % 3));
}

#[test]
fn the_least_connected_rings_first_and_ties_keep_list_order() {
    let active = |id: &str| u32::from(id == "a");
    let draw = Draw { active: &active, ..idle() };
    let numbers = vec![number("a"), number("b"), number("c")];
    assert_eq!(names(&planned(Order::LeastConnected, numbers, &draw)), "bca");
}

#[test]
fn weights_say_how_often_a_number_rings_first() {
    let (mut heavy, mut never) = (number("a"), number("c"));
    heavy.weight = 3;
    never.weight = 0;
    let numbers = vec![heavy, number("b"), never];
    let mut first = [0; 3];
    let mut random = 7_u64;
    for _ in 0..4000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = Draw { random: random >> 16, ..idle() };
        let rings = planned(Order::Weighted, numbers.clone(), &draw);
        assert_eq!(rings.len(), 3);
        assert!(rings[2].0 == "c", "weight 0 comes last");
        first[usize::from(rings[0].0.as_bytes()[0] - b'a')] += 1;
    }
    assert!((2850..3150).contains(&first[0]), "{first:?}");
    assert_eq!(first[0] + first[1], 4000);
}

#[test]
fn stages_add_numbers_without_ringing_anyone_twice() {
    let seconds = Duration::from_secs;
    let stage = |after, numbers: &[&str]| Stage {
        after: seconds(after),
        numbers: numbers.iter().map(|it| (*it).into()).collect(),
    };
    let dial = Dial {
        order: Order::Stages,
        numbers: Vec::new(),
        stages: vec![stage(0, &["a"]), stage(15, &["a", "b", "c"])],
    };
    let numbers = vec![number("a"), number("b"), number("c")];
    let directory = directory(numbers, CallSettings::new("s"));
    let Plan::Ring { rings, .. } = plan(&directory, &dial, NOON, &idle()) else { panic!() };
    let got: Vec<_> = rings.iter().map(|it| (&*it.to.id, it.when)).collect();
    let expected = [
        ("a", When::After(seconds(0))),
        ("b", When::After(seconds(15))),
        ("c", When::After(seconds(15))),
    ];
    assert_eq!(got, expected);
}

#[test]
fn a_number_with_all_the_calls_it_may_have_is_left_out() {
    let mut one = number("a");
    one.max_calls = Some(1);
    let draw = Draw { active: &|_| 1, ..idle() };
    let rings = planned(Order::Simultaneous, vec![one.clone(), number("b")], &draw);
    assert_eq!(names(&rings), "b");
    let alone = directory(vec![one], CallSettings::new("s"));
    let Some(Route::Dial(dial)) = alone.tracking_number("+15550100001").unwrap().route.clone()
    else {
        panic!()
    };
    assert!(matches!(plan(&alone, &dial, NOON, &draw), Plan::Full { full, .. } if full.len() == 1));
}

#[test]
fn the_destinations_whisper_beats_the_settings_and_none_silences() {
    let mut settings = CallSettings::new("s");
    settings.whisper = Whisper::Say(Prompt::text("settings", "en"));
    let mut to = number("a");
    assert_eq!(whisper(&to, &settings), Some(&Prompt::text("settings", "en")));
    to.whisper = Whisper::Say(Prompt::file("/own.wav"));
    assert_eq!(whisper(&to, &settings), Some(&Prompt::file("/own.wav")));
    to.whisper = Whisper::Nothing;
    assert_eq!(whisper(&to, &settings), None);
}

#[test]
fn a_briefing_pauses_keys_whispers_and_asks_in_that_order() {
    let key = |c| Digit::from_char(c).unwrap();
    let mut to = number("a");
    to.dial_pause = Duration::from_secs(2);
    to.wait_for_voice = true;
    to.extension = Some("3w1".parse().unwrap());
    to.whisper = Whisper::Say(Prompt::text("a call", "en"));
    to.accept = Some(AcceptBy::key(key('1')));
    let briefing = briefing(&to, &CallSettings::new("s"));
    let lines = &briefing.script.lines;
    assert_eq!(lines[0], Line::AwaitVoice(VOICE_WAIT_MAX));
    assert_eq!(lines[1], Line::Wait(Duration::from_secs(2)));
    assert!(lines[2] == Line::Press(key('3')));
    assert_eq!(lines[3], Line::Wait(Duration::from_millis(500)));
    assert!(lines[4] == Line::Press(key('1')));
    assert_eq!(lines[5], Line::Say(Prompt::text("a call", "en").clip));
    assert!(matches!(&lines[6], Line::Accept(it) if it.repeats == 2));
    let steps = [
        Step::Voice,
        Step::Pause,
        Step::Digit { position: 1 },
        Step::Wait { position: 2 },
        Step::Digit { position: 3 },
        Step::Whisper,
        Step::Accept,
    ];
    assert_eq!(briefing.steps, steps);
    assert_eq!(briefing.step(7), None);
}

#[test]
fn a_dial_pause_is_as_long_as_the_same_time_in_w() {
    let silence = |it: &ReceivingNumber| -> Duration {
        let script = briefing(it, &CallSettings::new("s")).script;
        let waits = script.lines.iter().map_while(|line| match line {
            Line::Wait(time) => Some(*time),
            _ => None,
        });
        waits.sum()
    };
    let (mut paused, mut written) = (number("a"), number("b"));
    paused.dial_pause = Duration::from_secs(2);
    paused.extension = Some("12".parse().unwrap());
    written.extension = Some("wwww12".parse().unwrap());
    assert_eq!(silence(&paused), silence(&written));
    assert_eq!(silence(&paused), Duration::from_secs(2));
}

#[test]
fn nothing_to_say_is_an_empty_briefing() {
    assert!(briefing(&number("a"), &CallSettings::new("s")).is_empty());
}

#[test]
fn a_veto_beats_every_wish_to_record() {
    let (mut to, mut settings) = (number("a"), CallSettings::new("s"));
    assert_eq!(recorded(&to, &settings), Ok(()));
    to.prevent_recording = true;
    assert_eq!(recorded(&to, &settings), Err(Unrecorded::PreventRecording));
    settings.record = false;
    assert_eq!(recorded(&to, &settings), Err(Unrecorded::PreventRecording));
    to.prevent_recording = false;
    assert_eq!(recorded(&to, &settings), Err(Unrecorded::NotAsked));
}

#[test]
fn the_recording_notice_is_skipped_when_nobody_may_be_recorded() {
    let mut settings = CallSettings::new("s");
    settings.recording_notice = Some(Prompt::text("recorded", "en"));
    let (open, mut vetoed) = (number("a"), number("b"));
    vetoed.prevent_recording = true;
    assert!(recording_notice(&settings, [&open, &vetoed]).is_some());
    assert!(recording_notice(&settings, [&vetoed]).is_none());
    assert!(recording_notice(&settings, []).is_none());
}

#[test]
fn final_responses_have_the_outcomes_of_the_table() {
    let table = [
        (486, Outcome::Busy),
        (600, Outcome::Busy),
        (603, Outcome::Declined),
        (403, Outcome::Declined),
        (480, Outcome::NoAnswer),
        (408, Outcome::NoAnswer),
        (404, Outcome::InvalidNumber),
        (410, Outcome::InvalidNumber),
        (484, Outcome::InvalidNumber),
        (604, Outcome::InvalidNumber),
        (500, Outcome::Failed),
        (503, Outcome::Failed),
        (0, Outcome::Failed),
    ];
    for (status, expected) in table {
        assert_eq!(outcome(status), expected, "{status}");
    }
}

#[test]
fn a_forks_outcome_is_the_best_of_its_legs() {
    use Outcome::*;
    assert_eq!(fork_outcome([NoAnswer, Busy, Failed]), Busy);
    assert_eq!(fork_outcome([Busy, Declined]), Declined);
    assert_eq!(fork_outcome([InvalidNumber, Failed]), InvalidNumber);
    assert_eq!(fork_outcome([]), Failed);
}

#[test]
fn the_last_to_end_says_where_the_call_goes() {
    let (mut first, mut last, silent) = (number("a"), number("b"), number("c"));
    first.no_answer.route = Route::number("x");
    last.no_answer.route = Route::number("y");
    last.no_answer.busy_route = Some(Route::number("z"));
    let both = || [&first, &last].into_iter();
    assert_eq!(after_dial(both(), Outcome::NoAnswer), Route::number("y"));
    assert_eq!(after_dial(both(), Outcome::Declined), Route::number("y"));
    assert_eq!(after_dial(both(), Outcome::Busy), Route::number("z"));
    assert_eq!(after_dial([&first].into_iter(), Outcome::Busy), Route::number("x"));
    assert_eq!(after_dial([&first, &silent].into_iter(), Outcome::Failed), Route::number("x"));
    assert_eq!(after_dial([&silent].into_iter(), Outcome::Failed), Route::Hangup);
    assert_eq!(after_dial(both(), Outcome::Abandoned), Route::Hangup);
}

#[test]
fn caller_id_rules_show_what_they_say() {
    let caller = Caller { name: Some("Ann".to_owned()), ..Caller::new("+12025550173") };
    let settings = Arc::new(CallSettings::new("s"));
    let mut tracking = TrackingNumber::new("+15550100001", Route::Hangup, settings);
    tracking.label = "Spring".to_owned();
    let shown = |number: CallerNumber, prefix: &str, name: Option<&str>, caller: &Caller| {
        let mut to = crate::flow::tests::number("a");
        let (prefix, name) = (prefix.to_owned(), name.map(str::to_owned));
        to.caller_id = Some(CallerId { number, prefix, name });
        let it = identity(&to, &tracking, caller);
        assert_eq!(it.diverted_from, "+15550100001");
        (it.number, it.name, it.private)
    };
    let some = |text: &str| Some(text.to_owned());
    let number = |text: &str| text.to_owned();
    use CallerNumber::{Anonymous, Fixed, Tracking};
    assert_eq!(
        shown(CallerNumber::Caller, "", None, &caller),
        (number("+12025550173"), some("Ann"), false)
    );
    assert_eq!(
        shown(CallerNumber::Caller, "77", Some("Ads: {caller}"), &caller),
        (number("7712025550173"), some("Ads: +12025550173"), false)
    );
    assert_eq!(shown(Tracking, "", None, &caller), (number("+15550100001"), None, false));
    assert_eq!(
        shown(Fixed("+18005550100".into()), "", Some("{label}/{name}{x}"), &caller),
        (number("+18005550100"), some("Spring/Ann{x}"), false)
    );
    assert_eq!(shown(Anonymous, "", None, &caller), (number(""), None, true));
}

#[test]
fn a_caller_who_stays_unknown_is_not_given_away() {
    let settings = Arc::new(CallSettings::new("s"));
    let tracking = TrackingNumber::new("+15550100001", Route::Hangup, settings);
    let caller = Caller { name: Some("Ann".into()), private: true, ..Caller::new("+12025550173") };
    let mut to = number("a");
    to.caller_id = Some(CallerId {
        number: CallerNumber::Tracking,
        prefix: String::new(),
        name: Some("{caller} {name}".to_owned()),
    });
    let seen = identity(&to, &tracking, &caller);
    assert_eq!(seen.name.as_deref(), Some("Anonymous Anonymous"));
    to.caller_id = None;
    let seen = identity(&to, &tracking, &caller);
    assert_eq!((seen.number.as_str(), seen.name, seen.private), ("", None, true));
}

#[test]
fn a_template_is_filled_in_one_pass_and_kept_in_bounds() {
    let settings = Arc::new(CallSettings::new("s"));
    let tracking = TrackingNumber::new("+15550100001", Route::Hangup, settings);
    let mut to = number("a");
    let name = Some("{name}".to_owned());
    to.caller_id = Some(CallerId { name, ..CallerId::default() });
    let caller = |name: &str| Caller { name: Some(name.into()), ..Caller::new("+12025550173") };
    let seen = identity(&to, &tracking, &caller("{tracking}\r\nX: y"));
    assert_eq!(seen.name.as_deref(), Some("{tracking}X: y"));
    let seen = identity(&to, &tracking, &caller(&"é".repeat(500)));
    assert_eq!(seen.name.unwrap().chars().count(), 80);
}

#[test]
fn a_chain_of_routes_is_cut_after_ten_steps_or_ten_minutes() {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert!(may_go_on(9, minutes(9)));
    assert!(!may_go_on(10, minutes(0)));
    assert!(!may_go_on(1, minutes(10)));
}

#[test]
fn a_route_of_any_kind_is_usable_when_what_it_names_is_there() {
    let dial = Route::number("a");
    let parts = Parts {
        receiving_numbers: vec![number("a")],
        queues: vec![Queue::new("x")],
        voice_menus: vec![VoiceMenu::new("x", Prompt::file("m.wav"))],
        voicemail_boxes: vec![VoicemailBox::new("x")],
        smart_routers: vec![SmartRouter {
            id: "x".into(),
            rules: Vec::new(),
            otherwise: dial.clone(),
        }],
        geo_routers: vec![GeoRouter::new("x")],
        virtual_agents: vec![VirtualAgent::new("x", "ws://127.0.0.1:1")],
        agents: vec![
            Agent { account: Some("x".into()), ..Agent::new("x") },
            Agent { numbers: vec!["gone".into()], ..Agent::new("nobody") },
        ],
        ..Parts::default()
    };
    let kinds: [fn(&str) -> Route; 7] = [
        |id| Route::Queue(id.into()),
        |id| Route::VoiceMenu(id.into()),
        |id| Route::SmartRouter(id.into()),
        |id| Route::GeoRouter(id.into()),
        |id| Route::VirtualAgent(id.into()),
        |id| Route::Voicemail(id.into()),
        |id| Route::Agent(id.into()),
    ];
    let usable = |route: Route| {
        let settings = Arc::new(CallSettings::new("s"));
        let mut tracking = TrackingNumber::new("+15550100001", route.clone(), settings);
        tracking.fail_safe = Some("a".into());
        let parts = Parts { tracking_numbers: vec![tracking], ..parts.clone() };
        match enter(&Directory::new(parts), "15550100001", &Caller::default()) {
            Entry::Route { route: entered, fail_safe: false, .. } => {
                assert_eq!(entered, route);
                true
            }
            Entry::Route { route: entered, fail_safe: true, .. } => {
                assert_eq!(entered, Route::number("a"));
                false
            }
            other => panic!("{other:?}"),
        }
    };
    for kind in kinds {
        assert!(usable(kind("x")), "{}", kind("x"));
        assert!(!usable(kind("gone")), "{}", kind("gone"));
    }
    assert!(usable(dial));
    assert!(!usable(Route::Agent("nobody".into())));
}
