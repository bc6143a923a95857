//! The registrar (RFC 3261 section 10.3, RFC 3327, RFC 5626).

use super::*;
use crate::peer::config::WhenFull;
use crate::peer::{Place, Snapshot};

const HERE: &str = "Contact: <sip:ann@10.0.0.1>";

fn header(answer: &Message, name: Name) -> String {
    answer.header(name).map(|it| String::from_utf8(it.into_owned()).unwrap()).unwrap_or_default()
}

#[test]
fn a_registration_lists_all_contacts_with_what_is_left_of_each() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let answer = ann.registers(&mut peers, &[HERE, "Expires: 600"], at(1));
    assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1>;expires=600"]);
    let mut second = Phone { call_id: "other".into(), ..Phone::of("ann") };
    let both = second.registers(
        &mut peers,
        &["Contact: <sip:ann@10.0.0.2>;q=0.5;expires=99999, <sip:ann@10.0.0.3>;expires=120"],
        at(101),
    );
    let wanted = [
        "<sip:ann@10.0.0.1>;expires=500",
        "<sip:ann@10.0.0.2>;expires=7200;q=0.500",
        "<sip:ann@10.0.0.3>;expires=120",
    ];
    assert_eq!(contacts(&both), wanted);
    assert_eq!(contacts(&ann.registers(&mut peers, &[], at(101))), wanted, "no Contact asks");
    assert_eq!(peers.registered(), 3);
}

#[test]
fn a_contact_without_expiry_gets_the_default_and_one_with_nonsense_an_hour() {
    let registrar = Registrar { default_expires: 700 * SECOND, ..config().registrar };
    let mut peers = peers(Config { registrar, ..config() });
    let mut ann = Phone::of("ann");
    let answer = ann.registers(&mut peers, &[HERE], at(1));
    assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1>;expires=700"]);
    let nonsense = "Contact: <sip:ann@10.0.0.1>;expires=soon";
    let answer = ann.registers(&mut peers, &[nonsense], at(1));
    assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1>;expires=3600"]);
    let huge = "Contact: <sip:ann@10.0.0.1>;expires=99999999999999999999";
    let answer = ann.registers(&mut peers, &[huge], at(1));
    assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1>;expires=7200"]);
}

#[test]
fn one_request_names_so_many_contacts_and_no_more() {
    let registrar = Registrar { max_contacts: 100, ..config().registrar };
    let mut peers = peers(Config { registrar, ..config() });
    let mut ann = Phone::of("ann");
    let contacts = |count| {
        let all: Vec<_> = (0..count).map(|n| format!("<sip:ann@10.0.0.{n}>")).collect();
        format!("Contact: {}", all.join(","))
    };
    assert_eq!(ann.registers(&mut peers, &[&contacts(33)], at(1)).status(), 400);
    assert_eq!(peers.registered(), 0);
    assert_eq!(ann.registers(&mut peers, &[&contacts(32)], at(1)).status(), 200);
    assert_eq!(peers.registered(), 32);
}

#[test]
fn too_short_an_expiry_hears_the_least_and_changes_nothing() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let lines = ["Contact: <sip:ann@10.0.0.2>", "Contact: <sip:ann@10.0.0.1>;expires=59"];
    let answer = ann.registers(&mut peers, &lines, at(1));
    assert_eq!((answer.status(), answer.min_expires()), (423, Some(60)));
    assert_eq!(peers.registered(), 0);
    let answer = ann.registers(&mut peers, &[HERE, "Expires: 60"], at(1));
    assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1>;expires=60"]);
}

#[test]
fn expiry_is_spread_but_never_below_the_least() {
    let registrar = Registrar { spread_percent: 10, ..config().registrar };
    let mut peers = peers(Config { registrar, ..config() });
    let mut ann = Phone::of("ann");
    let mut granted = |wish: u32| {
        let line = format!("Expires: {wish}");
        let answer = ann.registers(&mut peers, &[HERE, &line], at(1));
        let contact = contacts(&answer).remove(0);
        contact.rsplit('=').next().unwrap().parse::<u32>().unwrap()
    };
    let all: Vec<_> = (0..50).map(|_| granted(1000)).collect();
    assert!(all.iter().all(|it| (900..=1000).contains(it)), "{all:?}");
    assert!(all.iter().any(|it| *it < 930) && all.iter().any(|it| 970 < *it), "{all:?}");
    assert!((0..20).all(|_| granted(62) >= 60));
}

