//! Every setting of a destination, and every call setting that it meets, on every way that leads to
//! it (PRODUCT sections 2, 4 and 13): one table of ways, one of settings, and every pair is a call.

use std::time::Duration;

use crosspoint::audio::AnsweredBy;
use crosspoint::clock::Instant;
use crosspoint::model::event::What;
use crosspoint::model::record::{LegRecord, Outcome, RecordState};

use super::town::*;

/// A way that ends at c: what the tracking number says, what b says, and what else there is.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    tracking: &'static str,
    b: &'static str,
    more: &'static str,
    go: Go,
    lost: Lost,
}

/// What happens until c is rung.
#[derive(Clone, Copy, PartialEq)]
enum Go {
    /// Nothing, while b never answers.
    Waits,
    /// B is busy.
    Busy,
    /// The caller presses 1 when it is asked.
    Presses,
    /// B takes the call and puts the caller through there.
    Transfers(&'static str),
}

/// What becomes of the call when c does not take it.
#[derive(Clone, Copy, PartialEq)]
enum Lost {
    /// The way on that c names is taken.
    Route,
    /// Somebody else rings on.
    Others,
    /// The caller waits on in the queue.
    Waits,
    /// B has the call again.
    Back,
}

const fn way(name: &'static str, tracking: &'static str, b: &'static str) -> Way {
    Way { name, tracking, b, more: "", go: Go::Waits, lost: Lost::Route }
}

impl Way {
    const fn with(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    const fn go(self, go: Go) -> Self {
        Self { go, ..self }
    }

    const fn lost(self, lost: Lost) -> Self {
        Self { lost, ..self }
    }

    fn is_transfer(&self) -> bool {
        matches!(self.go, Go::Transfers(_))
    }
}

const TO_C: &str = "{ dial = \"c\" }";
const ANN: &str = "[[agent]]\nname = \"ann\"\nnumbers = [\"c\"]\n";

const WAYS: &[Way] = &[
    way("direct", "dial = [\"c\"]", ""),
    way("fork", "dial = [\"c\", \"e\"]", "").lost(Lost::Others),
    way("sequence", "dial = [\"b\", \"c\"]\norder = \"sequence\"", "").go(Go::Busy),
    way("stages", "dial = [\"e\"]\nstages = [{ after = \"1s\", numbers = [\"c\"] }]", "")
        .lost(Lost::Others),
    way("no answer", "dial = [\"b\"]", "no_answer = { timeout = \"1s\", route = TO_C }"),
    way("busy", "dial = [\"b\"]", "no_answer.busy_route = TO_C").go(Go::Busy),
    way("outside hours", "dial = [\"b\"]", "schedule = \"never\"\noutside_hours = TO_C"),
    way("menu key", "route = { voice_menu = \"main\" }", "")
        .with(
            "[[voice_menu]]\nname = \"main\"\nprompt = { text = \"press\" }\nkeys = { 1 = TO_C }\n",
        )
        .go(Go::Presses),
    way("menu without an answer", "route = { voice_menu = \"main\" }", "").with(
        "[[voice_menu]]\nname = \"main\"\nprompt = { text = \"press\" }\ntimeout = \"500ms\"\n\
         repeats = 0\nkeys = { 1 = \"hangup\" }\notherwise = TO_C\n",
    ),
    way("router rule", "route = { smart_router = \"by\" }", "")
        .with("[[smart_router]]\nname = \"by\"\n[[smart_router.rule]]\nroute = TO_C\n"),
    way("geo router", "route = { geo_router = \"by\" }", "")
        .with("[[geo_router]]\nname = \"by\"\nzips = { 9 = \"hangup\" }\notherwise = TO_C\n"),
    way("agent", "route = { agent = \"ann\" }", "").with(ANN),
    way("queue", "route = { queue = \"line\" }", "")
        .with("[[queue]]\nname = \"line\"\nmembers = [\"c\"]\n")
        .lost(Lost::Waits),
    way("agent of a queue", "route = { queue = \"line\" }", "")
        .with(
            "[[queue]]\nname = \"line\"\nmembers = [{ agent = \"ann\" }]\n\
             [[agent]]\nname = \"ann\"\nnumbers = [\"c\"]\n",
        )
        .lost(Lost::Waits),
    way("queue nobody takes calls of", "route = { queue = \"line\" }", "").with(
        "[[queue]]\nname = \"line\"\nmembers = [\"b\"]\nmax_wait = \"1s\"\nno_answer = TO_C\n",
    ),
    way("closed queue", "route = { queue = \"line\" }", "").with(
        "[[queue]]\nname = \"line\"\nmembers = [\"b\"]\nschedule = \"never\"\n\
         outside_hours = TO_C\n",
    ),
    way("virtual agent that is not there", "route = { virtual_agent = \"bot\" }", "")
        .with("[[virtual_agent]]\nname = \"bot\"\nurl = \"ws://10.0.0.50:1/\"\nno_answer = TO_C\n"),
    way("fail-safe", "route = { virtual_agent = \"bot\" }\nfail_safe = \"c\"", "")
        .with("[[virtual_agent]]\nname = \"bot\"\nurl = \"ws://10.0.0.50:1/\"\n"),
    way("transfer", "dial = [\"b\"]", "may_transfer = true")
        .go(Go::Transfers("c"))
        .lost(Lost::Back),
    way("transfer to a tracking number", "dial = [\"b\"]", "may_transfer = true")
        .go(Go::Transfers("+15550100002"))
        .lost(Lost::Back),
];

/// A setting: what c says, what the call settings say, and what else there is.
struct Row {
    keys: &'static str,
    settings: &'static str,
    more: &'static str,
    /// How c behaves.
    set: fn(&mut World),
    /// What becomes of it.
    story: Story,
}

enum Story {
    /// C takes the call; three seconds later this happens, then the caller hangs up, unless the
    /// call is over by then.
    Talks(fn(&mut World), fn(&Seen<'_>)),
    /// C is not to take the call.
    Lost(fn(&mut World, &Way)),
}

/// A call that c took.
struct Seen<'a> {
    town: &'a World,
    way: &'a Way,
    leg: &'a LegRecord,
    connected: Instant,
}

impl Seen<'_> {
    /// How long the caller had talked with b before.
    fn before(&self) -> Duration {
        let first = self.town.record().connected_at.unwrap();
        match self.way.is_transfer() {
            true => secs(1).max(self.connected.since(self.town.moment(first)).min(secs(1))),
            false => ms(0),
        }
    }

