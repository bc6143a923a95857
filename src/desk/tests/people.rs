//! Who is there, who is busy, and who shares a phone.

use super::*;
use crate::model::Agent;

fn client(account: &str) -> ReceivingNumber {
    let endpoint = Endpoint::Client { account: account.into() };
    ReceivingNumber::new(&format!("{account}-phone"), endpoint)
}

fn agent(who: &str) -> Who {
    Who::Agent(who.into())
}

/// Ann with a phone of her account and a mobile, in a queue that callers of nobody pass by.
fn with_ann() -> Parts {
    let member = Member { who: agent("ann"), weight: 1 };
    let sales = Queue { members: vec![member], bypass_unavailable: true, ..Queue::new("sales") };
    let ann = Agent {
        account: Some("ann".into()),
        numbers: vec!["ann-phone".into()],
        ..Agent::new("ann")
    };
    let receiving_numbers = vec![client("ann"), number("a")];
    Parts { queues: vec![sales], agents: vec![ann], receiving_numbers, ..Parts::default() }
}

#[test]
fn an_agent_whose_phone_is_not_registered_is_not_there() {
    let mut town = Town::of(with_ann());
    town.joins(1);
    assert_eq!(town.said(), ["1 nobody"]);
    town.desk.registered(&"ann".into(), true, town.now, &mut town.told);
    town.joins(1);
    assert_eq!(town.said(), ["1 waits 1", "1 gets ann"]);
    // A busy agent is there all the same.
    town.joins(2);
    assert_eq!(town.said(), ["2 waits 2"]);
    town.ask(1, Ask::Leave);
    assert_eq!(town.said(), ["2 gets ann"]);
    town.desk.registered(&"ann".into(), false, town.now, &mut town.told);
    town.ask(2, Ask::Passed { who: agent("ann") });
    town.wait(seconds(60));
    assert_eq!(town.said(), Vec::<String>::new());
    town.desk.registered(&"ann".into(), true, town.now, &mut town.told);
    assert_eq!(town.said(), ["2 gets ann"]);
}

#[test]
fn an_agents_state_comes_from_its_calls_and_from_what_it_says() {
    let mut all = with_ann();
    all.queues[0].wrap_up = seconds(20);
    let mut town = Town::of(all);
    town.desk.registered(&"ann".into(), true, town.now, &mut town.told);
    let state = |town: &Town| town.desk.state("ann", town.now.at).unwrap().0;
    let set = |town: &mut Town, presence| {
        assert!(town.desk.set_presence("ann", presence, town.now, &mut town.told));
    };
    assert_eq!(state(&town), State::Available);
    // A call that she makes, and one to a number of hers.
    town.desk.calls(Caller(9), "ann", town.now);
    assert_eq!(state(&town), State::Busy);
    town.hears(9, &What::Ended { cause: Cause::default() });
    assert_eq!(state(&town), State::Available);
    let leg = town.dials(9, "ann-phone");
    assert_eq!(state(&town), State::Busy);
    town.joins(1);
    town.hangs_up(9, leg);
    assert_eq!(town.said(), ["1 waits 1", "1 gets ann"]);
    let leg = town.dials(1, "ann-phone");
    town.ask(1, Ask::Taken { who: agent("ann"), leg });
    town.hears(1, &What::Connected { leg });
    town.hangs_up(1, leg);
    assert_eq!(state(&town), State::WrapUp);
    // She is ready before her time.
    town.joins(2);
    set(&mut town, Presence::Available);
    assert_eq!(town.said(), ["2 waits 1", "2 gets ann"]);
    town.ask(2, Ask::Leave);
    set(&mut town, Presence::Away);
    assert_eq!(state(&town), State::Away);
    town.joins(3);
    assert_eq!(town.said(), ["3 nobody"]);
    assert!(!town.desk.set_presence("bob", Presence::Away, town.now, &mut town.told));
    assert_eq!(town.desk.state("bob", town.now.at), None);
}

