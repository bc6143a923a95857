//! To and from the types of the `rsip` crate, for programs that use its vocabulary.
//!
//! The values are taken over part by part, never through rsip's own parser or `Display`: those
//! lose user parts with dots, reason phrases, compact names and octets of bodies. What rsip's
//! types cannot hold is said ([`NotHeld`]), not bent. A known status keeps its code only, since
//! rsip has no place for its phrase; a password, `tel:` and IPv6 addresses come back as they were.
//! Elements of Via, Contact, Route and Record-Route become a header each, because rsip reads only
//! the first of a line. Content-Length is written anew from the body.

use std::net::IpAddr;

use rsip::common::uri::param::{OtherParam, OtherParamValue};
use rsip::{Header, Param};

use super::grammar::{elements, unfold};
use super::name::long_form;
use super::{Error, Message, Method, Name, Scheme, Uri, Value, Write, parse};

/// What the other side's types have no room for, or would break the syntax of ours.
#[derive(Clone, Debug)]
pub enum NotHeld {
    /// rsip has fourteen methods.
    Method(Method),
    /// rsip's strings are UTF-8: the name of the header that is not.
    NotUtf8(String),
    /// A header name that is no token, or a value with a line end or NUL in it: [`Value`] refuses.
    Header(String),
    /// A Request-URI that is not one.
    Uri(String),
    /// Not SIP/2.0.
    Version,
    /// All of its parts are well, but not together (a mandatory header is missing, say).
    Message(Box<Error>),
}

impl std::fmt::Display for NotHeld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Method(method) => write!(f, "rsip does not know the method {method}"),
            Self::NotUtf8(name) => write!(f, "{name} is not UTF-8"),
            Self::Header(name) => write!(f, "{name} cannot be written as a header"),
            Self::Uri(text) => write!(f, "{text} is no Request-URI"),
            Self::Version => write!(f, "not SIP/2.0"),
            Self::Message(error) => write!(f, "not a whole message: {error:?}"),
        }
    }
}

impl std::error::Error for NotHeld {}

impl TryFrom<&Message> for rsip::SipMessage {
    type Error = NotHeld;

    fn try_from(message: &Message) -> Result<Self, NotHeld> {
        if message.is_request() {
            rsip::Request::try_from(message).map(Self::Request)
        } else {
            rsip::Response::try_from(message).map(Self::Response)
        }
    }
}

impl TryFrom<&Message> for rsip::Request {
    type Error = NotHeld;

    fn try_from(message: &Message) -> Result<Self, NotHeld> {
        let method = rsip_method(message.method().as_bytes());
        let not_a_uri = || NotHeld::Uri(lossy(message.request_uri()));
        Ok(Self {
            method: method.ok_or_else(|| NotHeld::Method(message.method().clone()))?,
            uri: rsip::Uri::try_from(&message.uri().map_err(|_| not_a_uri())?)?,
            version: rsip::Version::V2,
            headers: headers(message)?,
            body: message.body().to_vec(),
        })
    }
}

impl TryFrom<&Message> for rsip::Response {
    type Error = NotHeld;

    fn try_from(message: &Message) -> Result<Self, NotHeld> {
        let status_code = match rsip::StatusCode::from(message.status()) {
            rsip::StatusCode::Other(code, _) => {
                rsip::StatusCode::Other(code, utf8("the reason phrase", message.reason())?)
            }
            known => known,
        };
        Ok(Self {
            status_code,
            version: rsip::Version::V2,
            headers: headers(message)?,
            body: message.body().to_vec(),
        })
    }
}

impl TryFrom<&Uri> for rsip::Uri {
    type Error = NotHeld;

    /// Of what is neither `sip:` nor `sips:`, everything up to the parameters stands as the host.
    fn try_from(uri: &Uri) -> Result<Self, NotHeld> {
        let text = utf8("the URI", uri.as_bytes())?;
        if !uri.headers().is_empty() {
            return Err(NotHeld::Uri(text));
        }
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        let (scheme, auth, host) = match uri.scheme() {
            Scheme::Sip => (rsip::Scheme::Sip, auth(uri, rest), rsip_host(uri)),
            Scheme::Sips => (rsip::Scheme::Sips, auth(uri, rest), rsip_host(uri)),
            Scheme::Tel => (rsip::Scheme::Other(scheme.to_owned()), None, opaque(&lossy_user(uri))),
            Scheme::Other => (rsip::Scheme::Other(scheme.to_owned()), None, opaque(rest)),
        };
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        Ok(Self {
            scheme: Some(scheme),
            auth,
            host_with_port: rsip::HostWithPort { host, port: uri.port().map(Into::into) },
            params: uri.params().map(|(name, value)| param(text(name), text(value))).collect(),
            headers: Vec::new(),
        })
    }
}

