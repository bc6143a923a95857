//! Every wrong configuration says where it is wrong, and why.

use super::{Path, load, load_file, refused};

/// What is wrong, where it is (line and column of what is added to nothing), and what is said.
const WRONG: &[(&str, usize, usize, &str, &str)] = &[
    ("x = ", 1, 5, "", "string values must be quoted"),
    ("[sip]\nrealms = \"x\"", 2, 1, "sip.realms", "no such key; did you mean \"realm\"?"),
    ("[sipp]", 1, 2, "sipp", "did you mean \"sip\"?"),
    ("[sip]\nrealm = 7", 2, 9, "sip.realm", "this is a number, not text"),
    ("[sip]\nrealm = 'a\"b'", 2, 9, "sip.realm", "quotes or backslashes"),
    ("[sip]\nchallenge = []", 2, 13, "sip.challenge", "there is no algorithm"),
    ("[sip]\ncall_nonce = \"1 fortnight\"", 2, 14, "sip.call_nonce", "this is not a time"),
    ("[sip]\ncall_nonce = \"2h\"", 2, 14, "sip.call_nonce", "out of bounds"),
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
    ("[api]\nlisten = \"0.0.0.0:80\"", 2, 10, "api.listen", "can be reached from elsewhere"),
    ("[api]\nlisten = \"[2001:db8::1]:80\"", 2, 10, "api.listen", "can be reached"),
    ("[api]\nkey = \"a\"", 2, 7, "api.key", "belong together"),
    ("[api]\nbehind_proxy = true\ncertificate = \"a\"", 3, 15, "api.certificate", "belong"),
    (
        "[[tag_rule]]\nname = \"a\"\ntags = \"b\"\n[[tag_rule]]\nname = \"a\"\ntags = \"b\"",
        5,
        8,
        "tag_rule.name",
        "already there",
    ),
    ("[recordings]\nrecipients = [\"age1x\"]", 2, 15, "recordings.recipients", "62 characters"),
    (
        "[recordings]\nrecipients = [\"AGE-SECRET-KEY-1QQ\"]",
        2,
        15,
        "recordings.recipients",
        "this is a secret identity",
    ),
    (
        "[recordings]\nrecipients = \
         [\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\", \
         \"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"]",
        2,
        14,
        "recordings.recipients",
        "there twice",
    ),
    ("[recordings]\nstorage = \"calls\"", 2, 11, "recordings.storage.url", "begin with s3://"),
    ("[recordings.storage]\nurl = \"s3://B\"", 2, 7, "recordings.storage.url", "is no bucket"),
    (
        "[recordings.storage]\nendpoint = \"https://m\"",
        1,
        1,
        "recordings.storage.url",
        "needs `url`",
    ),
    (
        "[recordings.storage]\nurl = \"s3://calls\"\nendpoint = \"minio:9000\"",
        3,
        12,
        "recordings.storage.endpoint",
        "neither https:// nor http://",
    ),
    (
        "[recordings.storage]\nurl = \"s3://calls\"\nkey_id = \"it\"",
        3,
        10,
        "recordings.storage.key_id",
        "belong together",
    ),
    (
        "[recordings.storage]\nurl = \"s3://calls\"\nkey_id = \"it\"\nsecret = \"with space\"",
        4,
        10,
        "recordings.storage.secret",
        "this is no key",
    ),
    (
        "[recordings.storage]\nurl = \"s3://calls\"\nregion = \"EU\"",
        3,
        10,
        "recordings.storage.region",
        "no region",
    ),
    (
        "[[call_settings]]\nname = \"a\"\nvoice = \"http://192.0.2.1/v\"",
        3,
        9,
        "call_settings.voice",
        "is no name of a voice",
    ),
    (
        "[[call_settings]]\nname = \"a\"\nwhisper = { text = \"x\", voice = \"/etc/passwd\" }",
        3,
        33,
        "call_settings.whisper.voice",
        "is no name of a voice",
    ),
    ("[prompts]\nsynthesiser = \"flit\"", 2, 15, "prompts.synthesiser", "did you mean \"flite\"?"),
    ("[[queue]]\nname = \"q\"", 1, 1, "queue.members", "needs `members`"),
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
        10,
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
        24,
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
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b;transport=sctp\"",
        3,
        10,
        "receiving_number.number",
        "the transports are udp and tcp",
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
        "[[smart_router]]\nname = \"a\"\n[[smart_router.rule]]\nroute = \"hangup\"\nwhen = { date = \"12-24\" }",
        5,
        17,
        "smart_router.rule.when.date",
        "needs `zone`",
    ),
    (
        "[[smart_router]]\nname = \"a\"\n[[smart_router.rule]]\nroute = \"hangup\"\nwhen = { zone = \"UTC\" }",
        5,
        17,
        "smart_router.rule.when.zone",
        "does nothing without",
    ),
    (
        "[[smart_router]]\nname = \"a\"\n[[smart_router.rule]]\nroute = \"hangup\"\nwhen = { zone = \"UTC\", date = \"12-24 to 2026-12-25\" }",
        5,
        31,
        "smart_router.rule.when.date",
        "or neither",
    ),
    (
        "[[smart_router]]\nname = \"a\"\n[[smart_router.rule]]\nroute = \"hangup\"\nwhen = { zone = \"UTC\", date = \"02-30\" }",
        5,
        31,
        "smart_router.rule.when.date",
        "there is no 02-30",
    ),
    (
        "[[smart_router]]\nname = \"a\"\n[[smart_router.rule]]\nroute = \"hangup\"\nwhen = { zone = \"UTC\", hours = \"mon\" }",
        5,
        32,
        "smart_router.rule.when.hours",
        "is not days and hours",
    ),
    (
        "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\nno_answer.timeout = \"10m\"\n\
         no_answer.route = { dial = \"a\" }",
        4,
        21,
        "receiving_number.no_answer.timeout",
        "would never be taken",
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
        "this needs a name",
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
        19,
        "tracking_number.route.queue",
        "there is no queue \"sales\"",
    ),
    (
        "[[tracking_number]]\nnumber = \"12025550100\"\nvoice_menu = \"main\"",
        3,
        1,
        "tracking_number.voice_menu",
        "a route is written route = { voice_menu = .. }",
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
        assert_eq!(&*error.file, "test.toml");
    }
}

