//! Whom one of our people may reach: by a call of its own, or by putting a caller through.
//!
//! | What was dialled | Who that is | Whose settings hold |
//! |---|---|---|
//! | a tracking number | its route | its destinations' |
//! | a receiving number's name, or its phone number or account | that receiving number | its own |
//! | an account's user | all phones of that account | every setting at its default |
//! | a phone number | a phone outside, through a trunk | the account's `call_out` |
//!
//! Phone numbers outside are for accounts that may call out, and only as their rules say: nobody
//! may unless somebody said so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fork::{Draw, Left, Plan, Ring, When, Why};
use crate::clock::Wall;
use crate::model::record::Cause;
use crate::model::{
    Account, CallOut, Caller, CallerId, CallerNumber, Directory, Endpoint, Phone, ReceivingNumber,
    TrackingNumber,
};

/// Who it is that was dialled.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// Follow its route.
    Tracking(Arc<TrackingNumber>),
    /// One of us.
    Inside(Arc<ReceivingNumber>),
    /// A phone outside.
    Outside { to: Arc<ReceivingNumber>, rules: CallOut },
}

/// Why somebody cannot be reached by who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// Nobody has that name or number.
    Unknown,
    /// A phone number outside, and the dialling account may not call out, or not there.
    NotAllowed,
    /// The account may show no number.
    NoCallerId,
    /// As many calls at once as the account may have.
    Concurrency,
    /// As many calls in this minute.
    Pace,
    /// All of the day's minutes are used.
    Minutes,
}

impl Barred {
    /// What the caller is told: 403 for what is never allowed, 503 for what is not allowed now.
    pub fn cause(self) -> Cause {
        let (sip, q850, reason) = match self {
            Self::Unknown => (404, 1, "unknown_number"),
            Self::NotAllowed => (403, 57, "not_allowed"),
            Self::NoCallerId => (403, 57, "no_caller_id"),
            Self::Concurrency => (503, 34, "calls_at_once"),
            Self::Pace => (503, 42, "calls_per_minute"),
            Self::Minutes => (503, 34, "minutes_per_day"),
        };
        Cause { sip, q850: Some(q850), reason: reason.to_owned(), local: true }
    }
}

/// Who `dialled` is for somebody of this account, or for somebody of none.
pub fn reach(
    directory: &Directory,
    dialled: &str,
    account: Option<&Account>,
) -> Result<Reach, Barred> {
    if let Some(number) = directory.tracking_number(dialled) {
        return Ok(Reach::Tracking(Arc::clone(number)));
    }
    let named = dialled.strip_prefix("client:").unwrap_or(dialled);
    if let Some(to) = directory.receiving_number(named) {
        return Ok(Reach::Inside(Arc::clone(to)));
    }
    if let Some(other) = directory.account(named) {
        return Ok(Reach::Inside(phones_of(directory, &other.user)));
    }
    let rules = account.and_then(|it| it.call_out.as_ref());
    let country = rules.and_then(|it| it.country.as_deref());
    let number = Phone::parse(dialled, country).map_err(|_| Barred::Unknown)?.into_inner();
    let same = |it: &&Arc<ReceivingNumber>| match &it.endpoint {
        Endpoint::Phone { number: theirs, .. } => *theirs == number,
        Endpoint::Sip { .. } | Endpoint::Client { .. } => false,
    };
    if let Some(to) = directory.receiving_numbers().find(same) {
        return Ok(Reach::Inside(Arc::clone(to)));
    }
    let rules = rules.ok_or(Barred::NotAllowed)?;
    if !rules.prefixes.iter().any(|it| number.starts_with(it.as_str())) {
        return Err(Barred::NotAllowed);
    }
    let endpoint = Endpoint::Phone { number: Arc::clone(&number), trunk: rules.trunk.clone() };
    let to = Arc::new(ReceivingNumber::new(&number, endpoint));
    Ok(Reach::Outside { to, rules: rules.clone() })
}

