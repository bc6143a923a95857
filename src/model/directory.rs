//! All the words of the trade together, indexed and immutable.
//!
//! A change builds a new directory and swaps it; a call keeps the one it began with. References
//! between its parts are names, so routes may go round in a circle; `config` has seen to it that
//! every name is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::phone::normalise;
use super::{
    Account, Agent, CallSettings, Condition, GeoRouter, Keep, Prompt, Queue, ReceivingNumber,
    RingbackBy, Schedule, SmartRouter, TagRule, TrackingNumber, Trunk, VirtualAgent, VoiceMenu,
    VoicemailBox, Webhook, Whisper,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    tracking: BTreeMap<Arc<str>, Arc<TrackingNumber>>,
    receiving: BTreeMap<Arc<str>, Arc<ReceivingNumber>>,
    settings: BTreeMap<Arc<str>, Arc<CallSettings>>,
    schedules: BTreeMap<Arc<str>, Arc<Schedule>>,
    trunks: Vec<Arc<Trunk>>,
    accounts: Vec<Arc<Account>>,
    /// Their places in that list.
    by_user: BTreeMap<Arc<str>, usize>,
    default_trunk: Option<Arc<str>>,
    queues: BTreeMap<Arc<str>, Arc<Queue>>,
    voice_menus: BTreeMap<Arc<str>, Arc<VoiceMenu>>,
    voicemail_boxes: BTreeMap<Arc<str>, Arc<VoicemailBox>>,
    smart_routers: BTreeMap<Arc<str>, Arc<SmartRouter>>,
    geo_routers: BTreeMap<Arc<str>, Arc<GeoRouter>>,
    virtual_agents: BTreeMap<Arc<str>, Arc<VirtualAgent>>,
    agents: BTreeMap<Arc<str>, Arc<Agent>>,
    tag_rules: Vec<TagRule>,
    webhooks: Vec<Arc<Webhook>>,
    headers: BTreeSet<String>,
}

/// What a directory is made of. Of two things with one name the later stands.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub tracking_numbers: Vec<TrackingNumber>,
    pub receiving_numbers: Vec<ReceivingNumber>,
    pub call_settings: Vec<Arc<CallSettings>>,
    pub schedules: Vec<Arc<Schedule>>,
    pub trunks: Vec<Trunk>,
    pub accounts: Vec<Account>,
    /// The trunk for phone numbers that name none; the first trunk if there is none here either.
    pub default_trunk: Option<Arc<str>>,
    pub queues: Vec<Queue>,
    pub voice_menus: Vec<VoiceMenu>,
    pub voicemail_boxes: Vec<VoicemailBox>,
    pub smart_routers: Vec<SmartRouter>,
    pub geo_routers: Vec<GeoRouter>,
    pub virtual_agents: Vec<VirtualAgent>,
    pub agents: Vec<Agent>,
    pub tag_rules: Vec<TagRule>,
    pub webhooks: Vec<Webhook>,
}

impl Directory {
    pub fn new(parts: Parts) -> Self {
        let headers = headers(&parts.smart_routers);
        let tracking = parts.tracking_numbers.into_iter().map(|it| (it.number.clone(), it.into()));
        let receiving = parts.receiving_numbers.into_iter().map(|it| (it.id.clone(), it.into()));
        let users = parts.accounts.iter().enumerate().map(|(n, it)| (it.user.clone(), n));
        let by_user = users.collect();
        let first = parts.trunks.first().map(|it| it.name.clone());
        Self {
            tracking: tracking.collect(),
            receiving: receiving.collect(),
            settings: parts.call_settings.into_iter().map(|it| (it.id.clone(), it)).collect(),
            schedules: parts.schedules.into_iter().map(|it| (it.id.clone(), it)).collect(),
            trunks: parts.trunks.into_iter().map(Arc::new).collect(),
            accounts: parts.accounts.into_iter().map(Arc::new).collect(),
            by_user,
            default_trunk: parts.default_trunk.or(first),
            queues: parts.queues.into_iter().map(|it| (it.id.clone(), it.into())).collect(),
            voice_menus: parts
                .voice_menus
                .into_iter()
                .map(|it| (it.id.clone(), it.into()))
                .collect(),
            voicemail_boxes: parts
                .voicemail_boxes
                .into_iter()
                .map(|it| (it.id.clone(), it.into()))
                .collect(),
            smart_routers: parts
                .smart_routers
                .into_iter()
                .map(|it| (it.id.clone(), it.into()))
                .collect(),
            geo_routers: parts
                .geo_routers
                .into_iter()
                .map(|it| (it.id.clone(), it.into()))
                .collect(),
            virtual_agents: parts
                .virtual_agents
                .into_iter()
                .map(|it| (it.id.clone(), it.into()))
                .collect(),
            agents: parts.agents.into_iter().map(|it| (it.id.clone(), it.into())).collect(),
            tag_rules: parts.tag_rules,
            webhooks: parts.webhooks.into_iter().map(Arc::new).collect(),
            headers,
        }
    }

    /// The tracking number that was dialled: with `+`, without, or as `tel:`.
    pub fn tracking_number(&self, dialled: &str) -> Option<&Arc<TrackingNumber>> {
        self.tracking.get(normalise(dialled)?.as_str())
    }

    pub fn tracking_numbers(&self) -> impl Iterator<Item = &Arc<TrackingNumber>> {
        self.tracking.values()
    }

    pub fn receiving_number(&self, id: &str) -> Option<&Arc<ReceivingNumber>> {
        self.receiving.get(id)
    }

    pub fn receiving_numbers(&self) -> impl Iterator<Item = &Arc<ReceivingNumber>> {
        self.receiving.values()
    }

