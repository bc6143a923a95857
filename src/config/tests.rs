//! Every configuration that is shipped loads; every wrong one says where and why.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::clock::Wall;
use crate::flow::{self, Entry};
use crate::model::trunk::NumberFormat;
use crate::model::{Caller, Endpoint, Order, PromptSource, Route, Secret, Whisper};

fn loaded(text: &str) -> Config {
    load(text, "test.toml", Path::new("/etc/crosspoint")).unwrap_or_else(|it| panic!("{it}"))
}

fn refused(text: &str) -> ConfigError {
    match load(text, "test.toml", Path::new("/etc/crosspoint")) {
        Err(error) => error,
        Ok(_) => panic!("it loads:\n{text}"),
    }
}

fn shipped(name: &str) -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(name);
    load_file(&path).unwrap_or_else(|it| panic!("{it}"))
}

#[test]
fn every_shipped_configuration_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".toml") {
            shipped(&name);
            names.push(name);
        }
    }
    names.sort();
    let expected =
        ["bench.toml", "carriers.toml", "interop.toml", "quickstart.toml", "reference.toml"];
    assert_eq!(names, expected);
}

#[test]
fn the_shipped_reference_is_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/reference.toml");
    let printed = reference();
    if std::env::var_os("CROSSPOINT_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap();
    assert!(shipped == printed, "CROSSPOINT_WRITE_REFERENCE=1 cargo test writes it anew");
}

#[test]
fn every_example_of_the_reference_can_be_taken_as_it_is() {
    // One of a kind only: with these, others would have to go.
    let instead = ["ha1_md5", "ha1_sha256", "route = \"hangup\"", "order = ", "user = \"me\""];
    let instead = |line: &str| instead.iter().any(|it| line.starts_with(it));
    let mut taken = String::new();
    let (mut section, mut examples) = ("", 0);
    for line in reference().leak().lines() {
        if line.starts_with('[') {
            section = line;
        }
        let for_sip = section == "[[receiving_number]]"
            && ["password", "realm"].iter().any(|it| line.trim_start_matches('#').starts_with(it));
        match line.strip_prefix('#').filter(|it| !it.starts_with(' ')) {
            Some(example) if !instead(example) && !for_sip => {
                taken.push_str(example);
                examples += 1;
            }
            _ => taken.push_str(line),
        }
        taken.push('\n');
    }
    // A user of a SIP URI is no user of a trunk, which needs it for its password.
    let taken = taken.replacen("#user = \"me\"", "user = \"me\"", 1);
    assert!(30 < examples, "{examples}");
    loaded(&taken);
}

#[test]
fn an_empty_file_is_a_configuration() {
    let config = loaded("");
    assert_eq!(config.sip.listener.len(), 1);
    assert_eq!(config.sip.listener[0].address.to_string(), "127.0.0.1:5060");
    assert_eq!(config.directory.tracking_numbers().count(), 0);
    assert!(config.directory.call_settings("default").is_some());
}

