//! Keys of the trade: trunks, accounts, schedules, call settings, receiving and tracking numbers
//! here; what else there is in the files beside.

mod menus;
mod people;
mod queues;
mod routers;
mod virtual_agents;
mod webhooks;

pub use self::menus::{ScoreKeys, VoiceMenuKeys, VoicemailKeys};
pub use self::people::{AgentKeys, CallOutKeys, TagRuleKeys, TagWhenKeys};
pub use self::queues::{MemberKeys, PositionKeys, QueueKeys};
pub use self::routers::{
    GeoRouterKeys, HeaderKeys, QueueWhenKeys, RuleKeys, SmartRouterKeys, WhenKeys,
};
pub use self::virtual_agents::VirtualAgentKeys;
pub use self::webhooks::WebhookKeys;
use super::keys::{section, tables};
use super::routes::RouteWord;
use super::value::{Code, Count, Hidden, Name, Names, OrOff, Time};
use super::voice::Voice;
use super::words::{
    Announced, CallerNumberWord, Message, Music, Number, NumberPrefix, NumbersWord,
};
use crate::audio::Digit;
use crate::model::extension::Extension;
use crate::model::schedule::Zone;
use crate::model::trunk::{CallerIdHeaders, Network, Reliable, TrunkTransport};
use crate::model::{EarlyMedia, KeysBy, Order};

section! {
    /// A carrier: how its calls are recognised, how ours reach it, how it wants things.
    TrunkKeys {
        /// What receiving numbers call it.
        name: Name = required("\"carrier\"");
        /// Its calls come from these networks; of all trunks the longest prefix wins. The source
        /// address of UDP can be forged: carriers that can should authenticate too.
        sources: Vec<Network> = default("[]");
        /// Must be true for a source that is everybody (0.0.0.0/0).
        allow_any_source: bool = default("false");
        /// The listeners its calls arrive at; all if none is named.
        listeners: Vec<Name> = default("[]") names listener;
        /// Its calls must carry a digest of this user ...
        inbound_user: Option<String> = optional("\"carrier\"");
        /// ... and this password.
        inbound_password: Option<Hidden> = optional("\"secret\"");
        /// What answers its challenges: the user ...
        user: Option<String> = optional("\"me\"");
        /// ... the password ...
        password: Option<Hidden> = optional("\"secret\"") to addresses;
        /// ... and the realm they are for; any if it is not there.
        realm: Option<String> = optional("\"sip.example.com\"");
        /// Where our calls to it go. `"host"` or `"host:port"` is short for an address.
        addresses: Option<Vec<AddressKeys>> = shown("[\"sip.example.com\"]");
        /// It carries the calls to phone numbers that name no trunk. Without any such, the first.
        default: bool = default("false");
        /// How it writes numbers: `"plus"` +15550100001, `"digits"` 15550100001, or
        /// `{ national = "US" }` as dialled inside that country.
        numbers: NumbersWord = default("\"plus\"");
        /// Goes before the numbers we dial there (technical prefix).
        number_prefix: String = default("\"\"");
        /// How the caller's number is told besides From: P-Asserted-Identity, Remote-Party-ID,
        /// or not at all.
        caller_id: CallerIdHeaders = default("\"asserted\"");
        /// Whether it may send audio before the answer, and be sent some.
        early_media: bool = default("true");
        /// Session timer (RFC 4028) that we ask for.
        session_timer: OrOff<Time<90_000, 86_400_000>> = default("\"30m\"");
        /// Shorter session timers of the far end are refused with 422.
        session_min: Time<90_000, 86_400_000> = default("\"90s\"");
        /// Reliable provisional responses (RFC 3262).
        reliable: Reliable = default("\"supported\"");
        /// How digits reach its destinations: RFC 4733 or in-band, SIP INFO, in-band.
        keys: KeysBy = default("\"auto\"");
        /// How often OPTIONS asks each address whether it is there; of a name, each address that
        /// it leads to, and it counts as down when all of those do.
        probe: OrOff<Time<1_000, 3_600_000>> = default("\"30s\"");
        /// An address counts as down after so many probes without an answer.
        probe_down_after: Count<1, 100> = default("3");
        /// And as up again after so many answers.
        probe_up_after: Count<1, 100> = default("2");
        /// How long an address is tried last after a call through it failed.
        cooldown: Time<0, 3_600_000> = default("\"30s\"");
        /// Calls at once, both directions; no limit if it is not there.
        max_calls: Option<Count<1, 1_000_000>> = optional("100");
        /// Calls that may begin in one second, both directions; no limit if it is not there.
        max_calls_per_second: Option<Count<1, 100_000>> = optional("10");
    }
}