#[test]
fn every_kind_of_route_must_lead_to_something_that_is_there() {
    for (kind, what) in [
        ("dial", "receiving number"),
        ("queue", "queue"),
        ("voice_menu", "voice menu"),
        ("voicemail", "voicemail box"),
        ("smart_router", "smart router"),
        ("geo_router", "geo router"),
        ("virtual_agent", "virtual agent"),
        ("agent", "agent"),
    ] {
        let text = format!(
            "[[tracking_number]]\nnumber = \"12025550100\"\nroute = {{ {kind} = \"x\" }}\n"
        );
        let error = refused(&text);
        assert!(error.message.contains(&format!("there is no {what} \"x\"")), "{error}");
        assert_eq!((error.line, error.column), (3, 14 + kind.len()), "{error}");
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
    assert_eq!((&*error.file, error.line), ("/nowhere/crosspoint.toml", 0));
}

proptest::proptest! {
    #[test]
    fn anything_is_read_or_refused_inside_the_file(text in "[\\[\\]a-z_=\"{}0-9.,\\n #:]{0,80}") {
        if let Err(error) = load(&text, "test.toml", Path::new("")) {
            proptest::prop_assert!(1 <= error.line && error.line <= text.lines().count().max(1) + 1);
        }
    }
}

#[test]
fn several_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let error = refused(
        "[[queue]]\nname = \"q\"\nmembers = [{ number = \"gone\" }]\n\
         [[schedule]]\nname = \"s\"\nzone = \"UTC\"\nhours = [\"someday\"]\n\
         [[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@b\"\nagent = \"ann\"\n\
         schedule = \"s\"\n\
         [[agent]]\nname = \"bob\"\n\
         [[tracking_number]]\nnumber = \"+12025550100\"\ndial = \"b\"\n\
         [[tracking_number]]\nnumber = \"+12025550101\"\ndial = \"c\"\n",
    );
    let all: Vec<_> = std::iter::once(&error).chain(&error.also).map(|it| it.line).collect();
    assert_eq!(all, [3, 7, 11, 17, 20], "{error}");
    let told = error.to_string();
    assert_eq!(told.matches("test.toml:").count(), 5, "{told}");
    let many: String = (0..30)
        .map(|n| format!("[[tracking_number]]\nnumber = \"+12025551{n:03}\"\ndial = \"b\"\n"))
        .collect();
    assert_eq!(refused(&many).also.len(), 19, "who has more reads these first");
}