#[test]
fn the_interop_contract_stands() {
    let config = shipped("interop.toml");
    let directory = &config.directory;
    let listener = &config.sip.listener[0];
    assert_eq!(listener.address.to_string(), "127.0.0.1:5060");
    assert!(listener.takes_clients && listener.transports.len() == 2);
    let [trunk] = directory.trunks() else { panic!() };
    assert!(trunk.sources[0].contains("127.0.0.11".parse().unwrap()));
    assert!(!trunk.sources[0].contains("127.0.0.12".parse().unwrap()));
    assert!(trunk.inbound.is_none() && trunk.probe.is_none());
    let [agent] = directory.accounts() else { panic!() };
    assert_eq!((&*agent.user, &agent.secret), ("agent1", &Secret::Password("secret".into())));

    let numbers = |dialled: &str| -> Vec<_> {
        let caller = Caller::new("+12025550173");
        let Entry::Route { route: Route::Dial(dial), .. } =
            flow::enter(directory, dialled, &caller)
        else {
            panic!("{dialled}")
        };
        assert_eq!(dial.order, Order::Simultaneous);
        let find = |id| directory.receiving_number(id).unwrap().clone();
        dial.numbers.iter().map(|id| find(id)).collect()
    };
    let uris = |dialled: &str| -> Vec<String> {
        let uri = |it: &Endpoint| match it {
            Endpoint::Sip { uri } => uri.to_string(),
            other => panic!("{other:?}"),
        };
        numbers(dialled).iter().map(|it| uri(&it.endpoint)).collect()
    };
    let b = |number: &str| format!("sip:{number}@127.0.0.31:5070");
    assert_eq!(uris("15550100001"), [b("15550100001")]);
    assert_eq!(uris("+15550100002").len(), 3);
    let third = &numbers("tel:+15550100003")[0];
    assert_eq!(third.no_answer.timeout, Duration::from_secs(3));
    assert_eq!(third.no_answer.route, Route::number("c-3"));
    assert_eq!(third.no_answer.busy_route, None, "busy goes the same way");
    let fourth = numbers("15550100004")[0].extension.clone().unwrap();
    assert_eq!(String::from(fourth), "3ww1928");
    assert_eq!(uris("15550100005"), [b("15550100005") + ";transport=tcp"]);
    for dialled in ["15550100001", "15550100005", "15550100013"] {
        assert!(numbers(dialled)[0].credentials.is_none());
    }
    let sixth = numbers("15550100006")[0].credentials.clone().unwrap();
    assert_eq!((&*sixth.user, &*sixth.password), ("trunkuser", "trunkpass"));
    let seventh = &numbers("15550100007")[0].endpoint;
    assert_eq!(*seventh, Endpoint::Client { account: "agent1".into() });
    assert_eq!(uris("15550100009"), ["sip:15550100009@127.0.0.39:5070"]);
    assert_eq!(numbers("15550100013")[0].no_answer.timeout, Duration::from_secs(3));
    assert_eq!(numbers("15550100013")[0].no_answer.route, Route::Hangup);
    let unknown = flow::enter(directory, "15550100404", &Caller::new("+12025550173"));
    assert_eq!(unknown, Entry::Unknown);
}

#[test]
fn the_bench_contract_stands() {
    let config = shipped("bench.toml");
    let accounts = config.directory.accounts();
    assert_eq!(accounts.len(), 1000);
    assert_eq!((&*accounts[0].user, &*accounts[999].user), ("u0000", "u0999"));
    assert_eq!(accounts[7].secret, Secret::Password("pw".into()));
    let callee = config.directory.receiving_number("callee").unwrap();
    let uri = "sip:15551230000@127.0.0.1:5080".into();
    assert_eq!(callee.endpoint, Endpoint::Sip { uri });
    let [trunk] = config.directory.trunks() else { panic!() };
    assert!(trunk.sources[0].contains("127.0.0.1".parse().unwrap()) && trunk.inbound.is_none());
}

/// A configuration that everything below is added to.
const BASE: &str = r#"
[[trunk]]
name = "carrier"
sources = ["192.0.2.0/24"]
addresses = ["sip.example.com:5070", { host = "192.0.2.9", transport = "tcp", priority = 20 }]

[[account]]
user = "alice"
password = "s3cret-word"

[[schedule]]
name = "office"
zone = "America/New_York"
hours = ["mon-fri 09:00-17:00", "sat,sun 22:00-02:00"]
exceptions = ["12-25", { date = "2026-12-24", hours = ["09:00-12:00"] }]

[[receiving_number]]
name = "shop"
number = "(202) 555-0173"
country = "US"
schedule = "office"

[[receiving_number]]
name = "mobile"
number = "client:alice"
"#;

