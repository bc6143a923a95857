//! Whatever comes, in whatever order: no panic, one end, nothing left.

use super::rig::*;
use crate::audio::Digit;
use crate::dialog::{Cause, Direction, Event, Interval, Invite, Invited, Policy};
use crate::sip::Message;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

const STATUSES: [u16; 16] =
    [100, 180, 183, 199, 200, 200, 202, 302, 401, 408, 422, 481, 486, 491, 500, 603];
const LINES: [&str; 9] = [
    FAR_CONTACT,
    "",
    "Contact: <nonsense\r\n",
    "Require: 100rel\r\nRSeq: 1\r\nContact: <sip:x@10.0.0.1>\r\n",
    "Require: 100rel\r\nRSeq: 4294967295\r\n",
    "Session-Expires: 90;refresher=uas\r\nRequire: timer\r\nSupported: timer\r\n",
    "Session-Expires: 1\r\nMin-SE: 4294967295\r\n",
    "Record-Route: <sip:strict>, <sip:loose;lr>\r\nContact: <sip:x@10.0.0.1>\r\n",
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=true\r\n",
];
const METHODS: [&str; 10] =
    ["INVITE", "ACK", "BYE", "UPDATE", "PRACK", "INFO", "OPTIONS", "REFER", "NOTIFY", "FOO"];
const BODIES: [&str; 5] = [FAR_SDP, "", "v=0\r\n", "nonsense", "Signal=1\r\n"];

/// One random thing happens.
fn happens(rig: &mut Rig, heard: &mut Vec<Message>, dice: &mut Dice, cseq: &mut u32) {
    match dice.below(12) {
        0..4 if !heard.is_empty() => {
            let request = heard[dice.below(heard.len() as u64) as usize].clone();
            let (status, tag) = (dice.of(&STATUSES), dice.of(&["b1", "b2", "b3", ""]));
            let (lines, sdp) = (dice.of(&LINES), dice.of(&BODIES));
            rig.answers(&request, status, tag, lines, sdp);
        }
        4..8 => {
            *cseq += dice.below(3) as u32;
            let (method, lines, body) = (dice.of(&METHODS), dice.of(&LINES), dice.of(&BODIES));
            let kind = dice.of(&["application/sdp", "application/dtmf-relay", ""]);
            let rack = format!("RAck: {} 10 INVITE\r\n{lines}", dice.below(4));
            let tag = dice.of(&["b1", "b2"]);
            match heard.iter().find(|it| it.to_tag().is_empty()).cloned() {
                Some(invite) => rig.asks_back(&invite, tag, method, *cseq, body),
                None => rig.asks(method, *cseq, &rack, kind, body),
            }
        }
        8 => rig.waits(seconds(dice.below(40))),
        9 => rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn)),
        10 => rig.does(|leg, turn| leg.ring(Some(menu()), turn)),
        _ => match dice.below(8) {
            0 => rig.does(|leg, turn| leg.release(&Cause::completed_elsewhere(), turn)),
            1..4 => rig.does(|leg, turn| leg.answer(menu(), turn)),
            4 => rig.does(|leg, turn| leg.send_key(Digit::from_char('5').unwrap(), turn)),
            _ => rig.does(|leg, turn| leg.ring(None, turn)),
        },
    }
    heard.extend(rig.sent().into_iter().filter(Message::is_request));
}

#[test]
fn any_leg_ends_once_and_leaves_nothing_whatever_comes() {
    let (mut answered, mut ended) = (0, 0);
    for seed in 1..=800u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let timer = Some(Interval { wanted: 90, least: 90 });
        let policy = Policy { timer, ..Policy::default() };
        let mut rig = match dice.below(2) {
            0 => Rig::calls(Invite { policy, ..plain_invite() }),
            _ => {
                let sdp = dice.of(&[FAR_SDP, ""]);
                let text = far_invite("Supported: 100rel, timer\r\n", sdp);
                Rig::is_called(&text, Invited { policy, ..plain_invited() }).ok().unwrap()
            }
        };
        let mut heard: Vec<Message> = rig.sent().into_iter().filter(Message::is_request).collect();
        let mut cseq = 10;
        for _ in 0..40 {
            happens(&mut rig, &mut heard, &mut dice, &mut cseq);
        }
        rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
        rig.waits(seconds(400));
        assert!(rig.is_over(), "seed {seed}");
        assert_eq!(rig.leg.deadline(), None, "seed {seed}");
        let told = rig.told();
        let over = told.iter().filter(|it| matches!(it, Event::Over)).count();
        let ends = told
            .iter()
            .filter(|it| matches!(it, Event::Refused { .. } | Event::HungUp { .. }))
            .count();
        let answers = told.iter().filter(|it| matches!(it, Event::Answered { .. })).count();
        assert!(over == 1 && ends <= 1 && answers <= 1, "seed {seed}: {told:?}");
        assert!(matches!(told.last(), Some(Event::Over)), "seed {seed}: {told:?}");
        answered += answers;
        ended += ends;
    }
    // The dice did reach the middle of calls, and their ends.
    assert!(80 < answered && 80 < ended, "{answered} {ended}");
}