section! {
    /// One of a trunk's addresses.
    AddressKeys {
        /// A name or an IP address, with a port if it is not the usual one.
        host: String = required("\"sip.example.com\"");
        /// The transport that requests go by.
        transport: TrunkTransport = default("\"udp\"");
        /// It takes TCP as well: requests that are too large for UDP go that way.
        tcp_too: bool = default("false");
        /// Lower ones are tried first.
        priority: Count<0, 65_535> = default("10");
        /// Its share of the calls among addresses of the same priority.
        weight: Count<0, 65_535> = default("1");
    }
}

section! {
    /// Phones that register: their credentials. A receiving number `client:USER` rings them all.
    AccountKeys {
        /// The user of the digest and of the address of record.
        user: Name = required("\"alice\"");
        /// The password; or else the hashes below.
        password: Option<Hidden> = shown("\"a long one\"");
        /// MD5 of user:realm:password, in hexadecimal.
        ha1_md5: Option<Hidden> = optional("\"5f4dcc3b5aa765d61d8327deb882cf99\"");
        /// SHA-256 of the same.
        ha1_sha256: Option<Hidden> =
            optional("\"5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8\"");
        /// Phones at once; `[registrar] max_contacts` if it is not there.
        max_contacts: Option<Count<1, 1_000>> = optional("3");
        /// What its phones may call outside of us; nothing if it is not there.
        call_out: Option<CallOutKeys> = optional_table();
    }
}

section! {
    /// Many accounts at once, for tests: `u0000`, `u0001`, ... `u0999`.
    AccountRangeKeys {
        /// The first user: letters, then digits.
        first: Name = required("\"u0000\"");
        /// The last: the same letters, as many digits.
        last: Name = required("\"u0999\"");
        /// The password of all.
        password: Hidden = required("\"pw\"");
    }
}

section! {
    /// Opening hours, by the clock on the wall of a time zone.
    ScheduleKeys {
        /// What receiving numbers, queues and routers call it.
        name: Name = required("\"office\"");
        /// The time zone.
        zone: Zone = required("\"America/New_York\"");
        /// The usual hours: days, then hours, the end not included. Hours may run over midnight.
        hours: Vec<Name> = default("[\"mon-fri 09:00-17:00\"]");
        /// Days with other hours.
        exceptions: Vec<ExceptionKeys> = default("[]");
    }
}

section! {
    /// A date with hours of its own, or a time when it is closed: `date` or `from` and `to`.
    ExceptionKeys {
        /// A date, `2026-12-25`, or of every year, `12-25`. Closed all day, unless there is more.
        date: Option<String> = optional("\"12-25\"");
        /// The hours of that date instead of the usual ones.
        hours: Option<Vec<Name>> = optional("[\"10:00-14:00\"]");
        /// Closed during these hours of that date, else as usual.
        closed: Option<String> = optional("\"12:00-13:00\"");
        /// Closed from this moment ...
        from: Option<String> = optional("\"12-24 12:00\"");
        /// ... up to this one.
        to: Option<String> = optional("\"01-02 08:00\"");
    }
}

section! {
    /// What tracking numbers share. `default` holds for those that name none.
    SettingsKeys {
        /// What tracking numbers call it.
        name: Name = required("\"default\"");
        /// Whether calls are recorded, unless the receiving number forbids it.
        record: bool = default("true");
        /// How long recordings are kept after their end, `"off"` for ever; as long as
        /// `[recordings] keep` says if it is not there. It holds for calls that come from then on.
        keep_recordings: Option<OrOff<Time<60_000, 315_360_000_000>>> = optional("\"90d\"");
        /// Said to the caller before it rings, unless no destination may be recorded.
        recording_notice: Option<Message> = optional("{ text = \"This call is recorded.\" }");
        /// Said to the caller first of all.
        greeting: Option<Message> = optional("{ file = \"welcome.wav\" }");
        /// Said to the answering person, for destinations that have no whisper of their own.
        whisper: Option<Announced> = optional("{ text = \"A call from the ads.\" }");
        /// What destinations see of the caller, unless they have a rule of their own.
        caller_id: CallerIdKeys = table();
        /// Callers who hear busy, and leave no record.
        block_list: BlockListKeys = table();
        /// What the caller hears while it rings: the tone of `"us"`, `"uk"`, `"eu"`, or
        /// `{ music = "hold.wav" }`.
        ringback: Music = default("\"us\"");
        /// What who is put on hold hears; what the other side plays itself if it is not there.
        hold_music: Option<Message> = optional("{ file = \"hold.wav\" }");
        /// The longest call, counted from connection.
        max_duration: Time<1_000, 604_800_000> = default("\"4h\"");
        /// What the caller hears of a destination that sends audio before it answers: that
        /// (`relay`, when a single one rings) or ringing.
        early_media: EarlyMedia = default("\"relay\"");
        /// The voice of texts in this set; `[prompts] voice` if it is not there.
        voice: Option<Voice> = optional("\"slt\"");
    }
}