#[test]
fn who_is_put_through_from_another_call_is_busy_and_so_is_who_changes_places() {
    let mut town = Town::of(with_ann());
    town.desk.registered(&"ann".into(), true, town.now, &mut town.told);
    let state = |town: &Town| town.desk.state("ann", town.now.at).unwrap().0;
    let on_line = |leg, was_caller| {
        let destination = "ann-phone".into();
        Ask::OnLine { leg, destination, was_caller }
    };
    // She is put through from call 1 to call 2; call 1 is over.
    let leg = town.dials(1, "ann-phone");
    town.ask(2, on_line(7, false));
    town.hangs_up(1, leg);
    assert_eq!(state(&town), State::Busy);
    town.hangs_up(2, 7);
    assert_eq!(state(&town), State::Available);
    // She calls, puts the other side through to somebody, and leaves.
    town.desk.calls(Caller(3), "ann", town.now);
    town.ask(3, on_line(2, true));
    assert_eq!(state(&town), State::Busy);
    town.hangs_up(3, 2);
    assert_eq!(state(&town), State::Available);
}

#[test]
fn who_shares_a_phone_is_not_offered_while_it_rings() {
    let mut all = with_ann();
    let bob = Agent { numbers: vec!["ann-phone".into(), "a".into()], ..Agent::new("bob") };
    all.agents.push(bob);
    for who in [agent("bob"), at("a")] {
        all.queues[0].members.push(Member { who, weight: 1 });
    }
    let mut town = Town::of(all);
    town.desk.registered(&"ann".into(), true, town.now, &mut town.told);
    town.joins(1);
    // Ann's phone is Bob's too; Bob's mobile is not hers, but he is not free.
    assert_eq!(town.said(), ["1 waits 1", "1 gets ann"]);
    town.ask(1, Ask::Passed { who: agent("ann") });
    assert_eq!(town.said(), ["1 gets bob"]);
}

#[test]
fn a_destination_for_several_calls_takes_as_many_and_rings_for_one_at_a_time() {
    let mut all = parts(queue(Distribution::RoundRobin, &["a"]));
    all.receiving_numbers[0].max_calls = Some(2);
    let mut town = Town::of(all);
    for caller in 1..=3 {
        town.joins(caller);
    }
    assert_eq!(town.offers(), ["1 gets a"]);
    town.takes(1, "a");
    assert_eq!(town.offers(), ["2 gets a"]);
    let leg = town.takes(2, "a");
    assert_eq!(town.offers(), Vec::<String>::new());
    town.hangs_up(2, leg);
    assert_eq!(town.offers(), ["3 gets a"]);
}

#[test]
fn an_agents_state_is_told_with_the_moment_it_began() {
    let mut all = with_ann();
    all.queues[0].wrap_up = seconds(20);
    let mut town = Town::of(all);
    town.desk.registered(&"ann".into(), true, town.now, &mut town.told);
    let state = |town: &Town| town.desk.state("ann", town.now.at).unwrap();
    let set = |town: &mut Town, presence| {
        assert!(town.desk.set_presence("ann", presence, town.now, &mut town.told));
    };
    let start = town.now.at;
    town.now = town.now.after(seconds(5));
    assert_eq!(state(&town), (State::Available, start));
    let rings = town.now.at;
    town.joins(1);
    let leg = town.dials(1, "ann-phone");
    town.ask(1, Ask::Taken { who: agent("ann"), leg });
    town.hears(1, &What::Connected { leg });
    town.now = town.now.after(seconds(30));
    assert_eq!(state(&town), (State::Busy, rings), "ringing and talking are one");
    let gone = town.now.at;
    town.hangs_up(1, leg);
    town.now = town.now.after(seconds(7));
    assert_eq!(state(&town), (State::WrapUp, gone));
    town.now = town.now.after(seconds(60));
    assert_eq!(state(&town), (State::Available, gone + seconds(20)), "it ended by itself");
    let away = town.now.at;
    set(&mut town, Presence::Away);
    town.now = town.now.after(seconds(1));
    set(&mut town, Presence::Away);
    assert_eq!(state(&town), (State::Away, away), "to say it again is nothing new");
    // She calls somebody, and is away all the same afterwards.
    let calls = town.now.at;
    town.desk.calls(Caller(9), "ann", town.now);
    assert_eq!(state(&town), (State::Busy, calls));
    town.now = town.now.after(seconds(1));
    let ended = town.now.at;
    town.hears(9, &What::Ended { cause: Cause::default() });
    town.now = town.now.after(seconds(1));
    assert_eq!(state(&town), (State::Away, ended));
    let back = town.now.at;
    set(&mut town, Presence::Available);
    assert_eq!(state(&town), (State::Available, back));
}
