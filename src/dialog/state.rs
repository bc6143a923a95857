//! The dialog itself (RFC 3261 section 12): who talks to whom, the sequence numbers both ways, the
//! route set and the remote target; and the one function that builds every request inside it.

use bytes::Bytes;

use super::answers::Answer;
use super::credentials::Auth;
use super::head::{
    Head, Lines, MAX_FORWARDS, SDP, add, allow, angled, own, safe, signed, supported_by, via,
};
use super::parting::Parting;
use super::route_set::RouteSet;
use super::{Arrival, Event, Local, Next, Out, Policy, Replaces, Ticket, Turn};
use crate::sip::{Hop, Malformed, Message, Method, Name, Transport, Uri, Value};

/// What all dialogs and phases of one leg share.
#[derive(Debug)]
pub(super) struct Side {
    pub local: Local,
    pub policy: Policy,
    pub auth: Auth,
    /// The flow every request goes down, if the leg is sticky.
    pub flow: Option<Hop>,
    /// Dialogs on their way out.
    pub partings: Vec<Parting>,
    /// The credentials our latest INVITE carried: its ACK repeats them (RFC 3261 section 13.2.2.4).
    invite_auth: Lines,
    tickets: u32,
}

impl Side {
    pub fn new(local: Local, policy: Policy, auth: Auth, flow: Option<Hop>) -> Self {
        let (partings, invite_auth) = (Vec::new(), Lines::new());
        Self { local, policy, auth, flow, partings, invite_auth, tickets: 0 }
    }

    pub fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// A phone behind NAT is where its latest request came from: its address there may have
    /// changed, or its connection.
    pub fn follow(&mut self, from: Hop) {
        if self.policy.sticky && from.transport == self.local.transport {
            self.flow = Some(from);
        }
    }

    /// The credentials for a request about to be written.
    pub fn authorize(
        &mut self,
        method: &Method,
        uri: &Uri,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Lines {
        match method {
            Method::Ack => return self.invite_auth.clone(),
            // It cannot be sent again, so it is never challenged (RFC 3261 section 22.1).
            Method::Cancel => return Lines::new(),
            _ => (),
        }
        let lines = self.auth.lines(method, uri, body, turn.ids);
        if *method == Method::Invite {
            self.invite_auth.clone_from(&lines);
        }
        lines
    }

    /// Writes a request for the transport it fits on: the one `asked` for, or by TCP if it is too
    /// long for a datagram and the next hop has TCP (RFC 3261 section 18.1.1); unless only one
    /// transport will do.
    pub fn fit(
        &self,
        only: Option<Transport>,
        asked: Transport,
        write: impl Fn(Transport) -> Bytes,
    ) -> (Bytes, Transport) {
        let first = only.unwrap_or(asked);
        let request = write(first);
        match self.local.tcp_over {
            Some(over) if only.is_none() && first == Transport::Udp && over < request.len() => {
                (write(Transport::Tcp), Transport::Tcp)
            }
            _ => (request, first),
        }
    }

    /// How a request to `next` travels: as its URI says (RFC 3261 section 12.2.1.1, RFC 3263
    /// section 4.1), if we have a socket for that. One that does not say stays with the leg's own:
    /// who calls by TCP and leaves it out of Contact can be reached by it, and by UDP perhaps not.
    /// A flow is what it is.
    fn travels(&self, next: &Uri) -> Transport {
        let ours = self.local.transport;
        let is = |asked: &[u8], it: Transport| asked.eq_ignore_ascii_case(it.as_str().as_bytes());
        let asked = next.param("transport").filter(|_| self.flow.is_none());
        let asked = asked.and_then(|asked| {
            [Transport::Udp, Transport::Tcp].into_iter().find(|it| is(asked, *it))
        });
        asked.filter(|it| *it == ours || self.local.other.is_some()).unwrap_or(ours)
    }

    /// An answer that makes or keeps a dialog: Contact, Allow, Supported.
    pub fn accepting(&self, status: u16) -> Answer {
        let answer = Answer::new(status)
            .line(Name::Contact, angled(&self.local.contact))
            .with(Name::Allow, allow());
        self.signed(answer).with(Name::Supported, supported_by(&self.policy))
    }

    /// An answer with what we call ourselves.
    pub fn signed(&self, answer: Answer) -> Answer {
        match &self.local.software {
            Some(software) => answer.by(software.clone()),
            None => answer,
        }
    }
}

impl Turn<'_> {
    pub(super) fn event(&mut self, event: Event) {
        self.out.push(Out::Event(event));
    }

