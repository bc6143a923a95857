//! The table's stories: whole messages in, whole messages out.

mod random;

use super::*;
use crate::sip::{self, Hop, Message};
use crate::transaction::testing::{TCP, UDP, at, hop_to};
use crate::transaction::{Arrived, Failure};

#[test]
fn an_invite_is_answered_100_at_once_and_its_resends_hear_the_last_response() {
    let mut world = World::default();
    let invite = world.arrives_new("INVITE", "b1", "");
    assert_eq!(world.sent(), ["100"]);
    world.arrives_again("INVITE", "b1", "");
    world.responds(invite, 180);
    world.arrives_again("INVITE", "b1", "");
    assert_eq!(world.sent(), ["100", "180", "180"]);
}

#[test]
fn a_lost_200_is_resent_by_the_dialog_and_the_resent_invite_is_absorbed() {
    let mut world = World::default();
    let invite = world.arrives_new("INVITE", "b1", "");
    world.responds(invite, 200);
    world.arrives_again("INVITE", "b1", "");
    world.responds(invite, 200);
    assert_eq!(world.sent(), ["100", "200", "200"]);
    assert!(matches!(world.arrives("ACK", "b2", "ours"), Arrived::Ack { .. }));
    world.runs_dry(32_000);
}

#[test]
fn a_refusal_is_resent_until_its_ack_which_goes_no_further() {
    let mut world = World::default();
    let invite = world.arrives_new("INVITE", "b1", "");
    world.responds(invite, 486);
    world.until(1_500);
    assert_eq!(world.sent(), ["100", "486", "486", "486"]);
    world.arrives_again("ACK", "b1", "ours");
    world.arrives_again("ACK", "b1", "ours");
    world.runs_dry(6_500);
    assert_eq!(world.sent(), [""; 0]);
}

#[test]
fn a_refusal_nobody_acknowledges_is_told() {
    let mut world = World::default();
    let invite = world.arrives_new("INVITE", "b1", "");
    world.responds(invite, 486);
    world.until(31_999);
    assert!(world.table.servers_by.len() == 1 && world.told().is_empty());
    world.until(32_000);
    assert_eq!(world.told(), [Out::Unacknowledged { server: invite }]);
    assert_eq!(world.table.len(), 0);
}

#[test]
fn a_request_is_handed_up_once_and_its_resends_hear_the_answer_for_32_s() {
    let mut world = World::default();
    let bye = world.arrives_new("BYE", "b1", "ours");
    world.arrives_again("BYE", "b1", "ours");
    assert_eq!(world.sent(), [""; 0]);
    world.responds(bye, 200);
    world.until(31_000);
    world.arrives_again("BYE", "b1", "ours");
    assert_eq!(world.sent(), ["200", "200"]);
    world.runs_dry(32_000);
}

#[test]
fn another_sent_by_or_method_is_another_transaction() {
    let mut world = World::default();
    world.arrives_new("INVITE", "b1", "");
    world.arrives_new("INFO", "b1", "ours");
    let other = text("INFO", "b1", "ours", "").replace("carrier.example", "other.example");
    assert!(matches!(world.takes(&other, UDP), Arrived::Request { .. }));
    let shouted = text("INFO", "b1", "ours", "").replace("carrier.example", "CARRIER.example");
    assert!(matches!(world.takes(&shouted, UDP), Arrived::Absorbed));
}

#[test]
fn the_same_invite_by_another_way_is_merged_while_the_first_may_yet_be_answered() {
    let mut world = World::default();
    let first = world.arrives_new("INVITE", "b1", "");
    assert!(matches!(world.arrives("INVITE", "b2", ""), Arrived::Absorbed));
    assert_eq!(world.sent(), ["100", "482"]);
    // Within a dialog a request cannot be merged.
    world.arrives_new("INVITE", "b3", "ours");
    world.responds(first, 503);
    world.arrives_new("INVITE", "b4", "");
}

#[test]
fn a_cancel_is_answered_200_and_told_once() {
    let mut world = World::default();
    let invite = world.arrives_new("INVITE", "b1", "");
    world.responds(invite, 180);
    world.sent();
    let cancelled = world.arrives("CANCEL", "b1", "");
    assert!(matches!(cancelled, Arrived::Cancelled { invite: it, .. } if it == invite));
    world.arrives_again("CANCEL", "b1", "");
    let answers = world.messages();
    assert_eq!(answers.iter().map(Message::status).collect::<Vec<_>>(), [200, 200]);
    assert_eq!(answers[0].to_tag(), b"ours", "the tag of the INVITE's own responses");
    world.responds(invite, 487);
    assert_eq!(world.sent(), ["487"]);
}

