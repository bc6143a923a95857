//! Routers that lead nowhere: every way out of them comes back, and nobody is asked or rung.
//!
//! Circles on which somebody is asked or rung are right: a menu may send callers round again, two
//! destinations may name each other for calls they do not answer. They are cut while the call runs
//! (`route_loop`, PRODUCT section 1).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::known::Known;
use super::rules::is_sure;
use crate::config::error::Wrong;
use crate::model::{GeoRouter, Route, SmartRouter};

/// A router that passes calls on at once, and where to.
struct Passing<'a> {
    name: &'a Arc<str>,
    itself: Route,
    ways: Vec<&'a Route>,
}

/// Refuses the first router that no call comes out of.
pub(super) fn check(
    known: &Known<'_>,
    smart_routers: &[SmartRouter],
    geo_routers: &[GeoRouter],
) -> Result<(), Wrong> {
    let smart = smart_routers.iter().map(|it| Passing {
        name: &it.id,
        itself: Route::SmartRouter(it.id.clone()),
        ways: ways(it),
    });
    // One with a prompt asks.
    let geo = geo_routers.iter().filter(|it| it.prompt.is_none()).map(|it| Passing {
        name: &it.id,
        itself: Route::GeoRouter(it.id.clone()),
        ways: it.zips.iter().chain(&it.places).map(|it| &it.1).chain([&it.otherwise]).collect(),
    });
    let mut stuck: Vec<Passing<'_>> = smart.chain(geo).collect();
    // Whoever has a way out of those that are left is none of them, until nobody has.
    loop {
        let inside: BTreeSet<String> = stuck.iter().map(|it| it.itself.to_string()).collect();
        let before = stuck.len();
        stuck.retain(|it| it.ways.iter().all(|way| inside.contains(&way.to_string())));
        if stuck.len() == before {
            break;
        }
    }
    let Some(first) = stuck.first() else { return Ok(()) };
    let ways: BTreeSet<String> = first.ways.iter().map(|it| it.to_string()).collect();
    let ways = ways.into_iter().collect::<Vec<_>>().join(", ");
    let message = format!(
        "every way from here ({ways}) leads from router to router for ever: nobody is asked or rung"
    );
    let (index, section) = match first.itself {
        Route::GeoRouter(_) => (&known.geo_routers, "geo_router"),
        _ => (&known.smart_routers, "smart_router"),
    };
    Err(Wrong::at(index.place_of(first.name), message).under("name").under(section))
}

/// Where a smart router can lead.
fn ways(router: &SmartRouter) -> Vec<&Route> {
    let always = router.rules.iter().any(|it| it.conditions.iter().all(is_sure));
    let otherwise = (!always).then_some(&router.otherwise);
    router.rules.iter().map(|it| &it.route).chain(otherwise).collect()
}
