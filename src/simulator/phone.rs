//! A simulated telephone or carrier: a small SIP user agent that is not built on our own SIP.
//!
//! It reads with rsip and writes its messages by hand, so that both ends of a story do not share
//! one misunderstanding. It resends as RFC 3261 asks, so stories may lose packets.

mod acts;

use std::net::SocketAddr;
use std::time::Duration;

use super::ear::Ear;
use super::line::{self, Line, Plan, Resend, Role};
use super::manners::{Manners, Moment, Reply};
use super::mouth::Mouth;
use super::network::Datagram;
use super::wire::{Dialog, Received};
use crate::clock::Instant;

/// A phone that nobody picks up stops ringing.
const RINGS_AT_MOST: Duration = Duration::from_secs(180);

/// A telephone, or a carrier that places calls.
pub struct Phone {
    pub name: String,
    /// What it calls itself.
    pub number: String,
    /// The password of the account whose user is its number.
    pub password: Option<String>,
    /// What its From says instead of its number.
    pub shows: Option<String>,
    pub address: SocketAddr,
    pub media: SocketAddr,
    pub manners: Manners,
    pub moments: Vec<(Instant, Moment)>,
    pub ear: Ear,
    pub mouth: Mouth,
    /// Header lines in its calls that no other phone has, each ending in CR LF.
    pub lines_of_its_own: String,
    edge: SocketAddr,
    lines: Vec<Line>,
    requests: Vec<Resend>,
    counter: u32,
    version: u32,
}

impl Phone {
    /// A phone at `address` whose voice is a tone of `voice` Hz, and that calls through `edge`.
    pub fn new(name: &str, address: SocketAddr, edge: SocketAddr, voice: u16) -> Self {
        let media = SocketAddr::new(address.ip(), 20_000 + (address.port() % 1000) * 2);
        Self {
            name: name.to_owned(),
            number: "+15125550100".to_owned(),
            password: None,
            shows: None,
            address,
            media,
            manners: Manners::default(),
            moments: Vec::new(),
            ear: Ear::default(),
            mouth: Mouth::new(voice),
            lines_of_its_own: String::new(),
            edge,
            lines: Vec::new(),
            requests: Vec::new(),
            counter: 0,
            version: 1,
        }
    }

    /// Calls `number` through the edge.
    pub fn call(&mut self, number: &str, now: Instant, out: &mut Vec<Datagram>) {
        self.counter += 1;
        let count = self.counter;
        let dialog = Dialog::calling(self, count, number);
        let invite = dialog.invite(&self.offer());
        self.requests.push(Resend::new(invite.clone(), "INVITE", now));
        self.send(invite, self.edge, out);
        self.lines.push(Line::new(dialog, Role::Caller));
    }

    /// Where it is reached through, and where it calls through.
    pub(super) fn edge(&self) -> SocketAddr {
        self.edge
    }

    pub fn has_called(&self) -> bool {
        self.lines.iter().any(|it| it.role == Role::Caller)
    }

    /// Hangs up whatever it is in: CANCEL while it rings, BYE once it is up.
    pub fn hang_up(&mut self, now: Instant, out: &mut Vec<Datagram>) {
        let Some(at) = self.lines.iter().position(|it| !it.over) else { return };
        self.moments.push((now, Moment::HangsUp));
        let line = &mut self.lines[at];
        let (bytes, to, method) = if line.up_since.is_some() {
            line.over = true;
            line.plans.clear();
            (line.dialog.bye(), line.dialog.next_hop(), "BYE")
        } else if line.role == Role::Called {
            return self.refuse(at, 486, now, out);
        } else if line.proceeding && !line.leaving {
            line.leaving = true;
            (line.dialog.cancel(), self.edge, "CANCEL")
        } else {
            // It may not be cancelled before it was answered at all (RFC 3261 section 9.1).
            line.leaving = true;
            return;
        };
        self.requests.push(Resend::new(bytes.clone(), method, now));
        self.send(bytes, to, out);
    }

    /// Presses a key now: by RFC 4733, or in its voice if it has no events.
    pub fn press(&mut self, key: char) {
        self.mouth.press(key);
    }

    /// Presses a key by SIP INFO.
    pub fn press_by_info(&mut self, key: char, now: Instant, out: &mut Vec<Datagram>) {
        let Some(line) = self.lines.iter_mut().find(|it| it.is_up()) else { return };
        let (bytes, to) = (line.dialog.info(key), line.dialog.next_hop());
        self.requests.push(Resend::new(bytes.clone(), "INFO", now));
        self.send(bytes, to, out);
    }

    /// Whether every call it had is over and nothing waits to be resent.
    pub fn is_idle(&self) -> bool {
        self.requests.is_empty()
            && self.lines.iter().all(|it| it.over && it.unacknowledged.is_none())
    }