#[test]
fn a_cancel_that_crosses_our_200_changes_nothing() {
    let mut world = World::default();
    let invite = world.arrives_new("INVITE", "b1", "");
    world.responds(invite, 200);
    world.arrives_again("CANCEL", "b1", "");
    assert_eq!(world.sent(), ["100", "200", "200"]);
    world.responds(invite, 487);
    assert_eq!(world.sent(), [""; 0]);
}

#[test]
fn a_cancel_of_nothing_is_answered_481_and_leaves_nothing_behind() {
    let mut world = World::default();
    world.arrives_again("CANCEL", "b1", "");
    world.arrives_again("CANCEL", "b1", "");
    let answers = world.messages();
    assert_eq!(answers.iter().map(Message::status).collect::<Vec<_>>(), [481, 481]);
    assert!(!answers[0].to_tag().is_empty());
    assert_eq!(answers[0].to_tag(), answers[1].to_tag());
    assert_eq!((world.table.len(), world.table.deadline()), (0, None));
}

#[test]
fn an_rfc_2543_client_is_known_by_everything_but_its_branch() {
    let mut world = World::default();
    let old = |it: String| it.replace("z9hG4bK", "old");
    let invite = match world.takes(&old(text("INVITE", "1", "", "")), UDP) {
        Arrived::Request { server, .. } => server,
        it => panic!("{it:?}"),
    };
    assert!(matches!(world.takes(&old(text("INVITE", "1", "", "")), UDP), Arrived::Absorbed));
    world.responds(invite, 486);
    assert!(matches!(world.takes(&old(text("ACK", "1", "ours", "")), UDP), Arrived::Absorbed));
    world.sent();
    world.until(4_000);
    assert_eq!(world.sent(), [""; 0], "the ACK found its INVITE");
    let next = old(text("INVITE", "1", "", "")).replace("CSeq: 1 ", "CSeq: 2 ");
    assert!(matches!(world.takes(&next, UDP), Arrived::Request { .. }));
}

#[test]
fn responses_go_where_the_request_says_it_listens_or_asks_for() {
    let source = hop_to([203, 0, 113, 9], 40_000);
    let cases = [
        ("203.0.113.9:5062", "", 5062),
        ("203.0.113.9", "", 5060),
        ("203.0.113.9:5062", ";rport", 40_000),
        ("carrier.example:5062", "", 5062),
        // A private address in front of a NAT.
        ("10.0.0.7:5062", "", 40_000),
    ];
    for (sent_by, parameters, port) in cases {
        let mut world = World::default();
        let sent_by = format!("{sent_by}{parameters}");
        let invite = text("INVITE", "b1", "", "").replace("carrier.example", &sent_by);
        world.takes(&invite, source);
        let expected = hop_to([203, 0, 113, 9], port);
        assert_eq!(world.hops(), [expected], "{sent_by}");
    }
    let mut world = World::default();
    world.takes(&text("INVITE", "b1", "", ""), TCP);
    assert_eq!(world.hops(), [TCP]);
}

#[test]
fn above_the_cap_an_invite_hears_503_and_calls_can_still_end() {
    let mut world = World::with(Limits { clients: 1, servers: 4 });
    for branch in ["b1", "b2", "b3", "b4"] {
        world.arrives_new("INFO", branch, "ours");
    }
    let full = text("INVITE", "b5", "", "").replace("call-1", "call-2");
    assert!(matches!(world.takes(&full, UDP), Arrived::Absorbed));
    assert_eq!(world.sent(), ["503"]);
    let options = text("OPTIONS", "b6", "", "").replace("call-1", "call-3");
    assert!(matches!(world.takes(&options, UDP), Arrived::Absorbed));
    world.arrives_new("BYE", "b7", "ours");
    assert!(matches!(world.arrives("BYE", "b8", "ours"), Arrived::Absorbed));
    assert_eq!((world.sent().len(), world.table.len()), (0, 5));
    world.requests("OPTIONS", "c1");
    let second = world.requests("OPTIONS", "c2");
    let why = Failure::Transport;
    assert_eq!(world.told(), [Out::Failed { owner: 7, client: second, why }]);
}

