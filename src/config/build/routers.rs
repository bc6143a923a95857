//! Smart routers and geo routers.

use super::{Trade, hours, rules};
use crate::config::error::Wrong;
use crate::config::keys::Places;
use crate::config::lists::Many;
use crate::config::trade::{
    GeoRouterKeys, HeaderKeys, QueueWhenKeys, RuleKeys, SmartRouterKeys, WhenKeys,
};
use crate::config::value::Name;
use crate::flow;
use crate::model::{
    Condition, GeoRouter, HeaderText, QueueState, Route, Rule, Schedule, SmartRouter,
};

/// Rules that one router may have: each is compared with those before it.
const RULES_MAX: usize = 1_000;

/// Digits of a ZIP code.
const ZIP: usize = 5;

/// A rule, and where its keys stand.
pub(super) struct ReadRule {
    pub rule: Rule,
    pub places: Places,
}

impl Trade<'_> {
    pub(super) fn smart_router(&self, keys: SmartRouterKeys) -> Result<SmartRouter, Wrong> {
        if keys.rule.is_empty() {
            let message = "a router needs a rule: [[smart_router.rule]]";
            return Err(keys.places.wrong("rule", message));
        }
        if RULES_MAX < keys.rule.len() {
            let message = format!("there are more than {RULES_MAX} rules");
            return Err(keys.places.wrong("rule", message));
        }
        let mut rules = Vec::new();
        for it in keys.rule {
            rules.push(self.rule(it).map_err(|it| it.under("rule"))?);
        }
        let otherwise = self.route(&keys.otherwise).map_err(|it| it.under("otherwise"))?;
        rules::check(&keys.name.text, &rules, &otherwise).map_err(|it| match &*it.key {
            "otherwise" => Wrong { span: keys.places.of("otherwise"), ..it },
            _ => it,
        })?;
        let rules = rules.into_iter().map(|it| it.rule).collect();
        Ok(SmartRouter { id: keys.name.text, rules, otherwise })
    }

    fn rule(&self, keys: RuleKeys) -> Result<ReadRule, Wrong> {
        let mut conditions = self.conditions(&keys.when).map_err(|it| it.under("when"))?;
        let not = self.conditions(&keys.unless).map_err(|it| it.under("unless"))?;
        conditions.extend(not.into_iter().map(negated));
        let route = self.route(&keys.route).map_err(|it| it.under("route"))?;
        let rule = Rule { name: keys.name, conditions, route };
        Ok(ReadRule { rule, places: keys.places })
    }

    fn conditions(&self, keys: &WhenKeys) -> Result<Vec<Condition>, Wrong> {
        let mut all = Vec::new();
        if let Some(Many(it)) = &keys.caller {
            all.push(Condition::CallerIn(it.iter().map(|it| it.0.to_string()).collect()));
        }
        if let Some(Many(it)) = &keys.caller_prefix {
            all.push(Condition::CallerPrefix(it.iter().map(|it| it.0.clone()).collect()));
        }
        match keys.anonymous {
            None => (),
            Some(true) => all.push(Condition::Anonymous),
            Some(false) => all.push(negated(Condition::Anonymous)),
        }
        if let Some(within) = keys.repeat_caller {
            all.push(Condition::RepeatCaller { within: *within });
        }
        if let Some(Many(it)) = &keys.tracking_number {
            let found = it.iter().map(|it| self.tracking_named(it)).collect::<Result<_, _>>();
            all.push(Condition::TrackingNumber(found.map_err(|it| it.under("tracking_number"))?));
        }
        if let Some(Many(it)) = &keys.source {
            all.push(Condition::Source(it.clone()));
        }
        if let Some(Many(it)) = &keys.tag {
            all.push(Condition::Tag(it.clone()));
        }
        let open = self.schedule_named(&keys.open).map_err(|it| it.under("open"))?;
        all.extend(open.map(Condition::Open));
        all.extend(moments(keys)?);
        if let Some(Many(it)) = &keys.area_code {
            all.push(Condition::AreaCode(it.iter().map(|it| it.0.clone()).collect()));
        }
        if let Some(Many(it)) = &keys.state {
            all.push(Condition::State(it.iter().map(|it| it.0.clone()).collect()));
        }
        for it in keys.header.iter().flat_map(|it| &it.0) {
            all.push(header(it).map_err(|it| it.under("header"))?);
        }
        all.extend(keys.percent.map(|it| Condition::Percent(*it as u8)));
        for it in keys.queue.iter().flat_map(|it| &it.0) {
            all.extend(self.queue_state(it).map_err(|it| it.under("queue"))?);
        }
        Ok(all)
    }

    fn queue_state(&self, keys: &QueueWhenKeys) -> Result<Vec<Condition>, Wrong> {
        let id = self.known.queues.find(&keys.name).map_err(|it| it.under("name"))?;
        let states = [
            keys.waiting.map(|it| QueueState::Waiting(*it)),
            keys.free.map(|it| QueueState::Free(*it)),
            keys.longest_wait.map(|it| QueueState::LongestWait(*it)),
        ];
        let of = |state| Condition::Queue { id: id.clone(), state };
        let all: Vec<_> = states.into_iter().flatten().map(of).collect();
        match all.is_empty() {
            true => Err(keys.places.wrong("name", "needs `waiting`, `free` or `longest_wait`")),
            false => Ok(all),
        }
    }

    pub(super) fn geo_router(&self, keys: GeoRouterKeys) -> Result<GeoRouter, Wrong> {
        let place = &keys.places;
        if keys.zips.is_none() && keys.nearest.is_none() {
            return Err(place.wrong("zips", "needs `zips` or `nearest`: where do its calls go?"));
        }
        let idle =
            |key, needs: &str| Err(place.wrong(key, format!("it does nothing without `{needs}`")));
        if keys.max_miles.is_some() && keys.nearest.is_none() {
            return idle("max_miles", "nearest");
        }
        if keys.invalid.is_some() && keys.prompt.is_none() {
            return idle("invalid", "prompt");
        }
        if keys.prompt.is_none() && !keys.area_code {
            let message = "nobody is asked (`prompt`) and the area code does not count: it would \
                           never know where a caller is";
            return Err(place.wrong("area_code", message));
        }
        let zips = keys.zips.map(|it| self.routes(&it)).transpose();
        let zips = zips.map_err(|it| it.under("zips"))?.unwrap_or_default();
        let places = keys.nearest.map(|it| self.routes(&it)).transpose();
        let places = places.map_err(|it| it.under("nearest"))?.unwrap_or_default();
        Ok(GeoRouter {
            prompt: self.said(&keys.prompt),
            invalid: self.said(&keys.invalid),
            timeout: *keys.timeout,
            repeats: *keys.repeats as u8,
            area_code: keys.area_code,
            zips: zips_of(zips, 1).map_err(|it| it.under("zips"))?,
            places: zips_of(places, ZIP).map_err(|it| it.under("nearest"))?,
            max_miles: keys.max_miles.map(|it| *it),
            otherwise: self.route(&keys.otherwise).map_err(|it| it.under("otherwise"))?,
            id: keys.name.text,
        })
    }
}

