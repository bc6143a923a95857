//! Keys of agents, of what phones may call outside, and of tags that records are given.

use crate::audio::Digit;
use crate::config::keys::{section, tables};
use crate::config::lists::Many;
use crate::config::value::{Count, Name, Time};
use crate::config::words::{Number, NumberPrefix};
use crate::model::record::Outcome;

section! {
    /// An agent: a person who is credited with calls, and takes those of queues.
    AgentKeys {
        /// What routes, queues and receiving numbers call it.
        name: Name = required("\"alice\"");
        /// As people know it; its name if it is not there.
        full_name: Option<String> = optional("\"Alice Archer\"");
        /// The receiving numbers that ring it.
        numbers: Option<Vec<Name>> = shown("[\"shop\"]") names receiving_number;
        /// The account whose phones ring it as well.
        account: Option<Name> = optional("\"alice\"") names account;
    }
}

section! {
    /// What the phones of an account may call through a trunk, and how much of it.
    CallOutKeys {
        /// Beginnings of the numbers that may be dialled.
        prefixes: Vec<NumberPrefix> = required("[\"+1\"]");
        /// The numbers it may show. The first is shown, unless the phone asks for another.
        caller_ids: Vec<Number> = required("[\"+12025550100\"]");
        /// The trunk; the default trunk if it is not there.
        trunk: Option<Name> = optional("\"carrier\"") names trunk;
        /// Where numbers without a country are.
        country: Option<String> = optional("\"US\"");
        /// Calls at once.
        max_calls: Count<1, 1_000> = default("2");
        /// Calls that may begin in a minute.
        calls_per_minute: Count<1, 1_000> = default("10");
        /// Minutes of talk in a day (UTC).
        minutes_per_day: Count<1, 1_000_000> = default("120");
    }
}

section! {
    /// Tags that finished calls are given, inside of the tagging schedule of their destination.
    TagRuleKeys {
        /// What it is called; rules of a file need no name.
        name: Option<Name> = optional("\"good leads\"");
        /// What must be so of the call, all of it. Without anything it is every call.
        when: TagWhenKeys = table();
        /// The tags.
        tags: Many<String> = required("[\"good lead\"]");
    }
}

section! {
    /// What can be so of a finished call. Where a list is written, one of it is enough.
    TagWhenKeys {
        /// Whether somebody took it.
        answered: Option<bool> = optional("true");
        /// The best that came of ringing destinations.
        outcome: Option<Many<Outcome>> = optional("\"answered\"");
        /// It was talked for at least so long.
        talk_at_least: Option<Time<1_000, 86_400_000>> = optional("\"30s\"");
        /// It was talked for less than this.
        talk_less: Option<Time<1_000, 86_400_000>> = optional("\"10m\"");
        /// The tracking number.
        tracking_number: Option<Many<Name>> = optional("\"+12025550100\"") names tracking_number;
        /// The source of that tracking number.
        source: Option<Many<String>> = optional("\"ads\"");
        /// The caller's number begins with this.
        caller_prefix: Option<Many<NumberPrefix>> = optional("\"+1202\"");
        /// The receiving number that took it.
        destination: Option<Many<Name>> = optional("\"shop\"") names receiving_number;
        /// The agent who is credited with it.
        agent: Option<Many<Name>> = optional("\"alice\"") names agent;
        /// The score it was given.
        score: Option<Many<Digit>> = optional("[\"4\", \"5\"]");
    }
}

tables! { AgentKeys, CallOutKeys, TagRuleKeys, TagWhenKeys }
