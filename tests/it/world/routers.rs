//! Where routers and agents send a call, from each place that a route can stand.

use crosspoint::clock::Now;
use crosspoint::model::event::What;
use crosspoint::model::record::{CallRecord, RecordState};

use super::town::*;

/// Its name, what the tracking number says, what b says, and what else there is.
type Place = (&'static str, &'static str, &'static str, &'static str);

/// The places: what the tracking number does, and what is set up so that it comes to `ROUTE`.
/// The menu's caller presses 1; b never answers, and is closed or busy where that is needed.
const PLACES: &[Place] = &[
    ("tracking number", "route = ROUTE", "", ""),
    ("no answer", "dial = [\"b\"]", "no_answer = { timeout = \"1s\", route = ROUTE }", ""),
    ("busy", "dial = [\"b\"]", "no_answer.busy_route = ROUTE\nmax_calls = 1", ""),
    ("outside hours", "dial = [\"b\"]", "schedule = \"never\"\noutside_hours = ROUTE", ""),
    (
        "menu key",
        "route = { voice_menu = \"main\" }",
        "",
        "[[voice_menu]]\nname = \"main\"\nprompt = { text = \"press\" }\nkeys = { 1 = ROUTE }\n",
    ),
    (
        "router rule",
        "route = { smart_router = \"outer\" }",
        "",
        "[[smart_router]]\nname = \"outer\"\n[[smart_router.rule]]\nroute = ROUTE\n",
    ),
    (
        "fallback of a geo router",
        "route = { geo_router = \"outer\" }",
        "",
        "[[geo_router]]\nname = \"outer\"\nzips = { 9 = \"hangup\" }\notherwise = ROUTE\n",
    ),
    (
        "queue nobody takes calls of",
        "route = { queue = \"line\" }",
        "",
        "[[queue]]\nname = \"line\"\nmembers = [\"b\"]\nmax_wait = \"1s\"\nno_answer = ROUTE\n",
    ),
    (
        "closed queue",
        "route = { queue = \"line\" }",
        "",
        "[[queue]]\nname = \"line\"\nmembers = [\"b\"]\nschedule = \"never\"\n\
         outside_hours = ROUTE\n",
    ),
];

/// Always but on this very day; open now; open later.
const HOURS: &str = "[[schedule]]\nname = \"never\"\nzone = \"UTC\"\n\
                     hours = [\"mon-sun 00:00-24:00\"]\n\
                     exceptions = [{ date = \"2026-03-02\" }]\n\
                     [[schedule]]\nname = \"office\"\nzone = \"America/New_York\"\n\
                     hours = [\"mon-fri 09:00-17:00\"]\n\
                     [[schedule]]\nname = \"evening\"\nzone = \"America/New_York\"\n\
                     hours = [\"mon-fri 17:00-22:00\"]\n";

/// A town where `route` stands at this place, and the noun that it names is set up so.
fn town_at(place: &Place, route: &str, noun: &str) -> World {
    let (name, tracking, b, more) = *place;
    let put = |text: &str| text.replace("ROUTE", route);
    let receiving =
        [("b", put(b)), ("c", String::new()), ("d", String::new()), ("e", String::new())];
    let receiving: Vec<_> = receiving.iter().map(|(id, keys)| (*id, keys.as_str())).collect();
    let tracking = put(tracking) + "\nsource = \"ads\"\ntags = [\"spring\"]";
    let text = plan(&receiving, &tracking) + HOURS + &put(more) + noun;
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    for it in &mut town.phones {
        it.ear.dull = true;
    }
    match name {
        "busy" => town.refuses_after("b", ms(100), 486),
        _ => town.never_answers("b"),
    }
    town
}

/// The carrier's caller calls, and presses 1 if it is asked.
fn calls(town: &mut World) {
    town.call();
    town.run_for(ms(300));
    town.at(CARRIER).press('1');
}

/// Who takes the call.
fn taken_by(town: &mut World) -> String {
    town.connects();
    let record = town.records.last().unwrap();
    let leg = record.legs.iter().find(|it| it.connected_at.is_some()).unwrap();
    leg.destination.to_string()
}

fn path(record: &CallRecord) -> Vec<&str> {
    record.path.iter().map(|it| it.what.as_str()).collect()
}