/// All phones of an account, with the settings of the receiving number that they are, if they are
/// one. Of several the first counts, but any of them forbids recording.
pub fn phones_of(directory: &Directory, account: &Arc<str>) -> Arc<ReceivingNumber> {
    let theirs = |it: &&Arc<ReceivingNumber>| matches!(&it.endpoint, Endpoint::Client { account: of } if of == account);
    let mut known = directory.receiving_numbers().filter(theirs);
    let Some(first) = known.next() else {
        let endpoint = Endpoint::Client { account: Arc::clone(account) };
        return Arc::new(ReceivingNumber::new(&format!("client:{account}"), endpoint));
    };
    if !first.prevent_recording && known.any(|it| it.prevent_recording) {
        return Arc::new(ReceivingNumber { prevent_recording: true, ..(**first).clone() });
    }
    Arc::clone(first)
}

/// What a caller of this account shows outside: the number it asked for if it is one of its own,
/// else its first; nobody if it wants to stay unknown.
pub fn shown(rules: &CallOut, caller: &Caller) -> Result<CallerId, Barred> {
    let first = rules.caller_ids.first().ok_or(Barred::NoCallerId)?;
    let asked = rules.caller_ids.iter().find(|it| ***it == *caller.number);
    let number = match caller.private {
        true => CallerNumber::Anonymous,
        false => CallerNumber::Fixed(Arc::clone(asked.unwrap_or(first))),
    };
    Ok(CallerId { number, ..CallerId::default() })
}

/// Who calls, of what a phone of this account says: a number of the account's that it asked for,
/// else the account's first, else the account itself. What a From says proves nothing.
pub fn vouched(account: &Account, mut asked: Caller) -> Caller {
    let own = account.call_out.as_ref().map_or(&[][..], |it| &it.caller_ids);
    let known = own.iter().find(|it| ***it == *asked.number).or(own.first());
    asked.number = known.unwrap_or(&account.user).to_string();
    asked
}

/// The plan of ringing one destination: as in a dial, its schedule and its limit are read now.
pub fn plan_one(to: Arc<ReceivingNumber>, at: Wall, draw: &Draw<'_>) -> Plan {
    if to.schedule.as_ref().is_some_and(|it| !it.is_open(at)) {
        let route = to.outside_hours.clone();
        return Plan::Closed { route, left_out: vec![Left { to, why: Why::Closed }] };
    }
    if to.max_calls.is_some_and(|max| max <= (draw.active)(&to.id)) {
        let left_out = vec![Left { to: Arc::clone(&to), why: Why::Full }];
        return Plan::Full { full: vec![to], left_out };
    }
    let when = When::After(to.ring_delay);
    Plan::Ring { rings: vec![Ring { to, when }], left_out: Vec::new() }
}

/// What an account has used of what it may call out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Calls that run.
    pub calls: u32,
    /// Calls that began in this minute.
    pub this_minute: u32,
    /// Talk of this day (UTC), calls that run included.
    pub today: Duration,
}

/// Whether an account that has spent so much may call out once more, and for how long.
pub fn may_spend(rules: &CallOut, spent: &Spent) -> Result<Duration, Barred> {
    if rules.max_calls <= spent.calls {
        return Err(Barred::Concurrency);
    }
    if rules.calls_per_minute <= spent.this_minute {
        return Err(Barred::Pace);
    }
    let day = Duration::from_secs(u64::from(rules.minutes_per_day) * 60);
    let left = day.saturating_sub(spent.today);
    if left.is_zero() { Err(Barred::Minutes) } else { Ok(left) }
}

/// What every account has spent. Bounded by the accounts and their calls.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pages: BTreeMap<Arc<str>, Page>,
}

/// A call that runs, and since when it talks.
#[derive(Clone, Copy, Debug)]
struct Running {
    call: u64,
    talks_since: Option<Wall>,
}