#[test]
fn a_refusal_of_our_invite_is_acknowledged_on_its_branch_and_route() {
    let mut world = World::default();
    let route = "Route: <sip:p1.example;lr>\r\nRoute: <sip:p2.example;lr>\r\n";
    let client = world.requests_with("INVITE", "c1", route);
    assert_eq!(world.sent(), ["INVITE"]);
    assert_eq!(world.hears("INVITE", "c1", 486), Some((7, client, 486)));
    assert_eq!(world.hears("INVITE", "c1", 486), None);
    let acks = world.messages();
    assert_eq!(acks.len(), 2);
    for ack in acks {
        assert_eq!(ack.method().as_bytes(), b"ACK");
        assert_eq!((ack.branch(), ack.cseq()), (b"z9hG4bKc1".as_slice(), 1));
        assert_eq!((ack.to_tag(), ack.from_tag()), (b"ours".as_slice(), b"theirs".as_slice()));
        assert_eq!(ack.request_uri(), b"sip:15550100001@edge.example");
        let text = String::from_utf8_lossy(ack.bytes());
        assert!(text.contains(route), "{text}");
    }
    world.runs_dry(32_000);
}

#[test]
fn every_2xx_of_our_invite_is_handed_up_and_none_acknowledged_here() {
    let mut world = World::default();
    let client = world.requests("INVITE", "c1");
    for status in [180, 200, 200] {
        assert_eq!(world.hears("INVITE", "c1", status), Some((7, client, status)));
    }
    assert_eq!(world.sent(), ["INVITE"]);
    world.runs_dry(32_000);
    assert_eq!(world.hears("INVITE", "c1", 200), None);
    assert!(world.told().is_empty());
}

#[test]
fn a_request_nobody_answers_fails_once() {
    for method in ["INVITE", "BYE"] {
        let mut world = World::default();
        let client = world.requests(method, "c1");
        world.until(31_999);
        assert!(world.told().is_empty());
        world.runs_dry(32_000);
        let why = Failure::Timeout;
        assert_eq!(world.told(), [Out::Failed { owner: 7, client, why }]);
    }
}

#[test]
fn after_give_up_nothing_is_resent_and_a_late_2xx_is_still_handed_up() {
    let mut world = World::default();
    let client = world.requests("INVITE", "c1");
    world.until(4_000);
    assert_eq!(world.sent().len(), 4);
    world.table.give_up(client, at(4_000));
    world.until(20_000);
    assert_eq!(world.sent(), [""; 0]);
    assert_eq!(world.hears("INVITE", "c1", 200), Some((7, client, 200)));
    world.runs_dry(52_000);
    assert!(world.told().is_empty());
}

#[test]
fn after_give_up_a_phone_that_begins_to_ring_is_told_and_has_64_t1_from_its_cancel_on() {
    let mut world = World::default();
    let client = world.requests("INVITE", "c1");
    world.table.give_up(client, at(0));
    world.until(31_000);
    world.sent();
    assert_eq!(world.hears("INVITE", "c1", 180), Some((7, client, 180)));
    let cancel = world.requests("CANCEL", "c1");
    assert_eq!(world.hears("CANCEL", "c1", 200), Some((7, cancel, 200)));
    world.until(62_999);
    assert_eq!(world.hears("INVITE", "c1", 200), Some((7, client, 200)));
    world.runs_dry(94_999);
    assert!(world.told().is_empty());
}

#[test]
fn after_give_up_silence_is_no_failure() {
    let mut world = World::default();
    let client = world.requests("INVITE", "c1");
    world.table.give_up(client, at(0));
    world.runs_dry(32_000);
    assert!(world.told().is_empty());
}

#[test]
fn a_cancelled_invite_nobody_refuses_fails_64_t1_after_the_cancel() {
    let mut world = World::default();
    let invite = world.requests("INVITE", "c1");
    world.hears("INVITE", "c1", 180);
    world.until(60_000);
    assert_eq!(world.table.len(), 1);
    let cancel = world.requests("CANCEL", "c1");
    assert_eq!(world.hears("CANCEL", "c1", 200), Some((7, cancel, 200)));
    world.runs_dry(92_000);
    let why = Failure::Timeout;
    assert_eq!(world.told(), [Out::Failed { owner: 7, client: invite, why }]);
}