fn smart(conditions: &str) -> String {
    format!(
        "[[smart_router]]\nname = \"by\"\notherwise = {{ dial = \"d\" }}\n\
         [[smart_router.rule]]\nname = \"the rule\"\nroute = {{ dial = \"c\" }}\n{conditions}\n"
    )
}

/// A caller from Austin, Texas, on a Monday at ten in the morning in New York, who called an hour
/// ago: what is so of the call, and what is not.
const CONDITIONS: &[(&str, bool)] = &[
    ("caller = \"+15125550100\"", true),
    ("caller = \"+15125550101\"", false),
    ("caller_prefix = [\"+1212\", \"+1512\"]", true),
    ("caller_prefix = \"+1513\"", false),
    ("anonymous = false", true),
    ("anonymous = true", false),
    ("repeat_caller = \"61m\"", true),
    ("repeat_caller = \"59m\"", false),
    ("tracking_number = \"+15550100001\"", true),
    ("source = [\"mail\", \"ads\"]", true),
    ("source = \"mail\"", false),
    ("tag = \"spring\"", true),
    ("tag = \"autumn\"", false),
    ("open = \"office\"", true),
    ("open = \"evening\"", false),
    ("area_code = \"512\"", true),
    ("area_code = \"212\"", false),
    ("state = [\"NY\", \"TX\"]", true),
    ("state = \"NY\"", false),
    ("header = { name = \"x-campaign\", is = \"spring 7\" }", true),
    ("header = { name = \"X-Campaign\", begins = \"spring\" }", true),
    ("header = { name = \"X-Campaign\", contains = \"autumn\" }", false),
    ("header = { name = \"X-Other\" }", false),
    ("state = \"TX\", tag = \"spring\", open = \"office\"", true),
    ("state = \"TX\", tag = \"autumn\", open = \"office\"", false),
];

#[test]
fn each_condition_decides_from_each_place_where_a_route_can_stand() {
    for (n, (conditions, holds)) in CONDITIONS.iter().enumerate() {
        // Each condition as it is and turned round; each of them at two of the places.
        for (word, wanted) in [("when", *holds), ("unless", !*holds)] {
            if word == "unless" && conditions.contains("\", tag") {
                continue;
            }
            for place in [&PLACES[n % PLACES.len()], &PLACES[(n + 3) % PLACES.len()]] {
                let rule = smart(&format!("{word} = {{ {conditions} }}"));
                let mut town = town_at(place, "{ smart_router = \"by\" }", &rule);
                town.at(CARRIER).lines_of_its_own = "X-Campaign: spring 7\r\n".to_owned();
                let hour = ms(3_600_000).as_micros() as i64;
                let before = town.wall().unix_micros() - hour;
                let before = crosspoint::clock::Wall::from_unix_micros(before);
                town.switch.remember("+15125550100", before);
                calls(&mut town);
                let case = format!("{word} {conditions}, {}", place.0);
                let to = taken_by(&mut town);
                assert_eq!(to, if wanted { "c" } else { "d" }, "{case}\n{}", town.draw());
                let step = match wanted {
                    true => "smart_router by: rule the rule",
                    false => "smart_router by: no rule holds",
                };
                let record = town.records.last().unwrap();
                assert!(path(record).contains(&step), "{case}: {:?}", path(record));
                town.hangs_up(CARRIER);
                town.ends();
            }
        }
    }
}

#[test]
fn how_things_are_in_a_queue_decides() {
    // One caller has waited for three seconds; b's phone rings for it, e is at home.
    for (condition, holds) in [
        ("waiting = 1", true),
        ("waiting = 2", false),
        ("free = 1", true),
        ("free = 2", false),
        ("longest_wait = \"2s\"", true),
        ("longest_wait = \"4s\"", false),
    ] {
        let second = "[[tracking_number]]\nnumber = \"+15550100002\"\n\
                      route = { smart_router = \"by\" }\n";
        let queue = "[[queue]]\nname = \"line\"\nmembers = [\"b\", \"e\"]\n\
                     distribution = \"round_robin\"\n";
        let receiving = [("b", ""), ("c", ""), ("d", ""), ("e", "")];
        let text = plan(&receiving, "route = { queue = \"line\" }")
            + second
            + queue
            + &smart(&format!("when.queue = {{ name = \"line\", {condition} }}"));
        let mut town = settle(&read(&text), 1, Weather::CLEAR);
        town.never_answers("b");
        town.call();
        town.run_for(secs(3));
        town.calls("other", "15550100002");
        let to = taken_by(&mut town);
        assert_eq!(to, if holds { "c" } else { "d" }, "{condition}\n{}", town.draw());
    }
}

