//! REFER inside a dialog, and what is told of it afterwards (RFC 3515); what an INVITE Replaces.
//!
//! ```text
//!  Idle --REFER--> Asked --progress--> Watched --done, or the dialog ends--> Idle
//!                    |  202, NOTIFY 100     NOTIFY of each change, as a sipfrag (RFC 3420)
//!                    +--refused--> Idle
//! ```
//! The subscription that a REFER makes ends with its outcome; nobody can renew it. A Refer-To
//! that Replaces a dialog (RFC 3891) asks to be joined with who is at that dialog's other end.

use bytes::Bytes;

use super::answers::Answer;
use super::confirmed::Confirmed;
use super::head::{angled, own};
use super::state::{Draft, Purpose, Side};
use super::{Arrival, Event, Turn};
use crate::sip::{Hop, Message, Method, Name, NameAddr, Scheme, Uri, phrase};
use crate::transaction::ServerId;

/// What the body of a NOTIFY is (RFC 3515 section 2.4.4).
const SIPFRAG: &str = "message/sipfrag;version=2.0";
/// How long we say that a transfer may take, in seconds. It ends by itself before.
const LASTS: u32 = 600;
/// Subscription-State and Refer-Sub have no number of their own in our table.
const STATE: Name = Name::Other("Subscription-State");
const REFER_SUB: Name = Name::Other("Refer-Sub");

/// What a REFER asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// Whom the other side shall be put through to.
    pub to: Uri,
    /// The dialog whose far end that is, if they have talked it over.
    pub replaces: Option<Replaces>,
}

/// A dialog as RFC 3891 names it, from the view of who is asked to replace it: us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    pub call_id: Vec<u8>,
    pub to_tag: Vec<u8>,
    pub from_tag: Vec<u8>,
    /// Only while it was not answered.
    pub early_only: bool,
}

/// How a dialog stands that somebody wants to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It rings: we called. Who replaces it picks the call up.
    Ringing,
    /// It calls us, and we have not answered.
    Calling,
    Answered,
    Ended,
}

/// The dialog whose place an INVITE wants to take, if any (RFC 3891 section 3).
pub fn replaces(invite: &Message) -> Result<Option<Replaces>, Answer> {
    let mut values = invite.values(Name::Replaces);
    let Some(value) = values.next() else { return Ok(None) };
    match (Replaces::read(value), values.next()) {
        (Some(it), None) => Ok(Some(it)),
        _ => Err(Answer::bad_request("Replaces")),
    }
}

/// What became of a REFER, so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referred {
    /// It is not wanted: this status answers it. A transfer that runs already failed with it.
    Refused(u16),
    /// It runs: the status of who is rung.
    Progress(u16),
    /// It is over: the final status of who was rung.
    Done(u16),
}

/// The one transfer that a dialog may have at a time.
#[derive(Debug, Default)]
pub(super) enum Transfer {
    #[default]
    Idle,
    /// The REFER is not answered yet.
    Asked {
        refer: Box<Message>,
        server: ServerId,
        from: Hop,
        /// False if it said that it wants to hear nothing (RFC 4488).
        watched: bool,
    },
    /// It was accepted; `event` is what its NOTIFYs are about.
    Watched { event: Option<String> },
}

impl Confirmed {
    pub fn on_refer(&mut self, arrival: &Arrival<'_>, turn: &mut Turn<'_>) {
        if !matches!(self.transfer, Transfer::Idle) {
            return turn.respond(arrival, &Answer::pending());
        }
        match read(arrival.request) {
            Err(answer) => turn.respond(arrival, &answer),
            Ok(referral) => {
                let unwatched =
                    arrival.request.header(REFER_SUB).is_some_and(|it| it.starts_with(b"false"));
                self.transfer = Transfer::Asked {
                    refer: Box::new(arrival.request.clone()),
                    server: arrival.server,
                    from: arrival.from,
                    watched: !unwatched,
                };
                turn.event(Event::Referral { referral: Box::new(referral) });
            }
        }
    }

