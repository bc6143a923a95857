//! One directory in more than one hand: two edges on one database, and `crosspoint directory` beside
//! an edge that runs.

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::api::{Asker, with_api};
use super::edge::Edge;
use super::phone::Phone;
use super::postgres::Postgres;
use super::seconds;
use super::voice::Voice;

/// How soon a change that was made elsewhere is in force.
const FOLLOWS: f64 = 2.0;

/// A listener that one edge has and the other has not.
const SECOND: &str = "
[[sip.listener]]
name = \"second\"
address = \"127.0.0.1:5062\"
transports = [\"udp\"]
";

/// Waits for something to be so; how long that took.
fn awaits(what: &str, within: f64, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + seconds(within);
    while !holds() {
        assert!(Instant::now() < give_up, "{what}: not within {within} s");
        std::thread::sleep(seconds(0.02));
    }
}

/// Whether calls to a number are routed there now.
fn routes(asker: &Asker, number: &str) -> bool {
    let said = asker.ask("POST /v1/explain", "", json!({ "number": number }));
    assert_eq!(said.status, 200, "{said:?}");
    said.json()["text"].as_str().unwrap().contains("Route: dial")
}

fn ready(asker: &Asker) -> String {
    asker.ask("GET /health/ready", "", Value::Null).body
}

#[test]
fn two_edges_on_one_postgresql_have_one_directory_and_say_when_it_is_gone() {
    let Some(database) = Postgres::start("sharing") else { return };
    let edge = |node: &str, more: &str| {
        let store = format!("database = \"{}\"\nnode = \"{node}\"\n{more}", database.url());
        Edge::start_with(|it| with_api(it) + &store)
    };
    let a = edge("a", SECOND);
    let at_a = Asker::first(&a);
    let b = edge("b", "");
    let at_b = at_a.at(&b);
    let number = |label: &str| json!({"number": "+15550100777", "label": label, "dial": ["b-1"]});
    assert!(!routes(&at_b, "+15550100777"));
    at_a.put("POST /v1/tracking_numbers", number("new"));
    awaits("b follows a", FOLLOWS, || routes(&at_b, "+15550100777"));
    // And the other way round, with the revision that it has learnt.
    let line = "/v1/tracking_numbers/+15550100777";
    let seen = at_b.ask(&format!("GET {line}"), "", Value::Null);
    assert!(seen.head.to_lowercase().contains("etag: \"1\""), "{seen:?}");
    let said = at_b.ask(&format!("PUT {line}"), "If-Match: \"1\"\r\n", number("newer"));
    assert_eq!(said.status, 200, "{said:?}");
    let label = |asker: &Asker| asker.ask(&format!("GET {line}"), "", Value::Null).json();
    awaits("a follows b", FOLLOWS, || label(&at_a)["label"] == "newer");
    at_a.put(&format!("DELETE {line}"), Value::Null);
    awaits("what is deleted is gone", FOLLOWS, || !routes(&at_b, "+15550100777"));
    let log = at_b.ask("GET /v1/audit?subject=tracking_number/%2B15550100777", "", Value::Null);
    let log = log.json();
    let sources: Vec<_> = log["items"].as_array().unwrap().iter().map(|it| &it["source"]).collect();
    assert_eq!(sources.len(), 3);
    assert!(sources.iter().all(|it| it.as_str().unwrap().starts_with("127.")), "{log:#}");

    // What cannot be so at b leaves the directory there that was, until it is put right.
    let carrier = json!({"name": "more", "sources": ["192.0.2.9"], "listeners": ["second"]});
    at_a.put("POST /v1/trunks", carrier);
    let refused = "degraded: the directory in the database cannot be in force here";
    awaits("b says that it cannot", FOLLOWS, || ready(&at_b).starts_with(refused));
    assert_eq!(ready(&at_a), "ready\n");
    let status = at_b.ask("GET /v1/status", "", Value::Null).json();
    assert_eq!(status["directory"]["in_force"], false, "{status:#}");
    let why = status["directory"]["why"].as_str().unwrap();
    assert!(why.contains("there is no listener \"second\""), "{why}");
    assert!(b.log().contains("cannot be in force here"), "{}", b.log());
    assert!(routes(&at_b, "+15550100001"), "the old one is in force");
    at_a.put("DELETE /v1/trunks/more", Value::Null);
    awaits("b is well again", FOLLOWS, || ready(&at_b) == "ready\n");

    assert_eq!((ready(&at_a), ready(&at_b)), ("ready\n".into(), "ready\n".into()));
    database.end();
    let gone = |asker: &Asker| ready(asker).starts_with("degraded: the database does not answer");
    awaits("both say that it is gone", 15.0, || gone(&at_a) && gone(&at_b));
    assert_eq!(at_a.ask("GET /health/live", "", Value::Null).body, "live\n");
    database.begin();
    awaits("and that it is back", 30.0, || ready(&at_a) == "ready\n" && ready(&at_b) == "ready\n");
    at_a.put("POST /v1/tracking_numbers", number("again"));
    awaits("b follows as before", FOLLOWS, || routes(&at_b, "+15550100777"));
}

/// `crosspoint directory ..`, as somebody at the same machine.
fn directory(edge: &Edge, words: &[&str], key: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosspoint"));
    let program = program.current_dir(&edge.folder).arg("directory").args(words);
    program.env("CROSSPOINT_KEY", key).output().expect("it runs")
}

fn says(edge: &Edge, words: &[&str], key: &str) -> String {
    let output = directory(edge, words, key);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_import_on_the_command_line_is_followed_by_the_edge_that_runs() {
    let edge = Edge::start_with(with_api);
    let asker = Asker::first(&edge);
    let here = ["--config", "edge.toml", "--data", "data"];
    let with = |words: &[&'static str]| [words, &here[..]].concat();
    let out = says(&edge, &with(&["export"]), "");
    std::fs::write(edge.folder.join("more.toml"), out + "\n[[agent]]\nname = \"zoe\"\n").unwrap();
    assert_eq!(says(&edge, &with(&["import", "more.toml"]), ""), "+ agent \"zoe\"\n");
    let zoe = || asker.ask("GET /v1/agents/zoe", "", Value::Null).status == 200;
    awaits("the edge follows", FOLLOWS, zoe);
    let state = asker.ask("PUT /v1/agents/zoe/state", "", json!({"state": "away"}));
    assert_eq!(state.status, 204, "the exchange knows her too: {state:?}");
    let log = asker.ask("GET /v1/audit?subject=agent/zoe", "", Value::Null).json();
    let entries = log["items"].as_array().unwrap();
    assert!(entries.iter().any(|it| it["by"] == "command line" && it["source"] == ""), "{log:#}");
}

#[test]
fn a_directory_goes_out_of_a_running_edge_and_in_again_through_its_api() {
    let edge = Edge::start_with(with_api);
    let asker = Asker::first(&edge);
    let url = format!("http://{}/", edge.net.at(1, 8060));
    let there = ["--api", url.as_str()];
    let with = |words: &[&'static str]| -> Vec<&str> { [words, &there[..]].concat() };
    let out = says(&edge, &with(&["export"]), &asker.key);
    assert!(out.contains("number = \"+15550100001\"") && !out.contains("password"), "{out}");
    std::fs::write(edge.folder.join("same.toml"), &out).unwrap();
    let same = "Nothing is different.\n";
    assert_eq!(says(&edge, &with(&["diff", "same.toml"]), &asker.key), same);
    let more = out.clone() + "\n[[agent]]\nname = \"zoe\"\n";
    std::fs::write(edge.folder.join("more.toml"), &more).unwrap();
    let added = "+ agent \"zoe\"\n";
    assert_eq!(says(&edge, &with(&["diff", "more.toml"]), &asker.key), added);
    assert_eq!(says(&edge, &with(&["export"]), &asker.key), out, "nothing has changed so far");
    assert_eq!(says(&edge, &with(&["import", "more.toml"]), &asker.key), added);
    assert_eq!(asker.ask("GET /v1/agents/zoe", "", Value::Null).status, 200);
    // By its name on the command line as well.
    let mut words = with(&["import", "same.toml"]);
    words.extend(["--key", &asker.key]);
    assert_eq!(says(&edge, &words, ""), "- agent \"zoe\"\n");
    assert_eq!(says(&edge, &with(&["export"]), &asker.key), out);

    let refused = |words: &[&str], key: &str| {
        let output = directory(&edge, words, key);
        assert!(!output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let wrong = out.clone() + "\n[[agent]]\nname = \"yan\"\naccount = \"gone\"\n";
    let line = wrong.lines().count();
    std::fs::write(edge.folder.join("wrong.toml"), wrong).unwrap();
    let said = refused(&with(&["import", "wrong.toml"]), &asker.key);
    assert!(said.contains(&format!("line {line}: ")) && said.contains("no account"), "{said}");
    for key in ["", "nonsense"] {
        let said = refused(&with(&["export"]), key);
        assert!(said.contains("the edge refuses"), "{said}");
    }
    let nobody = format!("http://{}", edge.net.at(1, 8061));
    let said = refused(&["export", "--api", &nobody], &asker.key);
    assert!(said.contains("asking the edge"), "{said}");
    assert_eq!(says(&edge, &with(&["export"]), &asker.key), out);
}

#[test]
fn a_database_that_somebody_keeps_locked_is_told_and_has_everything_in_the_end() {
    let edge = Edge::start_with(with_api);
    let asker = Asker::first(&edge);
    let mut nobody = asker.at(&edge);
    nobody.key.clear();
    assert_eq!(ready(&nobody), "ready\n");
    let script = "import sqlite3, sys\n\
                  db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
                  db.execute('BEGIN IMMEDIATE')\n\
                  print('held', flush=True)\n\
                  sys.stdin.read()\n";
    let mut holder = Command::new("python3")
        .args(["-c", script])
        .arg(edge.folder.join("data/crosspoint.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut held = [0; 5];
    holder.stdout.as_mut().unwrap().read_exact(&mut held).unwrap();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    b.rings();
    let refuses = "degraded: the database refuses records, they wait in the journal";
    awaits("it is told", 20.0, || ready(&nobody).trim_end() == refuses);
    carrier.cancel(&call);
    carrier.status(487);
    drop(holder.stdin.take());
    holder.wait().unwrap();
    awaits("it goes on", 20.0, || ready(&nobody) == "ready\n");
    let found = || {
        let said = asker.ask("GET /v1/records?outcome=abandoned", "", Value::Null).json();
        said["items"].as_array().unwrap().len() == 1
    };
    awaits("nothing is lost", 5.0, found);
    let status = asker.ask("GET /v1/status", "", Value::Null).json();
    assert_eq!(status["store"]["refuses_records"], false, "{status:#}");
    assert_eq!((&status["store"]["up"], &status["store"]["why"]), (&json!(true), &Value::Null));
}
