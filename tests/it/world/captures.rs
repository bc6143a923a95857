//! Every SIP message of a call is found to be that call's, and no other's.

use std::collections::BTreeMap;

use crosspoint::capture::{Book, Captured, Caught, Kept, Limits, Want};
use crosspoint::clock::Wall;
use crosspoint::sip::{Hop, Transport};

use super::town::*;

/// What a book makes of all that was said in a town.
fn captured(town: &World) -> BTreeMap<String, Captured> {
    let edge = "10.0.0.1:5060".parse().unwrap();
    let limits = Limits { messages: 10_000, bytes: 100_000_000 };
    let mut book = Book::new(Kept::All, false, limits, vec![edge]);
    let dialog = |(call, call_id): &(std::sync::Arc<str>, bytes::Bytes)| Caught::Dialog {
        call: call.clone(),
        call_id: call_id.clone(),
    };
    let mut turn: Vec<_> = town.dialogs.iter().map(dialog).collect();
    for (at, sent) in &town.wire {
        let at = Wall::from_unix_micros(at.micros() as i64);
        let bytes = bytes::Bytes::from(sent.bytes.clone());
        let remote = if sent.from == edge { sent.to } else { sent.from };
        let hop = Hop { transport: Transport::Udp, listener: 0, remote, connection: None };
        turn.push(match sent.from == edge {
            true => Caught::Said { at, bytes, hop },
            false => Caught::Heard { at, bytes, hop },
        });
    }
    let mut out = Vec::new();
    book.take(turn, town.now(), &mut out);
    book.close_all(&mut out);
    let calls = out.into_iter().filter_map(|it| match it {
        Want::Keep(call) => Some((call.call.to_string(), call)),
        Want::Export(..) => None,
    });
    calls.collect()
}

/// Requests and responses on the wire.
fn messages(town: &World) -> usize {
    town.wire.iter().filter(|(_, it)| it.bytes.windows(8).any(|it| it == b"Call-ID:")).count()
}

#[test]
fn a_fork_with_losers_is_captured_whole() {
    let mut town = town(&[("b", ""), ("c", ""), ("d", "")], "dial = [\"b\", \"c\", \"d\"]");
    town.answers_after("b", secs(2));
    town.never_answers("c");
    town.refuses_after("d", secs(1), 486);
    town.call();
    town.connects();
    town.run_for(secs(2));
    town.hangs_up("b");
    town.ends();
    town.rests();
    let calls = captured(&town);
    let call = calls.get(&*town.record().id).expect("the call is there");
    assert_eq!(calls.len(), 1);
    assert_eq!(call.messages.len(), messages(&town));
    let begins = |text: &str| {
        let is = |it: &&crosspoint::capture::Message| it.bytes.starts_with(text.as_bytes());
        call.messages.iter().filter(is).count()
    };
    assert_eq!(begins("INVITE "), 4);
    assert_eq!(begins("CANCEL "), 1);
    assert_eq!(begins("BYE "), 2);
}

#[test]
fn calls_at_the_same_time_are_told_apart_even_in_a_storm() {
    let config = read(&plan(&[("b", ""), ("c", "")], "dial = [\"b\", \"c\"]"));
    for seed in 1..=5 {
        let mut town = settle(&config, seed, Weather::STORM);
        town.answers_after("b", secs(2));
        town.never_answers("c");
        town.call();
        town.run_for(secs(1));
        town.calls("other", NUMBER);
        town.run_for(secs(20));
        town.hangs_up(CARRIER);
        town.hangs_up("other");
        town.rests();
        let calls = captured(&town);
        assert_eq!(calls.len(), 2, "seed {seed}");
        let all: usize = calls.values().map(|it| it.messages.len()).sum();
        assert_eq!(all, messages(&town), "seed {seed}");
        let strangers = |address| {
            let with =
                |it: &&Captured| it.messages.iter().any(|m| [m.from, m.to].contains(&address));
            calls.values().filter(with).count()
        };
        assert_eq!(
            (strangers(address(CARRIER)), strangers(address("other"))),
            (1, 1),
            "seed {seed}"
        );
    }
}
