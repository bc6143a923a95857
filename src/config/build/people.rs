//! Agents, what phones may call outside, tag rules.

use std::sync::Arc;
use std::time::Duration;

use super::Trade;
use crate::config::error::Wrong;
use crate::config::lists::Many;
use crate::config::trade::{AgentKeys, CallOutKeys, TagRuleKeys, TagWhenKeys};
use crate::config::value::Name;
use crate::model::phone::Phone;
use crate::model::{Agent, CallOut, TagCondition, TagRule};

impl Trade<'_> {
    pub(super) fn agent(&self, keys: AgentKeys) -> Result<Agent, Wrong> {
        let mut numbers = Vec::new();
        for name in keys.numbers.iter().flatten() {
            let found = self.known.receiving.find(name).map_err(|it| it.under("numbers"))?;
            if numbers.contains(&found) {
                let wrong = Wrong::at(name.span.clone(), format!("{found:?} is there already"));
                return Err(wrong.under("numbers"));
            }
            numbers.push(found);
        }
        let account = keys.account.as_ref().map(|it| self.known.accounts.find(it)).transpose();
        Ok(Agent {
            name: keys.full_name.unwrap_or_else(|| keys.name.text.to_string()),
            numbers,
            account: account.map_err(|it| it.under("account"))?,
            id: keys.name.text,
        })
    }

    /// The agent of a key that credits one. Where the file has no agents, any name is right.
    pub(super) fn credited(&self, name: &Option<Name>) -> Result<Option<Arc<str>>, Wrong> {
        match name {
            None => Ok(None),
            Some(name) if self.known.agents.is_empty() => Ok(Some(name.text.clone())),
            Some(name) => self.known.agents.find(name).map(Some),
        }
    }

    /// Refuses an agent that nothing rings.
    pub(super) fn can_be_rung(&self, name: &Name) -> Result<(), Wrong> {
        let agent = self.agents.iter().find(|it| it.id == name.text);
        match agent.is_some_and(|it| it.numbers.is_empty() && it.account.is_none()) {
            true => {
                let message =
                    format!("agent {:?} has no numbers and no account to ring", name.text);
                Err(Wrong::at(name.span.clone(), message))
            }
            false => Ok(()),
        }
    }

    pub(super) fn call_out(&self, keys: CallOutKeys) -> Result<CallOut, Wrong> {
        let place = &keys.places;
        if keys.prefixes.is_empty() {
            return Err(place.wrong("prefixes", "nothing may be called: leave `call_out` away"));
        }
        if keys.caller_ids.is_empty() {
            return Err(place.wrong("caller_ids", "there is no number to show"));
        }
        if let Some(country) = &keys.country
            && let Err(why) = Phone::parse("0", Some(country))
            && why.contains("not a country")
        {
            return Err(place.wrong("country", why));
        }
        let trunk = keys.trunk.as_ref().map(|it| self.known.trunks.find(it)).transpose();
        let trunk = trunk.map_err(|it| it.under("trunk"))?;
        let carrier = self.trunk(trunk.as_deref().or(self.default_trunk.as_deref()));
        let key = if trunk.is_some() { "trunk" } else { "prefixes" };
        match carrier {
            None => return Err(place.wrong(key, "this needs a trunk, and there is none")),
            Some(carrier) if carrier.addresses.is_empty() => {
                let message = format!("trunk {:?} has no addresses to call through", carrier.name);
                return Err(place.wrong(key, message));
            }
            Some(_) => (),
        }
        Ok(CallOut {
            trunk,
            caller_ids: keys.caller_ids.into_iter().map(|it| it.0).collect(),
            prefixes: keys.prefixes.into_iter().map(|it| it.0).collect(),
            country: keys.country.map(Into::into),
            max_calls: *keys.max_calls,
            calls_per_minute: *keys.calls_per_minute,
            minutes_per_day: *keys.minutes_per_day,
        })
    }

    pub(super) fn tag_rule(&self, keys: TagRuleKeys) -> Result<TagRule, Wrong> {
        let conditions = self.tag_conditions(keys.when).map_err(|it| it.under("when"))?;
        Ok(TagRule { conditions, tags: keys.tags.0 })
    }

    fn tag_conditions(&self, keys: TagWhenKeys) -> Result<Vec<TagCondition>, Wrong> {
        let (most, least) = (keys.talk_less.map(|it| *it), keys.talk_at_least.map(|it| *it));
        if most.is_some_and(|it| it <= least.unwrap_or(Duration::ZERO)) {
            let message = "no talk is shorter than this and as long as `talk_at_least`";
            return Err(keys.places.wrong("talk_less", message));
        }
        if keys.answered == Some(false)
            && let Some(key) =
                ["talk_at_least", "destination"].iter().find(|it| keys.places.has(it))
        {
            return Err(keys.places.wrong(key, "no call that is not answered has this"));
        }
        let mut all = Vec::new();
        all.extend(keys.answered.map(TagCondition::Answered));
        all.extend(keys.outcome.map(|Many(it)| TagCondition::Outcome(it)));
        all.extend(least.map(TagCondition::TalkAtLeast));
        all.extend(most.map(TagCondition::TalkLess));
        if let Some(Many(it)) = &keys.tracking_number {
            let found = it.iter().map(|it| self.tracking_named(it)).collect::<Result<_, _>>();
            let found = found.map_err(|it: Wrong| it.under("tracking_number"))?;
            all.push(TagCondition::TrackingNumber(found));
        }
        all.extend(keys.source.map(|Many(it)| TagCondition::Source(it)));
        all.extend(
            keys.caller_prefix.map(|Many(it)| {
                TagCondition::CallerPrefix(it.into_iter().map(|it| it.0).collect())
            }),
        );
        if let Some(Many(it)) = &keys.destination {
            let found = it.iter().map(|it| self.known.receiving.find(it)).collect::<Result<_, _>>();
            let found = found.map_err(|it: Wrong| it.under("destination"))?;
            all.push(TagCondition::Destination(found));
        }
        if let Some(Many(it)) = keys.agent {
            let found = it.into_iter().map(|it| self.credited(&Some(it)));
            let found = found.collect::<Result<Vec<_>, _>>().map_err(|it| it.under("agent"))?;
            all.push(TagCondition::Agent(found.into_iter().flatten().collect()));
        }
        let score = keys.score.map(|Many(it)| it.into_iter().map(|it| it.as_char()).collect());
        all.extend(score.map(TagCondition::Score));
        Ok(all)
    }
}