    pub(super) fn respond(&mut self, arrival: &Arrival<'_>, answer: &Answer) {
        let response = answer.to(arrival.request, "", arrival.source());
        self.out.push(Out::Respond { server: arrival.server, response, status: answer.status });
    }
}

/// A request before it has a place in the sequence.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub method: Method,
    pub lines: Lines,
    pub body: Option<(&'static str, Bytes)>,
}

impl Draft {
    pub fn new(method: Method) -> Self {
        Self { method, lines: Lines::new(), body: None }
    }

    pub fn with(mut self, name: Name, value: impl Into<Bytes>) -> Self {
        self.lines.push((name, own(value)));
        self
    }

    pub fn with_lines(mut self, lines: Lines) -> Self {
        self.lines.extend(lines);
        self
    }

    pub fn with_body(mut self, content_type: &'static str, body: Bytes) -> Self {
        self.body = Some((content_type, body));
        self
    }

    pub fn with_sdp(self, sdp: Option<Bytes>) -> Self {
        match sdp {
            Some(sdp) => self.with_body(SDP, sdp),
            None => self,
        }
    }
}

/// What a request inside a dialog is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Prack,
    Key,
    /// A re-INVITE or UPDATE of ours.
    Offer,
    Bye,
    /// What became of a transfer.
    Notify,
}

/// A request inside the dialog that waits for its final response.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub ticket: Ticket,
    pub branch: String,
    pub cseq: u32,
    pub draft: Draft,
    pub purpose: Purpose,
    /// How often it was challenged.
    tries: u8,
    transport: Transport,
    /// TCP failed: only this will do.
    only: Option<Transport>,
}

/// An ACK that went out, kept for when its 2xx comes again.
#[derive(Clone, Debug)]
pub(super) struct Acked {
    pub cseq: u32,
    request: Bytes,
    next: Next,
}

impl Acked {
    pub fn send(&self, turn: &mut Turn<'_>) {
        turn.out.push(Out::Ack { request: self.request.clone(), next: self.next.clone() });
    }
}

#[derive(Clone, Debug)]
pub(super) struct Dialog {
    call_id: Value,
    /// From in our requests, with our tag.
    local: Value,
    /// To in our requests, with their tag.
    remote: Value,
    pub local_tag: Vec<u8>,
    pub remote_tag: Vec<u8>,
    pub local_seq: u32,
    remote_seq: Option<u32>,
    routes: RouteSet,
    target: Uri,
    /// The far end's Allow has UPDATE.
    pub update: bool,
    pub asked: Vec<Asked>,
}

impl Dialog {
    /// The callee's dialog (RFC 3261 section 12.1.1).
    pub fn of_request(invite: &Message, tag: &str) -> Result<Self, Malformed> {
        let to = invite.header(Name::To).ok_or(Malformed("To"))?;
        let mut local = to.into_owned();
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(tag.as_bytes());
        let from = invite.header(Name::From).ok_or(Malformed("From"))?;
        Ok(Self {
            call_id: safe(invite.call_id()),
            local: own(local),
            remote: safe(from),
            local_tag: tag.as_bytes().to_vec(),
            remote_tag: invite.from_tag().to_vec(),
            local_seq: 0,
            remote_seq: Some(invite.cseq()),
            routes: RouteSet::of_request(invite)?,
            target: invite.contact().ok_or(Malformed("Contact"))?.uri,
            update: invite.allows(&Method::Update) == Some(true),
            asked: Vec::new(),
        })
    }

