//! Keys of webhooks.

use crate::config::keys::{section, tables};
use crate::config::value::{Count, Hidden, Name, Time};
use crate::config::words::WebAddress;
use crate::model::Wanted;

section! {
    /// A webhook: who is told of events over HTTP, signed, in the order of each call.
    WebhookKeys {
        /// What it is called.
        name: Name = required("\"crm\"");
        /// Where events are sent, one to a POST.
        url: WebAddress = required("\"https://crm.example.com/calls\"");
        /// What they are signed with: 16 characters or more.
        secret: Hidden = required("\"a long one that only both know\"") to url;
        /// Which events: names, `"call.*"` for a group, `"*"` for all.
        events: Vec<Wanted> = default("[\"*\"]");
        /// It may be at an address of this machine or of a private network.
        allow_private: bool = default("false");
        /// How long one request may take.
        timeout: Time<100, 60_000> = default("\"10s\"");
        /// Requests at once; those of one call always wait for each other.
        parallel: Count<1, 100> = default("8");
        /// What fails for so long is laid aside until somebody has it tried again.
        give_up_after: Time<1_000, 2_592_000_000> = default("\"24h\"");
        /// Whether it is told anything. What waits for it goes on waiting if not.
        enabled: bool = default("true");
    }
}

tables! { WebhookKeys }
