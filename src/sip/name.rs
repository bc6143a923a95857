//! Header names: case-insensitive, with the compact forms of RFC 3261 section 7.3.3.

/// Makes the names from one table: name, text, compact form, whether it is a list.
macro_rules! names {
    ($(($name:ident, $text:literal, $compact:literal, $list:literal),)*) => {
        /// A header. What is not listed is `Other`, by the name to look for or to write.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Name {
            $($name,)*
            Other(&'static str),
        }

        #[derive(Clone, Copy)]
        enum Number {
            $($name,)*
        }

        const TABLE: &[(&str, &str, bool)] = &[$(($text, $compact, $list),)*];

        impl Name {
            #[inline]
            pub(super) fn code(self) -> Code {
                match self {
                    $(Self::$name => Code(Number::$name as u8),)*
                    Self::Other(name) => Code::of(name.as_bytes()),
                }
            }

            /// The text as the RFCs write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(name) => name,
                }
            }
        }

        #[cfg(test)]
        const ALL: &[Name] = &[$(Name::$name,)*];
    };
}

names! {
    (Accept, "Accept", "", true),
    (AcceptEncoding, "Accept-Encoding", "", true),
    (Allow, "Allow", "", true),
    (Authorization, "Authorization", "", false),
    (CSeq, "CSeq", "", false),
    (CallId, "Call-ID", "i", false),
    (Contact, "Contact", "m", true),
    (ContentDisposition, "Content-Disposition", "", false),
    (ContentEncoding, "Content-Encoding", "e", true),
    (ContentLength, "Content-Length", "l", false),
    (ContentType, "Content-Type", "c", false),
    (Date, "Date", "", false),
    (Diversion, "Diversion", "", true),
    (Event, "Event", "o", false),
    (Expires, "Expires", "", false),
    (From, "From", "f", false),
    (HistoryInfo, "History-Info", "", true),
    (Identity, "Identity", "y", false),
    (MaxForwards, "Max-Forwards", "", false),
    (MinExpires, "Min-Expires", "", false),
    (MinSE, "Min-SE", "", false),
    (PAssertedIdentity, "P-Asserted-Identity", "", true),
    (PPreferredIdentity, "P-Preferred-Identity", "", true),
    (Path, "Path", "", true),
    (Privacy, "Privacy", "", false),
    (ProxyAuthenticate, "Proxy-Authenticate", "", false),
    (ProxyAuthorization, "Proxy-Authorization", "", false),
    (ProxyRequire, "Proxy-Require", "", true),
    (RAck, "RAck", "", false),
    (RSeq, "RSeq", "", false),
    (Reason, "Reason", "", true),
    (RecordRoute, "Record-Route", "", true),
    (ReferTo, "Refer-To", "r", false),
    (RemotePartyId, "Remote-Party-ID", "", true),
    (Replaces, "Replaces", "", false),
    (Require, "Require", "", true),
    (RetryAfter, "Retry-After", "", false),
    (Route, "Route", "", true),
    (Server, "Server", "", false),
    (ServiceRoute, "Service-Route", "", true),
    (SessionExpires, "Session-Expires", "x", false),
    (Subject, "Subject", "s", false),
    (Supported, "Supported", "k", true),
    (Timestamp, "Timestamp", "", false),
    (To, "To", "t", false),
    (Unsupported, "Unsupported", "", true),
    (UserAgent, "User-Agent", "", false),
    (Via, "Via", "v", true),
    (Warning, "Warning", "", true),
    (WwwAuthenticate, "WWW-Authenticate", "", false),
}

/// The number of a header in an index; [`Code::OTHER`] for what is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(u8);

impl Code {
    pub const OTHER: Self = Self(u8::MAX);

    /// A set with only this header in it; what is not in the table is in no set.
    pub const fn set(self) -> u64 {
        const { assert!(TABLE.len() <= 64) };
        if self.0 < 64 { 1 << self.0 } else { 0 }
    }

    /// The header that a line's name stands for.
    pub fn of(name: &[u8]) -> Self {
        let mut at = hash(name);
        while let Some(entry) = SLOTS.get(at).copied().filter(|it| *it != EMPTY) {
            let (text, compact, _) = TABLE[usize::from(entry >> 1)];
            let text = if entry & 1 == 0 { text } else { compact };
            // Most names are written as the RFCs write them.
            if name == text.as_bytes() || name.eq_ignore_ascii_case(text.as_bytes()) {
                return Self((entry >> 1) as u8);
            }
            at = (at + 1) % SLOTS.len();
        }
        Self::OTHER
    }
}

const EMPTY: u16 = u16::MAX;
/// A hash table made by the compiler: entry * 2, + 1 for the compact form.
const SLOTS: [u16; 256] = {
    let mut slots = [EMPTY; 256];
    let mut n = 0;
    while n < TABLE.len() {
        let mut form = 0;
        while form < 2 {
            let text = if form == 0 { TABLE[n].0 } else { TABLE[n].1 };
            if !text.is_empty() {
                let mut at = hash(text.as_bytes());
                while slots[at] != EMPTY {
                    at = (at + 1) % slots.len();
                }
                slots[at] = (n as u16) * 2 + form;
            }
            form += 1;
        }
        n += 1;
    }
    slots
};

/// Length, first and last letter tell most names apart.
const fn hash(name: &[u8]) -> usize {
    if name.is_empty() {
        return 0;
    }
    let first = (name[0] | 0x20) as usize;
    let last = (name[name.len() - 1] | 0x20) as usize;
    let middle = (name[name.len() / 2] | 0x20) as usize;
    (name.len() * 37 + first * 7 + last * 3 + middle) % 256
}

/// The long form of a name in the table, however it is written.
pub(super) fn long_form(name: &[u8]) -> Option<&'static str> {
    TABLE.get(usize::from(Code::of(name).0)).map(|(text, ..)| *text)
}

impl Name {
    /// Whether its value is a list that commas separate (RFC 3261 section 7.3.1).
    pub(super) fn is_list(self) -> bool {
        TABLE.get(usize::from(self.code().0)).is_some_and(|(_, _, list)| *list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_name_is_found() {
        for (name, (text, compact, _)) in ALL.iter().zip(TABLE) {
            assert_eq!(Code::of(text.to_uppercase().as_bytes()), name.code());
            assert_eq!(Code::of(text.to_lowercase().as_bytes()), name.code());
            if !compact.is_empty() {
                assert_eq!(Code::of(compact.to_uppercase().as_bytes()), name.code());
            }
        }
        assert_eq!(Code::of(b"X-Custom"), Code::OTHER);
        assert_eq!(Code::of(b""), Code::OTHER);
    }
}
