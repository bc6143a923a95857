//! The whole file: its sections.

use super::keys::section;
use super::shell::{
    Api, Capture, Dns, Limits, Media, Prompts, Recordings, Records, Registrar, Sip, Store,
};
use super::trade::{
    AccountKeys, AccountRangeKeys, AgentKeys, GeoRouterKeys, QueueKeys, ReceivingKeys,
    ScheduleKeys, SettingsKeys, SmartRouterKeys, TagRuleKeys, TrackingKeys, TrunkKeys,
    VirtualAgentKeys, VoiceMenuKeys, VoicemailKeys, WebhookKeys,
};

section! {
    /// The configuration of crosspoint.
    File {
        /// The SIP side: where it listens, what it calls itself, how long it waits.
        sip: Sip = table();
        /// Registrations of phones.
        registrar: Registrar = table();
        /// Voice: where RTP arrives, who carries it, when it counts as gone.
        media: Media = table();
        /// Recordings: stereo WAV files, caller left.
        recordings: Recordings = table();
        /// Messages that are spoken: whispers, greetings, notices.
        prompts: Prompts = table();
        /// Call records and events: JSON lines, one file a day.
        records: Records = table();
        /// What is kept and found again: calls, people, perhaps the directory.
        store: Store = table();
        /// The SIP messages of calls.
        capture: Capture = table();
        /// Health and metrics over HTTP.
        api: Api = table();
        /// Names to addresses.
        dns: Dns = table();
        /// How much is enough.
        limits: Limits = table();
        /// Carriers.
        trunk: Vec<TrunkKeys> = tables();
        /// Phones that register.
        account: Vec<AccountKeys> = tables();
        /// Many accounts at once, for tests.
        account_range: Vec<AccountRangeKeys> = tables();
        /// Opening hours.
        schedule: Vec<ScheduleKeys> = tables();
        /// What tracking numbers share.
        call_settings: Vec<SettingsKeys> = tables();
        /// Destinations.
        receiving_number: Vec<ReceivingKeys> = tables();
        /// Agents: people who are credited with calls.
        agent: Vec<AgentKeys> = tables();
        /// Queues: where callers wait for somebody to be free.
        queue: Vec<QueueKeys> = tables();
        /// Voice menus: a prompt, and where each key leads.
        voice_menu: Vec<VoiceMenuKeys> = tables();
        /// Voicemail boxes.
        voicemail: Vec<VoicemailKeys> = tables();
        /// Smart routers: rules that say where a call goes.
        smart_router: Vec<SmartRouterKeys> = tables();
        /// Geo routers: the caller's ZIP code leads to the next place.
        geo_router: Vec<GeoRouterKeys> = tables();
        /// Virtual agents: programs that talk to callers.
        virtual_agent: Vec<VirtualAgentKeys> = tables();
        /// Tags that finished calls are given.
        tag_rule: Vec<TagRuleKeys> = tables();
        /// Numbers that callers dial.
        tracking_number: Vec<TrackingKeys> = tables();
        /// Webhooks: who is told of events over HTTP.
        webhook: Vec<WebhookKeys> = tables();
    }
}
