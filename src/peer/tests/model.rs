//! The registrar beside a much simpler one: whatever is asked of both, they answer alike.

use proptest::prelude::*;

use super::*;

/// A contact of the story: who it is, where it says it is, for how long.
#[derive(Clone, Debug)]
struct Said {
    who: Who,
    host: u8,
    expires: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Plain(u8),
    Instance(u8),
}

#[derive(Clone, Debug)]
enum Act {
    Register { call: u8, skip: i8, connection: Option<u8>, contacts: Vec<Said> },
    Star { call: u8, skip: i8 },
    Close { connection: u8 },
    Wait { seconds: u16 },
}

/// One account: who is bound, since when, until when.
#[derive(Default)]
struct Model {
    /// In the order of their first registration.
    bound: Vec<Bound>,
}

#[derive(Clone)]
struct Bound {
    who: Who,
    host: u8,
    call: u8,
    cseq: u32,
    refreshed: u64,
    until: u64,
    connection: Option<u8>,
    live: bool,
}

const MAX: usize = 3;

impl Model {
    fn register(
        &mut self,
        (call, cseq, connection): (u8, u32, Option<u8>),
        contacts: &[Said],
        now: u64,
    ) -> u16 {
        self.forget(now);
        if contacts.iter().any(|it| 0 < it.expires && it.expires < 60) {
            return 423;
        }
        let known = |it: &Said| self.bound.iter().find(|bound| bound.who == it.who);
        let late = |it: &Bound| it.call == call && cseq <= it.cseq;
        if contacts.iter().filter_map(known).any(late) {
            return 500;
        }
        let mut after = self.bound.clone();
        for it in contacts {
            let known = after.iter().position(|bound| bound.who == it.who);
            if it.expires == 0 {
                known.map(|n| after.remove(n));
                continue;
            }
            let until = now + u64::from(it.expires.min(7200));
            let (who, host, refreshed, live) = (it.who, it.host, now, true);
            let it = Bound { who, host, call, cseq, refreshed, until, connection, live };
            match known {
                Some(n) => after[n] = it,
                None => after.push(it),
            }
        }
        if MAX < after.len() && self.bound.len() < after.len() {
            if MAX < contacts.iter().filter(|it| 0 < it.expires).count() {
                return 403;
            }
            while MAX < after.len() {
                let worth = |n: &usize| (after[*n].live, after[*n].refreshed);
                after.remove((0..after.len()).min_by_key(worth).unwrap());
            }
        }
        self.bound = after;
        200
    }

    fn star(&mut self, call: u8, cseq: u32, now: u64) -> u16 {
        self.forget(now);
        if self.bound.iter().any(|it| it.call == call && cseq <= it.cseq) {
            return 500;
        }
        self.bound.clear();
        200
    }

    fn close(&mut self, connection: u8, now: u64) {
        for it in self.bound.iter_mut().filter(|it| it.connection == Some(connection)) {
            (it.live, it.connection) = (false, None);
            it.until = it.until.min(now + 5);
        }
    }

    fn forget(&mut self, now: u64) {
        self.bound.retain(|it| now < it.until);
    }
}

fn uri(it: &Said) -> String {
    match it.who {
        Who::Plain(n) => format!("sip:p{n}@10.0.0.1"),
        Who::Instance(n) => format!("sip:i{n}@10.0.0.{}", it.host),
    }
}

