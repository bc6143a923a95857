//! `configs/interop.toml` word for word: the file itself, on 127.0.0.1:5060, every number of it once.

use std::time::Instant;

use super::edge::Edge;
use super::message::Message;
use super::network::Network;
use super::peers::{baresip, sipp_calls};
use super::phone::{Line, Phone};
use super::voice::Voice;
use super::{SOON, seconds};

#[test]
fn the_interop_contract_stands_on_the_wire() {
    let Some(net) = Network::verbatim() else {
        eprintln!(
            "\n*** NOT TESTED: 127.0.0.1:5060 is taken, configs/interop.toml was not tried\n"
        );
        return;
    };
    let edge = Edge::start_verbatim(net, "interop.toml");
    by_sipp(&edge);
    let phones = Phones::of(&edge);
    phones.strangers_must_authenticate(&edge);
    phones.b_alone();
    phones.b_c_and_d_at_once();
    phones.b_then_c();
    phones.b_with_an_extension(&edge);
    phones.the_client(&edge);
    phones.nobody_is_there();
    phones.b_and_no_fallback();
    phones.not_set_up();
    for phone in phones.all() {
        assert_eq!(phone.count(|it| it.is("OPTIONS")), 0, "no health probing");
    }
    // A record may be in memory only for half a second.
    let give_up = Instant::now() + SOON;
    while edge.records().iter().any(|it| it["state"] != "ended") {
        assert!(Instant::now() < give_up, "{:#?}", edge.records());
        std::thread::sleep(seconds(0.05));
    }
}

/// What SIPp does best: TCP towards B, and a B that challenges.
fn by_sipp(edge: &Edge) {
    sipp_calls(edge, "15550100001", "answers", "u1", "u1");
    sipp_calls(edge, "+15550100001", "answers", "t1", "u1");
    sipp_calls(edge, "15550100005", "answers", "u1", "t1");
    sipp_calls(edge, "15550100006", "challenges", "u1", "u1");
}

struct Phones {
    carrier: Phone,
    b: Phone,
    c: Phone,
    d: Phone,
    /// What all of them describe; nobody listens there.
    sdp: String,
}

/// What a destination is called by begins with the number that was dialled.
#[track_caller]
fn is_for(invite: &Message, number: &str) {
    let uri = invite.request_uri();
    assert!(uri.starts_with(&format!("sip:{number}@127.0.0.3")), "{invite:?}");
}

impl Phones {
    fn of(edge: &Edge) -> Self {
        let there = |name| Phone::destination(&edge.net, name);
        Self {
            carrier: Phone::carrier(&edge.net),
            b: there('B'),
            c: there('C'),
            d: there('D'),
            sdp: Voice::at(edge.net.ip(11)).sdp(101),
        }
    }

    fn all(&self) -> [&Phone; 4] {
        [&self.carrier, &self.b, &self.c, &self.d]
    }

    /// `phone`, which rings, answers; the caller is connected and hangs up.
    fn talks(&self, mut call: Line, phone: &Phone, there: &Line) {
        phone.picks_up(there, &self.sdp);
        let answer = self.carrier.take("200", answers_invite, SOON);
        self.carrier.ack(&mut call, &answer.message, "");
        self.carrier.hang_up(&mut call);
        phone.is_hung_up(SOON);
    }

    /// The carrier's call is refused; when, and how.
    fn refused(&self, mut call: Line, status: u16) {
        let refusal = self.carrier.take("refusal", |it| 300 <= it.status(), seconds(36.0));
        self.carrier.ack(&mut call, &refusal.message, "");
        assert_eq!(refusal.message.status(), status);
    }

    fn strangers_must_authenticate(&self, edge: &Edge) {
        for host in [12, 31] {
            let stranger = Phone::at(edge.net.at(host, 5099), &edge.net);
            let mut call = stranger.dial("15550100001", &self.sdp);
            let refusal = stranger.status(401).message;
            stranger.ack(&mut call, &refusal, "");
            assert!(refusal.header("WWW-Authenticate").contains("realm=\"crosspoint\""));
        }
    }

