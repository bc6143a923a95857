//! Geo routers: from a ZIP code, or a hint of one, to a route (PRODUCT section 8).
//!
//! What the caller typed beats what its area code hints at. A ZIP code is looked for among the ZIP
//! codes and first digits of the router, where the longest that fits stands; then among its places,
//! where the nearest stands if it is near enough. What leads nowhere takes the fallback.

use std::fmt;

use super::places::{self, Place};
use crate::model::{Caller, GeoRouter, Route};

/// Where a geo router sends a call, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead<'a> {
    pub route: &'a Route,
    pub by: By<'a>,
}

/// What led there. As a step of a call's path reads, it tells the router's words, not the caller's
/// digits.
#[derive(Clone, Debug, PartialEq)]
pub enum By<'a> {
    /// The ZIP code is, or begins with, this one of the router's.
    Zip { begins: &'a str, hint: bool },
    /// It is nearest to this place of the router's.
    Nearest { place: &'a str, miles: u32, hint: bool },
    /// Nothing did: the fallback.
    Otherwise,
}

/// Where `router` sends a caller who typed `zip`, or none.
pub fn geo<'a>(router: &'a GeoRouter, zip: Option<&str>, caller: &Caller) -> Lead<'a> {
    let typed = zip.and_then(|it| lead(router, it, false));
    // A ZIP code that leads nowhere was an answer: nobody guesses better than that.
    let hint = || match zip {
        None if router.area_code => hinted(caller).and_then(|it| lead(router, it, true)),
        _ => None,
    };
    typed.or_else(hint).unwrap_or(Lead { route: &router.otherwise, by: By::Otherwise })
}

/// A ZIP code near to the caller, by its area code.
fn hinted(caller: &Caller) -> Option<&'static str> {
    places::zip_of(places::area_code(&caller.number)?)
}

fn lead<'a>(router: &'a GeoRouter, zip: &str, hint: bool) -> Option<Lead<'a>> {
    if !places::is_zip(zip) {
        return None;
    }
    let fits = router.zips.iter().filter(|(begins, _)| zip.starts_with(begins.as_str()));
    // Of two equally long ones the first stands.
    if let Some((begins, route)) = fits.rev().max_by_key(|it| it.0.len()) {
        return Some(Lead { route, by: By::Zip { begins, hint } });
    }
    let here = places::place(zip)?;
    let (miles, (place, route)) = nearest(router, here)?;
    let near = router.max_miles.is_none_or(|most| miles <= f64::from(most));
    near.then_some(Lead { route, by: By::Nearest { place, miles: miles.round() as u32, hint } })
}

fn nearest(router: &GeoRouter, here: Place) -> Option<(f64, &(String, Route))> {
    let known = router.places.iter().filter_map(|it| Some((places::place(&it.0)?, it)));
    let ways = known.map(|(there, it)| (here.miles_to(there), it));
    // Of two equally near ones the first stands.
    ways.min_by(|a, b| a.0.total_cmp(&b.0))
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = |hint: &bool| if *hint { ", by area code" } else { "" };
        match self {
            Self::Zip { begins, hint } => write!(f, "ZIP code {begins}{}", from(hint)),
            Self::Nearest { place, miles, hint } => {
                write!(f, "nearest to {place}, {miles} miles{}", from(hint))
            }
            Self::Otherwise => f.write_str("fallback"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> GeoRouter {
        let to = |id: &str| Route::number(id);
        GeoRouter {
            zips: vec![
                ("100".into(), to("manhattan")),
                ("1".into(), to("state")),
                ("10003".into(), to("village")),
            ],
            places: vec![("60601".into(), to("chicago")), ("94103".into(), to("frisco"))],
            max_miles: Some(500),
            otherwise: to("main"),
            ..GeoRouter::new("stores")
        }
    }

    #[track_caller]
    fn leads(router: &GeoRouter, zip: Option<&str>, caller: &str, id: &str, step: &str) {
        let lead = geo(router, zip, &Caller::new(caller));
        assert_eq!((lead.route, lead.by.to_string().as_str()), (&Route::number(id), step));
    }

    #[test]
    fn the_longest_zip_code_that_fits_stands() {
        let it = router();
        leads(&it, Some("10003"), "", "village", "ZIP code 10003");
        leads(&it, Some("10001"), "", "manhattan", "ZIP code 100");
        leads(&it, Some("14202"), "", "state", "ZIP code 1");
    }

    #[test]
    fn the_nearest_place_is_taken_if_it_is_near_enough() {
        let it = router();
        leads(&it, Some("53202"), "", "chicago", "nearest to 60601, 81 miles");
        leads(&it, Some("95814"), "", "frisco", "nearest to 94103, 75 miles");
        leads(&it, Some("33130"), "", "main", "fallback");
        let far = GeoRouter { max_miles: None, ..it };
        leads(&far, Some("33130"), "", "chicago", "nearest to 60601, 1191 miles");
    }

    #[test]
    fn an_area_code_is_a_hint_for_a_caller_who_types_nothing() {
        let it = router();
        leads(&it, None, "+14145550123", "chicago", "nearest to 60601, 81 miles, by area code");
        leads(&it, None, "+12125550123", "manhattan", "ZIP code 100, by area code");
        leads(&it, None, "+13055550123", "main", "fallback");
        leads(&it, None, "+14165550123", "main", "fallback");
        leads(&it, None, "+442071234567", "main", "fallback");
        leads(&it, None, "", "main", "fallback");
        let mute = GeoRouter { area_code: false, ..it };
        leads(&mute, None, "+14145550123", "main", "fallback");
    }

    #[test]
    fn what_was_typed_beats_the_hint_even_if_it_leads_nowhere() {
        leads(&router(), Some("53202"), "+14155550123", "chicago", "nearest to 60601, 81 miles");
        leads(&router(), Some("33130"), "+14155550123", "main", "fallback");
        leads(&router(), Some("00000"), "+14155550123", "main", "fallback");
    }
}
