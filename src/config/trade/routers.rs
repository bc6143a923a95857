//! Keys of smart routers and geo routers.

use crate::config::keys::{section, tables};
use crate::config::lists::{Entries, Many};
use crate::config::routes::RouteWord;
use crate::config::value::{Count, Name, Time};
use crate::config::words::{AreaCode, HeaderName, Message, Number, NumberPrefix, State};
use crate::model::schedule::Zone;

section! {
    /// A smart router: the first rule that holds says where the call goes.
    SmartRouterKeys {
        /// What routes call it.
        name: Name = required("\"by-hour\"");
        /// Where the call goes when no rule holds.
        otherwise: RouteWord = default("\"hangup\"");
        /// The rules, in order.
        rule: Vec<RuleKeys> = tables();
    }
}

section! {
    /// A rule: everything in `when` must be so, and nothing in `unless`.
    RuleKeys {
        /// For people, and for the call's path.
        name: String = default("\"\"");
        /// What must be so, all of it. Without anything the rule always holds.
        when: WhenKeys = table();
        /// What must not be so, none of it.
        unless: WhenKeys = table();
        /// Where the call goes.
        route: RouteWord = required("{ dial = \"shop\" }");
    }
}

section! {
    /// What can be so of a call. Where a list is written, one of it is enough.
    WhenKeys {
        /// The caller's number is this.
        caller: Option<Many<Number>> = optional("[\"+12025550173\"]");
        /// The caller's number begins with this.
        caller_prefix: Option<Many<NumberPrefix>> = optional("\"+1202\"");
        /// Whether the caller withholds its number.
        anonymous: Option<bool> = optional("false");
        /// The caller has called before, within this time.
        repeat_caller: Option<Time<1_000, 2_592_000_000>> = optional("\"30d\"");
        /// The tracking number that was dialled.
        tracking_number: Option<Many<Name>> = optional("\"+12025550100\"") names tracking_number;
        /// The source of that tracking number.
        source: Option<Many<String>> = optional("[\"ads\", \"radio\"]");
        /// A tag of the call.
        tag: Option<Many<String>> = optional("\"spring\"");
        /// A schedule that is open now.
        open: Option<Name> = optional("\"office\"") names schedule;
        /// It is within these hours, in `zone`.
        hours: Option<Many<Name>> = optional("\"mon-fri 09:00-17:00\"");
        /// It is one of these dates, in `zone`: `2026-12-24`, of every year `12-24`, or from one to
        /// another.
        date: Option<Many<Name>> = optional("[\"12-24 to 01-01\", \"2027-03-28\"]");
        /// The time zone of `hours` and `date`.
        zone: Option<Zone> = optional("\"America/New_York\"");
        /// The caller's area code, in North America.
        area_code: Option<Many<AreaCode>> = optional("[\"202\", \"703\"]");
        /// The caller's state or province, by its area code.
        state: Option<Many<State>> = optional("[\"DC\", \"VA\"]");
        /// A header field of the caller's INVITE.
        header: Option<Many<HeaderKeys>> =
            optional("{ name = \"X-Campaign\", begins = \"spring\" }");
        /// So many calls of a hundred, by chance.
        percent: Option<Count<1, 100>> = optional("30");
        /// How things are in a queue.
        queue: Option<Many<QueueWhenKeys>> = optional("{ name = \"sales\", waiting = 3 }");
    }
}

section! {
    /// What a header field says. With its name alone, it is there. Case matters nowhere in it.
    HeaderKeys {
        /// Its name.
        name: HeaderName = required("\"X-Campaign\"");
        /// It says exactly this, ...
        is: Option<String> = optional("\"spring\"");
        /// ... begins with this, ...
        begins: Option<String> = optional("\"spring\"");
        /// ... or has this in it.
        contains: Option<String> = optional("\"spring\"");
    }
}

section! {
    /// How things are in a queue.
    QueueWhenKeys {
        /// The queue.
        name: Name = required("\"sales\"") names queue;
        /// At least so many callers wait.
        waiting: Option<Count<1, 10_000>> = optional("3");
        /// At least so many members could take a call now.
        free: Option<Count<1, 10_000>> = optional("1");
        /// Somebody has waited for at least so long.
        longest_wait: Option<Time<1_000, 86_400_000>> = optional("\"2m\"");
    }
}

section! {
    /// A geo router: the caller's ZIP code leads to the next place.
    GeoRouterKeys {
        /// What routes call it.
        name: Name = required("\"nearest\"");
        /// Asks for the ZIP code; without it nobody is asked.
        prompt: Option<Message> = optional("{ text = \"Type your ZIP code.\" }");
        /// Said when it was no ZIP code.
        invalid: Option<Message> = optional("{ text = \"There is no such ZIP code.\" }");
        /// How long the next key is waited for.
        timeout: Time<500, 120_000> = default("\"5s\"");
        /// How often the caller is asked again.
        repeats: Count<0, 10> = default("2");
        /// Whether the caller's area code is taken as a hint where no ZIP code was typed.
        area_code: bool = default("true");
        /// ZIP codes or their first digits, and where they lead. The longest that fits stands.
        zips: Option<Entries<RouteWord>> =
            shown("{ 200 = { dial = \"shop\" }, 20001 = { queue = \"sales\" } }");
        /// Places by their ZIP code, and where the callers nearest to them go.
        nearest: Option<Entries<RouteWord>> =
            optional("{ 20001 = { dial = \"shop\" }, 10001 = { queue = \"sales\" } }");
        /// The farthest that the nearest may be, in miles; any distance if it is not there.
        max_miles: Option<Count<1, 12_500>> = optional("50");
        /// Where the call goes without a ZIP code, or with one that leads nowhere.
        otherwise: RouteWord = default("\"hangup\"");
    }
}

tables! { SmartRouterKeys, RuleKeys, WhenKeys, HeaderKeys or "name", QueueWhenKeys, GeoRouterKeys }
