//! From keys to the directory: what one key alone cannot show is checked here.

use std::path::Path;
use std::sync::Arc;

use super::error::Wrong;
use super::names::Index;
use super::shell::Sip;
use super::trade::{
    AcceptKeys, CallerIdKeys, DialKeys, NoAnswerKeys, ReceivingKeys, SettingsKeys, StageKeys,
    TrackingKeys,
};
use super::value::{Name, Names};
use super::words::{Announced, Message, Music, RouteWord};
use super::{Config, File, hours, trunks};
use crate::model::directory::Parts;
use crate::model::phone::Phone;
use crate::model::{
    AcceptBy, BlockList, CallSettings, CallerId, Dial, Directory, Endpoint, EnhancedForwarding,
    NoAnswer, Order, Prompt, ReceivingNumber, RingbackBy, Route, Schedule, Stage, TrackingNumber,
    Trunk, Whisper,
};
use crate::sip::Uri;

/// The name of the settings that hold without a name.
const DEFAULT: &str = "default";

pub(super) fn config(file: File, text: &str, folder: &Path) -> Result<Config, Wrong> {
    let mut sip = file.sip;
    if sip.listener.is_empty() {
        sip.listener.push(super::keys::given("listener", "{}")?);
    }
    let realm = trunks::quotable(&sip.realm);
    realm.map_err(|why| sip.places.wrong("realm", why).under("sip"))?;
    if sip.challenge.is_empty() {
        return Err(sip.places.wrong("challenge", "there is no algorithm").under("sip"));
    }
    check_listeners(&sip, text).map_err(|it| it.under("listener").under("sip"))?;
    let mut trade = Trade::new(text, folder, &file.prompts.voice);

    let (trunks, default_trunk) =
        trunks::trunks(file.trunk, &sip, &mut trade.trunks).map_err(|it| it.under("trunk"))?;
    trade.trunk_parts = trunks;
    let accounts = trunks::accounts(file.account, file.account_range, &mut trade.accounts);
    let accounts = accounts.map_err(|it| match it.key.starts_with("account_range") {
        true => it,
        false => it.under("account"),
    })?;
    for keys in file.schedule {
        let read = trade.schedule(keys).map_err(|it| it.under("schedule"))?;
        trade.schedule_parts.push(read.into());
    }
    for keys in file.call_settings {
        let read = trade.settings(keys).map_err(|it| it.under("call_settings"))?;
        trade.settings_parts.push(read.into());
    }
    if !trade.settings_parts.iter().any(|it| &*it.id == DEFAULT) {
        trade.settings.add_at(DEFAULT.into(), 0..0)?;
        trade.settings_parts.push(CallSettings::new(DEFAULT).into());
    }
    // All names first: routes may go forward and round in circles.
    for keys in &file.receiving_number {
        let added = trade.receiving.add(&keys.name);
        added.map_err(|it| it.under("name").under("receiving_number"))?;
    }
    let mut receiving_numbers = Vec::new();
    for keys in file.receiving_number {
        let read = trade.receiving_number(keys, default_trunk.as_deref());
        receiving_numbers.push(read.map_err(|it| it.under("receiving_number"))?);
    }
    let mut tracking_numbers = Vec::new();
    for keys in file.tracking_number {
        let read = trade.tracking_number(keys).map_err(|it| it.under("tracking_number"))?;
        tracking_numbers.push(read);
    }
    let directory = Directory::new(Parts {
        tracking_numbers,
        receiving_numbers,
        call_settings: trade.settings_parts,
        schedules: trade.schedule_parts,
        trunks: trade.trunk_parts,
        accounts,
        default_trunk,
        ..Parts::default()
    });
    check_expiry(&file.registrar).map_err(|it| it.under("registrar"))?;
    Ok(Config {
        sip,
        registrar: file.registrar,
        media: file.media,
        recordings: file.recordings,
        prompts: file.prompts,
        records: file.records,
        api: file.api,
        limits: file.limits,
        directory: Arc::new(directory),
    })
}