    /// What became of the transfer that was asked for last.
    pub fn referred(&mut self, told: Referred, side: &mut Side, turn: &mut Turn<'_>) {
        self.answer_refer(told, side, turn);
        let Transfer::Watched { event } = &self.transfer else { return };
        let (status, over) = match told {
            Referred::Progress(status) => (status, false),
            Referred::Done(status) | Referred::Refused(status) => (status, true),
        };
        if let Some(event) = event {
            let draft = notify(event, status, over, side);
            self.dialog.ask(draft, Purpose::Notify, side, turn);
        }
        if over {
            self.transfer = Transfer::Idle;
        }
    }

    /// Answers the REFER itself, if it was not yet.
    pub fn answer_refer(&mut self, told: Referred, side: &Side, turn: &mut Turn<'_>) {
        if !matches!(self.transfer, Transfer::Asked { .. }) {
            return;
        }
        let Transfer::Asked { refer, server, from, watched } = std::mem::take(&mut self.transfer)
        else {
            return;
        };
        let arrival = Arrival { request: &refer, server, from };
        if let Referred::Refused(status) = told {
            return turn.respond(&arrival, &Answer::new(status));
        }
        let mut answer = side.accepting(202);
        let mut event = None;
        if watched {
            // The first may go without an id, which some phones do not know (section 2.4.6).
            event = Some(match self.transfers {
                0 => "refer".to_owned(),
                _ => format!("refer;id={}", refer.cseq()),
            });
        } else {
            answer = answer.with(REFER_SUB, "false");
        }
        self.transfers += 1;
        turn.respond(&arrival, &answer);
        self.transfer = Transfer::Watched { event };
    }
}

fn notify(event: &str, status: u16, over: bool, side: &Side) -> Draft {
    let state = match over {
        true => "terminated;reason=noresource".to_owned(),
        false => format!("active;expires={LASTS}"),
    };
    let line = format!("SIP/2.0 {status} {}\r\n", phrase(status));
    let mut draft = Draft::new(Method::Notify).with(Name::Event, event.to_owned());
    draft.lines.push((STATE, own(state)));
    draft.lines.push((Name::Contact, angled(&side.local.contact)));
    draft.with_body(SIPFRAG, Bytes::from(line))
}

/// What the REFER asks for, or what is wrong with it (section 2.4.1).
fn read(refer: &Message) -> Result<Referral, Answer> {
    let mut values = refer.values(Name::ReferTo);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Answer::bad_request("one Refer-To is wanted"));
    };
    let to = NameAddr::parse(value).map_err(|_| Answer::bad_request("Refer-To"))?.uri;
    if !matches!(to.scheme(), Scheme::Sip | Scheme::Sips | Scheme::Tel) {
        return Err(Answer::unsupported_scheme());
    }
    // It could be made to ask for anything else (RFC 3261 section 19.1.1).
    if to.param("method").is_some_and(|it| !it.eq_ignore_ascii_case(b"INVITE")) {
        return Err(Answer::declined());
    }
    let named = |it: &&[u8]| it.len() > 9 && it[..9].eq_ignore_ascii_case(b"replaces=");
    let replaces = match to.headers().split(|it| *it == b'&').find(named) {
        None => None,
        Some(it) => {
            let replaces = Replaces::read(&unescaped(&it[9..]));
            Some(replaces.ok_or_else(|| Answer::bad_request("Replaces"))?)
        }
    };
    Ok(Referral { to, replaces })
}

impl Replaces {
    /// `call-id;to-tag=..;from-tag=..` in any order.
    fn read(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|it| *it == b';').map(<[u8]>::trim_ascii);
        let call_id = parts.next().filter(|it| !it.is_empty())?.to_vec();
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for part in parts {
            let equals = memchr::memchr(b'=', part).unwrap_or(part.len());
            let (name, value) = part.split_at(equals);
            let value = || value.get(1..).map(<[u8]>::to_vec);
            if name.eq_ignore_ascii_case(b"to-tag") {
                to_tag = value();
            } else if name.eq_ignore_ascii_case(b"from-tag") {
                from_tag = value();
            } else if name.eq_ignore_ascii_case(b"early-only") {
                early_only = true;
            }
        }
        Some(Self { call_id, to_tag: to_tag?, from_tag: from_tag?, early_only })
    }
}

/// `%HH` undone.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|it| char::from(*it).to_digit(16));
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(it) = text.get(at) {
        match (it, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                plain.push(*it);
                at += 1;
            }
        }
    }
    plain
}
