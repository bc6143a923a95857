//! From one room's words to another's.

use std::net::IpAddr;

use crate::dialog::{self, Caller, Interval, Local, Party, Policy, Why};
use crate::media::{Codec, CodecKind, Keys, Latch, Remote};
use crate::model::record::Cause;
use crate::model::{
    CallerIdHeaders, Credentials, Identity, KeysBy, Reliable, SessionTimers, Trunk,
};
use crate::sdp::Negotiated;
use crate::sip::{Reason, Uri};

/// What media is told of a far end; `home` is where the signalling of a phone comes from.
pub fn remote(agreed: &Negotiated, keys: KeysBy, home: Option<IpAddr>) -> Remote {
    let kind = match &*agreed.codec.name {
        "pcmu" => CodecKind::Pcmu,
        "pcma" => CodecKind::Pcma,
        _ => CodecKind::Other((*agreed.codec.name).into()),
    };
    let events = agreed.events.map(|it| Keys::Events {
        send_pt: it.send_pt,
        receive_pt: it.receive_pt,
        clock: it.clock,
    });
    Remote {
        rtp: agreed.rtp,
        rtcp: agreed.rtcp,
        send: agreed.send,
        receive: agreed.receive,
        codec: Codec {
            kind,
            send_pt: agreed.codec.send_pt,
            receive_pt: agreed.codec.receive_pt,
            clock: agreed.codec.clock,
        },
        keys: match keys {
            KeysBy::Auto => events.unwrap_or(Keys::InBand),
            KeysBy::Info => Keys::Outside,
            KeysBy::InBand => Keys::InBand,
        },
        ptime: agreed.ptime,
        latch: if home.is_some() { Latch::Any { home } } else { Latch::Address },
    }
}

pub fn to_dialog(cause: &Cause) -> dialog::Cause {
    let text = match cause.reason.as_str() {
        "completed_elsewhere" => "Call completed elsewhere".to_owned(),
        reason => reason.replace('_', " "),
    };
    dialog::Cause { status: cause.sip, text, q850: cause.q850 }
}

/// The status that says a cause to somebody whose request it refuses.
pub fn final_status(cause: &Cause) -> u16 {
    if (300..700).contains(&cause.sip) { cause.sip } else { 480 }
}

/// Not a single answer came to an INVITE in the time of its transaction.
pub const NO_RESPONSE: &str = "no_response";

pub fn refused(status: u16, reason: Option<&Reason>, local: bool) -> Cause {
    let text = reason.and_then(|it| it.text.clone());
    let word = match (status, local) {
        (408, true) => NO_RESPONSE,
        (488, true) => "no_common_codec",
        (_, true) => "unreachable",
        (_, false) => "refused",
    };
    Cause {
        sip: status,
        q850: reason.and_then(Reason::q850),
        reason: text.unwrap_or_else(|| word.to_owned()),
        // What the network did to us is not our own failure.
        local: false,
    }
}

pub fn hung_up(status: u16, reason: Option<&Reason>, why: Why) -> Cause {
    let word = match why {
        Why::Bye => "hung_up",
        Why::Cancelled => "cancelled",
        Why::Expired => "invite_expired",
        Why::NoAck => "no_ack",
        Why::NoPrack => "no_prack",
        Why::NoMedia => "no_common_codec",
        Why::SessionExpired => "session_expired",
        Why::Gone => "gone",
    };
    Cause {
        sip: status,
        q850: reason.and_then(Reason::q850),
        reason: word.to_owned(),
        local: false,
    }
}

/// Which of several refusals of one leg counts: the one that says most about the person.
pub fn weight(cause: &Cause) -> u8 {
    match cause.sip {
        600..700 => 6,
        486 => 5,
        403 => 4,
        480 | 408 => 3,
        400..500 => 2,
        _ => 1,
    }
}

pub fn policy(trunk: Option<&Trunk>) -> Policy {
    let Some(trunk) = trunk else {
        return Policy { sticky: true, timer: Some(Interval::default()), ..Policy::default() };
    };
    let timer = match trunk.session_timers {
        SessionTimers::Off => None,
        SessionTimers::On { expires, min } => {
            Some(Interval { wanted: expires.as_secs() as u32, least: min.as_secs() as u32 })
        }
    };
    let reliable = match trunk.reliable {
        Reliable::Off => dialog::Reliable::Off,
        Reliable::Supported => dialog::Reliable::Supported,
        Reliable::Required => dialog::Reliable::Required,
    };
    Policy { reliable, timer, sticky: false }
}

pub fn credentials(it: &Credentials) -> dialog::Credentials {
    dialog::Credentials {
        user: it.user.clone(),
        password: it.password.clone(),
        realm: it.realm.clone(),
    }
}

/// Who calls, as a far end is shown it: a trunk is told the truth beside what it may show; a phone
/// or a stranger's URI only what may be shown (RFC 3325 section 4). `target` is whom it rings.
pub fn caller(
    shown: &Identity,
    trunk: Option<&Trunk>,
    our: &Local,
    is_client: bool,
    target: &Uri,
) -> Caller {
    let host = our.contact.host_text();
    let hidden = shown.private || shown.number.is_empty();
    let number = trunk.map_or_else(|| shown.number.clone(), |it| it.number_to(&shown.number));
    let from = if hidden {
        party(Some("Anonymous"), "anonymous", "anonymous.invalid")
    } else {
        party(shown.name.as_deref(), &number, host)
    };
    let anonymous = || Party { display: None, uri: our.contact.clone() };
    let from = from.unwrap_or_else(anonymous);
    let mut caller = Caller::new(from.display, from.uri);
    let headers = trunk.map(|it| it.caller_id);
    // Who must not be shown is vouched for by the number that was dialled, which is ours: so the
    // trunk knows whose call it is, and nobody who withheld it (RFC 3325 section 7).
    let vouched = if hidden {
        trunk.map_or_else(String::new, |it| it.number_to(&shown.diverted_from))
    } else {
        number
    };
    let name = shown.name.as_deref().filter(|_| !hidden);
    let asserted = Some(vouched).filter(|it| !it.is_empty());
    let asserted = asserted.and_then(|it| party(name, &it, host));
    match headers {
        Some(CallerIdHeaders::Asserted) => caller.asserted = asserted,
        Some(CallerIdHeaders::RemoteParty) => caller.remote_party = asserted,
        Some(CallerIdHeaders::FromOnly) | None => (),
    }
    if headers.is_some_and(|it| it != CallerIdHeaders::FromOnly) {
        caller.privacy = hidden.then_some("id");
    }
    if !is_client && headers != Some(CallerIdHeaders::FromOnly) && !shown.diverted_from.is_empty() {
        let diverted = trunk
            .map_or_else(|| shown.diverted_from.clone(), |it| it.number_to(&shown.diverted_from));
        caller.diversion = party(None, &diverted, host);
    }
    if let Some(diversion) = &caller.diversion {
        caller.history = vec![diversion.uri.clone(), target.clone()];
    }
    caller
}

/// A name and `sip:user@host`; `None` if the user cannot stand in a URI.
fn party(display: Option<&str>, user: &str, host: &str) -> Option<Party> {
    let mut text = String::with_capacity(user.len() + host.len() + 32);
    text.push_str("sip:");
    for c in user.bytes() {
        if c.is_ascii_alphanumeric() || b"-_.!~*'()+".contains(&c) {
            text.push(char::from(c));
        } else {
            text.push_str(&format!("%{c:02X}"));
        }
    }
    text.push('@');
    text.push_str(host);
    let uri = Uri::parse(text.as_bytes()).ok()?;
    Some(Party { display: display.map(str::to_owned), uri })
}
