//! What `crosspoint check` says of a configuration that is right: how much there is, where each
//! number leads, and what looks like a mistake though it is none.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use crate::config::Config;
use crate::model::{Condition, Directory, Endpoint, PromptSource, ReceivingNumber, Route, Who};

/// Tracking numbers that are listed one by one.
const LISTED: usize = 30;

/// The whole summary.
pub fn summary(config: &Config) -> String {
    let directory = &config.directory;
    let mut out = format!("The configuration is right: {}.\n", counts(directory).join(", "));
    for socket in config.sockets() {
        _ = writeln!(out, "  listens on {} {}", socket.transport.as_str(), socket.address);
    }
    for number in directory.tracking_numbers().take(LISTED) {
        let route = number.route.as_ref().map(Route::to_string).unwrap_or_default();
        let label = if number.label.is_empty() { "" } else { " " };
        _ = writeln!(out, "  {}{label}{}: {route}", number.number, number.label);
    }
    if let Some(more) = directory.tracking_numbers().count().checked_sub(LISTED + 1) {
        _ = writeln!(out, "  and {} more tracking numbers", more + 1);
    }
    for warning in warnings(directory) {
        _ = writeln!(out, "  warning: {warning}");
    }
    out
}

/// How much there is of everything that is there.
fn counts(directory: &Directory) -> Vec<String> {
    let counts = [
        (directory.tracking_numbers().count(), "tracking number"),
        (directory.receiving_numbers().count(), "receiving number"),
        (directory.queues().count(), "queue"),
        (directory.voice_menus().count(), "voice menu"),
        (directory.voicemail_boxes().count(), "voicemail box"),
        (directory.smart_routers().count(), "smart router"),
        (directory.geo_routers().count(), "geo router"),
        (directory.virtual_agents().count(), "virtual agent"),
        (directory.agents().count(), "agent"),
        (directory.tag_rules().len(), "tag rule"),
        (directory.webhooks().len(), "webhook"),
        (directory.trunks().len(), "trunk"),
        (directory.accounts().len(), "account"),
    ];
    // Numbers, trunks and accounts are told even if there are none.
    let always = ["tracking number", "receiving number", "trunk", "account"];
    let told = counts.into_iter().filter(|(count, what)| *count != 0 || always.contains(what));
    let plural = |(count, what): (usize, &str)| match (count, what.strip_suffix("box")) {
        (1, _) => format!("1 {what}"),
        (_, Some(_)) => format!("{count} {what}es"),
        _ => format!("{count} {what}s"),
    };
    told.map(plural).collect()
}

/// What loads, and does not do what somebody may have meant.
fn warnings(directory: &Directory) -> Vec<String> {
    let mut found = Vec::new();
    for prompt in directory.prompts() {
        if let PromptSource::File(path) = &prompt.made_from
            && !Path::new(&**path).exists()
        {
            found.push(format!("the prompt {path} is not there; it will be skipped"));
        }
    }
    for router in directory.smart_routers() {
        for (at, rule) in (1..).zip(&router.rules) {
            for condition in &rule.conditions {
                if let Some(what) = of_no_number(directory, condition) {
                    found.push(format!(
                        "no tracking number has {what}: rule {at} of smart router {} never holds",
                        router.id
                    ));
                }
            }
        }
    }
    let reached = reached(directory);
    let unreached = everything(directory).filter(|it| !reached.contains(it));
    found.extend(unreached.map(|it| format!("no route leads to {it}")));
    found
}

/// A source or tags that no tracking number gives to its calls.
fn of_no_number(directory: &Directory, condition: &Condition) -> Option<String> {
    let any = |has: &dyn Fn(&crate::model::TrackingNumber) -> bool| {
        directory.tracking_numbers().any(|it| has(it))
    };
    match condition {
        Condition::Source(them) if !any(&|it| them.contains(&it.source)) => {
            Some(format!("the source {}", them.join(" or ")))
        }
        Condition::Tag(them) if !any(&|it| it.tags.iter().any(|it| them.contains(it))) => {
            Some(format!("the tag {}", them.join(" or ")))
        }
        _ => None,
    }
}

/// Everything that a route can lead to, as a route reads.
fn everything(directory: &Directory) -> impl Iterator<Item = String> {
    let numbers = directory.receiving_numbers().map(|it| Route::number(&it.id));
    let queues = directory.queues().map(|it| Route::Queue(it.id.clone()));
    let menus = directory.voice_menus().map(|it| Route::VoiceMenu(it.id.clone()));
    let boxes = directory.voicemail_boxes().map(|it| Route::Voicemail(it.id.clone()));
    let smart = directory.smart_routers().map(|it| Route::SmartRouter(it.id.clone()));
    let geo = directory.geo_routers().map(|it| Route::GeoRouter(it.id.clone()));
    let machines = directory.virtual_agents().map(|it| Route::VirtualAgent(it.id.clone()));
    let all = numbers.chain(queues).chain(menus).chain(boxes).chain(smart).chain(geo);
    all.chain(machines).map(|it| it.to_string())
}

/// What some tracking number's calls can come to, as routes read.
fn reached(directory: &Directory) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Route> = Vec::new();
    for number in directory.tracking_numbers() {
        open.extend(number.route.clone());
        open.extend(number.fail_safe.as_deref().map(Route::number));
    }
    while let Some(route) = open.pop() {
        if let Route::Dial(dial) = &route
            && (1 < dial.everyone().count() || dial.numbers.is_empty())
        {
            open.extend(dial.everyone().map(|it| Route::number(it)));
            continue;
        }
        // A single number, in whatever order, is that number.
        let route = match &route {
            Route::Dial(dial) => {
                dial.everyone().next().map_or(route.clone(), |it| Route::number(it))
            }
            _ => route,
        };
        if found.insert(route.to_string()) {
            open.extend(ways(directory, &route));
        }
    }
    found
}

