//! Keys of virtual agents.

use crate::config::keys::{section, tables};
use crate::config::lists::Entries;
use crate::config::routes::RouteWord;
use crate::config::value::{Name, Time};
use crate::config::words::WebSocket;

section! {
    /// A virtual agent: a program that talks to callers over a WebSocket.
    VirtualAgentKeys {
        /// What routes call it.
        name: Name = required("\"reception\"");
        /// Where it is.
        url: WebSocket = required("\"ws://127.0.0.1:8765/\"");
        /// Told to it when the stream begins: names and texts.
        parameters: Option<Entries<String>> = optional("{ campaign = \"spring\" }");
        /// Where it may hand the call to, by the name that it says.
        routes: Option<Entries<RouteWord>> = optional("{ sales = { queue = \"sales\" } }");
        /// How long it may take to be there.
        timeout: Time<100, 10_000> = default("\"3s\"");
        /// Where the call goes when it is not there, or breaks off.
        no_answer: RouteWord = default("\"hangup\"");
        /// Where the call goes when it ends the stream in good order.
        after: RouteWord = default("\"hangup\"");
        /// The longest conversation.
        max_duration: Time<1_000, 86_400_000> = default("\"30m\"");
        /// The conversation is not recorded.
        prevent_recording: bool = default("false");
    }
}

tables! { VirtualAgentKeys }