#[test]
fn a_contact_goes_when_it_is_over_or_taken_back() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    ann.registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>;expires=60, <sip:ann@x>"], at(1));
    assert_eq!(peers.deadline(), Some(at(61).at));
    peers.on_time(at(60).at, &mut Vec::new());
    assert_eq!(peers.registered(), 2);
    peers.on_time(at(61).at, &mut Vec::new());
    assert_eq!(peers.registered(), 1);
    let answer = ann.registers(&mut peers, &["Contact: <sip:ann@x>;expires=0"], at(62));
    assert!(contacts(&answer).is_empty());
    peers.on_time(at(4000).at, &mut Vec::new());
    assert_eq!((peers.registered(), peers.deadline()), (0, None));
}

#[test]
fn a_refresh_moves_the_alarm() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    for n in 0..50 {
        let now = at(1 + 30 * n);
        peers.on_time(now.at, &mut Vec::new());
        ann.registers(&mut peers, &[HERE, "Expires: 60"], now);
        assert_eq!(peers.registered(), 1);
    }
    peers.on_time(at(1 + 30 * 49 + 60).at, &mut Vec::new());
    assert_eq!(peers.registered(), 0);
}

#[test]
fn a_star_takes_all_back_but_only_with_expires_0_and_alone() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    ann.registers(&mut peers, &[HERE, "Contact: <sip:ann@x>"], at(1));
    for lines in [
        &["Contact: *"][..],
        &["Contact: *", "Expires: 60"],
        &["Contact: *", HERE, "Expires: 0"],
        &["Contact: *", "Contact: *", "Expires: 0"],
    ] {
        assert_eq!(ann.registers(&mut peers, lines, at(2)).status(), 400, "{lines:?}");
        assert_eq!(peers.registered(), 2);
    }
    let answer = ann.registers(&mut peers, &["Contact: *", "Expires: 0"], at(3));
    assert!(contacts(&answer).is_empty());
    assert_eq!(peers.registered(), 0);
}

#[test]
fn an_older_request_changes_nothing_but_another_call_id_may_begin_anew() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    ann.cseq = 100;
    ann.registers(&mut peers, &[HERE], at(1));
    let account = peers.account("Ann").unwrap();
    for lines in [
        &["Contact: <sip:new@x>", "Contact: <sip:ann@10.0.0.1>;expires=0"][..],
        &["Contact: *", "Expires: 0"],
    ] {
        ann.cseq = 50;
        let late = ann.says("REGISTER", lines);
        assert_eq!(ann.put(&mut peers, account, &late, at(2)).status(), 500);
        assert_eq!(peers.registered(), 1);
    }
    let mut rebooted = Phone { call_id: "another".into(), ..Phone::of("ann") };
    let answer = rebooted.registers(&mut peers, &[HERE, "Expires: 60"], at(3));
    assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1>;expires=60"]);
}

#[test]
fn contacts_are_compared_as_uris() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    ann.registers(&mut peers, &["Contact: <sip:ann@Host.Example;transport=udp>"], at(1));
    ann.registers(&mut peers, &["Contact: <sip:%61nn@host.example;Transport=UDP>"], at(2));
    assert_eq!(peers.registered(), 1);
    ann.registers(&mut peers, &["Contact: <sip:Ann@host.example;transport=udp>"], at(3));
    assert_eq!(peers.registered(), 2);
}