/// Geo routers that do not ask: what is set up, whom the caller from Austin reaches, and why.
const LEADS: &[(&str, &str, &str)] = &[
    ("zips = { 787 = { dial = \"c\" }, 7 = { dial = \"e\" } }", "c", "ZIP code 787, by area code"),
    ("zips = { 100 = { dial = \"c\" } }", "d", "fallback"),
    (
        "nearest = { 77002 = { dial = \"c\" }, 10001 = { dial = \"e\" } }",
        "c",
        "nearest to 77002, 146 miles, by area code",
    ),
    ("nearest = { 77002 = { dial = \"c\" } }\nmax_miles = 140", "d", "fallback"),
    ("nearest = { 77002 = { dial = \"c\" } }\nmax_miles = 150", "c", "nearest to 77002"),
];

#[test]
fn each_way_of_a_geo_router_is_taken_from_each_place() {
    for (keys, to, why) in LEADS {
        for place in PLACES {
            let noun = format!(
                "[[geo_router]]\nname = \"near\"\notherwise = {{ dial = \"d\" }}\n{keys}\n"
            );
            let mut town = town_at(place, "{ geo_router = \"near\" }", &noun);
            calls(&mut town);
            let case = format!("{keys}, {}", place.0);
            assert_eq!(taken_by(&mut town), *to, "{case}\n{}", town.draw());
            let step = format!("geo_router near: {why}");
            let record = town.records.last().unwrap();
            let told = path(record).iter().any(|it| it.starts_with(&step));
            assert!(told, "{case}: {:?}", path(record));
            town.hangs_up(CARRIER);
            town.ends();
        }
    }
}

#[test]
fn an_agents_phones_ring_at_once_and_the_agent_is_credited_from_each_place() {
    for place in PLACES {
        let noun = "[[account]]\nuser = \"ann\"\npassword = \"secret\"\n[[agent]]\n\
                    name = \"ann\"\nnumbers = [\"c\", \"e\"]\naccount = \"ann\"\n";
        let mut town = town_at(place, "{ agent = \"ann\" }", noun);
        town.register("ann", address("d"));
        town.never_answers("c");
        town.never_answers("e");
        town.answers_after("d", ms(500));
        calls(&mut town);
        assert_eq!(taken_by(&mut town), "client:ann", "{}", place.0);
        let record = town.records.last().unwrap();
        let rung: Vec<_> = record.legs.iter().filter(|it| &*it.destination != "b").collect();
        let ids: Vec<_> = rung.iter().map(|it| &*it.destination).collect();
        assert_eq!(ids, ["c", "e", "client:ann"]);
        assert!(rung.iter().all(|it| it.dialled_at == rung[0].dialled_at));
        town.hangs_up(CARRIER);
        town.ends();
        assert_eq!(town.record().agent.as_deref(), Some("ann"), "{}", place.0);
        assert_eq!(town.record().lead_owner, None);
    }
}

#[test]
fn an_agent_whom_nobody_answers_for_owns_the_lead_from_each_place() {
    for place in PLACES {
        let noun = "[[agent]]\nname = \"ann\"\nnumbers = [\"c\"]\n";
        let mut town = town_at(place, "{ agent = \"ann\" }", noun);
        town.refuses_after("c", ms(500), 486);
        calls(&mut town);
        town.ends();
        assert_eq!(town.record().lead_owner.as_deref(), Some("ann"), "{}", place.0);
        assert_eq!(town.record().agent, None);
    }
}

#[test]
fn a_trunk_that_a_reload_took_away_is_a_failure_inside_us() {
    let b = "no_answer = { timeout = \"2s\", route = { dial = \"far\" } }";
    let text = |b| plan(&[("b", b), ("e", "")], "dial = [\"b\"]\nfail_safe = \"e\"");
    let more = "[[trunk]]\nname = \"second\"\naddresses = [\"10.0.0.32:5070\"]\nprobe = \"off\"\n\
                [[receiving_number]]\nname = \"far\"\nnumber = \"+12025550107\"\n\
                trunk = \"second\"\n";
    let mut town = settle(&read(&(text(b) + more)), 1, Weather::CLEAR);
    town.never_answers("b");
    town.call();
    town.run_for(secs(1));
    let (without, now) = (read(&text("")), Now { at: town.now(), wall: town.wall() });
    town.switch.adopt(without.directory.clone(), without.peers(), now).unwrap();
    assert_eq!(taken_by(&mut town), "e", "{}", town.draw());
    let path = path(town.records.last().unwrap());
    assert_eq!(path, ["dial b", "dial far", "fail-safe", "dial e"]);
}

