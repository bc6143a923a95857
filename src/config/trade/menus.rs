//! Keys of what people are asked: voice menus, voicemail boxes, the menu after the call.

use crate::config::keys::{section, tables};
use crate::config::lists::Entries;
use crate::config::routes::RouteWord;
use crate::config::value::{Count, Name, Time};
use crate::config::words::Message;

section! {
    /// A voice menu: a prompt, and where each answer leads.
    VoiceMenuKeys {
        /// What routes call it.
        name: Name = required("\"main\"");
        /// Said to the caller.
        prompt: Message = required("{ text = \"For sales press 1, for support press 2.\" }");
        /// Answers of one or more keys, 0-9 * # A-D, and where they lead.
        keys: Entries<RouteWord> =
            required("{ 1 = { queue = \"sales\" }, 2 = { dial = \"shop\" }, \"#\" = \"hangup\" }");
        /// Whether a key ends the prompt; else keys count from its end on.
        barge_in: bool = default("true");
        /// How long the first key is waited for after the prompt.
        timeout: Time<500, 120_000> = default("\"5s\"");
        /// How long the next key of a longer answer is waited for.
        between_keys: Time<500, 60_000> = default("\"3s\"");
        /// Said when an answer leads nowhere.
        invalid: Option<Message> = optional("{ text = \"That leads nowhere.\" }");
        /// Said when nothing was pressed.
        silent: Option<Message> = optional("{ text = \"Are you still there?\" }");
        /// How often the caller is asked again.
        repeats: Count<0, 10> = default("2");
        /// Where the call goes when no answer was understood.
        otherwise: RouteWord = default("\"hangup\"");
    }
}

section! {
    /// A voicemail box: where callers leave messages.
    VoicemailKeys {
        /// What routes call it.
        name: Name = required("\"messages\"");
        /// Said before the tone.
        greeting: Option<Message> = optional("{ text = \"Leave a message after the tone.\" }");
        /// The longest message.
        max_length: Time<1_000, 3_600_000> = default("\"3m\"");
        /// Silence of this length ends it.
        silence: Time<1_000, 60_000> = default("\"5s\"");
        /// Shorter messages are thrown away.
        min_length: Time<0, 60_000> = default("\"1s\"");
        /// Whose box it is: recorded as the lead owner. One of `[[agent]]`, if there are any.
        agent: Option<Name> = optional("\"alice\"") names agent;
    }
}

section! {
    /// What the answering person is asked once the caller has gone.
    ScoreKeys {
        /// Said to that person.
        prompt: Message = default("{ text = \"What was this call worth? Press 1 to 5.\" }");
        /// The keys that are scores.
        keys: String = default("\"12345\"");
        /// How long the key is waited for after the prompt.
        timeout: Time<1_000, 120_000> = default("\"10s\"");
        /// How often the prompt is said again.
        repeats: Count<0, 10> = default("1");
    }
}

tables! { VoiceMenuKeys, VoicemailKeys, ScoreKeys }