#[test]
fn an_instance_has_one_contact_per_flow_wherever_it_is() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let line = |host: &str, reg_id: &str| {
        format!("Contact: <sip:ann@{host}>;+sip.instance=\"<urn:uuid:1>\"{reg_id}")
    };
    let plain = ["Contact: <sip:ann@10.0.0.1>"];
    ann.registers(&mut peers, &plain, at(1));
    ann.registers(&mut peers, &[&line("10.0.0.1", "")], at(2));
    assert_eq!(peers.registered(), 1, "the same phone learnt to say its instance");
    ann.call_id = "rebooted".into();
    let answer = ann.registers(&mut peers, &[&line("10.0.0.9", "")], at(3));
    let wanted = "<sip:ann@10.0.0.9>;expires=3600;+sip.instance=\"<urn:uuid:1>\"";
    assert_eq!(contacts(&answer), [wanted]);
    let flows = [line("10.0.0.9", ";reg-id=1"), line("10.0.0.9", ";reg-id=2")];
    ann.registers(&mut peers, &[&flows[0]], at(4));
    let answer = ann.registers(&mut peers, &[&flows[1], "Supported: path, outbound"], at(5));
    assert_eq!(contacts(&answer).len(), 3);
    assert!(answer.requires("outbound"));
    ann.registers(&mut peers, &[&flows[1]], at(6));
    assert_eq!(peers.registered(), 3);
}

#[test]
fn one_contact_too_many_pushes_the_oldest_out_or_is_refused() {
    let mut peers = self::peers(config());
    let mut ann = Phone::of("ann");
    for n in 1..=3 {
        ann.registers(&mut peers, &[&format!("Contact: <sip:{n}@x>")], at(n));
    }
    ann.registers(&mut peers, &["Contact: <sip:1@x>"], at(4));
    let answer = ann.registers(&mut peers, &["Contact: <sip:4@x>"], at(5));
    let left: Vec<_> = contacts(&answer).iter().map(|it| it[..8].to_owned()).collect();
    assert_eq!(left, ["<sip:1@x", "<sip:3@x", "<sip:4@x"]);
    let four = (5..9).map(|n| format!("<sip:{n}@x>")).collect::<Vec<_>>().join(", ");
    let answer = ann.registers(&mut peers, &[&format!("Contact: {four}")], at(6));
    assert_eq!(answer.status(), 403, "they would push each other out");

    let registrar = Registrar { when_full: WhenFull::Refuse, ..config().registrar };
    peers.adopt(Config { registrar, ..config() }, at(7).at).unwrap();
    assert_eq!(ann.registers(&mut peers, &["Contact: <sip:5@x>"], at(7)).status(), 403);
    let swap = "Contact: <sip:5@x>, <sip:4@x>;expires=0";
    assert_eq!(contacts(&ann.registers(&mut peers, &[swap], at(8))).len(), 3);
}

#[test]
fn a_contact_said_twice_in_one_request_counts_once() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let twice = |it: &str| format!("Contact: <sip:ann@x>;{it}, <sip:ann@x>;{it}");
    ann.registers(&mut peers, &[&twice("expires=60")], at(1));
    assert_eq!(peers.registered(), 1);
    ann.registers(&mut peers, &[&twice("expires=0")], at(2));
    assert_eq!(peers.registered(), 0);
    let back = "Contact: <sip:ann@x>, <sip:ann@x>;expires=0, <sip:ann@x>";
    ann.registers(&mut peers, &[back], at(3));
    assert_eq!(peers.registered(), 1);
    // Two instances at one URI: the first takes the binding over, the second adds its own.
    let instance = |n| format!("Contact: <sip:ann@x>;+sip.instance=\"{n}\"");
    ann.registers(&mut peers, &[&instance(1), &instance(2)], at(4));
    assert_eq!(peers.registered(), 2);
}

#[test]
fn beyond_the_global_limit_nobody_new_is_bound_but_the_others_go_on() {
    let registrar = Registrar { max_bindings: 1, ..config().registrar };
    let mut peers = peers(Config { registrar, ..config() });
    let mut ann = Phone::of("ann");
    let mut bob = Phone::of("bob");
    ann.registers(&mut peers, &[HERE], at(1));
    let refused = bob.registers(&mut peers, &["Contact: <sip:bob@x>"], at(1));
    assert_eq!((refused.status(), refused.retry_after()), (503, Some(60)));
    assert_eq!(ann.registers(&mut peers, &[HERE], at(2)).status(), 200);
}

