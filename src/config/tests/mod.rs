//! Every configuration that is shipped loads, and says what it should.

mod demo;
mod never;
mod words;
mod wrong;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::clock::Wall;
use crate::flow::{self, Entry};
use crate::model::trunk::NumberFormat;
use crate::model::{Caller, Endpoint, Order, PromptSource, Route, Secret, Whisper};
use crate::peer;

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
    let expected = ["bench", "carriers", "demo-directory", "interop", "quickstart", "reference"]
        .map(|it| format!("{it}.toml"));
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
    let instead =
        ["ha1_md5", "ha1_sha256", "route = \"hangup\"", "order = ", "user = \"me\"", "unless."];
    let instead = |line: &str| instead.iter().any(|it| line.starts_with(it));
    let mut taken = String::new();
    let (mut section, mut examples) = ("", 0);
    for line in reference().leak().lines() {
        if line.starts_with('[') {
            section = line;
        }
        let for_sip = section == "[[receiving_number]]"
            && ["password", "realm"].iter().any(|it| line.trim_start_matches('#').starts_with(it));
        match line.strip_prefix('#').filter(|it| !it.is_empty() && !it.starts_with(' ')) {
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
fn the_peer_room_takes_every_shipped_configuration() {
    use crate::clock::Instant;
    for name in ["bench", "carriers", "demo-directory", "interop", "quickstart", "reference"] {
        let config = shipped(&format!("{name}.toml"));
        let peers = peer::Peers::new(config.peers(), [7; 32], Instant::START);
        assert!(peers.is_ok(), "{name}: {:?}", peers.err());
    }
    let flowroute = shipped("carriers.toml").peers();
    let trunk = flowroute.trunks.iter().find(|it| &*it.name == "flowroute").unwrap();
    assert_eq!(trunk.numbers.prefix, "12345678*");
    assert_eq!(flowroute.listeners.len(), 2);
}

#[test]
fn a_trunk_of_one_listener_is_known_at_its_sockets_only() {
    let config = loaded(
        "[[sip.listener]]\nname = \"a\"\naddress = \"127.0.0.1:5060\"\n\
         [[sip.listener]]\nname = \"b\"\naddress = \"127.0.0.1:5061\"\n\
         [[trunk]]\nname = \"t\"\nsources = [\"192.0.2.1\"]\nlisteners = [\"b\"]\n",
    );
    let sockets = config.sockets();
    let places = |it: &peer::config::Source| usize::from(it.listener.unwrap());
    let peers = config.peers();
    let at: Vec<_> = peers.trunks[0].sources.iter().map(places).collect();
    assert_eq!(at, [2, 3]);
    assert!(at.iter().all(|it| sockets[*it].name == "b"));
}

#[test]
fn secrets_are_not_printed() {
    let config = loaded(&format!("{BASE}extension = \"73519\"\n"));
    let printed = format!("{config:?}");
    assert!(!printed.contains("s3cret-word") && !printed.contains("73519"));
    let wrong = "[[account]]\nuser = \"bob\"\npassword = \"s3cret-word\"\nha1_md5 = \"s3cret\"\n";
    let error = refused(wrong);
    assert!(!format!("{error}{error:?}").contains("s3cret"), "{error}");
}
