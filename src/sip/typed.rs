//! Typed reading of a message's headers, on demand.

use super::digest::{Challenge, Credentials};
use super::message::Start;
use super::values::{SessionExpires, leading_number, rack};
use super::{ContactValue, Malformed, Message, Method, Name, NameAddr, RAck, Reason, Uri};

impl Message {
    /// The Request-URI.
    pub fn uri(&self) -> Result<Uri, Malformed> {
        match self.start {
            Start::Request { uri, .. } => {
                Uri::read(self.bytes.slice(usize::from(uri.from)..usize::from(uri.to)))
            }
            Start::Response { .. } => Err(Malformed("Request-URI")),
        }
    }

    pub fn from(&self) -> Result<NameAddr, Malformed> {
        self.address(Name::From)
    }

    pub fn to(&self) -> Result<NameAddr, Malformed> {
        self.address(Name::To)
    }

    fn address(&self, name: Name) -> Result<NameAddr, Malformed> {
        NameAddr::parse(self.values(name).next().ok_or(Malformed(name.as_str()))?)
    }

    /// Every contact, or the first thing wrong with one.
    pub fn contacts(&self) -> Result<Vec<ContactValue>, Malformed> {
        let read = |it: std::borrow::Cow<'_, [u8]>| match &*it {
            b"*" => Ok(ContactValue::Star),
            it => NameAddr::parse(it).map(|it| ContactValue::Addr(Box::new(it))),
        };
        self.headers(Name::Contact).map(read).collect()
    }

    /// The first contact that is an address.
    pub fn contact(&self) -> Option<NameAddr> {
        self.headers(Name::Contact).find_map(|it| NameAddr::parse(&it).ok())
    }

    pub fn record_routes(&self) -> Result<Vec<NameAddr>, Malformed> {
        self.addresses(Name::RecordRoute)
    }

    pub fn routes(&self) -> Result<Vec<NameAddr>, Malformed> {
        self.addresses(Name::Route)
    }

    pub fn paths(&self) -> Result<Vec<NameAddr>, Malformed> {
        self.addresses(Name::Path)
    }

    /// Every address of a list header.
    pub fn addresses(&self, name: Name) -> Result<Vec<NameAddr>, Malformed> {
        self.headers(name).map(|it| NameAddr::parse(&it)).collect()
    }

    pub fn max_forwards(&self) -> Option<u8> {
        u8::try_from(self.number(Name::MaxForwards)?).ok()
    }

    /// Seconds; a number that does not fit counts as the largest (RFC 3261 section 20.19).
    pub fn expires(&self) -> Option<u32> {
        let value = self.header(Name::Expires)?;
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        leading_number(&value).or(digits.then_some(u32::MAX))
    }

    pub fn rseq(&self) -> Option<u32> {
        self.number(Name::RSeq)
    }

    pub fn rack(&self) -> Option<RAck> {
        let value = self.header(Name::RAck)?;
        let (rseq, cseq, method) = rack(&value)?;
        let other = || Method::Other(bytes::Bytes::copy_from_slice(method));
        Some(RAck { rseq, cseq, method: Method::known(method).unwrap_or_else(other) })
    }

    pub fn session_expires(&self) -> Option<SessionExpires> {
        SessionExpires::parse(&self.header(Name::SessionExpires)?).ok()
    }

    pub fn min_se(&self) -> Option<u32> {
        self.number(Name::MinSE)
    }

    pub fn min_expires(&self) -> Option<u32> {
        self.number(Name::MinExpires)
    }

    pub fn retry_after(&self) -> Option<u32> {
        self.number(Name::RetryAfter)
    }

    fn number(&self, name: Name) -> Option<u32> {
        leading_number(&self.header(name)?)
    }

    /// Whether an option tag stands in Supported.
    pub fn supports(&self, tag: &str) -> bool {
        self.has(Name::Supported, tag.as_bytes())
    }

    /// Whether an option tag stands in Require.
    pub fn requires(&self, tag: &str) -> bool {
        self.has(Name::Require, tag.as_bytes())
    }

    fn has(&self, name: Name, element: &[u8]) -> bool {
        self.headers(name).any(|it| it.eq_ignore_ascii_case(element))
    }

    /// Whether Allow has a method; `None` without an Allow.
    pub fn allows(&self, method: &Method) -> Option<bool> {
        let mut methods = self.headers(Name::Allow).peekable();
        methods.peek()?;
        Some(methods.any(|it| *it == *method.as_bytes()))
    }

    /// The first Reason; one with a Q.850 cause is preferred.
    pub fn reason_header(&self) -> Option<Reason> {
        let reasons: Vec<_> =
            self.headers(Name::Reason).filter_map(|it| Reason::parse(&it)).collect();
        let q850 = reasons.iter().find(|it| it.q850().is_some()).cloned();
        q850.or_else(|| reasons.into_iter().next())
    }

    /// Type and subtype, lower case, without parameters.
    pub fn content_type(&self) -> Option<String> {
        let value = self.header(Name::ContentType)?;
        let plain = value.split(|c| *c == b';').next()?;
        let text: Vec<u8> = plain.iter().copied().filter(|c| !super::grammar::is_lws(*c)).collect();
        Some(String::from_utf8_lossy(&text).to_ascii_lowercase())
    }

    /// Every challenge, of a server or a proxy, that can be read.
    pub fn challenges(&self) -> Vec<Challenge> {
        let read =
            |name, proxy| self.headers(name).filter_map(move |it| Challenge::parse(&it, proxy));
        read(Name::WwwAuthenticate, false).chain(read(Name::ProxyAuthenticate, true)).collect()
    }

    /// Every set of digest credentials that can be read.
    pub fn credentials(&self) -> Vec<Credentials<'_>> {
        let both = self.values(Name::Authorization).chain(self.values(Name::ProxyAuthorization));
        both.filter_map(Credentials::parse).collect()
    }
}