impl TryFrom<&rsip::Uri> for Uri {
    type Error = NotHeld;

    fn try_from(uri: &rsip::Uri) -> Result<Self, NotHeld> {
        let mut text = match &uri.scheme {
            Some(scheme) => format!("{scheme}:"),
            None => String::new(),
        };
        if let Some(auth) = &uri.auth {
            text.push_str(&format!("{auth}@"));
        }
        match &uri.host_with_port.host {
            rsip::Host::IpAddr(IpAddr::V6(address)) => text.push_str(&format!("[{address}]")),
            host => text.push_str(&host.to_string()),
        }
        if let Some(port) = &uri.host_with_port.port {
            text.push_str(&format!(":{port}"));
        }
        text.extend(uri.params.iter().map(ToString::to_string));
        Self::parse(text.as_bytes()).map_err(|_| NotHeld::Uri(text))
    }
}

impl TryFrom<&rsip::SipMessage> for Message {
    type Error = NotHeld;

    fn try_from(message: &rsip::SipMessage) -> Result<Self, NotHeld> {
        match message {
            rsip::SipMessage::Request(request) => Self::try_from(request),
            rsip::SipMessage::Response(response) => Self::try_from(response),
        }
    }
}

impl TryFrom<&rsip::Request> for Message {
    type Error = NotHeld;

    fn try_from(request: &rsip::Request) -> Result<Self, NotHeld> {
        let name = request.method.to_string().into_bytes();
        let method = Method::known(&name).unwrap_or_else(|| Method::Other(name.into()));
        let write = Write::request(&method, &Uri::try_from(&request.uri)?);
        whole(write, &request.version, &request.headers, &request.body)
    }
}

impl TryFrom<&rsip::Response> for Message {
    type Error = NotHeld;

    fn try_from(response: &rsip::Response) -> Result<Self, NotHeld> {
        let code = response.status_code.code();
        let reason = match &response.status_code {
            rsip::StatusCode::Other(_, reason) => reason,
            _ => super::phrase(code),
        };
        let reason = Value::new(reason).map_err(|_| NotHeld::Header(reason.to_owned()))?;
        let write = Write::status_line(code, &reason);
        whole(write, &response.version, &response.headers, &response.body)
    }
}

/// Writes the headers and the body of one of rsip's messages, and reads the whole.
fn whole(
    mut write: Write,
    version: &rsip::Version,
    headers: &rsip::Headers,
    body: &[u8],
) -> Result<Message, NotHeld> {
    if *version != rsip::Version::V2 {
        return Err(NotHeld::Version);
    }
    for header in headers.iter() {
        let line = header.to_string();
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if name.eq_ignore_ascii_case(Name::ContentLength.as_str()) {
            continue;
        }
        let refused = || NotHeld::Header(name.to_owned());
        let value = Value::new(value.trim_matches([' ', '\t'])).map_err(|_| refused())?;
        write = write.line(name.as_bytes(), &value).map_err(|_| refused())?;
    }
    parse(write.body_as_is(body)).map_err(|error| NotHeld::Message(Box::new(error)))
}

fn headers(message: &Message) -> Result<rsip::Headers, NotHeld> {
    let mut headers = rsip::Headers::default();
    for (text, value) in message.lines() {
        // A name that is in our table goes under its long form; rsip knows no other.
        let name = long_form(text).map_or_else(|| lossy(text), str::to_owned);
        let each = matches!(&*name, "Via" | "Contact" | "Route" | "Record-Route");
        for value in elements(value, each).map(unfold) {
            headers.push(header(name.clone(), utf8(&name, &value)?));
        }
    }
    Ok(headers)
}

/// One of rsip's headers; `Other` if the name is not among its variants.
fn header(name: String, value: String) -> Header {
    let tokens = rsip::headers::header::Tokenizer::from((name.as_bytes(), value.as_bytes()));
    tokens.try_into().unwrap_or(Header::Other(name, value))
}

fn rsip_method(name: &[u8]) -> Option<rsip::Method> {
    rsip::Method::all().into_iter().find(|known| known.to_string().as_bytes() == name)
}

