//! Two legs that talk to each other over a wire that loses, repeats and delays.

use super::rig::*;
use crate::dialog::{Cause, Direction, Event, Interval, Invite, Invited, Policy, Reliable};

struct Wire {
    caller: Rig,
    callee: Rig,
    random: u64,
    /// Packets in a hundred that are lost.
    loss: u64,
}

impl Wire {
    /// A caller's INVITE has reached a callee, with these policies.
    fn new(policy: &Policy, loss: u64, seed: u64) -> Self {
        let mut caller = Rig::calls(Invite { policy: policy.clone(), ..plain_invite() });
        let invite = caller.sent_bytes().remove(0);
        let text = String::from_utf8(invite.to_vec()).unwrap();
        let invited = Invited { policy: policy.clone(), ..plain_invited() };
        let callee = Rig::is_called(&text, invited).map_err(|it| it.status).unwrap();
        Self { caller, callee, random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, loss }
    }

    fn lost(&mut self) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % 100 < self.loss
    }

    /// Carries packets both ways for some seconds, a tenth of a second each way.
    fn runs(&mut self, time: u64) {
        for _ in 0..time * 10 {
            for bytes in self.caller.sent_bytes() {
                if !self.lost() {
                    self.callee.hears(&String::from_utf8_lossy(&bytes));
                }
            }
            for bytes in self.callee.sent_bytes() {
                if !self.lost() {
                    self.caller.hears(&String::from_utf8_lossy(&bytes));
                }
            }
            self.caller.waits(seconds(1) / 10);
            self.callee.waits(seconds(1) / 10);
        }
    }
}

fn answered(events: &[Event]) -> usize {
    events.iter().filter(|it| matches!(it, Event::Answered { .. })).count()
}

#[test]
fn a_whole_call_survives_loss_and_leaves_nothing_behind() {
    for seed in 1..=60 {
        let policy = Policy {
            reliable: if seed % 2 == 0 { Reliable::Required } else { Reliable::Supported },
            timer: Some(Interval { wanted: 120, least: 90 }),
            sticky: false,
        };
        let mut wire = Wire::new(&policy, 20, seed);
        wire.callee.does(|leg, turn| leg.ring(Some(menu()), turn));
        wire.runs(3);
        wire.callee.does(|leg, turn| leg.answer(menu(), turn));
        wire.runs(12);
        let (by_caller, by_callee) = (wire.caller.told(), wire.callee.told());
        assert_eq!((answered(&by_caller), answered(&by_callee)), (1, 1), "seed {seed}");
        wire.caller.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
        wire.callee.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
        wire.runs(30);
        wire.callee.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
        wire.runs(110);
        assert!(wire.caller.is_over() && wire.callee.is_over(), "seed {seed}");
        assert_eq!(wire.caller.leg.deadline(), None);
        let told = wire.caller.told();
        let over = told.iter().filter(|it| matches!(it, Event::Over)).count();
        assert_eq!(over, 1, "seed {seed}: {told:?}");
    }
}

#[test]
fn a_cancel_and_an_answer_that_cross_leave_nothing_behind() {
    for seed in 1..=60 {
        let mut wire = Wire::new(&Policy::default(), 15, seed);
        wire.callee.does(|leg, turn| leg.ring(None, turn));
        wire.runs(1 + seed % 3);
        wire.caller.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
        wire.callee.does(|leg, turn| leg.answer(menu(), turn));
        wire.runs(110);
        assert!(wire.caller.is_over() && wire.callee.is_over(), "seed {seed}");
        assert_eq!(answered(&wire.caller.told()), 0, "seed {seed}");
    }
}

#[test]
fn sessions_are_refreshed_for_as_long_as_the_call_lasts() {
    let policy = Policy { timer: Some(Interval { wanted: 90, least: 90 }), ..Policy::default() };
    let mut wire = Wire::new(&policy, 0, 1);
    wire.callee.does(|leg, turn| leg.answer(menu(), turn));
    wire.runs(1);
    wire.caller.told();
    wire.callee.told();
    wire.runs(1000);
    assert!(wire.caller.told().is_empty() && wire.callee.told().is_empty());
}
