//! Routers and agents: what they lead to, and what happens when they lead nowhere.

use std::sync::Arc;

use crosspoint::model::directory::Parts;
use crosspoint::model::{
    Agent, Condition, GeoRouter, Order, Prompt, Route, Rule, Schedule, SmartRouter, VoiceMenu,
};

use super::scene::Scene;
use super::town::{Told, Town, dial, key, number, seconds};

fn smart(id: &str, conditions: Vec<Condition>, route: Route, otherwise: Route) -> SmartRouter {
    let rules = vec![Rule { name: "first".to_owned(), conditions, route }];
    SmartRouter { id: id.into(), rules, otherwise }
}

/// Never open.
fn never() -> Arc<Schedule> {
    Arc::new(Schedule::new("never", "UTC".parse().unwrap()))
}

/// A route, and what has to be there for it.
type Way = (Route, fn(&mut Parts));

/// Routes that lead nowhere, for a reason that is ours: by their names, and with what there is.
fn broken() -> Vec<Way> {
    fn gone() -> Route {
        dial(Order::Sequence, &["gone"])
    }
    vec![
        (gone(), |_| ()),
        (Route::Queue("gone".into()), |_| ()),
        (Route::VoiceMenu("gone".into()), |_| ()),
        (Route::Voicemail("gone".into()), |_| ()),
        (Route::SmartRouter("gone".into()), |_| ()),
        (Route::GeoRouter("gone".into()), |_| ()),
        (Route::VirtualAgent("gone".into()), |_| ()),
        (Route::Agent("gone".into()), |_| ()),
        (Route::Agent("ann".into()), |it| {
            it.agents.push(Agent { numbers: vec!["gone".into()], ..Agent::new("ann") });
        }),
        (Route::SmartRouter("rule".into()), |it| {
            it.smart_routers.push(smart("rule", Vec::new(), gone(), Route::Hangup));
        }),
        (Route::SmartRouter("other".into()), |it| {
            let anonymous = vec![Condition::Anonymous];
            it.smart_routers.push(smart("other", anonymous, Route::Hangup, gone()));
        }),
        (Route::GeoRouter("far".into()), |it| {
            it.geo_routers.push(GeoRouter { otherwise: gone(), ..GeoRouter::new("far") });
        }),
        (Route::GeoRouter("near".into()), |it| {
            let zips = vec![("7".to_owned(), gone())];
            it.geo_routers.push(GeoRouter { zips, ..GeoRouter::new("near") });
        }),
    ]
}

/// Calls until the route is entered from each place where one can stand.
fn calls(route: &Route, add: fn(&mut Parts)) -> Vec<(&'static str, Scene)> {
    let town = |shop, route: Route, more: &dyn Fn(&mut Parts)| {
        let town = Town::new([shop, number("desk")]).routed(Some(route)).safe_at("desk").with(add);
        let mut town = town;
        more(&mut town.more);
        town
    };
    let to_shop = || dial(Order::Simultaneous, &["shop"]);
    let mut places = Vec::new();

    let shop = number("shop").rings_for(seconds(1)).then(route.clone());
    let mut scene = Scene::begin(&town(shop, to_shop(), &|_| ()));
    scene.wait(seconds(1));
    places.push(("no answer", scene));

    let shop = number("shop").when_busy(route.clone());
    let mut scene = Scene::begin(&town(shop, to_shop(), &|_| ()));
    scene.refuses("shop", 486);
    places.push(("busy", scene));

    let mut shop = number("shop");
    (shop.schedule, shop.outside_hours) = (Some(never()), route.clone());
    places.push(("outside hours", Scene::begin(&town(shop, to_shop(), &|_| ()))));

    let asks = town(number("shop"), Route::VoiceMenu("main".into()), &|it| {
        let mut menu = VoiceMenu::new("main", Prompt::file("press"));
        menu.keys.insert(vec![key('1')], route.clone());
        it.voice_menus.push(menu);
    });
    let mut scene = Scene::begin(&asks);
    scene.presses("caller", "1");
    places.push(("menu key", scene));

    let rule = town(number("shop"), Route::SmartRouter("outer".into()), &|it| {
        it.smart_routers.push(smart("outer", Vec::new(), route.clone(), Route::Hangup));
    });
    places.push(("router rule", Scene::begin(&rule)));

    let fallback = town(number("shop"), Route::GeoRouter("outer".into()), &|it| {
        it.geo_routers.push(GeoRouter { otherwise: route.clone(), ..GeoRouter::new("outer") });
    });
    places.push(("geo fallback", Scene::begin(&fallback)));

    places.push(("tracking number", Scene::begin(&town(number("shop"), route.clone(), &|_| ()))));
    places
}

#[test]
fn every_route_that_leads_nowhere_takes_the_fail_safe_from_each_place() {
    for (route, add) in broken() {
        for (place, mut scene) in calls(&route, add) {
            let case = format!("{route} from {place}: {:?}", scene.path());
            let rung = scene.rung();
            assert_eq!(rung.last().map(|it| it.0.as_str()), Some("desk"), "{case}");
            assert_eq!(scene.path().last(), Some(&"dial desk"), "{case}");
            assert_eq!(rung.iter().filter(|it| it.0 == "desk").count(), 1, "{case}");
            // It is used once: what fails after it is the end.
            scene.cannot_be_reached("desk");
            assert!(scene.caller_was().contains("failed"), "{case}: {}", scene.caller_was());
            scene.ends();
        }
    }
}

#[test]
fn the_lead_and_the_tag_are_of_the_first_destination_that_was_meant() {
    let mut shop = number("shop").then(dial(Order::Simultaneous, &["mobile"]));
    (shop.schedule, shop.outside_hours) = (Some(never()), dial(Order::Simultaneous, &["mobile"]));
    (shop.lead_owner, shop.source_tag) = (Some("ann".into()), "closed shop".to_owned());
    let mut mobile = number("mobile");
    (mobile.lead_owner, mobile.source_tag) = (Some("bob".into()), "mobile".to_owned());
    mobile.agent = Some("bob".into());
    let town = Town::new([shop, mobile]).dialling(Order::Simultaneous, &["shop"]);

    let mut scene = Scene::begin(&town);
    scene.refuses("mobile", 486).ends();
    let record = scene.call.record();
    assert_eq!(record.lead_owner.as_deref(), Some("ann"));
    assert_eq!((record.agent.as_deref(), record.source_tag.as_str()), (None, "closed shop"));

    let mut scene = Scene::begin(&town);
    scene.answers("mobile").hangs_up("caller").ends();
    let record = scene.call.record();
    assert_eq!(record.lead_owner, None);
    assert_eq!((record.agent.as_deref(), record.source_tag.as_str()), (Some("bob"), "mobile"));
}

#[test]
fn the_path_says_which_rule_held() {
    let town = Town::new([number("shop")]).routed(Some(Route::SmartRouter("main".into())));
    let town = town.with(|it| {
        let to_shop = dial(Order::Simultaneous, &["shop"]);
        let mut router = smart("main", vec![Condition::Anonymous], Route::Hangup, Route::Hangup);
        let unnamed = Rule { name: String::new(), conditions: Vec::new(), route: to_shop };
        router.rules.push(unnamed);
        it.smart_routers.push(router);
    });
    let mut scene = Scene::begin(&town);
    assert_eq!(scene.path(), ["smart_router main", "smart_router main: rule 2", "dial shop"]);
    scene.hangs_up("caller").ends();
}