#[test]
fn what_is_written_arrives() {
    let config = loaded(&format!(
        r#"{BASE}
extension = "1w2"
dial_pause = 2
whisper = {{ file = "ads.wav" }}
accept = "5"
enhanced_forwarding = true
caller_id = "tracking"
no_answer = {{ timeout = "10s", route = {{ dial = ["shop"] }} }}

[[call_settings]]
name = "quiet"
record = false
whisper = {{ text = "Hello", voice = "slt" }}
block_list = {{ numbers = ["12025550100"], prefixes = ["1900"], anonymous = true }}

[[tracking_number]]
number = "202-555-0100"
country = "US"
dial = ["shop"]
stages = [{{ after = "15s", numbers = "mobile" }}]
call_settings = "quiet"
fail_safe = "mobile"
"#
    ));
    let directory = &config.directory;
    let mobile = directory.receiving_number("mobile").unwrap();
    assert_eq!(mobile.dial_pause, Duration::from_secs(2));
    assert_eq!(mobile.accept.as_ref().unwrap().key.as_char(), '5');
    assert_eq!(mobile.accept.as_ref().unwrap().repeats, 2);
    assert_eq!(mobile.enhanced_forwarding.as_ref().unwrap().stop_recording.len(), 2);
    assert_eq!(mobile.no_answer.timeout, Duration::from_secs(10));
    let Whisper::Say(prompt) = &mobile.whisper else { panic!() };
    assert_eq!(prompt.made_from, PromptSource::File("/etc/crosspoint/ads.wav".into()));
    let shop = directory.receiving_number("shop").unwrap();
    let number = "+12025550173".into();
    assert_eq!(shop.endpoint, Endpoint::Phone { number, trunk: None });
    let tracking = directory.tracking_number("12025550100").unwrap();
    assert_eq!(&*tracking.settings.id, "quiet");
    assert_eq!(tracking.settings.block_list.prefixes, ["+1900"]);
    let Some(Route::Dial(dial)) = &tracking.route else { panic!() };
    assert_eq!((dial.order, dial.stages[0].after), (Order::Stages, Duration::from_secs(15)));
    let trunk = directory.default_trunk().unwrap();
    assert_eq!(
        (&*trunk.addresses[0].host, trunk.addresses[0].port),
        ("sip.example.com", Some(5070))
    );
    assert_eq!(trunk.numbers, NumberFormat::Plus);
    assert_eq!(directory.prompts().len(), 2);
    // Friday 25 December 2026, 10:00 in New York; and the Friday before.
    let office = directory.schedule("office").unwrap();
    let christmas = Wall::from_unix_micros(1_798_210_800_000_000);
    assert_eq!(office.local(christmas), "Fri 2026-12-25 10:00 America/New_York");
    assert!(!office.is_open(christmas));
    assert!(office.is_open(Wall::from_unix_micros(1_797_606_000_000_000)));
}

#[test]
fn secrets_are_not_printed() {
    let config = loaded(&format!("{BASE}extension = \"73519\"\n"));
    let printed = format!("{config:?}");
    assert!(!printed.contains("s3cret-word") && !printed.contains("73519"));
    for wrong in ["[[account]]\nuser = \"bob\"\npassword = \"s3cret-word\"\nha1_md5 = \"s3cret\"\n"]
    {
        let error = refused(wrong);
        assert!(!format!("{error}{error:?}").contains("s3cret"), "{error}");
    }
}