#[test]
fn routers_that_lead_to_each_other_are_cut() {
    let noun = "[[smart_router]]\nname = \"one\"\n[[smart_router.rule]]\n\
                when = { anonymous = false }\nroute = { smart_router = \"two\" }\n\
                [[smart_router]]\nname = \"two\"\notherwise = { smart_router = \"one\" }\n\
                [[smart_router.rule]]\nwhen = { anonymous = true }\nroute = \"hangup\"\n";
    let mut town = town_at(&PLACES[0], "{ smart_router = \"one\" }", noun);
    calls(&mut town);
    town.ends();
    assert_eq!(town.reason(), "route_loop");
    town.rests();
}

#[test]
fn a_caller_is_a_repeat_caller_from_the_second_call_on() {
    let rule = smart("when = { repeat_caller = \"30d\" }");
    let mut town = town_at(&PLACES[0], "{ smart_router = \"by\" }", &rule);
    for to in ["d", "c", "c"] {
        town.call();
        town.run_for(secs(2));
        town.hangs_up(CARRIER);
        town.run_for(secs(2));
        let ended = town.ended();
        let leg = ended.last().unwrap().legs.iter().find(|it| it.connected_at.is_some()).unwrap();
        assert_eq!(&*leg.destination, to);
    }
    assert!(town.ended().iter().all(|it| it.state == RecordState::Ended));
}

#[test]
fn tag_rules_tag_finished_calls_inside_the_tagging_hours_of_the_destination() {
    let rules = "[[tag_rule]]\ntags = \"sale\"\nwhen = { answered = true, talk_at_least = \"3s\" }\n\
                 [[tag_rule]]\ntags = [\"missed\", \"spring\"]\nwhen = { answered = false }\n";
    let tags = |hours: &str, talk: Option<u64>| {
        let b = format!("no_answer.timeout = \"2s\"\n{hours}");
        let text = plan(&[("b", &b)], "dial = [\"b\"]\ntags = [\"spring\"]") + HOURS + rules;
        let mut town = settle(&read(&text), 1, Weather::CLEAR);
        match talk {
            Some(seconds) => {
                town.call();
                town.connects();
                town.run_for(secs(seconds));
                town.hangs_up(CARRIER);
            }
            None => {
                town.never_answers("b");
                town.call();
            }
        }
        town.ends();
        town.rests();
        town.record().tags.join(" ")
    };
    for open in ["", "tagging_schedule = \"office\""] {
        assert_eq!(tags(open, Some(4)), "spring sale");
        assert_eq!(tags(open, Some(2)), "spring");
        assert_eq!(tags(open, None), "spring missed");
    }
    let closed = "tagging_schedule = \"evening\"";
    assert_eq!(tags(closed, Some(4)), "spring");
    assert_eq!(tags(closed, None), "spring");
}

#[test]
fn the_after_hours_limit_of_the_destination_holds_from_each_place() {
    for place in PLACES {
        let noun = "[[receiving_number]]\nname = \"late\"\nnumber = \"sip:c@10.0.0.32:5070\"\n\
                    tagging_schedule = \"evening\"\nafter_hours_limit = \"20s\"\n\
                    source_tag = \"api\"\nagent = \"ann\"\n[[agent]]\nname = \"ann\"\n\
                    numbers = [\"late\"]\n";
        for route in ["{ dial = \"late\" }", "{ agent = \"ann\" }"] {
            let mut town = town_at(place, route, noun);
            calls(&mut town);
            let connected = town.connects();
            let ended = town.ends();
            let case = format!("{route}, {}", place.0);
            assert_near(ended.since(connected), secs(20), ms(50));
            assert_eq!(town.reason(), "after_hours_limit", "{case}");
            assert_eq!(town.record().source_tag, "api", "{case}");
            assert_eq!(town.record().agent.as_deref(), Some("ann"), "{case}");
            let beeps = town.count_facts(|it| matches!(it, What::Ended { .. }));
            assert_eq!(beeps, 1);
        }
    }
}