#[derive(Clone, Debug, Default)]
struct Page {
    running: Vec<Running>,
    minute: i64,
    this_minute: u32,
    day: i64,
    today: Duration,
}

impl Ledger {
    pub fn spent(&self, account: &str, now: Wall) -> Spent {
        let Some(page) = self.pages.get(account) else { return Spent::default() };
        let (minute, day) = calendar(now);
        let midnight = Wall::from_unix_micros(day * DAY);
        let talks = page.running.iter().filter_map(|it| it.talks_since);
        let runs = talks.map(|since| between(since.max(midnight), now));
        let before = if page.day == day { page.today } else { Duration::ZERO };
        Spent {
            calls: u32::try_from(page.running.len()).unwrap_or(u32::MAX),
            this_minute: if page.minute == minute { page.this_minute } else { 0 },
            today: before + runs.sum::<Duration>(),
        }
    }

    /// A call, by any number that is its own, goes out.
    pub fn begins(&mut self, account: &Arc<str>, call: u64, now: Wall) {
        let (minute, _) = calendar(now);
        let page = self.pages.entry(Arc::clone(account)).or_default();
        if page.minute != minute {
            (page.minute, page.this_minute) = (minute, 0);
        }
        page.this_minute = page.this_minute.saturating_add(1);
        page.running.push(Running { call, talks_since: None });
    }

    /// Somebody outside took it: from now on it is talk.
    pub fn talks(&mut self, account: &str, call: u64, now: Wall) {
        let page = self.pages.get_mut(account);
        let running = page.and_then(|it| it.running.iter_mut().find(|it| it.call == call));
        if let Some(it) = running {
            it.talks_since.get_or_insert(now);
        }
    }

    /// The calls that run, and how long each of them may still talk if all of them do: what is
    /// left of the day, shared, so that calls at once do not use it up more than once.
    pub fn shares(&self, account: &str, rules: &CallOut, now: Wall) -> (Vec<u64>, Duration) {
        let Some(page) = self.pages.get(account) else { return Default::default() };
        let day = Duration::from_secs(u64::from(rules.minutes_per_day) * 60);
        let left = day.saturating_sub(self.spent(account, now).today);
        let count = u32::try_from(page.running.len()).unwrap_or(u32::MAX).max(1);
        (page.running.iter().map(|it| it.call).collect(), left / count)
    }

    /// Talk of a call that ended before a restart.
    pub fn remember(&mut self, account: &Arc<str>, talked: Duration, ended: Wall) {
        let (_, day) = calendar(ended);
        let page = self.pages.entry(Arc::clone(account)).or_default();
        if page.day < day {
            (page.day, page.today) = (day, Duration::ZERO);
        }
        if page.day == day {
            page.today += talked;
        }
    }

    /// It is over, after so much talk.
    pub fn ends(&mut self, account: &str, call: u64, talked: Duration, now: Wall) {
        let Some(page) = self.pages.get_mut(account) else { return };
        let (_, day) = calendar(now);
        if page.day != day {
            (page.day, page.today) = (day, Duration::ZERO);
        }
        let before = page.running.len();
        page.running.retain(|it| it.call != call);
        if page.running.len() < before {
            page.today += talked;
        }
    }
}

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;

/// The minute and the day of a moment, counted from 1970 (UTC).
fn calendar(at: Wall) -> (i64, i64) {
    (at.unix_micros().div_euclid(MINUTE), at.unix_micros().div_euclid(DAY))
}