    /// How many of its calls are up.
    pub fn calls_up(&self) -> usize {
        self.lines.iter().filter(|it| it.is_up()).count()
    }

    pub fn moment(&self, what: Moment) -> Option<Instant> {
        self.moments.iter().find(|(_, it)| *it == what).map(|(at, _)| *at)
    }

    pub fn count(&self, what: Moment) -> usize {
        self.moments.iter().filter(|(_, it)| *it == what).count()
    }

    /// The final statuses its own calls were given.
    pub fn finals(&self) -> Vec<u16> {
        let told = self.moments.iter().filter_map(|(_, it)| match it {
            Moment::Told(status) if 200 <= *status => Some(*status),
            _ => None,
        });
        told.collect()
    }

    pub fn deadline(&self) -> Option<Instant> {
        let lines = self.lines.iter().flat_map(|it| {
            let plan = it.plans.front().map(|(at, _)| *at);
            let resend = it.unacknowledged.as_ref().map(|it| it.at);
            [plan, resend].into_iter().flatten()
        });
        let requests = self.requests.iter().map(|it| it.at);
        let voice = self.lines.iter().any(Line::talks).then(|| self.mouth.next());
        lines.chain(requests).chain(voice).min()
    }

    pub fn on_time(&mut self, now: Instant, out: &mut Vec<Datagram>) {
        for n in 0..self.lines.len() {
            while self.lines[n].plans.front().is_some_and(|(at, _)| *at <= now) {
                if let Some((_, plan)) = self.lines[n].plans.pop_front() {
                    self.do_plan(n, plan, now, out);
                }
            }
            self.resend_answer(n, now, out);
        }
        self.resend_requests(now, out);
        self.speak(now, out);
    }

    fn resend_requests(&mut self, now: Instant, out: &mut Vec<Datagram>) {
        let (from, edge) = (self.address, self.edge);
        self.requests.retain_mut(|it| {
            if it.until <= now {
                return false;
            }
            if it.at <= now {
                out.push(Datagram { from, to: edge, bytes: it.bytes.clone() });
                it.again(now, it.method != "INVITE");
            }
            true
        });
    }

    fn resend_answer(&mut self, n: usize, now: Instant, out: &mut Vec<Datagram>) {
        let line = &mut self.lines[n];
        let Some(resend) = &mut line.unacknowledged else { return };
        if resend.until <= now {
            line.unacknowledged = None;
        } else if resend.at <= now {
            out.push(Datagram { from: self.address, to: self.edge, bytes: resend.bytes.clone() });
            resend.again(now, true);
        }
    }

    fn speak(&mut self, now: Instant, out: &mut Vec<Datagram>) {
        let Some(line) = self.lines.iter().find(|it| it.talks()) else { return };
        let Some(to) = line.remote_media else { return };
        let no_events = self.manners.no_events;
        let (voice, keys) = (line.payload_type, line.keys_type.filter(|_| !no_events));
        for packet in self.mouth.due(now, voice, keys) {
            out.push(Datagram { from: self.media, to, bytes: packet });
        }
    }

    fn do_plan(&mut self, n: usize, plan: Plan, now: Instant, out: &mut Vec<Datagram>) {
        if self.lines[n].over {
            return;
        }
        match plan {
            Plan::Ring if self.manners.early_media => {
                let body = self.answer_body(self.lines[n].dialog.offer_types());
                let progress = self.lines[n].dialog.answer(183, "Session Progress", Some(&body));
                self.lines[n].speaks = true;
                self.lines[n].last_sent.clone_from(&progress);
                self.mouth.begin(now);
                self.send(progress, self.edge, out);
            }
            Plan::Ring => {
                let ringing = self.lines[n].dialog.answer(180, "Ringing", None);
                self.lines[n].last_sent.clone_from(&ringing);
                self.send(ringing, self.edge, out);
            }
            Plan::Answer => self.answer(n, now, out),
            Plan::Refuse(status) => self.refuse(n, status, now, out),
            Plan::HangUp => {
                self.moments.push((now, Moment::HangsUp));
                let line = &mut self.lines[n];
                line.over = true;
                line.plans.clear();
                let (bye, to) = (line.dialog.bye(), line.dialog.next_hop());
                self.requests.push(Resend::new(bye.clone(), "BYE", now));
                self.send(bye, to, out);
            }
            Plan::Press(key) => self.mouth.press(key),
        }
    }