fn auth(uri: &Uri, rest: &str) -> Option<rsip::Auth> {
    let user = lossy_user(uri);
    uri.user()?;
    let (userinfo, _) = rest.split_once('@')?;
    let password = userinfo.get(user.len()..)?.strip_prefix(':').map(str::to_owned);
    Some(rsip::Auth { user, password })
}

fn rsip_host(uri: &Uri) -> rsip::Host {
    match uri.host().ip() {
        Some(address) if address.is_ipv6() => rsip::Host::IpAddr(address),
        // An IPv4 address written with leading zeros, say, would not come back as it was.
        Some(address) if address.to_string() == uri.host_text() => rsip::Host::IpAddr(address),
        _ => opaque(uri.host_text()),
    }
}

fn opaque(text: &str) -> rsip::Host {
    rsip::Host::Domain(rsip::common::uri::Domain::from(text))
}

/// A parameter in the variant rsip has for it, if that variant writes it as it was.
fn param(name: String, value: String) -> Param {
    let value = Some(value).filter(|it| !it.is_empty());
    let as_written = match &value {
        Some(value) => format!(";{name}={value}"),
        None => format!(";{name}"),
    };
    match Param::try_from((&*name, value.as_deref())) {
        Ok(param) if param.to_string().eq_ignore_ascii_case(&as_written) => param,
        _ => Param::Other(OtherParam::from(name), value.map(OtherParamValue::from)),
    }
}