    /// The caller's dialog (RFC 3261 section 12.1.2). A far end that left out its Contact is
    /// reached where the INVITE went.
    pub fn of_response(response: &Message, from: &Value, invited: &Uri) -> Self {
        let to = response.header(Name::To).unwrap_or_default();
        Self {
            call_id: safe(response.call_id()),
            local: from.clone(),
            remote: safe(to),
            local_tag: response.from_tag().to_vec(),
            remote_tag: response.to_tag().to_vec(),
            local_seq: response.cseq(),
            remote_seq: None,
            routes: RouteSet::of_response(response).unwrap_or_default(),
            target: response.contact().map_or_else(|| invited.clone(), |it| it.uri),
            update: response.allows(&Method::Update) == Some(true),
            asked: Vec::new(),
        }
    }

    /// A 2xx settles the route set anew (RFC 3261 section 13.2.2.4).
    pub fn confirm(&mut self, response: &Message) {
        if let Ok(routes) = RouteSet::of_response(response) {
            self.routes = routes;
        }
        self.remote = safe(response.header(Name::To).unwrap_or_default());
        self.refresh(response);
    }

    /// Target refresh (RFC 3261 section 12.2), and what the far end allows by now.
    pub fn refresh(&mut self, message: &Message) {
        if let Some(contact) = message.contact() {
            self.target = contact.uri;
        }
        if let Some(update) = message.allows(&Method::Update) {
            self.update = update;
        }
    }

    /// Whether `request` belongs to this dialog: Call-ID and both tags (RFC 3261 section 12.2.2).
    pub fn owns(&self, request: &Message) -> bool {
        request.call_id() == self.call_id.as_bytes()
            && request.from_tag() == self.remote_tag
            && request.to_tag() == self.local_tag
    }

    /// Whether the Replaces of an INVITE to us names it (RFC 3891 section 3).
    pub fn is_to_be_replaced(&self, replaces: &Replaces) -> bool {
        self.call_id.as_bytes() == replaces.call_id
            && self.local_tag == replaces.to_tag
            && self.remote_tag == replaces.from_tag
    }

    /// Whether a Replaces names it; the tags are the other way round for who sees it from outside.
    pub fn is_named(&self, replaces: &Replaces) -> bool {
        let Replaces { call_id, to_tag, from_tag, .. } = replaces;
        self.call_id.as_bytes() == call_id
            && ((self.local_tag == *to_tag && self.remote_tag == *from_tag)
                || (self.local_tag == *from_tag && self.remote_tag == *to_tag))
    }

    /// Sequence rule of RFC 3261 section 12.2.2 for every request but ACK and CANCEL.
    pub fn admit(&mut self, request: &Message) -> Result<(), Answer> {
        if self.remote_seq.is_some_and(|it| request.cseq() <= it) {
            return Err(Answer::out_of_order());
        }
        self.remote_seq = Some(request.cseq());
        super::screen::screen_inside(request)
    }

    /// Sends a new request.
    pub fn ask(&mut self, draft: Draft, purpose: Purpose, side: &mut Side, turn: &mut Turn<'_>) {
        let asked = Asked {
            ticket: Ticket(0),
            branch: String::new(),
            cseq: 0,
            draft,
            purpose,
            tries: 0,
            transport: Transport::Udp,
            only: None,
        };
        self.send(asked, side, turn);
    }