/// Where a call can go from there.
fn ways(directory: &Directory, route: &Route) -> Vec<Route> {
    let mut ways = Vec::new();
    match route {
        Route::Hangup => (),
        Route::Dial(dial) => {
            for it in dial.everyone().filter_map(|it| directory.receiving_number(it)) {
                ways.extend([it.no_answer.route.clone(), it.outside_hours.clone()]);
                ways.extend(it.no_answer.busy_route.clone());
            }
        }
        Route::Queue(id) => {
            if let Some(it) = directory.queue(id) {
                ways.extend([it.no_answer.clone(), it.outside_hours.clone()]);
                ways.extend(it.members.iter().map(|it| match &it.who {
                    Who::Agent(id) => Route::Agent(id.clone()),
                    Who::Number(id) => Route::number(id),
                }));
            }
        }
        Route::VoiceMenu(id) => {
            if let Some(it) = directory.voice_menu(id) {
                ways.extend(it.keys.values().chain([&it.otherwise]).cloned());
            }
        }
        Route::SmartRouter(id) => {
            if let Some(it) = directory.smart_router(id) {
                let rules = it.rules.iter().map(|it| &it.route);
                ways.extend(rules.chain([&it.otherwise]).cloned());
            }
        }
        Route::GeoRouter(id) => {
            if let Some(it) = directory.geo_router(id) {
                let places = it.zips.iter().chain(&it.places).map(|it| &it.1);
                ways.extend(places.chain([&it.otherwise]).cloned());
            }
        }
        Route::VirtualAgent(id) => {
            if let Some(it) = directory.virtual_agent(id) {
                ways.extend(it.routes.values().chain([&it.no_answer, &it.after]).cloned());
            }
        }
        Route::Voicemail(_) => (),
        Route::Agent(id) => {
            if let Some(it) = directory.agent(id) {
                ways.extend(it.numbers.iter().map(|it| Route::number(it)));
                let theirs = |to: &ReceivingNumber| match &to.endpoint {
                    Endpoint::Client { account } => it.account.as_ref() == Some(account),
                    _ => false,
                };
                let phones = directory.receiving_numbers().filter(|it| theirs(it));
                ways.extend(phones.map(|it| Route::number(&it.id)));
            }
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn said(text: &str) -> String {
        summary(&load(text, "test.toml", Path::new("/nowhere")).unwrap_or_else(|it| panic!("{it}")))
    }

    #[test]
    fn a_summary_counts_and_says_where_each_number_leads() {
        let said = said(
            "[[receiving_number]]\nname = \"shop\"\nnumber = \"sip:a@b\"\n\
             [[voicemail]]\nname = \"a\"\n[[voicemail]]\nname = \"b\"\n\
             [[tracking_number]]\nnumber = \"+12025550100\"\nlabel = \"Ads\"\ndial = \"shop\"\n\
             [[tracking_number]]\nnumber = \"+12025550101\"\nroute = { voicemail = \"a\" }\n",
        );
        assert!(said.starts_with(
            "The configuration is right: 2 tracking numbers, 1 receiving number, \
             2 voicemail boxes, 0 trunks, 0 accounts.\n"
        ));
        assert!(said.contains("  +12025550100 Ads: dial shop\n"), "{said}");
        assert!(said.contains("  +12025550101: voicemail a\n"), "{said}");
        assert!(said.contains("warning: no route leads to voicemail b\n"), "{said}");
        assert_eq!(said.matches("warning").count(), 1, "{said}");
    }

    #[test]
    fn what_is_reached_through_anything_is_reached() {
        let said = said(
            "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@x\"\n\
             no_answer.route = { dial = \"b\" }\n\
             [[receiving_number]]\nname = \"b\"\nnumber = \"sip:b@x\"\n\
             [[receiving_number]]\nname = \"c\"\nnumber = \"sip:c@x\"\n\
             [[agent]]\nname = \"ann\"\nnumbers = [\"a\"]\n\
             [[queue]]\nname = \"q\"\nmembers = [{ agent = \"ann\" }]\n\
             [[voice_menu]]\nname = \"m\"\nprompt.text = \"?\"\nkeys.1 = { queue = \"q\" }\n\
             [[tracking_number]]\nnumber = \"+12025550100\"\nroute = { voice_menu = \"m\" }\n\
             fail_safe = \"c\"\n",
        );
        assert!(!said.contains("warning"), "{said}");
    }

    #[test]
    fn a_prompt_that_is_not_there_and_a_source_that_nobody_has_are_told() {
        let said = said(
            "[[voicemail]]\nname = \"v\"\ngreeting = { file = \"gone.wav\" }\n\
             [[smart_router]]\nname = \"r\"\notherwise = { voicemail = \"v\" }\n\
             rule = [{ when.source = [\"radio\", \"tv\"], route = \"hangup\" }]\n\
             [[tracking_number]]\nnumber = \"+12025550100\"\nroute = { smart_router = \"r\" }\n",
        );
        assert!(said.contains("the prompt /nowhere/gone.wav is not there"), "{said}");
        let rule = "no tracking number has the source radio or tv: rule 1 of smart router r";
        assert!(said.contains(rule), "{said}");
    }

    #[test]
    fn many_numbers_are_not_all_listed() {
        let number = |it: usize| {
            format!("[[tracking_number]]\nnumber = \"+1202555{it:04}\"\nroute = \"hangup\"\n")
        };
        assert!(!said(&(0..30).map(number).collect::<String>()).contains("more"));
        let said = said(&(0..32).map(number).collect::<String>());
        assert!(said.contains("  and 2 more tracking numbers\n"), "{said}");
    }
}
