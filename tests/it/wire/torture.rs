//! sipwire (tests/tools) sends the torture messages of RFC 4475 and RFC 5118, and mutations of
//! them, to the running program; `expected.tsv` says what may come back.

use std::process::Command;

use super::edge::Edge;

/// Runs sipwire; what it printed.
fn sipwire(edge: &Edge, arguments: &str) -> (Option<i32>, String) {
    let run = Command::new("python3")
        .arg("tests/tools/sipwire.py")
        .args(["--dut", &edge.net.edge().to_string(), "--bind", &edge.net.ip(9).to_string()])
        .args(["--pid", &edge.pid()])
        .args(arguments.split_whitespace())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("python3 (make peers)");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    (run.status.code(), said + &String::from_utf8_lossy(&run.stderr))
}

fn all_is_well(edge: &Edge, arguments: &str) {
    let (code, said) = sipwire(edge, arguments);
    assert_eq!(code, Some(0), "sipwire {arguments}\n{said}");
    assert!(!edge.log().contains("panicked"));
}

const RFC_4475: &str =
    "--dir tests/corpus/rfc4475 --ext .dat --tsv tests/corpus/rfc4475/expected.tsv";
const RFC_5118: &str =
    "--dir tests/corpus/rfc5118/wire --ext .sip --tsv tests/corpus/rfc5118/expected.tsv";

/// What a stream hears otherwise than a datagram: the body that never comes (clerr) is waited for
/// until 4 s have passed, longer than sipwire waits; and a request without a Content-Length
/// (inv2543) has no end on a stream, so it is 400 there (RFC 3261 section 20.14).
const OTHERWISE_OVER_TCP: [&str; 2] = ["clerr.dat", "inv2543.dat"];

#[test]
fn torture_messages_over_udp_are_answered_as_the_rfcs_say() {
    let edge = Edge::start();
    all_is_well(&edge, &format!("{RFC_4475} --wait 0.3"));
    all_is_well(&edge, &format!("{RFC_5118} --wait 0.3"));
}

#[test]
fn torture_messages_over_tcp_are_answered_as_the_rfcs_say() {
    let edge = Edge::start();
    let (_, said) = sipwire(&edge, &format!("{RFC_4475} --transport tcp --wait 0.3"));
    let bad = said.lines().find_map(|it| it.strip_prefix("bad: ")).unwrap_or_default();
    assert_eq!(bad.split(' ').collect::<Vec<_>>(), OTHERWISE_OVER_TCP, "{said}");
    assert!(!edge.log().contains("panicked"));
    all_is_well(&edge, &format!("{RFC_5118} --transport tcp --wait 0.3 --chunk 7"));
}

#[test]
fn a_thousand_mutated_messages_do_not_stop_it() {
    let edge = Edge::start();
    all_is_well(&edge, "--mutate tests/corpus --seed 7 --count 1000");
}
