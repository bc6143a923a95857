//! The extension of 15550100004, measured where B hears it.

use super::edge::Edge;
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

/// Payload type of telephone events that B asks for.
const EVENTS: u8 = 96;

/// By the clock, a busy machine may hold up a packet: one call in so many must be on time.
const CALLS: usize = 3;

#[test]
fn the_extension_is_dialled_on_time_before_the_caller_is_connected() {
    let mut measured = Vec::new();
    while measured.len() < CALLS {
        let gaps = gaps_of_one_call();
        if are_right(&gaps) {
            return;
        }
        measured.push(gaps);
    }
    panic!("between the starts of keys: {measured:?}");
}

/// `ww` is a second more than the gap between other keys, which are all alike: within 20 ms.
fn are_right(gaps: &[f64]) -> bool {
    let normal = (gaps[1] + gaps[2] + gaps[3]) / 3.0;
    gaps[1..].iter().all(|it| (it - normal).abs() <= 0.02) && (gaps[0] - normal - 1.0).abs() <= 0.02
}

/// Calls, looks at all that the clock has no part in, and measures from key to key by the clock.
fn gaps_of_one_call() -> Vec<f64> {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100004", &ada.sdp(101));
    let there = b.rings();
    carrier.status(180);
    bob.speak(there.invite.media().unwrap(), 900);
    b.picks_up(&there, &bob.sdp(EVENTS));
    let answer = carrier.status(200);

    let keys = bob.keys(EVENTS);
    let dialled: String = keys.iter().map(|it| it.key).collect();
    assert_eq!(dialled, "31928", "before the caller is connected: {keys:?}");
    for key in &keys {
        assert_eq!(key.timestamps.len(), 1, "one timestamp for a press: {key:?}");
        assert_eq!(key.ends, 3, "the end is sent three times: {key:?}");
        assert!(key.marked, "the first packet is marked: {key:?}");
    }
    // From the start of a key to the start of the next: by the clock, and by the timestamps.
    let by_clock: Vec<f64> =
        keys.windows(2).map(|it| (it[1].first - it[0].first).as_secs_f64()).collect();
    let by_stamp: Vec<f64> = keys
        .windows(2)
        .map(|it| f64::from(it[1].timestamps[0].wrapping_sub(it[0].timestamps[0])) / 8000.0)
        .collect();
    assert!(are_right(&by_stamp), "{by_stamp:?}");
    assert!(keys[4].last < answer.at, "the caller is connected after the last key");
    let early = carrier.heard(|it| it.status() == 200 && it.method() == "INVITE");
    assert_eq!(early.len(), 1);

    carrier.ack(&mut call, &answer.message, "");
    ada.await_tone(900, seconds(0.2), SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    let record = edge.record("ended");
    assert_eq!(record["legs"][0]["symbols"].as_array().unwrap().len(), 7, "{record:#}");
    assert!(!record.to_string().contains("31928") && !record.to_string().contains("3ww1928"));
    by_clock
}
