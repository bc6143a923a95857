//! What there is, by name: all of the file, before the first thing is made of it.

use std::sync::Arc;

use super::tracking::e164;
use super::{DEFAULT, Trade};
use crate::config::File;
use crate::config::error::Wrong;
use crate::config::names::Index;
use crate::config::value::Name;
use crate::model::Schedule;
use crate::model::phone::Phone;

pub(super) struct Known<'a> {
    pub trunks: Index<'a>,
    pub accounts: Index<'a>,
    pub schedules: Index<'a>,
    pub settings: Index<'a>,
    pub receiving: Index<'a>,
    pub tracking: Index<'a>,
    pub queues: Index<'a>,
    pub voice_menus: Index<'a>,
    pub voicemail_boxes: Index<'a>,
    pub smart_routers: Index<'a>,
    pub geo_routers: Index<'a>,
    pub virtual_agents: Index<'a>,
    pub agents: Index<'a>,
}

impl<'a> Known<'a> {
    /// The names of this file, but for those of trunks and accounts.
    pub fn of(file: &File, text: &'a str) -> Result<Self, Wrong> {
        let mut known = Self {
            trunks: Index::new("trunk", text),
            accounts: Index::new("account", text),
            schedules: Index::new("schedule", text),
            settings: Index::new("call settings", text),
            receiving: Index::new("receiving number", text),
            tracking: Index::new("tracking number", text),
            queues: Index::new("queue", text),
            voice_menus: Index::new("voice menu", text),
            voicemail_boxes: Index::new("voicemail box", text),
            smart_routers: Index::new("smart router", text),
            geo_routers: Index::new("geo router", text),
            virtual_agents: Index::new("virtual agent", text),
            agents: Index::new("agent", text),
        };
        named(&mut known.schedules, "schedule", file.schedule.iter().map(|it| &it.name))?;
        let settings = file.call_settings.iter().map(|it| &it.name);
        named(&mut known.settings, "call_settings", settings)?;
        if known.settings.find_at(DEFAULT, 0..0).is_err() {
            known.settings.add_at(DEFAULT.into(), 0..0)?;
        }
        let receiving = file.receiving_number.iter().map(|it| &it.name);
        named(&mut known.receiving, "receiving_number", receiving)?;
        named(&mut known.queues, "queue", file.queue.iter().map(|it| &it.name))?;
        named(&mut known.voice_menus, "voice_menu", file.voice_menu.iter().map(|it| &it.name))?;
        named(&mut known.voicemail_boxes, "voicemail", file.voicemail.iter().map(|it| &it.name))?;
        let smart_routers = file.smart_router.iter().map(|it| &it.name);
        named(&mut known.smart_routers, "smart_router", smart_routers)?;
        named(&mut known.geo_routers, "geo_router", file.geo_router.iter().map(|it| &it.name))?;
        let virtual_agents = file.virtual_agent.iter().map(|it| &it.name);
        named(&mut known.virtual_agents, "virtual_agent", virtual_agents)?;
        named(&mut known.agents, "agent", file.agent.iter().map(|it| &it.name))?;
        let mut webhooks = Index::new("webhook", text);
        named(&mut webhooks, "webhook", file.webhook.iter().map(|it| &it.name))?;
        let rules = file.tag_rule.iter().filter_map(|it| it.name.as_ref());
        named(&mut Index::new("tag rule", text), "tag_rule", rules)?;
        for keys in &file.tracking_number {
            let number = e164(keys).map_err(|it| it.under("tracking_number"))?;
            let taken = known.tracking.add_at(number, keys.places.of("number"));
            taken.map_err(|it| it.under("number").under("tracking_number"))?;
        }
        Ok(known)
    }
}

fn named<'k>(
    index: &mut Index<'_>,
    section: &str,
    mut names: impl Iterator<Item = &'k Name>,
) -> Result<(), Wrong> {
    names.try_for_each(|it| index.add(it)).map_err(|it| it.under("name").under(section))
}

impl Trade<'_> {
    pub(super) fn schedule_named(
        &self,
        name: &Option<Name>,
    ) -> Result<Option<Arc<Schedule>>, Wrong> {
        let Some(name) = name else { return Ok(None) };
        let id = self.known.schedules.find(name)?;
        Ok(self.schedules.iter().find(|it| it.id == id).cloned())
    }

    /// A tracking number, however it is written.
    pub(super) fn tracking_named(&self, name: &Name) -> Result<Arc<str>, Wrong> {
        let number = Phone::parse(&name.text, None);
        let number = number.map_err(|why| Wrong::at(name.span.clone(), why))?.into_inner();
        self.known.tracking.find_at(&number, name.span.clone())
    }
}