#[test]
fn a_cancel_and_its_invite_hear_their_own_answers() {
    let mut world = World::default();
    let invite = world.requests("INVITE", "c1");
    world.hears("INVITE", "c1", 180);
    let cancel = world.requests("CANCEL", "c1");
    // The 200 of the INVITE crosses the CANCEL.
    assert_eq!(world.hears("INVITE", "c1", 200), Some((7, invite, 200)));
    assert_eq!(world.hears("CANCEL", "c1", 200), Some((7, cancel, 200)));
}

#[test]
fn a_broken_connection_fails_what_waits_on_it_and_nothing_else() {
    let mut world = World::default();
    let other = Hop { connection: Some(2), ..TCP };
    let any = Hop { connection: None, ..TCP };
    let clients = [("c1", TCP), ("c2", other), ("c3", any), ("c4", TCP), ("c5", UDP)]
        .map(|(branch, hop)| world.requests_to("BYE", branch, hop));
    world.hears("BYE", "c4", 200);
    world.told();
    let mut out = Vec::new();
    world.table.on_transport_error(&TCP, &mut out);
    let why = Failure::Transport;
    let failed = [clients[2], clients[0]].map(|client| Out::Failed { owner: 7, client, why });
    assert_eq!(out, failed);
    assert_eq!((world.table.len(), world.table.flows.len()), (2, 2));
    out.clear();
    world.table.on_transport_error(&other, &mut out);
    assert_eq!(out, [Out::Failed { owner: 7, client: clients[1], why }]);
    assert_eq!((world.table.len(), world.table.flows.len()), (1, 1));
}

#[test]
fn a_request_that_does_not_read_fails_at_once() {
    let mut world = World::default();
    let client = world.table.request("nonsense".into(), UDP, 7, at(0), &mut world.out);
    let why = Failure::Transport;
    assert_eq!(world.told(), [Out::Failed { owner: 7, client, why }]);
    assert_eq!(world.table.len(), 0);
}

#[test]
fn a_response_to_nothing_of_ours_is_dropped() {
    let mut world = World::default();
    world.requests("INVITE", "c1");
    assert_eq!(world.hears("INVITE", "c2", 200), None);
    assert_eq!(world.hears("BYE", "c1", 200), None);
    let passed = response(&text("INVITE", "c1", "", ""), 200, "ours")
        .replace("From:", "Via: SIP/2.0/UDP p.example;branch=z9hG4bKx\r\nFrom:");
    let message = sip::parse(passed.into()).unwrap();
    assert!(world.table.on_response(message, at(0), &mut world.out).is_none());
}

#[test]
fn a_transaction_is_small() {
    // At three thousand calls a second there are four hundred thousand of them, mostly finished.
    let sizes = (size_of::<Server>(), size_of::<Client<u64>>());
    assert!(sizes.0 <= 208 && sizes.1 <= 240, "{sizes:?}");
}

/// A table, its clock, and what it said.
struct World {
    now: Instant,
    out: Vec<Out<u8>>,
    table: Table<u8>,
}

impl Default for World {
    fn default() -> Self {
        Self::with(Limits::default())
    }
}

impl World {
    fn with(limits: Limits) -> Self {
        Self { now: at(0), out: Vec::new(), table: Table::new(limits, 42) }
    }

    fn takes(&mut self, text: &str, from: Hop) -> Arrived {
        let request = sip::parse(text.to_owned().into()).unwrap();
        self.table.on_request(request, from, self.now, &mut self.out)
    }

    fn arrives(&mut self, method: &str, branch: &str, to_tag: &str) -> Arrived {
        self.takes(&text(method, branch, to_tag, ""), UDP)
    }

    fn arrives_new(&mut self, method: &str, branch: &str, to_tag: &str) -> ServerId {
        match self.arrives(method, branch, to_tag) {
            Arrived::Request { server, .. } => server,
            it => panic!("{method} {branch}: {it:?}"),
        }
    }

    fn arrives_again(&mut self, method: &str, branch: &str, to_tag: &str) {
        let it = self.arrives(method, branch, to_tag);
        assert!(matches!(it, Arrived::Absorbed), "{method} {branch}: {it:?}");
    }