/// Hours of the week, and dates, of a rule's own.
fn moments(keys: &WhenKeys) -> Result<Vec<Condition>, Wrong> {
    let wrong = |key, message: &str| Err(keys.places.wrong(key, message));
    let zone = match (&keys.zone, &keys.hours, &keys.date) {
        (None, None, None) => return Ok(Vec::new()),
        (Some(_), None, None) => return wrong("zone", "it does nothing without `hours` or `date`"),
        (None, Some(_), _) => return wrong("hours", "needs `zone`: by which clock?"),
        (None, None, Some(_)) => return wrong("date", "needs `zone`: by which clock?"),
        (Some(zone), ..) => zone,
    };
    let own = |lines: &[Name]| {
        let texts: Vec<&str> = lines.iter().map(|it| &*it.text).collect();
        Schedule::new(&format!("{} {}", texts.join(" or "), zone.name()), zone.clone())
    };
    let mut all = Vec::new();
    if let Some(Many(lines)) = &keys.hours {
        let mut schedule = own(lines);
        hours::weekly(&mut schedule, lines).map_err(|it| it.under("hours"))?;
        all.push(Condition::Hours(schedule.into()));
    }
    if let Some(Many(lines)) = &keys.date {
        let mut schedule = own(lines);
        hours::dates(&mut schedule, lines).map_err(|it| it.under("date"))?;
        all.push(Condition::Date(schedule.into()));
    }
    Ok(all)
}

fn negated(condition: Condition) -> Condition {
    match condition {
        Condition::Not(it) => *it,
        it => Condition::Not(Box::new(it)),
    }
}

fn header(keys: &HeaderKeys) -> Result<Condition, Wrong> {
    let text = match (&keys.is, &keys.begins, &keys.contains) {
        (None, None, None) => HeaderText::Any,
        (Some(it), None, None) => HeaderText::Is(it.clone()),
        (None, Some(it), None) => HeaderText::Begins(it.clone()),
        (None, None, Some(it)) => HeaderText::Contains(it.clone()),
        _ => {
            let key = if keys.contains.is_some() { "contains" } else { "begins" };
            return Err(keys.places.wrong(key, "one of `is`, `begins` and `contains`"));
        }
    };
    Ok(Condition::Header { name: keys.name.0.clone(), text })
}

/// ZIP codes of at least so many digits, in their own order: a table has none that counts.
fn zips_of(routes: Vec<(Name, Route)>, least: usize) -> Result<Vec<(String, Route)>, Wrong> {
    let zip = |(name, route): (Name, Route)| {
        let digits = name.text.bytes().all(|it| it.is_ascii_digit());
        if digits && (least..=ZIP).contains(&name.text.len()) {
            if least == ZIP && flow::place(&name.text).is_none() {
                let message = "there is no ZIP code like this: nothing is near to it";
                return Err(Wrong::at(name.span.clone(), message).under(&name.text));
            }
            return Ok((name.text.to_string(), route));
        }
        let (message, allowed) = match least {
            ZIP => ("a place is named by its whole ZIP code", "five digits such as 20001"),
            _ => ("this is neither a ZIP code nor its beginning", "one to five digits"),
        };
        Err(Wrong::at(name.span.clone(), message).allowed(allowed).under(&name.text))
    };
    let mut zips: Vec<_> = routes.into_iter().map(zip).collect::<Result<_, _>>()?;
    zips.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(zips)
}
