//! Callers and virtual agents: programs that hear them, speak, press keys, and hand them on.

use std::time::Duration;

use crosspoint::config::Config;
use crosspoint::model::directory::Parts;
use crosspoint::model::event::What;
use crosspoint::model::{Directory, Route, VirtualAgent};
use crosspoint::simulator::Program;
use crosspoint::simulator::program::{Do, Door, On};

use super::town::*;

const URL: &str = "ws://10.0.0.50:8700/agent";

/// An agent that may hand over to b, and goes on to c when it is lost and to d when it ends.
fn agent() -> VirtualAgent {
    let mut agent = VirtualAgent::new("bot", URL);
    agent.routes.insert("sales".into(), Route::number("b"));
    agent.no_answer = Route::number("c");
    agent.after = Route::number("d");
    agent
}

/// What the directory of a configuration is made of.
fn parts(config: &Config) -> Parts {
    let it = &config.directory;
    Parts {
        tracking_numbers: it.tracking_numbers().map(|it| (**it).clone()).collect(),
        receiving_numbers: it.receiving_numbers().map(|it| (**it).clone()).collect(),
        trunks: it.trunks().iter().map(|it| (**it).clone()).collect(),
        virtual_agents: it.virtual_agent("bot").map(|it| (**it).clone()).into_iter().collect(),
        ..Parts::default()
    }
}

/// The configuration with these agents beside; callers are sent to `route`.
fn with_agents(config: Config, virtual_agents: Vec<VirtualAgent>, route: Route) -> Config {
    let mut parts = parts(&config);
    parts.tracking_numbers[0].route = Some(route);
    let directory = Directory::new(Parts { virtual_agents, ..parts });
    Config { directory: directory.into(), ..config }
}

/// A town whose caller is sent to this agent, and the program behind it.
fn town_of(agent: VirtualAgent) -> World {
    town_where(&[("b", ""), ("c", ""), ("d", "")], "dial = [\"b\"]", agent)
}

fn town_where(receiving: &[(&str, &str)], tracking: &str, agent: VirtualAgent) -> World {
    let route = Route::VirtualAgent(agent.id.clone());
    let config = with_agents(read(&plan(receiving, tracking)), vec![agent], route);
    let mut town = settle(&config, 1, Weather::CLEAR);
    town.program(URL);
    town
}

fn program(town: &mut World) -> &mut Program {
    &mut town.programs.list[0]
}

fn begins(town: &mut World) {
    let begun = |it: &World| it.programs.list[0].count("start") == 1;
    assert!(town.run_until(secs(20), begun), "never began\n{}", town.draw());
}

/// The reason of the only conversation, and how long it lasted.
fn page(town: &World) -> (String, Option<Duration>) {
    let pages = &town.record().virtual_agents;
    assert_eq!(pages.len(), 1);
    let ended = town.moment(pages[0].ended_at.unwrap());
    let talk = pages[0].connected_at.map(|it| ended.since(town.moment(it)));
    assert_eq!(&*pages[0].agent, "bot");
    (pages[0].reason.clone().unwrap(), talk)
}

fn is_lost(what: &What) -> bool {
    matches!(what, What::AgentEnded { .. })
}

#[test]
fn caller_and_program_hear_each_other_and_the_program_hands_over() {
    let mut town = town_of(agent());
    program(&mut town)
        .does(On::Begun(ms(500)), Do::Say(1000, secs(2)))
        .does(On::Begun(ms(500)), Do::Mark("said"))
        .does(On::Mark("said"), Do::Route("sales"));
    town.call();
    begins(&mut town);
    town.run_for(ms(20));
    assert_eq!(town.seen(CARRIER).finals(), [200]);
    let connected = town.connects();
    town.run_for(secs(2));
    town.hangs_up("b");
    town.ends();
    town.rests();
    let bot = program(&mut town);
    assert!(ms(1800) < bot.ear.total(Sound::Tone(VOICE)), "{:?}", bot.ear.heard);
    assert_eq!(bot.got[0]["event"], "connected");
    assert_eq!(bot.got[1]["start"]["from"], "+15125550100");
    assert_eq!(bot.count("stop"), 1);
    assert!(bot.frames.windows(2).all(|it| it[1] == it[0] + 20), "{:?}", bot.frames);
    let heard = town.seen(CARRIER).ear.total(Sound::Tone(1000));
    assert_near(heard, secs(2), ms(60));
    assert!(town.seen(CARRIER).ear.faults.is_empty(), "{:?}", town.seen(CARRIER).ear.faults);
    let (reason, talk) = page(&town);
    assert_eq!(reason, "route sales");
    assert_near(talk.unwrap(), ms(2560), ms(100));
    let record = town.record();
    assert_eq!(record.connected_at.map(|it| town.moment(it)), Some(connected));
    assert_eq!(&*record.legs[0].destination, "b");
    let path: Vec<_> = record.path.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(path[..2], ["virtual_agent bot", "dial b"]);
}