fn between(from: Wall, to: Wall) -> Duration {
    let micros = to.unix_micros().saturating_sub(from.unix_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::model::directory::Parts;

    fn rules() -> CallOut {
        CallOut {
            trunk: None,
            caller_ids: vec!["+15550100001".into(), "+15550100002".into()],
            prefixes: vec!["+1512".to_owned(), "+44".to_owned()],
            country: Some("US".into()),
            max_calls: 2,
            calls_per_minute: 3,
            minutes_per_day: 10,
        }
    }

    fn account(user: &str, call_out: Option<CallOut>) -> Account {
        Account { call_out, ..Account::new(user, Secret::Password("x".into())) }
    }

    fn client(id: &str, account: &str) -> ReceivingNumber {
        ReceivingNumber::new(id, Endpoint::Client { account: account.into() })
    }

    fn directory() -> Directory {
        let settings = Arc::new(crate::model::CallSettings::new("default"));
        let phone = Endpoint::Phone { number: "+15125550177".into(), trunk: None };
        Directory::new(Parts {
            tracking_numbers: vec![TrackingNumber::new(
                "+15550100001",
                crate::model::Route::Hangup,
                settings,
            )],
            receiving_numbers: vec![
                client("bobs desk", "bob"),
                ReceivingNumber { prevent_recording: true, ..client("front", "bob") },
                ReceivingNumber::new("mobile", phone),
            ],
            accounts: vec![account("ann", Some(rules())), account("bob", None)],
            ..Parts::default()
        })
    }

    fn who(dialled: &str, account: Option<&Account>) -> String {
        match reach(&directory(), dialled, account) {
            Ok(Reach::Tracking(it)) => format!("tracking {}", it.number),
            Ok(Reach::Inside(it)) => format!("inside {}", it.id),
            Ok(Reach::Outside { to, .. }) => format!("outside {}", to.id),
            Err(barred) => barred.cause().reason,
        }
    }

    #[test]
    fn what_is_dialled_is_somebody_of_ours_before_it_is_somebody_outside() {
        let ann = account("ann", Some(rules()));
        for (dialled, is) in [
            ("15550100001", "tracking +15550100001"),
            ("mobile", "inside mobile"),
            ("+15125550177", "inside mobile"),
            ("(512) 555-0177", "inside mobile"),
            ("ann", "inside client:ann"),
            ("client:bob", "inside bobs desk"),
            ("+15125550188", "outside +15125550188"),
            ("512 555 0188", "outside +15125550188"),
            ("+442071838750", "outside +442071838750"),
            ("+12025550188", "not_allowed"),
            ("nobody", "unknown_number"),
            ("", "unknown_number"),
        ] {
            assert_eq!(who(dialled, Some(&ann)), is, "{dialled}");
        }
    }

    #[test]
    fn nobody_calls_out_who_was_not_told_that_it_may() {
        let bob = account("bob", None);
        assert_eq!(who("+15125550188", Some(&bob)), "not_allowed");
        assert_eq!(who("+15125550188", None), "not_allowed");
        assert_eq!(who("+15125550177", None), "inside mobile");
    }

    #[test]
    fn a_phone_that_is_forbidden_to_be_recorded_once_is_so_by_whatever_name() {
        let Ok(Reach::Inside(bob)) = reach(&directory(), "bob", None) else { panic!() };
        assert!(bob.prevent_recording);
    }

    #[test]
    fn only_numbers_of_its_own_are_shown() {
        let shows = |number: &str, private| {
            let caller = Caller { private, ..Caller::new(number) };
            shown(&rules(), &caller).unwrap().number
        };
        assert_eq!(shows("+15550100002", false), CallerNumber::Fixed("+15550100002".into()));
        assert_eq!(shows("+19005550000", false), CallerNumber::Fixed("+15550100001".into()));
        assert_eq!(shows("+15550100002", true), CallerNumber::Anonymous);
        let none = CallOut { caller_ids: Vec::new(), ..rules() };
        assert_eq!(shown(&none, &Caller::new("ann")), Err(Barred::NoCallerId));
    }

    #[test]
    fn a_phone_is_who_its_account_says() {
        let is = |account: &Account, says: &str| vouched(account, Caller::new(says)).number;
        let ann = account("ann", Some(rules()));
        for (says, number) in
            [("+15550100002", "+15550100002"), ("+1900", "+15550100001"), ("ann", "+15550100001")]
        {
            assert_eq!(is(&ann, says), number);
        }
        assert_eq!(is(&account("bob", None), "+15550100002"), "bob");
    }

    fn at(seconds: i64) -> Wall {
        Wall::from_unix_micros(20_000 * DAY + seconds * 1_000_000)
    }

    #[test]
    fn calls_at_once_in_a_minute_and_minutes_of_a_day_are_counted_and_limited_exactly() {
        let (mut ledger, ann) = (Ledger::default(), Arc::from("ann"));
        let may = |ledger: &Ledger, now| may_spend(&rules(), &ledger.spent("ann", now));
        assert_eq!(may(&ledger, at(0)), Ok(Duration::from_secs(600)));
        ledger.begins(&ann, 1, at(0));
        ledger.talks("ann", 1, at(0));
        ledger.begins(&ann, 2, at(10));
        assert_eq!(may(&ledger, at(20)), Err(Barred::Concurrency));
        ledger.ends("ann", 2, Duration::from_secs(5), at(20));
        ledger.begins(&ann, 3, at(30));
        ledger.ends("ann", 3, Duration::ZERO, at(31));
        assert_eq!(may(&ledger, at(59)), Err(Barred::Pace));
        // 60 s of the call that runs, 5 s of the one that is over.
        assert_eq!(may(&ledger, at(60)), Ok(Duration::from_secs(535)));
        assert_eq!(may(&ledger, at(594)), Ok(Duration::from_secs(1)));
        assert_eq!(may(&ledger, at(595)), Err(Barred::Minutes));
        ledger.ends("ann", 1, Duration::from_secs(594), at(600));
        assert_eq!(may(&ledger, at(601)), Ok(Duration::from_secs(1)));
        // Said twice, counted once.
        ledger.ends("ann", 1, Duration::from_secs(594), at(601));
        assert_eq!(may(&ledger, at(602)), Ok(Duration::from_secs(1)));
        assert_eq!(may(&ledger, at(86_400)), Ok(Duration::from_secs(600)), "a new day");
    }

    #[test]
    fn calls_at_once_share_what_is_left_and_who_only_rings_uses_nothing() {
        let (mut ledger, ann) = (Ledger::default(), Arc::from("ann"));
        let shares = |ledger: &Ledger, now| ledger.shares("ann", &rules(), now);
        assert_eq!(shares(&ledger, at(0)), (vec![], Duration::ZERO));
        ledger.begins(&ann, 1, at(0));
        ledger.talks("ann", 1, at(100));
        ledger.begins(&ann, 2, at(100));
        assert_eq!(shares(&ledger, at(200)), (vec![1, 2], Duration::from_secs(250)));
        ledger.ends("ann", 1, Duration::from_secs(150), at(250));
        assert_eq!(shares(&ledger, at(300)), (vec![2], Duration::from_secs(450)));
    }

    #[test]
    fn talk_of_this_day_before_a_restart_counts_and_that_of_another_does_not() {
        let (mut ledger, ann) = (Ledger::default(), Arc::from("ann"));
        for (seconds, ended) in [(50, -10), (60, 10), (70, 20), (80, -5)] {
            ledger.remember(&ann, Duration::from_secs(seconds), at(ended));
        }
        assert_eq!(ledger.spent("ann", at(30)).today, Duration::from_secs(130));
        assert_eq!(ledger.spent("ann", at(86_400)).today, Duration::ZERO);
    }

    #[test]
    fn a_call_over_midnight_counts_for_each_day_while_it_runs() {
        let (mut ledger, ann) = (Ledger::default(), Arc::from("ann"));
        ledger.begins(&ann, 1, at(86_400 - 310));
        ledger.talks("ann", 1, at(86_400 - 300));
        assert_eq!(ledger.spent("ann", at(86_400 - 1)).today, Duration::from_secs(299));
        assert_eq!(ledger.spent("ann", at(86_400 + 60)).today, Duration::from_secs(60));
    }
}