/// A text that rsip can hold and that could come back.
fn utf8(name: &str, text: &[u8]) -> Result<String, NotHeld> {
    if Value::new(text).is_err() {
        return Err(NotHeld::Header(name.to_owned()));
    }
    String::from_utf8(text.to_vec()).map_err(|_| NotHeld::NotUtf8(name.to_owned()))
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn lossy_user(uri: &Uri) -> String {
    lossy(uri.user().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rsip::message::{HasHeaders as _, HeadersExt as _};

    use super::*;

    const INVITE: &str = "INVITE sips:john.doe:pw@[2001:db8::1]:5070;transport=TCP;lr;x=a%20b SIP/2.0\r\n\
        v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport , SIP/2.0/TCP b;branch=z9hG4bK0\r\n\
        f: \"J \\\"<D>\\\"\" <sip:a@x>\r\n ;tag=f\r\nTo: <sip:b@x>\r\ni: c@1\r\nCSeq: 7 INVITE\r\n\
        m: <sip:a@[2001:db8::2]>;+sip.instance=\"<urn:uuid:1>\", <sip:b@y>\r\n\
        k: 100rel, timer\r\nX-Custom: a: b\r\nSubject:\r\nl: 4\r\n\r\n";

    /// With a body that is no text.
    fn invite() -> Message {
        parse([INVITE.as_bytes(), b"\xff\0\r\n"].concat().into()).unwrap()
    }

    fn other(text: &str) -> Message {
        let head = "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n\
                    Call-ID: c\r\n";
        parse(Bytes::from(text.replace("..", head))).unwrap()
    }

    #[test]
    fn a_request_arrives_in_rsips_types_with_all_it_has() {
        let request = rsip::Request::try_from(&invite()).unwrap();
        assert_eq!(request.method, rsip::Method::Invite);
        let auth = rsip::Auth { user: "john.doe".into(), password: Some("pw".into()) };
        assert_eq!(request.uri.auth, Some(auth));
        let address = "2001:db8::1".parse().unwrap();
        assert_eq!(request.uri.host_with_port.host, rsip::Host::IpAddr(address));
        assert_eq!(request.uri.params.len(), 3);
        assert!(request.uri.params.contains(&Param::Transport(rsip::Transport::Tcp)));
        assert_eq!(request.call_id_header().unwrap().to_string(), "Call-ID: c@1");
        assert_eq!(request.headers().iter().filter(|it| matches!(it, Header::Via(_))).count(), 2);
        let contacts = request.headers().iter().filter(|it| matches!(it, Header::Contact(_)));
        assert_eq!(contacts.count(), 2);
        assert!(request.headers().iter().any(|it| it.to_string() == "X-Custom: a: b"));
        assert_eq!(request.body, b"\xff\0\r\n");
    }

    #[test]
    fn a_request_comes_back_as_it_was() {
        let ours = invite();
        let back = Message::try_from(&rsip::SipMessage::try_from(&ours).unwrap()).unwrap();
        assert_eq!(back.request_uri(), ours.request_uri());
        assert_eq!(back.body(), ours.body());
        assert_eq!(back.from().unwrap(), ours.from().unwrap());
        for name in [Name::Via, Name::Contact, Name::Supported, Name::Other("X-Custom")] {
            assert!(back.headers(name).eq(ours.headers(name)), "{name:?}");
        }
        assert_eq!(back.header(Name::Subject).as_deref(), Some(&b""[..]));
        assert_eq!(back.lines().count(), ours.lines().count() + 2, "two lists taken apart");
        let third = rsip::SipMessage::try_from(&back).unwrap();
        assert_eq!(Message::try_from(&third).unwrap().bytes(), back.bytes());
    }

    #[test]
    fn a_response_keeps_its_status_and_an_unknown_one_its_phrase() {
        let known = other("SIP/2.0 486 Very Busy\r\n..CSeq: 1 INVITE\r\n\r\n");
        let back = Message::try_from(&rsip::Response::try_from(&known).unwrap()).unwrap();
        assert_eq!((back.status(), back.reason()), (486, &b"Busy Here"[..]));
        let unknown = other("SIP/2.0 299 Fine So Far\r\n..CSeq: 1 INVITE\r\n\r\n");
        let back = Message::try_from(&rsip::Response::try_from(&unknown).unwrap()).unwrap();
        assert_eq!((back.status(), back.reason()), (299, &b"Fine So Far"[..]));
    }

    #[test]
    fn a_telephone_number_comes_back_as_one() {
        for text in
            ["tel:+1-512-555-0100;ext=5", "urn:service:sos", "sip:010.1.2.3", "sip:a@h;lr=on"]
        {
            let ours = Uri::parse(text.as_bytes()).unwrap();
            let back = Uri::try_from(&rsip::Uri::try_from(&ours).unwrap()).unwrap();
            assert_eq!(back, ours);
        }
    }

    #[test]
    fn what_rsip_cannot_hold_is_said() {
        let method = other("NEW sip:b@x SIP/2.0\r\n..CSeq: 1 NEW\r\n\r\n");
        let refused = rsip::SipMessage::try_from(&method);
        assert!(matches!(refused, Err(NotHeld::Method(_))), "{refused:?}");
        let lower = other("invite sip:b@x SIP/2.0\r\n..CSeq: 1 invite\r\n\r\n");
        assert!(matches!(rsip::SipMessage::try_from(&lower), Err(NotHeld::Method(_))));
        let bytes =
            b"OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\n\
                      Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nSubject: \xe9\r\n\r\n";
        let latin = parse(Bytes::from_static(bytes)).unwrap();
        let refused = rsip::SipMessage::try_from(&latin);
        assert!(
            matches!(&refused, Err(NotHeld::NotUtf8(name)) if name == "Subject"),
            "{refused:?}"
        );
        let nul = other("OPTIONS sip:b SIP/2.0\r\n..CSeq: 1 OPTIONS\r\nSubject: \"\\\0\"\r\n\r\n");
        let refused = rsip::SipMessage::try_from(&nul);
        assert!(matches!(&refused, Err(NotHeld::Header(name)) if name == "Subject"), "{refused:?}");
        let headers = Uri::parse(b"sip:a@b?Subject=x").unwrap();
        assert!(matches!(rsip::Uri::try_from(&headers), Err(NotHeld::Uri(_))));
    }

    #[test]
    fn rsips_strings_cannot_add_a_line() {
        let mut request = rsip::Request::try_from(&invite()).unwrap();
        request.headers.push(Header::Other("X".into(), "a\r\nVia: b".into()));
        assert!(matches!(Message::try_from(&request), Err(NotHeld::Header(_))));
        let mut request = rsip::Request::try_from(&invite()).unwrap();
        request.headers.push(Header::Other("X\r\nVia".into(), "a".into()));
        assert!(matches!(Message::try_from(&request), Err(NotHeld::Header(_))));
        let mut request = rsip::Request::try_from(&invite()).unwrap();
        request.uri.auth = Some(rsip::Auth { user: "a\r\nb".into(), password: None });
        assert!(matches!(Message::try_from(&request), Err(NotHeld::Uri(_))));
        let status_code = rsip::StatusCode::Other(299, "a\r\nb".into());
        let response = rsip::Response { status_code, ..rsip::Response::default() };
        assert!(matches!(Message::try_from(&response), Err(NotHeld::Header(_))));
        assert!(matches!(Message::try_from(&rsip::Response::default()), Err(NotHeld::Message(_))));
    }
}