    fn b_alone(&self) {
        let edge = "127.0.0.1:5060";
        for uri in [
            format!("sip:15550100001@{edge}"),
            format!("sip:+15550100001@{edge};user=phone"),
            "tel:+15550100001".to_owned(),
        ] {
            let call = self.carrier.dial_uri(&uri, &self.sdp, "");
            let there = self.b.rings();
            is_for(&there.invite, "15550100001");
            self.talks(call, &self.b, &there);
        }
    }

    fn b_c_and_d_at_once(&self) {
        let call = self.carrier.dial("15550100002", &self.sdp);
        let lines = [self.b.rings(), self.c.rings(), self.d.rings()];
        lines.iter().for_each(|it| is_for(&it.invite, "15550100002"));
        self.d.answer(&lines[2], 200, &self.sdp);
        self.b.is_cancelled(&lines[0], SOON);
        self.c.is_cancelled(&lines[1], SOON);
        self.d.request("ACK");
        let answer = self.carrier.take("200", answers_invite, SOON);
        let mut call = call;
        self.carrier.ack(&mut call, &answer.message, "");
        self.carrier.hang_up(&mut call);
        self.d.is_hung_up(SOON);
    }

    fn b_then_c(&self) {
        for status in [0, 486, 500] {
            let call = self.carrier.dial("15550100003", &self.sdp);
            let rung = self.b.request("INVITE");
            let there = self.b.line(&rung.message);
            if status == 0 {
                self.b.answer(&there, 180, "");
                self.b.is_cancelled(&there, SOON);
            } else {
                self.b.answer(&there, status, "");
                self.b.request("ACK");
            }
            let next = self.c.request("INVITE");
            is_for(&next.message, "15550100003");
            let took = (next.at - rung.at).as_secs_f64();
            let right = if status == 0 { 2.9..3.6 } else { 0.0..1.0 };
            assert!(right.contains(&took), "C was rung {took} s after B, which said {status}");
            let there = self.c.line(&next.message);
            self.talks(call, &self.c, &there);
        }
    }

    fn b_with_an_extension(&self, edge: &Edge) {
        let mut call = self.carrier.dial("15550100004", &self.sdp);
        let there = self.b.rings();
        let bob = Voice::at(edge.net.ip(31));
        self.b.picks_up(&there, &bob.sdp(96));
        let answer = self.carrier.take("200", answers_invite, SOON);
        let dialled: String = bob.keys(96).iter().map(|it| it.key).collect();
        assert_eq!(dialled, "31928", "before the caller is connected");
        self.carrier.ack(&mut call, &answer.message, "");
        self.carrier.hang_up(&mut call);
        self.b.is_hung_up(SOON);
    }

    fn the_client(&self, edge: &Edge) {
        self.refused(self.carrier.dial("15550100007", &self.sdp), 480);
        let agent = baresip(edge, "secret", &[]);
        agent.await_word("200 OK", seconds(10.0));
        let mut call = self.carrier.dial("15550100007", &self.sdp);
        let answer = self.carrier.take("200", answers_invite, SOON);
        self.carrier.ack(&mut call, &answer.message, "");
        self.carrier.hang_up(&mut call);
    }

    fn nobody_is_there(&self) {
        self.refused(self.carrier.dial("15550100009", &self.sdp), 500);
        assert_eq!(self.b.count(|it| it.request_uri().contains("15550100009")), 0);
    }

    fn b_and_no_fallback(&self) {
        let call = self.carrier.dial("15550100013", &self.sdp);
        let there = self.b.rings();
        self.b.is_cancelled(&there, SOON);
        self.refused(call, 480);
    }

    fn not_set_up(&self) {
        self.refused(self.carrier.dial("15550100404", &self.sdp), 404);
        self.refused(self.carrier.dial_uri("tel:+15550100404", &self.sdp, ""), 404);
    }
}

fn answers_invite(it: &Message) -> bool {
    it.status() == 200 && it.method() == "INVITE"
}