section! {
    /// What a destination sees of the caller. A text is short for `number`.
    CallerIdKeys {
        /// The caller's number, the tracking number, no number, or a fixed one.
        number: CallerNumberWord = default("\"caller\"");
        /// Digits that go before the number.
        prefix: String = default("\"\"");
        /// The display name; {caller}, {name}, {tracking}, {label}, {source} stand for what they
        /// say.
        name: Option<String> = optional("\"Ads: {caller}\"");
    }
}

section! {
    /// Callers who hear busy.
    BlockListKeys {
        /// Numbers.
        numbers: Vec<Number> = default("[]");
        /// Beginnings of numbers.
        prefixes: Vec<NumberPrefix> = default("[]");
        /// Callers who withhold their number.
        anonymous: bool = default("false");
    }
}

section! {
    /// A destination: what a call goes through on its way to a person.
    ReceivingKeys {
        /// What routes call it.
        name: Name = required("\"shop\"");
        /// A phone number, a SIP URI `sip:...`, or `client:USER`.
        number: Name = required("\"+12025550173\"");
        /// The country of a phone number that is written as it is dialled there.
        country: Option<String> = optional("\"US\"");
        /// The trunk of a phone number; the default trunk if it is not there.
        trunk: Option<Name> = optional("\"carrier\"") names trunk;
        /// For people.
        description: String = default("\"\"");
        /// What answers the challenges of a SIP URI: the user ...
        user: Option<String> = optional("\"me\"");
        /// ... the password, which is to be given again where the number names another host ...
        password: Option<Hidden> = optional("\"secret\"") to number;
        /// ... and the realm they are for; any if it is not there.
        realm: Option<String> = optional("\"pbx.example.com\"");
        /// How digits are sent; as its trunk says if it is not there.
        keys: Option<KeysBy> = optional("\"auto\"");
        /// Keyed in after the answer: 0-9 * # A-D; w waits half a second, W a second.
        extension: Option<Extension> = optional("\"3ww1928\"");
        /// Wait before the extension.
        dial_pause: Time<0, 600_000> = default("0");
        /// Key in the extension when the far end is first heard speaking (then the dial pause).
        wait_for_voice: bool = default("false");
        /// Said to the answering person before the caller is connected; `"none"` says nothing,
        /// whatever the call settings say.
        whisper: Option<Announced> = optional("{ text = \"A call from the ads.\" }");
        /// The answering person takes the call by pressing a key. A key alone is short for it.
        accept: Option<AcceptKeys> = optional_table();
        /// An answering machine does not take the call: it counts as declined.
        decline_machines: bool = default("false");
        /// Calls answered here are never recorded.
        prevent_recording: bool = default("false");
        /// Codes that the answering person can dial; `true` is short for the usual ones.
        enhanced_forwarding: Option<CodesKeys> = optional_table();
        /// When it is open; always if it is not there.
        schedule: Option<Name> = optional("\"office\"") names schedule;
        /// Where calls go while it is closed.
        outside_hours: RouteWord = default("\"hangup\"");
        /// How long it rings, and where the call goes then.
        no_answer: NoAnswerKeys = table();
        /// What it sees of the caller; as the call settings say if it is not there.
        caller_id: Option<CallerIdKeys> = optional_table();
        /// The agent who is credited with calls answered here. One of `[[agent]]`, if there are any.
        agent: Option<Name> = optional("\"alice\"") names agent;
        /// The agent who is recorded when nobody answers.
        lead_owner: Option<Name> = optional("\"alice\"") names agent;
        /// Automatic tags apply to calls inside of these hours only.
        tagging_schedule: Option<Name> = optional("\"office\"") names schedule;
        /// The longest call of those that arrive outside of the tagging schedule.
        after_hours_limit: Option<Time<20_000, 86_400_000>> = optional("\"10m\"");
        /// Copied to the call record.
        source_tag: String = default("\"\"");
        /// It rings so much later than the others.
        ring_delay: Time<0, 600_000> = default("0");
        /// Its share of the calls where the order is weighted; 0: only when no other is left.
        weight: Count<0, 10_000> = default("1");
        /// Calls at once; no limit if it is not there.
        max_calls: Option<Count<1, 100_000>> = optional("2");
        /// Whether who answers here may put callers through to somebody else (SIP REFER); if it
        /// is not there, only phones of our own accounts may.
        may_transfer: Option<bool> = optional("true");
    }
}