    /// Whether there are recordings that are not kept for ever.
    pub fn deletes_recordings(&self) -> bool {
        let numbers = self.tracking.values().map(|it| it.keeps_recordings());
        let settings = self.settings.values().map(|it| it.keep_recordings);
        numbers.chain(settings).any(|it| it != Keep::Forever)
    }

    pub fn call_settings(&self, id: &str) -> Option<&Arc<CallSettings>> {
        self.settings.get(id)
    }

    pub fn schedule(&self, id: &str) -> Option<&Arc<Schedule>> {
        self.schedules.get(id)
    }

    /// Trunks, in the order of the file.
    pub fn trunks(&self) -> &[Arc<Trunk>] {
        &self.trunks
    }

    pub fn trunk(&self, name: &str) -> Option<&Arc<Trunk>> {
        self.trunks.iter().find(|it| &*it.name == name)
    }

    /// The trunk for phone numbers that name none.
    pub fn default_trunk(&self) -> Option<&Arc<Trunk>> {
        self.trunk(self.default_trunk.as_deref()?)
    }

    /// Accounts, in the order of the file.
    pub fn accounts(&self) -> &[Arc<Account>] {
        &self.accounts
    }

    pub fn account(&self, user: &str) -> Option<&Arc<Account>> {
        self.accounts.get(*self.by_user.get(user)?)
    }

    pub fn queue(&self, id: &str) -> Option<&Arc<Queue>> {
        self.queues.get(id)
    }

    pub fn queues(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.queues.values()
    }

    pub fn voice_menu(&self, id: &str) -> Option<&Arc<VoiceMenu>> {
        self.voice_menus.get(id)
    }

    pub fn voice_menus(&self) -> impl Iterator<Item = &Arc<VoiceMenu>> {
        self.voice_menus.values()
    }

    pub fn voicemail_box(&self, id: &str) -> Option<&Arc<VoicemailBox>> {
        self.voicemail_boxes.get(id)
    }

    pub fn voicemail_boxes(&self) -> impl Iterator<Item = &Arc<VoicemailBox>> {
        self.voicemail_boxes.values()
    }

    pub fn smart_router(&self, id: &str) -> Option<&Arc<SmartRouter>> {
        self.smart_routers.get(id)
    }

    pub fn smart_routers(&self) -> impl Iterator<Item = &Arc<SmartRouter>> {
        self.smart_routers.values()
    }

    pub fn geo_router(&self, id: &str) -> Option<&Arc<GeoRouter>> {
        self.geo_routers.get(id)
    }

    pub fn geo_routers(&self) -> impl Iterator<Item = &Arc<GeoRouter>> {
        self.geo_routers.values()
    }

    pub fn virtual_agent(&self, id: &str) -> Option<&Arc<VirtualAgent>> {
        self.virtual_agents.get(id)
    }

    pub fn virtual_agents(&self) -> impl Iterator<Item = &Arc<VirtualAgent>> {
        self.virtual_agents.values()
    }

    pub fn agent(&self, id: &str) -> Option<&Arc<Agent>> {
        self.agents.get(id)
    }

    pub fn agents(&self) -> impl Iterator<Item = &Arc<Agent>> {
        self.agents.values()
    }

    pub fn tag_rules(&self) -> &[TagRule] {
        &self.tag_rules
    }

    /// Webhooks, in the order of the file.
    pub fn webhooks(&self) -> &[Arc<Webhook>] {
        &self.webhooks
    }

    /// The header fields of an INVITE that some rule asks about, in lower case.
    pub fn headers(&self) -> &BTreeSet<String> {
        &self.headers
    }

    /// Every message that a call may need, once each.
    pub fn prompts(&self) -> Vec<&Prompt> {
        let mut found = BTreeSet::new();
        for settings in self.settings.values() {
            found.extend(&settings.recording_notice);
            found.extend(&settings.greeting);
            found.extend(&settings.hold_music);
            found.extend(said(&settings.whisper));
            if let RingbackBy::Music(music) = &settings.ringback {
                found.insert(music);
            }
        }
        for number in self.receiving.values() {
            found.extend(said(&number.whisper));
            found.extend(number.accept.as_ref().and_then(|it| it.prompt.as_ref()));
            let codes = number.enhanced_forwarding.as_ref();
            found.extend(codes.and_then(|it| it.score.as_ref()).map(|it| &it.prompt));
        }
        for queue in self.queues.values() {
            found.extend([&queue.music, &queue.welcome, &queue.announcement].into_iter().flatten());
            found.extend(&queue.positions);
        }
        for menu in self.voice_menus.values() {
            found.insert(&menu.prompt);
            found.extend([&menu.invalid, &menu.silent].into_iter().flatten());
        }
        found.extend(self.voicemail_boxes.values().filter_map(|it| it.greeting.as_ref()));
        for router in self.geo_routers.values() {
            found.extend([&router.prompt, &router.invalid].into_iter().flatten());
        }
        found.into_iter().collect()
    }
}

/// What the routers' rules ask of an INVITE.
fn headers(routers: &[SmartRouter]) -> BTreeSet<String> {
    let rules = routers.iter().flat_map(|it| &it.rules);
    let conditions = rules.flat_map(|it| &it.conditions);
    conditions.filter_map(header).map(str::to_ascii_lowercase).collect()
}

fn header(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::Header { name, .. } => Some(name),
        Condition::Not(other) => header(other),
        _ => None,
    }
}

fn said(whisper: &Whisper) -> Option<&Prompt> {
    match whisper {
        Whisper::Say(prompt) => Some(prompt),
        Whisper::Inherit | Whisper::Nothing => None,
    }
}