fn line(contacts: &[Said]) -> String {
    let one = |it: &Said| {
        let instance = match it.who {
            Who::Plain(_) => String::new(),
            Who::Instance(n) => format!(";+sip.instance=\"<urn:uuid:{n}>\""),
        };
        format!("<{}>;expires={}{instance}", uri(it), it.expires)
    };
    format!("Contact: {}", contacts.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn contact() -> impl Strategy<Value = Said> {
    let who = prop_oneof![(0_u8..4).prop_map(Who::Plain), (0_u8..3).prop_map(Who::Instance)];
    let expires = prop_oneof![Just(0), Just(59), Just(60), Just(100), Just(3600), Just(9000)];
    (who, 1_u8..4, expires).prop_map(|(who, host, expires)| Said { who, host, expires })
}

fn act() -> impl Strategy<Value = Act> {
    let call = 0_u8..2;
    // Mostly in order, sometimes late or again.
    let skip = prop_oneof![6 => Just(1_i8), 1 => Just(0), 1 => Just(-2)];
    let contacts = prop::collection::vec(contact(), 1..5);
    let connection = prop::option::of(0_u8..2);
    prop_oneof![
        6 => (call.clone(), skip.clone(), connection, contacts).prop_map(
            |(call, skip, connection, contacts)| Act::Register { call, skip, connection, contacts }
        ),
        1 => (call, skip).prop_map(|(call, skip)| Act::Star { call, skip }),
        1 => (0_u8..2).prop_map(|connection| Act::Close { connection }),
        3 => (0_u16..200).prop_map(|seconds| Act::Wait { seconds }),
    ]
}

proptest! {
    #[test]
    fn the_registrar_does_what_a_simple_one_would(acts in prop::collection::vec(act(), 1..40)) {
        let mut peers = peers(config());
        let account = peers.account("Ann").unwrap();
        let mut model = Model::default();
        let (mut cseqs, mut now) = ([1000_u32; 2], 1_u64);
        for act in acts {
            // No two requests at the same moment: the oldest contact must be one.
            now += 1;
            let mut ann = Phone::of("ann");
            let mut sent = |call: u8, skip: i8| {
                let cseq = &mut cseqs[usize::from(call)];
                *cseq = cseq.saturating_add_signed(skip.into());
                *cseq
            };
            let mut ask = |call: u8, cseq: u32, from: Hop, lines: &[&str]| {
                ann.call_id = format!("call{call}");
                ann.cseq = cseq - 1;
                ann.from = from;
                let request = ann.says("REGISTER", lines);
                ann.put(&mut peers, account, &request, at(now))
            };
            match act {
                Act::Register { call, skip, connection, contacts } => {
                    let cseq = sent(call, skip);
                    let from = match connection {
                        Some(it) => Hop { connection: Some(it.into()), ..hop(2, PHONE) },
                        None => hop(0, PHONE),
                    };
                    let answer = ask(call, cseq, from, &[&line(&contacts)]);
                    let status = model.register((call, cseq, connection), &contacts, now);
                    prop_assert_eq!(answer.status(), status);
                }
                Act::Star { call, skip } => {
                    let cseq = sent(call, skip);
                    let answer = ask(call, cseq, hop(0, PHONE), &["Contact: *", "Expires: 0"]);
                    prop_assert_eq!(answer.status(), model.star(call, cseq, now));
                }
                Act::Close { connection } => {
                    peers.on_connection_closed(connection.into(), at(now).at);
                    model.close(connection, now);
                }
                Act::Wait { seconds } => {
                    now += u64::from(seconds);
                    peers.on_time(at(now).at, &mut Vec::new());
                    model.forget(now);
                    prop_assert_eq!(peers.registered(), model.bound.len());
                }
            }
            let listed = Phone::of("ann").says("REGISTER", &[]);
            let listed = Phone::of("ann").put(&mut peers, account, &listed, at(now));
            model.forget(now);
            let mut is: Vec<_> = contacts(&listed).iter().map(|it| uri_of(it)).collect();
            let bound = model.bound.iter();
            let mut want: Vec<_> = bound
                .map(|it| uri(&Said { who: it.who, host: it.host, expires: 0 }))
                .collect();
            is.sort();
            want.sort();
            prop_assert_eq!(is, want);
            let live = model.bound.iter().filter(|it| it.live).count();
            prop_assert_eq!(peers.reachable(account, at(now).at), live);
        }
        peers.on_time(at(now + 10_000).at, &mut Vec::new());
        prop_assert_eq!((peers.registered(), peers.deadline()), (0, None));
    }
}

fn uri_of(contact: &str) -> String {
    contact.trim_start_matches('<').split('>').next().unwrap().to_owned()
}