    /// Sends a challenged request again with credentials; gives it back if that cannot help.
    pub fn ask_authorized(
        &mut self,
        mut asked: Asked,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Option<Asked> {
        let challenged = matches!(response.status(), 401 | 407);
        if !challenged || !side.auth.take(response, asked.tries) {
            return Some(asked);
        }
        asked.tries += 1;
        self.send(asked, side, turn);
        None
    }

    /// Sends a request that TCP would not carry by UDP after all; gives it back if it went by UDP.
    pub fn ask_by_datagram(
        &mut self,
        mut asked: Asked,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Option<Asked> {
        if asked.transport == side.local.transport || asked.only.is_some() {
            return Some(asked);
        }
        asked.only = Some(side.local.transport);
        self.send(asked, side, turn);
        None
    }

    fn send(&mut self, mut asked: Asked, side: &mut Side, turn: &mut Turn<'_>) {
        self.local_seq += 1;
        asked.cseq = self.local_seq;
        asked.ticket = side.ticket();
        asked.branch = turn.ids.branch();
        let (request, next) =
            self.write(&asked.draft, asked.cseq, &asked.branch, asked.only, side, turn);
        asked.transport = next.transport;
        let (method, ticket) = (asked.draft.method.clone(), asked.ticket);
        self.asked.push(asked);
        turn.out.push(Out::Request { request, method, next, ticket });
    }

    /// Cancels a re-INVITE of ours that is out (RFC 3261 section 9.1): same branch, same CSeq.
    pub fn cancel(&self, purpose: Purpose, side: &mut Side, turn: &mut Turn<'_>) {
        let Some(asked) = self.asked.iter().find(|it| it.purpose == purpose) else { return };
        let draft = Draft::new(Method::Cancel);
        let only = Some(asked.transport);
        let (request, next) = self.write(&draft, asked.cseq, &asked.branch, only, side, turn);
        let (method, ticket) = (Method::Cancel, side.ticket());
        turn.out.push(Out::Request { request, method, next, ticket });
    }

    /// Acknowledges a 2xx to our INVITE with this CSeq (RFC 3261 section 13.2.2.4).
    pub fn ack(
        &self,
        cseq: u32,
        sdp: Option<Bytes>,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Acked {
        let draft = Draft::new(Method::Ack).with_sdp(sdp);
        let branch = turn.ids.branch();
        let (request, next) = self.write(&draft, cseq, &branch, None, side, turn);
        let acked = Acked { cseq, request, next };
        acked.send(turn);
        acked
    }

    /// Takes out the request with this branch.
    pub fn answered(&mut self, branch: &[u8]) -> Option<Asked> {
        let at = self.asked.iter().position(|it| it.branch.as_bytes() == branch)?;
        Some(self.asked.swap_remove(at))
    }

    /// Takes out the request with this ticket.
    pub fn failed(&mut self, ticket: Ticket) -> Option<Asked> {
        let at = self.asked.iter().position(|it| it.ticket == ticket)?;
        Some(self.asked.swap_remove(at))
    }

    /// The one place where a request inside a dialog is built (EDGE C-03).
    fn write(
        &self,
        draft: &Draft,
        cseq: u32,
        branch: &str,
        only: Option<Transport>,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> (Bytes, Next) {
        let aim = self.routes.aim(&self.target);
        let body = draft.body.as_ref().map_or(&b""[..], |(_, body)| body);
        let authorization = side.authorize(&draft.method, &aim.uri, body, turn);
        let contact = matches!(draft.method, Method::Invite | Method::Update);
        let asked = side.travels(&aim.next);
        let (request, transport) = side.fit(only, asked, |transport| {
            let head = Head {
                method: &draft.method,
                uri: &aim.uri,
                routes: &aim.routes,
                via: &via(&side.local, transport, branch),
                from: &self.local,
                to: &self.remote,
                call_id: &self.call_id,
                cseq,
                max_forwards: MAX_FORWARDS,
            };
            let mut write = signed(head.write(), &side.local);
            if contact {
                write = write.header(Name::Contact, &angled(&side.local.contact));
                write = write.header(Name::Allow, allow());
            }
            write = add(add(write, &draft.lines), &authorization);
            match &draft.body {
                Some((content_type, body)) => write.body(content_type, body),
                None => write.finish(),
            }
        });
        (request, Next { uri: aim.next, transport, hop: side.flow })
    }
}
