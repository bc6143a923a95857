//! Where a request of a dialog goes (RFC 3261 sections 12.1 and 12.2.1.1): the route set, loose or
//! strict, and what it makes of the remote target.
//!
//! Addresses in Contact and Record-Route are never rewritten, private ones included: carriers
//! expect to see them again (EDGE C-03).

use crate::sip::{Malformed, Message, Name, NameAddr, Uri, Value};

/// More hops than any real path has; a longer list is refused as malformed.
pub(super) const MAX_ROUTES: usize = 32;

#[derive(Clone, Debug, Default)]
pub(super) struct RouteSet(Vec<Hop>);

/// One hop: its text as received, and the URI in it.
#[derive(Clone, Debug)]
struct Hop {
    text: Value,
    uri: Uri,
}

/// A remote target as seen through a route set.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    /// The Request-URI.
    pub uri: Uri,
    /// The Route header's elements, in order.
    pub routes: Vec<Value>,
    /// Where the request is sent.
    pub next: Uri,
}

impl RouteSet {
    /// The callee's view: Record-Route in order.
    pub fn of_request(request: &Message) -> Result<Self, Malformed> {
        Self::recorded(request)
    }

    /// The caller's view: Record-Route reversed.
    pub fn of_response(response: &Message) -> Result<Self, Malformed> {
        let mut set = Self::recorded(response)?;
        set.0.reverse();
        Ok(set)
    }

    /// A route known beforehand (RFC 3261 section 8.1.1.1): a registered client's Path, or an
    /// outbound proxy.
    pub fn preloaded(uris: &[Uri]) -> Self {
        let hop = |uri: &Uri| {
            let text = super::head::angled(uri);
            Hop { text, uri: uri.clone() }
        };
        Self(uris.iter().take(MAX_ROUTES).map(hop).collect())
    }

    fn recorded(message: &Message) -> Result<Self, Malformed> {
        let parsed: Vec<NameAddr> = message.record_routes()?;
        if MAX_ROUTES < parsed.len() {
            return Err(Malformed("Record-Route"));
        }
        let texts = message.headers(Name::RecordRoute);
        let hops = texts.zip(parsed).map(|(text, parsed)| {
            let text = Value::new(text.as_ref())?;
            Ok(Hop { text, uri: parsed.uri })
        });
        hops.collect::<Result<_, _>>().map(Self)
    }

    /// RFC 3261 section 12.2.1.1: a loose first hop keeps the target as Request-URI; a strict one
    /// takes its place, and the target moves to the end of the route.
    pub fn aim(&self, target: &Uri) -> Aim {
        let Some(first) = self.0.first() else {
            return Aim { uri: target.clone(), routes: Vec::new(), next: target.clone() };
        };
        if first.uri.param("lr").is_some() {
            let routes = self.0.iter().map(|it| it.text.clone()).collect();
            return Aim { uri: target.clone(), routes, next: first.uri.clone() };
        }
        let rest = self.0.iter().skip(1).map(|it| it.text.clone());
        let routes = rest.chain([super::head::angled(target)]).collect();
        Aim { uri: first.uri.clone(), routes, next: first.uri.clone() }
    }
}
