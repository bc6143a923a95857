//! Who may send us SIP, and where they are.
