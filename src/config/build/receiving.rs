//! Receiving numbers.

use super::Trade;
use super::routes::only_while_closed;
use super::settings::caller_id;
use crate::audio::Digit;
use crate::config::error::Wrong;
use crate::config::trade::{AcceptKeys, CodesKeys, NoAnswerKeys, ReceivingKeys};
use crate::flow;
use crate::model::phone::Phone;
use crate::model::{
    AcceptBy, Endpoint, EnhancedForwarding, NoAnswer, ReceivingNumber, Route, Trunk,
};
use crate::sip::Uri;

impl Trade<'_> {
    pub(super) fn receiving_number(&self, keys: ReceivingKeys) -> Result<ReceivingNumber, Wrong> {
        let default_trunk = self.default_trunk.as_deref();
        let place = keys.places.clone();
        let endpoint = self.endpoint(&keys, default_trunk)?;
        let credentials =
            super::trunks::login(&place, "user", keys.user, keys.password, keys.realm)?;
        if credentials.is_some() && !matches!(endpoint, Endpoint::Sip { .. }) {
            let message =
                "user and password are for sip: URIs; those of phone numbers are the trunk's";
            return Err(place.wrong("user", message));
        }
        let alone = |key: &str, needs: &str| {
            Err(place.wrong(key, format!("it does nothing without `{needs}`")))
        };
        if keys.extension.is_none() && (keys.wait_for_voice || !keys.dial_pause.is_zero()) {
            return match keys.wait_for_voice {
                true => alone("wait_for_voice", "extension"),
                false => alone("dial_pause", "extension"),
            };
        }
        if keys.after_hours_limit.is_some() && keys.tagging_schedule.is_none() {
            return alone("after_hours_limit", "tagging_schedule");
        }
        only_while_closed(&keys.outside_hours, &keys.schedule, &place)?;
        Ok(ReceivingNumber {
            description: keys.description,
            credentials,
            keys: keys.keys.unwrap_or_else(|| self.trunk_keys(&endpoint, default_trunk)),
            extension: keys.extension,
            dial_pause: *keys.dial_pause,
            wait_for_voice: keys.wait_for_voice,
            whisper: self.whisper(keys.whisper.as_ref(), self.voice),
            accept: self.accept(keys.accept.as_ref())?,
            decline_machines: keys.decline_machines,
            prevent_recording: keys.prevent_recording,
            enhanced_forwarding: self.codes(keys.enhanced_forwarding)?,
            schedule: self.schedule_named(&keys.schedule).map_err(|it| it.under("schedule"))?,
            outside_hours: self
                .route(&keys.outside_hours)
                .map_err(|it| it.under("outside_hours"))?,
            no_answer: self.no_answer(&keys.no_answer).map_err(|it| it.under("no_answer"))?,
            caller_id: match &keys.caller_id {
                Some(rule) => Some(caller_id(rule).map_err(|it| it.under("caller_id"))?),
                None => None,
            },
            agent: self.credited(&keys.agent).map_err(|it| it.under("agent"))?,
            lead_owner: self.credited(&keys.lead_owner).map_err(|it| it.under("lead_owner"))?,
            tagging_schedule: self
                .schedule_named(&keys.tagging_schedule)
                .map_err(|it| it.under("tagging_schedule"))?,
            after_hours_limit: keys.after_hours_limit.map(|it| *it),
            source_tag: keys.source_tag,
            ring_delay: *keys.ring_delay,
            weight: *keys.weight,
            max_calls: keys.max_calls.map(|it| *it),
            may_transfer: keys.may_transfer,
            endpoint,
            id: keys.name.text,
        })
    }

    fn endpoint(&self, keys: &ReceivingKeys, default: Option<&str>) -> Result<Endpoint, Wrong> {
        let (text, place) = (&*keys.number.text, &keys.places);
        let only_phones = |key: &str| match place.has(key) {
            true => Err(place.wrong(key, "this is for phone numbers")),
            false => Ok(()),
        };
        if let Some(account) = text.strip_prefix("client:") {
            only_phones("trunk").and(only_phones("country"))?;
            let account = self.known.accounts.find_at(account, place.of("number"));
            return Ok(Endpoint::Client { account: account.map_err(|it| it.under("number"))? });
        }
        if text.starts_with("sip:") {
            only_phones("trunk").and(only_phones("country"))?;
            let sound = sip_uri(text);
            sound.map_err(|why| place.wrong("number", why))?;
            return Ok(Endpoint::Sip { uri: text.into() });
        }
        let number = Phone::parse(text, keys.country.as_deref()).map_err(|why| {
            let allowed =
                "a phone number such as \"+12025550173\", \"sip:user@host\", \"client:USER\"";
            place.wrong("number", why).allowed(allowed)
        })?;
        let trunk = match &keys.trunk {
            Some(name) => Some(self.known.trunks.find(name).map_err(|it| it.under("trunk"))?),
            None if self.known.trunks.is_empty() => {
                return Err(
                    place.wrong("number", "a phone number needs a trunk, and there is none")
                );
            }
            None => None,
        };
        let carrier = self.trunk(trunk.as_deref().or(default));
        if let Some(carrier) = carrier.filter(|it| it.addresses.is_empty()) {
            let message = format!("trunk {:?} has no addresses to call through", carrier.name);
            return Err(place.wrong(if trunk.is_some() { "trunk" } else { "number" }, message));
        }
        Ok(Endpoint::Phone { number: number.into_inner(), trunk })
    }

    /// The trunk with this name; the first without a name.
    pub(super) fn trunk(&self, name: Option<&str>) -> Option<&Trunk> {
        match name {
            Some(name) => self.trunks.iter().find(|it| &*it.name == name),
            None => self.trunks.first(),
        }
    }

    fn trunk_keys(&self, endpoint: &Endpoint, default: Option<&str>) -> crate::model::KeysBy {
        match endpoint {
            Endpoint::Phone { trunk, .. } => {
                self.trunk(trunk.as_deref().or(default)).map(|it| it.keys).unwrap_or_default()
            }
            Endpoint::Sip { .. } | Endpoint::Client { .. } => Default::default(),
        }
    }

    fn no_answer(&self, keys: &NoAnswerKeys) -> Result<NoAnswer, Wrong> {
        let busy = keys.busy_route.as_ref().map(|it| self.route(it)).transpose();
        let route = self.route(&keys.route).map_err(|it| it.under("route"))?;
        if flow::ROUTE_UNANSWERED_MAX <= *keys.timeout && route != Route::Hangup {
            let message = "a call may ring for ten minutes in all: this route would never be taken";
            let wrong = keys.places.wrong("timeout", message);
            return Err(wrong.allowed("less than \"10m\" where there is a route"));
        }
        Ok(NoAnswer {
            timeout: *keys.timeout,
            route,
            busy_route: busy.map_err(|it| it.under("busy_route"))?,
        })
    }

    fn accept(&self, keys: Option<&AcceptKeys>) -> Result<Option<AcceptBy>, Wrong> {
        let Some(keys) = keys else { return Ok(None) };
        if keys.reject == Some(keys.key) {
            let wrong = keys.places.wrong("reject", "the same key cannot take and decline");
            return Err(wrong.under("accept"));
        }
        Ok(Some(AcceptBy {
            key: keys.key,
            reject: keys.reject,
            prompt: keys.prompt.as_ref().map(|it| self.prompt(it, self.voice)),
            timeout: *keys.timeout,
            repeats: *keys.repeats as u8,
        }))
    }

    fn codes(&self, keys: Option<CodesKeys>) -> Result<Option<EnhancedForwarding>, Wrong> {
        let Some(keys) = keys.filter(|it| it.on) else { return Ok(None) };
        let (stop, start) = (keys.stop_recording.0, keys.start_recording.0);
        let one_way = |a: &[Digit], b: &[Digit]| a.starts_with(b) || b.starts_with(a);
        if one_way(&stop, &start) {
            let message = "one of the codes is the beginning of the other";
            let wrong = keys.places.wrong("start_recording", message);
            return Err(wrong.under("enhanced_forwarding"));
        }
        let score = keys.score.map(|it| self.score(it)).transpose();
        let score = score.map_err(|it| it.under("score").under("enhanced_forwarding"))?;
        Ok(Some(EnhancedForwarding { stop_recording: stop, start_recording: start, score }))
    }
}

/// Whether a destination's URI is one that a request can be sent to.
fn sip_uri(text: &str) -> Result<(), String> {
    let wrong = || format!("{text:?} is not a URI such as \"sip:user@192.0.2.1:5060\"");
    let uri = Uri::parse(text.as_bytes()).map_err(|_| wrong())?;
    match uri.param("transport").map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"udp" | b"tcp") => Ok(()),
        Some(_) => Err(format!("{text:?}: the transports are udp and tcp")),
    }
}