    fn answer(&mut self, n: usize, now: Instant, out: &mut Vec<Datagram>) {
        let offer = self.lines[n].dialog.offer_types();
        let body = self.answer_body(offer);
        let ok = self.lines[n].dialog.answer(200, "OK", Some(&body));
        self.moments.push((now, Moment::Answered));
        let line = &mut self.lines[n];
        line.up_since = Some(now);
        line.speaks = true;
        line.last_sent.clone_from(&ok);
        line.unacknowledged = Some(Resend::new(ok.clone(), "200", now));
        let manners = &self.manners;
        let mut plans: Vec<(Instant, Plan)> =
            manners.presses.iter().map(|(after, key)| (now + *after, Plan::Press(*key))).collect();
        if let Some(time) = manners.greets_for {
            self.mouth.speaks_until(now + time);
        }
        plans.extend(manners.hang_up_after.map(|after| (now + after, Plan::HangUp)));
        plans.sort_by_key(|(at, _)| *at);
        line.plans = plans.into();
        self.mouth.begin(now);
        self.send(ok, self.edge, out);
    }

    fn refuse(&mut self, n: usize, status: u16, now: Instant, out: &mut Vec<Datagram>) {
        let line = &mut self.lines[n];
        line.over = true;
        line.plans.clear();
        let no = line.dialog.answer(status, "No", None);
        line.last_sent.clone_from(&no);
        line.refused = true;
        line.unacknowledged = Some(Resend::new(no.clone(), "refusal", now));
        self.send(no, self.edge, out);
    }

    /// Takes a datagram that came to its SIP or media port.
    pub fn on_datagram(&mut self, datagram: &Datagram, now: Instant, out: &mut Vec<Datagram>) {
        if datagram.to == self.media {
            self.ear.hears(&datagram.bytes, now);
            return;
        }
        if self.manners.reply == Reply::Dead || datagram.to != self.address {
            return;
        }
        match rsip::SipMessage::try_from(datagram.bytes.as_slice()) {
            Ok(rsip::SipMessage::Request(request)) => {
                self.on_request(Received::request(&request, &datagram.bytes), now, out);
            }
            Ok(rsip::SipMessage::Response(response)) => {
                let status = u16::from(response.status_code().clone());
                self.on_response(Received::response(&response, &datagram.bytes), status, now, out);
            }
            Err(error) => {
                let text = String::from_utf8_lossy(&datagram.bytes);
                panic!("rsip cannot read what the edge sent: {error}\n{text}");
            }
        }
    }

    fn on_request(&mut self, request: Received, now: Instant, out: &mut Vec<Datagram>) {
        let line = self.lines.iter().position(|it| it.dialog.call_id() == request.call_id);
        match (request.method.as_str(), line) {
            ("INVITE", None) => self.rung(request, now, out),
            ("INVITE", Some(n)) if request.to_tag.is_none() => {
                let last = self.lines[n].last_sent.clone();
                if !last.is_empty() {
                    self.send(last, self.edge, out);
                }
            }
            ("INVITE" | "UPDATE", Some(n)) if request.types.is_empty() => {
                // A refresh without an offer: UPDATE has nothing to answer; INVITE asks for ours.
                let body = (request.method == "INVITE").then(|| self.offer());
                let ok = request.answer(200, "OK", body.as_deref(), self.address);
                let _ = n;
                self.send(ok, self.edge, out);
            }
            ("INVITE" | "UPDATE", Some(n)) => {
                self.lines[n].remote_media = request.media.or(self.lines[n].remote_media);
                self.lines[n].take_types(&request.types);
                self.moments.push((now, Moment::Offered { may_send: request.may_send }));
                let body = self.answer_body(request.types.clone());
                let body = body.replace("sendrecv", request.answering());
                self.send(request.answer(200, "OK", Some(&body), self.address), self.edge, out);
            }
            ("ACK", Some(n)) => {
                let line = &mut self.lines[n];
                if line.unacknowledged.take().is_some() && !line.refused {
                    self.moments.push((now, Moment::Acknowledged));
                }
            }
            ("NOTIFY", Some(_)) => {
                let told = request.fragment.unwrap_or_default();
                self.moments.push((now, Moment::Notified(told)));
                self.send(request.answer(200, "OK", None, self.address), self.edge, out);
            }
            ("CANCEL", Some(n)) => self.cancelled(n, &request, now, out),
            ("BYE", Some(n)) => {
                if !self.lines[n].over {
                    self.moments.push((now, Moment::HungUpOn));
                }
                let line = &mut self.lines[n];
                line.over = true;
                line.unacknowledged = None;
                line.plans.clear();
                self.send(request.answer(200, "OK", None, self.address), self.edge, out);
            }
            ("ACK", None) => (),
            (_, Some(_)) => {
                self.send(request.answer(200, "OK", None, self.address), self.edge, out);
            }
            ("OPTIONS", None) => {
                self.send(request.answer(200, "OK", None, self.address), self.edge, out);
            }
            (_, None) => {
                self.send(request.answer(481, "No Call", None, self.address), self.edge, out);
            }
        }
    }