/// What is wrong, where it is (line and column of what is added to nothing), and what is said.
const WRONG: &[(&str, usize, usize, &str, &str)] = &[
    ("x = ", 1, 5, "", "string values must be quoted"),
    ("[sip]\nrealms = \"x\"", 2, 1, "sip.realms", "no such key; did you mean \"realm\"?"),
    ("[sipp]", 1, 2, "sipp", "did you mean \"sip\"?"),
    ("[sip]\nrealm = 7", 2, 9, "sip.realm", "this is a number, not text"),
    ("[sip]\nt1 = \"1 fortnight\"", 2, 6, "sip.t1", "this is not a time"),
    ("[sip]\nt1 = \"1h\"", 2, 6, "sip.t1", "out of bounds"),
    ("[[sip.listener]]\naddress = \"localhost\"", 2, 11, "sip.listener.address", "something else"),
    (
        "[[sip.listener]]\n[[sip.listener]]\nname = \"b\"",
        2,
        1,
        "sip.listener.address",
        "is already there, in line 1",
    ),
    ("[media]\nports = \"9-10\"", 2, 9, "media.ports", "no room"),
    ("[api]\nlisten = \"on\"", 2, 10, "api.listen", "something else"),
    ("[prompts]\nsynthesiser = \"flit\"", 2, 15, "prompts.synthesiser", "did you mean \"flite\"?"),
    ("[[queue]]\nname = \"q\"", 1, 3, "queue", "not there yet"),
    ("[[trunk]]\nsources = []", 1, 1, "trunk.name", "needs `name`"),
    (
        "[[trunk]]\nname = \"t\"\nsources = [\"0.0.0.0/0\"]",
        3,
        11,
        "trunk.sources",
        "allow_any_source",
    ),
    (
        "[[trunk]]\nname = \"t\"\nsources = [\"192.0.2.1/24\"]",
        3,
        12,
        "trunk.sources",
        "bits set after its prefix",
    ),
    (
        "[[trunk]]\nname = \"t\"\nsources = [\"192.0.2.1\"]\n\
         [[trunk]]\nname = \"u\"\nsources = [\"192.0.2.1\"]",
        6,
        11,
        "trunk.sources",
        "belongs to trunk \"t\" already",
    ),
    ("[[trunk]]\nname = \"t\"\nuser = \"u\"", 3, 8, "trunk.user", "belong together"),
    (
        "[[trunk]]\nname = \"t\"\nlisteners = [\"mian\"]",
        3,
        14,
        "trunk.listeners",
        "no listener \"mian\"; did you mean \"main\"?",
    ),
    ("[[trunk]]\nname = \"t\"\naddresses = [\"a b\"]", 3, 14, "trunk.addresses.host", "not a host"),
    ("[[trunk]]\nname = \"t\"\nsession_timer = 60", 3, 17, "trunk.session_timer", "out of bounds"),
    (
        "[[trunk]]\nname = \"t\"\nnumbers = { national = \"XX\" }",
        3,
        11,
        "trunk.numbers",
        "not a country",
    ),
    ("[[account]]\nuser = \"a\"", 1, 1, "account.password", "needs a password or a hash"),
    (
        "[[account_range]]\nfirst = \"u09\"\nlast = \"u1\"\npassword = \"p\"",
        3,
        8,
        "account_range.last",
        "as many digits",
    ),
    (
        "[[account]]\nuser = \"u05\"\npassword = \"p\"\n\
         [[account_range]]\nfirst = \"u00\"\nlast = \"u09\"\npassword = \"p\"",
        5,
        9,
        "account_range.first",
        "account \"u05\" is already there, in line 2",
    ),
    (
        "[[schedule]]\nname = \"s\"\nzone = \"Mars/Olympus\"",
        3,
        8,
        "schedule.zone",
        "not an IANA time zone",
    ),
    (
        "[[schedule]]\nname = \"s\"\nzone = \"UTC\"\nhours = [\"mon-fry 09:00-17:00\"]",
        4,
        9,
        "schedule.hours",
        "\"fry\" is no day; did you mean \"fri\"?",
    ),
    (
        "[[schedule]]\nname = \"s\"\nzone = \"UTC\"\nexceptions = [{ date = \"2026-02-29\" }]",
        4,
        24,
        "schedule.exceptions.date",
        "there is no 2026-02-29",
    ),
    (
        "[[call_settings]]\nname = \"a\"\ncaller_id.name = \"Ads: {calller}\"",
        3,
        18,
        "call_settings.caller_id.name",
        "column 6",
    ),
    (
        "[[call_settings]]\nname = \"a\"\nblock_list.prefixes = [\"x\"]",
        3,
        23,
        "call_settings.block_list.prefixes",
        "beginning of a number",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\nextension = \"3ww19x8\"",
        4,
        19,
        "receiving_number.extension",
        "column 6: 'x' is not one of 0-9 * # A-D w W",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\ndial_pause = 1",
        4,
        14,
        "receiving_number.dial_pause",
        "does nothing without `extension`",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"+12025550173\"",
        3,
        10,
        "receiving_number.number",
        "needs a trunk, and there is none",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:\"",
        3,
        10,
        "receiving_number.number",
        "not a URI",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"client:bob\"",
        3,
        10,
        "receiving_number.number",
        "no account \"bob\"",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\nschedule = \"office\"",
        4,
        12,
        "receiving_number.schedule",
        "no schedule \"office\"",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\nno_answer.timeout = 601",
        4,
        21,
        "receiving_number.no_answer.timeout",
        "out of bounds",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\n\
         no_answer.route = { dial = [\"a\", \"bb\"] }",
        4,
        34,
        "receiving_number.no_answer.route.dial",
        "no receiving number \"bb\"",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\noutside_hours = \"voicemail\"",
        4,
        17,
        "receiving_number.outside_hours",
        "`voicemail` is not there yet",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\nwhisper = \"hello\"",
        4,
        11,
        "receiving_number.whisper",
        "this is text",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\n\
         [[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"",
        5,
        8,
        "receiving_number.name",
        "receiving number \"a\" is already there, in line 2",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\naccept = { key = \"1\", reject = \"1\" }",
        4,
        32,
        "receiving_number.accept.reject",
        "the same key",
    ),
    (
        "[[tracking_number]]\nnumber = \"12025550100\"",
        1,
        1,
        "tracking_number.dial",
        "needs `dial` or `route`",
    ),
    (
        "[[tracking_number]]\nnumber = \"12025550100\"\nroute = { queue = \"sales\" }",
        3,
        11,
        "tracking_number.route",
        "`queue` is not there yet",
    ),
    (
        "[[tracking_number]]\nnumber = \"12025550100\"\nvoice_menu = \"main\"",
        3,
        1,
        "tracking_number.voice_menu",
        "`voice_menu` is not there yet",
    ),
    (
        "[[tracking_number]]\nnumber = \"12025550100\"\nroute = \"hangup\"\n\
         [[tracking_number]]\nnumber = \"+1 202 555 0100\"\nroute = \"hangup\"",
        5,
        10,
        "tracking_number.number",
        "\"+12025550100\" is already there, in line 2",
    ),
    (
        "[[tracking_number]]\nnumber = \"12025550100\"\ndial = []",
        3,
        8,
        "tracking_number.dial",
        "nobody to dial",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\n\
         no_answer.route = { dial = [\"a\", \"a\"] }",
        4,
        34,
        "receiving_number.no_answer.route.dial",
        "\"a\" is there already",
    ),
    (
        "[[tracking_number]]\nnumber = \"12025550100\"\ndial = [\"nobody\"]",
        3,
        9,
        "tracking_number.dial",
        "no receiving number \"nobody\"",
    ),
    ("[sip]\n\"\u{e9}\" = 1\nrealm = 1", 2, 1, "sip.\u{e9}", "no such key"),
];

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, line, column, key, message) in WRONG {
        let error = refused(text);
        let found = (error.line, error.column, error.key.as_str());
        assert_eq!(found, (*line, *column, *key), "{error}\n{text}");
        assert!(error.message.contains(message), "{error}\nexpected: {message}\n{text}");
        assert_eq!(error.file, "test.toml");
    }
}

#[test]
fn every_kind_of_route_that_is_to_come_says_not_yet() {
    let kinds = [
        "queue",
        "voice_menu",
        "smart_router",
        "geo_router",
        "virtual_agent",
        "voicemail",
        "agent",
    ];
    for kind in kinds {
        let text = format!(
            "[[tracking_number]]\nnumber = \"12025550100\"\nroute = {{ {kind} = \"x\" }}\n"
        );
        let error = refused(&text);
        assert!(error.message.contains(&format!("`{kind}` is not there yet")), "{error}");
    }
}

#[test]
fn an_error_reads_like_one() {
    let error = refused("[sip]\nrealm = 7");
    let text = "test.toml:2:9: sip.realm: this is a number, not text\n  allowed: text";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load_file(Path::new("/nowhere/crosspoint.toml")).unwrap_err();
    assert_eq!((error.file.as_str(), error.line), ("/nowhere/crosspoint.toml", 0));
}

proptest::proptest! {
    #[test]
    fn anything_is_read_or_refused_inside_the_file(text in "[\\[\\]a-z_=\"{}0-9.,\\n #:]{0,80}") {
        if let Err(error) = load(&text, "test.toml", Path::new("")) {
            proptest::prop_assert!(1 <= error.line && error.line <= text.lines().count().max(1) + 1);
        }
    }
}