fn check_listeners(sip: &Sip, text: &str) -> Result<(), Wrong> {
    let (mut names, mut sockets) = (Index::new("listener", text), Index::new("socket", text));
    for it in &sip.listener {
        let name = names.add_at(it.name.as_str().into(), it.places.of("name"));
        name.map_err(|wrong| wrong.under("name"))?;
        if it.transports.is_empty() {
            return Err(it.places.wrong("transports", "a listener needs a transport"));
        }
        for transport in &it.transports {
            let socket = format!("{} {transport:?}", it.address).to_lowercase();
            let taken = sockets.add_at(socket.into(), it.places.of("address"));
            taken.map_err(|wrong| wrong.under("address"))?;
        }
    }
    Ok(())
}

fn check_expiry(registrar: &super::shell::Registrar) -> Result<(), Wrong> {
    let (min, usual) = (*registrar.min_expires, *registrar.default_expires);
    if usual < min || *registrar.max_expires < usual {
        let message = "min_expires, default_expires and max_expires do not rise in this order";
        return Err(registrar.places.wrong("default_expires", message));
    }
    Ok(())
}

/// What has been read of the trade so far.
struct Trade<'a> {
    folder: &'a Path,
    voice: &'a str,
    trunks: Index<'a>,
    accounts: Index<'a>,
    schedules: Index<'a>,
    settings: Index<'a>,
    receiving: Index<'a>,
    tracking: Index<'a>,
    trunk_parts: Vec<Trunk>,
    schedule_parts: Vec<Arc<Schedule>>,
    settings_parts: Vec<Arc<CallSettings>>,
}

impl<'a> Trade<'a> {
    fn new(text: &'a str, folder: &'a Path, voice: &'a str) -> Self {
        Self {
            folder,
            voice,
            trunks: Index::new("trunk", text),
            accounts: Index::new("account", text),
            schedules: Index::new("schedule", text),
            settings: Index::new("call settings", text),
            receiving: Index::new("receiving number", text),
            tracking: Index::new("tracking number", text),
            trunk_parts: Vec::new(),
            schedule_parts: Vec::new(),
            settings_parts: Vec::new(),
        }
    }

    fn schedule(&mut self, keys: super::trade::ScheduleKeys) -> Result<Schedule, Wrong> {
        self.schedules.add(&keys.name).map_err(|it| it.under("name"))?;
        hours::schedule(keys)
    }

    fn settings(&mut self, keys: SettingsKeys) -> Result<CallSettings, Wrong> {
        self.settings.add(&keys.name).map_err(|it| it.under("name"))?;
        let voice = keys.voice.as_deref().unwrap_or(self.voice);
        let prompt = |it: &Message| self.prompt(it, voice);
        let block = &keys.block_list;
        let listed = |key: &str, texts: &[String], read: fn(&str) -> Result<String, String>| {
            let read = texts.iter().map(|it| read(it)).collect::<Result<Vec<_>, _>>();
            read.map_err(|why| block.places.wrong(key, why).under("block_list"))
        };
        Ok(CallSettings {
            record: keys.record,
            recording_notice: keys.recording_notice.as_ref().map(prompt),
            greeting: keys.greeting.as_ref().map(prompt),
            whisper: self.whisper(keys.whisper.as_ref(), voice),
            caller_id: caller_id(&keys.caller_id).map_err(|it| it.under("caller_id"))?,
            block_list: BlockList {
                numbers: listed("numbers", &block.numbers, |it| {
                    Phone::parse(it, None).map(|it| it.to_string())
                })?,
                prefixes: listed("prefixes", &block.prefixes, number_prefix)?,
                anonymous: block.anonymous,
            },
            ringback: match &keys.ringback {
                Music::Tone(tone) => RingbackBy::Tone(*tone),
                Music::File(file) => RingbackBy::Music(self.file(file)),
            },
            max_duration: *keys.max_duration,
            early_media: keys.early_media,
            id: keys.name.text,
        })
    }