    fn responds(&mut self, server: ServerId, status: u16) {
        let bytes = response(&text("INVITE", "any", "", ""), status, "ours");
        self.table.respond(server, bytes.into(), status, self.now, &mut self.out);
    }

    fn requests(&mut self, method: &str, branch: &str) -> ClientId {
        self.requests_with(method, branch, "")
    }

    fn requests_with(&mut self, method: &str, branch: &str, lines: &str) -> ClientId {
        let text = text(method, branch, "", lines);
        self.table.request(text.into(), UDP, 7, self.now, &mut self.out)
    }

    fn requests_to(&mut self, method: &str, branch: &str, to: Hop) -> ClientId {
        let text = text(method, branch, "", "");
        self.table.request(text.into(), to, 7, self.now, &mut self.out)
    }

    fn hears(&mut self, method: &str, branch: &str, status: u16) -> Option<(u8, ClientId, u16)> {
        let bytes = response(&text(method, branch, "", ""), status, "ours");
        let response = sip::parse(bytes.into()).unwrap();
        let (owner, client, response) =
            self.table.on_response(response, self.now, &mut self.out)?;
        Some((owner, client, response.status()))
    }

    /// Turns the clock from deadline to deadline.
    fn until(&mut self, ms: u64) {
        while let Some(next) = self.table.deadline().filter(|it| *it <= at(ms)) {
            self.now = next;
            self.table.on_time(next, &mut self.out);
            assert!(self.table.deadline().is_none_or(|it| next < it));
        }
        self.now = at(ms);
    }

    /// The last transaction ends at this millisecond.
    fn runs_dry(&mut self, ms: u64) {
        self.until(ms - 1);
        assert_ne!(self.table.len(), 0);
        self.until(ms);
        assert_eq!(self.table.len(), 0);
        let Table { clients_by, servers_by, merges, flows, .. } = &self.table;
        assert_eq!((clients_by.len(), servers_by.len(), merges.len(), flows.len()), (0, 0, 0, 0));
    }

    fn messages(&mut self) -> Vec<Message> {
        self.drain(|it| match it {
            Out::Send { bytes, .. } => Ok(sip::parse(bytes).unwrap()),
            it => Err(it),
        })
    }

    fn hops(&mut self) -> Vec<Hop> {
        self.drain(|it| match it {
            Out::Send { to, .. } => Ok(to),
            it => Err(it),
        })
    }

    /// What was sent since last asked: methods and status codes.
    fn sent(&mut self) -> Vec<String> {
        let name = |it: Message| match it.status() {
            0 => String::from_utf8_lossy(it.method().as_bytes()).into_owned(),
            status => status.to_string(),
        };
        self.messages().into_iter().map(name).collect()
    }

    /// What was said besides, since last asked.
    fn told(&mut self) -> Vec<Out<u8>> {
        self.drain(|it| match it {
            it @ Out::Send { .. } => Err(it),
            it => Ok(it),
        })
    }

    fn drain<T>(&mut self, take: impl Fn(Out<u8>) -> Result<T, Out<u8>>) -> Vec<T> {
        let mut taken = Vec::new();
        for it in std::mem::take(&mut self.out) {
            match take(it) {
                Ok(it) => taken.push(it),
                Err(it) => self.out.push(it),
            }
        }
        taken
    }
}

fn text(method: &str, branch: &str, to_tag: &str, lines: &str) -> String {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    format!(
        "{method} sip:15550100001@edge.example SIP/2.0\r\n\
         Via: SIP/2.0/UDP carrier.example;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\n\
         {lines}\
         From: <sip:12025550123@carrier.example>;tag=theirs\r\n\
         To: <sip:15550100001@edge.example>{to_tag}\r\n\
         Call-ID: call-1\r\n\
         CSeq: 1 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// A response to `request`, whose To has no tag yet.
fn response(request: &str, status: u16, tag: &str) -> String {
    let (_, head) = request.split_once("\r\n").unwrap();
    let tagged = format!("edge.example>;tag={tag}\r\nCall-ID");
    let head = head.replace("edge.example>\r\nCall-ID", &tagged);
    let lines: Vec<&str> = head.split("\r\n").filter(|it| !it.starts_with("Max-")).collect();
    format!("SIP/2.0 {status} So\r\n{}", lines.join("\r\n"))
}
