//! Queues.

use super::Trade;
use super::routes::only_while_closed;
use crate::config::error::Wrong;
use crate::config::trade::{MemberKeys, PositionKeys, QueueKeys};
use crate::model::{Member, Prompt, Queue, Who};

/// Places in the line that have a text of their own.
const POSITIONS: u32 = 10;

/// What stands for the place.
const POSITION: &str = "{position}";

impl Trade<'_> {
    pub(super) fn queue(&self, keys: QueueKeys) -> Result<Queue, Wrong> {
        if keys.members.is_empty() {
            return Err(keys
                .places
                .wrong("members", "a queue needs a member: who takes its calls?"));
        }
        let mut members = Vec::<Member>::new();
        for it in &keys.members {
            let member = self.member(it).map_err(|it| it.under("members"))?;
            if members.iter().any(|it| it.who == member.who) {
                let key = if it.agent.is_some() { "agent" } else { "number" };
                let wrong = it.places.wrong(key, "this member is there already");
                return Err(wrong.under("members"));
            }
            members.push(member);
        }
        only_while_closed(&keys.outside_hours, &keys.schedule, &keys.places)?;
        let positions = keys.position.as_ref().map(|it| self.positions(it)).transpose();
        let route = |key, word| self.route(word).map_err(|it| it.under(key));
        Ok(Queue {
            distribution: keys.distribution,
            members,
            music: self.said(&keys.music),
            welcome: self.said(&keys.welcome),
            positions: positions.map_err(|it| it.under("position"))?.unwrap_or_default(),
            announcement: self.said(&keys.announcement),
            announce_every: *keys.announce_every,
            max_wait: *keys.max_wait,
            max_length: keys.max_length.map(|it| *it),
            no_answer: route("no_answer", &keys.no_answer)?,
            bypass_unavailable: keys.bypass_unavailable,
            schedule: self.schedule_named(&keys.schedule).map_err(|it| it.under("schedule"))?,
            outside_hours: route("outside_hours", &keys.outside_hours)?,
            wrap_up: *keys.wrap_up,
            entry: keys.entry,
            id: keys.name.text,
        })
    }

    fn member(&self, keys: &MemberKeys) -> Result<Member, Wrong> {
        let who = match (&keys.number, &keys.agent) {
            (Some(number), None) => {
                let number = self.known.receiving.find(number);
                Who::Number(number.map_err(|it| it.under("number"))?)
            }
            (None, Some(agent)) => {
                let found = self.known.agents.find(agent).map_err(|it| it.under("agent"))?;
                self.can_be_rung(agent).map_err(|it| it.under("agent"))?;
                Who::Agent(found)
            }
            _ => {
                let message = "a member is a receiving number (`number`) or an agent (`agent`)";
                return Err(keys.places.wrong("number", message));
            }
        };
        Ok(Member { who, weight: *keys.weight })
    }

    /// The text for each place in the line, and the one for those further back.
    fn positions(&self, keys: &PositionKeys) -> Result<Vec<Prompt>, Wrong> {
        if !keys.text.contains(POSITION) {
            let message = format!("{POSITION} is not in it: it would always say the same");
            return Err(keys.places.wrong("text", message));
        }
        let voice = keys.voice.as_deref().unwrap_or(self.voice);
        let own = (1..=POSITIONS).map(|it| keys.text.replace(POSITION, &it.to_string()));
        let texts = own.chain([keys.further.clone()]);
        Ok(texts.map(|it| Prompt::text(&it, voice)).collect())
    }
}