    fn since_answer(&self) -> Duration {
        self.connected.since(self.town.moment(self.leg.answered_at.unwrap()))
    }

    /// How long c, or the caller, heard this message.
    fn heard(&self, who: &str, text: &str) -> Duration {
        self.town.seen(who).ear.total(Sound::Tone(self.town.tone_of(text)))
    }
}

const PLAIN: Row =
    Row { keys: "", settings: "", more: "", set: |_| (), story: Story::Talks(|_| (), |_| ()) };

/// Always but on the day of the stories; the evening of that day.
const HOURS: &str = "[[schedule]]\nname = \"never\"\nzone = \"UTC\"\n\
                     hours = [\"mon-sun 00:00-24:00\"]\n\
                     exceptions = [{ date = \"2026-03-02\" }]\n";

fn built(way: &Way, row: &Row) -> World {
    let put = |text: &str| text.replace("TO_C", TO_C);
    let (tracking, b) = (put(way.tracking), put(way.b));
    let receiving = [("b", b.as_str()), ("c", row.keys), ("d", ""), ("e", "")];
    let text = plan(&receiving, &tracking)
        + "[[tracking_number]]\nnumber = \"+15550100002\"\ndial = [\"c\"]\n"
        + HOURS
        + &put(way.more)
        + row.more
        + &format!("[[call_settings]]\nname = \"default\"\n{}\n", row.settings);
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    for phone in &mut town.phones {
        phone.ear.dull = !["c", CARRIER].contains(&&*phone.name);
    }
    match way.go {
        Go::Busy => town.refuses_after("b", ms(100), 486),
        Go::Waits | Go::Presses => town.never_answers("b"),
        Go::Transfers(_) => (),
    }
    town.never_answers("e");
    (row.set)(&mut town);
    town
}

/// The call, until c is due.
fn goes(town: &mut World, way: &Way) {
    town.call();
    match way.go {
        Go::Waits | Go::Busy => (),
        Go::Presses => {
            let asked = Sound::Tone(town.tone_of("press"));
            let asks = |it: &World| !it.seen(CARRIER).ear.total(asked).is_zero();
            assert!(town.run_until(secs(20), asks), "never asked\n{}", town.draw());
            town.at(CARRIER).press('1');
        }
        Go::Transfers(to) => {
            town.connects();
            town.run_for(ms(980));
            town.act("b", |phone, now, out| phone.transfer(to, now, out));
        }
    }
}

/// C's page, once it is connected.
fn taken(town: &World) -> Option<&LegRecord> {
    let legs = &town.records.last()?.legs;
    legs.iter().find(|it| &*it.destination == "c" && it.connected_at.is_some())
}

/// C's page at the end.
fn page(town: &World) -> &LegRecord {
    town.record().legs.iter().find(|it| &*it.destination == "c").expect("c was rung")
}

fn over(town: &World) -> bool {
    town.count_facts(|it| matches!(it, What::Ended { .. })) != 0
}

fn on_every_way(row: &Row) {
    for way in WAYS {
        let told = std::panic::catch_unwind(|| one(way, row));
        assert!(told.is_ok(), "by this way: {}", way.name);
    }
}

fn one(way: &Way, row: &Row) {
    let mut town = built(way, row);
    match row.story {
        Story::Lost(lost) => {
            lost(&mut town, way);
            if !over(&town) {
                town.hangs_up(CARRIER);
            }
            town.rests();
            is_whole(&town);
        }
        Story::Talks(then, check) => {
            goes(&mut town, way);
            let came = town.run_until(secs(120), |it| taken(it).is_some());
            assert!(came, "c never took it\n{}", town.draw());
            town.run_for(secs(3));
            then(&mut town);
            if !over(&town) {
                town.hangs_up(CARRIER);
                town.ends();
            }
            town.rests();
            is_whole(&town);
            let leg = page(&town).clone();
            let connected = town.moment(leg.connected_at.unwrap());
            check(&Seen { town: &town, way, leg: &leg, connected });
        }
    }
}

/// Whatever way a call took, its record says all that there is to say (PRODUCT section 11), and its
/// facts are numbered without a gap.
fn is_whole(town: &World) {
    let ended = town.ended();
    assert!(!ended.is_empty());
    for record in ended {
        let facts: Vec<_> = town.facts.iter().filter(|(_, it)| it.call == record.id).collect();
        assert!(facts.iter().map(|(_, it)| it.seq).eq(1..=facts.len() as u32));
        let connections =
            facts.iter().filter(|(_, it)| matches!(it.what, What::Connected { .. })).count();
        let whole = record.state == RecordState::Ended
            && record.ended_at.is_some()
            && record.cause.as_ref().is_some_and(|it| !it.reason.is_empty())
            && !record.path.is_empty()
            && record.connected_at.is_some() == (0 < connections)
            && record.talk_ms.is_some() == record.connected_at.is_some()
            && record.ring_ms.is_some() != record.legs.is_empty()
            && record.caller_quality.is_some() == record.answered_at.is_some()
            && record.wait_ms.is_some()
                == record.path.iter().any(|it| it.what.starts_with("waited"))
            && record.recordings.len() == connections;
        assert!(whole, "{record:#?}");
        for leg in &record.legs {
            let times = [
                Some(leg.dialled_at),
                leg.ringing_at,
                leg.answered_at,
                leg.accepted_at,
                leg.connected_at,
                leg.ended_at,
            ];
            assert!(times.into_iter().flatten().is_sorted(), "{leg:#?}");
            let cause = leg.cause.as_ref().expect("why it ended");
            let whole = leg.ended_at.is_some()
                && (leg.outcome.is_some() || cause.reason == "completed_elsewhere")
                && (leg.answered_at.is_none() || leg.quality.is_some())
                && (leg.accepted_at.is_none() || leg.answered_at.is_some())
                && leg.connected_at.is_some() == (leg.outcome == Some(Outcome::Answered));
            assert!(whole, "{leg:#?}");
        }
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident => $row:expr;)*) => {
        $($(#[$doc])* #[test] fn $name() { on_every_way(&$row); })*
    };
}

rows! {
    an_extension_is_keyed_in_and_the_caller_hears_nothing_of_it => Row {
        keys: "extension = \"3w19\"",
        story: Story::Talks(|_| (), |it| {
            assert_eq!(it.town.seen("c").ear.keyed(), "319");
            assert_eq!(it.town.seen(CARRIER).ear.keyed(), "");
            assert_eq!(it.leg.symbols.len(), 4);
            assert_near(it.since_answer(), ms(3 * 200 + 500), ms(40));
        }),
        ..PLAIN
    };
    a_dial_pause_is_kept => Row {
        keys: "dial_pause = \"1s\"\nextension = \"7\"",
        story: Story::Talks(|_| (), |it| {
            let answered = it.town.moment(it.leg.answered_at.unwrap());
            let sent = it.town.seen("c").ear.keys[0].from;
            assert_near(sent.since(answered), secs(1), ms(40));
        }),
        ..PLAIN
    };
    an_extension_waits_for_the_voice => Row {
        keys: "wait_for_voice = true\nextension = \"7\"",
        story: Story::Talks(|_| (), |it| {
            assert_eq!(it.town.seen("c").ear.keyed(), "7");
            assert!(it.leg.voice_after_ms.is_some());
        }),
        ..PLAIN
    };
    its_own_whisper_beats_that_of_the_settings => Row {
        keys: "whisper = { text = \"own\" }",
        settings: "whisper = { text = \"all\" }",
        story: Story::Talks(|_| (), |it| {
            assert_near(it.heard("c", "own"), secs(2), ms(60));
            assert_eq!((it.heard("c", "all"), it.heard(CARRIER, "own")), (ms(0), ms(0)));
            assert_near(it.since_answer(), secs(2), ms(60));
            assert!(it.leg.whisper_at.is_some());
        }),
        ..PLAIN
    };
    the_whisper_of_the_settings_is_said => Row {
        settings: "whisper = { text = \"all\" }",
        story: Story::Talks(|_| (), |it| {
            assert_near(it.heard("c", "all"), secs(2), ms(60));
            // Whom b transfers has heard b's in the same way.
            assert_eq!(it.heard(CARRIER, "all"), ms(0));
        }),
        ..PLAIN
    };
    a_whisper_of_none_silences => Row {
        keys: "whisper = \"none\"",
        settings: "whisper = { text = \"all\" }",
        story: Story::Talks(|_| (), |it| {
            assert_eq!(it.heard("c", "all"), ms(0));
            assert_near(it.since_answer(), ms(0), ms(40));
        }),
        ..PLAIN
    };
    a_key_takes_the_call_and_nothing_else_does => Row {
        keys: "accept = { key = \"1\", timeout = \"5s\" }",
        set: |town| town.at("c").manners.presses = vec![(ms(500), '5'), (secs(2), '1')],
        story: Story::Talks(|_| (), |it| {
            assert_near(it.since_answer(), secs(2), ms(250));
            assert_eq!(it.leg.accepted_at, it.leg.connected_at);
            assert_eq!(it.town.seen(CARRIER).ear.keyed(), "");
        }),
        ..PLAIN
    };
    who_may_be_recorded_is => Row {
        story: Story::Talks(|_| (), |it| {
            let recording = it.town.record().recordings.last().unwrap();
            assert_eq!(recording.leg, Some(it.leg.leg));
            assert!(recording.file.is_some() && recording.prevented.is_none());
            let begun = it.town.moment(recording.started_at.unwrap());
            assert_eq!(begun, it.connected);
        }),
        ..PLAIN
    };
    /// Case 10, and the start code does not change it.
    a_veto_leaves_not_one_recorded_frame => Row {
        keys: "prevent_recording = true\nenhanced_forwarding = true",
        story: Story::Talks(|town| {
            for key in ['*', '2'] {
                town.at("c").press(key);
                town.run_for(ms(300));
            }
        }, |it| {
            let recording = it.town.record().recordings.last().unwrap();
            assert_eq!(recording.leg, Some(it.leg.leg));
            assert_eq!(recording.prevented.as_deref(), Some("prevent_recording"));
            // Of the talk with b, if there was one.
            let others = usize::from(it.way.is_transfer());
            assert_eq!((it.town.tapes().all().count(), &recording.file), (others, &None));
        }),
        ..PLAIN
    };
    what_the_settings_do_not_ask_for_is_not_recorded => Row {
        settings: "record = false",
        story: Story::Talks(|_| (), |it| {
            assert!(it.town.tapes().is_empty());
            let recording = it.town.record().recordings.last().unwrap();
            assert_eq!(recording.prevented.as_deref(), Some("call_settings"));
        }),
        ..PLAIN
    };
    /// Case 11.
    the_stop_code_is_obeyed_and_not_passed_on => Row {
        keys: "enhanced_forwarding = true",
        story: Story::Talks(|town| {
            for key in ['*', '1'] {
                town.at("c").press(key);
                town.run_for(ms(300));
            }
        }, |it| {
            let by = |it: &What| matches!(it, What::RecordingStopped { by } if by == "destination");
            assert_eq!(it.town.count_facts(by), 1);
            assert_eq!(it.town.seen(CARRIER).ear.keyed(), "");
        }),
        ..PLAIN
    };
    who_answered_is_asked_for_a_score_when_the_caller_has_gone => Row {
        keys: "enhanced_forwarding = { score = { prompt = { text = \"rate it\" } } }",
        story: Story::Talks(|town| {
            assert_eq!(town.seen("c").ear.total(Sound::Tone(town.tone_of("rate it"))), ms(0));
            town.hangs_up(CARRIER);
            town.run_for(secs(1));
            town.at("c").press('4');
        }, |it| {
            assert!(ms(500) < it.heard("c", "rate it"));
            assert_eq!(it.town.record().score, Some('4'));
            assert_eq!(it.town.reason(), "hung_up");
        }),
        ..PLAIN
    };
    its_own_caller_id_is_shown => Row {
        keys: "caller_id = { number = \"tracking\", prefix = \"9\", name = \"Ads: {caller}\" }",
        settings: "caller_id = \"anonymous\"",
        story: Story::Talks(|_| (), |it| {
            let invite = it.town.heard("c", "INVITE");
            let from = format!("From: \"Ads: +15125550100\" <sip:9{NUMBER}@");
            assert!(invite.contains(&from), "{invite}");
        }),
        ..PLAIN
    };
    the_caller_id_of_the_settings_is_shown => Row {
        settings: "caller_id = { number = \"+12025550123\" }",
        story: Story::Talks(|_| (), |it| {
            let invite = it.town.heard("c", "INVITE");
            assert!(invite.contains("<sip:+12025550123@"), "{invite}");
            assert!(!invite.contains("<sip:+15125550100@"), "{invite}");
        }),
        ..PLAIN
    };
    agent_and_source_tag_are_those_of_who_took_it => Row {
        keys: "agent = \"Bea\"\nsource_tag = \"crm-7\"\nlead_owner = \"Bea\"",
        more: "[[agent]]\nname = \"Bea\"\nnumbers = [\"d\"]\n",
        story: Story::Talks(|_| (), |it| {
            let record = it.town.record();
            assert_eq!(record.agent.as_deref(), Some("Bea"));
            assert_eq!((&*record.source_tag, &record.lead_owner), ("crm-7", &None));
        }),
        ..PLAIN
    };
    outside_of_the_tagging_hours_calls_are_short_and_not_tagged => Row {
        keys: "tagging_schedule = \"never\"\nafter_hours_limit = \"20s\"",
        more: "[[tag_rule]]\ntags = \"sale\"\nwhen = { answered = true }\n",
        story: Story::Talks(|town| _ = town.ends(), |it| {
            assert_eq!(it.town.reason(), "after_hours_limit");
            assert_eq!(it.town.record().tags, Vec::<String>::new());
            limit_of(it, secs(20));
        }),
        ..PLAIN
    };
    no_call_is_longer_than_the_settings_say => Row {
        settings: "max_duration = \"20s\"",
        more: "[[tag_rule]]\ntags = \"sale\"\nwhen = { answered = true }\n",
        story: Story::Talks(|town| _ = town.ends(), |it| {
            assert_eq!(it.town.reason(), "max_duration");
            assert_eq!(it.town.record().tags, ["sale"]);
            limit_of(it, secs(20));
        }),
        ..PLAIN
    };
    music_is_heard_instead_of_ringing => Row {
        settings: "ringback = { music = \"waltz.wav\" }",
        story: Story::Talks(|_| (), |it| {
            assert!(ms(800) < it.heard(CARRIER, "./waltz.wav"));
            assert_eq!(it.town.seen(CARRIER).ear.total(Sound::Ringing), ms(0));
        }),
        ..PLAIN
    };
    the_greeting_is_heard_once_and_first => Row {
        settings: "greeting = { text = \"hello\" }",
        story: Story::Talks(|_| (), |it| {
            assert_near(it.heard(CARRIER, "hello"), secs(2), ms(60));
            let ear = &it.town.seen(CARRIER).ear;
            let hello = ear.first(Sound::Tone(it.town.tone_of("hello")));
            assert_eq!(hello, ear.heard.first().map(|it| it.from));
            let rung = it.town.when("c", Moment::Rung);
            assert!(hello.unwrap() + ms(1900) < rung);
        }),
        ..PLAIN
    };
    the_recording_notice_is_heard_once_before_it_rings => Row {
        settings: "recording_notice = { text = \"on tape\" }",
        story: Story::Talks(|_| (), |it| {
            assert_near(it.heard(CARRIER, "on tape"), secs(2), ms(60));
            let tape = it.town.seen(CARRIER).ear.first(Sound::Tone(it.town.tone_of("on tape")));
            assert!(tape.unwrap() + ms(1900) < it.town.when("c", Moment::Rung));
        }),
        ..PLAIN
    };
    the_notice_is_skipped_if_nobody_may_be_recorded => Row {
        settings: "record = false\nrecording_notice = { text = \"on tape\" }",
        story: Story::Talks(|_| (), |it| assert_eq!(it.heard(CARRIER, "on tape"), ms(0))),
        ..PLAIN
    };
    /// A single one's, that is, and not in a queue.
    its_early_media_is_heard => Row {
        set: |town| town.at("c").manners.early_media = true,
        story: Story::Talks(|_| (), |it| {
            let alone = it.way.lost == Lost::Route && it.way.name != "sequence";
            let voice = it.town.seen(CARRIER).ear.first(Sound::Tone(600)).unwrap();
            let early = voice + ms(500) < it.connected;
            assert_eq!(early, alone, "{}", it.town.draw());
        }),
        ..PLAIN
    };
    early_media_that_the_settings_do_not_want_is_not_heard => Row {
        settings: "early_media = \"ringing\"",
        set: |town| town.at("c").manners.early_media = true,
        story: Story::Talks(|_| (), |it| {
            let voice = it.town.seen(CARRIER).ear.first(Sound::Tone(600)).unwrap();
            assert!(it.connected <= voice + ms(1), "{}", it.town.draw());
        }),
        ..PLAIN
    };
    a_machine_does_not_take_the_call_where_people_are_wanted => Row {
        keys: "decline_machines = true\nno_answer.route = { dial = \"d\" }",
        story: Story::Lost(|town, way| {
            goes(town, way);
            town.run_until(secs(30), |it| it.seen("c").count(Moment::HungUpOn) == 1);
            town.run_for(secs(2));
            goes_on(town, way);
        }),
        ..PLAIN
    };
    a_person_takes_it_there => Row {
        keys: "decline_machines = true",
        set: |town| town.at("c").manners.greets_for = Some(ms(600)),
        story: Story::Talks(|_| (), |it| {
            assert_near(it.since_answer(), ms(1900), ms(200));
            assert_eq!(it.leg.answered_by, Some(AnsweredBy::Human));
        }),
        ..PLAIN
    };
    who_is_held_hears_music => Row {
        settings: "hold_music = { text = \"waltz\" }",
        story: Story::Talks(|town| {
            town.act("c", |phone, now, out| phone.hold("sendonly", now, out));
            town.run_for(secs(2));
        }, |it| assert!(ms(1500) < it.heard(CARRIER, "waltz"))),
        ..PLAIN
    };
    /// The other caller talks with c all the while.
    no_more_calls_at_once_than_it_may_have => Row {
        keys: "max_calls = 1",
        story: Story::Lost(|town, way| {
            town.calls("other", "15550100002");
            town.run_for(secs(3));
            assert_eq!(town.seen("c").calls_up(), 1);
            goes(town, way);
            town.run_for(secs(8));
            assert_eq!(town.seen("c").count(Moment::Rung), 1, "{}", town.draw());
            if way.lost == Lost::Back {
                assert_eq!(town.seen("b").calls_up(), 1);
            }
            town.hangs_up("other");
        }),
        ..PLAIN
    };
    closed_is_closed => Row {
        keys: "schedule = \"never\"\noutside_hours = { dial = \"d\" }",
        story: Story::Lost(|town, way| {
            goes(town, way);
            town.run_for(secs(8));
            assert_eq!(town.seen("c").count(Moment::Rung), 0, "{}", town.draw());
            // Where nobody else was to be rung, its own way on is taken.
            let alone = way.name != "sequence" && matches!(way.lost, Lost::Route | Lost::Back);
            assert_eq!(town.seen("d").calls_up(), usize::from(alone), "{}", town.draw());
        }),
        ..PLAIN
    };
    it_rings_for_its_time_exactly_and_then_its_route_is_taken => Row {
        keys: "no_answer = { timeout = \"2s\", route = { dial = \"d\" } }",
        set: |town| town.never_answers("c"),
        story: Story::Lost(|town, way| {
            goes(town, way);
            town.run_until(secs(30), |it| it.seen("c").count(Moment::Cancelled) == 1);
            town.run_for(secs(2));
            let rung = town.when("c", Moment::Rung);
            assert_near(town.when("c", Moment::Cancelled).since(rung), secs(2), ms(50));
            goes_on(town, way);
        }),
        ..PLAIN
    };
    a_busy_destination_takes_its_busy_route_at_once => Row {
        keys: "no_answer.route = \"hangup\"\nno_answer.busy_route = { dial = \"d\" }",
        set: |town| town.refuses_after("c", ms(300), 486),
        story: Story::Lost(|town, way| {
            goes(town, way);
            town.run_until(secs(30), |it| it.seen("c").count(Moment::Rung) == 1);
            town.run_for(secs(2));
            goes_on(town, way);
        }),
        ..PLAIN
    };
    the_reject_key_declines => Row {
        keys: "accept = { key = \"1\", reject = \"9\" }\nno_answer.route = { dial = \"d\" }",
        set: |town| town.at("c").manners.presses = vec![(ms(500), '9')],
        story: Story::Lost(|town, way| {
            goes(town, way);
            town.run_until(secs(30), |it| it.seen("c").count(Moment::HungUpOn) == 1);
            town.run_for(secs(2));
            goes_on(town, way);
            let legs = &town.records.last().unwrap().legs;
            let declined = |it: &What| matches!(it, What::LegDeclined { .. });
            assert_eq!(town.count_facts(declined), 1, "{legs:?}");
        }),
        ..PLAIN
    };
    a_call_that_nobody_takes_is_its_lead_owners => Row {
        keys: "lead_owner = \"Cyd\"\nsource_tag = \"crm-7\"\nno_answer.timeout = \"2s\"\n\
               tagging_schedule = \"never\"",
        more: "[[agent]]\nname = \"Cyd\"\nnumbers = [\"d\"]\n[[tag_rule]]\ntags = \"missed\"\n",
        set: |town| town.never_answers("c"),
        story: Story::Lost(|town, way| {
            goes(town, way);
            town.run_until(secs(30), |it| it.seen("c").count(Moment::Cancelled) == 1);
            town.run_for(ms(100));
            if !over(town) {
                town.hangs_up(CARRIER);
            }
            town.rests();
            let record = town.record();
            assert_eq!(page(town).outcome, Some(Outcome::NoAnswer));
            if way.lost == Lost::Back {
                assert_eq!(record.lead_owner, None, "b took it");
                return;
            }
            assert_eq!(record.lead_owner.as_deref(), Some("Cyd"));
            assert_eq!(record.agent, None);
        }),
        ..PLAIN
    };
}

/// The call ended so long after its first connection, with a beep ten seconds before.
fn limit_of(seen: &Seen<'_>, limit: Duration) {
    let ended = seen.town.moment(seen.town.record().ended_at.unwrap());
    assert_near(ended.since(seen.connected), limit - seen.before(), ms(60));
    for who in ["c", CARRIER] {
        let beep = Sound::Tone(1400);
        let ear = &seen.town.seen(who).ear;
        assert_near(ear.total(beep), ms(200), ms(60));
        assert_near(ended.since(ear.first(beep).unwrap()), secs(10), ms(60));
    }
}

/// C is lost, two seconds ago at most.
fn goes_on(town: &World, way: &Way) {
    let (b, d) = (town.seen("b").calls_up(), town.seen("d").calls_up());
    let up = match way.lost {
        Lost::Route => (0, 1),
        Lost::Others | Lost::Waits => (0, 0),
        Lost::Back => (1, 0),
    };
    assert_eq!((b, d), up, "{}", town.draw());
    assert!(!over(town), "{}", town.draw());
}

/// It is a delay like any other: whoever is rung by this way is rung so much later.
#[test]
fn a_ring_delay_is_kept() {
    for way in WAYS {
        let rung = |keys: &'static str| {
            let mut town = built(way, &Row { keys, ..PLAIN });
            goes(&mut town, way);
            let came = town.run_until(secs(60), |it| it.seen("c").count(Moment::Rung) == 1);
            assert!(came, "{}", town.draw());
            town.when("c", Moment::Rung)
        };
        let (soon, late) = (rung(""), rung("ring_delay = \"3s\""));
        assert_near(late.since(soon), secs(3), ms(60));
    }
}