    fn receiving_number(
        &self,
        keys: ReceivingKeys,
        default_trunk: Option<&str>,
    ) -> Result<ReceivingNumber, Wrong> {
        let place = keys.places.clone();
        let endpoint = self.endpoint(&keys, default_trunk)?;
        let credentials = trunks::login(&place, "user", keys.user, keys.password, keys.realm)?;
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
        let schedule = |key: &str, name: &Option<Name>| match name {
            None => Ok(None),
            Some(name) => {
                let id = self.schedules.find(name).map_err(|it| it.under(key))?;
                Ok(self.schedule_parts.iter().find(|it| it.id == id).cloned())
            }
        };
        Ok(ReceivingNumber {
            description: keys.description,
            credentials,
            keys: keys.keys.unwrap_or_else(|| self.trunk_keys(&endpoint, default_trunk)),
            extension: keys.extension,
            dial_pause: *keys.dial_pause,
            wait_for_voice: keys.wait_for_voice,
            whisper: self.whisper(keys.whisper.as_ref(), self.voice),
            accept: self.accept(keys.accept.as_ref())?,
            decline_machines: false,
            prevent_recording: keys.prevent_recording,
            enhanced_forwarding: keys.enhanced_forwarding.filter(|it| it.on).map(|it| {
                let (stop, start) = (it.stop_recording.0, it.start_recording.0);
                EnhancedForwarding { stop_recording: stop, start_recording: start, score: None }
            }),
            schedule: schedule("schedule", &keys.schedule)?,
            outside_hours: self
                .route(&keys.outside_hours)
                .map_err(|it| it.under("outside_hours"))?,
            no_answer: self.no_answer(&keys.no_answer).map_err(|it| it.under("no_answer"))?,
            caller_id: match &keys.caller_id {
                Some(rule) => Some(caller_id(rule).map_err(|it| it.under("caller_id"))?),
                None => None,
            },
            agent: keys.agent,
            lead_owner: keys.lead_owner,
            tagging_schedule: schedule("tagging_schedule", &keys.tagging_schedule)?,
            after_hours_limit: keys.after_hours_limit.map(|it| *it),
            source_tag: keys.source_tag,
            ring_delay: *keys.ring_delay,
            weight: *keys.weight,
            max_calls: keys.max_calls.map(|it| *it),
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
            let account = self.accounts.find_at(account, place.of("number"));
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
            Some(name) => Some(self.trunks.find(name).map_err(|it| it.under("trunk"))?),
            None if self.trunks.is_empty() => {
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
    fn trunk(&self, name: Option<&str>) -> Option<&Trunk> {
        match name {
            Some(name) => self.trunk_parts.iter().find(|it| &*it.name == name),
            None => self.trunk_parts.first(),
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

    fn tracking_number(&mut self, keys: TrackingKeys) -> Result<TrackingNumber, Wrong> {
        let place = &keys.places;
        let number = Phone::parse(&keys.number.text, keys.country.as_deref())
            .map_err(|why| place.wrong("number", why))?
            .into_inner();
        let taken = self.tracking.add_at(number.clone(), place.of("number"));
        taken.map_err(|it| it.under("number"))?;
        let route = match (&keys.dial, &keys.route) {
            (Some(dial), None) => self.dial(dial, keys.order, keys.stages.as_deref(), place)?,
            (None, Some(route)) if keys.order.is_none() && keys.stages.is_none() => {
                self.route(route).map_err(|it| it.under("route"))?
            }
            (None, Some(_)) => {
                let message = "`order` and `stages` go with `dial`, or inside of the route";
                return Err(place.wrong("route", message));
            }
            (Some(_), Some(_)) => {
                return Err(place.wrong("route", "there is `dial` already: one of them"));
            }
            (None, None) => {
                let message = "needs `dial` or `route`: where do its calls go?";
                return Err(place.wrong("dial", message).allowed("dial = [\"shop\"]"));
            }
        };
        let fail_safe = keys.fail_safe.as_ref().map(|it| self.receiving.find(it)).transpose();
        let settings = match &keys.call_settings {
            None => DEFAULT.into(),
            Some(name) => self.settings.find(name).map_err(|it| it.under("call_settings"))?,
        };
        let settings = self.settings_parts.iter().find(|it| it.id == settings).cloned();
        Ok(TrackingNumber {
            number,
            label: keys.label,
            source: keys.source,
            route: Some(route),
            settings: settings.unwrap_or_else(|| CallSettings::new(DEFAULT).into()),
            fail_safe: fail_safe.map_err(|it| it.under("fail_safe"))?,
            tags: keys.tags,
        })
    }

    fn no_answer(&self, keys: &NoAnswerKeys) -> Result<NoAnswer, Wrong> {
        let busy = keys.busy_route.as_ref().map(|it| self.route(it)).transpose();
        Ok(NoAnswer {
            timeout: *keys.timeout,
            route: self.route(&keys.route).map_err(|it| it.under("route"))?,
            busy_route: busy.map_err(|it| it.under("busy_route"))?,
        })
    }

    fn route(&self, word: &RouteWord) -> Result<Route, Wrong> {
        match word {
            RouteWord::Hangup => Ok(Route::Hangup),
            RouteWord::Dial(keys) => {
                let DialKeys { dial, order, stages, places } = &**keys;
                self.dial(dial, *order, stages.as_deref(), places)
            }
        }
    }

    fn dial(
        &self,
        dial: &Names,
        order: Option<Order>,
        stages: Option<&[StageKeys]>,
        place: &super::keys::Places,
    ) -> Result<Route, Wrong> {
        let stages = stages.unwrap_or_default();
        let order = match (order, stages) {
            (None | Some(Order::Stages), [_, ..]) => Order::Stages,
            (Some(Order::Stages), []) => {
                return Err(place.wrong("order", "the order `stages` needs `stages`"));
            }
            (Some(_), [_, ..]) => {
                return Err(place.wrong("stages", "`stages` are an order of their own"));
            }
            (order, []) => order.unwrap_or_default(),
        };
        if dial.0.is_empty() {
            return Err(place.wrong("dial", "there is nobody to dial"));
        }
        let numbers = self.listed(dial).map_err(|it| it.under("dial"))?;
        let mut later = Vec::new();
        for stage in stages {
            // Who rings already may be named again: nobody is rung twice.
            let joining = self.listed(&stage.numbers);
            let joining = joining.map_err(|it| it.under("numbers").under("stages"))?;
            later.push(Stage { after: *stage.after, numbers: joining });
        }
        Ok(Route::Dial(Arc::new(Dial { order, numbers, stages: later })))
    }

    /// The receiving numbers of a list, each once.
    fn listed(&self, names: &Names) -> Result<Vec<Arc<str>>, Wrong> {
        let mut numbers = Vec::new();
        for name in &names.0 {
            let found = self.receiving.find(name)?;
            if numbers.contains(&found) {
                return Err(Wrong::at(name.span.clone(), format!("{found:?} is there already")));
            }
            numbers.push(found);
        }
        Ok(numbers)
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

    fn whisper(&self, said: Option<&Announced>, voice: &str) -> Whisper {
        match said {
            None => Whisper::Inherit,
            Some(Announced::Nothing) => Whisper::Nothing,
            Some(Announced::Say(message)) => Whisper::Say(self.prompt(message, voice)),
        }
    }

    fn prompt(&self, message: &Message, usual: &str) -> Prompt {
        match message {
            Message::File(file) => self.file(file),
            Message::Text { text, voice } => Prompt::text(text, voice.as_deref().unwrap_or(usual)),
        }
    }

    fn file(&self, file: &str) -> Prompt {
        Prompt::file(&self.folder.join(file).to_string_lossy())
    }
}

fn caller_id(keys: &CallerIdKeys) -> Result<CallerId, Wrong> {
    trunks::digits(&keys.prefix).map_err(|why| keys.places.wrong("prefix", why))?;
    let template = keys.name.as_deref().unwrap_or_default();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let from = rest.split_at(at).1;
        let Some(place) = CallerId::PLACES.iter().find(|it| from.starts_with(**it)) else {
            let column = template.len() - from.len();
            let column = template.get(..column).unwrap_or_default().chars().count() + 1;
            let message = format!("column {column}: braces stand for something unknown");
            return Err(keys.places.wrong("name", message).allowed(CallerId::PLACES.join(", ")));
        };
        rest = from.split_at(place.len()).1;
    }
    let (number, prefix) = (keys.number.0.clone(), keys.prefix.clone());
    Ok(CallerId { number, prefix, name: keys.name.clone() })
}

/// The beginning of a number: `+1900`, `1900`.
fn number_prefix(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    match !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) {
        true => Ok(format!("+{digits}")),
        false => Err(format!("{text:?} is not the beginning of a number such as \"+1900\"")),
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