    fn rung(&mut self, request: Received, now: Instant, out: &mut Vec<Datagram>) {
        self.counter += 1;
        self.moments.push((now, Moment::Rung));
        let dialog = Dialog::called(&self.name, self.counter, &request, self.address, self.edge);
        let mut line = Line::new(dialog, Role::Called);
        line.remote_media = request.media;
        line.take_types(&request.types);
        let ring = now + self.manners.ring_after;
        line.plans.push_back((ring, Plan::Ring));
        let later = |after: Duration| now + after.max(self.manners.ring_after);
        match self.manners.reply {
            Reply::AnswerAfter(after) => line.plans.push_back((later(after), Plan::Answer)),
            Reply::RefuseAfter(after, status) => {
                line.plans.push_back((later(after), Plan::Refuse(status)));
            }
            Reply::Never | Reply::Dead => (),
        }
        // Nobody lets it ring for ever.
        line.plans.push_back((now + RINGS_AT_MOST, Plan::Refuse(480)));
        self.lines.push(line);
        self.on_time(now, out);
    }

    fn cancelled(&mut self, n: usize, request: &Received, now: Instant, out: &mut Vec<Datagram>) {
        self.send(request.answer(200, "OK", None, self.address), self.edge, out);
        if self.lines[n].over || self.lines[n].up_since.is_some() {
            return;
        }
        self.moments.push((now, Moment::Cancelled));
        if self.manners.answers_when_cancelled {
            self.lines[n].plans.clear();
            self.answer(n, now, out);
        } else {
            self.refuse(n, 487, now, out);
        }
    }

    fn on_response(
        &mut self,
        response: Received,
        status: u16,
        now: Instant,
        out: &mut Vec<Datagram>,
    ) {
        let method = response.cseq_method.clone();
        if 200 <= status || method == "INVITE" {
            self.requests.retain(|it| !(it.method == method && it.is_for(&response.branch)));
        }
        if method == "REFER" && 200 <= status {
            self.moments.push((now, Moment::Referred(status)));
        }
        if method != "INVITE" {
            return;
        }
        let Some(n) = self.lines.iter().position(|it| it.dialog.call_id() == response.call_id)
        else {
            return;
        };
        let first = !self.moments.contains(&(now, Moment::Told(status)));
        let line = &mut self.lines[n];
        if line.role != Role::Caller || line.dialog.invite_cseq() < response.cseq {
            if 200 <= status {
                let again = line.dialog.ack_again(&response, status);
                let (ack, to) = (again, line.dialog.next_hop());
                self.moments.push((now, Moment::Changed(status)));
                self.send(ack, to, out);
            }
            return;
        }
        line.remote_media = response.media.or(line.remote_media);
        line.take_types(&response.types);
        if status < 200 && line.leaving && !line.proceeding {
            let cancel = line.dialog.cancel();
            self.requests.push(Resend::new(cancel.clone(), "CANCEL", now));
            out.push(Datagram { from: self.address, to: self.edge, bytes: cancel });
        }
        line.proceeding = true;
        match status {
            100 => (),
            101..200 => {
                line.dialog.rings(&response);
                if first {
                    self.moments.push((now, Moment::Told(status)));
                }
            }
            200..300 if line.ignored < self.manners.slow_to_acknowledge => line.ignored += 1,
            200..300 => {
                line.dialog.confirmed(&response);
                let ack = line.dialog.ack();
                let to = line.dialog.next_hop();
                if line.up_since.is_none() {
                    line.up_since = Some(now);
                    line.speaks = true;
                    self.moments.push((now, Moment::Told(status)));
                    self.mouth.begin(now);
                }
                let leaving = line.leaving && !line.over;
                line.over |= leaving;
                let bye = leaving.then(|| line.dialog.bye());
                self.send(ack, to, out);
                if let Some(bye) = bye {
                    self.requests.push(Resend::new(bye.clone(), "BYE", now));
                    self.send(bye, to, out);
                }
            }
            _ if response.cseq < line.dialog.invite_cseq() => (),
            401 if self.password.is_some() && response.challenge.is_some() => {
                let ack = line.dialog.ack_of_refusal(&response);
                self.send(ack, self.edge, out);
                self.prove(n, &response, now, out);
            }
            _ => {
                let ack = line.dialog.ack_of_refusal(&response);
                if !line.over {
                    line.over = true;
                    self.moments.push((now, Moment::Told(status)));
                }
                self.send(ack, self.edge, out);
            }
        }
    }

    fn offer(&self) -> String {
        line::offer(self.media, self.manners.codecs, !self.manners.no_events)
    }

    fn answer_body(&self, offered: Vec<(u8, String)>) -> String {
        line::answer(self.media, &offered, self.manners.codecs, !self.manners.no_events)
    }

    fn send(&self, bytes: Vec<u8>, to: SocketAddr, out: &mut Vec<Datagram>) {
        out.push(Datagram { from: self.address, to, bytes });
    }
}