section! {
    /// Taking a call by a key.
    AcceptKeys {
        /// The key that takes the call.
        key: Digit = required("\"1\"");
        /// The key that declines it.
        reject: Option<Digit> = optional("\"2\"");
        /// Said to the answering person.
        prompt: Option<Message> = optional("{ text = \"Press 1 to take the call.\" }");
        /// How long the key is waited for after the prompt.
        timeout: Time<1_000, 120_000> = default("\"10s\"");
        /// How often the prompt is said again.
        repeats: Count<0, 10> = default("2");
    }
}

section! {
    /// Codes of enhanced forwarding.
    CodesKeys {
        /// Whether they are there.
        on: bool = default("true");
        /// Stops the recording.
        stop_recording: Code = default("\"*1\"");
        /// Starts it again.
        start_recording: Code = default("\"*2\"");
        /// Asks the answering person what the call was worth, once the caller has gone.
        score: Option<ScoreKeys> = optional_table();
    }
}

section! {
    /// When a destination does not take the call.
    NoAnswerKeys {
        /// How long it rings: less than 10 minutes where there is a route. A call that has rung for
        /// 10 minutes in all, whatever rang, is ended (`route_loop`).
        timeout: Time<1_000, 600_000> = default("\"45s\"");
        /// Where the call goes then.
        route: RouteWord = default("\"hangup\"");
        /// Where it goes when the destination is busy, if somewhere else.
        busy_route: Option<RouteWord> = optional("{ dial = \"shop\" }");
    }
}

section! {
    /// A number that callers dial, and what becomes of them.
    TrackingKeys {
        /// The number: +15550100001, or as it is dialled in `country`.
        number: Name = required("\"+12025550100\"");
        /// The country of a number that is written as it is dialled there.
        country: Option<String> = optional("\"US\"");
        /// For people.
        label: String = default("\"\"");
        /// Where calls to it are attributed to.
        source: String = default("\"\"");
        /// The receiving numbers that ring; short for `route = { dial = ... }`.
        dial: Option<Names> = shown("[\"shop\"]") names receiving_number;
        /// In which order.
        order: Option<Order> = optional("\"sequence\"");
        /// Receiving numbers that join later, without ringing the others anew.
        stages: Option<Vec<StageKeys>> =
            optional("[{ after = \"15s\", numbers = [\"shop\"] }]");
        /// Where calls go, if not to receiving numbers.
        route: Option<RouteWord> = optional("\"hangup\"");
        /// The call settings.
        call_settings: Option<Name> = optional("\"default\"") names call_settings;
        /// The receiving number to dial when following the route fails inside of us.
        fail_safe: Option<Name> = optional("\"shop\"") names receiving_number;
        /// How long recordings of its calls are kept after their end, `"off"` for ever; as its
        /// call settings say if it is not there.
        keep_recordings: Option<OrOff<Time<60_000, 315_360_000_000>>> = optional("\"30d\"");
        /// Put on every call.
        tags: Vec<String> = default("[]");
    }
}

section! {
    /// Receiving numbers that join a fork later.
    StageKeys {
        /// How long after the first.
        after: Time<0, 600_000> = required("\"15s\"");
        /// The receiving numbers.
        numbers: Names = required("[\"mobile\"]") names receiving_number;
    }
}

tables! {
    TrunkKeys,
    AddressKeys or "host",
    AccountKeys,
    AccountRangeKeys,
    ScheduleKeys,
    ExceptionKeys or "date",
    SettingsKeys,
    CallerIdKeys or "number",
    BlockListKeys,
    ReceivingKeys,
    AcceptKeys or "key",
    CodesKeys or "on",
    NoAnswerKeys,
    TrackingKeys,
    StageKeys,
}
