//! Keys of queues.

use crate::config::keys::{section, tables};
use crate::config::routes::RouteWord;
use crate::config::value::{Count, Name, Time};
use crate::config::voice::Voice;
use crate::config::words::Message;
use crate::model::{Distribution, QueueEntry};

section! {
    /// A queue: callers wait, agents and receiving numbers take them in turn.
    QueueKeys {
        /// What routes call it.
        name: Name = required("\"sales\"");
        /// Who takes its calls: names of receiving numbers, `{ agent = "alice" }`.
        members: Vec<MemberKeys> = required("[\"shop\", { agent = \"alice\", weight = 2 }]");
        /// Who is offered the next caller.
        distribution: Distribution = default("\"simultaneous\"");
        /// Heard while waiting, over and over; a ringing tone if it is not there.
        music: Option<Message> = optional("{ file = \"hold.wav\" }");
        /// Said once on entry.
        welcome: Option<Message> = optional("{ text = \"All of us are talking.\" }");
        /// Tells callers their place in the line. A text is short for it.
        position: Option<PositionKeys> = optional_table();
        /// Said again and again while a caller waits.
        announcement: Option<Message> = optional("{ text = \"Thank you for waiting.\" }");
        /// How often position and announcement are said.
        announce_every: Time<5_000, 3_600_000> = default("\"30s\"");
        /// How long a caller waits.
        max_wait: Time<1_000, 86_400_000> = default("\"30s\"");
        /// Callers that may wait at once, one more goes to `no_answer`; no limit if it is not
        /// there.
        max_length: Option<Count<1, 10_000>> = optional("20");
        /// Where callers go whom nobody took in time.
        no_answer: RouteWord = default("\"hangup\"");
        /// Callers go to `no_answer` at once when no member is there at all.
        bypass_unavailable: bool = default("false");
        /// When it is open; always if it is not there.
        schedule: Option<Name> = optional("\"office\"") names schedule;
        /// Where callers go while it is closed.
        outside_hours: RouteWord = default("\"hangup\"");
        /// How long a member is left alone after a call.
        wrap_up: Time<0, 3_600_000> = default("0");
        /// Whether callers are answered on entry, or hear the queue as early media.
        entry: QueueEntry = default("\"answer\"");
    }
}

section! {
    /// Somebody who takes a queue's calls. A text is short for `number`.
    MemberKeys {
        /// A receiving number ...
        number: Option<Name> = optional("\"shop\"") names receiving_number;
        /// ... or an agent.
        agent: Option<Name> = optional("\"alice\"") names agent;
        /// Its share of the calls where the distribution is weighted; 0: only when no other is
        /// free.
        weight: Count<0, 10_000> = default("1");
    }
}

section! {
    /// What callers are told of their place in the line.
    PositionKeys {
        /// The text; {position} stands for 1 to 10.
        text: String = required("\"You are number {position} in line.\"");
        /// Said further back in the line.
        further: String = default("\"There are more than ten callers before you.\"");
        /// Its voice.
        voice: Option<Voice> = optional("\"slt\"");
    }
}

tables! { QueueKeys, MemberKeys or "number", PositionKeys or "text" }