#[test]
fn a_contact_we_could_not_call_is_refused() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let long = format!("Contact: <sip:{}@x>", "a".repeat(600));
    let instance = format!("{HERE};+sip.instance=\"{}\"", "a".repeat(129));
    for line in ["Contact: <mailto:a@b>", "Contact: <tel:+1555>", "Contact: <", &long, &instance] {
        assert_eq!(ann.registers(&mut peers, &[line], at(1)).status(), 400, "{line}");
    }
    assert_eq!(peers.registered(), 0);
}

#[test]
fn what_we_cannot_do_is_named() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let answer = ann.registers(&mut peers, &[HERE, "Require: path, gruu"], at(1));
    assert_eq!((answer.status(), &*header(&answer, Name::Unsupported)), (420, "gruu"));
    assert_eq!(peers.registered(), 0);
}

#[test]
fn a_path_is_kept_and_told() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let lines = [HERE, "Path: <sip:p1.example;lr>, <sip:p2.example;lr>", "Supported: path"];
    let answer = ann.registers(&mut peers, &lines, at(1));
    assert_eq!(answer.headers(Name::Path).count(), 2);
    let targets = peers.locate(&Place::Account("Ann".into()), 1, at(1).at);
    let routes: Vec<_> = targets[0].routes.iter().map(|it| it.as_bytes()).collect();
    assert_eq!(routes, [b"sip:p1.example;lr", b"sip:p2.example;lr"]);
}

#[test]
fn registrations_outlive_a_restart_but_for_those_over_tcp() {
    let mut before = peers(config());
    let mut ann = Phone::of("ann");
    let lines = [
        "Contact: <sip:ann@10.0.0.1>;expires=600;q=0.7;+sip.instance=\"<urn:uuid:1>\";reg-id=3",
        "Path: <sip:p.example;lr>",
    ];
    ann.registers(&mut before, &lines, at(1000));
    let mut bob = Phone { from: hop(2, PHONE), ..Phone::of("bob") };
    bob.registers(&mut before, &["Contact: <sip:bob@10.0.0.1>"], at(1000));
    let text = serde_json::to_string(&before.snapshot(at(1100))).unwrap();

    let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(snapshot.registrations.len(), 2);
    let mut after = peers(config());
    // The clock of the new process starts at 0 again.
    let now = Now { at: at(5).at, wall: at(1200).wall };
    after.restore(snapshot.clone(), now);
    assert_eq!(after.registered(), 1);
    let place = Place::Account("Ann".into());
    let (old, new) = (before.locate(&place, 1, at(1200).at), after.locate(&place, 1, now.at));
    assert_eq!(format!("{old:?}"), format!("{new:?}"));
    assert_eq!(after.deadline(), Some(at(5 + 400).at));
    ann.cseq = 1;
    let account = after.account("Ann").unwrap();
    let late = ann.says("REGISTER", &lines);
    assert_eq!(ann.put(&mut after, account, &late, now).status(), 500);

    let mut much_later = peers(config());
    much_later.restore(snapshot, at(1601));
    assert_eq!(much_later.registered(), 0);
}

#[test]
fn a_new_configuration_keeps_phones_and_drops_those_whose_account_went() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    let mut bob = Phone::of("bob");
    ann.registers(&mut peers, &[HERE], at(1));
    bob.registers(&mut peers, &["Contact: <sip:bob@x>"], at(1));
    let id = peers.account("Ann");
    let mut fewer = config();
    fewer.accounts.remove(1);
    peers.adopt(fewer, at(2).at).unwrap();
    assert_eq!((peers.registered(), peers.account("Bob")), (1, None));
    let refused = bob.tries(&mut peers, "REGISTER", &[], at(2));
    assert_eq!(refused, Admission::Challenge { stale: false });
    let mut broken = config();
    broken.accounts[1].user = "ann".into();
    assert!(peers.adopt(broken, at(3).at).is_err());
    assert_eq!(peers.account("Ann"), id);
    peers.adopt(config(), at(4).at).unwrap();
    assert_eq!((peers.account("Ann"), peers.registered()), (id, 1));
    assert!(matches!(bob.tries(&mut peers, "REGISTER", &[], at(5)), Admission::Client(_)));
}