#[test]
fn the_caller_hears_ringing_until_the_program_is_there_and_is_not_answered_before() {
    let mut town = town_of(agent());
    program(&mut town).door = Door::OpensAfter(secs(2));
    town.call();
    town.run_for(ms(1900));
    assert!(town.seen(CARRIER).finals().is_empty());
    assert!(town.seen(CARRIER).moment(Moment::Told(180)).is_some());
    begins(&mut town);
    town.run_for(ms(50));
    assert_eq!(town.seen(CARRIER).finals(), [200]);
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_program_that_is_not_there_costs_the_caller_three_seconds_at_most() {
    for (door, wait) in [(Door::Silent, secs(3)), (Door::Shut, ms(0))] {
        let mut town = town_of(agent());
        program(&mut town).door = door;
        town.call();
        let lost = town.run_until(secs(10), |it| it.fact(is_lost).is_some());
        assert!(lost);
        let called = town.fact(|it| matches!(it, What::RouteEntered { .. })).unwrap();
        assert_near(town.fact(is_lost).unwrap().since(called), wait, ms(10));
        town.connects();
        assert_eq!(town.seen("c").count(Moment::Answered), 1, "{door:?}");
        town.hangs_up(CARRIER);
        town.ends();
        assert_eq!(page(&town), ("unreachable".to_owned(), None));
        town.rests();
    }
}

#[test]
fn without_a_no_answer_route_the_fail_safe_is_taken_and_without_one_the_caller_is_refused() {
    for (tracking, final_status) in
        [("dial = [\"b\"]\nfail_safe = \"e\"", 200), ("dial = [\"b\"]", 480)]
    {
        let agent = VirtualAgent { no_answer: Route::Hangup, ..agent() };
        let mut town = town_where(&[("b", ""), ("e", "")], tracking, agent);
        program(&mut town).door = Door::Shut;
        town.call();
        town.run_for(secs(10));
        assert_eq!(town.seen(CARRIER).finals(), [final_status]);
        if final_status == 200 {
            assert_eq!(town.seen("e").count(Moment::Answered), 1);
            town.hangs_up(CARRIER);
        }
        town.ends();
        town.rests();
    }
}

#[test]
fn keys_go_both_ways() {
    let mut town = town_of(agent());
    program(&mut town).does(On::Key('5'), Do::Press('7')).does(On::Key('#'), Do::Route("sales"));
    town.call();
    begins(&mut town);
    town.run_for(ms(500));
    town.at(CARRIER).press('5');
    town.run_for(secs(1));
    assert_eq!(town.seen(CARRIER).ear.keyed(), "7");
    town.at(CARRIER).press('#');
    town.connects();
    assert_eq!(program(&mut town).keyed(), "5#");
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn clearing_stops_what_is_being_said_and_brings_the_marks_back() {
    let mut town = town_of(agent());
    program(&mut town)
        .does(On::Begun(ms(100)), Do::Say(1000, secs(30)))
        .does(On::Begun(ms(100)), Do::Mark("end"))
        .does(On::Key('1'), Do::Clear)
        .does(On::Key('1'), Do::Say(1500, secs(1)));
    town.call();
    begins(&mut town);
    town.run_for(secs(3));
    assert_eq!(program(&mut town).count("mark"), 0);
    town.at(CARRIER).press('1');
    town.run_for(secs(3));
    assert_eq!(program(&mut town).count("mark"), 1);
    let ear = &town.seen(CARRIER).ear;
    assert!(ear.total(Sound::Tone(1000)) < secs(4));
    assert_near(ear.total(Sound::Tone(1500)), secs(1), ms(60));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn the_way_it_ends_says_where_the_caller_goes() {
    for (what, phone, reason) in [
        (Do::Stop, Some("d"), "ended"),
        (Do::Close, Some("d"), "ended"),
        (Do::HangUp, None, "hung_up"),
        (Do::Route("nowhere"), Some("c"), "unknown_route"),
        (Do::Text("nonsense", 1), Some("c"), "nonsense"),
        (Do::Text("{\"event\":\"x\"}", 10_000), Some("c"), "flood"),
        (Do::Say(1000, secs(61)), Some("c"), "flood"),
    ] {
        let mut town = town_of(agent());
        program(&mut town).does(On::Begun(secs(1)), what.clone());
        town.call();
        begins(&mut town);
        let acted = town.now();
        match phone {
            Some(phone) => {
                town.connects();
                assert_eq!(town.seen(phone).count(Moment::Answered), 1, "{what:?}");
                town.hangs_up(CARRIER);
            }
            None => {
                assert!(town.run_until(secs(5), |it| it.seen(CARRIER).count(Moment::HungUpOn) == 1))
            }
        }
        town.ends();
        town.rests();
        assert_near(town.fact(is_lost).unwrap().since(acted), secs(1), ms(100));
        assert_eq!(page(&town).0, reason, "{what:?}");
        assert_eq!(program(&mut town).closed.len(), 1, "{what:?}");
    }
}

#[test]
fn a_program_that_hangs_is_dropped_in_three_seconds_and_one_that_is_silent_is_not() {
    let mut town = town_of(agent());
    program(&mut town).does(On::Begun(secs(20)), Do::Hang);
    town.call();
    begins(&mut town);
    let begun = town.now();
    town.connects();
    let lost = town.fact(is_lost).unwrap().since(begun);
    assert!((secs(20)..=secs(23)).contains(&lost), "{lost:?}");
    assert_eq!(town.seen("c").count(Moment::Answered), 1);
    town.hangs_up(CARRIER);
    town.ends();
    assert_eq!(page(&town).0, "stalled");
    town.rests();
}

#[test]
fn a_connection_that_breaks_is_made_again_once() {
    let mut town = town_of(agent());
    program(&mut town)
        .does(On::Begun(secs(2)), Do::Break)
        .does(On::Resumed, Do::Say(1500, ms(500)));
    town.call();
    begins(&mut town);
    let begun = town.now();
    town.connects();
    // It breaks each time, two seconds on.
    assert_near(town.fact(is_lost).unwrap().since(begun), ms(4050), ms(100));
    assert_eq!(program(&mut town).count("start"), 2);
    assert_eq!(
        program(&mut town).got.iter().filter(|it| it["start"]["resumed"] == true).count(),
        1
    );
    assert!(!town.seen(CARRIER).ear.total(Sound::Tone(1500)).is_zero());
    town.hangs_up(CARRIER);
    town.ends();
    assert_eq!(page(&town).0, "connection_lost");
    town.rests();
}

#[test]
fn a_program_that_dies_and_does_not_come_back_leaves_the_caller_three_seconds_at_most() {
    let mut town = town_of(agent());
    program(&mut town).does(On::Begun(secs(2)), Do::Break);
    town.call();
    begins(&mut town);
    let begun = town.now();
    town.run_for(secs(1));
    program(&mut town).door = Door::Silent;
    town.connects();
    assert_near(town.fact(is_lost).unwrap().since(begun), secs(5), ms(100));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_caller_who_hangs_up_ends_it_at_once_whatever_it_is_doing() {
    for wait in [ms(10), ms(500), ms(2500)] {
        let mut town = town_of(agent());
        program(&mut town)
            .does(On::Begun(ms(100)), Do::Say(1000, secs(30)))
            .does(On::Begun(ms(1500)), Do::Break);
        if wait == ms(10) {
            program(&mut town).door = Door::OpensAfter(secs(2));
        }
        town.call();
        town.run_for(wait);
        let at = town.now();
        town.hangs_up(CARRIER);
        town.run_for(ms(100));
        assert_eq!(town.programs.links(), 0);
        if wait == ms(500) {
            let bot = program(&mut town);
            assert_eq!(bot.count("stop"), 1);
            assert!(bot.closed[0].since(at) < ms(100));
        }
        town.ends();
        let wanted = if wait == ms(10) { "abandoned" } else { "cancelled" };
        assert!(town.reason() == wanted || town.reason() == "hung_up", "{}", town.reason());
        assert_eq!(page(&town).0, "end_of_call");
        town.rests();
    }
}

#[test]
fn the_conversation_is_recorded_unless_it_may_not_be() {
    for prevent in [false, true] {
        let mut town = town_of(VirtualAgent { prevent_recording: prevent, ..agent() });
        program(&mut town)
            .does(On::Begun(secs(1)), Do::Say(1000, secs(2)))
            .does(On::Begun(secs(4)), Do::Route("sales"));
        town.call();
        begins(&mut town);
        town.connects();
        town.run_for(secs(2));
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
        let recordings = &town.record().recordings;
        assert_eq!(recordings.len(), 2);
        assert_eq!((recordings[0].leg, recordings[1].leg), (None, Some(1)));
        assert_eq!(recordings[0].virtual_agent.as_deref(), Some("bot"));
        assert_eq!(recordings[1].virtual_agent, None);
        let tapes: Vec<_> = town.tapes().all().collect();
        if prevent {
            assert_eq!(recordings[0].prevented.as_deref(), Some("prevent_recording"));
            assert_eq!(tapes.len(), 1, "only b's");
            continue;
        }
        assert_eq!(tapes.len(), 2);
        let (left, right) = (tapes[0].side(false), tapes[0].side(true));
        let loud = |it: &[i16], from: usize, to: usize| {
            let span = &it[from * 8..to * 8];
            span.iter().filter(|it| 500 < it.unsigned_abs()).count() * 10 / span.len()
        };
        assert_near(ms(tapes[0].frames.unwrap() / 8), secs(4), ms(50));
        assert!(8 <= loud(&left, 300, 3800));
        assert_eq!(loud(&right, 0, 900), 0);
        // A quarter of a tone of 1000 Hz is its zeros.
        assert!(7 <= loud(&right, 1200, 2900));
        assert_eq!(loud(&right, 3200, 3900), 0);
        assert_near(ms(recordings[0].length_ms), secs(4), ms(50));
    }
}

/// How long after it was answered the caller heard the beep.
fn warned(town: &World) -> Duration {
    let ear = &town.seen(CARRIER).ear;
    assert_near(ear.total(Sound::Tone(1400)), ms(200), ms(20));
    ear.first(Sound::Tone(1400)).unwrap().since(town.when(CARRIER, Moment::Told(200)))
}

#[test]
fn a_conversation_may_last_so_long_and_no_longer() {
    let mut town = town_of(VirtualAgent { max_duration: secs(30), ..agent() });
    town.call();
    begins(&mut town);
    town.connects();
    assert_eq!(town.seen("d").count(Moment::Answered), 1);
    town.hangs_up(CARRIER);
    town.ends();
    let (reason, talk) = page(&town);
    assert_eq!(reason, "max_duration");
    assert_near(talk.unwrap(), secs(30), ms(1));
    assert_near(warned(&town), secs(20), ms(100));
    town.rests();
}

#[test]
fn the_longest_call_of_the_settings_ends_a_conversation_too() {
    let text = plan(&[("b", ""), ("c", ""), ("d", "")], "dial = [\"b\"]")
        + "[[call_settings]]\nname = \"default\"\nmax_duration = \"20s\"\n";
    let route = Route::VirtualAgent("bot".into());
    let config = with_agents(read(&text), vec![agent()], route);
    let mut town = settle(&config, 1, Weather::CLEAR);
    town.program(URL);
    town.call();
    begins(&mut town);
    town.ends();
    let (reason, talk) = page(&town);
    assert_eq!((reason.as_str(), town.reason()), ("max_duration", "max_duration"));
    assert_near(talk.unwrap(), secs(20), ms(50));
    assert_near(warned(&town), secs(10), ms(100));
    assert_eq!(town.seen("d").count(Moment::Rung), 0);
    assert_eq!(town.seen(CARRIER).count(Moment::HungUpOn), 1);
    town.rests();
}

#[test]
fn from_a_destination_that_does_not_answer_and_on_to_one_long_after() {
    let plan = plan(&[("b", "no_answer.timeout = \"30s\""), ("d", "")], "dial = [\"b\"]");
    let config = with_agents(read(&plan), vec![agent()], Route::number("b"));
    let mut b = (**config.directory.receiving_number("b").unwrap()).clone();
    b.no_answer.route = Route::VirtualAgent("bot".into());
    let numbers = vec![b, (**config.directory.receiving_number("d").unwrap()).clone()];
    let directory = Directory::new(Parts { receiving_numbers: numbers, ..parts(&config) });
    let config = Config { directory: directory.into(), ..config };
    let mut town = settle(&config, 1, Weather::CLEAR);
    town.program(URL).does(On::Begun(secs(900)), Do::Stop);
    town.never_answers("b");
    town.call();
    let came = town.run_until(secs(1000), |it| it.seen("d").count(Moment::Answered) == 1);
    assert!(came, "a long talk is no ringing\n{}", town.draw());
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

/// What leads to the agent, in the words of the configuration.
const WAYS: &[(&str, &str)] = &[
    ("at once", "route = { virtual_agent = \"bot\" }"),
    ("nobody answers", "dial = [\"b\"]"),
    ("a key of a menu", "route = { voice_menu = \"menu\" }"),
    ("a menu's silence", "route = { voice_menu = \"silent\" }"),
    ("a queue without anybody", "route = { queue = \"line\" }"),
    ("a router", "route = { smart_router = \"router\" }"),
    ("an agent that hands over", "route = { virtual_agent = \"first\" }"),
];

#[test]
fn an_agent_is_reached_from_each_place_that_a_route_can_stand() {
    for (way, tracking) in WAYS {
        let bot = "{ virtual_agent = \"bot\" }";
        let text = plan(
            &[("b", &format!("no_answer = {{ timeout = \"5s\", route = {bot} }}")), ("c", "")],
            tracking,
        ) + &format!(
            r#"
[[virtual_agent]]
name = "bot"
url = "{URL}"
routes.sales = {{ dial = "c" }}
[[virtual_agent]]
name = "first"
url = "ws://10.0.0.51/first"
routes.second = {bot}
[[voice_menu]]
name = "menu"
prompt = {{ text = "press" }}
keys.1 = {bot}
[[voice_menu]]
name = "silent"
prompt = {{ text = "press" }}
timeout = "2s"
keys.1 = "hangup"
repeats = 0
otherwise = {bot}
[[queue]]
name = "line"
members = ["b"]
max_wait = "5s"
no_answer = {bot}
[[smart_router]]
name = "router"
[[smart_router.rule]]
when = {{ caller_prefix = "+1512" }}
route = {bot}
"#
        );
        let mut town = settle(&read(&text), 1, Weather::CLEAR);
        town.never_answers("b");
        town.program(URL)
            .does(On::Begun(ms(300)), Do::Say(1000, secs(1)))
            .does(On::Begun(secs(2)), Do::Route("sales"));
        town.program("ws://10.0.0.51/first").does(On::Begun(secs(1)), Do::Route("second"));
        town.call();
        if *way == "a key of a menu" {
            town.run_for(secs(3));
            town.at(CARRIER).press('1');
        }
        begins(&mut town);
        town.connects();
        let heard = town.seen(CARRIER).ear.total(Sound::Tone(1000));
        assert_near(heard, secs(1), ms(60));
        assert_eq!(town.seen("c").count(Moment::Answered), 1, "{way}");
        town.run_for(secs(1));
        town.hangs_up(CARRIER);
        town.ends();
        let pages = &town.record().virtual_agents;
        assert_eq!(pages.last().unwrap().reason.as_deref(), Some("route sales"), "{way}");
        town.rests();
    }
}
