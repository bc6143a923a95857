//! Caller id rules: what a destination sees of the caller (PRODUCT section 2, `caller_id`).

use crate::model::{Caller, CallerNumber, Identity, ReceivingNumber, TrackingNumber};

/// The longest display name that is put together (a header limit of carriers, in characters).
const NAME_MAX: usize = 80;
const UNKNOWN: &str = "Anonymous";

/// What `to` sees of `caller`. The destination's rule beats the call settings'.
///
/// A caller who withholds the number stays withheld: a rule that shows the caller shows nobody,
/// and a template says `Anonymous` for them. Rules that show our own numbers show them.
pub fn identity(to: &ReceivingNumber, number: &TrackingNumber, caller: &Caller) -> Identity {
    let rule = to.caller_id.as_ref().unwrap_or(&number.settings.caller_id);
    let diverted_from = number.number.to_string();
    let (shown, private) = match &rule.number {
        CallerNumber::Caller if caller.is_anonymous() => (String::new(), true),
        CallerNumber::Caller => (caller.number.clone(), false),
        CallerNumber::Tracking => (number.number.to_string(), false),
        CallerNumber::Fixed(fixed) => (fixed.to_string(), false),
        CallerNumber::Anonymous => (String::new(), true),
    };
    let name = match (&rule.name, &rule.number) {
        (Some(template), _) => Some(filled(template, number, caller)),
        (None, CallerNumber::Caller) if !private => caller.name.clone(),
        (None, _) => None,
    };
    Identity { number: prefixed(&rule.prefix, shown), name, private, diverted_from }
}

/// A prefix makes the number local digits, so its `+` goes.
fn prefixed(prefix: &str, number: String) -> String {
    if prefix.is_empty() || number.is_empty() {
        return number;
    }
    format!("{prefix}{}", number.strip_prefix('+').unwrap_or(&number))
}

fn filled(template: &str, number: &TrackingNumber, caller: &Caller) -> String {
    let known = !caller.is_anonymous();
    let who = if known { caller.number.as_str() } else { UNKNOWN };
    let name = caller.name.as_deref().filter(|_| known).unwrap_or(who);
    let mut text = String::new();
    let mut rest = template;
    // One pass, so that a caller's own name cannot bring in places of the template.
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let places = [
            ("{caller}", who),
            ("{name}", name),
            ("{tracking}", &*number.number),
            ("{label}", number.label.as_str()),
            ("{source}", number.source.as_str()),
        ];
        let place = places
            .iter()
            .find_map(|(place, value)| from.strip_prefix(place).map(|after| (*value, after)));
        let (value, after) = place.unwrap_or_else(|| from.split_at(1));
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    text.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect()
}
